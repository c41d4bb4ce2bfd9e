//! The small state beside the config survives damage, other versions and other proxdecks.

use pretty_assertions::assert_eq;
use proxdeck::config::state_file::StateFile;

use super::Home;

fn file(home: &Home) -> StateFile {
    StateFile::new(home.paths().state_folder().join("state.json"))
}

#[test]
fn what_was_written_is_found_again() {
    let home = Home::empty();
    assert!(file(&home).read::<Vec<u32>>().is_empty());
    let changed = file(&home)
        .update(|numbers: &mut Vec<u32>| numbers.push(7))
        .unwrap();
    assert_eq!(changed, [7]);
    assert_eq!(file(&home).read::<Vec<u32>>(), changed);
}

#[test]
fn a_damaged_file_is_put_aside_and_not_lost() {
    let home = Home::empty();
    home.paths().create_state_folder().unwrap();
    std::fs::write(file(&home).path(), "[7, ").unwrap();
    assert!(file(&home).read::<Vec<u32>>().is_empty());
    file(&home)
        .update(|numbers: &mut Vec<u32>| numbers.push(8))
        .unwrap();
    let aside = home.path("state/state.json.damaged");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "[7, ");
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let home = Home::empty();
    let (writers, rounds) = (8, 20);
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for _ in 0..rounds {
                    file(&home).update(|count: &mut u32| *count += 1).unwrap();
                }
            });
        }
    });
    assert_eq!(file(&home).read::<u32>(), writers * rounds);
}

#[cfg(unix)]
#[test]
fn state_is_private_and_nothing_half_written_stays_behind() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::empty();
    file(&home).update(|count: &mut u32| *count = 1).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file(&home).path()), 0o600);
    assert_eq!(mode(home.paths().state_folder()), 0o700);
    let mut names: Vec<_> = std::fs::read_dir(home.paths().state_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.json.lock"]);
}

//! The small state beside the config survives damage, other versions and other proxdecks.

use pretty_assertions::assert_eq;
use proxdeck::config::preferences::{Preferences, SortOrder};
use proxdeck::config::state_file::StateFile;

use super::Home;

fn file(home: &Home) -> StateFile {
    StateFile::new(home.paths().preferences())
}

#[test]
fn what_was_chosen_is_found_again() {
    let home = Home::empty();
    assert_eq!(file(&home).read::<Preferences>(), Preferences::default());
    let sort = SortOrder {
        column: "memory".into(),
        reverse: true,
    };
    let changed = file(&home)
        .update(|preferences: &mut Preferences| {
            preferences.sort = Some(sort.clone());
            preferences.view = Some(3);
        })
        .unwrap();
    assert_eq!(changed.sort, Some(sort));
    assert_eq!(file(&home).read::<Preferences>(), changed);
}

#[test]
fn one_senseless_choice_does_not_take_the_others_along() {
    let home = Home::empty();
    home.paths().create_state_folder().unwrap();
    let content =
        r#"{"theme": 7, "view": 300, "zoom": true, "sort": {"column": []}, "of_later": [1]}"#;
    std::fs::write(file(&home).path(), content).unwrap();
    let read: Preferences = file(&home).read();
    assert_eq!((read.theme, read.view, read.sort), (None, None, None));
    assert_eq!(read.zoom, Some(true));
    let written: Preferences = file(&home).update(|_: &mut Preferences| ()).unwrap();
    assert!(written.others.contains_key("of_later"));
    let text = std::fs::read_to_string(file(&home).path()).unwrap();
    assert!(text.contains("of_later"), "{text}");
}

#[test]
fn a_damaged_file_is_put_aside_and_not_lost() {
    let home = Home::empty();
    home.paths().create_state_folder().unwrap();
    std::fs::write(file(&home).path(), "{\"theme\": \"da").unwrap();
    assert_eq!(file(&home).read::<Preferences>(), Preferences::default());
    file(&home)
        .update(|preferences: &mut Preferences| preferences.zoom = Some(false))
        .unwrap();
    let aside = home.path("state/preferences.json.damaged");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"theme\": \"da");
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
    assert_eq!(names, ["preferences.json", "preferences.json.lock"]);
}

//! Files that a person asked for: written whole or not at all, and never over another.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// So many names are tried when others have the first ones.
const MOST_NAMES: usize = 99;

/// Writes a text into a new file of a folder and returns its path.
///
/// Where the name is taken, `-2` and so on is put before its ending; what is there stays untouched.
pub fn write_new(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let mut builder = tempfile::Builder::new();
    // As any program makes files that are meant for others too: the umask decides.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // In the same folder: a rename does not cross file systems.
    let mut file = builder.prefix(".proxdeck-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    for number in 1..=MOST_NAMES {
        let path = folder.join(numbered(name, number));
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => {
                file = refused.file;
            }
            Err(refused) => return Err(refused.error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn numbered(name: &str, number: usize) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, ending))) => format!("{stem}-{number}.{ending}"),
        (_, None) => format!("{name}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_exists_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text| write_new(folder.path(), "plan.json", text).unwrap();
        let paths = [write("first"), write("second"), write("third")];
        let names = paths
            .each_ref()
            .map(|path| path.file_name().unwrap().to_str().unwrap());
        assert_eq!(names, ["plan.json", "plan-2.json", "plan-3.json"]);
        let texts = paths
            .each_ref()
            .map(|path| std::fs::read_to_string(path).unwrap());
        assert_eq!(texts, ["first", "second", "third"]);
        let all = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(all, 3, "nothing half-written is left");
    }

    #[cfg(unix)]
    #[test]
    fn not_even_through_a_dangling_link() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("elsewhere");
        std::os::unix::fs::symlink(&target, folder.path().join("plan.json")).unwrap();
        let path = write_new(folder.path(), "plan.json", "text").unwrap();
        assert!(path.ends_with("plan-2.json"));
        assert!(!target.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_new(&folder.path().join("nowhere"), "plan.json", "").is_err());
    }
}

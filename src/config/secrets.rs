//! Passwords and token secrets: where they come from, and that they go nowhere else.
//!
//! A secret is fetched when a connection is made, not when the config is read, because a command may
//! ask a person. No secret appears in `Debug`, in an error or in a log.

use std::fmt;
use std::fs::Metadata;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::error::{ConfigError, Problem, Source, shown};
use crate::domain::text::clean;

/// How long a command may take; a person may have to unlock a key ring.
pub const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// The largest secret, in bytes; more is a wrong file.
const MAX_SECRET: usize = 4096;

/// How much of a command's complaint is repeated, in characters.
const MAX_COMPLAINT: usize = 400;

/// How long the rest of the output is awaited once a command has ended.
///
/// A background process that it left behind may hold the pipe open for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// Where a secret comes from.
#[derive(Clone)]
pub enum SecretSource {
    /// It stands in the config file itself.
    Inline(SecretString),
    /// It stands in a variable of the environment.
    Variable {
        /// The variable.
        name: &'static str,
        /// What is in it.
        secret: SecretString,
    },
    /// It is all that a file holds.
    File(PathBuf),
    /// It is the first line that a program prints; the program's own words, no shell.
    Command(Vec<String>),
}

impl SecretSource {
    /// Fetches the secret; a command gets `timeout`.
    pub async fn fetch(&self, timeout: Duration) -> Result<SecretString, ConfigError> {
        let (source, bytes) = match self {
            Self::Inline(secret) | Self::Variable { secret, .. } => return Ok(secret.clone()),
            Self::File(path) => (Source::File(path.clone()), read_file(path)?),
            Self::Command(words) => {
                let source = Source::Command("secret command");
                (source, run(words, timeout).await?)
            }
        };
        let text = str::from_utf8(&bytes).unwrap_or("\0");
        let text = match self {
            Self::Command(_) => text.lines().next().unwrap_or_default(),
            Self::Inline(_) | Self::Variable { .. } | Self::File(_) => {
                text.trim_end_matches(['\r', '\n'])
            }
        };
        check(text).map_err(|message| Problem::new(source, message, "mend what it holds"))?;
        Ok(SecretString::from(text))
    }

    /// Finds what can be known to be wrong without fetching: a file that is missing or too open.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::File(path) => open(path).err(),
            Self::Inline(_) | Self::Variable { .. } | Self::Command(_) => None,
        }
    }
}

/// Says where a secret comes from, and never what it is.
impl fmt::Display for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => formatter.write_str("the config file"),
            Self::Variable { name, .. } => formatter.write_str(name),
            Self::File(path) => write!(formatter, "the file {}", shown(path)),
            // The arguments stay unsaid: people do pass passwords there.
            Self::Command(words) => {
                let program = words.first().map(String::as_str).unwrap_or_default();
                write!(formatter, "the command `{}`", clean(program))
            }
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretSource({self})")
    }
}

impl PartialEq for SecretSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(one), Self::Inline(two)) => one.expose_secret() == two.expose_secret(),
            (
                Self::Variable { name, secret },
                Self::Variable {
                    name: other_name,
                    secret: other_secret,
                },
            ) => name == other_name && secret.expose_secret() == other_secret.expose_secret(),
            (Self::File(one), Self::File(two)) => one == two,
            (Self::Command(one), Self::Command(two)) => one == two,
            (Self::Inline(_) | Self::Variable { .. } | Self::File(_) | Self::Command(_), _) => {
                false
            }
        }
    }
}

/// Says why a text cannot be a secret, if so, without repeating it.
pub(super) fn check(secret: &str) -> Result<(), &'static str> {
    if secret.trim().is_empty() {
        return Err("holds no secret, it is empty");
    }
    // A line break would end an HTTP header in the middle.
    if secret.chars().any(char::is_control) {
        return Err("holds more than one line, or characters that no secret has");
    }
    if secret.len() > MAX_SECRET {
        return Err("holds far more than a secret");
    }
    Ok(())
}

/// Refuses a file with a secret that others can read, naming the command that mends it.
pub(super) fn refuse_readable_by_others(path: &Path, metadata: &Metadata) -> Result<(), Problem> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        // Group and others: reading is what betrays a secret, writing is what replaces it.
        if metadata.is_file() && mode & 0o066 != 0 {
            return Err(Problem::new(
                Source::File(path.to_owned()),
                format!(
                    "holds a secret, and others than you may read or write it (mode {mode:04o})"
                ),
                format!("run: chmod 600 {}", shell_word(path)),
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata);
    Ok(())
}

/// Writes a path so that a shell takes it as one word.
#[cfg(unix)]
fn shell_word(path: &Path) -> String {
    let text = shown(path);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',');
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn open(path: &Path) -> Result<std::fs::File, Problem> {
    let problem = |error: std::io::Error| {
        Problem::new(
            Source::File(path.to_owned()),
            format!("cannot be read: {error}"),
            "the config names it as the place of a secret",
        )
    };
    let file = std::fs::File::open(path).map_err(problem)?;
    let metadata = file.metadata().map_err(problem)?;
    if metadata.is_dir() {
        return Err(problem(std::io::ErrorKind::IsADirectory.into()));
    }
    refuse_readable_by_others(path, &metadata)?;
    Ok(file)
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let file = open(path)?;
    // The room is taken at once: a vector that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 8));
    file.take(MAX_SECRET as u64 + 4)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Problem::new(
                Source::File(path.to_owned()),
                format!("cannot be read: {error}"),
                "the config names it as the place of a secret",
            )
        })?;
    Ok(bytes)
}

/// Runs a program and returns what it printed.
async fn run(words: &[String], timeout: Duration) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    let problem = |message: String, cure: &str| {
        Problem::new(Source::Command("secret command"), message, cure)
    };
    let program_shown = clean(program);
    let mut child = Command::new(program)
        .args(words.get(1..).unwrap_or_default())
        // Its questions go to its own terminal window or agent; ours is being drawn on.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            problem(
                format!("`{program_shown}` cannot be started: {error}"),
                "the config lists program and arguments one by one; no shell reads them",
            )
        })?;
    let mut printed = Zeroizing::new(Vec::with_capacity(2 * MAX_SECRET));
    let mut complaint = Vec::new();
    let finished = tokio::time::timeout(timeout, async {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let drained = async {
            tokio::join!(
                keep_start(stdout, &mut printed),
                keep_start(stderr, &mut complaint)
            )
        };
        tokio::pin!(drained);
        tokio::select! {
            status = child.wait() => {
                let _ = tokio::time::timeout(DRAIN, drained).await;
                status
            }
            _ = &mut drained => child.wait().await,
        }
    })
    .await;
    let complaint: String = clean(String::from_utf8_lossy(&complaint).trim())
        .chars()
        .take(MAX_COMPLAINT)
        .collect();
    let said = match complaint.as_str() {
        "" => "it said nothing".to_owned(),
        words => format!("it said: {words}"),
    };
    let try_it = "try it in a terminal of its own";
    match finished {
        Err(_) => Err(problem(
            format!(
                "`{program_shown}` did not end within {} s; {said}",
                timeout.as_secs_f32()
            ),
            "unlock what it waits for, then connect again",
        )),
        Ok(Err(error)) => Err(problem(
            format!("`{program_shown}` was lost: {error}"),
            try_it,
        )),
        Ok(Ok(status)) if !status.success() => Err(problem(
            format!("`{program_shown}` failed ({status}); {said}"),
            try_it,
        )),
        Ok(Ok(_)) if printed.trim_ascii().is_empty() => Err(problem(
            format!("`{program_shown}` printed no secret; {said}"),
            try_it,
        )),
        Ok(Ok(_)) => Ok(printed),
    }
}

/// Reads a pipe to its end and keeps the beginning.
///
/// The rest is read and dropped, because a closed pipe would make an honest program fail.
async fn keep_start(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = Zeroizing::new([0_u8; 1024]);
    while let Ok(count @ 1..) = pipe.read(&mut buffer[..]).await {
        let room = (2 * MAX_SECRET).saturating_sub(kept.len());
        kept.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn command(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(|&word| word.to_owned()).collect())
    }

    fn shell(script: &str) -> SecretSource {
        command(&["sh", "-c", script])
    }

    async fn fetched(source: &SecretSource) -> Result<String, String> {
        let secret = source.fetch(SOON).await;
        secret
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    fn file(folder: &tempfile::TempDir, content: &[u8], mode: u32) -> SecretSource {
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        SecretSource::File(path)
    }

    #[tokio::test]
    async fn a_secret_file_loses_its_line_break_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["pa ss", "pa ss\n", "pa ss\r\n"] {
            let source = file(&folder, content.as_bytes(), 0o600);
            assert_eq!(fetched(&source).await.as_deref(), Ok("pa ss"));
        }
    }

    #[tokio::test]
    async fn a_secret_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let source = file(&folder, b"hunter2", 0o640);
        let error = fetched(&source).await.unwrap_err();
        let path = folder.path().join("secret");
        assert!(
            error.ends_with(&format!("(mode 0640); run: chmod 600 {}", path.display())),
            "{error}"
        );
        assert_eq!(source.problem().unwrap().to_string(), error);
        assert!(!error.contains("hunter2"));
    }

    #[tokio::test]
    async fn a_file_that_holds_no_single_line_is_refused_without_repeating_it() {
        let folder = tempfile::tempdir().unwrap();
        for content in [
            &b""[..],
            b"\n",
            b"hunter2\nmore",
            b"hunter2\xff",
            &[b'x'; 9000],
        ] {
            let error = fetched(&file(&folder, content, 0o600)).await.unwrap_err();
            assert!(error.contains("holds"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let missing = SecretSource::File(folder.path().join("none"));
        assert!(
            fetched(&missing)
                .await
                .unwrap_err()
                .contains("cannot be read")
        );
        let directory = SecretSource::File(folder.path().to_owned());
        assert!(fetched(&directory).await.unwrap_err().contains("directory"));
    }

    #[tokio::test]
    async fn a_command_gives_its_first_line_and_may_print_more() {
        let source = shell("echo first; seq 1 100000");
        assert_eq!(fetched(&source).await.as_deref(), Ok("first"));
        let source = command(&["printf", "%s", "$HOME; `id`"]);
        assert_eq!(fetched(&source).await.as_deref(), Ok("$HOME; `id`"));
    }

    #[tokio::test]
    async fn a_failing_command_reports_status_and_complaint_but_not_its_output() {
        let error = fetched(&shell("echo hunter2; echo 'no key\x1b[2J' >&2; exit 3"))
            .await
            .unwrap_err();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("it said: no key␛[2J"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let error = fetched(&shell("true")).await.unwrap_err();
        assert!(error.contains("printed no secret"), "{error}");
        let error = fetched(&command(&["/nowhere/pass"])).await.unwrap_err();
        assert!(
            error.contains("`/nowhere/pass` cannot be started"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_given_up() {
        let error = shell("echo locked >&2; exec sleep 60")
            .fetch(Duration::from_millis(300))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("did not end within 0.3 s"), "{error}");
        assert!(error.contains("it said: locked"), "{error}");
    }

    #[tokio::test]
    async fn a_process_left_in_the_background_does_not_hold_the_secret_back() {
        let source = shell("echo first; sleep 5 &");
        assert_eq!(fetched(&source).await.as_deref(), Ok("first"));
    }

    #[test]
    fn debug_and_display_name_the_source_and_keep_the_secret() {
        for source in [
            SecretSource::Inline("hunter2".into()),
            SecretSource::Variable {
                name: "PROXDECK_PASSWORD",
                secret: "hunter2".into(),
            },
            command(&["pass", "hunter2"]),
        ] {
            assert!(!format!("{source:?} {source}").contains("hunter2"));
        }
    }

    #[test]
    fn a_path_with_blanks_stays_one_word_for_the_shell() {
        assert_eq!(shell_word(Path::new("/a/b.toml")), "/a/b.toml");
        assert_eq!(shell_word(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}

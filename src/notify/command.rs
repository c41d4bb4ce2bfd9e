//! A notification on the standard input of a program.
//!
//! No shell reads the words. The program is judged by its exit status alone: one that does not read
//! its input, or leaves a process in the background, is none the worse for it.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin};

use super::{Fault, Seconds};
use crate::domain::text::Text;

/// How much of a program's complaint is kept, in bytes.
const KEPT: u64 = 4096;
/// The longest complaint that is repeated, in characters.
const LONGEST_COMPLAINT: usize = 200;
/// How long a program's last words may take after its end; a process it left behind may hold the pipe.
const DRAIN: Duration = Duration::from_millis(500);

/// A program with its arguments; these may hold secrets, so only the program is shown.
#[derive(Clone)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// Takes the program's name or path, and its arguments.
    pub fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    fn program(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }

    /// Runs the program with a text as its standard input.
    pub(super) async fn run(&self, input: &str, limit: Duration) -> Result<(), Fault> {
        let shown = format!("`{}`", self.program());
        let mut running = Running::start(&self.words).map_err(|error| {
            Fault::new(
                format!("{shown} cannot be started: {error}"),
                "write program and arguments one by one; no shell reads them",
            )
        })?;
        let (stdin, stderr) = (running.0.stdin.take(), running.0.stderr.take());
        let mut complaint = Vec::new();
        let ended = {
            let talk = async {
                tokio::join!(hand_over(stdin, input), listen(stderr, &mut complaint));
            };
            tokio::pin!(talk);
            let mut has_talked = false;
            let ended = tokio::time::timeout(limit, async {
                tokio::select! {
                    status = running.0.wait() => status,
                    () = &mut talk => {
                        has_talked = true;
                        running.0.wait().await
                    }
                }
            })
            .await;
            if ended.is_ok() && !has_talked {
                let _ = tokio::time::timeout(DRAIN, talk).await;
            }
            ended
        };
        let complaint = Text::from(String::from_utf8_lossy(&complaint).as_ref()).first_line();
        let said = match complaint.as_str() {
            "" => "it said nothing".to_owned(),
            line => {
                let start: String = line.chars().take(LONGEST_COMPLAINT).collect();
                format!("it said: {start}")
            }
        };
        match ended {
            Err(_) => Err(Fault::new(
                format!("{shown} did not end within {}; {said}", Seconds(limit)),
                "it was ended; let it leave what takes long to a process in the background",
            )),
            Ok(Err(error)) => Err(Fault::new(
                format!("{shown} was lost: {error}"),
                "try it in a terminal, with JSON on its standard input",
            )),
            Ok(Ok(status)) if !status.success() => Err(Fault::new(
                format!("{shown} failed ({status}); {said}"),
                "try it in a terminal, with JSON on its standard input",
            )),
            Ok(Ok(_)) => Ok(()),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Command({:?})", self.program())
    }
}

/// A program that runs; dropped before its end, it is ended with all that it started.
struct Running(Child);

impl Running {
    fn start(words: &[String]) -> std::io::Result<Self> {
        let program = words.first().map(String::as_str).unwrap_or_default();
        let mut command = tokio::process::Command::new(program);
        command
            .args(words.get(1..).unwrap_or_default())
            .stdin(Stdio::piped())
            // The terminal may be drawn on.
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own, so that what it starts can be ended with it.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().map(Self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without a number the program has ended, and what it left behind is its own affair.
        #[cfg(unix)]
        if let Some(group) = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Writes the input and closes it; a program that does not want it may close it first.
async fn hand_over(stdin: Option<ChildStdin>, input: &str) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input.as_bytes()).await;
    }
}

/// Keeps the start of what a program says, and reads the rest, since a closed pipe would end it.
async fn listen(stderr: Option<ChildStderr>, kept: &mut Vec<u8>) {
    if let Some(mut stderr) = stderr {
        let _ = (&mut stderr).take(KEPT).read_to_end(kept).await;
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    }
}

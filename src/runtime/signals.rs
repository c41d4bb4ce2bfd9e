//! Signals that end or suspend the program.

use std::io;

use futures_util::FutureExt as _;
use rustix::process::{Signal as Number, kill_current_process_group};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::Event;

/// Listens to the signals that ask a program to end.
#[derive(Debug)]
pub(crate) struct Ending {
    terminate: Signal,
    /// Absent where whoever started the program wants it to outlive the session, as `nohup` does.
    hang_up: Option<Signal>,
    interrupt: Signal,
}

impl Ending {
    /// Starts to listen; from now on these signals no longer act by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: if is_ignored(Number::HUP) {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Tells whether one of them has come since it was last asked.
    pub(crate) fn has_come(&mut self) -> bool {
        self.wait().now_or_never().is_some()
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            () = hang_up => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Listens to the signals that concern the dashboard.
#[derive(Debug)]
pub(super) struct Signals {
    ending: Ending,
    suspend: Signal,
    resize: Signal,
}

impl Signals {
    /// Starts to listen; from now on these signals no longer act by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let suspend = signal(SignalKind::from_raw(Number::TSTP.as_raw()))?;
        Ok(Self {
            ending: Ending::listen()?,
            suspend,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            () = self.ending.wait() => Event::Leave,
            _ = self.suspend.recv() => Event::Suspend,
            _ = self.resize.recv() => Event::Resize,
        }
    }
}

/// Lets a write fail that goes beyond the largest file allowed, instead of killing the program.
pub(crate) fn let_writes_fail() -> io::Result<()> {
    // Whoever has been caught once acts no more by itself; nobody needs to hear of it.
    signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
}

/// Tells whether a signal was ignored when the program began; where the system does not say, it was not.
fn is_ignored(signal: Number) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// Stops this program, and whatever the shell started together with it, until it is continued.
pub(super) fn stop_here() -> io::Result<()> {
    // The gentle signal is caught above, so the one that cannot be caught does the work.
    kill_current_process_group(Number::STOP).map_err(io::Error::from)
}

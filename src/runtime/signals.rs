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
    hang_up: Signal,
    interrupt: Signal,
}

impl Ending {
    /// Starts to listen; from now on these signals no longer act by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Tells whether one of them has come since it was last asked.
    pub(crate) fn has_come(&mut self) -> bool {
        self.wait().now_or_never().is_some()
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Listens to the signals that concern the dashboard.
#[derive(Debug)]
pub(super) struct Signals {
    ending: Ending,
    suspend: Signal,
}

impl Signals {
    /// Starts to listen; from now on these signals no longer act by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let suspend = signal(SignalKind::from_raw(Number::TSTP.as_raw()))?;
        Ok(Self {
            ending: Ending::listen()?,
            suspend,
        })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            () = self.ending.wait() => Event::Leave,
            _ = self.suspend.recv() => Event::Suspend,
        }
    }
}

/// Stops this program, and whatever the shell started together with it, until it is continued.
pub(super) fn stop_here() -> io::Result<()> {
    // The gentle signal is caught above, so the one that cannot be caught does the work.
    kill_current_process_group(Number::STOP).map_err(io::Error::from)
}

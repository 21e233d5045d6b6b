//! What the process asks of the machine, and what the machine asks of it: room for sockets, and word of when to end.

use std::io::IsTerminal;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Raises the limit of open files to what we may have: every session and every caller is a socket. Tells the limit.
pub fn raise_open_files() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// Tells a service manager that asked to be told (`NOTIFY_SOCKET`) that all is ready.
pub fn tell_ready() {
    tell(NotifyState::Ready);
}

/// The same for the beginning of a stop.
pub fn tell_stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// What asks the process to end. From [`Signals::listen`] on it is heard: to be called before anybody is told that the process is ready.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    user: [Signal; 2],
    /// A terminal that is closed takes with it what was started there. Elsewhere the same signal asks for new log files or settings.
    hangup_ends: bool,
}

impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
            hangup_ends: std::io::stdin().is_terminal(),
        })
    }

    /// Until somebody asks once more for the process to end (SIGTERM, SIGINT, SIGQUIT). What means nothing here gets a line in the log.
    pub async fn asked_to_end(&mut self) {
        let [first, second] = &mut self.user;
        loop {
            let ignored = tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.quit.recv() => return,
                _ = self.hangup.recv() => if self.hangup_ends { return } else { "SIGHUP" },
                _ = first.recv() => "SIGUSR1",
                _ = second.recv() => "SIGUSR2",
            };
            tracing::info!(signal = ignored, "the signal means nothing here: nothing is reopened or read anew");
        }
    }
}

//! What the process asks of the machine, and what the machine asks of it: room for sockets, and word of when to end.

use std::io::IsTerminal;

use listenfd::ListenFd;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Raises the limit of open files to what we may have: every session and every caller is a socket. Tells the limit.
pub fn raise_open_files() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// The socket that a service manager opened for us and handed over (`LISTEN_FDS`), where it did. It may be open since before our start,
/// so that nobody who came meanwhile was turned away.
pub fn handed_over() -> std::io::Result<Option<TcpListener>> {
    let mut handed = ListenFd::from_env();
    if handed.len() > 1 {
        tracing::warn!(sockets = handed.len(), "the service manager hands over several sockets: the first one is listened on");
    }
    let Some(listener) = handed.take_tcp_listener(0)? else { return Ok(None) };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

/// Tells a service manager that asked to be told (`NOTIFY_SOCKET`) that all is ready.
pub fn tell_ready() {
    tell(NotifyState::Ready);
}

/// Tells the service manager that a stop begins.
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

//! `wharf sessions pair`: links a phone from a terminal, through a gateway that runs.

mod passkey;
pub(super) mod screen;

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use wharf_api::ErrorCode;
use wharf_api::types::session::{Session, SessionStatus, SessionWithQr, WaitingFor};

use super::gateway::{Gateway, Told};
use super::target::Target;
use super::unmet::NotYet;
use crate::machine;
use screen::PairScreen;

/// How often the session is asked how far it is, once its code was scanned.
const POLL: Duration = Duration::from_millis(500);
/// How long a scanned session may take to connect before we stop to watch.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Subcommand)]
pub(super) enum Sessions {
    /// Creates a session, shows its QR code, and waits until a phone has scanned it.
    Pair(Pair),
}

#[derive(Args)]
pub(super) struct Pair {
    /// What people call the new session.
    #[arg(long, default_value = "paired from a terminal")]
    name: String,
    /// Links this session again instead of creating one.
    #[arg(long, value_name = "ID", conflicts_with = "name")]
    session: Option<String>,
    /// Links the phone with this number by a code that is typed there, instead of a QR code.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Sessions {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self::Pair(pair) = self;
        let (url, key) = pair.target.with_key()?;
        let gateway = Gateway::new(&url, &key)?;
        let started = match &pair.session {
            Some(id) => gateway.restart(id).await?,
            None => gateway.create(&pair.name).await?,
        };
        let id = started.session.session_id.to_string();
        println!("Session {id}");
        let mut signals = machine::Signals::listen()?;
        let ended = tokio::select! {
            ended = follow(&gateway, &url, started, pair.phone.as_deref()) => ended,
            () = signals.asked_to_end() => give_up(&gateway, &id, pair.session.is_none()).await,
        };
        ended
    }
}

/// Shows every code that comes until one was scanned, or the one that is typed, then every step until the session is connected.
async fn follow(gateway: &Gateway, url: &str, started: SessionWithQr, phone: Option<&str>) -> anyhow::Result<()> {
    let id = started.session.session_id.to_string();
    let mut screen = PairScreen::new();
    let mut known = String::new();
    if let Some(qr) = started.qr {
        if phone.is_none() {
            screen.show(&qr.qr, None)?;
        }
        known = qr.qr;
    }
    if let Some(phone) = phone {
        typed(gateway, &id, phone).await?;
    }
    loop {
        match gateway.next_qr(&id, &known).await? {
            Told::Done(qr) if qr.qr == known => {}
            Told::Done(qr) => {
                if phone.is_none() {
                    screen.show(&qr.qr, refusal(&gateway.session(&id).await?))?;
                }
                known = qr.qr;
            }
            Told::Refused(code) if code == ErrorCode::QrCodeExpired.name() => {
                return Err(NotYet(format!("nobody scanned the code in time; for fresh codes: wharf sessions pair --session {id}")).into());
            }
            Told::Refused(_) => match until_connected(gateway, url, &id).await? {
                Outcome::Connected => return Ok(()),
                Outcome::FreshCode => {
                    if let Some(phone) = phone {
                        typed(gateway, &id, phone).await?;
                    }
                }
            },
        }
    }
}

/// Shows the code that is typed into the phone.
async fn typed(gateway: &Gateway, id: &str, phone: &str) -> anyhow::Result<()> {
    let code = gateway.pairing_code(id, phone).await?;
    println!("On the phone: WhatsApp, Settings, Linked devices, Link a device, Link with phone number. Then type {}", code.pairing_code);
    Ok(())
}

/// What becomes of a code that was scanned.
enum Outcome {
    Connected,
    /// The link came to nothing, and there is another code to scan.
    FreshCode,
}

async fn until_connected(gateway: &Gateway, url: &str, id: &str) -> anyhow::Result<Outcome> {
    let mut deadline = tokio::time::Instant::now() + PATIENCE;
    let mut last = None;
    let mut asked = None;
    while tokio::time::Instant::now() < deadline {
        let session = gateway.session(id).await?;
        if session.waiting_for == Some(WaitingFor::Passkey) {
            // The gateway knows how long a person may take for it.
            deadline = tokio::time::Instant::now() + PATIENCE;
            if let Told::Done(passkey) = gateway.passkey(id).await?
                && asked.replace(passkey.step) != Some(passkey.step)
            {
                println!("{}", passkey::in_words(&passkey, url));
            }
            tokio::time::sleep(POLL).await;
            continue;
        }
        if asked.is_some() && session.status == SessionStatus::Qr {
            let why = session.refusal.and_then(|refusal| refusal.text).unwrap_or_else(|| "it was not confirmed".to_owned());
            println!("The phone was not linked: {why}. Scan the fresh code to try again.");
            return Ok(Outcome::FreshCode);
        }
        let words = in_words(&session);
        if last.as_ref() != Some(&words) {
            println!("{words}");
            last = Some(words);
        }
        match session.status {
            SessionStatus::Connected => return Ok(Outcome::Connected),
            SessionStatus::Disconnected | SessionStatus::Stopped | SessionStatus::QrExpired => {
                bail!("the session is {}; to try again: wharf sessions pair --session {id}", session.status.as_str())
            }
            SessionStatus::Starting | SessionStatus::Qr | SessionStatus::Connecting | SessionStatus::Reconnecting => {}
        }
        tokio::time::sleep(POLL).await;
    }
    Err(NotYet(format!("the session is still not connected; it goes on by itself: `wharf sessions get {id}` tells how far it is")).into())
}

/// What WhatsApp said when it last turned the session away.
fn refusal(session: &Session) -> Option<&str> {
    session.refusal.as_ref()?.text.as_deref()
}

fn in_words(session: &Session) -> String {
    match session.status {
        other if refusal(session).is_some() => format!("{}: {} …", other.as_str(), refusal(session).unwrap_or_default()),
        SessionStatus::Connected => format!("Connected as +{}.", session.phone_number.as_deref().unwrap_or("?")),
        SessionStatus::Connecting => "Scanned; connecting …".to_owned(),
        other => format!("{} …", other.as_str()),
    }
}

/// Takes back what nobody scanned; a session that is linked by now is kept.
async fn give_up(gateway: &Gateway, id: &str, ours: bool) -> anyhow::Result<()> {
    let status = gateway.session(id).await?.status;
    let unlinked = matches!(status, SessionStatus::Starting | SessionStatus::Qr | SessionStatus::QrExpired);
    if ours && unlinked {
        gateway.delete(id).await?;
        bail!("given up; the session was deleted again");
    }
    bail!("given up; the session {id} stays, and is {}", status.as_str())
}

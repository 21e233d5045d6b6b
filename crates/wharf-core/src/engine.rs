//! The port to WhatsApp: what the rules ask of a session's engine.

mod draft;
pub mod groups;
mod media;
mod passkey;
pub mod people;

use std::fs::File;
use std::path::Path;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use wharf_api::ids::{AccountId, MediaId, SessionId};
use wharf_api::types::media::MediaKind;
use wharf_api::types::session::{Degradation, DisconnectReason, Refusal, SessionStatus, WaitingFor};
use wharf_api::types::whatsapp::{self, VersionSource, Whatsapp};
use wharf_api::{Recipient, Timestamp};

use crate::store::{MessageRow, SessionRow};

pub use draft::{Body, Draft, Key, Preview, Quote};
pub use groups::{Act, GroupEdit, GroupEngine};
pub use media::{Downloaded, Media, Uploaded};
pub use passkey::{Ceremony, Signed};
pub use people::{PeopleEngine, PersonInfo};

/// A QR code while it can be scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrCode {
    pub text: String,
    pub expires_at: Timestamp,
}

/// What a session's engine sees of its link at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub status: SessionStatus,
    pub reason: Option<DisconnectReason>,
    /// While `status` is `qr`.
    pub qr: Option<QrCode>,
    /// The linked account, `digits@s.whatsapp.net`.
    pub jid: Option<String>,
    /// What it waits for, and since when.
    pub waiting: Option<(WaitingFor, Timestamp)>,
    /// WhatsApp's last refusal, until it is connected again.
    pub refusal: Option<Refusal>,
    /// While `status` is `connected`.
    pub degraded: Option<Degradation>,
    /// While WhatsApp waits for a passkey.
    pub passkey: Option<Ceremony>,
}

impl Link {
    /// A link of which nothing is known but its status.
    pub const fn new(status: SessionStatus) -> Self {
        Self { status, reason: None, qr: None, jid: None, waiting: None, refusal: None, degraded: None, passkey: None }
    }
}

/// Whether one number is on WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// As it was asked for.
    pub phone: String,
    /// As WhatsApp writes it, which may be another way: what is sent has to name this one.
    pub known: String,
    pub registered: bool,
    /// `digits@lid`, where WhatsApp tells.
    pub lid: Option<String>,
}

impl Registration {
    /// Of a number that WhatsApp does not know.
    pub fn absent(phone: String) -> Self {
        Self { known: phone.clone(), phone, registered: false, lid: None }
    }
}

/// A code that the person types on the phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCode {
    pub code: String,
    pub expires_at: Timestamp,
}

/// A message as it will be encrypted at every try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    pub wa_id: String,
    pub payload: Vec<u8>,
}

/// Why the engine could not do what it was asked. No text of a message or number stands in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the session is not connected")]
    NotConnected,
    /// It is linked already, or its state forbids what was asked.
    #[error("the session's state forbids it: {0}")]
    Conflict(&'static str),
    /// WhatsApp has no such thing, or does not show it to this session.
    #[error("WhatsApp has no such thing")]
    NotFound,
    /// The pairing attempt ended before it gave what was asked.
    #[error("the pairing attempt has expired")]
    Expired,
    /// WhatsApp asked us to slow down.
    #[error("WhatsApp asks to slow down")]
    Throttled { retry_after_secs: Option<u64> },
    /// Not now, for a reason that the person who waits can do something with.
    #[error("not now: {reason}")]
    Later { reason: &'static str, retry_after_secs: u64 },
    /// No answer in time; it is not known whether WhatsApp acted.
    #[error("WhatsApp did not answer in time")]
    Timeout,
    #[error("WhatsApp refused: {0}")]
    Refused(String),
    /// The process is going down and starts no session any more.
    #[error("the process is going down")]
    Closing,
    /// WhatsApp answered, and not in words that we know.
    #[error("WhatsApp's answer cannot be read")]
    Garbled,
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

impl Error {
    /// Whether it is known that nothing was done although it might be later.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Later { .. } | Self::Refused(_) | Self::Closing)
    }
}

/// The engine of all sessions of this process. A session's engine is one task; nothing else touches its client.
#[async_trait]
pub trait Engine: GroupEngine + PeopleEngine + Send + Sync + 'static {
    /// Makes sure that the session's task runs: it connects a linked session and shows QR codes for one that is not.
    async fn start(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error>;

    /// The link of a session whose task runs.
    fn link(&self, session: &SessionId) -> Option<watch::Receiver<Link>>;

    /// Whether the session's task runs in this process.
    fn runs(&self, session: &SessionId) -> bool {
        self.link(session).is_some()
    }

    /// Sees to it that [`Self::link`] knows the session, also where another node has it. An engine that is alone knows its own.
    async fn attend(&self, _session: &SessionRow) -> Result<(), Error> {
        Ok(())
    }

    /// Ends the session's task and starts a new one.
    async fn restart(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error>;

    /// Ends the session's task and keeps its link. Does nothing where no task runs.
    async fn stop(&self, session: &SessionId) -> Result<(), Error>;

    /// Removes the linked device at WhatsApp, wipes its keys and ends the task.
    async fn logout(&self, session: &SessionId) -> Result<(), Error>;

    /// Asks for a pairing code for `phone` (digits).
    async fn pairing_code(&self, session: &SessionId, phone: &str) -> Result<PairCode, Error>;

    /// Passes on what a passkey signed. `Refused` where WhatsApp does not take it; the attempt is over then.
    async fn submit_passkey(&self, _session: &SessionId, _signed: Signed) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    /// Tells whether the phone shows the same code. If it does not, the attempt is over.
    async fn confirm_passkey(&self, _session: &SessionId, _same: bool) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    /// Asks WhatsApp which of these numbers (digits) it knows.
    async fn registrations(&self, session: &SessionId, phones: &[String]) -> Result<Vec<Registration>, Error>;

    /// Freezes a message: chooses its WhatsApp id and its message secret. `own_jid` is the session's linked account.
    /// Pure: it needs no client and may run on any node.
    fn compose(&self, own_jid: &str, to: &Recipient, draft: &Draft, at: Timestamp) -> Composed;

    /// When the network was last heard of on the session's connection, where this process has it.
    fn last_seen(&self, session: &SessionId) -> Option<Timestamp>;

    /// What every session that this process knows is doing, in no order.
    fn statuses(&self) -> Vec<SessionStatus>;

    /// What the process claims to be towards WhatsApp, and what it knows of what WhatsApp takes. None of an engine that has no WhatsApp.
    fn whatsapp(&self) -> Whatsapp {
        Whatsapp {
            claimed: whatsapp::spell(0),
            source: VersionSource::BuiltIn,
            current_at: Timestamp::from_millis(0),
            served: None,
            fetched_at: None,
            refused: None,
            refused_at: None,
            expires_at: None,
            next_try_at: None,
            waiting: Vec::new(),
        }
    }

    /// Asks WhatsApp's page for its newest version now, unless that was done a moment ago.
    async fn fetch_version(&self) {}

    /// Encrypts a file into `scratch`, an empty file, and brings it to WhatsApp's servers.
    async fn upload(&self, _session: &SessionId, _path: &Path, _kind: MediaKind, _scratch: File) -> Result<Uploaded, Error> {
        Err(Error::NotConnected)
    }

    /// Fetches the file that `sealed` leads to into `scratch`, an empty file, and decrypts it.
    async fn download(&self, _session: &SessionId, _media: &MediaId, _sealed: &[u8], _scratch: File) -> Result<Downloaded, Error> {
        Err(Error::NotConnected)
    }

    /// Votes on a poll that came in, and gives the vote's WhatsApp id. Nobody can ask for it: the canary sessions vote.
    async fn vote(&self, _session: &SessionId, _poll: &MessageRow, _options: &[String]) -> Result<String, Error> {
        Err(Error::NotConnected)
    }

    /// Whether a message that is accepted now goes on the wire at once, here and as far as anybody knows.
    fn flows(&self, _session: &SessionId) -> bool {
        false
    }

    /// Tells the session's task that messages were accepted. A lost call costs a poll, never a message.
    fn wake(&self, account: &AccountId, session: &SessionId);

    /// The sessions whose tasks run in this process, in no order.
    fn all_running(&self) -> Vec<SessionId> {
        Vec::new()
    }

    /// Ends the session's task in order and gives the session up, keeping its link: another node takes it.
    async fn release(&self, _session: &SessionId) {}

    /// Ends the session's task in order, gives the session up and forgets it, keeping its link: its row tells of it from now on, and it is
    /// begun again once it is in the list of those that nobody runs.
    async fn rest(&self, _session: &SessionId) {}

    /// Ends the session where it runs, in order, and has that node begin it. Messages in flight get their chance first. Where the node
    /// does not begin it, it is begun again by who had it.
    async fn hand_to(&self, _session: &SessionId, _node: &str) -> Result<(), Error> {
        Err(Error::Conflict("this node knows no way to others"))
    }

    /// Stops all tasks in order, keeping their links: messages in flight get their chance, keys are saved.
    async fn shutdown(&self);
}

impl From<&Error> for wharf_api::ApiError {
    fn from(error: &Error) -> Self {
        use wharf_api::ErrorCode;
        match error {
            Error::NotConnected => ErrorCode::SessionNotConnected.into(),
            Error::Conflict(reason) => wharf_api::ApiError::new(ErrorCode::Conflict).reason(*reason),
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::Expired => ErrorCode::QrCodeExpired.into(),
            Error::Throttled { retry_after_secs } => wharf_api::ApiError::new(ErrorCode::ServiceUnavailable)
                .reason("WhatsApp asks to slow down")
                .retry_after(retry_after_secs.unwrap_or(60)),
            Error::Later { reason, retry_after_secs } => {
                wharf_api::ApiError::new(ErrorCode::ServiceUnavailable).reason(*reason).retry_after(*retry_after_secs)
            }
            Error::Timeout => {
                wharf_api::ApiError::new(ErrorCode::ServiceUnavailable).reason("WhatsApp did not answer in time").retry_after(5)
            }
            Error::Refused(_) => {
                wharf_api::ApiError::new(ErrorCode::ServiceUnavailable).reason("WhatsApp refused the request").retry_after(60)
            }
            Error::Closing => wharf_api::ApiError::new(ErrorCode::ServiceUnavailable).reason("the server is stopping").retry_after(1),
            Error::Garbled => ErrorCode::InternalServerError.into(),
            Error::Store(error) => error.into(),
        }
    }
}

//! Sessions on the wire.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{SessionId, WebhookId};
use crate::types::hold::HoldReason;

/// What a session is doing. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// A client is being built; no QR code yet.
    Starting,
    /// A QR code waits to be scanned.
    Qr,
    /// Linked; the socket is being opened or the first synchronisation runs.
    Connecting,
    /// Linked, open and answering.
    Connected,
    /// The socket dropped and is being opened again.
    Reconnecting,
    /// Nobody scanned in time.
    QrExpired,
    /// It was linked and no longer is; the reason tells why.
    Disconnected,
    /// Stopped on purpose; it keeps its link.
    Stopped,
}

impl SessionStatus {
    pub const ALL: &'static [Self] = &[
        Self::Starting,
        Self::Qr,
        Self::Connecting,
        Self::Connected,
        Self::Reconnecting,
        Self::QrExpired,
        Self::Disconnected,
        Self::Stopped,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Qr => "qr",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::QrExpired => "qr_expired",
            Self::Disconnected => "disconnected",
            Self::Stopped => "stopped",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == text)
    }
}

/// Why a session lost its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisconnectReason {
    /// The person (or the API) removed the linked device.
    LoggedOut,
    /// Another connection took the credentials over.
    Replaced,
    /// WhatsApp banned the account, for a time or for good.
    Banned,
    /// Two programs use the same credentials.
    Conflict,
    /// WhatsApp does not let the account in, and does not say that trying again helps.
    Refused,
}

impl DisconnectReason {
    pub const ALL: &'static [Self] = &[Self::LoggedOut, Self::Replaced, Self::Banned, Self::Conflict, Self::Refused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Replaced => "replaced",
            Self::Banned => "banned",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.as_str() == text)
    }
}

/// What a session waits for that no try of its own can bring. Its link, its keys and its queue stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// WhatsApp does not take this version of the client any more; the operator has to update.
    ClientUpdate,
    /// The account's owner has to confirm the link with a passkey.
    Passkey,
    /// The operator has paused connections.
    Pause,
    /// WhatsApp turns everybody away for the moment.
    Overload,
}

impl WaitingFor {
    pub const ALL: &'static [Self] = &[Self::ClientUpdate, Self::Passkey, Self::Pause, Self::Overload];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientUpdate => "client_update",
            Self::Passkey => "passkey",
            Self::Pause => "pause",
            Self::Overload => "overload",
        }
    }
}

/// What WhatsApp said when it last turned the session away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// WhatsApp's number for it; 0 where it gave none.
    pub code: u16,
    /// In our words, or in WhatsApp's where it gave some.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    pub at: Timestamp,
    /// When it ends, where WhatsApp says so; the session is tried again then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

/// People whom the session has not written with yet wait until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewContactsHeld {
    pub until: Timestamp,
    pub reason: HoldReason,
}

/// What does not work on a session although it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degradation {
    /// The first synchronisation with the phone did not end well: messages flow; names, archived and muted chats may be old.
    AppState,
    /// Nothing was heard of the account's phone for ten days, although it was sent something: WhatsApp unlinks after fourteen.
    PhoneAway,
}

impl Degradation {
    pub const ALL: &'static [Self] = &[Self::AppState, Self::PhoneAway];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppState => "app_state",
            Self::PhoneAway => "phone_away",
        }
    }
}

/// `POST /v1/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSession {
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// Where all its events are delivered.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Its own proxy on the way to WhatsApp instead of the gateway's.
    #[serde(default)]
    pub proxy: Option<String>,
}

/// `PATCH /v1/sessions/{sessionId}`. What is absent stays; `null` takes the proxy away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateSession {
    /// What people call it; 1 to 100 characters.
    pub name: Option<String>,
    /// Its own proxy on the way to WhatsApp instead of the gateway's.
    #[serde(deserialize_with = "super::given")]
    pub proxy: Option<Option<String>>,
}

/// A session as lists and look-ups show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub session_id: SessionId,
    pub name: String,
    pub status: SessionStatus,
    /// Why it is `disconnected`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<DisconnectReason>,
    /// What somebody or something else has to bring before it goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiting_for: Option<WaitingFor>,
    /// When that wait began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    /// WhatsApp's last refusal, until the session is connected again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refusal: Option<Refusal>,
    /// What does not work although it is `connected`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub degraded: Option<Degradation>,
    /// Why people who are new to the session wait, where they do. Shown for one session, not in lists.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_contacts_held: Option<NewContactsHeld>,
    /// The linked account's phone number, once linked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    /// Since when the session is, or was last, linked to its number. What messages say from before another number said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number_since: Option<Timestamp>,
    /// The linked account's LID, once linked and known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    /// Its own proxy on the way to WhatsApp, without name and password.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proxy: Option<String>,
    pub created_at: Timestamp,
    /// When the status last changed.
    pub status_at: Timestamp,
    /// When WhatsApp was last heard of on its connection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_seen_at: Option<Timestamp>,
}

/// A session together with the QR code that links it, while there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionWithQr {
    #[serde(flatten)]
    pub session: Session,
    #[serde(flatten)]
    pub qr: Option<Qr>,
    /// The webhook that was made with it. Its secret is got by replacing it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub webhook_id: Option<WebhookId>,
}

/// A QR code to scan under «Linked devices».
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Qr {
    /// A PNG as a data URL.
    pub qr_code: String,
    /// The string that the picture encodes.
    pub qr: String,
    /// When the next code takes its place.
    pub qr_expires_at: Timestamp,
}

/// `POST /v1/sessions/{sessionId}/pairing-code`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePairingCode {
    /// The phone that will be linked, in international format.
    pub phone_number: String,
}

/// The code that the person types under «Link with phone number».
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingCode {
    pub session_id: SessionId,
    /// Eight characters, `ABCD-1234`.
    pub pairing_code: String,
    pub expires_at: Timestamp,
}

//! What nodes say to each other, as JSON with a version. Two releases side by side are a normal day: what one does not know it says so.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::chat::{PresenceStatus, TypingStatus};
use wharf_api::types::media::MediaKind;
use wharf_core::engine::{Act, GroupEdit, Link, Signed};

use crate::fault::Fault;
use crate::files::Away;

/// Rises when a message means something else than before. A new verb needs no new version: who does not know it refuses it.
pub(crate) const VERSION: u32 = 1;

/// A question to the owner of a session.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) v: u32,
    pub(crate) session: SessionId,
    pub(crate) verb: Verb,
}

impl Question {
    /// A question that this release knows.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok().filter(|question: &Self| question.v == VERSION)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    /// The link as it is, or, where it is `known` already, as it is after a while or a change.
    Link {
        known: Option<Box<Link>>,
    },
    /// There is a message in the queue. Nobody answers.
    Wake {
        account: AccountId,
    },
    Start,
    /// Ends it in order, and has that node begin it.
    Give {
        node: String,
    },
    Restart,
    Stop,
    Logout,
    PairingCode {
        phone: String,
    },
    SubmitPasskey {
        signed: Signed,
    },
    ConfirmPasskey {
        same: bool,
    },
    Registrations {
        phones: Vec<String>,
    },
    CreateGroup {
        subject: String,
        people: Vec<String>,
        description: Option<String>,
    },
    Groups,
    Group {
        group: String,
    },
    EditGroup {
        group: String,
        edits: Vec<GroupEdit>,
    },
    ActOnPeople {
        group: String,
        act: Act,
        people: Vec<String>,
    },
    SetGroupPicture {
        group: String,
        #[serde(with = "in_base64")]
        jpeg: Option<Vec<u8>>,
    },
    /// Fetch the file and bring it to WhatsApp.
    Upload {
        file: Away,
        kind: MediaKind,
    },
    GroupInvite {
        group: String,
        renew: bool,
    },
    JoinGroup {
        code: String,
    },
    LeaveGroup {
        group: String,
    },
    GroupRequests {
        group: String,
    },
    Person {
        person: String,
    },
    PhoneOf {
        lid: String,
    },
    Picture {
        of: String,
        preview: bool,
    },
    SetBlocked {
        person: String,
        blocked: bool,
    },
    Blocked,
    TellRead {
        chat: String,
        sender: Option<String>,
        wa_ids: Vec<String>,
    },
    ShowTyping {
        chat: String,
        state: TypingStatus,
    },
    SetPresence {
        state: PresenceStatus,
    },
    Presence {
        person: String,
    },
}

/// What the owner answers, and what it sees of the session's link after that.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) v: u32,
    pub(crate) link: Option<Link>,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) result: Result<Value, Fault>,
}

impl Answer {
    /// An answer of a node that has nothing to tell of the session.
    pub(crate) const fn refusal(fault: Fault) -> Self {
        Self { v: VERSION, link: None, last_seen: None, result: Err(fault) }
    }

    /// An answer that this release knows.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok().filter(|answer: &Self| answer.v == VERSION)
    }
}

/// Bytes as text that is a third longer, and not three times as long.
mod in_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "so it is called by what is derived")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| STANDARD.decode(text).map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_crosses_as_it_is() {
        for jpeg in [None, Some(vec![0, 1, 254, 255])] {
            let verb = Verb::SetGroupPicture { group: "1@g.us".to_owned(), jpeg: jpeg.clone() };
            let written = serde_json::to_vec(&verb).unwrap();
            let Verb::SetGroupPicture { jpeg: read, .. } = serde_json::from_slice(&written).unwrap() else { panic!("another verb") };
            assert_eq!(read, jpeg);
        }
    }

    #[test]
    fn a_verb_of_a_later_release_cannot_be_read() {
        let later = br#"{"v":1,"session":"ses_01890a5dac96774bbcceb302099a8057","verb":{"fly":{}}}"#;
        assert!(serde_json::from_slice::<Question>(later).is_err());
    }
}

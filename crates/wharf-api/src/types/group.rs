//! Groups on the wire.

use serde::{Deserialize, Serialize};

use super::message::Party;
use crate::Timestamp;

/// `POST /v1/groups`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateGroup {
    pub session_id: String,
    /// 1 to 100 characters.
    pub subject: String,
    /// Phone numbers or LIDs of the others; the session's own account is always in.
    pub participants: Vec<String>,
    #[serde(default)]
    pub description: Option<String>,
}

/// `PATCH /v1/groups/{groupId}`: what is absent stays as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateGroup {
    pub session_id: String,
    #[serde(default)]
    pub subject: Option<String>,
    /// An empty text takes the description away.
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub announcement: Option<bool>,
    #[serde(default)]
    pub locked: Option<bool>,
    #[serde(default)]
    pub approval_required: Option<bool>,
    #[serde(default)]
    pub members_can_add: Option<bool>,
    /// 0 keeps messages.
    #[serde(default)]
    pub disappearing_seconds: Option<u32>,
}

/// `POST /v1/groups/{groupId}/participants/{action}` and `…/requests/{decision}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameParticipants {
    pub session_id: String,
    /// Phone numbers or LIDs.
    pub participants: Vec<String>,
}

/// `PUT /v1/groups/{groupId}/picture`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetGroupPicture {
    pub session_id: String,
    /// A JPEG in base64.
    pub data: String,
}

/// `POST /v1/groups/join`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinGroup {
    pub session_id: String,
    /// The invite code, or the whole link.
    pub code: String,
}

/// What needs nothing but to know which session acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BySession {
    pub session_id: String,
}

/// What a member may do. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupRole {
    Member,
    Admin,
    /// Who made the group.
    Superadmin,
}

impl GroupRole {
    pub const WORDS: [&'static str; 3] = ["member", "admin", "superadmin"];
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupParticipant {
    /// The id as WhatsApp writes it, by phone number where that is known.
    pub contact_id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    pub role: GroupRole,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the group")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub group_id: String,
    pub subject: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_at: Option<Timestamp>,
    /// Only admins send.
    pub announcement: bool,
    /// Only admins change subject, description and picture.
    pub locked: bool,
    /// Admins let in who has the invite code.
    pub approval_required: bool,
    pub members_can_add: bool,
    /// 0: messages stay.
    pub disappearing_seconds: u32,
    pub participants: Vec<GroupParticipant>,
    /// Since when the session is known not to be in it any more; all else is as it was seen last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_at: Option<Timestamp>,
}

/// What became of one participant of an act on several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantResult {
    pub contact_id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    pub success: bool,
    /// Why not: `already_member`, `not_a_member`, `not_on_whatsapp`, `privacy`, `left_recently`, `group_full`, `not_allowed`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupInvite {
    pub code: String,
    pub link: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinedGroup {
    pub group_id: String,
    /// The admins have been asked.
    pub pending: bool,
}

/// A group that was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftGroup {
    pub group_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupPicture {
    /// Absent where there is none any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub picture_id: Option<String>,
}

/// Somebody who wants to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRequest {
    pub contact_id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub requested_at: Option<Timestamp>,
}

/// The data of a `group.updated` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupUpdated {
    pub group_id: String,
    #[serde(flatten)]
    pub change: GroupChange,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<Party>,
    pub at: Timestamp,
}

/// What changed in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum GroupChange {
    Created {
        /// Absent where WhatsApp does not say what it is called.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        subject: Option<String>,
    },
    ParticipantsAdded {
        participants: Vec<Party>,
    },
    ParticipantsRemoved {
        participants: Vec<Party>,
    },
    ParticipantsPromoted {
        participants: Vec<Party>,
    },
    ParticipantsDemoted {
        participants: Vec<Party>,
    },
    SubjectChanged {
        subject: String,
    },
    /// `null`: there is none any more.
    DescriptionChanged {
        description: Option<String>,
    },
    /// `null`: there is none any more.
    PictureChanged {
        picture_id: Option<String>,
    },
    SettingsChanged {
        setting: String,
        enabled: bool,
    },
    DisappearingChanged {
        disappearing_seconds: u32,
    },
    InviteChanged,
    /// Somebody asks to be let in.
    JoinRequested {
        participants: Vec<Party>,
    },
    /// Whoever asked does not any more.
    JoinRequestWithdrawn {
        participants: Vec<Party>,
    },
    /// An admin said no; whoever asked is told too.
    JoinRequestRejected {
        participants: Vec<Party>,
    },
    Deleted,
    /// A kind that this version shows only by its name.
    Other {
        #[serde(rename = "originalType")]
        kind: String,
    },
}

impl GroupChange {
    /// The values of `change`.
    pub const WORDS: [&'static str; 16] = [
        "created",
        "participants_added",
        "participants_removed",
        "participants_promoted",
        "participants_demoted",
        "subject_changed",
        "description_changed",
        "picture_changed",
        "settings_changed",
        "disappearing_changed",
        "invite_changed",
        "join_requested",
        "join_request_withdrawn",
        "join_request_rejected",
        "deleted",
        "other",
    ];
}

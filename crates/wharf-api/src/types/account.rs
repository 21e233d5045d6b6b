//! Accounts, plans and usage on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::AccountId;
use crate::{Timestamp, limits};

/// How fast each session writes, so that its number is not restricted. What is over pace waits; it is never refused. Absent is the safe
/// default, `null` is without limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Pace {
    pub messages_per_minute: Option<u64>,
    /// People who never wrote to the session and whom it never wrote to.
    pub new_contacts_per_hour: Option<u64>,
    pub new_contacts_per_day: Option<u64>,
    /// The pause after the first message to somebody new, before the next to somebody new: from and to, drawn each time.
    pub stranger_jitter_seconds: Option<[u64; 2]>,
    /// How long typing is shown before a text to a person; absent is not at all.
    pub typing_seconds: Option<[u64; 2]>,
}

impl Pace {
    /// No limit at all.
    pub const OFF: Self = Self {
        messages_per_minute: None,
        new_contacts_per_hour: None,
        new_contacts_per_day: None,
        stranger_jitter_seconds: None,
        typing_seconds: None,
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            messages_per_minute: Some(limits::PACE_MESSAGES_PER_MINUTE),
            new_contacts_per_hour: Some(limits::PACE_NEW_CONTACTS_PER_HOUR),
            new_contacts_per_day: Some(limits::PACE_NEW_CONTACTS_PER_DAY),
            stranger_jitter_seconds: Some(limits::PACE_STRANGER_JITTER_SECONDS),
            typing_seconds: None,
        }
    }
}

/// A plan, and how much an account on it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub name: String,
    #[serde(flatten)]
    pub limits: PlanLimits,
}

/// How much an account may do. `null` is without limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanLimits {
    pub messages_per_day: Option<u64>,
    pub calls_per_minute: u64,
    pub sessions: Option<u64>,
    pub concurrent_requests: u64,
    /// How many days the event log goes back; no further than messages do.
    pub event_days: u64,
    /// How many days a message is kept after what happened to it last; `null` is for ever.
    pub message_days: Option<u64>,
    /// How many days a file is kept after it came or was sent last.
    pub media_days: u64,
    /// How many bytes of files are kept at the same time, those on their way in included.
    pub media_bytes: Option<u64>,
    pub pace: Pace,
    /// What was deleted for everyone stays as it was said, marked as deleted.
    pub keep_deleted: bool,
}

/// `PUT /v1/admin/plans/{name}`: the whole plan. Calls and concurrent requests always have a limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutPlan {
    /// Absent or `null` is without limit.
    #[serde(default)]
    pub messages_per_day: Option<u64>,
    pub calls_per_minute: u64,
    /// Absent or `null` is without limit.
    #[serde(default)]
    pub sessions: Option<u64>,
    pub concurrent_requests: u64,
    /// How many days the event log goes back; 30 where absent.
    #[serde(default)]
    pub event_days: Option<u64>,
    /// How many days a message is kept; for ever where absent or `null`.
    #[serde(default)]
    pub message_days: Option<u64>,
    /// How many days a file is kept; 30 where absent.
    #[serde(default)]
    pub media_days: Option<u64>,
    /// Absent or `null` is without limit.
    #[serde(default)]
    pub media_bytes: Option<u64>,
    /// The safe defaults where absent.
    #[serde(default)]
    pub pace: Option<Pace>,
    /// Nothing is kept where absent.
    #[serde(default)]
    pub keep_deleted: Option<bool>,
}

/// Whether an account is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    Active,
    /// Nobody acts in it and its sessions rest, until an operator lifts that.
    Suspended,
    /// Nobody acts in it any more, and what it has goes in parts.
    Deleting,
}

impl AccountStatus {
    pub const ALL: &'static [Self] = &[Self::Active, Self::Suspended, Self::Deleting];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
        }
    }
}

/// How far a deletion has come. Of messages, events and files no more than 100,000 each are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDeletion {
    pub requested_at: Timestamp,
    pub sessions_left: u64,
    pub messages_left: u64,
    pub events_left: u64,
    pub media_left: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub account_id: AccountId,
    pub name: String,
    /// The name of its plan.
    pub plan: String,
    pub limits: PlanLimits,
    pub status: AccountStatus,
    /// Of an account that is being deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deletion: Option<AccountDeletion>,
    /// Since when it is, of an account that is suspended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suspended_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// `POST /v1/admin/accounts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAccount {
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// The name of a plan.
    pub plan: String,
}

/// `PATCH /v1/admin/accounts/{accountId}`. What is absent stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateAccount {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub plan: Option<String>,
}

/// What was used in some time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// Messages that were accepted.
    pub messages: u64,
    /// Calls that were answered, refusals included; a few seconds behind.
    pub calls: u64,
    /// How many of them failed, by code.
    pub errors: BTreeMap<String, u64>,
}

/// One UTC day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// As `2026-11-23`.
    pub date: String,
    #[serde(flatten)]
    pub used: Used,
}

/// `GET /v1/usage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub today: Day,
    /// Today and the 29 days before, added up.
    pub last30_days: Used,
    /// The same day by day, newest first; days without use are left out.
    pub days: Vec<Day>,
    /// How many bytes of files are kept now.
    pub media_bytes: u64,
    /// When today ends.
    pub reset_at: Timestamp,
}

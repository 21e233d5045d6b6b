//! Accounts, plans and usage on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::AccountId;

/// How much an account may do. `null` is without limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub name: String,
    pub messages_per_day: Option<u64>,
    pub calls_per_minute: u64,
    pub sessions: Option<u64>,
    pub concurrent_requests: u64,
    /// How many days the event log goes back.
    pub event_days: u64,
    /// How many days a file is kept after it came or was sent last.
    pub media_days: u64,
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
    /// How many days a file is kept; 30 where absent.
    #[serde(default)]
    pub media_days: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub account_id: AccountId,
    pub name: String,
    pub plan: Plan,
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
    /// When today ends.
    pub resets_at: Timestamp,
}

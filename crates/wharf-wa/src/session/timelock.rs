//! WhatsApp's reach-out lock on an account: for a time it may write only to people that it has written with before. WhatsApp answers a
//! question about it, and tells of changes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use wacore::types::events::MexNotification;
use wharf_api::Timestamp;
use whatsapp_rust::client::Client;

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(10);
const NOTICE: &str = "NotificationUserReachoutTimelockUpdate";

/// What WhatsApp says of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Off,
    /// It is on, until then where WhatsApp says so.
    On(Option<Timestamp>),
}

/// The last word that nobody has acted on yet.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Option<Word>>);

impl Heard {
    pub(super) fn put(&self, word: Word) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
    }

    pub(super) fn take(&self) -> Option<Word> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Asks WhatsApp. `None` where it did not answer.
pub(super) async fn ask(client: &Client) -> Option<Word> {
    let lock = tokio::time::timeout(LIMIT, async { client.mex().fetch_reachout_timelock().await }).await.ok()?.ok()?;
    Some(word(lock.is_active.unwrap_or(false), lock.time_enforcement_ends.as_deref()))
}

/// What a notice says, if it is about the lock.
pub(super) fn read(notice: &MexNotification) -> Option<Word> {
    if notice.op_name != NOTICE {
        return None;
    }
    let lock = &notice.payload["data"]["xwa2_notify_account_reachout_timelock"];
    let ends = match &lock["time_enforcement_ends"] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(word(lock["is_active"].as_bool()?, ends.as_deref()))
}

/// WhatsApp writes the end as a text of seconds.
fn word(active: bool, ends: Option<&str>) -> Word {
    if !active {
        return Word::Off;
    }
    let seconds = ends.and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds > 0);
    Word::On(seconds.and_then(|seconds| seconds.checked_mul(1_000)).map(Timestamp::from_millis))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notice(op_name: &str, payload: Value) -> MexNotification {
        MexNotification::builder().op_name(op_name.to_owned()).payload(payload).build()
    }

    fn lock(value: &Value) -> Value {
        json!({"data": {"xwa2_notify_account_reachout_timelock": value}})
    }

    #[test]
    fn a_notice_of_the_lock_is_read_and_no_other() {
        let until = Timestamp::from_millis(1_900_000_000_000);
        for (value, wanted) in [
            (json!({"is_active": true, "time_enforcement_ends": "1900000000"}), Some(Word::On(Some(until)))),
            (json!({"is_active": true, "time_enforcement_ends": 1_900_000_000}), Some(Word::On(Some(until)))),
            (json!({"is_active": true}), Some(Word::On(None))),
            (json!({"is_active": true, "time_enforcement_ends": "soon"}), Some(Word::On(None))),
            (json!({"is_active": false, "time_enforcement_ends": "1900000000"}), Some(Word::Off)),
            (json!({}), None),
        ] {
            assert_eq!(read(&notice(NOTICE, lock(&value))), wanted, "{value}");
        }
        assert_eq!(read(&notice("MessageCappingInfoNotification", lock(&json!({"is_active": true})))), None);
    }
}

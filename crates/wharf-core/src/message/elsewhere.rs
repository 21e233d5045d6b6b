//! The end of a message whose session another node has: that one tells nobody but the database for certain.

use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ErrorCode;
use wharf_api::types::message::MessageStatus;

use super::outcomes::{Expected, Word};
use crate::caller::Caller;
use crate::services::Services;
use crate::store::{MessageRow, Outcome};

/// How often it is looked while nobody says that there is something to see.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// How the message ended, or `None` where it did not in the caller's time, or is held back.
pub(super) async fn end(services: &Services, caller: &Caller, row: &MessageRow, mut expected: Expected) -> Option<Outcome> {
    let until = Instant::now() + caller.patience();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let told = match expected.word(LOOK_PERIOD.min(left)).await {
            Word::Ended(outcome) => return Some(outcome),
            Word::Look => true,
            Word::Nothing => false,
        };
        // What cannot be read now is as it was: the message was accepted.
        let found = services.store.find_message(&row.account, &row.id).await.ok().flatten();
        if let Some(outcome) = found.and_then(outcome) {
            return Some(outcome);
        }
        if told || left.is_zero() {
            return None;
        }
    }
}

/// What came after the end, such as a receipt, is for the next look, as it is with an owner who answers at once.
fn outcome(row: MessageRow) -> Option<Outcome> {
    match (row.status, row.error) {
        (MessageStatus::Queued, _) => None,
        (_, Some(code)) => Some(Outcome::Failed { code, reason: row.error_reason.unwrap_or_default() }),
        (MessageStatus::Failed, None) => Some(Outcome::Failed { code: ErrorCode::InternalServerError, reason: String::new() }),
        _ => Some(Outcome::Sent),
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::types::message::Content;

    use super::*;
    use crate::samples::outgoing;

    #[test]
    fn a_row_tells_the_end_of_its_message_and_a_queued_one_has_none() {
        let row = |status| MessageRow { status, ..outgoing(Content::text("hello")) };
        assert_eq!(outcome(row(MessageStatus::Queued)), None);
        for status in [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Played] {
            assert_eq!(outcome(row(status)), Some(Outcome::Sent), "{}", status.as_str());
        }
        let failed = |error, reason: Option<&str>| {
            outcome(MessageRow { error, error_reason: reason.map(str::to_owned), ..row(MessageStatus::Failed) })
        };
        let with = |code, reason: &str| Some(Outcome::Failed { code, reason: reason.to_owned() });
        assert_eq!(failed(Some(ErrorCode::SessionDisconnected), Some("why")), with(ErrorCode::SessionDisconnected, "why"));
        assert_eq!(failed(Some(ErrorCode::MessageSendingFailed), None), with(ErrorCode::MessageSendingFailed, ""));
        assert_eq!(failed(None, None), with(ErrorCode::InternalServerError, ""), "a failure is never taken for a success");
    }
}

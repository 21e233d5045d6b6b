//! What an operator sees of the whole: nodes and queues.

use serde_json::Value;

use super::super::schema::{
    about, always, answer, boolean, id, integer, list, maybe, nullable, reference, request, session_id, text, time, word,
};
use super::waiting_for;
use crate::ids::{AccountId, WebhookId};
use crate::types::hold::HoldReason;
use crate::types::node::NodeStatus;
use crate::types::queue::{HeldType, QueueDeliveryStatus, QueueType};
use crate::types::session::SessionStatus;
use crate::types::webhook::DisabledReason;

/// Further than that no queue is counted.
const COUNTED: Option<u64> = Some(10_000);

pub(super) fn node() -> Value {
    let status = word(NodeStatus::ALL.iter().map(|status| status.as_str()));
    answer(vec![
        always("nodeId", about(text(), "It outlives the process, as long as its data folder does.")),
        always("current", about(boolean(), "Whether it is the one that answers.")),
        always(
            "status",
            about(
                status,
                "`draining`: it was told to stop, or to have no sessions. `gone`: its lease is over, and whatever it had may be taken.",
            ),
        ),
        maybe("version", about(text(), "Wharf's, such as 0.1.0; absent where it is of a release that does not tell.")),
        maybe("since", about(time(), "When its process began, by its own clock; absent as the version is.")),
        always("leaseUntil", about(time(), "By the clock of the database; renewed every 3 seconds for 15.")),
        always("sessions", about(integer(0, None), "How many it owns.")),
    ])
}

pub(super) fn move_session() -> Value {
    request(vec![maybe(
        "nodeId",
        about(nullable(text()), "The one that is to run it; the one with the fewest sessions unless one is named."),
    )])
}

pub(super) fn queue_held() -> Value {
    answer(vec![
        always("type", about(word(HeldType::ALL.iter().map(|held| held.as_str())), "All of the session, first contacts, or some chats.")),
        always("reason", about(word(HoldReason::ALL.iter().map(|reason| reason.as_str())), "Why it waits.")),
        maybe("until", about(time(), "When the last of it is tried again; absent where nobody knows.")),
        maybe("chats", about(integer(1, None), "How many, where it is chats.")),
    ])
}

pub(super) fn queue() -> Value {
    answer(vec![
        always("type", about(word(QueueType::ALL.iter().map(|queue| queue.as_str())), "Messages of a session, or events for a webhook.")),
        always("accountId", id(AccountId::PREFIX)),
        maybe("sessionId", about(session_id(), "Absent for a webhook of the whole account.")),
        maybe("webhookId", about(id(WebhookId::PREFIX), "The webhook that events wait for; absent of messages.")),
        always("waiting", about(integer(0, COUNTED), "How many wait, counted up to 10,000.")),
        maybe("oldestAt", about(time(), "When the oldest was made; absent where nothing waits.")),
        maybe("oldestSeconds", about(integer(0, None), "How old it is.")),
        always("held", about(list(&reference("QueueHeld")), "What of it is held back, and why; never deliveries.")),
        maybe("sessionStatus", about(word(SessionStatus::ALL.iter().map(|status| status.as_str())), "As the node that answers sees it.")),
        maybe("waitingFor", waiting_for()),
        maybe(
            "deliveryStatus",
            about(
                word(QueueDeliveryStatus::ALL.iter().map(|status| status.as_str())),
                "`due`: something goes now. `resting`: all of it failed before and waits for its next try. `paused`: the webhook is switched off.",
            ),
        ),
        maybe("due", about(integer(0, COUNTED), "Deliveries whose time has come, counted up to 10,000.")),
        maybe("nextAt", about(time(), "When the next try is, where all of them rest.")),
        maybe("disabledReason", about(word(DisabledReason::ALL.iter().map(|reason| reason.as_str())), "Why the webhook is switched off.")),
        maybe("failingSince", about(time(), "Since when the webhook did nothing but fail.")),
    ])
}

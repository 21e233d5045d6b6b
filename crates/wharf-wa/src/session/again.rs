//! Messages that stay unreadable: the library asks for them within a second and gives up. They are asked for again after minutes and hours,
//! as long as somebody would wait for them; then it is told that they came and cannot be read.

mod due;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wacore::types::message::{MessageInfo, MessageSource};
use wacore_binary::{Jid, JidExt as _};
use wharf_api::Timestamp;
use wharf_api::ids::MessageId;
use wharf_api::time::days;
use wharf_api::types::message::{Content, Direction};
use wharf_core::message::given_up_event;
use wharf_core::store::{self, MessageRow};
use whatsapp_rust::client::Client;

use super::{Own, strays};

/// How long after a message came it is asked for again. With the last time it is given up.
const STEPS: [Duration; 4] = [Duration::from_mins(5), Duration::from_hours(1), Duration::from_hours(6), Duration::from_hours(24)];
/// What is older was told of, or nobody ran the session when it was time.
const OLDEST: Duration = days(3);
/// How many one look asks for.
const AT_ONCE: u32 = 20;

/// How often this process has asked for what. It outlives the client; a new process asks once more.
#[derive(Default)]
pub(super) struct Again {
    looked_at: Option<Timestamp>,
    asked: Arc<Mutex<HashMap<MessageId, usize>>>,
}

/// How many of the steps are over.
fn steps(row: &MessageRow, now: Timestamp) -> usize {
    STEPS.iter().filter(|step| now >= row.created_at + **step).count()
}

/// Tells whether there is anything that stays unreadable.
async fn look(
    own: &Arc<Own>,
    client: &Arc<Client>,
    asked: &Mutex<HashMap<MessageId, usize>>,
    now: Timestamp,
) -> Result<bool, store::Error> {
    let rows = own.ctx.store.undecryptable_messages(own.session(), now - OLDEST, AT_ONCE).await?;
    let found = !rows.is_empty();
    asked.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| rows.iter().any(|row| row.id == *id));
    for row in rows {
        let due = steps(&row, now);
        let before = asked.lock().unwrap_or_else(PoisonError::into_inner).insert(row.id.clone(), due).unwrap_or(0);
        if due <= before {
            continue;
        }
        if let Some(info) = info(client, &row) {
            tracing::info!(message = %row.id, "a message that could not be read is asked for again");
            strays::ask_again(Arc::clone(client), Arc::new(info)).await;
        }
        if due == STEPS.len() {
            give_up(own, &row, now).await?;
        }
    }
    Ok(found)
}

/// Tells, once, that the message came and cannot be read. Should it still come, its content is told as that of any other.
async fn give_up(own: &Own, row: &MessageRow, now: Timestamp) -> Result<(), store::Error> {
    let found = own.ctx.store.find_message(&row.account, &row.id).await?;
    let Some(row) = found.filter(|row| matches!(row.content, Content::Undecryptable {}) && row.direction == Direction::Incoming) else {
        return Ok(());
    };
    let told = own.ctx.store.announce(own.fence(), now, &format!("undecryptable {}", row.id), given_up_event(&row)).await;
    if own.vault.notice(told)? {
        tracing::warn!(message = %row.id, "a message could not be read in a day; it is asked for no more");
    }
    Ok(())
}

/// What the library must know to ask. Which of the sender's devices it was is not known any more: the phone is asked.
fn info(client: &Client, row: &MessageRow) -> Option<MessageInfo> {
    let name = |id: Option<&String>, lid: Option<&String>| lid.or(id)?.parse::<Jid>().ok();
    let from_me = row.direction == Direction::Outgoing;
    let chat = name(Some(&row.chat), row.chat_lid.as_ref())?;
    let sender = if from_me { client.pn()? } else { name(row.sender.as_ref(), row.sender_lid.as_ref())? };
    let by_number = |phone: Option<&String>| phone.map(Jid::pn);
    Some(MessageInfo {
        id: row.wa_id.clone(),
        source: MessageSource {
            is_group: chat.is_group(),
            is_from_me: from_me,
            sender_alt: by_number(row.sender_phone.as_ref()).filter(|_| !from_me),
            recipient_alt: by_number(row.chat_phone.as_ref()).filter(|_| from_me),
            chat,
            sender,
            ..MessageSource::default()
        },
        timestamp: wacore::time::from_secs_or_now(row.created_at.as_millis() / 1000),
        ..MessageInfo::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::convert;

    #[test]
    fn a_message_is_asked_for_after_minutes_and_hours_and_not_for_ever() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let chance: &dyn wharf_core::Chance = &wharf_core::chance::SystemChance;
        let fence = store::Fence { account: chance.account_id(), session: chance.session_id(), epoch: 1, taken_over: false };
        let source = MessageSource { chat: "1@lid".parse().unwrap(), sender: "1@lid".parse().unwrap(), ..MessageSource::default() };
        let info =
            MessageInfo { id: "3EB0".into(), source, timestamp: wacore::time::from_secs_or_now(1_800_000_000), ..MessageInfo::default() };
        let row = convert::bare(&fence, chance.message_id(), &info, wharf_api::Timestamp::from_millis(0)).unwrap();
        for (ms, done) in [(0, 0), (299_999, 0), (300_000, 1), (3_600_000, 2), (6 * 3_600_000, 3), (24 * 3_600_000, 4), (70 * 3_600_000, 4)]
        {
            assert_eq!(steps(&row, at.plus_millis(ms)), done, "{ms}");
        }
    }
}

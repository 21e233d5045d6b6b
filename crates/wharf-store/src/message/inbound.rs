//! Incoming messages, each stored once.

use wharf_core::message::events_of;
use wharf_core::store::{Error, Fence, Inbound, MessageRow};

use super::row::{content, insert_args, message_insert};
use crate::event::{self, Draft};
use crate::open::SqlStore;
use crate::owner;
use crate::sql::{Tx, statements};

statements! {
    /// Changes no row where the message is there.
    INSERT = concat!(message_insert!(), " ON CONFLICT DO NOTHING");
}

/// A message with what is made of it before the lane is busy with it.
struct Prepared {
    row: MessageRow,
    content: String,
    events: Vec<Draft>,
}

async fn take_in(tx: &mut Tx, fence: &Fence, messages: &[Prepared]) -> Result<Inbound, Error> {
    owner::check(tx, fence).await?;
    let mut fresh = Vec::new();
    for message in messages {
        if tx.execute(&INSERT, insert_args!(message.row, &message.content, None::<i64>)).await? == 1 {
            fresh.push(message);
        }
    }
    let count = fresh.iter().map(|message| message.events.len()).sum();
    if count > 0 {
        let mut numbers = event::reserve(tx, &fence.account, &fence.session, count).await?;
        for message in &fresh {
            event::insert(tx, &fence.account, &fence.session, &mut numbers, message.row.created_at, &message.events).await?;
        }
    }
    Ok(Inbound { inserted: fresh.into_iter().map(|message| message.row.id.clone()).collect() })
}

impl SqlStore {
    pub(super) async fn take_in(&self, fence: &Fence, messages: &[MessageRow]) -> Result<Inbound, Error> {
        let prepared: Result<Vec<_>, Error> = messages
            .iter()
            .map(|row| Ok(Prepared { content: content(row)?, events: event::drafts(events_of(row)), row: row.clone() }))
            .collect();
        let (owned, prepared) = (fence.clone(), prepared?);
        self.write(fence.account.as_str(), fence.session.as_str(), move |tx| Box::pin(async move { take_in(tx, &owned, &prepared).await }))
            .await
    }
}

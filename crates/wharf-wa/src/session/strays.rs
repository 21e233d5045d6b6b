//! Repeats of what was never stored. The library saves the ratchet and what it decrypted in two commits; a death between them leaves a
//! ratchet that has taken its step and a message that nobody has. The network brings that message again, the library takes it for a
//! repeat, and only the log knows better: then a row stands for it, and it is asked for again, before it is acknowledged.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use wacore::types::message::{MessageInfo, MessageSource};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _};
use wharf_core::store;
use whatsapp_rust::client::Client;
use whatsapp_rust::features::RetryRequestOptions;

use super::recovered::other_name;
use super::{Own, convert};
use crate::task;

/// One client's eye on repeats.
#[derive(Default)]
pub(crate) struct Strays {
    own: OnceLock<Weak<Own>>,
    client: OnceLock<Weak<Client>>,
    /// What came and gets no row on purpose, by the keys of the library's buffer.
    left_out: Mutex<HashSet<String>>,
}

impl Strays {
    pub(super) fn of(&self, own: &Arc<Own>, client: &Arc<Client>) {
        // One session has one client at a time.
        let _ = self.own.set(Arc::downgrade(own));
        let _ = self.client.set(Arc::downgrade(client));
    }

    pub(super) fn leave_out(&self, key: String) {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    /// Whether this was left out, and is not asked about any more.
    pub(crate) fn take_left_out(&self, key: &str) -> bool {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// Looks at what the library takes for a repeat. Afterwards it may be acknowledged.
    pub(crate) async fn look_at(&self, chat: &str, sender: &str, id: &str) -> Result<(), store::Error> {
        let (Some(own), Some(client)) = (self.own.get().and_then(Weak::upgrade), self.client.get().and_then(Weak::upgrade)) else {
            return Ok(());
        };
        let (Ok(chat), Ok(sender)) = (chat.parse::<Jid>(), sender.parse::<Jid>()) else { return Ok(()) };
        let own_names = [client.pn(), client.lid()];
        let is_own = |jid: &Jid| own_names.iter().flatten().any(|own| own.user_base() == jid.user_base());
        // Statuses are acknowledged by the library whatever we say; own devices talk among themselves of what has no row.
        if chat.is_status_broadcast() || chat.is_newsletter() || is_own(&chat) {
            return Ok(());
        }
        if !own.ctx.store.messages_on_wire(own.session(), id).await?.is_empty() {
            return Ok(());
        }
        let from_me = is_own(&sender);
        let other = other_name(&client, if from_me { &chat } else { &sender }).await;
        let info = Arc::new(MessageInfo {
            id: id.to_owned(),
            source: MessageSource {
                is_group: chat.is_group(),
                is_from_me: from_me,
                sender_alt: other.clone().filter(|_| !from_me),
                recipient_alt: other.filter(|_| from_me),
                chat,
                sender,
                ..MessageSource::default()
            },
            timestamp: wacore::time::now_utc(),
            ..MessageInfo::default()
        });
        let Ok(row) = convert::bare(own.fence(), own.ctx.chance.message_id(), &info, own.ctx.clock.now()) else { return Ok(()) };
        tracing::warn!(message = %row.id, "a message came again that was never stored; it is asked for once more");
        own.ctx.meter().undecryptable.one();
        own.vault.notice(own.ctx.store.record_inbound(own.fence(), &[row]).await)?;
        own.none_unread.store(false, Ordering::Relaxed);
        task::spawn(ask_again(client, info));
        Ok(())
    }
}

/// Asks the sender, and the account's own phone.
pub(super) async fn ask_again(client: Arc<Client>, info: Arc<MessageInfo>) {
    let source = &info.source;
    let mut stanza = NodeBuilder::new("message")
        .attr("id", info.id.as_str())
        .attr("from", source.chat.to_string())
        .attr("t", info.timestamp.timestamp().to_string())
        .attr("type", "text");
    if source.is_group {
        stanza = stanza.attr("participant", source.sender.to_string());
    }
    let stanza = stanza.build();
    if let Err(error) = client.request_message_retry(&stanza.as_node_ref(), RetryRequestOptions::default()).await {
        tracing::debug!(?error, "the sender was not asked for a message again");
    }
    if let Err(error) = client.send_pdo_placeholder_resend_request(&info).await {
        tracing::debug!(%error, "the phone was not asked for a message again");
    }
}

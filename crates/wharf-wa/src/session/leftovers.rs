//! What the library has acknowledged by itself, decrypted and buffered, and could not hand over: statuses, and likes of own ones. The
//! network never says them again, so they are taken from the buffer before the next client connects. Whatever else stands there comes
//! again, and is read from the buffer by the library.

use std::sync::Arc;

use wacore::types::events::InboundMessage;
use wacore::types::message::{MessageInfo, MessageSource};
use wacore_binary::Jid;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;
use wharf_api::recipient::STATUS_CHAT;
use whatsapp_rust::client::Client;

use super::Own;
use super::inbound::Inbound;
use super::recovered::other_name;
use crate::backend::{PENDING, undate};
use crate::vault::Vault;

/// Commits them, each with what is known of it. The time is that of its coming. What cannot be taken now stands there for the next client:
/// nothing of it keeps a session from connecting.
pub(super) async fn take(own: &Arc<Own>, client: &Client) {
    if let Err(error) = take_all(own, client).await {
        tracing::warn!(%error, "statuses that could not be stored wait for the next connection");
    }
}

async fn take_all(own: &Arc<Own>, client: &Client) -> anyhow::Result<()> {
    let inbound = Inbound::new(Arc::clone(own));
    for (key, plain) in own.vault.list_each(PENDING, &format!("{STATUS_CHAT}|")).await? {
        let read = match &plain {
            Ok(plain) => read(client, &key, plain).await,
            Err(_) => None,
        };
        match read {
            Some((message, info)) if own.ctx.store.messages_on_wire(own.session(), &info.id).await?.is_empty() => {
                let left = InboundMessage::builder().message(Arc::new(message)).info(Arc::new(info)).build();
                inbound.take(client, &[left]).await?;
                tracing::info!("a status that could not be stored was taken from the buffer");
            }
            Some(_) => {}
            None => {
                own.ctx.meter().leftovers_dropped.one();
                tracing::error!("a status in the buffer cannot be read and is dropped");
            }
        }
        own.vault.apply(vec![Vault::delete(PENDING, key)]).await?;
    }
    Ok(())
}

async fn read(client: &Client, key: &str, plain: &[u8]) -> Option<(wa::Message, MessageInfo)> {
    let (at, bytes) = undate(plain).ok()?;
    Some((wa::Message::decode_from_slice(bytes).ok()?, info(client, key, at).await?))
}

async fn info(client: &Client, key: &str, at: i64) -> Option<MessageInfo> {
    let mut parts = key.splitn(3, '|');
    let (chat, sender, id) = (parts.next()?.parse::<Jid>().ok()?, parts.next()?.parse::<Jid>().ok()?, parts.next()?.to_owned());
    let own_names = [client.pn(), client.lid()];
    let from_me = own_names.iter().flatten().any(|own| own.user_base() == sender.user_base());
    let other = other_name(client, &sender).await.filter(|_| !from_me);
    Some(MessageInfo {
        id,
        source: MessageSource { chat, sender, is_from_me: from_me, sender_alt: other, ..MessageSource::default() },
        timestamp: wacore::time::from_secs_or_now(at),
        ..MessageInfo::default()
    })
}

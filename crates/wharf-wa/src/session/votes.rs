//! Votes on polls: sealed with the poll's secret, so that the poll has to be looked up before a vote can be read.

use wacore::poll::compute_option_hash;
use wacore::proto_helpers::MessageExt as _;
use wacore::types::events::InboundMessage;
use wacore_binary::Jid;
use waproto::whatsapp as wa;
use wharf_api::types::message::{Content, Direction, Reference};
use wharf_core::message::change;
use wharf_core::store::{self, MessageRow};
use whatsapp_rust::client::Client;
use whatsapp_rust::features::PollVoteCiphertext;

use super::Own;
use crate::compose;

/// Reads the vote that a message carries into its row. What cannot be read stays shown by its kind.
pub(super) async fn read(own: &Own, client: &Client, inbound: &InboundMessage, row: &mut MessageRow) -> Result<(), store::Error> {
    let Some(update) = inbound.message.get_base_message().poll_update_message.as_option() else { return Ok(()) };
    let Some(wa_id) = update.poll_creation_message_key.as_option().and_then(|key| key.id.clone()) else { return Ok(()) };
    let rows = decoration(own, own.ctx.store.messages_on_wire(own.session(), &wa_id).await)?.unwrap_or_default();
    let Some(poll) = rows.into_iter().find(|poll| change::same_chat(poll, row)) else { return Ok(()) };
    let Content::Poll { options, .. } = &poll.content else { return Ok(()) };
    let voter = inbound.info.source.sender.to_non_ad();
    let Some(creator) = creator(client, &poll, &voter) else { return Ok(()) };
    let Some(secret) = secret(own, client, &poll, &creator).await? else {
        tracing::debug!(session = %own.session(), poll = %poll.id, "the poll's secret is not known");
        return Ok(());
    };
    let Some(vote) = update.vote.as_option() else { return Ok(()) };
    let sealed = PollVoteCiphertext {
        enc_payload: vote.enc_payload.as_deref().unwrap_or_default(),
        enc_iv: vote.enc_iv.as_deref().unwrap_or_default(),
    };
    let Ok(hashes) = client.polls().decrypt_vote(sealed, &secret, &wa_id, &creator, &voter).await else {
        tracing::warn!(session = %own.session(), poll = %poll.id, "a vote could not be read");
        return Ok(());
    };
    let chosen = |option: &&String| hashes.iter().any(|hash| *hash == compute_option_hash(option));
    let options = options.iter().filter(chosen).cloned().collect();
    let target = Reference { message_id: None, whatsapp_id: wa_id, from: poll.sender.clone() };
    row.content = Content::PollVote { options, target };
    Ok(())
}

/// What is only read to show a message better fails no commit: what cannot be read is as good as what is not there.
fn decoration<T>(own: &Own, read: Result<T, store::Error>) -> Result<Option<T>, store::Error> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ (store::Error::Unavailable(_) | store::Error::Fenced)) => Err(error),
        Err(error) => {
            tracing::error!(session = %own.session(), %error, "what a vote is about cannot be read");
            Ok(None)
        }
    }
}

/// Who made the poll, by the kind of name that the voter goes by: the key of a vote is made of both.
fn creator(client: &Client, poll: &MessageRow, voter: &Jid) -> Option<Jid> {
    if poll.direction == Direction::Outgoing {
        return if voter.is_lid() { client.lid() } else { client.pn() }.map(|jid| jid.to_non_ad());
    }
    let name = if voter.is_lid() { poll.sender_lid.as_ref().or(poll.sender.as_ref()) } else { poll.sender.as_ref() };
    name?.parse().ok()
}

/// The poll's secret: from what we sent, or from what the library kept of what came.
async fn secret(own: &Own, client: &Client, poll: &MessageRow, creator: &Jid) -> Result<Option<Vec<u8>>, store::Error> {
    if let Some(payload) = decoration(own, own.ctx.store.sent_payload(own.session(), &poll.chat, &poll.wa_id).await)?.flatten() {
        return Ok(
            compose::thaw(&payload).and_then(|message: wa::Message| message.message_context_info.as_option()?.message_secret.clone())
        );
    }
    let backend = client.persistence_manager().backend();
    let phone = |digits: &Option<String>| digits.as_ref().map(|digits| format!("{digits}@s.whatsapp.net"));
    let chats = [Some(poll.chat.clone()), phone(&poll.chat_phone), poll.chat_lid.clone()];
    let senders = [Some(creator.to_non_ad_string()), poll.sender.clone(), phone(&poll.sender_phone), poll.sender_lid.clone()];
    for chat in chats.iter().flatten() {
        for sender in senders.iter().flatten() {
            // A library that cannot answer is as good as one that does not know.
            if let Ok(Some(secret)) = backend.get_msg_secret(chat, sender, &poll.wa_id).await {
                return Ok(Some(secret));
            }
        }
    }
    Ok(None)
}

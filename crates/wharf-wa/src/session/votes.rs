//! Votes on polls: sealed with the poll's secret, so that the poll has to be looked up before a vote can be read. A vote that comes before
//! its poll can be read is kept sealed, and read in the commit that brings the poll.

use std::collections::HashSet;

use wacore::poll::compute_option_hash;
use wacore::store::error::StoreError;
use wacore::types::events::InboundMessage;
use wacore_binary::Jid;
use waproto::whatsapp as wa;
use wharf_api::types::message::{Content, Direction, Reference};
use wharf_core::engine::Error;
use wharf_core::message::change;
use wharf_core::store::{self, MessageRow};
use whatsapp_rust::client::Client;
use whatsapp_rust::features::PollVoteCiphertext;

use super::Own;
use super::part::{Part, Sealed};
use crate::backend::{SEALED_VOTE, dated, undate};
use crate::compose;
use crate::vault::Vault;

/// What a look at a vote gave.
enum VoteLook {
    Read(Content),
    /// The poll or its secret is not there yet.
    TooEarly,
    Never,
}

/// Reads the vote that a message carries into its row. What cannot be read stays shown by its kind, and is kept as it came.
pub(super) async fn read(
    own: &Own,
    client: &Client,
    inbound: &InboundMessage,
    row: &mut MessageRow,
    part: &mut Part,
) -> Result<(), store::Error> {
    let Some(sealed) = Sealed::of(inbound) else { return Ok(()) };
    let mut look = VoteLook::TooEarly;
    if let Some(poll) = poll_of(own, row, &sealed.poll, part).await? {
        look = open(own, client, &poll, &sealed, part).await?;
    }
    match look {
        VoteLook::Read(content) => row.content = content,
        VoteLook::Never => {}
        VoteLook::TooEarly => {
            tracing::debug!(vote = %row.id, "a vote came before its poll could be read");
            let plain = serde_json::to_vec(&sealed).expect("strings and bytes only");
            part.ops.push(own.vault.put(SEALED_VOTE, sealed.key(), &dated(own.ctx.clock.now().as_secs(), &plain)));
            part.votes.push(sealed);
        }
    }
    Ok(())
}

/// The votes that waited for the poll which the part has just got, as rows that are to be stored once more, oldest first.
pub(super) async fn of_poll(own: &Own, client: &Client, poll: &MessageRow, part: &mut Part) -> Result<Vec<MessageRow>, store::Error> {
    if !matches!(poll.content, Content::Poll { .. }) {
        return Ok(Vec::new());
    }
    let mut waiting: Vec<Sealed> = part.votes.iter().filter(|sealed| sealed.poll == poll.wa_id).cloned().collect();
    let kept = match own.vault.list(SEALED_VOTE, &format!("{}|", poll.wa_id)).await {
        Ok(kept) => kept,
        Err(StoreError::Connection(error)) => return Err(store::Error::Unavailable(error)),
        // What cannot be read there is no reason to refuse the poll.
        Err(_) => Vec::new(),
    };
    let kept = kept.iter().filter_map(|(_, plain)| serde_json::from_slice::<Sealed>(undate(plain).ok()?.1).ok());
    waiting.extend(kept.filter(|sealed| sealed.poll == poll.wa_id));
    let mut votes = Vec::new();
    for sealed in waiting {
        let mut rows: Vec<_> = part.rows.iter().filter(|row| row.wa_id == sealed.vote).cloned().collect();
        if rows.is_empty() {
            rows = decoration(own.ctx.store.messages_on_wire(own.session(), &sealed.vote).await)?.unwrap_or_default();
        }
        let Some(mut row) = rows.into_iter().find(|row| change::same_chat(poll, row)) else { continue };
        match open(own, client, poll, &sealed, part).await? {
            VoteLook::Read(content) => row.content = content,
            VoteLook::TooEarly => continue,
            VoteLook::Never => {
                part.ops.push(Vault::delete(SEALED_VOTE, sealed.key()));
                continue;
            }
        }
        part.ops.push(Vault::delete(SEALED_VOTE, sealed.key()));
        votes.push(row);
    }
    votes.sort_by_key(|row| row.created_at);
    Ok(votes)
}

/// The poll that the vote in `row` is on, from the same part or from the store.
async fn poll_of(own: &Own, row: &MessageRow, wa_id: &str, part: &Part) -> Result<Option<MessageRow>, store::Error> {
    let is_it = |poll: &&MessageRow| poll.wa_id == wa_id && matches!(poll.content, Content::Poll { .. }) && change::same_chat(poll, row);
    if let Some(poll) = part.rows.iter().rev().find(is_it) {
        return Ok(Some(poll.clone()));
    }
    let rows = decoration(own.ctx.store.messages_on_wire(own.session(), wa_id).await)?.unwrap_or_default();
    Ok(rows.iter().find(is_it).cloned())
}

async fn open(own: &Own, client: &Client, poll: &MessageRow, sealed: &Sealed, part: &Part) -> Result<VoteLook, store::Error> {
    let Content::Poll { options, .. } = &poll.content else { return Ok(VoteLook::TooEarly) };
    let Ok(voter) = sealed.voter.parse::<Jid>() else { return Ok(VoteLook::Never) };
    let Some(creator) = creator(client, poll, &voter) else { return Ok(VoteLook::TooEarly) };
    let Some(secret) = secret(own, client, poll, &creator, part).await? else {
        tracing::debug!(poll = %poll.id, "the poll's secret is not known");
        return Ok(VoteLook::TooEarly);
    };
    let ciphertext = PollVoteCiphertext { enc_payload: &sealed.payload, enc_iv: &sealed.iv };
    let Ok(hashes) = client.polls().decrypt_vote(ciphertext, &secret, &poll.wa_id, &creator, &voter).await else {
        tracing::warn!(poll = %poll.id, "a vote could not be read");
        return Ok(VoteLook::Never);
    };
    // A stranger says how many there are of both: each is hashed, and looked for, once.
    let hashes: HashSet<Vec<u8>> = hashes.into_iter().collect();
    let options = options.iter().filter(|option| hashes.contains(compute_option_hash(option).as_slice())).cloned().collect();
    let target = Reference { message_id: None, whatsapp_id: sealed.poll.clone(), from: poll.sender.clone(), ..Reference::default() };
    Ok(VoteLook::Read(Content::PollVote { options, target }))
}

/// Votes on a poll that came in; gives the vote's id. It goes past the queue, as receipts do: no customer asked for it, and one that is lost
/// is missed by whoever waits for it.
pub(crate) async fn cast(own: &Own, client: &Client, poll: &MessageRow, options: &[String]) -> Result<String, Error> {
    let refused = |reason: &str| Error::Refused(reason.to_owned());
    let (Ok(chat), Some(creator)) = (poll.chat.parse::<Jid>(), poll.sender.as_ref().and_then(|sender| sender.parse::<Jid>().ok())) else {
        return Err(refused("the poll's chat or maker is not known"));
    };
    let secret = secret(own, client, poll, &creator, &Part::default()).await.map_err(|_| refused("the poll's secret cannot be read"))?;
    let secret = secret.ok_or_else(|| refused("the poll's secret is not known"))?;
    match client.polls().vote(chat, &poll.wa_id, &creator, &secret, options).await {
        Ok(sent) => Ok(sent.message_id),
        Err(_) if !client.is_connected() => Err(Error::NotConnected),
        Err(_) => Err(refused("the library did not send the vote")),
    }
}

/// What is only read to show a message better fails no commit: what cannot be read is as good as what is not there.
fn decoration<T>(read: Result<T, store::Error>) -> Result<Option<T>, store::Error> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ (store::Error::Unavailable(_) | store::Error::Fenced)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "what a vote is about cannot be read");
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

/// The poll's secret: from the same part, from what we sent, or from what was kept of what came.
async fn secret(own: &Own, client: &Client, poll: &MessageRow, creator: &Jid, part: &Part) -> Result<Option<Vec<u8>>, store::Error> {
    if let Some((_, _, secret)) = part.secrets.iter().find(|(chat, wa_id, _)| *wa_id == poll.wa_id && *chat == poll.chat) {
        return Ok(Some(secret.clone()));
    }
    if let Some(stored) = decoration(own.ctx.store.sent_payload(own.session(), &poll.chat, &poll.wa_id).await)?.flatten() {
        let message: Option<wa::Message> = compose::thaw(&own.ctx.seal, own.session(), &poll.wa_id, stored);
        return Ok(message.and_then(|message| message.message_context_info.as_option()?.message_secret.clone()));
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

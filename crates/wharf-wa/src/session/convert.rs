//! From a decrypted message to the row that keeps it.
//!
//! Ids are taken from what the stanza itself says, never from what was learned since: a redelivered message must get the
//! same chat and sender, or it would stand there twice.

mod content;
mod marks;
pub(crate) mod media;
mod words;
mod wrapped;

pub(super) use marks::context;
pub(super) use wrapped::opened;

use wacore::proto_helpers::MessageExt as _;
use wacore::types::message::{EditAttribute, MessageCategory, MessageInfo};
use wacore_binary::{Jid, JidExt as _};
use waproto::whatsapp as wa;
use wharf_api::Timestamp;
use wharf_api::ids::MessageId;
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus, Party};
use wharf_core::store::{Fence, MessageRow};

/// WhatsApp's ids have some twenty to forty characters, and an index takes no more than a few thousand.
const LONGEST_ID: usize = 512;

/// One end of a message, by both names where the stanza tells both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    /// The phone number's id where it is known, the LID otherwise: outgoing messages name chats by number.
    pub(crate) id: String,
    pub(crate) phone: Option<String>,
    pub(crate) lid: Option<String>,
}

impl Person {
    pub(crate) fn of(jid: &Jid, other: Option<&Jid>) -> Self {
        let names = [Some(jid), other];
        let known = |is: fn(&Jid) -> bool| names.iter().flatten().find(|name| is(name)).copied();
        let phone = known(Jid::is_pn);
        let lid = known(Jid::is_lid);
        Self {
            id: phone.unwrap_or(jid).to_non_ad_string(),
            phone: phone.map(|jid| jid.user_base().to_owned()),
            lid: lid.map(Jid::to_non_ad_string),
        }
    }
}

/// Without a name of its own: WhatsApp tells that elsewhere.
impl From<Person> for Party {
    fn from(person: Person) -> Self {
        Self { id: person.id, phone_number: person.phone, lid: person.lid, name: None }
    }
}

/// How long after it was made a change of another message may come and still be believed to know when it was made.
const BELIEVED_MS: i64 = 24 * 60 * 60 * 1000;

/// The row of a message that came in, or why it gets none. What another device of the account sent is outgoing.
pub(super) fn row(
    fence: &Fence,
    id: MessageId,
    message: &wa::Message,
    info: &MessageInfo,
    now: Timestamp,
) -> Result<MessageRow, &'static str> {
    let mut row = bare(fence, id, info, now)?;
    let latest = last_of(info);
    if let Some(made_at) = made_at(message.get_base_message()).filter(|made_at| (latest - BELIEVED_MS..=latest).contains(made_at)) {
        // A change that is read at the second try is as old as it was, and does not undo a later one.
        row.created_at = Timestamp::from_millis(made_at);
    }
    let file = media::id(&row.id);
    row.content = content::of(message, &file)?;
    if let Content::Deletion { target } = &mut row.content
        && info.edit != EditAttribute::AdminRevoke
    {
        // The server lets only a group's admins delete for others. Whoever deletes otherwise deletes what is their own.
        target.from = None;
    }
    let own = row.marks.from_other_device;
    let base = message.get_base_message();
    let edited = base.protocol_message.as_option().and_then(|protocol| protocol.edited_message.as_option());
    row.marks = edited.map_or_else(
        || marks::of(base, &file),
        |edited| Marks { mentions: marks::of(edited.get_base_message(), &file).mentions, ..Marks::default() },
    );
    if let Some(reply) = row.marks.reply_to.as_mut().filter(|reply| reply.chat.as_ref() == Some(&row.chat)) {
        // Some clients name the chat always.
        reply.chat = None;
    }
    row.marks.view_once = message.is_view_once();
    row.marks.from_other_device = own;
    Ok(row)
}

/// The row of a message that could not be decrypted: it knows who wrote where, and not what.
pub(super) fn bare(fence: &Fence, id: MessageId, info: &MessageInfo, now: Timestamp) -> Result<MessageRow, &'static str> {
    let source = &info.source;
    if info.category == MessageCategory::Peer {
        return Err("between the account's own devices");
    }
    if source.chat.is_newsletter() {
        return Err("a channel");
    }
    if info.id.len() > LONGEST_ID {
        return Err("an id that nobody makes");
    }
    let own = source.is_from_me;
    let sender = Some(Person::of(&source.sender, source.sender_alt.as_ref())).filter(|_| !own).unwrap_or_default();
    let chat = if source.is_group || source.chat.is_group() || source.chat.is_status_broadcast() {
        Person { id: source.chat.to_non_ad_string(), ..Person::default() }
    } else {
        Person::of(&source.chat, if own { source.recipient_alt.as_ref() } else { source.sender_alt.as_ref() })
    };
    Ok(MessageRow {
        id,
        account: fence.account.clone(),
        session: fence.session.clone(),
        wa_id: info.id.clone(),
        direction: if own { Direction::Outgoing } else { Direction::Incoming },
        status: if own { MessageStatus::Sent } else { MessageStatus::Received },
        chat: chat.id,
        chat_phone: chat.phone,
        chat_lid: chat.lid,
        sender: Some(sender.id).filter(|_| !own),
        sender_phone: sender.phone,
        sender_lid: sender.lid,
        sender_name: Some(info.push_name.clone()).filter(|name| !own && !name.is_empty()),
        content: Content::Undecryptable {},
        marks: Marks { from_other_device: own, ..Marks::default() },
        error: None,
        error_reason: None,
        created_at: moment(info, now),
    })
}

/// The last millisecond of the second that WhatsApp tells.
fn last_of(info: &MessageInfo) -> i64 {
    info.timestamp.timestamp_millis().div_euclid(1000).saturating_mul(1000).saturating_add(999)
}

/// When a message was sent. WhatsApp tells the second; within it, a message is not older than what was answered, and those that come one
/// after the other stay so: it counts from when it came, and from the second's end where it came later.
fn moment(info: &MessageInfo, now: Timestamp) -> Timestamp {
    let last = last_of(info);
    Timestamp::from_millis(now.as_millis().clamp(last - 999, last))
}

/// When a change was made, in milliseconds by its sender's clock.
fn made_at(base: &wa::Message) -> Option<i64> {
    let reaction = base.reaction_message.as_option().and_then(|reaction| reaction.sender_timestamp_ms);
    let vote = || base.poll_update_message.as_option().and_then(|vote| vote.sender_timestamp_ms);
    let edit = || base.protocol_message.as_option().and_then(|protocol| protocol.timestamp_ms);
    reaction.or_else(vote).or_else(edit)
}

#[cfg(test)]
mod tests;

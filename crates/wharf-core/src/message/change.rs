//! Changes: messages that say something about another one, and what becomes of that.
//!
//! A change is a message with a row and an id of its own, so that it is sent and received like any other: not lost, not
//! doubled. It takes effect on the message that it names when WhatsApp has acknowledged it, or when it came in.

use std::collections::HashSet;

use wharf_api::recipient::{STATUS_CHAT, is_group};
use wharf_api::types::event::EventKind;
use wharf_api::types::message::{Content, Direction, Marks, PollResult, Reaction};
use wharf_api::{Recipient, Timestamp};

use crate::store::MessageRow;

/// The event that announces a change; `None` for what is no change.
pub const fn event(content: &Content) -> Option<EventKind> {
    match content {
        Content::Reaction { .. } => Some(EventKind::MessageReaction),
        Content::PollVote { .. } => Some(EventKind::PollVote),
        Content::Edit { .. } => Some(EventKind::MessageEdited),
        Content::Deletion { .. } => Some(EventKind::MessageDeleted),
        Content::Text { .. }
        | Content::Location { .. }
        | Content::Contact { .. }
        | Content::Poll { .. }
        | Content::Image(_)
        | Content::Video(_)
        | Content::Document(_)
        | Content::Audio(_)
        | Content::Sticker(_)
        | Content::Deleted {}
        | Content::Undecryptable {}
        | Content::Unsupported { .. } => None,
    }
}

/// Whether both rows stand in one chat, whichever of its names they use.
pub fn same_chat(one: &MessageRow, other: &MessageRow) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    one.chat == other.chat || same(&one.chat_phone, &other.chat_phone) || same(&one.chat_lid, &other.chat_lid)
}

/// Whether a message may mean the other one by its WhatsApp id: one of its chat, or a status, which is answered in the chat of two people.
pub fn may_name(by: &MessageRow, named: &MessageRow) -> bool {
    same_chat(by, named) || (named.chat == STATUS_CHAT && named.direction != by.direction)
}

/// Whether an answer may quote the other one: it may stand in another chat, which the answer names then.
pub fn may_answer(by: &MessageRow, named: &MessageRow) -> bool {
    let elsewhere = by.marks.reply_to.as_ref().and_then(|reply| reply.chat.as_deref());
    may_name(by, named) || elsewhere == Some(named.chat.as_str())
}

/// Whether the row stands in the chat that a message to `to` goes to.
pub fn stands_in(row: &MessageRow, to: &Recipient) -> bool {
    row.chat == to.jid()
        || row.chat_lid.as_deref() == Some(to.jid().as_str())
        || to.phone().is_some_and(|phone| row.chat_phone.as_deref() == Some(phone))
}

/// Whether this person wrote it.
pub fn is_by(row: &MessageRow, person: &Recipient) -> bool {
    let jid = Some(person.jid());
    row.sender == jid || row.sender_lid == jid || (person.phone().is_some() && row.sender_phone.as_deref() == person.phone())
}

/// Whether one person wrote both.
fn same_author(one: &MessageRow, other: &MessageRow) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    match (one.direction, other.direction) {
        (Direction::Outgoing, Direction::Outgoing) => true,
        (Direction::Incoming, Direction::Incoming) => {
            same(&one.sender, &other.sender) || same(&one.sender_phone, &other.sender_phone) || same(&one.sender_lid, &other.sender_lid)
        }
        _ => false,
    }
}

/// Whether the author of the change may make it. In a group an admin may delete for others: such a deletion names whose message it
/// is, and WhatsApp's server has seen to it that only an admin sends one.
pub fn may(target: &MessageRow, change: &MessageRow) -> bool {
    match &change.content {
        Content::Edit { .. } => same_chat(target, change) && same_author(target, change),
        Content::Deletion { target: named } => {
            same_chat(target, change) && (same_author(target, change) || (named.from.is_some() && is_group(&target.chat)))
        }
        _ => may_name(change, target),
    }
}

/// Whether a message was deleted for everyone, whatever is kept of it.
pub fn is_deleted(row: &MessageRow) -> bool {
    matches!(row.content, Content::Deleted {}) || row.marks.deleted_at.is_some()
}

/// Makes a deletion where all is kept: the message is marked, and nothing more is done to it. `false` where nothing changes by it.
pub fn mark_deleted(target: &mut MessageRow, deletion: &MessageRow) -> bool {
    if !may(target, deletion) || is_deleted(target) {
        return false;
    }
    target.marks.deleted_at = Some(deletion.created_at);
    true
}

/// Makes the change on the message that it names; `false` where nothing changes by it.
pub fn apply(target: &mut MessageRow, change: &MessageRow) -> bool {
    if !may(target, change) || is_deleted(target) {
        return false;
    }
    let at = change.created_at;
    match &change.content {
        Content::Reaction { emoji, .. } => react(&mut target.marks.reactions, change.sender.as_deref(), emoji, at),
        Content::PollVote { options, .. } => vote(target, change.sender.as_deref(), options),
        Content::Edit { text, .. } => edit(target, text, &change.marks.mentions, at),
        Content::Deletion { .. } => {
            target.content = Content::Deleted {};
            let (reference, from_other_device) = (target.marks.reference.take(), target.marks.from_other_device);
            target.marks = Marks { reference, deleted_at: Some(at), from_other_device, ..Marks::default() };
            true
        }
        _ => false,
    }
}

/// Takes out of an edit what the message said that is deleted now; `false` where it says nothing of it.
pub fn silence(change: &mut MessageRow, deleted_at: Option<Timestamp>) -> bool {
    let Content::Edit { text, .. } = &mut change.content else { return false };
    text.clear();
    change.marks.mentions.clear();
    change.marks.deleted_at = deleted_at;
    true
}

fn react(reactions: &mut Vec<Reaction>, from: Option<&str>, emoji: &str, at: Timestamp) -> bool {
    let before = reactions.iter().position(|reaction| reaction.from.as_deref() == from);
    match before {
        // Reactions may overtake each other; the later one counts.
        Some(place) if reactions[place].at > at => return false,
        Some(place) => drop(reactions.remove(place)),
        None if emoji.is_empty() => return false,
        None => {}
    }
    if !emoji.is_empty() {
        reactions.push(Reaction { from: from.map(str::to_owned), emoji: emoji.to_owned(), at });
    }
    true
}

/// Who votes again has only the later vote.
fn vote(target: &mut MessageRow, from: Option<&str>, chosen: &[String]) -> bool {
    let Content::Poll { options, results, .. } = &mut target.content else { return false };
    if results.is_empty() {
        *results = options.iter().map(|option| PollResult { option: option.clone(), votes: 0, voters: Vec::new() }).collect();
    }
    let voter = from.unwrap_or("me");
    let chosen: HashSet<&String> = chosen.iter().collect();
    for result in results {
        result.voters.retain(|known| known != voter);
        if chosen.contains(&result.option) {
            result.voters.push(voter.to_owned());
        }
        result.votes = u32::try_from(result.voters.len()).unwrap_or(u32::MAX);
    }
    true
}

/// What an edit says is the whole message: a link or a mention that it does not repeat is gone.
fn edit(target: &mut MessageRow, words: &str, mentions: &[String], at: Timestamp) -> bool {
    if target.marks.edited_at.is_some_and(|edited| edited > at) {
        return false;
    }
    match &mut target.content {
        Content::Text { text, link_preview } => {
            words.clone_into(text);
            *link_preview = None;
        }
        Content::Image(media) | Content::Video(media) | Content::Document(media) => {
            media.caption = Some(words.to_owned()).filter(|caption| !caption.is_empty());
        }
        _ => return false,
    }
    target.marks.mentions = mentions.to_vec();
    target.marks.edited_at = Some(at);
    true
}

#[cfg(test)]
mod tests;

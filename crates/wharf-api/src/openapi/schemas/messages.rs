//! Messages, and what stands in and on them.

use serde_json::{Map, Value, json};

use super::answers::status;
use crate::ids::MediaId;
use crate::limits;
use crate::openapi::schema::{
    Member, about, always, answer, boolean, card_number, chars, id, integer, list, maybe, message_id, name, nullable, number, otherwise,
    pattern, person, recipient, reference, request, session_id, text, time, word,
};
use crate::types::hold::HoldReason;
use crate::types::media::MediaStatus;
use crate::types::message::{Content, Direction};

/// What a message with a file always says of it.
const FILED: &[&str] = &["mediaId", "mediaStatus", "mimeType", "sizeBytes"];

/// What a message of each type always has besides.
const BY_TYPE: &[(&str, &[&str])] = &[
    ("text", &["text"]),
    ("location", &["latitude", "longitude"]),
    ("contact", &["contacts"]),
    ("poll", &["question", "options", "selectableCount"]),
    ("image", FILED),
    ("video", FILED),
    ("document", FILED),
    ("audio", FILED),
    ("sticker", FILED),
    ("deleted", &[]),
    ("undecryptable", &[]),
    ("unsupported", &["originalType"]),
    ("reaction", &["emoji", "target"]),
    ("poll_vote", &["options", "target"]),
    ("edit", &["text", "target"]),
    ("deletion", &["target"]),
];

/// What the words of a message's status mean.
const STATUS: &str = "How far it has come. `queued`: accepted, and not acknowledged by WhatsApp yet. `sent`: WhatsApp's server has it. \
    `delivered`: a device of the recipient has it. `read`: the recipient has seen it. `played`: the recipient has listened to it. \
    `failed`: it will never arrive. `received`: it came in.";

fn latitude() -> Value {
    about(number(-90, 90), "In degrees; south of the equator below 0.")
}

fn longitude() -> Value {
    about(number(-180, 180), "In degrees; west of Greenwich below 0.")
}

pub(super) fn message() -> Value {
    let by_type: Vec<_> = BY_TYPE
        .iter()
        .filter(|(_, members)| !members.is_empty())
        .map(|(kind, members)| format!("`{kind}`: {}", members.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")))
        .collect();
    let by_type = format!("What it is. Each type has members of its own that are always there. {}.", by_type.join("; "));
    let mut schema = answer(vec![
        always("messageId", message_id()),
        always("sessionId", session_id()),
        always("whatsappId", about(text(), "The id that WhatsApp knows the message by.")),
        always(
            "direction",
            about(
                word([Direction::Outgoing.as_str(), Direction::Incoming.as_str()]),
                "`outgoing` is what the session's own account sent, from whatever device.",
            ),
        ),
        always("status", about(status(), STATUS)),
        always("chat", about(reference("ChatName"), "Where it stands: with a person, in a group, or among the statuses.")),
        maybe("from", about(reference("Party"), "Who wrote it; absent where that is the session's own account.")),
        always("type", about(word(Content::TYPES.iter().copied()), &by_type)),
        maybe("text", about(text(), "What a `text` or an `edit` says, and an `unsupported` message where it says something in words.")),
        maybe("linkPreview", about(reference("LinkPreview"), "What a link in the text is shown as.")),
        maybe("latitude", latitude()),
        maybe("longitude", longitude()),
        maybe("name", about(text(), "What a place is called.")),
        maybe("address", about(text(), "Where a place is, in words.")),
        maybe("contacts", about(list(&shown_card()), "The cards of a `contact` message, as their sender wrote them.")),
        maybe("question", about(text(), "What a poll asks.")),
        maybe("options", about(list(&text()), "What a poll offers, or what a vote chooses.")),
        maybe("selectableCount", about(integer(0, None), "How many options one person may choose; 0 for any number.")),
        maybe("results", about(list(&reference("PollResult")), "The votes so far, in the order of the options.")),
        maybe("emoji", about(text(), "Empty where a reaction was taken back.")),
        maybe("target", about(reference("Reference"), "The message that a change is about.")),
        maybe("mediaId", about(id(MediaId::PREFIX), "The file: `GET /v1/media/{mediaId}` serves it once it is `stored`.")),
        maybe(
            "mediaStatus",
            about(
                word(MediaStatus::ALL.iter().map(|state| state.as_str())),
                "`pending`: it is still being fetched from WhatsApp. `stored`: it can be had. `failed`: `mediaReason` says why it cannot.",
            ),
        ),
        maybe("mediaReason", about(text(), "Why the file could not be fetched from WhatsApp.")),
        maybe("mimeType", about(text(), "What sort of file it is, such as `image/jpeg`.")),
        maybe("sizeBytes", about(integer(0, None), "Of a file that is not stored yet, what its sender says.")),
        maybe("sha256", about(text(), "In hexadecimal.")),
        maybe("caption", about(text(), "The words under an image, a video or a document.")),
        maybe("fileName", about(text(), "What the file is called; absent where nobody says.")),
        maybe("width", about(integer(0, None), "In pixels.")),
        maybe("height", about(integer(0, None), "In pixels.")),
        maybe("durationSeconds", about(integer(0, None), "How long audio or a video lasts.")),
        maybe("voice", about(boolean(), "A voice note, as opposed to an audio file.")),
        maybe("originalType", about(text(), "What a message of the type `unsupported` is.")),
        maybe("reference", about(text(), "What its sender's program calls it.")),
        maybe("replyTo", about(reference("Reference"), "The message that this one quotes.")),
        maybe("mentionIds", about(list(&text()), "Whom it mentions, as WhatsApp writes ids.")),
        maybe("forwarded", about(boolean(), "It is shown as forwarded; absent where it is not.")),
        maybe("viewOnce", about(boolean(), "It can be opened once; absent where it can be opened again and again.")),
        maybe("fromOtherDevice", about(boolean(), "It was sent by another device of the account.")),
        maybe("reactions", about(list(&reference("Reaction")), "Those that stand, one of each person at the most.")),
        maybe("editedAt", about(time(), "When it was edited last; absent where it never was.")),
        maybe("deletedAt", about(time(), "When it was deleted for everyone.")),
        maybe("readAt", about(time(), "When an incoming message was marked as read.")),
        maybe("error", about(reference("MessageError"), "Why it `failed`.")),
        always("createdAt", time()),
        maybe("heldUntil", about(time(), "While it is queued and WhatsApp wants a pause: when it is tried again.")),
        maybe("heldReason", about(word(HoldReason::ALL.iter().map(|reason| reason.as_str())), "Why it waits.")),
        maybe("timeline", about(list(&reference("TimelineEntry")), "Oldest first; only where one message is asked for.")),
        maybe(
            "receipts",
            about(
                list(&reference("MemberReceipt")),
                "To a group, and only where one message is asked for: how far it has come with each member that told.",
            ),
        ),
        maybe("change", about(reference("ChangeState"), "The change on its way; only in the answer to an edit or a deletion.")),
    ]);
    // In a word of our own: generators make one class of this schema, and no class a type out of a `oneOf`.
    schema["x-required-by-type"] = BY_TYPE.iter().map(|(kind, members)| ((*kind).to_owned(), json!(members))).collect::<Map<_, _>>().into();
    schema
}

pub(super) fn dry_run() -> Value {
    answer(vec![
        always("dryRun", about(json!({ "const": true }), "Nothing was sent or counted.")),
        always("sessionId", session_id()),
        always("chat", about(reference("ChatName"), "Where it would go, by the names that WhatsApp knows.")),
        always("type", about(word(Content::TYPES.iter().copied()), "What it would be.")),
        always("status", about(word(["sent", "queued"]), "`queued` where it would wait.")),
        maybe("heldUntil", about(time(), "When it would be tried.")),
        maybe("heldReason", about(word(HoldReason::ALL.iter().map(|reason| reason.as_str())), "Why it would wait.")),
        maybe("reference", about(text(), "What your program calls it.")),
    ])
}

pub(super) fn reference_to() -> Value {
    answer(vec![
        maybe("messageId", about(message_id(), "Absent where Wharf does not have the message.")),
        always("whatsappId", about(text(), "The id that WhatsApp knows the message by.")),
        maybe("fromId", about(text(), "Who wrote it, as WhatsApp writes ids.")),
        maybe("chatId", about(text(), "The chat that it stands in, where that is another one: a reply in private, or to a status.")),
        maybe("quoted", about(quoted(), "What the answer shows of it, where Wharf does not have it.")),
    ])
}

fn quoted() -> Value {
    let kind = about(text(), "As the `type` of a message.");
    answer(vec![always("type", kind), maybe("text", about(text(), "Its words: a text, a caption, what a poll asks."))])
}

pub(super) fn reaction() -> Value {
    answer(vec![
        maybe("fromId", about(text(), "Who reacted; absent where it was the session's own account.")),
        always("emoji", about(text(), "One emoji, however many characters it takes.")),
        always("at", about(time(), "When the reaction was made.")),
    ])
}

pub(super) fn poll_result() -> Value {
    let voters = about(list(&text()), "As WhatsApp writes ids; `me` is the session's own account.");
    answer(vec![
        always("option", about(text(), "As the poll offers it.")),
        always("votes", about(integer(0, None), "How many people choose it now.")),
        always("voterIds", voters),
    ])
}

pub(super) fn link_preview() -> Value {
    request(vec![
        always("url", about(chars(1, limits::LINK_CHARS), "Stands in the text.")),
        always("title", chars(1, limits::LINK_TITLE_CHARS)),
        maybe("description", nullable(chars(0, limits::LINK_DESCRIPTION_CHARS))),
    ])
}

/// A card as somebody sent it: whatever stands in it.
pub(in crate::openapi) fn shown_card() -> Value {
    answer(vec![always("name", text()), always("phoneNumbers", list(&text())), maybe("organization", text())])
}

pub(super) fn contact_card() -> Value {
    let mut phones = list(&card_number());
    phones["minItems"] = json!(1);
    phones["maxItems"] = json!(limits::PHONES_PER_CONTACT);
    request(vec![
        always("name", name(limits::CONTACT_NAME_CHARS)),
        always("phoneNumbers", phones),
        maybe("organization", nullable(name(limits::CONTACT_NAME_CHARS))),
    ])
}

pub(super) fn change_state() -> Value {
    answer(vec![
        always("messageId", about(message_id(), "The edit or the deletion, which is a message of its own.")),
        always("status", about(status(), "`queued` while WhatsApp has not acknowledged it: the message changes when it has.")),
    ])
}

/// What a new message takes: its own members between where it comes from and how it is answered.
pub(super) fn new(own: Vec<Member>) -> Value {
    let mut members = vec![always("sessionId", about(session_id(), "The session that sends it.")), always("to", recipient())];
    members.extend(own);
    members.push(maybe("replyTo", about(nullable(message_id()), "The message that this one answers, of the same chat.")));
    members.extend(manner());
    request(members)
}

/// How it is sent, whatever it says.
fn manner() -> [Member; 3] {
    let reference =
        about(nullable(chars(1, limits::REFERENCE_CHARS)), "Your own name for the message: shown on it, and lists can ask for it.");
    let dry_run = about(boolean(), "Say with 200 what would happen, and send and count nothing.");
    [asynchronous(), maybe("reference", reference), maybe("dryRun", otherwise(dry_run, &json!(false)))]
}

fn asynchronous() -> Member {
    let flag = about(boolean(), "Answer as soon as the message is durable instead of waiting for WhatsApp.");
    maybe("async", otherwise(flag, &json!(false)))
}

/// Whom the words of a new message mention.
pub(super) fn mentions(words: &str) -> Member {
    let mut mentions = about(list(&person()), &format!("Who reads the {words} sees a name where `@` and the digits stand in it."));
    mentions["maxItems"] = json!(limits::MENTIONS);
    maybe("mentions", mentions)
}

/// Whom a status is for.
pub(super) fn audience() -> Member {
    let mut audience = about(list(&person()), "With `to: \"status\"`, and only then: the people whom it is for.");
    audience["maxItems"] = json!(limits::STATUS_AUDIENCE.end());
    maybe("audience", audience)
}

pub(super) fn send_text() -> Value {
    let preview = json!({ "oneOf": [boolean(), reference("LinkPreview")],
        "description": "What a link in the text is shown as; `true` has the first link's page say so, which never fails the send." });
    let preview = otherwise(preview, &json!(false));
    let text = always("text", chars(1, limits::TEXT_CHARS));
    let colour = about(nullable(pattern("^#[0-9A-Fa-f]{6}$")), "Of a status: what the text stands on.");
    new(vec![text, audience(), maybe("backgroundColor", colour), mentions("text"), maybe("linkPreview", preview)])
}

pub(super) fn send_location() -> Value {
    let place = || nullable(chars(0, limits::PLACE_CHARS));
    new(vec![
        always("latitude", latitude()),
        always("longitude", longitude()),
        maybe("name", about(place(), "What the place is called.")),
        maybe("address", about(place(), "Where it is, in words.")),
    ])
}

pub(super) fn send_contact() -> Value {
    let mut contacts = list(&reference("ContactCard"));
    contacts["minItems"] = json!(1);
    contacts["maxItems"] = json!(limits::CONTACTS_PER_MESSAGE);
    new(vec![always("contacts", about(contacts, "The cards that go out in one message."))])
}

pub(super) fn send_poll() -> Value {
    let mut options = about(list(&chars(1, limits::POLL_OPTION_CHARS)), "Each different from the others.");
    options["minItems"] = json!(limits::POLL_OPTIONS.start());
    options["maxItems"] = json!(limits::POLL_OPTIONS.end());
    let most = *limits::POLL_OPTIONS.end() as u64;
    let count = otherwise(about(integer(0, Some(most)), "How many options one person may choose; 0 for any number."), &json!(1));
    let question = always("question", about(chars(1, limits::POLL_QUESTION_CHARS), "What is asked."));
    new(vec![question, always("options", options), maybe("selectableCount", count)])
}

pub(super) fn send_reaction() -> Value {
    let emoji = about(text(), "One emoji; empty takes the reaction back.");
    let mut members = vec![always("messageId", about(message_id(), "The message that is reacted to.")), always("emoji", emoji)];
    members.extend(manner());
    request(members)
}

pub(super) fn forward_message() -> Value {
    let mut members = vec![always("to", recipient())];
    members.extend(manner());
    request(members)
}

pub(super) fn edit_message() -> Value {
    request(vec![always("text", about(chars(1, limits::TEXT_CHARS), "What the message says from then on, whole."))])
}

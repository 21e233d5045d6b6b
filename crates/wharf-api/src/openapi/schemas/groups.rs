//! Groups, asked and answered.

use serde_json::{Value, json};

use crate::limits;
use crate::openapi::schema::{
    about, always, answer, boolean, chars, contact_id, group_id, integer, lid, list, maybe, nullable, phone_digits, recipient, reference,
    request, session_id, text, time, word,
};
use crate::types::group::{GroupChange, GroupRole};

pub(super) fn by_session() -> Value {
    request(vec![always("sessionId", session_id())])
}

pub(super) fn create_group() -> Value {
    request(vec![
        always("sessionId", session_id()),
        always("subject", about(chars(1, limits::GROUP_SUBJECT_CHARS), "What the group is called.")),
        always("participants", about(people(0), "The others; the session's own account is always in.")),
        maybe("description", nullable(chars(0, limits::GROUP_DESCRIPTION_CHARS))),
    ])
}

pub(super) fn update_group() -> Value {
    let disappearing = integer(0, Some(u32::MAX.into()));
    request(vec![
        always("sessionId", session_id()),
        maybe("subject", about(nullable(chars(1, limits::GROUP_SUBJECT_CHARS)), "What the group is called.")),
        maybe("description", about(nullable(chars(0, limits::GROUP_DESCRIPTION_CHARS)), "An empty text takes it away.")),
        maybe("announcement", about(nullable(boolean()), "Only admins send.")),
        maybe("locked", about(nullable(boolean()), "Only admins change subject, description and picture.")),
        maybe("approvalRequired", about(nullable(boolean()), "Admins let in who has the invite code.")),
        maybe("membersCanAdd", about(nullable(boolean()), "Whether members who are no admins put people in.")),
        maybe("disappearingSeconds", about(nullable(disappearing), "After how long messages disappear; 0 keeps them.")),
    ])
}

pub(super) fn name_participants() -> Value {
    request(vec![always("sessionId", session_id()), always("participants", people(1))])
}

pub(super) fn set_group_picture() -> Value {
    request(vec![always("sessionId", session_id()), always("data", about(text(), "A JPEG in base64."))])
}

pub(super) fn join_group() -> Value {
    request(vec![always("sessionId", session_id()), always("code", about(chars(1, 200), "The invite code, or the whole link."))])
}

fn people(min: usize) -> Value {
    let mut people = list(&recipient());
    people["minItems"] = json!(min);
    people["maxItems"] = json!(limits::GROUP_PARTICIPANTS_PER_CALL);
    people
}

pub(super) fn group() -> Value {
    answer(vec![
        always("groupId", group_id()),
        always("subject", about(text(), "What the group is called.")),
        maybe("description", about(text(), "Absent where there is none.")),
        maybe("owner", about(reference("Party"), "Who made it; absent where WhatsApp does not tell.")),
        maybe("createdAt", about(time(), "When it was made; absent where WhatsApp does not tell.")),
        always("announcement", about(boolean(), "Only admins send.")),
        always("locked", about(boolean(), "Only admins change subject, description and picture.")),
        always("approvalRequired", about(boolean(), "Admins let in who has the invite code.")),
        always("membersCanAdd", about(boolean(), "Whether members who are no admins put people in.")),
        always("disappearingSeconds", about(integer(0, None), "After how long messages disappear; 0: they stay.")),
        always("participants", about(list(&reference("GroupParticipant")), "The members, in no order.")),
        maybe("leftAt", about(time(), "Since when the session is known not to be in the group; all else is as it was seen last.")),
    ])
}

pub(super) fn group_participant() -> Value {
    answer(vec![
        always("contactId", contact_id()),
        maybe("phoneNumber", phone_digits()),
        maybe("lid", lid()),
        always("role", about(word(GroupRole::WORDS), "`superadmin` is who made the group.")),
    ])
}

pub(super) fn participant_result() -> Value {
    let reasons = ["already_member", "not_a_member", "not_on_whatsapp", "privacy", "left_recently", "group_full", "not_allowed"];
    answer(vec![
        always("contactId", contact_id()),
        maybe("phoneNumber", phone_digits()),
        maybe("lid", lid()),
        always("success", about(boolean(), "Whether it was done for this person; others of one call may have fared otherwise.")),
        maybe("reason", about(word(reasons), "Why not.")),
    ])
}

pub(super) fn member_receipt() -> Value {
    answer(vec![
        always("participant", about(reference("Party"), "The member of the group.")),
        maybe("deliveredAt", about(time(), "When a device of the member had it; absent where none told.")),
        maybe("readAt", about(time(), "When the member saw it; absent where that was not told.")),
        maybe("playedAt", about(time(), "When the member listened to it; absent where that was not told.")),
    ])
}

pub(super) fn group_invite() -> Value {
    answer(vec![
        always("code", about(text(), "What the link ends in; who joins names it.")),
        always("link", about(text(), "`https://chat.whatsapp.com/` and the code.")),
    ])
}

pub(super) fn joined_group() -> Value {
    answer(vec![always("groupId", group_id()), always("pending", about(boolean(), "The admins have been asked."))])
}

pub(super) fn left_group() -> Value {
    answer(vec![always("groupId", group_id())])
}

pub(super) fn group_picture() -> Value {
    answer(vec![maybe("pictureId", about(text(), "Absent where there is none any more."))])
}

pub(super) fn group_request() -> Value {
    answer(vec![
        always("contactId", contact_id()),
        maybe("phoneNumber", phone_digits()),
        maybe("lid", lid()),
        maybe("requestedAt", about(time(), "When the person asked to be let in; absent where WhatsApp does not tell.")),
    ])
}

/// Which members come with which `type` is said with each of them.
pub(super) fn group_updated() -> Value {
    let people = "With `participants_…`, `join_requested`, `join_request_withdrawn` and `join_request_rejected`: who.";
    answer(vec![
        always("groupId", group_id()),
        always("type", about(word(GroupChange::WORDS), "What happened; it says which of the other members are there.")),
        maybe("by", about(reference("Party"), "Who did it, where WhatsApp tells.")),
        always("at", time()),
        maybe("participants", about(list(&reference("Party")), people)),
        maybe("subject", about(text(), "With `subject_changed`, and with `created` where WhatsApp tells it.")),
        maybe("description", about(nullable(text()), "With `description_changed`; null: there is none any more.")),
        maybe("pictureId", about(nullable(text()), "With `picture_changed`; null: there is none any more.")),
        maybe("setting", about(text(), "With `settings_changed`: `announcement`, `locked`, `approvalRequired` or `membersCanAdd`.")),
        maybe("enabled", about(boolean(), "With `settings_changed`.")),
        maybe("disappearingSeconds", about(integer(0, None), "With `disappearing_changed`; 0: messages stay.")),
        maybe("originalType", about(text(), "With `other`: WhatsApp's own word.")),
    ])
}

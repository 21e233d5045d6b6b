//! Accounts, plans, usage, and the rotation of keys.

use serde_json::{Value, json};

use super::super::schema::{
    Member, about, always, answer, boolean, chars, id, integer, key_id, list, maybe, name, nullable, reference, request, text, time, word,
};
use crate::ids::{AccountId, UserId};
use crate::types::account::AccountStatus;
use crate::types::audit::Actor;
use crate::{ErrorCode, limits};

fn limit(min: u64) -> Value {
    integer(min, Some(limits::PLAN_LIMIT_MAX))
}

const CALLS: &str = "How many calls the account may make within any minute; what is beyond is refused with `rate_limit_exceeded`.";
const CONCURRENT: &str =
    "How many requests of the account may run at the same time; what is beyond is refused with `concurrent_request_limit_exceeded`.";

fn unlimited() -> Value {
    about(nullable(limit(0)), "Without limit where null.")
}

pub(super) fn plan() -> Value {
    let mut members = vec![always("name", about(text(), "What accounts name it by."))];
    members.extend(limits_of_a_plan());
    answer(members)
}

pub(super) fn plan_limits() -> Value {
    answer(limits_of_a_plan())
}

fn limits_of_a_plan() -> Vec<Member> {
    vec![
        always("messagesPerDay", unlimited()),
        always("callsPerMinute", about(limit(1), CALLS)),
        always("sessions", unlimited()),
        always("concurrentRequests", about(limit(1), CONCURRENT)),
        always("eventDays", event_days()),
        always("messageDays", message_days()),
        always("mediaDays", media_days()),
        always("mediaBytes", media_bytes()),
        always("pace", about(plan_pace(), PACE)),
        always("keepDeleted", keep_deleted()),
    ]
}

fn keep_deleted() -> Value {
    about(boolean(), "What is deleted for everyone stays as it was said, marked by `deletedAt`; else it goes, with its edits and its file.")
}

fn event_days() -> Value {
    about(integer(1, Some(limits::EVENT_DAYS_MAX)), "How many days the event log goes back.")
}

fn message_days() -> Value {
    let sentence = "How many days a message is kept after what happened to it last, with its events; for ever where null.";
    about(nullable(integer(1, Some(limits::MESSAGE_DAYS_MAX))), sentence)
}

fn media_days() -> Value {
    about(integer(1, Some(limits::MEDIA_DAYS_MAX)), "How many days a file is kept after it came or was sent last.")
}

fn media_bytes() -> Value {
    let sentence = "How many bytes of files are kept at the same time, those on their way in included; without limit where null.";
    about(nullable(integer(0, Some(limits::PLAN_BYTES_MAX))), sentence)
}

pub(super) fn put_plan() -> Value {
    request(vec![
        maybe("messagesPerDay", unlimited()),
        always("callsPerMinute", about(limit(1), CALLS)),
        maybe("sessions", unlimited()),
        always("concurrentRequests", about(limit(1), CONCURRENT)),
        maybe("eventDays", nullable(event_days())),
        maybe("messageDays", message_days()),
        maybe("mediaDays", nullable(media_days())),
        maybe("mediaBytes", media_bytes()),
        maybe("pace", nullable(about(put_pace(), PACE))),
        maybe("keepDeleted", nullable(keep_deleted())),
    ])
}

const PACE: &str =
    "How fast each session writes. What is over pace waits with `heldReason` `pace`. Absent is the safe default, null without limit.";

pub(in crate::openapi) fn plan_pace() -> Value {
    answer(pace(always))
}

pub(in crate::openapi) fn put_pace() -> Value {
    request(pace(maybe))
}

fn pace(member: fn(&'static str, Value) -> Member) -> Vec<Member> {
    let unlimited = |sentence: &str| nullable(about(limit(1), sentence));
    let seconds = |sentence: &str| {
        let mut two = list(&integer(0, Some(limits::PACE_SECONDS_MAX)));
        two["minItems"] = json!(2);
        two["maxItems"] = json!(2);
        nullable(about(two, sentence))
    };
    vec![
        member("messagesPerMinute", unlimited("Messages that a session sends in a minute.")),
        member("newContactsPerHour", unlimited("People whom a session writes to first, in an hour.")),
        member("newContactsPerDay", unlimited("The same in a day.")),
        member("strangerJitterSeconds", seconds("The pause between two of them: from and to, drawn each time.")),
        member("typingSeconds", seconds("How long typing is shown before a text: from and to, drawn each time.")),
    ]
}

pub(super) fn account() -> Value {
    answer(vec![
        always("accountId", id(AccountId::PREFIX)),
        always("name", about(text(), "What people call it.")),
        always("plan", about(text(), "The name of its plan.")),
        always("limits", about(reference("PlanLimits"), "What its plan allows now.")),
        always(
            "status",
            about(
                word(AccountStatus::ALL.iter().map(|status| status.as_str())),
                "Whether it is used; nobody acts in one that is suspended or being deleted.",
            ),
        ),
        maybe("deletion", about(reference("AccountDeletion"), "Of an account that is being deleted: how far that has come.")),
        maybe("suspendedAt", about(time(), "Since when it is suspended: callers are refused and sessions rest until that is lifted.")),
        always("createdAt", time()),
    ])
}

pub(super) fn account_deletion() -> Value {
    let left = |what: &str| about(integer(0, None), &format!("How many {what} are left; no more than 100000 are counted."));
    answer(vec![
        always("requestedAt", about(time(), "When somebody asked for it.")),
        always("sessionsLeft", about(integer(0, None), "How many sessions are left.")),
        always("messagesLeft", left("messages")),
        always("eventsLeft", left("events")),
        always("mediaLeft", left("files")),
    ])
}

/// What the words for who did something mean.
const ACTOR: &str = "Who did it: a key or a user of the account; an operator, in what is the operator's alone; the command line on the \
    machine itself; or nobody, where no good key was shown.";

pub(super) fn audit_entry() -> Value {
    answer(vec![
        always("at", about(time(), "When it happened; of refused keys that are counted together, when they were written down.")),
        always("actor", about(word(Actor::ALL.iter().map(|actor| actor.as_str())), ACTOR)),
        maybe("keyId", about(key_id(), "The key that was used; an account does not see an operator's.")),
        maybe("userId", about(id(UserId::PREFIX), "The user who was signed in; an account does not see an operator's.")),
        maybe("address", about(text(), "Where the request came from; an account does not see an operator's.")),
        maybe("accountId", about(id(AccountId::PREFIX), "The account that it is about.")),
        always("action", about(text(), "The operation's id; `authenticate` for keys that were refused.")),
        maybe("target", about(text(), "The id or name that the request named.")),
        maybe("created", about(text(), "The id of what was made.")),
        maybe("code", about(word(ErrorCode::ALL.iter().map(|code| code.name())), "The code of the refusal; absent where it was done.")),
        always("times", about(integer(1, None), "How often: refused keys are counted together.")),
    ])
}

pub(super) fn create_account() -> Value {
    request(vec![always("name", name(limits::ACCOUNT_NAME_CHARS)), always("plan", about(text(), "The name of a plan."))])
}

pub(super) fn update_account() -> Value {
    request(vec![
        maybe("name", nullable(name(limits::ACCOUNT_NAME_CHARS))),
        maybe("plan", about(nullable(chars(1, limits::PLAN_NAME_CHARS)), "The name of a plan.")),
    ])
}

pub(super) fn used() -> Value {
    answer(used_members())
}

fn used_members() -> Vec<super::super::schema::Member> {
    vec![
        always("messages", about(integer(0, None), "Messages that were accepted.")),
        always("calls", about(integer(0, None), "Calls that were answered, refusals included; a few seconds behind.")),
        always("errors", about(counts_by_code(), "How many of them failed, by code.")),
    ]
}

pub(super) fn day() -> Value {
    let mut members = used_members();
    members.push(always("date", about(json!({ "type": "string", "format": "date" }), "The day, in UTC.")));
    answer(members)
}

pub(super) fn usage() -> Value {
    answer(vec![
        always("today", about(reference("Day"), "The UTC day that runs.")),
        always("last30Days", about(reference("Used"), "Today and the 29 days before it together.")),
        always("days", about(list(&reference("Day")), "Those 30 days one by one, newest first; days without use are left out.")),
        always("mediaBytes", about(integer(0, None), "How many bytes of files are kept now.")),
        always("resetAt", about(time(), "When today ends.")),
    ])
}

pub(super) fn rotate_key() -> Value {
    let overlap = nullable(integer(0, Some(limits::KEY_OVERLAP_MAX_SECS)));
    request(vec![maybe("overlapSeconds", about(overlap, "How long the old key goes on working; a day unless said otherwise."))])
}

pub(in crate::openapi) fn counts_by_code() -> Value {
    json!({ "type": "object", "additionalProperties": integer(1, None) })
}

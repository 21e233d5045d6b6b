//! What each operation takes and answers, by the names of the schemas.

use serde_json::{Value, json};

use super::schema::{about, chars, id, integer, key_id, message_id, otherwise, pattern, recipient, session_id, text, time, word};
use crate::ids::{AccountId, DeliveryId, LoginId, MediaId, UserId, WebhookId};
use crate::limits;
use crate::ops::{self, Operation};
use crate::types::event::EventKind;
use crate::types::media::MediaKind;
use crate::types::message::{Content, Direction, MessageStatus};
use crate::types::session::SessionStatus;
use crate::types::webhook::DeliveryStatus;

/// What one operation takes and answers.
#[derive(Default)]
pub(super) struct Shape {
    pub request: Option<&'static str>,
    pub query: Vec<Parameter>,
    pub answer: Answer,
    /// Other forms of the answer, by type.
    also: &'static [&'static str],
    /// Whether the body may be left out.
    pub may_be_bare: bool,
}

/// A parameter of the query string.
pub(super) struct Parameter {
    pub name: &'static str,
    pub schema: Value,
    pub description: &'static str,
}

#[derive(Default)]
pub(super) enum Answer {
    /// Nobody has said.
    #[default]
    Unknown,
    One(&'static str),
    /// A list that is answered whole: `page.next` is null.
    Whole(&'static str),
    /// A list in pages.
    List(&'static str),
    /// Not in the envelope: the types that it comes in.
    Raw(&'static [&'static str]),
}

impl Shape {
    /// The types that the answer comes in outside the envelope.
    pub fn raw(&self) -> &'static [&'static str] {
        if let Answer::Raw(kinds) = self.answer { kinds } else { self.also }
    }
}

/// The operation's shape, or `None` where this table does not know it.
pub(super) fn of(op: &Operation) -> Option<Shape> {
    let (request, answer) = match op.id {
        "create_session" => (Some("CreateSession"), Answer::One("SessionWithQr")),
        "list_sessions" => (None, Answer::List("Session")),
        "get_session" | "delete_session" | "logout_session" => (None, Answer::One("Session")),
        "update_session" => (Some("UpdateSession"), Answer::One("Session")),
        "get_session_qr" => (None, Answer::One("Qr")),
        "create_pairing_code" => (Some("CreatePairingCode"), Answer::One("PairingCode")),
        "get_session_passkey" => (None, Answer::One("Passkey")),
        "submit_session_passkey" => (Some("PasskeyAssertion"), Answer::One("Passkey")),
        "confirm_session_passkey" => (Some("ConfirmPasskey"), Answer::One("Passkey")),
        "restart_session" => (None, Answer::One("SessionWithQr")),
        "send_text" => (Some("SendText"), Answer::One("Message")),
        "send_location" => (Some("SendLocation"), Answer::One("Message")),
        "send_contact" => (Some("SendContact"), Answer::One("Message")),
        "send_poll" => (Some("SendPoll"), Answer::One("Message")),
        "send_reaction" => (Some("SendReaction"), Answer::One("Message")),
        "forward_message" => (Some("ForwardMessage"), Answer::One("Message")),
        "edit_message" => (Some("EditMessage"), Answer::One("Message")),
        "get_message" | "delete_message" | "read_message" => (None, Answer::One("Message")),
        "list_messages" => (None, Answer::List("Message")),
        "send_media" => (Some("SendMedia"), Answer::One("Message")),
        "upload_media" => (None, Answer::One("Media")),
        "get_media" => (None, Answer::Raw(&["*/*"])),
        "check_contacts" => (Some("CheckContacts"), Answer::Whole("CheckedContact")),
        "create_webhook" => (Some("CreateWebhook"), Answer::One("CreatedWebhook")),
        "list_webhooks" => (None, Answer::List("Webhook")),
        "get_webhook" | "delete_webhook" => (None, Answer::One("Webhook")),
        "update_webhook" => (Some("UpdateWebhook"), Answer::One("Webhook")),
        "test_webhook" => (None, Answer::One("WebhookTested")),
        "rotate_webhook_secret" => (Some("RotateSecret"), Answer::One("CreatedWebhook")),
        "list_deliveries" => (None, Answer::List("Delivery")),
        "retry_delivery" => (None, Answer::One("Delivery")),
        "recover_webhook" => (Some("Recover"), Answer::One("Recovered")),
        "list_events" => (None, Answer::List("Event")),
        "list_contacts" => (None, Answer::List("Contact")),
        "get_contact" => (None, Answer::One("Contact")),
        "get_contact_picture" => (None, Answer::One("Picture")),
        "get_contact_presence" => (None, Answer::One("Presence")),
        "list_blocked_contacts" => (None, Answer::Whole("Party")),
        "block_contact" | "unblock_contact" => (Some("BySession"), Answer::One("Blocked")),
        "list_chats" => (None, Answer::List("Chat")),
        "set_typing" => (Some("SetTyping"), Answer::One("TypingShown")),
        "read_chat" => (Some("BySession"), Answer::One("ChatRead")),
        "set_presence" => (Some("SetPresence"), Answer::One("PresenceShown")),
        "create_group" => (Some("CreateGroup"), Answer::One("Group")),
        "list_groups" => (None, Answer::Whole("Group")),
        "get_group" => (None, Answer::One("Group")),
        "update_group" => (Some("UpdateGroup"), Answer::One("Group")),
        "change_group_participants" | "decide_group_requests" => (Some("NameParticipants"), Answer::Whole("ParticipantResult")),
        "set_group_picture" => (Some("SetGroupPicture"), Answer::One("GroupPicture")),
        "delete_group_picture" => (None, Answer::One("GroupPicture")),
        "get_group_invite" => (None, Answer::One("GroupInvite")),
        "revoke_group_invite" => (Some("BySession"), Answer::One("GroupInvite")),
        "join_group" => (Some("JoinGroup"), Answer::One("JoinedGroup")),
        "leave_group" => (Some("BySession"), Answer::One("LeftGroup")),
        "list_group_requests" => (None, Answer::Whole("GroupRequest")),
        "create_api_key" | "admin_create_api_key" => (Some("CreateKey"), Answer::One("CreatedKey")),
        "list_api_keys" => (None, Answer::List("Key")),
        "get_api_key" | "revoke_api_key" => (None, Answer::One("Key")),
        "rotate_api_key" => (Some("RotateKey"), Answer::One("CreatedKey")),
        "create_login" => (Some("CreateLogin"), Answer::One("Login")),
        "get_current_login" | "delete_current_login" => (None, Answer::One("Login")),
        "set_password" => (Some("SetPassword"), Answer::One("Login")),
        "list_logins" => (None, Answer::Whole("LoginEntry")),
        "delete_login" => (None, Answer::One("LoginEntry")),
        "create_user" => (Some("CreateUser"), Answer::One("User")),
        "admin_create_user" => (Some("AdminCreateUser"), Answer::One("User")),
        "list_users" | "admin_list_users" => (None, Answer::List("User")),
        "get_user" | "delete_user" | "admin_get_user" | "admin_delete_user" => (None, Answer::One("User")),
        "update_user" | "admin_update_user" => (Some("UpdateUser"), Answer::One("User")),
        "get_account" | "admin_get_account" => (None, Answer::One("Account")),
        "get_usage" => (None, Answer::One("Usage")),
        "list_audit" | "admin_list_audit" => (None, Answer::List("AuditEntry")),
        "admin_list_nodes" => (None, Answer::Whole("Node")),
        "admin_list_queues" => (None, Answer::List("Queue")),
        "admin_get_canary" => (None, Answer::One("Canary")),
        "admin_get_update_notice" => (None, Answer::One("UpdateNotice")),
        "admin_get_switches" => (None, Answer::One("Switches")),
        "admin_set_switches" => (Some("PutSwitches"), Answer::One("Switches")),
        "admin_list_plans" => (None, Answer::Whole("Plan")),
        "admin_set_plan" => (Some("PutPlan"), Answer::One("Plan")),
        "admin_list_accounts" => (None, Answer::List("Account")),
        "admin_create_account" => (Some("CreateAccount"), Answer::One("Account")),
        "admin_update_account" => (Some("UpdateAccount"), Answer::One("Account")),
        "admin_get_whatsapp" | "admin_fetch_version" => (None, Answer::One("Whatsapp")),
        "quick_create_session" => (Some("QuickSession"), Answer::One("QuickSessionCreated")),
        "quick_send_text" => (Some("QuickMessage"), Answer::One("Message")),
        "get_openapi" => (None, Answer::Raw(&["application/json"])),
        "get_docs" => (None, Answer::Raw(&["text/html"])),
        "get_metrics" => (None, Answer::Raw(&["text/plain"])),
        "list_errors" => (None, Answer::List("ErrorEntry")),
        "get_health" | "get_readiness" => (None, Answer::One("Health")),
        _ => return None,
    };
    let also: &[&str] = match op.id {
        "get_session_qr" => &["image/png", "image/svg+xml", "text/plain"],
        "list_events" => &["text/event-stream"],
        _ => &[],
    };
    Some(Shape {
        request,
        query: query(op, &answer),
        answer,
        also,
        may_be_bare: [ops::rotate_api_key.id, ops::rotate_webhook_secret.id].contains(&op.id),
    })
}

/// A part of the path.
pub(super) fn path_parameter(name: &str) -> Value {
    match name {
        "sessionId" => session_id(),
        "messageId" => message_id(),
        "mediaId" => id(MediaId::PREFIX),
        "keyId" => key_id(),
        "userId" => id(UserId::PREFIX),
        "loginId" => id(LoginId::PREFIX),
        "webhookId" => id(WebhookId::PREFIX),
        "deliveryId" => id(DeliveryId::PREFIX),
        "accountId" => id(AccountId::PREFIX),
        "contactId" | "chatId" => recipient(),
        "groupId" => pattern("^[0-9-]{1,40}(?:@g\\.us)?$"),
        "action" => word(["add", "remove", "promote", "demote"]),
        "decision" => word(["approve", "reject"]),
        "name" => pattern(&format!("^[a-z0-9_-]{{1,{}}}$", limits::PLAN_NAME_CHARS)),
        _ => text(),
    }
}

fn query(op: &Operation, answer: &Answer) -> Vec<Parameter> {
    if op.sends() {
        let wait = integer(0, Some(limits::SEND_WAIT_MAX_SECS));
        return vec![parameter(
            "wait",
            wait,
            "Seconds from the request on in which WhatsApp's word is waited for; 6.5 unless said otherwise.",
        )];
    }
    let mut all = match op.id {
        "get_session_qr" => vec![
            parameter("wait", integer(0, Some(limits::LONG_POLL_MAX_SECS)), "Seconds to wait for a code other than `known`."),
            parameter("known", text(), "The code that the caller shows now."),
        ],
        "get_message" => vec![
            parameter(
                "wait",
                integer(0, Some(limits::LONG_POLL_MAX_SECS)),
                "Seconds to wait for the status `until`, or a later one; a failure ends the wait.",
            ),
            parameter("until", word(["sent", "delivered", "read", "played"]), "`sent` unless said otherwise."),
        ],
        "list_deliveries" => {
            vec![parameter("status", word(DeliveryStatus::ALL.iter().map(|state| state.as_str())), "Only those in this state.")]
        }
        "list_events" => vec![
            parameter("cursor", text(), "Where to begin: the id of an event, the `page.next` of an answer, `oldest` or `latest`."),
            parameter("sessionId", session_id(), "Only this session's."),
            parameter(
                "events",
                pattern(&kinds()),
                "Only these: kinds of events with commas between. `*`: each step once, as webhooks with `*` get it.",
            ),
            parameter("wait", integer(0, Some(limits::LONG_POLL_MAX_SECS)), "Seconds to wait for a first event."),
            parameter(
                "lastEventId",
                text(),
                "What `Last-Event-ID` says, for readers that cannot set headers. The header is newer, `cursor` older.",
            ),
            parameter("last_event_id", text(), "The same, as other readers write it."),
        ],
        "list_messages" => filters_of_messages(),
        "list_sessions" => vec![
            parameter("name", chars(1, limits::SESSION_NAME_CHARS), "Only those whose name has this in it, letter case apart."),
            parameter("status", word(SessionStatus::ALL.iter().map(|status| status.as_str())), "Only those in this status at this moment."),
        ],
        "list_contacts"
        | "get_contact"
        | "get_contact_presence"
        | "list_blocked_contacts"
        | "list_chats"
        | "list_groups"
        | "get_group"
        | "delete_group_picture"
        | "get_group_invite"
        | "list_group_requests" => {
            vec![parameter("sessionId", session_id(), "The session that asks. Required.")]
        }
        "get_contact_picture" => vec![
            parameter("sessionId", session_id(), "The session that asks. Required."),
            parameter("size", word(["full", "preview"]), "The whole picture, or a small one."),
        ],
        "upload_media" => vec![
            parameter(
                "mediaType",
                word(MediaKind::ALL.iter().map(|kind| kind.as_str())),
                "What the file is for; told from its bytes otherwise.",
            ),
            parameter("fileName", text(), "The file's name, where the body itself carries none."),
        ],
        "admin_list_users" => vec![parameter("accountId", id(AccountId::PREFIX), "Only this account's.")],
        "list_audit" | "admin_list_audit" => {
            let mut all = vec![
                parameter("action", text(), "Only this operation's, by its id; `authenticate` for keys that were refused."),
                parameter("keyId", key_id(), "Only what was done with this key."),
                parameter("target", text(), "Only what names this id or plan."),
            ];
            if op.id == ops::admin_list_audit.id {
                all.push(parameter("accountId", id(AccountId::PREFIX), "Only what is about this account."));
            }
            all
        }
        _ => Vec::new(),
    };
    if matches!(answer, Answer::List(_)) && op.id != ops::list_errors.id {
        let limit = integer(1, Some(limits::PAGE_MAX.into()));
        all.push(parameter("limit", otherwise(limit, &json!(limits::PAGE_DEFAULT)), "How many rows a page has at most."));
        if op.id == ops::list_events.id {
            return all;
        }
        all.push(parameter("cursor", about(pattern("^[0-9A-Za-z_-]+$"), "Opaque."), "The `page.next` of the page before, unchanged."));
    }
    all
}

fn filters_of_messages() -> Vec<Parameter> {
    vec![
        parameter("sessionId", session_id(), "Only this session's."),
        parameter(
            "chatId",
            json!({ "anyOf": [recipient(), pattern("^[^\\u0000]*@[^\\u0000]*$")] }),
            "Only this chat's: a phone number, a chat id or a LID.",
        ),
        parameter("direction", word([Direction::Outgoing.as_str(), Direction::Incoming.as_str()]), "Only these."),
        parameter("status", word(MessageStatus::ALL.iter().map(|status| status.as_str())), "Only those in this status."),
        parameter("type", word(Content::TYPES.iter().copied()), "Only those of this type."),
        parameter("text", chars(1, limits::SEARCH_CHARS), "Only those whose words have this in them, letter case included."),
        parameter("since", time(), "Only those from then on."),
        parameter("until", time(), "Only those before then."),
        parameter("reference", chars(1, limits::REFERENCE_CHARS), "Only those that were sent under this name of your own."),
        parameter("whatsappId", text(), "Only those that WhatsApp knows by this id. Needs `sessionId`."),
    ]
}

/// Kinds of events with commas between, or a star.
fn kinds() -> String {
    let words: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str().replace('.', "\\.")).collect();
    let kind = format!("(?:{})", words.join("|"));
    format!("^(?:\\*|{kind}(?:,{kind})*)$")
}

fn parameter(name: &'static str, schema: Value, description: &'static str) -> Parameter {
    Parameter { name, schema, description }
}

//! Every operation of the API: method, path, permission, and the codes that it may answer.
//!
//! The router mounts what stands here and nothing else; a test layer refuses an answer that is not declared.

use crate::{ErrorCode, Permission};

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether requests of this method say what they want in a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// A key with this permission.
    Key(Permission),
    /// An operator's key, whatever its permissions.
    Operator,
    /// A log-in, whatever its role, and no key.
    Login,
}

impl Access {
    /// Whether it is called with a key.
    pub const fn takes_keys(self) -> bool {
        matches!(self, Self::Key(_) | Self::Operator)
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// The operation's name: also the handler's and its file's.
    pub id: &'static str,
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    pub access: Access,
    /// The status of success.
    pub success: u16,
    /// One sentence.
    pub summary: &'static str,
    /// The codes of its own, beyond those that every operation may answer.
    own_codes: &'static [ErrorCode],
}

/// What any request can meet, whatever it asks for.
pub const COMMON_CODES: &[ErrorCode] = &[ErrorCode::InvalidRequest, ErrorCode::InternalServerError, ErrorCode::ServiceUnavailable];
/// What any request with a key can meet.
pub const KEYED_CODES: &[ErrorCode] = &[
    ErrorCode::MissingApiKey,
    ErrorCode::InvalidApiKey,
    ErrorCode::ExpiredApiKey,
    ErrorCode::InsufficientPermissions,
    ErrorCode::RateLimitExceeded,
    ErrorCode::ConcurrentRequestLimitExceeded,
];
/// What any request with a JSON body can meet.
const BODY_CODES: &[ErrorCode] = &[ErrorCode::MissingRequiredParameter, ErrorCode::InvalidParameterType];
/// What a path that is not served can meet, with or without a key.
pub const UNROUTED_CODES: &[ErrorCode] = &[ErrorCode::ResourceNotFound, ErrorCode::MethodNotAllowed];

impl Operation {
    /// Every code that this operation may answer.
    pub fn codes(&self) -> impl Iterator<Item = ErrorCode> {
        let keyed = if self.access == Access::Open { &[] } else { KEYED_CODES };
        let body = if self.method.has_body() { BODY_CODES } else { &[] };
        [COMMON_CODES, keyed, body, self.own_codes].into_iter().flatten().copied()
    }

    /// The codes of its own, beyond those that every operation of its kind may answer.
    pub fn own_codes(&self) -> &'static [ErrorCode] {
        self.own_codes
    }

    /// Whether a call leaves a row in the audit log: whoever changes keys, users, accounts, plans, sessions or webhooks, or is
    /// refused it. What is sent and said has a log of its own.
    pub fn audited(&self) -> bool {
        let told = match self.access {
            Access::Open => false,
            Access::Operator | Access::Login => true,
            Access::Key(permission) => {
                use Permission::{KeysManage, SessionsWrite, UsersManage, WebhooksManage};
                matches!(permission, SessionsWrite | KeysManage | UsersManage | WebhooksManage)
            }
        };
        told && self.method != Method::Get
    }

    /// Whether it waits for WhatsApp's word on something that it sends.
    pub fn sends(&self) -> bool {
        self.own_codes.contains(&ErrorCode::MessageSendingFailed)
    }

    /// Whether it says on request what it would do, and does nothing.
    pub fn may_be_dry(&self) -> bool {
        self.sends() && self.success == 201 && self.id != quick_send_text.id
    }

    /// Whether it serves files: in part (206) where a part was asked for, and not again (304) to whom has the file.
    pub fn serves_files(&self) -> bool {
        self.id == get_media.id
    }

    /// Whether success may have this status.
    pub fn may_succeed_with(&self, status: u16) -> bool {
        self.success == status || (self.may_be_dry() && status == 200) || (self.serves_files() && matches!(status, 206 | 304))
    }

    /// Whether the request carries an `Idempotency-Key`.
    pub fn idempotent(&self) -> bool {
        self.own_codes.contains(&ErrorCode::IdempotencyKeyReused)
    }
}

/// The operation that a request meets; `path` without its query string. Fixed parts of a path win over parameters.
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    let fits = |known: &str| {
        let mut parts = known.split('/').zip(path.split('/'));
        known.matches('/').count() == path.matches('/').count()
            && parts.all(|(known, asked)| known == asked || (known.starts_with('{') && !asked.is_empty()))
    };
    let known = ALL.iter().map(|op| op.path).filter(|known| fits(known)).min_by_key(|known| known.matches('{').count())?;
    let of_method = |op: &&&Operation| op.method.as_str() == method || (op.method == Method::Get && method == "HEAD");
    ALL.iter().filter(|op| op.path == known).find(of_method).copied()
}

macro_rules! operations {
    ($($id:ident: $method:ident $path:literal, $access:ident$(($permission:ident))?, $success:literal, $summary:literal, [$($code:ident),* $(,)?];)+) => {
        $(pub static $id: Operation = Operation {
            id: stringify!($id),
            method: Method::$method,
            path: $path,
            access: Access::$access$((Permission::$permission))?,
            success: $success,
            summary: $summary,
            own_codes: &[$(ErrorCode::$code),*],
        };)+

        /// The whole table.
        pub static ALL: &[&Operation] = &[$(&$id),+];
    };
}

/// The names are those of files and handlers, hence in lower case.
#[expect(non_upper_case_globals, reason = "an operation is named as its handler and its file are")]
mod table {
    use super::{Access, ErrorCode, Method, Operation, Permission};

    operations! {
        create_session: Post "/v1/sessions", Key(SessionsWrite), 201, "Creates a session and answers with its first QR code.",
            [SessionLimitReached, QrCodeExpired, IdempotencyKeyInUse, IdempotencyKeyReused, Conflict,
             InvalidWebhookUrl, WebhookUrlUnreachable, WebhookResponseTimeout];
        list_sessions: Get "/v1/sessions", Key(SessionsRead), 200, "Lists the sessions.", [InvalidParameterType];
        get_session: Get "/v1/sessions/{sessionId}", Key(SessionsRead), 200, "Shows one session.", [SessionNotFound];
        update_session: Patch "/v1/sessions/{sessionId}", Key(SessionsWrite), 200,
            "Changes a session's name, or its proxy; with another proxy it connects anew, without a scan.", [SessionNotFound];
        delete_session: Delete "/v1/sessions/{sessionId}", Key(SessionsWrite), 200, "Unlinks a session and deletes it.", [SessionNotFound];
        get_session_qr: Get "/v1/sessions/{sessionId}/qr", Key(SessionsRead), 200,
            "Shows the QR code as JSON, PNG, SVG or terminal text, by Accept.",
            [InvalidParameterType, SessionNotFound, QrCodeExpired, SessionDisconnected, Conflict];
        create_pairing_code: Post "/v1/sessions/{sessionId}/pairing-code", Key(SessionsWrite), 201,
            "Makes a code that links the phone without a camera.",
            [SessionNotFound, SessionNotConnected, InvalidPhoneNumber, QrCodeExpired, SessionDisconnected, Conflict, IdempotencyKeyInUse, IdempotencyKeyReused];
        get_session_passkey: Get "/v1/sessions/{sessionId}/passkey", Key(SessionsRead), 200,
            "Shows what WhatsApp wants a passkey to sign, or how far that has come.", [SessionNotFound, Conflict];
        submit_session_passkey: Post "/v1/sessions/{sessionId}/passkey", Key(SessionsWrite), 200,
            "Takes what the passkey signed, as `PublicKeyCredential.toJSON()` gives it.", [SessionNotFound, Conflict, UnsupportedOperation];
        confirm_session_passkey: Post "/v1/sessions/{sessionId}/passkey/confirm", Key(SessionsWrite), 200,
            "Takes the code that the phone shows and compares it; the same code links the phone.", [SessionNotFound, Conflict, UnsupportedOperation];
        restart_session: Post "/v1/sessions/{sessionId}/restart", Key(SessionsWrite), 200,
            "Starts the session anew: reconnects a linked one, shows a fresh QR code for one that is not linked.", [SessionNotFound, Conflict];
        logout_session: Post "/v1/sessions/{sessionId}/logout", Key(SessionsWrite), 200, "Removes the linked device from the phone.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected];

        send_text: Post "/v1/messages/text", Key(MessagesSend), 201, "Sends a text.",
            [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             MessageTooLong, MessageSendingFailed, DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];
        send_media: Post "/v1/messages/media", Key(MessagesSend), 201, "Sends an image, a video, a document, audio or a sticker.",
            [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             ResourceNotFound, MessageTooLong, MediaSizeExceeded, InvalidMediaType, MediaUrlInaccessible, MessageSendingFailed,
             DailyMessageLimitReached, Conflict, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];
        send_location: Post "/v1/messages/location", Key(MessagesSend), 201, "Sends a place.",
            [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             MessageSendingFailed, DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];
        send_contact: Post "/v1/messages/contact", Key(MessagesSend), 201, "Sends contact cards.",
            [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             MessageSendingFailed, DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];
        send_poll: Post "/v1/messages/poll", Key(MessagesSend), 201, "Sends a poll.",
            [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             MessageSendingFailed, DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];
        send_reaction: Post "/v1/messages/reaction", Key(MessagesSend), 201, "Reacts to a message, or takes the reaction back.",
            [MessageNotFound, SessionNotFound, SessionNotConnected, SessionDisconnected, RecipientNotOnWhatsapp, MessageSendingFailed,
             DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation, Conflict];
        forward_message: Post "/v1/messages/{messageId}/forward", Key(MessagesSend), 201, "Sends what a message says to somebody else.",
            [MessageNotFound, SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             ResourceNotFound, MessageSendingFailed, DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused,
             UnsupportedOperation, Conflict];
        edit_message: Patch "/v1/messages/{messageId}", Key(MessagesSend), 200, "Edits an own text or caption, for 15 minutes.",
            [MessageNotFound, SessionNotFound, SessionNotConnected, SessionDisconnected, RecipientNotOnWhatsapp, MessageTooLong,
             MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation, Conflict];
        delete_message: Delete "/v1/messages/{messageId}", Key(MessagesSend), 200, "Deletes a message for everyone, for 60 hours.",
            [MessageNotFound, SessionNotFound, SessionNotConnected, SessionDisconnected, RecipientNotOnWhatsapp, MessageSendingFailed,
             UnsupportedOperation, Conflict];
        read_message: Post "/v1/messages/{messageId}/read", Key(MessagesSend), 200, "Tells the sender that its message was read.",
            [MessageNotFound, SessionNotFound, SessionNotConnected, SessionDisconnected, UnsupportedOperation];
        get_message: Get "/v1/messages/{messageId}", Key(MessagesRead), 200, "Shows one message with its time line, at once or when it has come so far.", [InvalidParameterType, MessageNotFound];
        list_messages: Get "/v1/messages", Key(MessagesRead), 200, "Lists messages, newest first.", [InvalidParameterType, SessionNotFound];

        upload_media: Post "/v1/media", Key(MessagesSend), 201, "Stores a file that messages can then send by its id.",
            [MediaSizeExceeded, InvalidMediaType, Conflict, IdempotencyKeyInUse, IdempotencyKeyReused];
        get_media: Get "/v1/media/{mediaId}", Key(MessagesRead), 200, "Serves a file that was uploaded or received.", [ResourceNotFound];

        check_contacts: Post "/v1/contacts/check", Key(ContactsRead), 200, "Tells which phone numbers are on WhatsApp.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, UnsupportedOperation];

        create_webhook: Post "/v1/webhooks", Key(WebhooksManage), 201, "Makes a webhook whose address took a test, and shows its secret once.",
            [InvalidWebhookUrl, WebhookUrlUnreachable, WebhookResponseTimeout, InvalidWebhookEvent, SessionNotFound, IdempotencyKeyInUse,
             IdempotencyKeyReused];
        list_webhooks: Get "/v1/webhooks", Key(WebhooksManage), 200, "Lists the webhooks.", [InvalidParameterType];
        get_webhook: Get "/v1/webhooks/{webhookId}", Key(WebhooksManage), 200, "Shows one webhook.", [ResourceNotFound];
        update_webhook: Patch "/v1/webhooks/{webhookId}", Key(WebhooksManage), 200, "Changes a webhook, or switches it on or off.",
            [ResourceNotFound, InvalidWebhookUrl, WebhookUrlUnreachable, WebhookResponseTimeout, InvalidWebhookEvent];
        delete_webhook: Delete "/v1/webhooks/{webhookId}", Key(WebhooksManage), 200, "Deletes a webhook with its deliveries.", [ResourceNotFound];
        test_webhook: Post "/v1/webhooks/{webhookId}/test", Key(WebhooksManage), 200, "Sends a signed `webhook.test` and tells how it was taken.",
            [ResourceNotFound, WebhookUrlUnreachable, WebhookResponseTimeout];
        rotate_webhook_secret: Post "/v1/webhooks/{webhookId}/rotate-secret", Key(WebhooksManage), 200,
            "Replaces the secret and shows the new one once; the old one signs too for a while.",
            [ResourceNotFound, IdempotencyKeyInUse, IdempotencyKeyReused];
        list_deliveries: Get "/v1/webhooks/{webhookId}/deliveries", Key(WebhooksManage), 200,
            "Lists deliveries with all their tries, newest event first.", [InvalidParameterType, ResourceNotFound];
        retry_delivery: Post "/v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry", Key(WebhooksManage), 200,
            "Delivers one event again, also one that was delivered.", [ResourceNotFound, Conflict];
        recover_webhook: Post "/v1/webhooks/{webhookId}/recover", Key(WebhooksManage), 200,
            "Delivers everything since a time that did not arrive.", [ResourceNotFound, Conflict];

        list_events: Get "/v1/events", Key(EventsRead), 200,
            "Reads the event log: a part of it as JSON, or the log as it grows as Server-Sent Events, by Accept.",
            [InvalidParameterType, SessionNotFound];
        list_contacts: Get "/v1/contacts", Key(ContactsRead), 200, "Lists the people of the session's messages.",
            [MissingRequiredParameter, InvalidParameterType, SessionNotFound];
        get_contact: Get "/v1/contacts/{contactId}", Key(ContactsRead), 200, "Shows a person with what WhatsApp tells.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, UnsupportedOperation];
        get_contact_picture: Get "/v1/contacts/{contactId}/picture", Key(ContactsRead), 200, "Tells where the picture of a person or a group is.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, UnsupportedOperation];
        get_contact_presence: Get "/v1/contacts/{contactId}/presence", Key(ContactsRead), 200,
            "Asks WhatsApp for a person's presence and shows what it told so far.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, UnsupportedOperation];
        list_blocked_contacts: Get "/v1/contacts/blocked", Key(ContactsRead), 200, "Lists whom the session's account blocks.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected];
        block_contact: Post "/v1/contacts/{contactId}/block", Key(ContactsWrite), 200, "Blocks a person.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp];
        unblock_contact: Post "/v1/contacts/{contactId}/unblock", Key(ContactsWrite), 200, "Lets a person write again.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp];

        list_chats: Get "/v1/chats", Key(MessagesRead), 200, "Lists the chats, the one with the newest message first.",
            [MissingRequiredParameter, InvalidParameterType, SessionNotFound];
        set_typing: Post "/v1/chats/{chatId}/typing", Key(MessagesSend), 200, "Shows in a chat that somebody types or records; it ends by itself.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, UnsupportedOperation];
        read_chat: Post "/v1/chats/{chatId}/read", Key(MessagesSend), 200, "Marks a chat as read and tells the senders.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, UnsupportedOperation];
        set_presence: Post "/v1/presence", Key(MessagesSend), 200, "Shows the session's account as online or not.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, Conflict, UnsupportedOperation];

        create_group: Post "/v1/groups", Key(GroupsWrite), 201, "Makes a group.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp, Conflict,
             IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];
        list_groups: Get "/v1/groups", Key(GroupsRead), 200, "Lists the groups that the session is in.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, Conflict];
        get_group: Get "/v1/groups/{groupId}", Key(GroupsRead), 200, "Shows one group with its participants.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict];
        update_group: Patch "/v1/groups/{groupId}", Key(GroupsWrite), 200, "Changes a group's subject, description and settings.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation];
        change_group_participants: Post "/v1/groups/{groupId}/participants/{action}", Key(GroupsWrite), 200,
            "Adds, removes, promotes or demotes people; each gets a result of its own.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, Conflict, UnsupportedOperation];
        set_group_picture: Put "/v1/groups/{groupId}/picture", Key(GroupsWrite), 200, "Gives a group a picture.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation];
        delete_group_picture: Delete "/v1/groups/{groupId}/picture", Key(GroupsWrite), 200, "Takes a group's picture away.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation];
        get_group_invite: Get "/v1/groups/{groupId}/invite", Key(GroupsWrite), 200, "Shows a group's invite link.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict];
        revoke_group_invite: Post "/v1/groups/{groupId}/invite/revoke", Key(GroupsWrite), 200,
            "Makes a new invite link; the one before lets nobody in any more.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation];
        join_group: Post "/v1/groups/join", Key(GroupsWrite), 200, "Joins a group by its invite code, or asks its admins.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation];
        leave_group: Post "/v1/groups/{groupId}/leave", Key(GroupsWrite), 200, "Leaves a group.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation];
        list_group_requests: Get "/v1/groups/{groupId}/requests", Key(GroupsRead), 200, "Lists who asks to join a group.",
            [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict];
        decide_group_requests: Post "/v1/groups/{groupId}/requests/{decision}", Key(GroupsWrite), 200,
            "Lets people in who asked to join, or turns them away; each gets a result of its own.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, Conflict, UnsupportedOperation];

        create_api_key: Post "/v1/api-keys", Key(KeysManage), 201, "Makes a key and shows its secret once.",
            [SessionNotFound, IdempotencyKeyInUse, IdempotencyKeyReused];
        list_api_keys: Get "/v1/api-keys", Key(KeysManage), 200, "Lists the keys.", [InvalidParameterType];
        get_api_key: Get "/v1/api-keys/{keyId}", Key(KeysManage), 200, "Shows one key.", [ResourceNotFound];
        revoke_api_key: Delete "/v1/api-keys/{keyId}", Key(KeysManage), 200, "Revokes a key.", [ResourceNotFound];
        rotate_api_key: Post "/v1/api-keys/{keyId}/rotate", Key(KeysManage), 201,
            "Makes a key in the place of another, which goes on working for a while.",
            [ResourceNotFound, Conflict, IdempotencyKeyInUse, IdempotencyKeyReused];

        create_login: Post "/v1/login", Open, 201, "Signs in by name and password, or by a link's token: a cookie stands for the key.",
            [InvalidApiKey, RateLimitExceeded, InsufficientPermissions];
        get_current_login: Get "/v1/login", Login, 200, "Shows who is signed in.", [];
        delete_current_login: Delete "/v1/login", Login, 200, "Signs out.", [];
        set_password: Put "/v1/login/password", Login, 200, "Changes the own password, ends the own log-ins, and begins another.", [];
        list_logins: Get "/v1/logins", Login, 200, "Lists the own log-ins, newest first.", [];
        delete_login: Delete "/v1/logins/{loginId}", Login, 200, "Ends one of the own log-ins.", [ResourceNotFound];

        create_user: Post "/v1/users", Key(UsersManage), 201, "Makes a user of the account.",
            [Conflict, IdempotencyKeyInUse, IdempotencyKeyReused];
        list_users: Get "/v1/users", Key(UsersManage), 200, "Lists the account's users.", [InvalidParameterType];
        get_user: Get "/v1/users/{userId}", Key(UsersManage), 200, "Shows one user.", [ResourceNotFound];
        update_user: Patch "/v1/users/{userId}", Key(UsersManage), 200, "Changes a user's role, or gives a new password.",
            [ResourceNotFound, Conflict];
        delete_user: Delete "/v1/users/{userId}", Key(UsersManage), 200, "Deletes a user with its log-ins.", [ResourceNotFound, Conflict];

        get_account: Get "/v1/account", Key(AccountRead), 200, "Shows the account with its plan.", [];
        get_usage: Get "/v1/usage", Key(AccountRead), 200, "Shows what was used today and in the last 30 days.", [];

        list_audit: Get "/v1/audit", Key(AccountRead), 200, "Lists who changed what in the account, newest first.", [InvalidParameterType];

        admin_get_switches: Get "/v1/admin/whatsapp/switches", Operator, 200, "Shows what is paused and which features are off.", [];
        admin_get_canary: Get "/v1/admin/whatsapp/canary", Operator, 200, "Shows how the canary sessions' steps went last.", [];
        admin_get_update_notice: Get "/v1/admin/whatsapp/update-notice", Operator, 200,
            "Shows what the last update notice said, and how this release stands.", [];
        admin_set_switches: Put "/v1/admin/whatsapp/switches", Operator, 200,
            "Pauses connections or sending, or switches features off; on every node within seconds.", [];

        admin_list_audit: Get "/v1/admin/audit", Operator, 200, "Lists who changed what, of all accounts, newest first.", [InvalidParameterType];
        admin_list_plans: Get "/v1/admin/plans", Operator, 200, "Lists the plans.", [];
        admin_set_plan: Put "/v1/admin/plans/{name}", Operator, 200, "Makes a plan or changes its limits.", [];
        admin_list_accounts: Get "/v1/admin/accounts", Operator, 200, "Lists the accounts.", [InvalidParameterType];
        admin_create_account: Post "/v1/admin/accounts", Operator, 201, "Makes an account on a plan.",
            [IdempotencyKeyInUse, IdempotencyKeyReused];
        admin_get_account: Get "/v1/admin/accounts/{accountId}", Operator, 200, "Shows one account.", [ResourceNotFound];
        admin_update_account: Patch "/v1/admin/accounts/{accountId}", Operator, 200, "Changes an account's name or plan.", [ResourceNotFound];
        admin_create_api_key: Post "/v1/admin/accounts/{accountId}/api-keys", Operator, 201,
            "Makes a key of any account and shows its secret once.",
            [ResourceNotFound, SessionNotFound, IdempotencyKeyInUse, IdempotencyKeyReused];

        admin_create_user: Post "/v1/admin/users", Operator, 201, "Makes a user of any account, or an operator.",
            [ResourceNotFound, Conflict, IdempotencyKeyInUse, IdempotencyKeyReused];
        admin_list_users: Get "/v1/admin/users", Operator, 200, "Lists the users of all accounts.", [InvalidParameterType];
        admin_get_user: Get "/v1/admin/users/{userId}", Operator, 200, "Shows one user of any account.", [ResourceNotFound];
        admin_update_user: Patch "/v1/admin/users/{userId}", Operator, 200, "Changes any user's role, or gives a new password.",
            [ResourceNotFound, Conflict];
        admin_delete_user: Delete "/v1/admin/users/{userId}", Operator, 200, "Deletes any user with its log-ins.", [ResourceNotFound, Conflict];

        admin_list_nodes: Get "/v1/admin/nodes", Operator, 200, "Lists the processes that share the database, with their sessions.", [];
        admin_list_queues: Get "/v1/admin/queues", Operator, 200,
            "Lists where messages and deliveries wait, for how long, and what is held back and why.", [InvalidParameterType];

        admin_get_whatsapp: Get "/v1/admin/whatsapp", Operator, 200,
            "Shows which version the gateway claims to be, which WhatsApp serves, and what sessions wait for.", [];
        admin_fetch_version: Post "/v1/admin/whatsapp/version", Operator, 200, "Fetches WhatsApp's newest version now.", [];

        quick_create_session: Post "/api/whatsapp/sessions", Key(SessionsWrite), 201, "The quick start's words for create_session.",
            [SessionLimitReached, QrCodeExpired, IdempotencyKeyInUse, IdempotencyKeyReused, Conflict,
             InvalidWebhookUrl, WebhookUrlUnreachable, WebhookResponseTimeout];
        quick_send_text: Post "/api/whatsapp/sessions/{sessionId}/messages", Key(MessagesSend), 201, "The quick start's words for send_text.",
            [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
             MessageTooLong, MessageSendingFailed, DailyMessageLimitReached, IdempotencyKeyInUse, IdempotencyKeyReused, UnsupportedOperation];

        list_errors: Get "/v1/errors", Open, 200, "The error catalogue.", [];
        get_openapi: Get "/openapi.json", Open, 200, "This API as an OpenAPI document.", [];
        get_docs: Get "/docs", Open, 200, "This API as a page to read and to try.", [];
        get_metrics: Get "/metrics", Open, 200, "What the process counts, as Prometheus reads it.", [];
        get_health: Get "/healthz", Open, 200, "Whether the process is alive.", [];
        get_readiness: Get "/readyz", Open, 200, "Whether the process takes requests.", [];
    }
}

pub use table::*;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_operations_share_a_name_or_a_method_and_path() {
        let names: HashSet<_> = ALL.iter().map(|op| op.id).collect();
        let places: HashSet<_> = ALL.iter().map(|op| (op.method, op.path)).collect();
        assert_eq!((names.len(), places.len()), (ALL.len(), ALL.len()));
    }

    #[test]
    fn a_request_finds_its_operation_as_the_router_does() {
        let id = |method, path| find(method, path).map(|op| op.id);
        assert_eq!(id("GET", "/v1/sessions"), Some("list_sessions"));
        assert_eq!(id("HEAD", "/v1/sessions/ses_1"), Some("get_session"));
        assert_eq!(id("POST", "/v1/messages/text"), Some("send_text"));
        assert_eq!(id("POST", "/api/whatsapp/sessions/ses_1/messages"), Some("quick_send_text"));
        for (method, path) in [("PUT", "/v1/sessions"), ("GET", "/v1/sessions/"), ("GET", "/v1/messages/text"), ("GET", "/")] {
            assert_eq!(id(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn an_open_operation_never_speaks_of_keys() {
        // Whoever signs in has no key, and is refused as one with a wrong key is.
        for op in ALL.iter().filter(|op| op.access == Access::Open && op.id != create_login.id) {
            assert!(op.codes().all(|code| !KEYED_CODES.contains(&code)), "{}", op.id);
        }
    }
}

//! The table: a row says everything of an operation that the contract says.
//!
//! `Method path, access, request => status answer, sentence, [codes of its own], further columns`. Names of requests and answers are those
//! of their schemas; the further columns are the functions of [`Operation`](super::Operation) by those names. Whoever needs a list of all
//! operations at compile time gives the table the name of a macro.

/// Hands every row to the macro of that name, as `name { row }`.
#[macro_export]
macro_rules! each_operation {
    ($then:ident) => {
        $then! {
            create_session { Post "/v1/sessions", Key(SessionsWrite), CreateSession => 201 One(SessionWithQr),
                "Creates a session and answers with its first QR code.", [SessionLimitReached, QrCodeExpired, Conflict, InvalidWebhookUrl,
                WebhookUrlUnreachable, WebhookResponseTimeout], idempotency(WithCommit) }
            list_sessions { Get "/v1/sessions", Key(SessionsRead), 200 List(Session), "Lists the sessions.", [InvalidParameterType],
                query(parameter::sessions) }
            get_session { Get "/v1/sessions/{sessionId}", Key(SessionsRead), 200 One(Session), "Shows one session.", [SessionNotFound] }
            update_session { Patch "/v1/sessions/{sessionId}", Key(SessionsWrite), UpdateSession => 200 One(Session),
                "Changes a session's name, or its proxy; with another proxy it connects anew, without a scan.", [SessionNotFound] }
            delete_session { Delete "/v1/sessions/{sessionId}", Key(SessionsWrite), 200 One(Session), "Unlinks a session and deletes it.",
                [SessionNotFound] }
            get_session_qr { Get "/v1/sessions/{sessionId}/qr", Key(SessionsRead), 200 One(Qr),
                "Shows the QR code as JSON, PNG, SVG or terminal text, by Accept.", [InvalidParameterType, SessionNotFound, QrCodeExpired,
                SessionDisconnected, Conflict], patience(LongPoll), query(parameter::session_qr),
                also(&["image/png", "image/svg+xml", "text/plain"]) }
            create_pairing_code { Post "/v1/sessions/{sessionId}/pairing-code", Key(SessionsWrite), CreatePairingCode => 201 One(PairingCode),
                "Makes a code that links the phone without a camera.", [SessionNotFound, SessionNotConnected, InvalidPhoneNumber,
                QrCodeExpired, SessionDisconnected, Conflict], idempotency(Before) }
            get_session_passkey { Get "/v1/sessions/{sessionId}/passkey", Key(SessionsRead), 200 One(Passkey),
                "Shows what WhatsApp wants a passkey to sign, or how far that has come.", [SessionNotFound, Conflict] }
            submit_session_passkey { Post "/v1/sessions/{sessionId}/passkey", Key(SessionsWrite), PasskeyAssertion => 200 One(Passkey),
                "Takes what the passkey signed, as `PublicKeyCredential.toJSON()` gives it.", [SessionNotFound, Conflict,
                UnsupportedOperation] }
            confirm_session_passkey { Post "/v1/sessions/{sessionId}/passkey/confirm", Key(SessionsWrite), ConfirmPasskey => 200 One(Passkey),
                "Takes the code that the phone shows and compares it; the same code links the phone.", [SessionNotFound, Conflict,
                UnsupportedOperation] }
            restart_session { Post "/v1/sessions/{sessionId}/restart", Key(SessionsWrite), 200 One(SessionWithQr),
                "Starts the session anew: reconnects a linked one, shows a fresh QR code for one that is not linked.", [SessionNotFound,
                Conflict] }
            logout_session { Post "/v1/sessions/{sessionId}/logout", Key(SessionsWrite), 200 One(Session),
                "Removes the linked device from the phone.", [SessionNotFound, SessionNotConnected, SessionDisconnected] }

            send_text { Post "/v1/messages/text", Key(MessagesSend), SendText => 201 One(Message), "Sends a text.", [SessionNotFound,
                MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp, MessageTooLong,
                MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation], idempotency(WithCommit) }
            send_media { Post "/v1/messages/media", Key(MessagesSend), SendMedia => 201 One(Message),
                "Sends an image, a video, a document, audio or a sticker.", [SessionNotFound, MessageNotFound, SessionNotConnected,
                SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp, ResourceNotFound, MessageTooLong, MediaSizeExceeded,
                InvalidMediaType, MediaUrlInaccessible, MessageSendingFailed, DailyMessageLimitReached, Conflict, UnsupportedOperation],
                body(Json(limits::MEDIA_BODY_BYTES)), patience(Files), idempotency(WithCommit) }
            send_location { Post "/v1/messages/location", Key(MessagesSend), SendLocation => 201 One(Message), "Sends a place.",
                [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
                MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation], idempotency(WithCommit) }
            send_contact { Post "/v1/messages/contact", Key(MessagesSend), SendContact => 201 One(Message), "Sends contact cards.",
                [SessionNotFound, MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
                MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation], idempotency(WithCommit) }
            send_poll { Post "/v1/messages/poll", Key(MessagesSend), SendPoll => 201 One(Message), "Sends a poll.", [SessionNotFound,
                MessageNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp,
                MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation], idempotency(WithCommit) }
            send_reaction { Post "/v1/messages/reaction", Key(MessagesSend), SendReaction => 201 One(Message),
                "Reacts to a message, or takes the reaction back.", [MessageNotFound, SessionNotFound, SessionNotConnected,
                SessionDisconnected, RecipientNotOnWhatsapp, MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation,
                Conflict], idempotency(WithCommit) }
            forward_message { Post "/v1/messages/{messageId}/forward", Key(MessagesSend), ForwardMessage => 201 One(Message),
                "Sends what a message says to somebody else.", [MessageNotFound, SessionNotFound, SessionNotConnected,
                SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp, ResourceNotFound, MessageSendingFailed,
                DailyMessageLimitReached, UnsupportedOperation, Conflict], patience(Files), idempotency(WithCommit) }
            edit_message { Patch "/v1/messages/{messageId}", Key(MessagesSend), EditMessage => 200 One(Message),
                "Edits an own text or caption, for 15 minutes.", [MessageNotFound, SessionNotFound, SessionNotConnected,
                SessionDisconnected, RecipientNotOnWhatsapp, MessageTooLong, MessageSendingFailed, DailyMessageLimitReached,
                UnsupportedOperation, Conflict] }
            delete_message { Delete "/v1/messages/{messageId}", Key(MessagesSend), 200 One(Message),
                "Deletes a message for everyone, for 60 hours.", [MessageNotFound, SessionNotFound, SessionNotConnected,
                SessionDisconnected, RecipientNotOnWhatsapp, MessageSendingFailed, UnsupportedOperation, Conflict] }
            read_message { Post "/v1/messages/{messageId}/read", Key(MessagesSend), 200 One(Message),
                "Tells the sender that its message was read.", [MessageNotFound, SessionNotFound, SessionNotConnected,
                SessionDisconnected, UnsupportedOperation] }
            get_message { Get "/v1/messages/{messageId}", Key(MessagesRead), 200 One(Message),
                "Shows one message with its time line, at once or when it has come so far.", [InvalidParameterType, MessageNotFound],
                patience(LongPoll), query(parameter::message) }
            list_messages { Get "/v1/messages", Key(MessagesRead), 200 List(Message), "Lists messages, newest first.",
                [InvalidParameterType, SessionNotFound], query(parameter::messages) }

            upload_media { Post "/v1/media", Key(MessagesSend), 201 One(Media), "Stores a file that messages can then send by its id.",
                [MediaSizeExceeded, InvalidMediaType, Conflict], body(Stream), patience(Files), query(parameter::upload),
                idempotency(Before) }
            get_media { Get "/v1/media/{mediaId}", Key(MessagesRead), 200 File, "Serves a file that was uploaded or received.",
                [ResourceNotFound] }

            check_contacts { Post "/v1/contacts/check", Key(ContactsRead), CheckContacts => 200 Whole(CheckedContact),
                "Tells which phone numbers are on WhatsApp.", [SessionNotFound, SessionNotConnected, SessionDisconnected,
                InvalidPhoneNumber, UnsupportedOperation] }

            create_webhook { Post "/v1/webhooks", Key(WebhooksManage), CreateWebhook => 201 One(CreatedWebhook),
                "Makes a webhook whose address took a test, and shows its secret once.", [InvalidWebhookUrl, WebhookUrlUnreachable,
                WebhookResponseTimeout, InvalidWebhookEvent, SessionNotFound], idempotency(Before) }
            list_webhooks { Get "/v1/webhooks", Key(WebhooksManage), 200 List(Webhook), "Lists the webhooks.", [InvalidParameterType] }
            get_webhook { Get "/v1/webhooks/{webhookId}", Key(WebhooksManage), 200 One(Webhook), "Shows one webhook.", [ResourceNotFound] }
            update_webhook { Patch "/v1/webhooks/{webhookId}", Key(WebhooksManage), UpdateWebhook => 200 One(Webhook),
                "Changes a webhook, or switches it on or off.", [ResourceNotFound, InvalidWebhookUrl, WebhookUrlUnreachable,
                WebhookResponseTimeout, InvalidWebhookEvent] }
            delete_webhook { Delete "/v1/webhooks/{webhookId}", Key(WebhooksManage), 200 One(Webhook),
                "Deletes a webhook with its deliveries.", [ResourceNotFound] }
            test_webhook { Post "/v1/webhooks/{webhookId}/test", Key(WebhooksManage), 200 One(WebhookTested),
                "Sends a signed `webhook.test` and tells how it was taken.", [ResourceNotFound, WebhookUrlUnreachable,
                WebhookResponseTimeout] }
            rotate_webhook_secret { Post "/v1/webhooks/{webhookId}/rotate-secret", Key(WebhooksManage), RotateSecret => 200 One(CreatedWebhook),
                "Replaces the secret and shows the new one once; the old one signs too for a while.", [ResourceNotFound], body(Optional),
                idempotency(Before) }
            list_deliveries { Get "/v1/webhooks/{webhookId}/deliveries", Key(WebhooksManage), 200 List(Delivery),
                "Lists deliveries with all their tries, newest event first.", [InvalidParameterType, ResourceNotFound],
                query(parameter::deliveries) }
            retry_delivery { Post "/v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry", Key(WebhooksManage), 200 One(Delivery),
                "Delivers one event again, also one that was delivered.", [ResourceNotFound, Conflict] }
            recover_webhook { Post "/v1/webhooks/{webhookId}/recover", Key(WebhooksManage), Recover => 200 One(Recovered),
                "Delivers everything since a time that did not arrive.", [ResourceNotFound, Conflict] }

            list_events { Get "/v1/events", Key(EventsRead), 200 List(Event),
                "Reads the event log: a part of it as JSON, or as it grows, by Accept as Server-Sent Events or by Upgrade as a WebSocket.",
                [InvalidParameterType, SessionNotFound], patience(LongPoll), query(parameter::events), also(&["text/event-stream"]) }
            create_event_token { Post "/v1/events/tokens", Key(EventsRead), CreateEventToken => 200 One(EventToken),
                "Makes a token that opens the events of one session to a page of a browser, for some minutes.", [SessionNotFound] }
            list_contacts { Get "/v1/contacts", Key(ContactsRead), 200 List(Contact), "Lists the people of the session's messages.",
                [MissingRequiredParameter, InvalidParameterType, SessionNotFound], query(parameter::session) }
            get_contact { Get "/v1/contacts/{contactId}", Key(ContactsRead), 200 One(Contact), "Shows a person with what WhatsApp tells.",
                [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber,
                ResourceNotFound, UnsupportedOperation], query(parameter::session) }
            get_contact_picture { Get "/v1/contacts/{contactId}/picture", Key(ContactsRead), 200 One(Picture),
                "Tells where the picture of a person or a group is.", [MissingRequiredParameter, SessionNotFound, SessionNotConnected,
                SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, UnsupportedOperation], query(parameter::contact_picture) }
            get_contact_presence { Get "/v1/contacts/{contactId}/presence", Key(ContactsRead), 200 One(Presence),
                "Asks WhatsApp for a person's presence and shows what it told so far.", [MissingRequiredParameter, SessionNotFound,
                SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, UnsupportedOperation], query(parameter::session) }
            list_blocked_contacts { Get "/v1/contacts/blocked", Key(ContactsRead), 200 Whole(Party),
                "Lists whom the session's account blocks.", [MissingRequiredParameter, SessionNotFound, SessionNotConnected,
                SessionDisconnected], query(parameter::session) }
            block_contact { Post "/v1/contacts/{contactId}/block", Key(ContactsWrite), BySession => 200 One(Blocked), "Blocks a person.",
                [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp] }
            unblock_contact { Post "/v1/contacts/{contactId}/unblock", Key(ContactsWrite), BySession => 200 One(Blocked),
                "Lets a person write again.", [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber,
                RecipientNotOnWhatsapp] }

            list_chats { Get "/v1/chats", Key(MessagesRead), 200 List(Chat), "Lists the chats, the one with the newest message first.",
                [MissingRequiredParameter, InvalidParameterType, SessionNotFound], query(parameter::session) }
            set_typing { Post "/v1/chats/{chatId}/typing", Key(MessagesSend), SetTyping => 200 One(TypingShown),
                "Shows in a chat that somebody types or records; it ends by itself.", [SessionNotFound, SessionNotConnected,
                SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp, UnsupportedOperation] }
            read_chat { Post "/v1/chats/{chatId}/read", Key(MessagesSend), BySession => 200 One(ChatRead),
                "Marks a chat as read and tells the senders.", [SessionNotFound, SessionNotConnected, SessionDisconnected,
                InvalidPhoneNumber, UnsupportedOperation] }
            set_presence { Post "/v1/presence", Key(MessagesSend), SetPresence => 200 One(PresenceShown),
                "Shows the session's account as online or not.", [SessionNotFound, SessionNotConnected, SessionDisconnected, Conflict,
                UnsupportedOperation] }

            create_group { Post "/v1/groups", Key(GroupsWrite), CreateGroup => 201 One(Group), "Makes a group.", [SessionNotFound,
                SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, RecipientNotOnWhatsapp, Conflict, UnsupportedOperation],
                idempotency(Before) }
            list_groups { Get "/v1/groups", Key(GroupsRead), 200 Whole(Group), "Lists the groups that the session is in.",
                [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, Conflict], query(parameter::session) }
            get_group { Get "/v1/groups/{groupId}", Key(GroupsRead), 200 One(Group), "Shows one group with its participants.",
                [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict],
                query(parameter::session) }
            update_group { Patch "/v1/groups/{groupId}", Key(GroupsWrite), UpdateGroup => 200 One(Group),
                "Changes a group's subject, description and settings.", [SessionNotFound, SessionNotConnected, SessionDisconnected,
                ResourceNotFound, Conflict, UnsupportedOperation] }
            change_group_participants { Post "/v1/groups/{groupId}/participants/{action}", Key(GroupsWrite), NameParticipants => 200 Whole(ParticipantResult),
                "Adds, removes, promotes or demotes people; each gets a result of its own.", [SessionNotFound, SessionNotConnected,
                SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, Conflict, UnsupportedOperation] }
            set_group_picture { Put "/v1/groups/{groupId}/picture", Key(GroupsWrite), SetGroupPicture => 200 One(GroupPicture),
                "Gives a group a picture.", [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict,
                UnsupportedOperation] }
            delete_group_picture { Delete "/v1/groups/{groupId}/picture", Key(GroupsWrite), 200 One(GroupPicture),
                "Takes a group's picture away.", [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected,
                ResourceNotFound, Conflict, UnsupportedOperation], query(parameter::session) }
            get_group_invite { Get "/v1/groups/{groupId}/invite", Key(GroupsWrite), 200 One(GroupInvite), "Shows a group's invite link.",
                [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict],
                query(parameter::session) }
            revoke_group_invite { Post "/v1/groups/{groupId}/invite/revoke", Key(GroupsWrite), BySession => 200 One(GroupInvite),
                "Makes a new invite link; the one before lets nobody in any more.", [SessionNotFound, SessionNotConnected,
                SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation] }
            join_group { Post "/v1/groups/join", Key(GroupsWrite), JoinGroup => 200 One(JoinedGroup),
                "Joins a group by its invite code, or asks its admins.", [SessionNotFound, SessionNotConnected, SessionDisconnected,
                ResourceNotFound, Conflict, UnsupportedOperation] }
            leave_group { Post "/v1/groups/{groupId}/leave", Key(GroupsWrite), BySession => 200 One(LeftGroup), "Leaves a group.",
                [SessionNotFound, SessionNotConnected, SessionDisconnected, ResourceNotFound, Conflict, UnsupportedOperation] }
            list_group_requests { Get "/v1/groups/{groupId}/requests", Key(GroupsRead), 200 Whole(GroupRequest),
                "Lists who asks to join a group.", [MissingRequiredParameter, SessionNotFound, SessionNotConnected, SessionDisconnected,
                ResourceNotFound, Conflict], query(parameter::session) }
            decide_group_requests { Post "/v1/groups/{groupId}/requests/{decision}", Key(GroupsWrite), NameParticipants => 200 Whole(ParticipantResult),
                "Lets people in who asked to join, or turns them away; each gets a result of its own.", [SessionNotFound,
                SessionNotConnected, SessionDisconnected, InvalidPhoneNumber, ResourceNotFound, Conflict, UnsupportedOperation] }

            create_api_key { Post "/v1/api-keys", Key(KeysManage), CreateKey => 201 One(CreatedKey),
                "Makes a key and shows its secret once.", [SessionNotFound], idempotency(Before) }
            list_api_keys { Get "/v1/api-keys", Key(KeysManage), 200 List(Key), "Lists the keys.", [InvalidParameterType] }
            get_api_key { Get "/v1/api-keys/{keyId}", Key(KeysManage), 200 One(Key), "Shows one key.", [ResourceNotFound] }
            revoke_api_key { Delete "/v1/api-keys/{keyId}", Key(KeysManage), 200 One(Key), "Revokes a key.", [ResourceNotFound] }
            rotate_api_key { Post "/v1/api-keys/{keyId}/rotate", Key(KeysManage), RotateKey => 201 One(CreatedKey),
                "Makes a key in the place of another, which goes on working for a while.", [ResourceNotFound, Conflict], body(Optional),
                idempotency(Before) }

            create_login { Post "/v1/login", Open, CreateLogin => 201 One(Login),
                "Signs in by name and password, or by a link's token: a cookie stands for the key.", [InvalidApiKey, RateLimitExceeded,
                InsufficientPermissions] }
            get_current_login { Get "/v1/login", Login, 200 One(Login), "Shows who is signed in.", [] }
            delete_current_login { Delete "/v1/login", Login, 200 One(Login), "Signs out.", [] }
            set_password { Put "/v1/login/password", Login, SetPassword => 200 One(Login),
                "Changes the own password, ends the own log-ins, and begins another.", [] }
            list_logins { Get "/v1/logins", Login, 200 Whole(LoginEntry), "Lists the own log-ins, newest first.", [] }
            delete_login { Delete "/v1/logins/{loginId}", Login, 200 One(LoginEntry), "Ends one of the own log-ins.", [ResourceNotFound] }

            create_user { Post "/v1/users", Key(UsersManage), CreateUser => 201 One(User), "Makes a user of the account.", [Conflict],
                idempotency(Before) }
            list_users { Get "/v1/users", Key(UsersManage), 200 List(User), "Lists the account's users.", [InvalidParameterType] }
            get_user { Get "/v1/users/{userId}", Key(UsersManage), 200 One(User), "Shows one user.", [ResourceNotFound] }
            update_user { Patch "/v1/users/{userId}", Key(UsersManage), UpdateUser => 200 One(User),
                "Changes a user's role, or gives a new password.", [ResourceNotFound, Conflict] }
            delete_user { Delete "/v1/users/{userId}", Key(UsersManage), 200 One(User), "Deletes a user with its log-ins.",
                [ResourceNotFound, Conflict] }

            get_account { Get "/v1/account", Key(AccountRead), 200 One(Account), "Shows the account with its plan.", [] }
            get_account_export { Get "/v1/account/export", Key(AccountRead), 200 Raw(["application/x-ndjson"]),
                "Streams all that the account has and the caller may read, a line of JSON each.", [] }
            get_usage { Get "/v1/usage", Key(AccountRead), 200 One(Usage), "Shows what was used today and in the last 30 days.", [] }

            list_audit { Get "/v1/audit", Key(AccountRead), 200 List(AuditEntry), "Lists who changed what in the account, newest first.",
                [InvalidParameterType], query(parameter::audit) }

            admin_get_switches { Get "/v1/admin/whatsapp/switches", Operator, 200 One(Switches),
                "Shows what is paused and which features are off.", [] }
            admin_get_canary { Get "/v1/admin/whatsapp/canary", Operator, 200 One(Canary),
                "Shows how the canary sessions' steps went last.", [] }
            admin_get_update_notice { Get "/v1/admin/whatsapp/update-notice", Operator, 200 One(UpdateNotice),
                "Shows what the last update notice said, and how this release stands.", [] }
            admin_set_switches { Put "/v1/admin/whatsapp/switches", Operator, PutSwitches => 200 One(Switches),
                "Pauses connections or sending, or switches features off; on every node within seconds.", [] }

            admin_list_audit { Get "/v1/admin/audit", Operator, 200 List(AuditEntry),
                "Lists who changed what, of all accounts, newest first.", [InvalidParameterType], query(parameter::all_audit) }
            admin_list_nodes { Get "/v1/admin/nodes", Operator, 200 Whole(Node), "Lists the processes that share the database, with their sessions.", [] }
            admin_drain_node { Post "/v1/admin/nodes/{nodeId}/drain", Operator, 200 One(Node),
                "Has a node give its sessions to the others and take none, until it is undrained or begins anew.", [ResourceNotFound,
                Conflict] }
            admin_undrain_node { Post "/v1/admin/nodes/{nodeId}/undrain", Operator, 200 One(Node), "Lets a node have sessions again.",
                [ResourceNotFound, Conflict] }
            admin_move_session { Post "/v1/admin/sessions/{sessionId}/move", Operator, MoveSession => 200 One(Node),
                "Has another node run a session: the one that is named, or the one with the fewest. Shows that node.", [SessionNotFound,
                ResourceNotFound, Conflict], body(Optional) }
            admin_list_queues { Get "/v1/admin/queues", Operator, 200 List(Queue),
                "Lists where messages and deliveries wait, for how long, and what is held back and why.", [InvalidParameterType] }
            admin_list_plans { Get "/v1/admin/plans", Operator, 200 Whole(Plan), "Lists the plans.", [] }
            admin_set_plan { Put "/v1/admin/plans/{name}", Operator, PutPlan => 200 One(Plan), "Makes a plan or changes its limits.", [] }
            admin_list_accounts { Get "/v1/admin/accounts", Operator, 200 List(Account), "Lists the accounts.", [InvalidParameterType] }
            admin_create_account { Post "/v1/admin/accounts", Operator, CreateAccount => 201 One(Account), "Makes an account on a plan.",
                [], idempotency(Before) }
            admin_get_account { Get "/v1/admin/accounts/{accountId}", Operator, 200 One(Account), "Shows one account.", [ResourceNotFound] }
            admin_get_account_export { Get "/v1/admin/accounts/{accountId}/export", Operator, 200 Raw(["application/x-ndjson"]),
                "Streams all that any account has, a line of JSON each.", [ResourceNotFound] }
            admin_update_account { Patch "/v1/admin/accounts/{accountId}", Operator, UpdateAccount => 200 One(Account),
                "Changes an account's name or plan.", [ResourceNotFound] }
            admin_suspend_account { Post "/v1/admin/accounts/{accountId}/suspend", Operator, 200 One(Account),
                "Refuses all calls of an account and lets its sessions rest, until that is lifted: everything in it stays.",
                [ResourceNotFound, Conflict] }
            admin_resume_account { Post "/v1/admin/accounts/{accountId}/resume", Operator, 200 One(Account),
                "Lifts a suspension: calls are answered again, and the sessions connect by themselves.", [ResourceNotFound] }
            admin_delete_account { Delete "/v1/admin/accounts/{accountId}", Operator, 200 One(Account),
                "Deletes an account with everything in it: nobody acts in it from now on, and what it has goes in parts.", [ResourceNotFound,
                Conflict] }
            admin_create_api_key { Post "/v1/admin/accounts/{accountId}/api-keys", Operator, CreateKey => 201 One(CreatedKey),
                "Makes a key of any account and shows its secret once.", [ResourceNotFound, SessionNotFound], idempotency(Before) }

            admin_create_user { Post "/v1/admin/users", Operator, AdminCreateUser => 201 One(User),
                "Makes a user of any account, or an operator.", [ResourceNotFound, Conflict], idempotency(Before) }
            admin_list_users { Get "/v1/admin/users", Operator, 200 List(User), "Lists the users of all accounts.",
                [InvalidParameterType], query(parameter::users) }
            admin_get_user { Get "/v1/admin/users/{userId}", Operator, 200 One(User), "Shows one user of any account.", [ResourceNotFound] }
            admin_update_user { Patch "/v1/admin/users/{userId}", Operator, UpdateUser => 200 One(User),
                "Changes any user's role, or gives a new password.", [ResourceNotFound, Conflict] }
            admin_delete_user { Delete "/v1/admin/users/{userId}", Operator, 200 One(User), "Deletes any user with its log-ins.",
                [ResourceNotFound, Conflict] }

            admin_get_whatsapp { Get "/v1/admin/whatsapp", Operator, 200 One(Whatsapp),
                "Shows which version the gateway claims to be, which WhatsApp serves, and what sessions wait for.", [] }
            admin_fetch_version { Post "/v1/admin/whatsapp/version", Operator, 200 One(Whatsapp),
                "Fetches WhatsApp's newest version now.", [] }

            quick_create_session { Post "/api/whatsapp/sessions", Key(SessionsWrite), QuickSession => 201 One(QuickSessionCreated),
                "The quick start's words for create_session.", [SessionLimitReached, QrCodeExpired, Conflict, InvalidWebhookUrl,
                WebhookUrlUnreachable, WebhookResponseTimeout], idempotency(WithCommit) }
            quick_send_text { Post "/api/whatsapp/sessions/{sessionId}/messages", Key(MessagesSend), QuickMessage => 201 One(Message),
                "The quick start's words for send_text.", [SessionNotFound, SessionNotConnected, SessionDisconnected, InvalidPhoneNumber,
                RecipientNotOnWhatsapp, MessageTooLong, MessageSendingFailed, DailyMessageLimitReached, UnsupportedOperation],
                idempotency(WithCommit) }

            list_errors { Get "/v1/errors", Open, 200 Whole(ErrorEntry), "The error catalogue.", [] }
            get_openapi { Get "/openapi.json", Open, 200 Raw(["application/json"]), "This API as an OpenAPI document.", [] }
            get_docs { Get "/docs", Open, 200 Raw(["text/html"]), "This API as a page to read and to try.", [] }
            get_metrics { Get "/metrics", Open, 200 Raw(["text/plain"]), "What the process counts, as Prometheus reads it.", [] }
            get_health { Get "/healthz", Open, 200 One(Health), "Whether the process is alive.", [] }
            get_readiness { Get "/readyz", Open, 200 One(Health), "Whether the process takes requests.", [] }
        }
    };
}

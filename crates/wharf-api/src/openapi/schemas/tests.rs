//! Each schema against what its type really reads and writes.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::envelope::PageInfo;
use crate::error::Details;
use crate::types::account::{Account, AccountDeletion, CreateAccount, Day, Plan, PlanLimits, PutPlan, UpdateAccount, Usage, Used};
use crate::types::audit::AuditEntry;
use crate::types::call::{CallEnded, CallReceived};
use crate::types::canary::{Canary, CanaryStep};
use crate::types::chat::{Chat, ChatRead, PresenceShown, SetPresence, SetTyping, TypingShown};
use crate::types::contact::{Blocked, CheckContacts, CheckedContact, Contact, Picture, Presence};
use crate::types::error::ErrorEntry;
use crate::types::event::{CreateEventToken, Event, EventToken};
use crate::types::group::{
    BySession, CreateGroup, Group, GroupChange, GroupInvite, GroupParticipant, GroupPicture, GroupRequest, GroupUpdated, JoinGroup,
    JoinedGroup, LeftGroup, NameParticipants, ParticipantResult, SetGroupPicture, UpdateGroup,
};
use crate::types::health::Health;
use crate::types::key::{CreateKey, CreatedKey, Key, RotateKey};
use crate::types::login::{CreateLogin, Login, LoginEntry, SetPassword};
use crate::types::media::{Media, SendMedia};
use crate::types::message::{
    ChangeState, ChatName, ContactCard, DryRun, EditMessage, ForwardMessage, LinkPreview, MemberReceipt, Message, MessageError, Party,
    PollResult, Reaction, Reference, SendContact, SendLocation, SendPoll, SendReaction, SendText, TimelineEntry,
};
use crate::types::node::{MoveSession, Node};
use crate::types::passkey::{ConfirmPasskey, Passkey, PasskeyAssertion};
use crate::types::queue::{Queue, QueueHeld};
use crate::types::quick_start::{QuickMessage, QuickSession, QuickSessionCreated};
use crate::types::session::{CreatePairingCode, CreateSession, PairingCode, Qr, Session, SessionWithQr, UpdateSession};
use crate::types::switches::{Feature, FeatureSwitch, Pause, PutSwitches, Switches};
use crate::types::update::UpdateNotice;
use crate::types::user::{AdminCreateUser, CreateUser, UpdateUser, User};
use crate::types::webhook::{
    Attempt, CreateWebhook, CreatedWebhook, Delivery, Recover, Recovered, RotateSecret, UpdateWebhook, Webhook, WebhookTested,
};
use crate::types::whatsapp::{SessionsWaiting, Whatsapp};
use crate::{ErrorCode, Permission};

const SESSION: &str = "ses_00000000000000000000000000000007";
const ACCOUNT: &str = "acc_00000000000000000000000000000007";
const MESSAGE: &str = "msg_00000000000000000000000000000007";
const EVENT: &str = "evt_00000000000000000000000000000007";
const LOGIN: &str = "lgn_00000000000000000000000000000007";
const TIME: &str = "2026-01-01T00:00:00.000Z";

#[test]
fn every_request_schema_names_what_its_type_reads_and_nothing_else() {
    let mut seen = BTreeSet::new();
    let mut it = |name, checked: ()| {
        let () = checked;
        seen.insert(name);
    };
    macro_rules! reads {
        ($($kind:ident $full:tt),+ $(,)?) => { $(it(stringify!($kind), reads::<$kind>(stringify!($kind), &json!($full)));)+ };
    }
    reads! {
        CreateSession {"name": "shop", "webhook": "https://example.com", "proxy": "socks5://10.0.0.1:1080"},
        UpdateSession {"name": "shop", "proxy": "socks5://10.0.0.1:1080"},
        CreateWebhook {"url": "https://example.com", "events": ["*"], "sessionId": SESSION, "description": "d", "timeoutSeconds": 5,
            "maxBytes": 100_000, "headers": {"X-A": "1"}, "enabled": true, "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"},
        UpdateWebhook {"url": "https://example.com", "events": ["*"], "description": "d", "timeoutSeconds": 5,
            "maxBytes": 100_000, "headers": {"X-A": "1"}, "enabled": true},
        RotateSecret {"overlapSeconds": 1},
        CreateEventToken {"sessionId": SESSION, "expiresInSeconds": 600},
        Recover {"since": TIME},
        CreatePairingCode {"phoneNumber": "+1 415 555 2671"},
        PasskeyAssertion {"id": "AQ", "rawId": "AQ", "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {"clientDataJSON": "AQ", "authenticatorData": "AQ", "signature": "AQ", "userHandle": "AQ"}},
        ConfirmPasskey {"code": "ABCD-1234"},
        SendMedia {"sessionId": SESSION, "to": "14155552671", "mediaType": "image", "mediaUrl": "https://example.com/a.png",
            "mediaId": "med_00000000000000000000000000000007", "data": "aGVsbG8=", "caption": "c", "fileName": "a.png", "voice": true,
            "viewOnce": true, "replyTo": MESSAGE, "audience": ["14155552671"], "mentions": ["14155552671"], "forwarded": true, "async": true, "reference": "order-7", "dryRun": true},
        SendText {"sessionId": SESSION, "to": "14155552671", "text": "hello", "replyTo": MESSAGE, "audience": ["14155552671"], "backgroundColor": "#1E6E4F", "mentions": ["14155552671"],
            "linkPreview": {"url": "https://example.com", "title": "Example"}, "async": true, "reference": "order-7", "dryRun": true},
        SendLocation {"sessionId": SESSION, "to": "14155552671", "latitude": 1.5, "longitude": 2.5, "name": "n", "address": "a",
            "replyTo": MESSAGE, "async": true, "reference": "order-7", "dryRun": true},
        SendContact {"sessionId": SESSION, "to": "14155552671", "contacts": [{"name": "Ada", "phoneNumbers": ["14155552671"]}],
            "replyTo": MESSAGE, "async": true, "reference": "order-7", "dryRun": true},
        SendPoll {"sessionId": SESSION, "to": "14155552671", "question": "q", "options": ["a", "b"], "selectableCount": 1,
            "replyTo": MESSAGE, "async": true, "reference": "order-7", "dryRun": true},
        SendReaction {"messageId": MESSAGE, "emoji": "👍", "async": true, "reference": "order-7", "dryRun": true},
        ForwardMessage {"to": "14155552671", "async": true, "reference": "order-7", "dryRun": true},
        EditMessage {"text": "hello"},
        LinkPreview {"url": "https://example.com", "title": "Example", "description": "An example"},
        ContactCard {"name": "Ada", "phoneNumbers": ["+1 415 555 2671"], "organization": "Engines"},
        QuickSession {"name": "shop", "webhook": "https://example.com"},
        QuickMessage {"to": "14155552671", "message": "hello"},
        CheckContacts {"sessionId": SESSION, "phoneNumbers": ["+1 (415) 555-2671"]},
        BySession {"sessionId": SESSION},
        SetTyping {"sessionId": SESSION, "status": "typing"},
        SetPresence {"sessionId": SESSION, "status": "available"},
        CreateGroup {"sessionId": SESSION, "subject": "crew", "participants": ["14155552671"], "description": "d"},
        UpdateGroup {"sessionId": SESSION, "subject": "crew", "description": "d", "announcement": true, "locked": true,
            "approvalRequired": true, "membersCanAdd": true, "disappearingSeconds": 86400},
        NameParticipants {"sessionId": SESSION, "participants": ["14155552671"]},
        SetGroupPicture {"sessionId": SESSION, "data": "AAAA"},
        JoinGroup {"sessionId": SESSION, "code": "abc"},
        RotateKey {"overlapSeconds": 60},
        MoveSession {"nodeId": "node_00000000000000000000000000000001"},
        PutPlan {"messagesPerDay": 1, "callsPerMinute": 1, "sessions": 1, "concurrentRequests": 1, "eventDays": 1, "messageDays": 1, "mediaDays": 1, "mediaBytes": 1,
            "pace": {"messagesPerMinute": 1, "newContactsPerHour": 1, "newContactsPerDay": 1, "strangerJitterSeconds": [1, 4], "typingSeconds": [1, 3]},
            "keepDeleted": true},
        PutSwitches {"connectingPaused": true, "sendingPaused": false, "features": {"edits": "off", "group_writes": "auto"}},
        CreateAccount {"name": "shop", "plan": "free"},
        UpdateAccount {"name": "shop", "plan": "free"},
        CreateLogin {"name": "ada", "password": "correct horse battery", "token": "t"},
        SetPassword {"password": "correct horse battery", "newPassword": "staple of another horse"},
        CreateUser {"name": "ada", "password": "correct horse battery", "role": "member"},
        AdminCreateUser {"accountId": "acc_00000000000000000000000000000007", "name": "ada", "password": "correct horse battery", "role": "operator"},
        UpdateUser {"role": "owner", "password": "correct horse battery"},
        CreateKey {"name": "ci", "permissions": [Permission::SessionsRead], "expiresAt": TIME, "sessionIds": [SESSION]},
    }
    let requests: BTreeSet<_> = ALL.iter().filter(|(_, schema)| schema()["additionalProperties"] == false).map(|(name, _)| *name).collect();
    assert_eq!(seen, requests, "every request schema is compared with its type");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line for each type")]
fn every_answer_schema_names_what_its_type_writes_and_nothing_else() {
    let mut seen = BTreeSet::new();
    macro_rules! writes {
        ($($kind:ident [$($value:tt),+]),+ $(,)?) => { $(
            let values = [$(written::<$kind>(&json!($value))),+];
            writes(stringify!($kind), &values);
            seen.insert(stringify!($kind));
        )+ };
    }
    let session = json!({"sessionId": SESSION, "name": "shop", "status": "qr", "createdAt": TIME, "statusAt": TIME});
    let linked = with(
        &session,
        &json!({"status": "disconnected", "reason": "logged_out", "phoneNumber": "1", "numberSince": TIME, "lid": "2", "proxy": "socks5://***@10.0.0.1:1080", "lastSeenAt": TIME,
            "waitingFor": "client_update", "since": TIME, "refusal": {"code": 405, "text": "old", "at": TIME, "until": TIME}, "degraded": "app_state",
            "newContactsHeld": {"until": TIME, "reason": "pace"}}),
    );
    let qr = json!({"qrCode": "data:", "qr": "2@", "qrExpiresAt": TIME});
    let key = json!({"keyId": "key_Ab3dEf9h", "name": "ci", "permissions": ["sessions:read"], "createdAt": TIME});
    let full_key = with(&key, &json!({"sessionIds": [SESSION], "expiresAt": TIME, "revokedAt": TIME, "lastUsedAt": TIME}));
    let plan_limits = json!({"messagesPerDay": null, "callsPerMinute": 1, "sessions": 1, "concurrentRequests": 1, "eventDays": 1, "messageDays": null, "mediaDays": 1, "mediaBytes": null,
        "pace": {"messagesPerMinute": 1, "newContactsPerHour": null, "newContactsPerDay": 1, "strangerJitterSeconds": [1, 4], "typingSeconds": null},
        "keepDeleted": false});
    let plan = with(&json!({"name": "free"}), &plan_limits);
    let account =
        json!({"accountId": ACCOUNT, "name": "shop", "plan": "free", "limits": plan_limits, "status": "active", "createdAt": TIME});
    let under_way = json!({"requestedAt": TIME, "sessionsLeft": 1, "messagesLeft": 2, "eventsLeft": 3, "mediaLeft": 4});
    let whatsapp = json!({"claimed": "2.3000.1", "source": "built_in", "currentAt": TIME, "waiting": []});
    let used = json!({"messages": 1, "calls": 2, "errors": {"conflict": 1}});
    let day = with(&used, &json!({"date": "2026-01-01"}));
    let every: serde_json::Map<_, _> =
        Feature::ALL.iter().map(|feature| (feature.as_str().to_owned(), json!({"position": "auto"}))).collect();
    let switches = json!({"connecting": {"paused": false}, "sending": {"paused": false}, "features": every});
    let secret = json!({"apiKey": "secret"});
    let party = json!({"contactId": "1@s.whatsapp.net", "phoneNumber": "1", "lid": "2@lid", "name": "n"});
    let sent = json!({"messageId": MESSAGE, "sessionId": SESSION, "whatsappId": "3EB0", "direction": "outgoing", "status": "sent",
        "chat": {"chatId": "1@s.whatsapp.net"}, "type": "text", "text": "hello", "createdAt": TIME});
    let failed = with(
        &sent,
        &json!({"from": party, "reference": "order-7", "error": {"code": "x"}, "heldUntil": TIME, "heldReason": "overload", "timeline": [{"status": "queued", "at": TIME}],
        "receipts": [{"participant": {"contactId": "1"}, "readAt": TIME}],
        "change": {"messageId": MESSAGE, "status": "sent"}}),
    );
    let webhook = json!({"webhookId": "whk_00000000000000000000000000000007", "url": "https://example.com", "events": ["*"], "sessionId": null,
        "timeoutSeconds": 5, "headerNames": [], "enabled": true, "createdAt": TIME, "updatedAt": TIME});
    let full_webhook = with(
        &webhook,
        &json!({"sessionId": SESSION, "description": "d", "disabledReason": "gone", "disabledAt": TIME,
        "maxBytes": 100_000, "failingSince": TIME, "oldSecretUntil": TIME}),
    );
    let bare_webhook = webhook.clone();
    let delivery = json!({"deliveryId": "dlv_00000000000000000000000000000007", "eventId": EVENT, "event": "message.read", "sessionId": SESSION,
        "sequence": 1, "createdAt": TIME, "status": "pending", "attempts": [{"at": TIME, "durationMs": 1, "httpStatus": 500}]});
    let event = json!({"eventId": "evt_00000000000000000000000000000007", "event": "message.received", "createdAt": TIME,
        "accountId": "acc_00000000000000000000000000000007", "sessionId": SESSION, "sequence": 1, "data": {"a": 1}});
    let of_kind = |kind: &Value| {
        let mut message = with(&sent, kind);
        if kind.get("text").is_none() {
            message.as_object_mut().unwrap().remove("text");
        }
        message
    };
    let reference = json!({"messageId": MESSAGE, "whatsappId": "3EB1", "fromId": "1@s.whatsapp.net"});
    let reaction = json!({"fromId": "1@s.whatsapp.net", "emoji": "x", "at": TIME});
    let result = json!({"option": "a", "votes": 1, "voterIds": ["1@s.whatsapp.net"]});
    let other = of_kind(&json!({"type": "unsupported", "originalType": "poll", "text": "words"}));
    let marked = of_kind(&json!({"text": "hello", "linkPreview": {"url": "u", "title": "t"}, "replyTo": reference, "mentionIds": ["1"],
        "forwarded": true, "viewOnce": true, "fromOtherDevice": true, "reactions": [reaction], "editedAt": TIME, "deletedAt": TIME,
        "readAt": TIME}));
    let place = of_kind(&json!({"type": "location", "latitude": 1.5, "longitude": -2.5, "name": "n", "address": "a"}));
    let cards = of_kind(&json!({"type": "contact", "contacts": [{"name": "Ada", "phoneNumbers": ["1"]}]}));
    let poll = json!({"type": "poll", "question": "q", "options": ["a", "b"], "selectableCount": 1, "results": [result]});
    let poll = of_kind(&poll);
    let (gone, unread) = (of_kind(&json!({"type": "deleted"})), of_kind(&json!({"type": "undecryptable"})));
    let reacted = of_kind(&json!({"type": "reaction", "emoji": "x", "target": reference}));
    let vote = of_kind(&json!({"type": "poll_vote", "options": ["a"], "target": reference}));
    let edit = of_kind(&json!({"type": "edit", "text": "new", "target": reference}));
    let deletion = of_kind(&json!({"type": "deletion", "target": reference}));
    let with_file = json!({"type": "image", "mediaId": "med_00000000000000000000000000000007", "mediaStatus": "failed", "mediaReason": "gone",
        "mimeType": "image/png", "sizeBytes": 7, "sha256": "00", "caption": "c", "fileName": "f", "width": 1, "height": 2, "durationSeconds": 3, "voice": true});
    let with_file = of_kind(&with_file);
    let media = json!({"mediaId": "med_00000000000000000000000000000007", "mediaType": "image", "mimeType": "image/png", "sizeBytes": 7,
        "sha256": "00", "expiresAt": TIME});
    let full_media = with(&media, &json!({"width": 1, "height": 2, "durationSeconds": 3, "fileName": "a.png"}));
    let (shown, created, bare_created) = (
        with(&with(&linked, &qr), &json!({"webhookId": "whk_00000000000000000000000000000007"})),
        with(&full_key, &secret),
        with(&key, &secret),
    );
    let user = json!({"userId": "usr_00000000000000000000000000000007", "name": "ada", "role": "member",
        "accountId": "acc_00000000000000000000000000000007", "createdAt": TIME});
    let updates = group_updates();
    writes("GroupUpdated", &updates);
    seen.insert("GroupUpdated");
    writes! {
        Session [(session.clone()), (linked.clone())],
        SessionWithQr [(session), (shown)],
        Qr [(qr)],
        QuickSessionCreated [{"sessionId": SESSION, "qrCode": "data:"}, {"sessionId": SESSION, "qrCode": null}],
        PairingCode [{"sessionId": SESSION, "pairingCode": "ABCD-1234", "expiresAt": TIME}],
        Passkey [
            {"sessionId": SESSION, "step": "assertion", "publicKey": {"challenge": "AQ"}, "since": TIME, "expiresAt": TIME},
            {"sessionId": SESSION, "step": "confirmation", "code": "ABCD-1234", "since": TIME, "expiresAt": TIME}
        ],
        Key [(key), (full_key)],
        Plan [(plan)],
        PlanLimits [(plan_limits.clone())],
        SessionsWaiting [{"for": "client_update", "sessions": 1}],
        Whatsapp [(whatsapp.clone()), (with(&whatsapp, &json!({"served": "2.3000.2", "fetchedAt": TIME, "refused": "2.3000.1", "refusedAt": TIME, "expiresAt": TIME, "nextTryAt": TIME})))],
        AccountDeletion [(under_way.clone())],
        Account [
            (account.clone()), (with(&account, &json!({"status": "suspended", "suspendedAt": TIME}))),
            (with(&account, &json!({"status": "deleting", "deletion": under_way})))
        ],
        User [(user.clone()), (with(&user, &json!({"lastLoginAt": TIME})))],
        Login [{"loginId": LOGIN, "user": user, "permissions": ["messages:read"], "createdAt": TIME, "expiresAt": TIME}],
        LoginEntry [{"loginId": LOGIN, "createdAt": TIME, "lastSeenAt": TIME, "expiresAt": TIME, "address": "::1", "userAgent": "b", "current": true}],
        AuditEntry [{"at": TIME, "actor": "nobody", "action": "authenticate", "times": 7}, {"at": TIME, "actor": "key", "keyId": "key_Ab3dEf9h", "userId": "usr_00000000000000000000000000000007", "address": "::1",
            "accountId": "acc_00000000000000000000000000000007", "action": "create_session", "target": SESSION, "created": SESSION, "code": "conflict", "times": 1}],
        CanaryStep [
            {"step": "text", "sessionId": SESSION, "at": TIME},
            {"step": "text", "sessionId": SESSION, "at": TIME, "durationMs": 1, "reason": "f"}
        ],
        Canary [{"sessionIds": [SESSION], "steps": [{"step": "file", "sessionId": SESSION, "at": TIME}]}],
        UpdateNotice [
            {"checks": false, "running": "0.1.0"},
            {"checks": true, "running": "0.1.0", "standing": "unsafe", "newest": "1.0.0", "oldestSafe": "0.2.0", "floor": "2.3000.1",
                "webVersion": "2.3000.2", "notes": "n", "fetchedAt": TIME}
        ],
        Pause [{"paused": false}, {"paused": true, "since": TIME}],
        FeatureSwitch [{"position": "auto"}, {"position": "off", "since": TIME, "degradedSince": TIME}],
        Switches [(switches)],
        Used [(used.clone())],
        Day [(day.clone())],
        Usage [{"today": day, "last30Days": used, "days": [day], "mediaBytes": 1, "resetAt": TIME}],
        CreatedKey [(created), (bare_created)],
        Message [(sent.clone()), (failed), (other), (marked), (place), (cards), (poll), (gone), (unread), (reacted), (vote), (edit), (deletion), (with_file)],
        DryRun [
            {"dryRun": true, "sessionId": SESSION, "chat": {"chatId": "1@s.whatsapp.net"}, "type": "text", "status": "sent"},
            {"dryRun": true, "sessionId": SESSION, "chat": {"chatId": "1@s.whatsapp.net"}, "type": "text", "status": "queued", "heldUntil": TIME,
                "heldReason": "pace", "reference": "order-7"}
        ],
        Reference [(reference), {"whatsappId": "3EB1"}, {"whatsappId": "3EB1", "chatId": "1@g.us", "quoted": {"type": "image", "text": "x"}},
            {"whatsappId": "3EB1", "quoted": {"type": "audio"}}],
        Reaction [(reaction), {"emoji": "x", "at": TIME}],
        PollResult [(result)],
        MemberReceipt [{"participant": {"contactId": "1"}}, {"participant": {"contactId": "1"}, "deliveredAt": TIME, "readAt": TIME, "playedAt": TIME}],
        ChangeState [{"messageId": MESSAGE, "status": "queued"}],
        MessageError [{"code": "x", "reason": "y"}, {"code": "x"}],
        Party [(party), {"contactId": "1"}],
        ChatName [{"chatId": "1@g.us"}, {"chatId": "1@s.whatsapp.net", "phoneNumber": "1", "lid": "2@lid", "name": "n"}],
        TimelineEntry [{"status": "read", "at": TIME}],
        CheckedContact [{"phoneNumber": "1", "onWhatsapp": true, "contactId": "1", "lid": "2"}, {"phoneNumber": "1", "onWhatsapp": false}],
        Webhook [(webhook), (full_webhook.clone())],
        CreatedWebhook [(with(&bare_webhook, &json!({"secret": "whsec_"}))), (with(&full_webhook, &json!({"secret": "whsec_"})))],
        WebhookTested [{"eventId": EVENT, "httpStatus": 204, "durationMs": 3}],
        Recovered [{"deliveries": 3}],
        Delivery [(delivery.clone()), (with(&delivery, &json!({"nextAttemptAt": TIME})))],
        Attempt [{"at": TIME, "durationMs": 1, "httpStatus": 500, "answer": "no"}, {"at": TIME, "durationMs": 1, "reason": "timeout"}],
        Event [(event.clone()), (with(&event, &json!({"sessionId": null, "event": "usage.warning", "truncated": true, "path": "/v1/events?limit=1"})))],
        EventToken [{"token": "wharf_stream_", "sessionId": SESSION, "expiresAt": TIME, "cursor": "MTc"}],
        CallReceived [
            {"callId": "c", "from": {"contactId": "1"}, "missed": true, "at": TIME},
            {"callId": "c", "from": {"contactId": "1"}, "type": "video", "groupId": "1@g.us", "missed": false, "at": TIME}
        ],
        CallEnded [
            {"callId": "c", "from": {"contactId": "1"}, "outcome": "answered_elsewhere", "at": TIME},
            {"callId": "c", "from": {"contactId": "1"}, "outcome": "rejected_elsewhere", "at": TIME},
            {"callId": "c", "from": {"contactId": "1"}, "outcome": "unanswered", "at": TIME}
        ],
        Contact [
            {"contactId": "1"},
            {"contactId": "1", "phoneNumber": "1", "lid": "2", "name": "n", "lastMessageAt": TIME, "onWhatsapp": true, "about": "a",
                "pictureId": "1", "business": false}
        ],
        Picture [{"pictureId": "1", "url": "u"}],
        Blocked [{"contactId": "1", "blocked": true}],
        Presence [{}, {"status": "available", "lastSeenAt": TIME, "typing": "typing"}],
        Chat [
            {"chatId": "1", "type": "person", "unreadCount": 0, "lastMessage": sent},
            {"chatId": "1", "phoneNumber": "1", "lid": "2", "name": "n", "type": "group", "unreadCount": 1, "leftAt": TIME, "lastMessage": sent}
        ],
        ChatRead [{"read": 1}],
        TypingShown [{"status": "paused"}, {"status": "typing", "expiresAt": TIME}],
        PresenceShown [{"status": "unavailable"}],
        GroupParticipant [{"contactId": "1", "phoneNumber": "1", "lid": "2", "role": "admin"}, {"contactId": "1", "role": "member"}],
        Group [
            {"groupId": "1@g.us", "subject": "s", "announcement": false, "locked": false, "approvalRequired": false,
                "membersCanAdd": true, "disappearingSeconds": 0, "participants": []},
            {"groupId": "1@g.us", "subject": "s", "description": "d", "owner": {"contactId": "1"}, "createdAt": TIME, "announcement": false,
                "locked": false, "approvalRequired": false, "membersCanAdd": true, "disappearingSeconds": 0,
                "participants": [{"contactId": "1", "role": "superadmin"}], "leftAt": TIME}
        ],
        ParticipantResult [{"contactId": "1", "success": true}, {"contactId": "1", "phoneNumber": "1", "lid": "2", "success": false, "reason": "privacy"}],
        GroupInvite [{"code": "c", "link": "l"}],
        JoinedGroup [{"groupId": "1@g.us", "pending": false}],
        LeftGroup [{"groupId": "1@g.us"}],
        GroupPicture [{"pictureId": "1"}, {}],
        GroupRequest [{"contactId": "1"}, {"contactId": "1", "phoneNumber": "1", "lid": "2", "requestedAt": TIME}],
        Media [(media), (full_media)],
        Health [{"status": "ok"}],
        Node [
            {"nodeId": "n", "current": true, "status": "working", "version": "0.1.0", "since": TIME, "leaseUntil": TIME, "sessions": 1},
            {"nodeId": "n", "current": false, "status": "gone", "leaseUntil": TIME, "sessions": 0}
        ],
        QueueHeld [{"type": "session", "reason": "pause"}, {"type": "chats", "reason": "overload", "until": TIME, "chats": 2}],
        Queue [
            {"type": "messages", "accountId": ACCOUNT, "sessionId": SESSION, "waiting": 1, "oldestAt": TIME, "oldestSeconds": 1,
                "held": [{"type": "first_contacts", "reason": "pace", "until": TIME}], "sessionStatus": "connected", "waitingFor": "pause"},
            {"type": "deliveries", "accountId": ACCOUNT, "webhookId": "whk_00000000000000000000000000000007", "waiting": 0, "held": [],
                "deliveryStatus": "resting", "due": 0, "nextAt": TIME, "disabledReason": "gone", "failingSince": TIME}
        ],
        PageInfo [{"next": null}, {"next": "x"}],
        Details [{}, {"field": "a", "reason": "b", "limit": 1, "actual": 2, "retryAfter": 1, "messageId": MESSAGE, "resetAt": TIME}],
    }
    let entries: Vec<_> = ErrorCode::ALL.iter().map(|code| json!(ErrorEntry::from(code.row()))).collect();
    writes("ErrorEntry", &entries);
    seen.insert("ErrorEntry");
    let answers: BTreeSet<_> = ALL.iter().filter(|(_, schema)| schema()["additionalProperties"] != false).map(|(name, _)| *name).collect();
    assert_eq!(seen, answers, "every answer schema is compared with its type");
}

/// One update for each kind of change, as the type writes it.
fn group_updates() -> Vec<Value> {
    let people = json!([{"contactId": "1"}]);
    let changes = GroupChange::WORDS.map(|word| {
        let own = match word {
            "invite_changed" | "deleted" => json!({}),
            "created" | "subject_changed" => json!({"subject": "s"}),
            "description_changed" => json!({"description": null}),
            "picture_changed" => json!({"pictureId": "1"}),
            "settings_changed" => json!({"setting": "locked", "enabled": true}),
            "disappearing_changed" => json!({"disappearingSeconds": 0}),
            "other" => json!({"originalType": "k"}),
            _ => json!({"participants": people}),
        };
        with(&json!({"groupId": "1@g.us", "type": word, "at": TIME}), &own)
    });
    let mut updates: Vec<_> = changes.iter().map(written::<GroupUpdated>).collect();
    updates.push(written::<GroupUpdated>(&with(&updates[0], &json!({"by": {"contactId": "1"}}))));
    updates
}

/// The value as the type writes it, so that the sample itself cannot name a member that the type lacks.
fn written<T: DeserializeOwned + Serialize>(sample: &Value) -> Value {
    let written = serde_json::to_value(serde_json::from_value::<T>(sample.clone()).unwrap()).unwrap();
    assert_eq!(&written, sample);
    written
}

fn reads<T: DeserializeOwned>(name: &str, full: &Value) {
    let schema = schema(name);
    fits(&schema, full).unwrap();
    assert_eq!(names(full), properties(&schema), "{name}");
    let good = |value: Value| serde_json::from_value::<T>(value).is_ok();
    assert!(good(full.clone()), "{name}");
    assert!(!good(with(full, &json!({"unheardOf": 1}))), "{name} reads what its schema forbids");
    for member in names(full) {
        let mut without = full.clone();
        without.as_object_mut().unwrap().remove(&member);
        assert_eq!(good(without), !required(&schema).contains(&member), "{name}.{member}");
        let nullable = fits(&schema["properties"][&member], &Value::Null).is_ok();
        assert_eq!(good(with(full, &json!({&member: null}))), nullable, "{name}.{member} as null");
    }
}

fn writes(name: &str, values: &[Value]) {
    let schema = schema(name);
    for value in values {
        fits(&schema, value).unwrap_or_else(|error| panic!("{name}: {error}: {value}"));
    }
    let union = values.iter().flat_map(names).collect();
    let always = values.iter().map(names).reduce(|a, b| &a & &b).unwrap();
    assert_eq!((properties(&schema), required(&schema)), (union, always), "{name}: the members, and those that are always there");
}

/// Whether the value is what the schema says, as far as our schemas say anything; patterns are left to validators.
pub(in crate::openapi) fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("{why}: {schema} {value}"));
    if let Some(name) = schema["$ref"].as_str() {
        return fits(&self::schema(name.rsplit('/').next().unwrap()), value);
    }
    if schema.get("const").is_some_and(|only| only != value) || schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return refuse("not one of the values");
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let wanted = &schema["type"];
    if !wanted.is_null() && wanted != kind && !wanted.as_array().is_some_and(|kinds| kinds.contains(&json!(kind))) {
        return refuse("another type");
    }
    if schema["oneOf"].as_array().is_some_and(|choices| choices.iter().filter(|choice| fits(choice, value).is_ok()).count() != 1) {
        return refuse("not exactly one");
    }
    if let Some(members) = value.as_object() {
        if required(schema).iter().any(|name| !members.contains_key(name)) {
            return refuse("a member is missing");
        }
        for (name, member) in members {
            fits(&schema["properties"][name], member)?;
        }
    }
    value.as_array().into_iter().flatten().try_for_each(|item| fits(&schema["items"], item))
}

fn schema(name: &str) -> Value {
    ALL.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no schema {name}")).1()
}

fn properties(schema: &Value) -> BTreeSet<String> {
    names(&schema["properties"])
}

fn required(schema: &Value) -> BTreeSet<String> {
    schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn with(value: &Value, more: &Value) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

//! The schemas of requests and answers, one function a type. Tests compare each with what the type really reads and writes.

mod accounts;
mod answers;
mod calls;
mod events;
mod groups;
mod media;
mod messages;
mod nodes;
mod passkey;
mod people;
mod requests;
mod switches;
#[cfg(test)]
pub(super) mod tests;
mod users;
mod webhooks;
mod whatsapp;

use serde_json::Value;

pub(super) use accounts::{counts_by_code, plan_pace, put_pace};
pub(super) use answers::{degraded, new_contacts_held, refusal, waiting_for};
pub(super) use messages::shown_card;
pub(super) use passkey::passkey_event;
pub(super) use switches::{features, put_features};
pub(super) use webhooks::webhook_headers;

/// A schema and its name, which is its type's.
type Named = (&'static str, fn() -> Value);

/// Every schema.
pub(super) const ALL: &[Named] = &[
    ("Account", accounts::account),
    ("AccountDeletion", accounts::account_deletion),
    ("AdminCreateUser", users::admin_create_user),
    ("AuditEntry", accounts::audit_entry),
    ("Blocked", people::blocked),
    ("BySession", groups::by_session),
    ("CallReceived", calls::call_received),
    ("CallEnded", calls::call_ended),
    ("Chat", people::chat),
    ("ChatName", people::chat_name),
    ("ChatRead", people::chat_read),
    ("ChangeState", messages::change_state),
    ("CheckContacts", requests::check_contacts),
    ("CheckedContact", answers::checked_contact),
    ("ContactCard", messages::contact_card),
    ("Contact", people::contact),
    ("ConfirmPasskey", passkey::confirm_passkey),
    ("CreateAccount", accounts::create_account),
    ("CreateEventToken", events::create_event_token),
    ("CreateGroup", groups::create_group),
    ("CreateKey", requests::create_key),
    ("CreatePairingCode", requests::create_pairing_code),
    ("CreateLogin", users::create_login),
    ("CreateSession", requests::create_session),
    ("CreateUser", users::create_user),
    ("CreatedKey", answers::created_key),
    ("Day", accounts::day),
    ("Details", answers::details),
    ("EditMessage", messages::edit_message),
    ("ErrorEntry", answers::error_entry),
    ("Event", events::event),
    ("EventToken", events::event_token),
    ("Group", groups::group),
    ("GroupInvite", groups::group_invite),
    ("GroupParticipant", groups::group_participant),
    ("GroupPicture", groups::group_picture),
    ("GroupRequest", groups::group_request),
    ("Canary", switches::canary),
    ("CanaryStep", switches::canary_step),
    ("UpdateNotice", switches::update_notice),
    ("FeatureSwitch", switches::feature_switch),
    ("Pause", switches::pause),
    ("PutSwitches", switches::put_switches),
    ("Switches", switches::switches),
    ("DryRun", messages::dry_run),
    ("GroupUpdated", groups::group_updated),
    ("ForwardMessage", messages::forward_message),
    ("Health", answers::health),
    ("JoinGroup", groups::join_group),
    ("JoinedGroup", groups::joined_group),
    ("Key", answers::key),
    ("LinkPreview", messages::link_preview),
    ("Login", users::login),
    ("LoginEntry", users::login_entry),
    ("Media", media::media),
    ("Message", messages::message),
    ("LeftGroup", groups::left_group),
    ("MemberReceipt", groups::member_receipt),
    ("MessageError", answers::message_error),
    ("MoveSession", nodes::move_session),
    ("NameParticipants", groups::name_participants),
    ("Node", nodes::node),
    ("PageInfo", answers::page_info),
    ("PairingCode", answers::pairing_code),
    ("ParticipantResult", groups::participant_result),
    ("Party", answers::party),
    ("Passkey", passkey::passkey),
    ("PasskeyAssertion", passkey::passkey_assertion),
    ("Picture", people::picture),
    ("Plan", accounts::plan),
    ("PlanLimits", accounts::plan_limits),
    ("PollResult", messages::poll_result),
    ("Presence", people::presence),
    ("PresenceShown", people::presence_shown),
    ("PutPlan", accounts::put_plan),
    ("Qr", answers::qr),
    ("Queue", nodes::queue),
    ("QueueHeld", nodes::queue_held),
    ("QuickMessage", requests::quick_message),
    ("QuickSession", requests::quick_session),
    ("QuickSessionCreated", answers::quick_session_created),
    ("Reaction", messages::reaction),
    ("Reference", messages::reference_to),
    ("RotateKey", accounts::rotate_key),
    ("SendContact", messages::send_contact),
    ("SendLocation", messages::send_location),
    ("SendMedia", media::send_media),
    ("SendPoll", messages::send_poll),
    ("SendReaction", messages::send_reaction),
    ("SendText", messages::send_text),
    ("Session", answers::session),
    ("SessionWithQr", answers::session_with_qr),
    ("SetGroupPicture", groups::set_group_picture),
    ("SetPassword", users::set_password),
    ("SetPresence", people::set_presence),
    ("SetTyping", people::set_typing),
    ("TimelineEntry", answers::timeline_entry),
    ("TypingShown", people::typing_shown),
    ("UpdateAccount", accounts::update_account),
    ("UpdateGroup", groups::update_group),
    ("UpdateUser", users::update_user),
    ("User", users::user),
    ("Usage", accounts::usage),
    ("Used", accounts::used),
    ("Attempt", webhooks::attempt),
    ("CreateWebhook", webhooks::create_webhook),
    ("CreatedWebhook", webhooks::created_webhook),
    ("Delivery", webhooks::delivery),
    ("Recover", webhooks::recover),
    ("Recovered", webhooks::recovered),
    ("RotateSecret", webhooks::rotate_secret),
    ("UpdateSession", requests::update_session),
    ("UpdateWebhook", webhooks::update_webhook),
    ("Webhook", webhooks::webhook),
    ("WebhookTested", webhooks::webhook_tested),
    ("SessionsWaiting", whatsapp::sessions_waiting),
    ("Whatsapp", whatsapp::whatsapp),
];

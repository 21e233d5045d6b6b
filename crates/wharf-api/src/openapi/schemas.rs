//! The schemas of requests and answers, one function a type. Tests compare each with what the type really reads and writes.

mod accounts;
mod answers;
mod events;
mod messages;
mod requests;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// A schema and its name, which is its type's.
type Named = (&'static str, fn() -> Value);

/// Every schema.
pub(super) const ALL: &[Named] = &[
    ("Account", accounts::account),
    ("CheckContacts", requests::check_contacts),
    ("CheckedContact", answers::checked_contact),
    ("ContactCard", messages::contact_card),
    ("CreateAccount", accounts::create_account),
    ("CreateKey", requests::create_key),
    ("CreatePairingCode", requests::create_pairing_code),
    ("CreateSession", requests::create_session),
    ("CreatedKey", answers::created_key),
    ("Day", accounts::day),
    ("Details", answers::details),
    ("ErrorEntry", answers::error_entry),
    ("Event", events::event),
    ("Health", answers::health),
    ("Key", answers::key),
    ("LinkPreview", messages::link_preview),
    ("Message", messages::message),
    ("MessageError", answers::message_error),
    ("PageInfo", answers::page_info),
    ("PairingCode", answers::pairing_code),
    ("Party", answers::party),
    ("Plan", accounts::plan),
    ("PollResult", messages::poll_result),
    ("PutPlan", accounts::put_plan),
    ("Qr", answers::qr),
    ("QuickMessage", requests::quick_message),
    ("QuickSession", requests::quick_session),
    ("QuickSessionCreated", answers::quick_session_created),
    ("Reaction", messages::reaction),
    ("Reference", messages::reference_to),
    ("RotateKey", accounts::rotate_key),
    ("SendText", requests::send_text),
    ("Session", answers::session),
    ("SessionWithQr", answers::session_with_qr),
    ("TimelineEntry", answers::timeline_entry),
    ("UpdateAccount", accounts::update_account),
    ("Usage", accounts::usage),
    ("Used", accounts::used),
];

//! What the gateway is towards WhatsApp.

use serde_json::Value;

use super::super::schema::{about, always, answer, integer, list, maybe, reference, text, time, word};
use super::waiting_for;
use crate::types::whatsapp::VersionSource;

pub(super) fn whatsapp() -> Value {
    answer(vec![
        always("claimed", about(text(), "The version of WhatsApp Web that new connections claim, such as 2.3000.1045649367.")),
        always("source", about(word(VersionSource::ALL.iter().map(|source| source.as_str())), "Where that comes from.")),
        always("currentAt", about(time(), "When it was known to be current.")),
        maybe("served", about(text(), "The version that WhatsApp's page told last.")),
        maybe("fetchedAt", about(time(), "When that page was asked last.")),
        maybe("refused", about(text(), "The highest version that WhatsApp refused.")),
        maybe("refusedAt", about(time(), "When it was refused last.")),
        maybe("expiresAt", about(time(), "When WhatsApp takes the claimed version no more, where it said so.")),
        maybe("nextTryAt", about(time(), "When one of the sessions that wait tries whether it is let in.")),
        always("waiting", about(list(&reference("SessionsWaiting")), "The sessions of the answering process that wait for something.")),
    ])
}

pub(super) fn sessions_waiting() -> Value {
    answer(vec![always("for", waiting_for()), always("sessions", about(integer(1, None), "How many wait for it."))])
}

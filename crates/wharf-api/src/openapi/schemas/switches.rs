//! The operator's switches, the canary sessions, the update notice.

use serde_json::Value;

use crate::openapi::schema::{
    about, always, answer, boolean, integer, list, maybe, nullable, reference, request, session_id, text, time, word,
};
use crate::types::canary::Step;
use crate::types::switches::{Feature, Position};
use crate::types::update::Standing;

fn position() -> Value {
    about(
        word(Position::ALL.iter().map(|position| position.as_str())),
        "`off` refuses it, `auto` marks it as degraded where WhatsApp refuses it in several sessions, `on` does neither.",
    )
}

pub(super) fn pause() -> Value {
    answer(vec![always("paused", about(boolean(), "Whether it is paused now.")), maybe("since", about(time(), "When the pause began."))])
}

pub(super) fn feature_switch() -> Value {
    answer(vec![
        always("position", position()),
        maybe("since", about(time(), "When somebody set it.")),
        maybe("degradedSince", about(time(), "Since when WhatsApp refuses it in several sessions; until somebody sets the switch.")),
    ])
}

pub(super) fn switches() -> Value {
    answer(vec![
        always("connecting", about(reference("Pause"), "All connections of all sessions.")),
        always("sending", about(reference("Pause"), "Sending, on connections that stay.")),
        always("features", features()),
    ])
}

pub(super) fn put_switches() -> Value {
    request(vec![
        maybe("connectingPaused", about(nullable(boolean()), "Whether all connections pause.")),
        maybe("sendingPaused", about(nullable(boolean()), "Whether sending pauses.")),
        maybe("features", about(put_features(), "Features and where their switches shall stand; the others stay.")),
    ])
}

/// What a switch is for.
const fn what(feature: Feature) -> &'static str {
    match feature {
        Feature::Texts => "Texts, in every chat.",
        Feature::Media => "Images, videos, documents, audio and stickers.",
        Feature::Locations => "Places.",
        Feature::Contacts => "Contact cards.",
        Feature::Polls => "Polls.",
        Feature::Reactions => "Reactions.",
        Feature::Edits => "Edits of texts and captions.",
        Feature::Deletions => "Deleting for everyone.",
        Feature::Status => "Everything that goes to the status, whatever it is.",
        Feature::Presence => "Showing the account as online or not, and asking for the presence of others.",
        Feature::Typing => "Showing that somebody types or records.",
        Feature::Receipts => "Telling senders that messages were read.",
        Feature::GroupWrites => "Making and changing groups, joining and leaving them.",
        Feature::LookUps => "Asking which numbers are on WhatsApp, and for people and pictures; while off, messages go out unchecked.",
        Feature::MediaReupload => "Asking the phone for files that WhatsApp's servers have lost.",
        Feature::HistoryTokens => "Taking the privacy tokens of chats from the history that the phone sends; from the next connection on.",
        Feature::Passkey => "Linking accounts that WhatsApp asks for a passkey; while it is off, such an attempt ends at once.",
    }
}

pub(in crate::openapi) fn features() -> Value {
    answer(Feature::ALL.iter().map(|feature| always(feature.as_str(), about(reference("FeatureSwitch"), what(*feature)))).collect())
}

pub(in crate::openapi) fn put_features() -> Value {
    request(Feature::ALL.iter().map(|feature| maybe(feature.as_str(), position())).collect())
}

pub(super) fn canary_step() -> Value {
    answer(vec![
        always("step", about(word(Step::ALL.iter().map(|step| step.as_str())), "What was tried.")),
        always("sessionId", about(session_id(), "The session that sent.")),
        always("at", about(time(), "When it began.")),
        maybe("durationMs", about(integer(0, None), "How long it took until the other session had it.")),
        maybe("reason", about(text(), "Why it failed.")),
    ])
}

pub(super) fn canary() -> Value {
    answer(vec![
        always("sessionIds", about(list(&session_id()), "The two sessions; empty where none are set.")),
        always("steps", about(list(&reference("CanaryStep")), "The last run of each step that ever ran.")),
    ])
}

pub(super) fn update_notice() -> Value {
    answer(vec![
        always("checks", about(boolean(), "Whether somebody asks once a day.")),
        always("running", about(text(), "The release that runs.")),
        maybe("standing", about(word(Standing::ALL.iter().map(|standing| standing.as_str())), "How it stands by the last notice.")),
        maybe("newest", about(text(), "The newest release.")),
        maybe("oldestSafe", about(text(), "The oldest release that is safe.")),
        maybe("floor", about(text(), "The oldest version of WhatsApp Web that is known to be let in.")),
        maybe("webVersion", about(text(), "A version of WhatsApp Web that is let in.")),
        maybe("notes", about(text(), "A sentence for operators.")),
        maybe("fetchedAt", about(time(), "When the notice was fetched.")),
    ])
}

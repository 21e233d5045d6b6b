//! The operator's switches.

use serde_json::Value;

use crate::openapi::schema::{about, always, answer, boolean, maybe, nullable, reference, request, time, word};
use crate::types::switches::{Feature, Position};

fn position() -> Value {
    about(
        word(Position::ALL.iter().map(|position| position.as_str())),
        "`off` refuses it, `auto` marks it as degraded where WhatsApp refuses it in several sessions, `on` does neither.",
    )
}

pub(super) fn pause() -> Value {
    answer(vec![always("paused", boolean()), maybe("since", about(time(), "When the pause began."))])
}

pub(super) fn feature_switch() -> Value {
    answer(vec![
        always("position", position()),
        maybe("since", about(time(), "When somebody set it.")),
        maybe("degradedSince", about(time(), "Since when WhatsApp refuses it in several sessions; until somebody sets the switch.")),
    ])
}

pub(super) fn switches() -> Value {
    let features = Feature::ALL.iter().map(|feature| always(feature.as_str(), reference("FeatureSwitch"))).collect();
    answer(vec![
        always("connecting", about(reference("Pause"), "All connections of all sessions.")),
        always("sending", about(reference("Pause"), "Sending, on connections that stay.")),
        always("features", answer(features)),
    ])
}

pub(super) fn put_switches() -> Value {
    let features = Feature::ALL.iter().map(|feature| maybe(feature.as_str(), position())).collect();
    request(vec![
        maybe("connectingPaused", about(nullable(boolean()), "Whether all connections pause.")),
        maybe("sendingPaused", about(nullable(boolean()), "Whether sending pauses.")),
        maybe("features", about(request(features), "Features and where their switches shall stand; the others stay.")),
    ])
}

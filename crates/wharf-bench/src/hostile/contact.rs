//! A contact that means harm: floods of messages, and some that no client would write.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};

use super::tenant::Stranger;
use super::{BAD, GOOD};
use crate::gateway::Http;

/// Who it is.
const CONTACT: &str = "15550001002";
/// Messages as bytes, in Base64: nothing, a field of an unknown number, a poll and a like of nothing, an order of an unknown kind.
const ODD: [&str; 5] = ["", "+n8FaGVsbG8=", "igMA", "8gIA", "YgIQfw=="];

pub fn begin(control: &Http, pause: Duration, resting: &Arc<AtomicBool>) -> Vec<Stranger> {
    let says = |name: &'static str, body: fn(usize) -> Value| {
        let control = control.clone();
        Stranger::every(name, (pause, resting), move |number| {
            let (control, mut body) = (control.clone(), body(number));
            // The good one hears of it, too.
            body["to"] = json!(if number.is_multiple_of(10) { GOOD.0 } else { BAD.0 });
            async move { control.status("POST", &format!("/control/phones/{CONTACT}/send"), Some(&body)).await.ok().map(|(status, _)| status) }
        })
    };
    vec![
        says("contact: texts of 60,000 letters", |number| json!({"text": format!("{number} {}", "flood ".repeat(10_000))})),
        says("contact: short texts", |number| json!({"text": format!("flood {number}")})),
        says("contact: odd protobufs", |number| json!({"type": "raw", "protobuf": ODD[number % ODD.len()]})),
        says(
            "contact: places that are nowhere",
            |number| json!({"type": "location", "latitude": 1e300 * if number.is_multiple_of(2) { 1.0 } else { -1.0 }, "longitude": 1e9}),
        ),
        says("contact: what cannot be decrypted", |_| json!({"text": "garbled", "garbled": true})),
        says("contact: polls of 500 options", |number| {
            let options: Vec<_> = (0..500).map(|option| format!("{number} {option}")).collect();
            json!({"type": "poll", "question": "Which?", "options": options})
        }),
    ]
}

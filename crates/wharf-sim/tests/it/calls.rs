//! Calls, as a linked device hears of them.

use serde_json::json;
use wacore::types::call::CallAction;
use wacore::types::events::Event;

use crate::harness::{Device, ECHO, OWNER, SILENT, Sim, until};

/// Why a call that rang is over, empty where that was not said; `None` while it rings.
fn over(event: &Event, id: &str) -> Option<String> {
    match event {
        Event::IncomingCall(call) if call.action.call_id() == id => match &call.action {
            CallAction::Terminate { reason, .. } => Some(reason.clone().unwrap_or_default()),
            _ => None,
        },
        _ => None,
    }
}

#[tokio::test]
async fn a_call_rings_at_every_device_until_nobody_answers_or_the_caller_hangs_up() {
    let sim = Sim::start().await;
    let (one, two) = (Device::linked(&sim, OWNER).await, Device::linked(&sim, OWNER).await);
    for (video, ring_ms, reason) in [(false, 200, "timeout"), (true, 60_000, "")] {
        let body = json!({"to": OWNER, "video": video, "ringMs": ring_ms});
        let id = sim.post(&format!("/control/phones/{SILENT}/call"), body).await["callId"].as_str().unwrap().to_owned();
        for device in [&one, &two] {
            let (caller, kind) = device
                .event("an offer", |event| match event {
                    Event::IncomingCall(call) if call.action.call_id() == id => match &call.action {
                        CallAction::Offer { caller_pn, is_video, .. } => Some((caller_pn.clone(), *is_video)),
                        _ => None,
                    },
                    _ => None,
                })
                .await;
            assert_eq!((caller.unwrap().user.as_str(), kind), (SILENT, video));
        }
        let calls = format!("/control/phones/{SILENT}/calls");
        until("both devices ring", async || {
            let calls = sim.get(&calls).await;
            let call = calls.as_array().unwrap().iter().find(|call| call["callId"] == id).cloned()?;
            (call["rang"].as_array().unwrap().len() == 2).then_some(())
        })
        .await;
        if reason.is_empty() {
            sim.post(&format!("/control/phones/{SILENT}/hang-up"), json!({"callId": id})).await;
            let again = sim.try_post(&format!("/control/phones/{SILENT}/hang-up"), json!({"callId": id})).await;
            assert_eq!(again["error"]["code"], "no_such_call");
        }
        for device in [&one, &two] {
            let ended = device.event("the end of the call", |event| over(event, &id)).await;
            assert_eq!(ended, reason);
        }
    }
}

#[tokio::test]
async fn a_call_to_nobody_or_to_a_group_of_others_is_refused() {
    let sim = Sim::start().await;
    let unknown = sim.try_post(&format!("/control/phones/{SILENT}/call"), json!({"to": "15550009999"})).await;
    assert_eq!(unknown["error"]["code"], "not_on_whatsapp");
    let group = sim.post("/control/groups", json!({"creator": ECHO, "subject": "theirs", "members": []})).await;
    let outside = sim.try_post(&format!("/control/phones/{SILENT}/call"), json!({"to": group["id"]})).await;
    assert_eq!(outside["error"]["code"], "forbidden");
}

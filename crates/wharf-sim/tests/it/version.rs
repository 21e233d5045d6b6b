//! Which versions come in, and the pages that tell the newest one.

use std::time::Duration;

use serde_json::{Value, json};
use wacore::types::events::Event;

use crate::harness::{CURRENT, Device, OWNER, Sim};

async fn outdated(device: &Device) {
    device.event("refused as outdated", |event| matches!(event, Event::ClientOutdated(_)).then_some(())).await;
}

async fn change(sim: &Sim, change: Value) -> Value {
    sim.put("/control/version", change).await
}

#[tokio::test]
async fn a_version_below_the_floor_is_refused_at_registration_and_at_login() {
    let sim = Sim::start().await;
    let linked = Device::linked(&sim, OWNER).await;
    let shown = sim.get("/control/version").await;
    assert_eq!((&shown["floor"], &shown["served"]), (&json!(CURRENT), &json!(CURRENT)));
    assert_eq!(shown["refused"], json!({"registrations": 0, "logins": 0}));

    change(&sim, json!({"floor": CURRENT + 1})).await;
    assert!(linked.client.is_connected(), "a floor that rises cuts nobody off");
    change(&sim, json!({"kick": true})).await;
    outdated(&linked).await;
    outdated(&Device::new(&sim).await).await;
    let shown = sim.get("/control/version").await;
    assert_eq!(shown["refused"], json!({"registrations": 1, "logins": 1}));

    change(&sim, json!({"floor": CURRENT})).await;
    Device::new(&sim).await.qr().await;
}

/// The status and the text of a page, or nothing where it did not come to its end.
async fn page(sim: &Sim, path: &str, headers: &[(&str, &str)]) -> Option<(u16, String)> {
    page_within(PATIENT, sim, path, headers).await
}

/// A slow page takes half a minute.
const PATIENT: Duration = Duration::from_secs(20);
const IMPATIENT: Duration = Duration::from_secs(2);

async fn page_within(limit: Duration, sim: &Sim, path: &str, headers: &[(&str, &str)]) -> Option<(u16, String)> {
    #[expect(clippy::disallowed_methods, reason = "a tester's client, not the gateway's")]
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(limit).build().unwrap();
    let mut request = client.get(format!("http://127.0.0.1:{}{path}", sim.port()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

const BROWSER: [(&str, &str); 2] = [("Sec-Fetch-Site", "none"), ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")];

fn revision(text: &str) -> Option<u32> {
    wacore::version::parse_sw_js(text).map(|(_, _, revision)| revision)
}

#[tokio::test]
async fn the_pages_tell_the_version_to_browsers_that_come_from_nowhere() {
    let sim = Sim::start().await;
    change(&sim, json!({"served": CURRENT + 5})).await;
    for path in ["/sw.js", "/"] {
        let (status, text) = page(&sim, path, &BROWSER).await.unwrap();
        assert_eq!((status, revision(&text)), (200, Some(CURRENT + 5)), "{path}: {text}");
        for headers in [&[][..], &BROWSER[..1], &BROWSER[1..], &[("Sec-Fetch-Site", "cross-site"), BROWSER[1]]] {
            let (status, text) = page(&sim, path, headers).await.unwrap();
            assert_eq!((status, revision(&text)), (400, None), "{path}: {headers:?}");
        }
    }
    assert_eq!(sim.get("/control/version").await["asked"], json!({"worker": 1, "front": 1, "bare": 8, "elsewhere": 0}));
}

#[tokio::test]
async fn a_page_goes_wrong_as_it_is_told() {
    let sim = Sim::start().await;
    let ask = async |fault: &str| {
        change(&sim, json!({"fault": fault})).await;
        page_within(if fault == "slow" { IMPATIENT } else { PATIENT }, &sim, "/sw.js", &BROWSER).await
    };
    for (fault, status, told) in [
        ("403", 403, None),
        ("500", 500, None),
        ("redirect", 302, None),
        ("no number", 200, None),
        ("0", 200, Some(0)),
        ("lower", 200, Some(1_000_000_000)),
        ("absurd", 200, Some(4_000_000_000)),
        ("", 200, Some(CURRENT)),
    ] {
        let (seen, text) = ask(fault).await.unwrap();
        assert_eq!((seen, revision(&text)), (status, told), "{fault}: {text}");
    }
    assert_eq!((ask("cut").await, ask("slow").await), (None, None));
    // Each page on its own.
    change(&sim, json!({"fault": "", "workerFault": "403"})).await;
    assert_eq!(page(&sim, "/sw.js", &BROWSER).await.unwrap().0, 403);
    assert_eq!(page(&sim, "/", &BROWSER).await.unwrap().0, 200);
}

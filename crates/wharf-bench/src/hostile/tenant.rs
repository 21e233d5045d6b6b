//! A tenant that means harm, and somebody without a key: what costs much and asks little.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::gateway::Http;
use crate::world::Tenant;

/// How often a trick is played, and whether it rests now.
pub type Pacing<'a> = (Duration, &'a Arc<AtomicBool>);

/// One trick, played until it is ended.
pub struct Stranger {
    name: &'static str,
    playing: JoinHandle<()>,
    tally: Arc<TenantTally>,
}

#[derive(Default)]
struct TenantTally {
    times: AtomicUsize,
    answers: Mutex<BTreeMap<String, usize>>,
}

impl Stranger {
    /// Plays a trick every `pause` unless it is `resting`, however long one takes; `trick` gets its number and tells the status that it got.
    pub fn every<T>(name: &'static str, (pause, resting): Pacing<'_>, trick: impl Fn(usize) -> T + Send + 'static) -> Self
    where
        T: Future<Output = Option<u16>> + Send + 'static,
    {
        let tally = Arc::<TenantTally>::default();
        let (own, resting) = (Arc::clone(&tally), Arc::clone(resting));
        let playing = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(pause);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if resting.load(Ordering::Relaxed) {
                    continue;
                }
                let (own, playing) = (Arc::clone(&own), trick(own.times.fetch_add(1, Ordering::Relaxed)));
                tokio::spawn(async move {
                    let answer = playing.await.map_or_else(|| "none".to_owned(), |status| status.to_string());
                    *own.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(answer).or_default() += 1;
                });
            }
        });
        Self { name, playing, tally }
    }

    /// Ends it: its name, how often it was played, and what was answered how often.
    pub fn end(self) -> (&'static str, usize, String) {
        self.playing.abort();
        let answers = self.tally.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers: Vec<_> = answers.iter().map(|(status, times)| format!("{status}: {times}")).collect();
        (self.name, self.tally.times.load(Ordering::Relaxed), answers.join(", "))
    }
}

async fn status(api: Http, method: &'static str, path: String, body: Option<serde_json::Value>) -> Option<u16> {
    api.status(method, &path, body.as_ref()).await.ok().map(|(status, _)| status)
}

pub fn begin(bad: &Arc<Tenant>, pause: Duration, resting: &Arc<AtomicBool>) -> Vec<Stranger> {
    let often = (pause, resting);
    let seldom = (pause * 2, resting);
    let asks = |name: &'static str, method: &'static str, path: fn(usize) -> String| {
        let api = bad.api.clone();
        Stranger::every(name, often, move |number| status(api.clone(), method, path(number), None))
    };
    vec![
        asks("thousands of parameters", "GET", |_| format!("/v1/messages?{}", names())),
        asks("lists that find nothing", "GET", |number| format!("/v1/messages?chatId={number}@lid&limit=200")),
        asks("paths that lead nowhere", "GET", |number| format!("/v1/nowhere/{number}")),
        without_key(bad, often),
        wrong_keys(bad, often),
        bad_links(bad, often),
        bad_json(bad, often),
        texts(bad, often),
        uploads(bad, (pause * 5, resting)),
        unread(bad, seldom),
        dripped(bad, seldom),
    ]
}

/// 12,000 names in less than 64 kB, which is what a client lets through.
fn names() -> String {
    (0..12_000).map(|number| format!("{number:x}")).collect::<Vec<_>>().join("&")
}

fn without_key(bad: &Tenant, manner: Pacing<'_>) -> Stranger {
    let api = bad.api.with_key("");
    Stranger::every("the same without a key", manner, move |_| status(api.clone(), "GET", format!("/healthz?{}", names()), None))
}

fn wrong_keys(bad: &Tenant, manner: Pacing<'_>) -> Stranger {
    // From the good one's address: keys that worked a moment ago go on.
    let api = bad.api.with_key("wharf_test_0000aaaa_wrong");
    Stranger::every("wrong keys", manner, move |_| status(api.clone(), "GET", "/v1/account".to_owned(), None))
}

fn bad_links(bad: &Arc<Tenant>, manner: Pacing<'_>) -> Stranger {
    let bad = Arc::clone(bad);
    let text = "x://".repeat(512) + &")".repeat(2_048);
    Stranger::every("texts whose link is hard to find", manner, move |_| {
        let body = json!({"sessionId": bad.session, "to": crate::sends::contact(1), "text": text, "linkPreview": true, "async": true});
        status(bad.api.clone(), "POST", "/v1/messages/text".to_owned(), Some(body))
    })
}

fn bad_json(bad: &Arc<Tenant>, manner: Pacing<'_>) -> Stranger {
    let bad = Arc::clone(bad);
    Stranger::every("deep and odd JSON", manner, move |number| {
        let body = json!({"sessionId": bad.session, "to": number, "text": [[[[[[[["x".repeat(50_000)]]]]]]]]});
        status(bad.api.clone(), "POST", "/v1/messages/text".to_owned(), Some(body))
    })
}

fn texts(bad: &Arc<Tenant>, manner: Pacing<'_>) -> Stranger {
    let bad = Arc::clone(bad);
    Stranger::every("texts, each an event for its receivers", manner, move |number| {
        let body = json!({"sessionId": bad.session, "to": crate::sends::contact(number % 100), "text": "x".repeat(4_096), "async": true});
        status(bad.api.clone(), "POST", "/v1/messages/text".to_owned(), Some(body))
    })
}

fn uploads(bad: &Arc<Tenant>, manner: Pacing<'_>) -> Stranger {
    let bad = Arc::clone(bad);
    Stranger::every("uploads of 20 MB", manner, move |_| {
        let bad = Arc::clone(&bad);
        async move { bad.api.put_file(vec![0; 20_000_000]).await.ok() }
    })
}

/// Asks for much over a bare socket and reads nothing of it.
fn unread(bad: &Arc<Tenant>, manner: Pacing<'_>) -> Stranger {
    let bad = Arc::clone(bad);
    Stranger::every("answers that nobody reads", manner, move |_| {
        let bad = Arc::clone(&bad);
        async move {
            let host = bad.base.strip_prefix("http://")?;
            let mut stream = TcpStream::connect(host).await.ok()?;
            let ask = format!("GET /v1/messages?limit=200 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n", bad.key);
            stream.write_all(ask.repeat(20).as_bytes()).await.ok()?;
            tokio::time::sleep(Duration::from_secs(20)).await;
            None
        }
    })
}

/// Announces a large body and brings a byte of it now and then.
fn dripped(bad: &Arc<Tenant>, manner: Pacing<'_>) -> Stranger {
    let bad = Arc::clone(bad);
    Stranger::every("bodies that come by the byte", manner, move |_| {
        let bad = Arc::clone(&bad);
        async move {
            let host = bad.base.strip_prefix("http://")?;
            let mut stream = TcpStream::connect(host).await.ok()?;
            let head = format!(
                "POST /v1/messages/media HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
                 Content-Length: 100000000\r\n\r\n{{",
                bad.key
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                stream.write_all(b" ").await.ok()?;
            }
            None
        }
    })
}

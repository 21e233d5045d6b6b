//! Joins what the API shows, what the event log and a receiver of webhooks have, and what the pretend network really saw; says in one
//! line what is lost, doubled, wrong and stale.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Hook, PATIENCE, World};

/// What was said in both directions, and what it must have become.
#[derive(Default)]
pub struct Ground {
    /// Whose session is looked at.
    pub owner: String,
    pub session: String,
    /// By the message's id: what a 201 promised, and at whose phone it is to be shown.
    pub accepted: BTreeMap<String, Promise>,
    /// Texts that were tried and not answered: shown once or not at all.
    pub unanswered: BTreeSet<String>,
    /// What people wrote to the owner, in words, by its WhatsApp id.
    pub written: BTreeMap<String, String>,
    /// What a message in the API shows in the end, by its WhatsApp id: where, and what.
    pub became: Vec<(String, &'static str, Value)>,
    /// The same of an entry in somebody's ledger.
    pub shows: Vec<(&'static str, String, &'static str, Value)>,
}

pub struct Promise {
    pub at: &'static str,
    /// Of a text.
    pub text: Option<String>,
}

/// What is the matter, a line each.
#[derive(Debug, Default)]
pub struct Faults {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub wrong: Vec<String>,
    pub stale: Vec<String>,
}

impl Faults {
    pub fn count(&self) -> usize {
        self.lost.len() + self.doubled.len() + self.wrong.len() + self.stale.len()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}, doubled {}, wrong {}, stale {}", self.lost.len(), self.doubled.len(), self.wrong.len(), self.stale.len())
    }
}

impl Ground {
    pub fn of(owner: &str, session: &str) -> Self {
        Self { owner: owner.to_owned(), session: session.to_owned(), ..Self::default() }
    }

    /// Waits until nothing is the matter, as long as there is less and less of it; fails with what is.
    pub async fn is_sound(&self, world: &World, hook: Option<(&Hook, &str)>) -> Faults {
        let (mut least, mut moved) = (usize::MAX, Instant::now());
        loop {
            let faults = self.faults(world, hook).await;
            if faults.count() == 0 {
                return faults;
            }
            if faults.count() < least {
                (least, moved) = (faults.count(), Instant::now());
            }
            assert!(moved.elapsed() < PATIENCE, "something is lost, doubled, wrong or stale: {faults}: {faults:?}");
            // A short pause between two looks.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn faults(&self, world: &World, hook: Option<(&Hook, &str)>) -> Faults {
        let mut faults = Faults::default();
        let rows = all(world, &format!("/v1/messages?sessionId={}&limit=200", self.session)).await;
        let mut by_wa_id: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for row in &rows {
            by_wa_id.entry(row["whatsappId"].as_str().unwrap_or_default()).or_default().push(row);
        }
        self.went_out(world, &rows, &mut faults).await;
        self.came_in(world, &by_wa_id, &mut faults).await;
        for (wa_id, at, wanted) in &self.became {
            let found = by_wa_id.get(wa_id.as_str()).and_then(|rows| rows[0].pointer(at)).unwrap_or(&Value::Null);
            if found != wanted {
                faults.wrong.push(format!("{wa_id}{at} is {found} and should be {wanted}"));
            }
        }
        events(world, &self.session, &by_wa_id, hook, &mut faults).await;
        faults
    }

    /// Every 201 ended well and is shown once; what got no answer is not shown twice; no counter was used twice.
    async fn went_out(&self, world: &World, rows: &[Value], faults: &mut Faults) {
        let phones: BTreeSet<_> = self.accepted.values().map(|promise| promise.at).chain(self.shows.iter().map(|shows| shows.0)).collect();
        let mut ledgers: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for phone in phones {
            ledgers.insert(phone, world.ledger(phone).await);
        }
        let by_id: BTreeMap<&str, &Value> = rows.iter().map(|row| (row["messageId"].as_str().unwrap_or_default(), row)).collect();
        let mut shown: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut entries: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
        for (phone, ledger) in &ledgers {
            for entry in ledger {
                *shown.entry((phone, entry["text"].as_str().unwrap_or_default())).or_default() += 1;
                if entries.insert((phone, entry["id"].as_str().unwrap_or_default()), entry).is_some() {
                    faults.doubled.push(format!("{phone} has two of {entry}"));
                }
            }
        }
        for (id, promise) in &self.accepted {
            let Some(row) = by_id.get(id.as_str()) else {
                faults.lost.push(format!("{id} was promised and is not in the API"));
                continue;
            };
            let status = row["status"].as_str().unwrap_or_default();
            match status {
                "sent" | "delivered" | "read" => {}
                "queued" => faults.stale.push(format!("{id} is still queued")),
                _ => faults.lost.push(format!("{id} was promised and is {status}: {row}")),
            }
            match (entries.get(&(promise.at, row["whatsappId"].as_str().unwrap_or_default())), &promise.text) {
                (None, _) => faults.lost.push(format!("{id} was promised and is not shown by {}: {row}", promise.at)),
                (Some(entry), Some(text)) if entry["text"] != **text => faults.wrong.push(format!("{id} is shown as {entry}, not {text}")),
                _ => {}
            }
            let twice = promise.text.as_ref().is_some_and(|text| shown.get(&(promise.at, text.as_str())).is_some_and(|times| *times > 1));
            if twice {
                faults.doubled.push(format!("{id} is shown twice"));
            }
        }
        for text in &self.unanswered {
            if shown.iter().any(|((_, other), times)| other == text && *times > 1) {
                faults.doubled.push(format!("{text} was not answered and is shown twice"));
            }
        }
        for (phone, wa_id, name, wanted) in &self.shows {
            let found = entries.get(&(*phone, wa_id.as_str())).map_or(&Value::Null, |entry| &entry[*name]);
            if found != wanted {
                faults.wrong.push(format!("{name} of {wa_id} at {phone} is {found} and should be {wanted}"));
            }
        }
        let wire = world.control().get(&format!("/control/wire/{}", self.owner)).await;
        for reuse in wire.ok(200)["counterReuses"].as_array().unwrap() {
            faults.wrong.push(format!("a counter was used twice: {reuse}"));
        }
        if !self.accepted.is_empty() && wire.data()["messages"].as_array().unwrap().is_empty() {
            faults.stale.push("nothing was on the wire yet".to_owned());
        }
    }

    /// What people wrote, and what the device acknowledged, is there once and can be read.
    async fn came_in(&self, world: &World, by_wa_id: &BTreeMap<&str, Vec<&Value>>, faults: &mut Faults) {
        for (wa_id, what) in &self.written {
            let Some(rows) = by_wa_id.get(wa_id.as_str()) else {
                faults.lost.push(format!("{wa_id} ({what}) was written and is not in the API"));
                continue;
            };
            if rows.len() > 1 {
                faults.doubled.push(format!("{wa_id} ({what}) is there {} times", rows.len()));
            }
            match (rows[0]["type"].as_str(), rows[0]["mediaStatus"].as_str()) {
                (Some("undecryptable" | "unsupported") | None, _) => faults.wrong.push(format!("{wa_id} cannot be read: {}", rows[0])),
                (_, Some("pending")) => faults.stale.push(format!("the file of {wa_id} is not there yet")),
                (_, Some("failed")) => faults.lost.push(format!("the file of {wa_id}: {}", rows[0])),
                _ => {}
            }
        }
        let acks = world.control().get(&format!("/control/phones/{}/inbound-acks", self.owner)).await;
        for came in acks.ok(200)["messages"].as_array().expect("a list of what came in") {
            let id = came["id"].as_str().unwrap_or_default();
            match (came["acked"] == true, by_wa_id.contains_key(id)) {
                (true, false) if self.written.contains_key(id) => faults.lost.push(format!("{id} was acknowledged and is not in the API")),
                (false, _) if self.written.contains_key(id) => faults.stale.push(format!("{id} is not acknowledged")),
                _ => {}
            }
        }
    }
}

/// Each session's events follow each other, each text that came in has one event, and the receiver took every step.
async fn events(world: &World, session: &str, by_wa_id: &BTreeMap<&str, Vec<&Value>>, hook: Option<(&Hook, &str)>, faults: &mut Faults) {
    let events = world.api().log().await;
    let (mut last, mut ids, mut told) = (0, BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for event in &events {
        let id = event["eventId"].as_str().unwrap_or_default();
        if !ids.insert(id) {
            faults.doubled.push(format!("the event {id}"));
        }
        if event["sessionId"] != session {
            continue;
        }
        let sequence = event["sequence"].as_i64().unwrap_or_default();
        match sequence - last {
            1 => {}
            2.. => faults.lost.push(format!("the events of the session between {last} and {sequence}")),
            _ => faults.doubled.push(format!("the event {sequence} of the session after {last}")),
        }
        last = sequence;
        if event["event"] == "message.received" || event["event"] == "status.received" {
            *told.entry(event["data"]["whatsappId"].as_str().unwrap_or_default()).or_default() += 1;
        }
    }
    for (wa_id, rows) in by_wa_id {
        if rows[0]["direction"] != "incoming" || rows[0]["type"] != "text" {
            continue;
        }
        match told.get(wa_id) {
            Some(1) => {}
            None => faults.lost.push(format!("the event of {wa_id}")),
            Some(times) => faults.doubled.push(format!("the event of {wa_id}: {times} times")),
        }
    }
    let Some((hook, path)) = hook else { return };
    let got = hook.got(path);
    let taken: BTreeSet<&str> = got.iter().filter(|got| got.status / 100 == 2).map(super::Got::id).collect();
    let steps = world.api().steps().await;
    for id in steps.iter().map(|event| event["eventId"].as_str().unwrap_or_default()).filter(|id| !taken.contains(id)) {
        faults.stale.push(format!("the receiver has not got {id}"));
    }
    for id in taken.difference(&ids) {
        faults.wrong.push(format!("the receiver got {id}, which stands in no log"));
    }
}

/// All pages of a list.
pub async fn all(world: &World, path: &str) -> Vec<Value> {
    let (api, mut rows, mut next) = (world.api(), Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}{next}")).await;
        rows.extend(page.ok(200).as_array().unwrap().iter().cloned());
        match page.json["page"]["next"].as_str() {
            Some(place) => next = format!("&cursor={place}"),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_fault_is_seen() {
    let world = World::start(super::Backend::Sqlite).await;
    let session = world.pair(super::OWNER).await;
    let mut ground = Ground::of(super::OWNER, &session);
    let sent = world.send(&session, super::SILENT, "out").await.ok(201).clone();
    let id = sent["messageId"].as_str().unwrap().to_owned();
    ground.accepted.insert(id, Promise { at: super::SILENT, text: Some("out".to_owned()) });
    let wa_id = world.writes(json!({"text": "in"})).await;
    ground.written.insert(wa_id.clone(), "in".to_owned());
    ground.became.push((wa_id.clone(), "/text", json!("in")));
    ground.is_sound(&world, None).await;

    ground.became.push((wa_id, "/text", json!("another")));
    ground.written.insert("NOBODY".to_owned(), "nothing".to_owned());
    ground.accepted.insert("msg_none".to_owned(), Promise { at: super::SILENT, text: None });
    let faults = ground.faults(&world, None).await;
    assert_eq!(faults.to_string(), "lost 2, doubled 0, wrong 1, stale 0", "{faults:?}");
    // What is only not there yet: a message on its way, and events that the receiver has not got.
    ground = Ground::of(super::OWNER, &session);
    world.rule(json!({"action": "drop_message", "to": super::SILENT})).await;
    let body = json!({"sessionId": session, "to": super::SILENT, "text": "on its way", "async": true});
    let queued = world.api().post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned();
    ground.accepted.insert(queued.clone(), Promise { at: super::SILENT, text: Some("on its way".to_owned()) });
    let faults = ground.faults(&world, None).await;
    assert_eq!(faults.stale, [format!("{queued} is still queued")], "{faults:?}");
    let hook = Hook::start().await;
    let faults = Ground::of(super::OWNER, &session).faults(&world, Some((&hook, "/x"))).await;
    assert!(!faults.stale.is_empty() && faults.stale.iter().all(|fault| fault.starts_with("the receiver has not got")), "{faults:?}");
    world.no_rules().await;
    // The same words twice, of which one call was not answered.
    ground = Ground::of(super::OWNER, &session);
    ground.unanswered.insert("out".to_owned());
    world.send(&session, super::SILENT, "out").await.ok(201);
    ground.accepted.insert(sent["messageId"].as_str().unwrap().to_owned(), Promise { at: super::SILENT, text: Some("out".to_owned()) });
    super::eventually("it is shown twice", async || {
        let faults = ground.faults(&world, None).await;
        (faults.doubled.len() == 2).then_some(()).ok_or(format!("{faults:?}"))
    })
    .await;
}

//! Makes what a run says the same in every run: ids, times, secrets and addresses. Also the way back, for what is asked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wharf_api::Timestamp;

/// When the recorded run began: 2026-01-15, 09:00 in UTC.
const MORNING_MS: i64 = 1_768_467_600_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The midnight after, when limits begin anew.
const MIDNIGHT: &str = "2026-01-16T00:00:00.000Z";
/// How many entries of a list are shown.
const SHOWN: usize = 2;
/// The ids by what they begin with, and whose digits they have.
const IDS: [(&str, &str); 11] = [
    ("ses", "session"),
    ("msg", "message"),
    ("med", "message"),
    ("evt", "event"),
    ("dlv", "event"),
    ("whk", "webhook"),
    ("acc", "account"),
    ("key", "key"),
    ("usr", "user"),
    ("lgn", "login"),
    ("node", "node"),
];
/// A picture of one point.
const PIXEL: &str =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// What runs differ in, and what it is called in an example.
#[derive(Default)]
pub struct Steady {
    /// What was seen so far of each sort of name, in its order.
    names: BTreeMap<&'static str, Vec<String>>,
    /// The example's word, and the run's.
    live: BTreeMap<String, String>,
    /// Addresses of this run, and what they are called.
    places: Vec<(String, &'static str)>,
    began_ms: Option<i64>,
}

impl Steady {
    /// Everything below `address` is shown below `name`.
    pub fn place(&mut self, address: &str, name: &'static str) {
        self.places.push((address.to_owned(), name));
    }

    /// What this run has to be asked for the example's `asked`.
    pub fn live(&self, asked: &str) -> String {
        let mut text = asked.to_owned();
        for (example, live) in &self.live {
            text = text.replace(example, live);
        }
        self.places.iter().fold(text, |text, (address, name)| text.replace(name, address))
    }

    /// What is shown of something that this run said.
    pub fn shown(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                // When a key was used is written down some seconds later: it is there or not.
                let members = members.iter().filter(|(name, _)| *name != "lastUsedAt");
                members.map(|(name, member)| (name.clone(), self.member(name, member))).collect::<serde_json::Map<_, _>>().into()
            }
            // The first entry of a list tells what the others look like.
            Value::Array(items) => items.iter().take(SHOWN).map(|item| self.shown(item)).collect(),
            Value::String(text) => json!(self.text(text)),
            other => other.clone(),
        }
    }

    fn member(&mut self, name: &str, value: &Value) -> Value {
        let Some(text) = value.as_str() else {
            return if name == "durationMs" { json!(12) } else { self.shown(value) };
        };
        match name {
            "qrCode" => json!(PIXEL),
            "qr" => json!("https://wa.me/settings/linked_devices#2@reference,noise,identity,secret,1"),
            "pairingCode" => json!("WHRF2026"),
            "secret" => json!("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
            "apiKey" => json!(format!("wharf_test_{}", "0".repeat(32))),
            "resetAt" => json!(MIDNIGHT),
            "date" => json!(self.day(text)),
            "whatsappId" => json!(self.named("whatsapp", text, text, |number| format!("3EB0{number:018}"))),
            _ => json!(self.text(text)),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if let Some((prefix, digits)) = text.split_once('_')
            && let Some((_, sort)) = IDS.iter().find(|(known, _)| *known == prefix)
        {
            let width = digits.len();
            // A delivery has its event's digits and a file that came in its message's: so have their examples.
            return self.named(sort, digits, text, |number| format!("{prefix}_{number:0width$}"));
        }
        if let Some(digits) = text.strip_suffix("@lid") {
            return self.named("lid", digits, text, |number| format!("{:015}@lid", 100_000_000_000_000 + number));
        }
        if text.ends_with("@g.us") {
            return self.named("group", text, text, |number| format!("120363{number:012}@g.us"));
        }
        if let Some(time) = text.parse::<Timestamp>().ok().filter(|_| text.contains('T')) {
            let began = *self.began_ms.get_or_insert(time.as_millis());
            return Timestamp::from_millis(MORNING_MS + time.as_millis() - began).to_string();
        }
        self.places.iter().fold(text.to_owned(), |text, (address, name)| text.replace(address, name))
    }

    /// A day as far from that of the example as it is from the run's.
    fn day(&mut self, text: &str) -> String {
        let day: Timestamp = format!("{text}T00:00:00Z").parse().expect("a day");
        let began = *self.began_ms.get_or_insert(day.as_millis());
        let whole = |ms: i64| ms - ms.rem_euclid(DAY_MS);
        let shown = Timestamp::from_millis(whole(MORNING_MS) + day.as_millis() - whole(began));
        shown.to_string().split('T').next().unwrap_or_default().to_owned()
    }

    /// The example's word for `live`, by the number that its changing part has among those of its sort.
    fn named(&mut self, sort: &'static str, part: &str, live: &str, word: impl Fn(usize) -> String) -> String {
        let all = self.names.entry(sort).or_default();
        let at = all.iter().position(|known| known == part).unwrap_or_else(|| {
            all.push(part.to_owned());
            all.len() - 1
        });
        let shown = word(at + 1);
        self.live.insert(shown.clone(), live.to_owned());
        shown
    }
}

/// Each member that a value has, as its way there and its type.
pub fn members(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        found.insert(format!("{at} {kind}"));
        value.as_array().into_iter().flatten().for_each(|item| walk(item, &format!("{at}/*"), found));
        value.as_object().into_iter().flatten().for_each(|(name, member)| walk(member, &format!("{at}/{name}"), found));
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

//! What a line asks for, as a request.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use serde_json::{Map, Value};
use wharf_api::ops::Body;
use wharf_core::Chance;
use wharf_core::chance::SystemChance;

use super::line;
use super::sort::Sort;
use super::table::{Taken, ValuePlace, Verb};
use super::wire::{Content, Request};
use crate::cli::unmet::Usage;

/// The letters of a key that is made for one call.
const KEY_LETTERS: usize = 24;

pub(super) fn request(verb: &'static Verb, matches: &ArgMatches) -> anyhow::Result<Request> {
    let mut request = Request::of(verb.op);
    for taken in &verb.takes {
        let Some(value) = value(taken, matches) else { continue };
        match taken.place {
            ValuePlace::Path => request.fill(&taken.wire, segment(taken, &value)?),
            ValuePlace::Query => request.query.push((taken.wire.clone(), word(&value))),
            ValuePlace::Body => {}
        }
    }
    request.body = body(verb, matches)?;
    request.accept = word_of(matches, "accept");
    request.all_tries_are_one(word_of(matches, "idempotency-key"));
    if let Content::File(path) = &request.body
        && path != Path::new("-")
        && verb.takes.iter().any(|taken| taken.place == ValuePlace::Query && taken.wire == FILE_NAME)
        && !request.query.iter().any(|(name, _)| name == FILE_NAME)
        && let Some(name) = path.file_name()
    {
        request.query.push((FILE_NAME.to_owned(), name.to_string_lossy().into_owned()));
    }
    Ok(request)
}

/// What a file is called where its bytes do not say it.
const FILE_NAME: &str = "fileName";

impl Request {
    /// Whatever can be done twice is done once, over all tries: with this key, or with one that is made.
    fn all_tries_are_one(&mut self, own: Option<String>) {
        if self.op.idempotent() {
            let chance: &dyn Chance = &SystemChance;
            self.key = Some(own.unwrap_or_else(|| format!("cli-{}", chance.base62(KEY_LETTERS))));
        }
    }
}

fn value(taken: &'static Taken, matches: &ArgMatches) -> Option<Value> {
    if !matches!(taken.sort, Sort::Many(_)) {
        return matches.get_one::<Value>(&taken.id).cloned();
    }
    let all = matches.get_many::<Value>(&taken.id)?;
    Some(Value::Array(all.cloned().collect()))
}

/// The value as a query string has it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A part of the path. What a path has a meaning of its own for would lead to another operation.
fn segment(taken: &Taken, value: &Value) -> anyhow::Result<String> {
    let word = word(value);
    if matches!(word.as_str(), "" | "." | "..") {
        return Err(Usage(format!("{}: an id is expected", taken.wire)).into());
    }
    Ok(word)
}

fn word_of(matches: &ArgMatches, name: &str) -> Option<String> {
    // What a command does not take is asked for as well.
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

fn body(verb: &'static Verb, matches: &ArgMatches) -> anyhow::Result<Content> {
    if verb.op.body == Body::Stream {
        return Ok(Content::File(PathBuf::from(word_of(matches, "file").unwrap_or_default())));
    }
    if verb.op.request.is_none() {
        return Ok(Content::None);
    }
    let whole = word_of(matches, "data").map(|word| line::body(&word)).transpose();
    let whole = whole.map_err(|error| Usage(format!("--data: {error}")))?;
    let said = verb.takes.iter().filter(|taken| taken.place == ValuePlace::Body);
    let said = said.filter_map(|taken| Some((taken.wire.clone(), value(taken, matches)?)));
    let empty = matches.try_get_many::<String>("unset").ok().flatten().into_iter().flatten();
    let members: Map<_, _> = said.chain(empty.map(|name| (name.clone(), Value::Null))).collect();
    match whole {
        None if members.is_empty() && verb.op.body == Body::Optional => Ok(Content::None),
        None => Ok(Content::Json(Value::Object(members))),
        Some(whole) if members.is_empty() => Ok(Content::Json(whole)),
        Some(Value::Object(mut whole)) => {
            whole.extend(members);
            Ok(Content::Json(Value::Object(whole)))
        }
        Some(_) => Err(Usage("--data: an object is expected where flags stand beside it".to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::operations::Call;

    fn asked(line: &[&str]) -> anyhow::Result<Request> {
        let matches = crate::cli::command().try_get_matches_from([&["wharf"], line].concat())?;
        let call = Call::of(&matches).unwrap();
        request(call.verb, &call.matches)
    }

    fn body_of(line: &[&str]) -> Value {
        match asked(line).unwrap().body {
            Content::Json(body) => body,
            Content::None | Content::File(_) => Value::Null,
        }
    }

    #[test]
    fn words_become_the_members_of_their_sorts_and_stand_over_the_whole() {
        let text =
            ["messages", "send-text", "--session-id", "s", "--to", "1555", "--text", "hi", "--async", "--mentions", "1", "--mentions", "2"];
        let wanted = json!({"sessionId": "s", "to": "1555", "text": "hi", "async": true, "mentions": ["1", "2"]});
        assert_eq!(body_of(&text), wanted);
        let over = ["messages", "send-text", "--data", r#"{"to":"1","text":"a"}"#, "--text", "b", "--link-preview", "true"];
        assert_eq!(body_of(&over), json!({"to": "1", "text": "b", "linkPreview": true}));
        let place = ["messages", "send-location", "--session-id", "s", "--to", "1", "--latitude", "-13.5", "--longitude", "4"];
        assert_eq!(body_of(&place), json!({"sessionId": "s", "to": "1", "latitude": -13.5, "longitude": 4.0}));
        let short = ["messages", "send-text", "--session", "s", "--to", "1", "--text", "a"];
        assert_eq!(body_of(&short), json!({"sessionId": "s", "to": "1", "text": "a"}));
        let cleared = ["sessions", "update", "ses_1", "--unset", "proxy"];
        assert_eq!(body_of(&cleared), json!({"proxy": null}));
        let words = ["webhooks", "create", "--webhook-url", "https://x", "--events", "message.received,message.sent"];
        assert_eq!(body_of(&words), json!({"url": "https://x", "events": ["message.received", "message.sent"]}));
        assert_eq!(body_of(&["keys", "rotate", "key_1"]), Value::Null);
        assert!(asked(&["messages", "send-text", "--data", "[]", "--text", "a"]).is_err());
    }

    #[test]
    fn a_path_is_filled_and_never_led_elsewhere() {
        let request = asked(&["webhooks", "retry-delivery", "whk_1", "a/b"]).unwrap();
        assert_eq!(request.path, ["v1", "webhooks", "whk_1", "deliveries", "a/b", "retry"]);
        assert!(asked(&["sessions", "get", ".."]).is_err() && asked(&["sessions", "get", ""]).is_err());
    }

    #[test]
    fn what_creates_has_one_key_for_all_its_tries_and_reading_has_none() {
        let send = ["messages", "send-text", "--data", "{}"];
        let keys = [asked(&send).unwrap().key.unwrap(), asked(&send).unwrap().key.unwrap()];
        assert!(keys[0] != keys[1] && keys[0].len() > 20, "{keys:?}");
        let own = [&send[..], &["--idempotency-key", "mine"]].concat();
        assert_eq!(asked(&own).unwrap().key.as_deref(), Some("mine"));
        assert_eq!(asked(&["sessions", "list"]).unwrap().key, None);
    }
}

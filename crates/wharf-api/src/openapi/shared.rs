//! What stands in many places under one name: closed sets of words, parts of several answers, and the envelopes. Generators make one
//! type of each name, and one more for each place that has none.

use serde_json::{Map, Value, json};

use super::schema::{about, always, answer, any_object, list, maybe, reference, text, word};
use super::schemas;
use crate::ops::{self, Answer};
use crate::types::chat::{PresenceStatus, TypingStatus};
use crate::types::event::EventKind;
use crate::types::hold::HoldReason;
use crate::types::media::MediaKind;
use crate::types::message::{Content, Direction, MessageStatus};
use crate::types::session::{Degradation, DisconnectReason, SessionStatus, WaitingFor};
use crate::types::switches::Position;
use crate::types::user::Role;
use crate::types::webhook::{DeliveryStatus, DisabledReason};
use crate::{ErrorCode, Permission};

/// What an operation answers that was asked what it would do.
pub(super) const DRY_RUN_ANSWER: &str = "DryRunAnswer";

/// The schemas that come beside those of the types.
pub(super) fn schemas() -> Map<String, Value> {
    let mut all: Map<_, _> = parts().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    all.insert("Error".to_owned(), error());
    all.insert("Failure".to_owned(), failure());
    all.insert(DRY_RUN_ANSWER.to_owned(), envelope(Answer::One("DryRun")));
    for op in ops::ALL {
        if let Some(name) = envelope_name(op.answer) {
            all.insert(name, envelope(op.answer));
        }
    }
    all
}

/// What a place says in full that has a name is said by that name. A sentence that the place says about it stays.
pub(super) fn refer(value: &mut Value) {
    let known = parts();
    refer_to(value, &known);
}

fn refer_to(value: &mut Value, known: &[(&'static str, Value)]) {
    match value {
        Value::Object(members) => {
            if let Some((name, _)) = known.iter().find(|(_, schema)| is(members, schema)) {
                let sentence = members.remove("description");
                *value = reference(name);
                if let Some(sentence) = sentence {
                    value["description"] = sentence;
                }
                return;
            }
            members.values_mut().for_each(|member| refer_to(member, known));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer_to(item, known)),
        _ => {}
    }
}

/// Whether the two are the same but for what is said about them.
fn is(members: &Map<String, Value>, schema: &Value) -> bool {
    let bare = |members: &Map<String, Value>| members.keys().filter(|name| *name != "description").count();
    schema.as_object().is_some_and(|other| {
        bare(members) == bare(other) && other.iter().all(|(name, value)| name == "description" || members.get(name) == Some(value))
    })
}

fn parts() -> Vec<(&'static str, Value)> {
    let kinds = || EventKind::ALL.iter().map(|kind| kind.as_str());
    vec![
        ("DeliveryStatus", word(DeliveryStatus::ALL.iter().map(|state| state.as_str()))),
        ("Degradation", word(Degradation::ALL.iter().map(|part| part.as_str()))),
        ("CountsByCode", schemas::counts_by_code()),
        ("Direction", word([Direction::Outgoing.as_str(), Direction::Incoming.as_str()])),
        ("DisabledReason", word(DisabledReason::ALL.iter().map(|reason| reason.as_str()))),
        ("DisconnectReason", word(DisconnectReason::ALL.iter().map(|reason| reason.as_str()))),
        ("ErrorCode", word(ErrorCode::ALL.iter().map(|code| code.name()))),
        ("EventChoice", word(kinds().chain(["*"]))),
        ("EventKind", word(kinds())),
        ("Features", schemas::features()),
        ("HoldReason", word(HoldReason::ALL.iter().map(|reason| reason.as_str()))),
        ("JsonObject", any_object()),
        ("MediaKind", word(MediaKind::ALL.iter().map(|kind| kind.as_str()))),
        ("MessageStatus", word(MessageStatus::ALL.iter().map(|status| status.as_str()))),
        ("MessageType", word(Content::TYPES.iter().copied())),
        ("NewContactsHeld", schemas::new_contacts_held()),
        ("Permission", word(Permission::ALL.iter().map(|permission| permission.as_str()))),
        ("PlanPace", schemas::plan_pace()),
        ("PresenceStatus", word(PresenceStatus::WORDS)),
        ("PutFeatures", schemas::put_features()),
        ("PutPace", schemas::put_pace()),
        ("SessionRefusal", schemas::refusal()),
        ("SentCard", schemas::shown_card()),
        ("SessionStatus", word(SessionStatus::ALL.iter().map(|status| status.as_str()))),
        ("SwitchPosition", word(Position::ALL.iter().map(|position| position.as_str()))),
        ("TypingStatus", word(TypingStatus::WORDS)),
        ("UserRole", word(Role::ALL.iter().map(|role| role.as_str()))),
        ("WaitingFor", word(WaitingFor::ALL.iter().map(|wait| wait.as_str()))),
        ("WebhookHeaders", schemas::webhook_headers()),
    ]
}

fn error() -> Value {
    answer(vec![
        always("code", word(ErrorCode::ALL.iter().map(|code| code.name()))),
        always("message", about(text(), "What happened, for a person.")),
        maybe("details", reference("Details")),
    ])
}

fn failure() -> Value {
    answer(vec![always("success", json!({ "const": false })), always("error", reference("Error"))])
}

/// A failure with one of these codes, and no other.
pub(super) fn failure_of(codes: &[&str]) -> Value {
    // Beside the reference and not below a second `allOf`: generators that do not understand it still have one type for all failures.
    // The other members are named again for those that refuse what the innermost schema does not name.
    let error = json!({ "properties": { "code": { "enum": codes }, "message": {}, "details": {} } });
    json!({ "allOf": [reference("Failure")], "properties": { "error": error } })
}

/// The name of what an operation answers, where that is JSON in the envelope.
pub(super) fn envelope_name(answered: Answer) -> Option<String> {
    match answered {
        Answer::One(name) => Some(format!("{name}Answer")),
        Answer::Whole(name) | Answer::List(name) => Some(format!("{name}Page")),
        Answer::Raw(_) | Answer::File => None,
    }
}

fn envelope(answered: Answer) -> Value {
    let data = match answered {
        Answer::Whole(name) | Answer::List(name) => list(&reference(name)),
        Answer::One(name) => reference(name),
        Answer::Raw(_) | Answer::File => json!({}),
    };
    let mut members = vec![always("success", json!({ "const": true })), always("data", data)];
    if matches!(answered, Answer::Whole(_) | Answer::List(_)) {
        members.push(always("page", about(reference("PageInfo"), "Where the list goes on.")));
    }
    answer(members)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_has_a_name_is_said_by_it_and_keeps_its_sentence() {
        let direction = || word([Direction::Outgoing.as_str(), Direction::Incoming.as_str()]);
        let mut place = json!({ "properties": { "a": about(direction(), "Only these."), "b": direction(), "c": word(["outgoing"]) } });
        refer(&mut place);
        let named = json!({ "$ref": "#/components/schemas/Direction" });
        assert_eq!(place["properties"]["a"], json!({ "$ref": "#/components/schemas/Direction", "description": "Only these." }));
        assert_eq!(place["properties"]["b"], named);
        assert_eq!(place["properties"]["c"], word(["outgoing"]), "a part of a set is another set");
    }

    #[test]
    fn what_generators_make_a_type_of_has_a_name_where_its_place_has_none_or_it_stands_twice() {
        let document = crate::openapi::document();
        let mut seen = BTreeSet::new();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            below(schema, name, &mut seen);
        }
        let operations = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
        for asked in operations.flat_map(|operation| operation["parameters"].as_array().unwrap()) {
            let name = asked["name"].as_str().unwrap();
            of_a_place(&asked["schema"], name, &mut seen);
        }
        assert!(seen.len() > 10, "closed sets that stand once need no name");
    }

    fn below(schema: &Value, name: &str, seen: &mut BTreeSet<String>) {
        for (member, schema) in schema["properties"].as_object().into_iter().flatten() {
            of_a_place(schema, &format!("{name}.{member}"), seen);
        }
        for nameless in
            ["anyOf", "oneOf"].into_iter().flat_map(|key| schema[key].as_array().into_iter().flatten()).chain(schema.get("items"))
        {
            assert!(!makes_a_type(nameless), "{name} holds a schema that needs a name: {nameless}");
            below(nameless, name, seen);
        }
    }

    fn of_a_place(schema: &Value, name: &str, seen: &mut BTreeSet<String>) {
        let mut bare = schema.clone();
        bare.as_object_mut().unwrap().remove("description");
        assert!(!makes_a_type(schema) || seen.insert(bare.to_string()), "{name} is not the first to say this: {bare}");
        below(schema, name, seen);
    }

    fn makes_a_type(schema: &Value) -> bool {
        schema["type"] == "object" || schema.get("enum").is_some()
    }
}

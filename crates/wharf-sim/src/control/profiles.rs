//! What people show of themselves, set by hand, and the pictures as files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer, Failure};
use crate::network::Net;
use crate::presence::{self, Doing};
use crate::profile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    about: Option<String>,
    /// Base64; an empty string takes the picture away.
    picture: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeIn {
    to: String,
    state: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlineBody {
    state: String,
}

pub(super) async fn typing(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    let seen = net.presences.seen_by(&net, account.number).into_iter();
    let seen = seen.map(|seen| json!({"from": seen.from.to_string(), "chat": seen.chat.to_string(), "state": seen.doing.name()}));
    answer::ok(seen.collect::<Vec<_>>())
}

pub(super) async fn type_in(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: TypeIn = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let chat = answer::number(&wanted.to)?;
    let doing = Doing::from_name(&wanted.state).ok_or_else(|| Failure::invalid("state is typing, recording or paused"))?;
    presence::show(&net, account.number, chat, doing);
    answer::ok(json!({"to": chat.to_string(), "state": doing.name()}))
}

pub(super) async fn presence(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: OnlineBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let online = match wanted.state.as_str() {
        "available" => true,
        "unavailable" => false,
        _ => return Err(Failure::invalid("state is available or unavailable")),
    };
    presence::set_online(&net, account.number, online);
    answer::ok(json!({"state": wanted.state}))
}

pub(super) async fn show(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let profile = net.profiles.of(answer::account(&net, &number)?.number);
    let blocked: Vec<String> = profile.blocked().iter().map(ToString::to_string).collect();
    answer::ok(json!({
        "about": profile.about.map(|about| about.text),
        "picture": profile.picture.map(|picture| net.profiles.picture_url(&picture.id)),
        "blocked": blocked,
    }))
}

pub(super) async fn change(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: ChangeBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    if let Some(picture) = &wanted.picture {
        let bytes = BASE64_STANDARD.decode(picture).map_err(|error| Failure::invalid(error.to_string()))?;
        let id = net.profiles.set_picture(account.number, Some(bytes.as_slice()).filter(|bytes| !bytes.is_empty()));
        profile::pictured(&net, &account, id.as_deref());
    }
    if let Some(about) = &wanted.about {
        net.profiles.set_about(account.number, about);
        profile::described(&net, &account, about);
    }
    net.save_profiles();
    show(State(net), Path(number)).await
}

pub(super) async fn picture(State(net): State<Arc<Net>>, Path(id): Path<String>) -> Response {
    match net.profiles.picture(&id) {
        Some(bytes) => ([(header::CONTENT_TYPE, "image/jpeg")], bytes).into_response(),
        None => Failure::missing("no_such_picture", "there is no such picture").into_response(),
    }
}

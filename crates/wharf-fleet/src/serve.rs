//! What this node does for others: it answers for the sessions that it runs.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use futures::StreamExt as _;
use serde::Serialize;
use serde_json::Value;
use wharf_api::ids::{MessageId, SessionId};
use wharf_api::types::media::MediaKind;
use wharf_api::types::session::SessionStatus;
use wharf_core::Lease;
use wharf_core::engine::{Engine, Error, Link};
use wharf_core::media::Files;
use wharf_core::message::outcomes::Outcomes;

use crate::fault::Fault;
use crate::files::{Away, Shelf};
use crate::node::{FOLLOW, Fleet};
use crate::wire::{Answer, Question, VERSION, Verb};

/// Where every node hears which messages have ended.
pub(crate) const ENDED: &str = "wharf.1.ended";

/// Hears of messages that ended at other nodes.
pub(crate) async fn ends(mut heard: Subscriber, outcomes: Arc<Outcomes>) {
    while let Some(message) = heard.next().await {
        if let Some(id) = std::str::from_utf8(&message.payload).ok().and_then(MessageId::parse) {
            outcomes.look(&id);
        }
    }
}

/// Tells the fleet of each message that ended without a request here that waits: it may wait elsewhere.
pub(crate) fn tell_ends(nats: Client, outcomes: &Outcomes) -> impl Future<Output = ()> + Send + use<> {
    let (ended, mut ends) = tokio::sync::mpsc::channel::<MessageId>(1024);
    // Where the queue is full the request looks by itself.
    outcomes.tell_elsewhere(move |id| drop(ended.try_send(id.clone())));
    async move {
        while let Some(id) = ends.recv().await {
            // What is said while NATS is away would come late and all at once.
            if nats.connection_state() != State::Connected {
                continue;
            }
            if let Err(error) = nats.publish(ENDED, id.as_str().to_owned().into()).await {
                tracing::debug!(%error, "other nodes were not told of a message's end");
            }
        }
    }
}

/// How long a session that was begun for another node is waited for; it goes on afterwards.
const SETTLE: Duration = Duration::from_secs(2);

/// What questions are answered with.
pub(crate) struct Server {
    pub(crate) nats: Client,
    pub(crate) local: Arc<dyn Engine>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) fleet: Weak<Fleet>,
    /// Nothing is begun any more.
    pub(crate) leaving: Arc<AtomicBool>,
    /// Nor without it.
    pub(crate) lease: Arc<Lease>,
}

/// Answers questions until the subscription ends.
pub(crate) async fn questions(mut asked: Subscriber, server: Arc<Server>) {
    while let Some(message) = asked.next().await {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let answer = answer(&server, &message.payload).await;
            let (Some(reply), Ok(payload)) = (message.reply, serde_json::to_vec(&answer)) else { return };
            if let Err(error) = server.nats.publish(reply, payload.into()).await {
                tracing::debug!(%error, "an answer did not go out");
            }
        });
    }
}

async fn answer(server: &Server, payload: &[u8]) -> Answer {
    let local = &*server.local;
    let Some(Question { session, verb, .. }) = Question::read(payload) else {
        return Answer::refusal(Fault::Unknown);
    };
    // What a node without a lease began would wait for the next one, which an unfit node never has.
    let may_begin = !server.leaving.load(Ordering::SeqCst) && !server.lease.is_over();
    let begins = matches!(verb, Verb::Start | Verb::Restart) && may_begin;
    if !begins && !local.runs(&session) {
        return Answer::refusal(Fault::NotMine);
    }
    let result = match verb {
        Verb::Upload { file, kind } => upload(server, &session, &file, kind).await,
        Verb::Give { node } => give(server, &session, &node).await,
        verb => perform(local, &session, verb).await,
    };
    let result = result.map_err(|error| match error {
        // It ended under the question, and goes on elsewhere.
        Error::NotConnected if server.leaving.load(Ordering::SeqCst) => Fault::NotMine,
        error => error.into(),
    });
    let link = local.link(&session).filter(|_| local.runs(&session)).map(|link| link.borrow().clone());
    Answer { v: VERSION, link, last_seen: local.last_seen(&session), result }
}

fn told(value: impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|_| Error::Garbled)
}

/// Waits a while for another link than the one that is known.
async fn changed(local: &dyn Engine, session: &SessionId, known: &Link) {
    let Some(mut link) = local.link(session) else { return };
    // When the time is over the link that stands is the answer.
    let _ = tokio::time::timeout(FOLLOW, link.wait_for(|link| link != known)).await;
}

async fn perform(local: &dyn Engine, session: &SessionId, verb: Verb) -> Result<Value, Error> {
    match verb {
        Verb::Link { known } => {
            if let Some(known) = known {
                changed(local, session, &known).await;
            }
            Ok(Value::Null)
        }
        Verb::Wake { account } => {
            local.wake(&account, session);
            Ok(Value::Null)
        }
        Verb::Start => {
            let mut link = local.start(session).await?;
            // Whoever gives a session away would have it connected before it goes.
            let settled = link.wait_for(|link| !matches!(link.status, SessionStatus::Starting | SessionStatus::Connecting));
            let _ = tokio::time::timeout(SETTLE, settled).await;
            Ok(Value::Null)
        }
        Verb::Restart => local.restart(session).await.map(|_| Value::Null),
        Verb::Stop => told(local.stop(session).await?),
        Verb::Logout => told(local.logout(session).await?),
        Verb::PairingCode { phone } => told(local.pairing_code(session, &phone).await?),
        Verb::SubmitPasskey { signed } => told(local.submit_passkey(session, signed).await?),
        Verb::ConfirmPasskey { same } => told(local.confirm_passkey(session, same).await?),
        Verb::Registrations { phones } => told(local.registrations(session, &phones).await?),
        other => ask_whatsapp(local, session, other).await,
    }
}

async fn give(server: &Server, session: &SessionId, node: &str) -> Result<Value, Error> {
    let fleet = server.fleet.upgrade().ok_or(Error::Closing)?;
    told(fleet.give_away(session, node).await?)
}

/// Fetches the file from the node that has it, and brings it to WhatsApp.
async fn upload(server: &Server, session: &SessionId, file: &Away, kind: MediaKind) -> Result<Value, Error> {
    let full = |error: io::Error| {
        tracing::warn!(%error, "a file of another node could not be taken");
        Error::Later { reason: "the node that has the session cannot take the file", retry_after_secs: 5 }
    };
    // First, for it looks whether there is room.
    let scratch = server.files.scratch().await.map_err(full)?;
    let here = server.shelf.fetch(&server.nats, file).await.map_err(full)?;
    told(server.local.upload(session, here.path(), kind, scratch).await?)
}

/// Groups and people.
async fn ask_whatsapp(local: &dyn Engine, session: &SessionId, verb: Verb) -> Result<Value, Error> {
    match verb {
        Verb::CreateGroup { subject, people, description } => {
            told(local.create_group(session, &subject, &people, description.as_deref()).await?)
        }
        Verb::Groups => told(local.groups(session).await?),
        Verb::Group { group } => told(local.group(session, &group).await?),
        Verb::EditGroup { group, edits } => told(local.edit_group(session, &group, edits).await?),
        Verb::ActOnPeople { group, act, people } => told(local.act_on_people(session, &group, act, &people).await?),
        Verb::SetGroupPicture { group, jpeg } => told(local.set_group_picture(session, &group, jpeg).await?),
        Verb::GroupInvite { group, renew } => told(local.group_invite(session, &group, renew).await?),
        Verb::JoinGroup { code } => told(local.join_group(session, &code).await?),
        Verb::LeaveGroup { group } => told(local.leave_group(session, &group).await?),
        Verb::GroupRequests { group } => told(local.group_requests(session, &group).await?),
        Verb::Person { person } => told(local.person(session, &person).await?),
        Verb::PhoneOf { lid } => told(local.phone_of(session, &lid).await?),
        Verb::Picture { of, preview } => told(local.picture(session, &of, preview).await?),
        Verb::SetBlocked { person, blocked } => told(local.set_blocked(session, &person, blocked).await?),
        Verb::Blocked => told(local.blocked(session).await?),
        Verb::TellRead { chat, sender, wa_ids } => told(local.tell_read(session, &chat, sender.as_deref(), &wa_ids).await?),
        Verb::ShowTyping { chat, state } => told(local.show_typing(session, &chat, state).await?),
        Verb::SetPresence { state } => told(local.set_presence(session, state).await?),
        Verb::Presence { person } => told(local.presence(session, &person).await?),
        // The others are done before.
        _ => Err(Error::NotConnected),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_api::{ApiError, ErrorCode};

    use super::*;

    const SESSION: &str = "ses_01890a5dac96774bbcceb302099a8057";

    fn is_known(question: &Value) -> bool {
        Question::read(question.to_string().as_bytes()).is_some()
    }

    #[test]
    fn a_question_of_another_release_is_refused_unless_it_only_says_more() {
        assert!(is_known(&json!({"v": VERSION, "session": SESSION, "verb": "groups"})));
        assert!(is_known(&json!({"v": VERSION, "session": SESSION, "verb": "groups", "why": "a member of a later release"})));
        for other in [
            json!({"v": VERSION + 1, "session": SESSION, "verb": "groups"}),
            json!({"v": VERSION, "session": SESSION, "verb": "fly"}),
            json!({"v": VERSION, "session": SESSION, "verb": {"picture": {"of": "1@lid"}}}),
            json!({"session": SESSION, "verb": "groups"}),
        ] {
            assert!(!is_known(&other), "{other}");
        }
    }

    #[test]
    fn whoever_asked_a_node_of_another_release_has_a_503_for_the_customer() {
        let refusal = serde_json::to_value(Answer::refusal(Fault::Unknown)).unwrap();
        let answer = |v: u32, result: Value| json!({"v": v, "link": null, "last_seen": null, "result": result});
        assert!(Answer::read(answer(VERSION, json!({"Ok": []})).to_string().as_bytes()).is_some_and(|answer| answer.result.is_ok()));
        for answer in [refusal, answer(VERSION + 1, json!({"Ok": []})), answer(VERSION, json!({"Err": "tired"})), json!("what?")] {
            let read = Answer::read(answer.to_string().as_bytes());
            let fault = read.map_or(Fault::Unknown, |answer| answer.result.unwrap_err());
            let told = ApiError::from(&Error::from(fault));
            assert_eq!((told.code, told.details.retry_after), (ErrorCode::ServiceUnavailable, Some(2)), "{answer}");
        }
    }
}

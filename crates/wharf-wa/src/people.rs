//! People and chats: the port's questions in the library's words.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use wacore_binary::Jid;
use wharf_api::ids::SessionId;
use wharf_api::limits;
use wharf_api::types::chat::{PresenceStatus, TypingStatus};
use wharf_api::types::contact::{Picture, Presence};
use wharf_api::types::message::Party;
use wharf_core::engine::{Error, PeopleEngine, PersonInfo};
use whatsapp_rust::client::Client;
use whatsapp_rust::{ChatStateType, ErrorChainExt};

use crate::engine::WaEngine;
use crate::error::refusal;
use crate::groups::named;
use crate::session::lookup::registrations;
use crate::session::online;
use crate::task;

/// How long a session may need at the end of typing to say so.
const PAUSE_LIMIT: Duration = Duration::from_secs(1);
/// What a question of somebody's presence is called among the moments in which a session is there, and how long it is.
const QUESTION: &str = "?";
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long a request waits for the answer to such a question.
const ANSWER_WAIT: Duration = Duration::from_millis(1_500);

#[async_trait]
impl PeopleEngine for WaEngine {
    async fn person(&self, session: &SessionId, person: &str) -> Result<PersonInfo, Error> {
        let jid = jid(person)?;
        self.with_client(session, |client| async move {
            let contacts = client.contacts();
            let (registered, jid) = if jid.is_pn() {
                let found = registrations(Arc::clone(&client), vec![jid.user_base().to_owned()]).await?.pop();
                let found = found.filter(|registration| registration.registered);
                (found.is_some(), found.map_or(jid, |registration| Jid::pn(registration.known)))
            } else {
                let found = contacts.is_on_whatsapp(std::slice::from_ref(&jid)).await.map_err(|error| failure(&error))?;
                (found.iter().any(|result| result.is_registered), jid)
            };
            let names = named(&client, &jid).await;
            let jids = [jid];
            let mut info = PersonInfo { on_whatsapp: registered, phone: names.phone, lid: names.lid, ..PersonInfo::default() };
            if registered {
                let told = contacts.get_user_info(&jids).await.map_err(|error| failure(&error))?;
                if let Some(told) = told.into_values().next() {
                    info.lid = info.lid.or_else(|| told.lid.as_ref().map(Jid::to_non_ad_string));
                    info.about = told.status.filter(|text| !text.is_empty());
                    info.picture_id = told.picture_id;
                    info.business = told.is_business;
                }
            }
            Ok(info)
        })
        .await
    }

    async fn phone_of(&self, session: &SessionId, lid: &str) -> Result<Option<String>, Error> {
        let jid = jid(lid)?;
        self.with_client(session, |client| async move { Ok(named(&client, &jid).await.phone) }).await
    }

    async fn picture(&self, session: &SessionId, of: &str, preview: bool) -> Result<Option<Picture>, Error> {
        let jid = jid(of)?;
        self.with_client(session, move |client| async move {
            let picture = client.contacts().get_profile_picture(&jid, preview).await.map_err(|error| failure(&error))?;
            Ok(picture.map(|picture| Picture { picture_id: picture.id, url: picture.url }))
        })
        .await
    }

    async fn set_blocked(&self, session: &SessionId, person: &str, blocked: bool) -> Result<(), Error> {
        let jid = jid(person)?;
        self.with_client(session, move |client| async move {
            let blocking = client.blocking();
            if blocked { blocking.block(&jid).await } else { blocking.unblock(&jid).await }.map_err(|error| failure(&error))
        })
        .await
    }

    async fn blocked(&self, session: &SessionId) -> Result<Vec<Party>, Error> {
        self.with_client(session, |client| async move {
            let entries = client.blocking().get_blocklist().await.map_err(|error| failure(&error))?;
            let mut people = Vec::with_capacity(entries.len());
            for entry in entries {
                people.push(Party::from(named(&client, &entry.jid).await));
            }
            people.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(people)
        })
        .await
    }

    async fn tell_read(&self, session: &SessionId, chat: &str, sender: Option<&str>, wa_ids: &[String]) -> Result<(), Error> {
        let (chat, sender, wa_ids) = (jid(chat)?, sender.map(jid).transpose()?, wa_ids.to_vec());
        self.with_client(session, |client| async move {
            let ids: Vec<&str> = wa_ids.iter().map(String::as_str).collect();
            client.mark_as_read(&chat, sender.as_ref(), &ids).await.map_err(|_| {
                if client.is_connected() { Error::Refused("the receipt was not sent".to_owned()) } else { Error::NotConnected }
            })
        })
        .await
    }

    async fn show_typing(&self, session: &SessionId, chat: &str, state: TypingStatus) -> Result<(), Error> {
        let to = jid(chat)?;
        let (typing, owner, name) = (Arc::clone(&self.typing), session.clone(), chat.to_owned());
        let turn = typing.begin(session, chat);
        let done = self
            .with_own(session, move |client, own| async move {
                if state == TypingStatus::Paused {
                    let shown = show(&client, &to, state).await;
                    online::end(&own, &client, &name).await;
                    return shown;
                }
                // Nobody sees the typing of somebody who is not there.
                let time = limits::TYPING;
                online::moment(&own, &client, &name, time + PAUSE_LIMIT).await;
                show(&client, &to, state).await?;
                // Nobody types for ever, and a program may forget to say that it stopped.
                task::spawn(async move {
                    tokio::time::sleep(time).await;
                    if typing.end(&owner, &name, turn) {
                        let _ = show(&client, &to, TypingStatus::Paused).await;
                        online::end(&own, &client, &name).await;
                    }
                });
                Ok(())
            })
            .await;
        if state == TypingStatus::Paused || done.is_err() {
            self.typing.end(session, chat, turn);
        }
        done
    }

    async fn set_presence(&self, session: &SessionId, state: PresenceStatus) -> Result<(), Error> {
        self.with_own(session, move |client, own| async move {
            let done = online::set(&own, &client, state == PresenceStatus::Available).await;
            done.map_err(|error| match error {
                whatsapp_rust::PresenceError::PushNameEmpty => Error::Conflict("the account has no name yet"),
                error => failure(&error),
            })
        })
        .await
    }

    async fn presence(&self, session: &SessionId, person: &str) -> Result<Presence, Error> {
        let jid = jid(person)?;
        let name = person.to_owned();
        let names = self
            .with_own(session, move |client, own| async move {
                let presences = &own.ctx.presences;
                if presences.ask(own.session(), &name, own.online.stays()) {
                    // Only who is there is told of others.
                    online::moment(&own, &client, QUESTION, ANSWER_LIMIT).await;
                    let told = presences.next_told();
                    client.presence().subscribe(jid.clone()).await.map_err(|error| failure(&error))?;
                    // What does not come in time shows at the next question.
                    let _ = tokio::time::timeout(ANSWER_WAIT, told).await;
                }
                let names = named(&client, &jid).await;
                Ok([Some(jid.to_non_ad_string()), Some(names.id), names.lid].into_iter().flatten().collect::<Vec<_>>())
            })
            .await?;
        Ok(self.ctx.presences.of(session, &names, self.ctx.clock.steady()))
    }
}

async fn show(client: &Client, chat: &Jid, state: TypingStatus) -> Result<(), Error> {
    let state = match state {
        TypingStatus::Typing => ChatStateType::Composing,
        TypingStatus::Recording => ChatStateType::Recording,
        TypingStatus::Paused => ChatStateType::Paused,
    };
    client.chatstate().send(chat, state).await.map_err(|error| failure(&error))
}

fn jid(id: &str) -> Result<Jid, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

/// What a refusal means for the caller.
pub(crate) fn failure<E: StdError + ErrorChainExt + ?Sized>(error: &E) -> Error {
    refusal(error, |code| matches!(code, 401 | 403 | 404).then_some(Error::NotFound))
}

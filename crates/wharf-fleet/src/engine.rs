//! The port of the rules over the whole fleet: each verb asks first whose the session is.

use std::fs::File;
use std::path::Path;

use async_trait::async_trait;
use tokio::sync::watch;
use wharf_api::ids::{AccountId, MediaId, SessionId};
use wharf_api::types::chat::{PresenceStatus, TypingStatus};
use wharf_api::types::contact::{Picture, Presence};
use wharf_api::types::group::{Group, GroupRequest, JoinedGroup, ParticipantResult};
use wharf_api::types::media::MediaKind;
use wharf_api::types::message::Party;
use wharf_api::types::session::SessionStatus;
use wharf_api::types::whatsapp::Whatsapp;
use wharf_api::{Recipient, Timestamp};
use wharf_core::engine::{
    Act, Composed, Downloaded, Draft, Engine, Error, GroupEdit, GroupEngine, Link, PairCode, PeopleEngine, PersonInfo, Registration,
    Signed, Uploaded,
};
use wharf_core::store::{MessageRow, SessionRow};

use crate::fault::Fault;
use crate::files::Away;
use crate::node::Fleet;
use crate::wire::Verb;

/// A received file is fetched by the node that has the session, from its own list.
const NOT_MINE: Error = Error::NotConnected;

/// Does it here, or has the node do it that has the session.
macro_rules! whose {
    ($fleet:ident, $session:ident, $verb:expr, $here:expr) => {
        match $fleet.elsewhere($session).await? {
            None => match $here.await {
                // Whoever asked saw it connected a moment ago.
                Err(Error::NotConnected) if !$fleet.local.runs($session) => Err(Fault::NotMine.into()),
                done => done,
            },
            Some(node) => $fleet.order(&node, $session, $verb).await,
        }
    };
}

impl Fleet {
    /// Has another node begin something, and gives the link that it answered with.
    pub(crate) async fn begin(&self, node: &str, session: &SessionId, verb: Verb) -> Result<watch::Receiver<Link>, Error> {
        let () = self.order(node, session, verb).await?;
        self.links.ask(session).ok_or(Error::NotConnected)
    }
}

#[async_trait]
impl Engine for Fleet {
    async fn start(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        match self.elsewhere(session).await? {
            None if self.local.runs(session) => self.local.start(session).await,
            None => self.begin_new(session).await,
            Some(node) => self.begin(&node, session, Verb::Start).await,
        }
    }

    fn link(&self, session: &SessionId) -> Option<watch::Receiver<Link>> {
        if self.local.runs(session) {
            return self.local.link(session);
        }
        self.links.ask(session).or_else(|| self.local.link(session))
    }

    fn runs(&self, session: &SessionId) -> bool {
        self.local.runs(session)
    }

    async fn attend(&self, session: &SessionRow) -> Result<(), Error> {
        self.see(session).await
    }

    fn flows(&self, session: &SessionId) -> bool {
        // Another node's session takes the message from the queue.
        self.local.flows(session)
    }

    async fn restart(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        match self.elsewhere(session).await? {
            None => self.local.restart(session).await,
            Some(node) => self.begin(&node, session, Verb::Restart).await,
        }
    }

    async fn stop(&self, session: &SessionId) -> Result<(), Error> {
        whose!(self, session, Verb::Stop, self.local.stop(session))
    }

    async fn logout(&self, session: &SessionId) -> Result<(), Error> {
        whose!(self, session, Verb::Logout, self.local.logout(session))
    }

    async fn pairing_code(&self, session: &SessionId, phone: &str) -> Result<PairCode, Error> {
        whose!(self, session, Verb::PairingCode { phone: phone.to_owned() }, self.local.pairing_code(session, phone))
    }

    async fn submit_passkey(&self, session: &SessionId, signed: Signed) -> Result<(), Error> {
        whose!(self, session, Verb::SubmitPasskey { signed }, self.local.submit_passkey(session, signed))
    }

    async fn confirm_passkey(&self, session: &SessionId, same: bool) -> Result<(), Error> {
        whose!(self, session, Verb::ConfirmPasskey { same }, self.local.confirm_passkey(session, same))
    }

    async fn registrations(&self, session: &SessionId, phones: &[String]) -> Result<Vec<Registration>, Error> {
        whose!(self, session, Verb::Registrations { phones: phones.to_vec() }, self.local.registrations(session, phones))
    }

    fn compose(&self, own_jid: &str, to: &Recipient, draft: &Draft, at: Timestamp) -> Composed {
        self.local.compose(own_jid, to, draft, at)
    }

    fn last_seen(&self, session: &SessionId) -> Option<Timestamp> {
        self.local.last_seen(session).or_else(|| self.links.last_seen(session))
    }

    fn statuses(&self) -> Vec<SessionStatus> {
        self.local.statuses()
    }

    fn whatsapp(&self) -> Whatsapp {
        self.local.whatsapp()
    }

    async fn fetch_version(&self) {
        self.local.fetch_version().await;
    }

    async fn upload(&self, session: &SessionId, path: &Path, kind: MediaKind, scratch: File) -> Result<Uploaded, Error> {
        match self.elsewhere(session).await? {
            None => self.local.upload(session, path, kind, scratch).await,
            Some(node) => {
                let lent = self.shelf.lend(path).map_err(|error| {
                    tracing::warn!(%error, "a file cannot be lent to another node");
                    Error::Later { reason: "the file cannot be read", retry_after_secs: 5 }
                })?;
                let file = Away { node: self.node.clone(), file: lent.file, size: lent.size };
                self.order(&node, session, Verb::Upload { file, kind }).await
            }
        }
    }

    async fn download(&self, session: &SessionId, media: &MediaId, sealed: &[u8], scratch: File) -> Result<Downloaded, Error> {
        match self.elsewhere(session).await? {
            None => self.local.download(session, media, sealed, scratch).await,
            Some(_) => Err(NOT_MINE),
        }
    }

    async fn vote(&self, session: &SessionId, poll: &MessageRow, options: &[String]) -> Result<String, Error> {
        // The canary's sessions run where their canary runs.
        self.local.vote(session, poll, options).await
    }

    fn wake(&self, account: &AccountId, session: &SessionId) {
        if self.local.runs(session) { self.local.wake(account, session) } else { self.ring(account, session) }
    }

    fn all_running(&self) -> Vec<SessionId> {
        self.local.all_running()
    }

    async fn release(&self, session: &SessionId) {
        self.local.release(session).await;
    }

    async fn rest(&self, session: &SessionId) {
        self.local.rest(session).await;
    }

    async fn hand_to(&self, session: &SessionId, node: &str) -> Result<(), Error> {
        match self.elsewhere(session).await? {
            Some(owner) if owner == node => Ok(()),
            Some(owner) => self.order(&owner, session, Verb::Give { node: node.to_owned() }).await,
            None if !self.local.runs(session) => Err(Error::NotConnected),
            None if node == self.node => Ok(()),
            None => self.give_away(session, node).await,
        }
    }

    async fn shutdown(&self) {
        self.hand_over().await;
        self.local.shutdown().await;
    }
}

#[async_trait]
impl GroupEngine for Fleet {
    async fn create_group(&self, s: &SessionId, subject: &str, people: &[String], description: Option<&str>) -> Result<Group, Error> {
        let verb =
            || Verb::CreateGroup { subject: subject.to_owned(), people: people.to_vec(), description: description.map(str::to_owned) };
        whose!(self, s, verb(), self.local.create_group(s, subject, people, description))
    }

    async fn groups(&self, s: &SessionId) -> Result<Vec<Group>, Error> {
        whose!(self, s, Verb::Groups, self.local.groups(s))
    }

    async fn group(&self, s: &SessionId, group: &str) -> Result<Group, Error> {
        whose!(self, s, Verb::Group { group: group.to_owned() }, self.local.group(s, group))
    }

    async fn edit_group(&self, s: &SessionId, group: &str, edits: Vec<GroupEdit>) -> Result<(), Error> {
        whose!(self, s, Verb::EditGroup { group: group.to_owned(), edits }, self.local.edit_group(s, group, edits))
    }

    async fn act_on_people(&self, s: &SessionId, group: &str, act: Act, people: &[String]) -> Result<Vec<ParticipantResult>, Error> {
        let verb = || Verb::ActOnPeople { group: group.to_owned(), act, people: people.to_vec() };
        whose!(self, s, verb(), self.local.act_on_people(s, group, act, people))
    }

    async fn set_group_picture(&self, s: &SessionId, group: &str, jpeg: Option<Vec<u8>>) -> Result<Option<String>, Error> {
        whose!(self, s, Verb::SetGroupPicture { group: group.to_owned(), jpeg }, self.local.set_group_picture(s, group, jpeg))
    }

    async fn group_invite(&self, s: &SessionId, group: &str, renew: bool) -> Result<String, Error> {
        whose!(self, s, Verb::GroupInvite { group: group.to_owned(), renew }, self.local.group_invite(s, group, renew))
    }

    async fn join_group(&self, s: &SessionId, code: &str) -> Result<JoinedGroup, Error> {
        whose!(self, s, Verb::JoinGroup { code: code.to_owned() }, self.local.join_group(s, code))
    }

    async fn leave_group(&self, s: &SessionId, group: &str) -> Result<(), Error> {
        whose!(self, s, Verb::LeaveGroup { group: group.to_owned() }, self.local.leave_group(s, group))
    }

    async fn group_requests(&self, s: &SessionId, group: &str) -> Result<Vec<GroupRequest>, Error> {
        whose!(self, s, Verb::GroupRequests { group: group.to_owned() }, self.local.group_requests(s, group))
    }
}

#[async_trait]
impl PeopleEngine for Fleet {
    async fn person(&self, s: &SessionId, person: &str) -> Result<PersonInfo, Error> {
        whose!(self, s, Verb::Person { person: person.to_owned() }, self.local.person(s, person))
    }

    async fn phone_of(&self, s: &SessionId, lid: &str) -> Result<Option<String>, Error> {
        whose!(self, s, Verb::PhoneOf { lid: lid.to_owned() }, self.local.phone_of(s, lid))
    }

    async fn picture(&self, s: &SessionId, of: &str, preview: bool) -> Result<Option<Picture>, Error> {
        whose!(self, s, Verb::Picture { of: of.to_owned(), preview }, self.local.picture(s, of, preview))
    }

    async fn set_blocked(&self, s: &SessionId, person: &str, blocked: bool) -> Result<(), Error> {
        whose!(self, s, Verb::SetBlocked { person: person.to_owned(), blocked }, self.local.set_blocked(s, person, blocked))
    }

    async fn blocked(&self, s: &SessionId) -> Result<Vec<Party>, Error> {
        whose!(self, s, Verb::Blocked, self.local.blocked(s))
    }

    async fn tell_read(&self, s: &SessionId, chat: &str, sender: Option<&str>, wa_ids: &[String]) -> Result<(), Error> {
        let verb = || Verb::TellRead { chat: chat.to_owned(), sender: sender.map(str::to_owned), wa_ids: wa_ids.to_vec() };
        whose!(self, s, verb(), self.local.tell_read(s, chat, sender, wa_ids))
    }

    async fn show_typing(&self, s: &SessionId, chat: &str, state: TypingStatus) -> Result<(), Error> {
        whose!(self, s, Verb::ShowTyping { chat: chat.to_owned(), state }, self.local.show_typing(s, chat, state))
    }

    async fn set_presence(&self, s: &SessionId, state: PresenceStatus) -> Result<(), Error> {
        whose!(self, s, Verb::SetPresence { state }, self.local.set_presence(s, state))
    }

    async fn presence(&self, s: &SessionId, person: &str) -> Result<Presence, Error> {
        whose!(self, s, Verb::Presence { person: person.to_owned() }, self.local.presence(s, person))
    }
}

//! How the links of other nodes' sessions come here: from their owners, and while NATS is away from the database.

use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ids::SessionId;
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::{Error, Link};
use wharf_core::store::SessionRow;

use crate::links::ToldLink;
use crate::node::{Fleet, NO_NATS};
use crate::wire::{Answer, Verb};

/// How often it is looked whether NATS is back.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

impl Fleet {
    /// Sees to it that the session's link is known, whoever has it.
    pub(crate) async fn see(&self, row: &SessionRow) -> Result<(), Error> {
        let session = &row.id;
        if self.local.runs(session) {
            self.links.forget(session);
            return Ok(());
        }
        if !self.hears() {
            return self.read(row).await;
        }
        if self.links.is_heard(session, Instant::now()) && self.links.ask(session).is_some() {
            return Ok(());
        }
        match self.looked_up(session).await? {
            None => {
                self.links.forget(session);
                Ok(())
            }
            Some(node) => self.order(&node, session, Verb::Link { known: None }).await,
        }
    }

    /// Takes the link from the row. Its owner lives and writes every change of it, but for what is shown for a moment only.
    async fn read(&self, row: &SessionRow) -> Result<(), Error> {
        let Some(node) = self.looked_up(&row.id).await? else {
            self.links.forget(&row.id);
            return Ok(());
        };
        let link = Link { reason: row.reason, jid: row.jid.clone(), refusal: row.refusal.clone(), ..Link::new(row.status) };
        self.keep(&node, &row.id, ToldLink { link, last_seen: None, heard: false });
        match row.status {
            // What somebody who links a session asks for is in its owner's memory.
            SessionStatus::Starting | SessionStatus::Qr => Err(NO_NATS),
            _ => Ok(()),
        }
    }

    /// Takes what an answer says of the link.
    pub(crate) fn learn(&self, node: &str, session: &SessionId, answer: &Answer) {
        match &answer.link {
            Some(link) => self.keep(node, session, ToldLink { link: link.clone(), last_seen: answer.last_seen, heard: true }),
            None => self.links.forget(session),
        }
    }

    /// Follows the link where nobody did.
    fn keep(&self, node: &str, session: &SessionId, word: ToldLink) {
        if self.links.learn(session, node, word)
            && let Some(fleet) = self.own.upgrade()
        {
            let session = session.clone();
            tokio::spawn(async move { fleet.follow(&session).await });
        }
    }

    /// Keeps the link of another node's session current while somebody here wants it.
    async fn follow(&self, session: &SessionId) {
        while let Some((node, known)) = self.links.wanted(session, Instant::now()) {
            if !self.hears() {
                self.links.doubt(session);
                tokio::time::sleep(LOOK_PERIOD).await;
                continue;
            }
            let verb = Verb::Link { known: Some(Box::new(known)) };
            match self.order::<()>(&node, session, verb).await {
                Err(_) if !self.hears() => {}
                // Better no word than an old one.
                Err(_) => break,
                Ok(()) => {}
            }
        }
        self.links.forget(session);
    }
}

//! The accounts whose calls this node counts for all.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_nats::Subscriber;
use futures::StreamExt as _;
use wharf_api::ids::AccountId;
use wharf_core::limit::book::Book;
use wharf_core::limit::shared::{Ask, Grant, Report};

use super::Limits;
use super::letter::{Letter, Said, Silence, Word};
use crate::wire::VERSION;

/// How long another node's report is waited for.
const LIMIT: Duration = Duration::from_millis(600);

/// An account's book, held while one question is answered; none before all were asked what they know.
pub(super) type Page = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// A book, and the standing that this node had among the others when it was begun. With another one somebody else may have counted meanwhile,
/// and what the book says is too little.
pub(super) struct Kept {
    standing: Option<u64>,
    book: Book,
}

impl Limits {
    /// Counts for a node. One question of an account at a time.
    pub(super) async fn keep(&self, from: &str, account: &AccountId, mut ask: Ask) -> Grant {
        let page = self.page(account);
        let mut page = page.lock().await;
        let standing = self.members.standing();
        let counts = page.as_ref().is_some_and(|kept| standing.is_some() && kept.standing == standing);
        if !counts {
            let mut nodes = self.members.all();
            nodes.retain(|node| node != from);
            if !ask.whole {
                // Its report says them too.
                nodes.push(from.to_owned());
                ask.report.calls.clear();
            }
            let mut book = Book::default();
            for (node, report) in self.reports(nodes, account, true).await {
                book.hear(&node, &report, true, self.clock.steady());
            }
            *page = Some(Kept { standing, book });
        }
        let Kept { book, .. } = page.get_or_insert_with(|| Kept { standing, book: Book::default() });
        let there = self.members.all();
        book.keep(|node| node == from || there.iter().any(|known| known == node));
        book.hear(from, &ask.report, ask.whole, self.clock.steady());
        let holders = book.holders(from, &ask, self.clock.steady());
        for (node, report) in self.reports(holders, account, false).await {
            book.hear(&node, &report, false, self.clock.steady());
        }
        book.grant(from, &ask, self.count(), self.clock.steady())
    }

    fn page(&self, account: &AccountId) -> Page {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(books.entry(account.clone()).or_default())
    }

    /// What these nodes have of the account. Of one that says nothing nothing is known.
    async fn reports(&self, nodes: Vec<String>, account: &AccountId, begins: bool) -> Vec<(String, Report)> {
        let all = nodes.into_iter().map(|node| async move {
            if node == self.node {
                return Some((node, self.report(account, &self.node, begins)));
            }
            match self.write(&node, account, Word::Report { begins }, LIMIT).await {
                Ok(report) => Some((node, report)),
                Err(Silence::Gone) => {
                    self.members.forget(&node);
                    None
                }
                Err(Silence::Late) => None,
            }
        });
        futures::future::join_all(all).await.into_iter().flatten().collect()
    }

    /// What this node has of the account.
    fn report(&self, account: &AccountId, keeper: &str, begins: bool) -> Report {
        let mut own = self.own();
        own.entry(account.clone()).or_default().share.report(&self.here(account), begins.then_some(keeper))
    }

    /// Forgets the books that nobody needs.
    pub(super) fn close(&self) {
        let now = self.clock.steady();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.retain(|_, page| {
            let runs = Arc::strong_count(page) > 1;
            runs || page.try_lock().is_ok_and(|page| page.as_ref().is_some_and(|kept| !kept.book.is_over(now)))
        });
    }
}

/// Answers other nodes until the subscription ends.
pub(crate) async fn answer(mut asked: Subscriber, limits: Arc<Limits>) {
    while let Some(message) = asked.next().await {
        let Ok(Letter { v: VERSION, from, account, word }) = serde_json::from_slice(&message.payload) else { continue };
        let Some(reply) = message.reply else { continue };
        let limits = Arc::clone(&limits);
        tokio::spawn(async move {
            let payload = match word {
                Word::Ask(ask) => serde_json::to_vec(&Said { v: VERSION, said: limits.keep(&from, &account, ask).await }),
                Word::Report { begins } => serde_json::to_vec(&Said { v: VERSION, said: limits.report(&account, &from, begins) }),
            };
            let Ok(payload) = payload else { return };
            if let Err(error) = limits.nats.publish(reply, payload.into()).await {
                tracing::debug!(%error, "an answer did not go out");
            }
        });
    }
}

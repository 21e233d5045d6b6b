//! `Idempotency-Key`: the same request twice is one request.
//!
//! The key of a message or a session is claimed in the commit of what the request creates, so that no crash can part the
//! two. The first answer is stored after it; where the process died between the two, the answer is made anew from what was
//! created. What cannot be made anew, because WhatsApp keeps it or because its secret is shown once, has its key taken before
//! and its answer stored after; a death between the two leaves the key in use until its time is over.
//!
//! Stored answers are sealed: they may show a secret.

use std::time::Duration;

use wharf_api::ids::AccountId;
use wharf_api::{ApiError, ErrorCode, limits};

use crate::caller::Caller;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::seal::{Seal, Unreadable, place as sealed_for};
use crate::services::Services;
use crate::settle::settled;
use crate::store::{self, Answer, Claim, IdempotencyStore};

/// How long a repeat waits for the first request to end before it is told that the key is in use.
const WAIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);
/// How often a request that was not the first to take its key looks the key up again.
const RACES: usize = 3;
/// A first request that has not answered so long after its claim will not: its process died. What may take longer (a file, a webhook's
/// test) is over when the key is claimed.
const ABANDONED_AFTER: Duration = Duration::from_secs(15);
/// How long the name is under which a request takes its key.
const TAKER_CHARS: usize = 22;

/// An `Idempotency-Key` with the request that it stands on.
#[derive(Clone, Debug)]
pub struct Key {
    pub operation: &'static str,
    pub value: String,
    /// SHA-256 of the request.
    pub request_hash: Vec<u8>,
}

/// What is to be done with a request that carries a key.
#[derive(Debug)]
enum Begin {
    /// Nobody used the key.
    Fresh(Claim),
    /// The first request's answer.
    Replay(Answer),
    /// The first request created this and died before it could answer.
    Resume { resource_id: String },
}

/// How the work of a request ended, as far as its key is concerned.
#[derive(Debug)]
pub enum Ended {
    /// Something was made: repeats get this answer.
    Made(Answer),
    /// Another request with the key was faster.
    Lost,
    /// Nobody knows whether something was made: the key stays in use.
    Unknown,
    /// Nothing was made: the key may be used again.
    Nothing,
}

/// A request's answer, and where it comes from.
#[derive(Debug)]
pub enum Done<T> {
    /// The work ran.
    Ran(T),
    /// It is the first request's answer once more.
    Again(Answer),
    /// It was made anew from what the first request created.
    Resumed(T),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the key was used with another request")]
    Reused,
    #[error("the first request with this key is still running")]
    InUse,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Reused => ErrorCode::IdempotencyKeyReused.into(),
            Error::InUse => ApiError::new(ErrorCode::IdempotencyKeyInUse).retry_after(1),
            Error::Unreadable(_) => ErrorCode::InternalServerError.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// Runs `work`, which commits the claim with what it creates, unless a request with the same key did. `resume` answers from the present
/// state of what a first request created before its process died; `ended` reads an answer.
pub async fn with_commit<T>(
    services: &Services,
    caller: &Caller,
    key: &Key,
    work: impl AsyncFnOnce(Claim) -> T,
    resume: impl AsyncFnOnce(String) -> T,
    ended: impl Fn(&T) -> Ended,
) -> Result<Done<T>, Error> {
    KeyedRequest::new(services, caller, key).with_commit(work, resume, ended).await
}

/// Runs `work` unless a request with the same key ran before, where nothing can be committed with the key or made anew after a death: the
/// key is taken before it, and let go where nothing was made.
pub async fn beforehand<T>(
    services: &Services,
    caller: &Caller,
    key: &Key,
    work: impl Future<Output = T>,
    ended: impl Fn(&T) -> Ended,
) -> Result<Done<T>, Error> {
    KeyedRequest::new(services, caller, key).beforehand(work, ended).await
}

/// A request that carries a key, with what the key is looked up and answered by.
struct KeyedRequest<'a> {
    store: &'a dyn IdempotencyStore,
    seal: &'a Seal,
    clock: &'a dyn Clock,
    chance: &'a dyn Chance,
    account: &'a AccountId,
    key: &'a Key,
}

impl<'a> KeyedRequest<'a> {
    fn new(services: &'a Services, caller: &'a Caller, key: &'a Key) -> Self {
        Self {
            store: &*services.store,
            seal: &services.seal,
            clock: &*services.clock,
            chance: &*services.chance,
            account: &caller.account,
            key,
        }
    }

    async fn with_commit<T>(
        self,
        work: impl AsyncFnOnce(Claim) -> T,
        resume: impl AsyncFnOnce(String) -> T,
        ended: impl Fn(&T) -> Ended,
    ) -> Result<Done<T>, Error> {
        let mut work = Some(work);
        loop {
            let claim = match self.begin(true).await? {
                Begin::Replay(answer) => return Ok(Done::Again(answer)),
                Begin::Resume { resource_id } => {
                    let answer = resume(resource_id).await;
                    if let Ended::Made(answer) = ended(&answer) {
                        self.finish(&answer).await;
                    }
                    return Ok(Done::Resumed(answer));
                }
                Begin::Fresh(claim) => claim,
            };
            // A committed claim does not vanish: who lost the race for it finds it there, and does nothing a second time.
            let answer = work.take().ok_or(Error::InUse)?(claim).await;
            match ended(&answer) {
                Ended::Lost => {}
                Ended::Made(made) => {
                    self.finish(&made).await;
                    return Ok(Done::Ran(answer));
                }
                Ended::Unknown | Ended::Nothing => return Ok(Done::Ran(answer)),
            }
        }
    }

    async fn beforehand<T>(self, work: impl Future<Output = T>, ended: impl Fn(&T) -> Ended) -> Result<Done<T>, Error> {
        for _ in 0..RACES {
            match self.begin(false).await? {
                Begin::Replay(answer) => return Ok(Done::Again(answer)),
                Begin::Resume { .. } => return Err(Error::InUse),
                Begin::Fresh(claim) if self.take(&claim).await? => {
                    let answer = work.await;
                    match ended(&answer) {
                        Ended::Made(made) => self.finish(&made).await,
                        Ended::Unknown => {}
                        Ended::Lost | Ended::Nothing => self.release().await,
                    }
                    return Ok(Done::Ran(answer));
                }
                // Another request took it meanwhile, and may let it go.
                Begin::Fresh(_) => {}
            }
        }
        Err(Error::InUse)
    }

    /// Looks the key up. Waits a little for a first request that is still running. Where the key is committed with what is created, what a
    /// first request has created that died is told.
    async fn begin(&self, is_committed: bool) -> Result<Begin, Error> {
        let key = self.key;
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            let now = self.clock.now();
            let Some(row) = self.store.find_idempotency(self.account, key.operation, &key.value, now).await? else {
                return Ok(Begin::Fresh(Claim {
                    operation: key.operation.to_owned(),
                    key: key.value.clone(),
                    request_hash: key.request_hash.clone(),
                    expires_at: now + limits::IDEMPOTENCY_TTL,
                }));
            };
            if row.request_hash != key.request_hash {
                return Err(Error::Reused);
            }
            if let Some(answer) = row.answer {
                let body = self.seal.open(&self.place(), &answer.body)?;
                return Ok(Begin::Replay(Answer { body, ..answer }));
            }
            if is_committed && !row.resource_id.is_empty() && now > row.created_at + ABANDONED_AFTER {
                return Ok(Begin::Resume { resource_id: row.resource_id });
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(Error::InUse);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Takes the key before the request runs. `false` where another request was faster.
    async fn take(&self, claim: &Claim) -> Result<bool, Error> {
        let (at, taker) = (self.clock.now(), self.chance.base62(TAKER_CHARS));
        let there = || async {
            let row = self.store.find_idempotency(self.account, &claim.operation, &claim.key, at).await?;
            Ok(row.filter(|row| row.resource_id == taker).map(|_| true))
        };
        Ok(settled(self.store.claim_idempotency(self.account, claim, &taker, at), there).await?)
    }

    /// Lets a taken key go: the request made nothing, and may be tried again.
    async fn release(&self) {
        let key = self.key;
        if let Err(error) = self.store.release_idempotency(self.account, key.operation, &key.value).await {
            tracing::warn!(%error, operation = key.operation, "the key of a request that made nothing stays in use");
        }
    }

    /// Stores the first answer, so that repeats get the same. A failure to store is not a failure of the request.
    async fn finish(&self, answer: &Answer) {
        let key = self.key;
        let sealed = Answer { status: answer.status, body: self.seal.close(&self.place(), &answer.body) };
        if let Err(error) = self.store.answer_idempotency(self.account, key.operation, &key.value, &sealed).await {
            tracing::warn!(%error, operation = key.operation, "the answer to an idempotent request could not be stored");
        }
    }

    /// Where an answer is sealed for: another account's, or that of another key, does not open.
    fn place(&self) -> [&'a str; 4] {
        sealed_for::answer(self.account.as_str(), self.key.operation, &self.key.value)
    }
}

#[cfg(test)]
mod tests;

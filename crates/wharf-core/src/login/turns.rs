//! How many passwords are looked at at the same time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use tokio::sync::Semaphore;
use wharf_api::limits;

use super::hasher::Hasher;

/// How many passwords are hashed at the same time: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;
/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Too many passwords are looked at.
#[derive(Debug)]
pub struct Busy;

/// Few at a time, on threads of their own.
pub struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Turns {
    /// Whether the password is the stored one.
    pub async fn matches(&self, stored: &str, password: &str) -> Result<bool, Busy> {
        // Longer ones are nobody's, and are not worth the time; that is known to all.
        if password.chars().count() > *limits::PASSWORD_CHARS.end() {
            return Ok(false);
        }
        let (stored, password) = (stored.to_owned(), password.to_owned());
        self.take(move || PasswordHash::new(&stored).is_ok_and(|stored| Hasher.verify_password(password.as_bytes(), &stored).is_ok())).await
    }

    pub(super) async fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Busy) };
        let done = tokio::task::spawn_blocking(move || {
            // Also where nobody waits any more.
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_can_be_nobodys_password_waits_for_no_turn() {
        let turns = Turns::default();
        let all = Arc::clone(&turns.0).acquire_many_owned(2).await.unwrap();
        let long = "x".repeat(limits::PASSWORD_CHARS.end() + 1);
        assert!(!turns.matches("whatever is stored", &long).await.unwrap());
        drop(all);
        assert!(!turns.matches("no hash at all", "a good password").await.unwrap());
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work_also_where_nobody_waits_for_that_any_more() {
        let turns = Turns::default();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        // It ends when the other side does.
        let mut work = Box::pin(turns.take(move || ended.recv().is_err()));
        assert!(work.as_mut().now_or_never().is_none());
        drop(work);
        assert_eq!(turns.0.available_permits(), AT_ONCE - 1);
        drop(end);
        assert!(Arc::clone(&turns.0).acquire_many_owned(2).await.is_ok());
    }
}

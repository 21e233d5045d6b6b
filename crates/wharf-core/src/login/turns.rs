//! How many passwords are looked at at the same time.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use tokio::sync::Semaphore;
use wharf_api::limits;

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
        self.take(move || {
            PasswordHash::new(&stored).is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
        })
        .await
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

//! Whether the account shows itself as online. While a linked device is «available» WhatsApp sends the phone no push notices, so a
//! session is it only where somebody asked for that, and for a moment around typing and questions of presence.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::types::switches::Feature;
use whatsapp_rust::PresenceError;
use whatsapp_rust::client::Client;

use super::Own;
use crate::task;

/// The vault's place for what the customer said last.
const SPACE: &str = "manners";
const KEY: &str = "online";
/// The library announces the session by itself after it has told of a new name; by then it certainly has.
const AFTER_A_NAME: Duration = Duration::from_secs(1);

#[derive(Default)]
struct OnlineState {
    /// What the customer said last; what the operator set where they said nothing. `None` until it is read.
    stays: Option<bool>,
    /// What the session is there for at the moment, and until when.
    moments: HashMap<String, Instant>,
}

/// One client's presence.
#[derive(Default)]
pub(crate) struct Online {
    state: Mutex<OnlineState>,
    /// What WhatsApp was told last; `None` where the library may have said something else since.
    told: tokio::sync::Mutex<Option<bool>>,
}

impl Online {
    fn state(&self) -> MutexGuard<'_, OnlineState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the session is there all the time.
    pub(crate) fn stays(&self) -> bool {
        self.state().stays.unwrap_or(false)
    }

    fn wanted(&self) -> bool {
        let state = self.state();
        state.stays.unwrap_or(false) || !state.moments.is_empty()
    }

    async fn tell(&self, client: &Client) -> Result<(), PresenceError> {
        let mut told = self.told.lock().await;
        let wanted = self.wanted();
        if *told == Some(wanted) {
            return Ok(());
        }
        *told = None;
        let presence = client.presence();
        if wanted { presence.set_available().await } else { presence.set_unavailable().await }?;
        *told = Some(wanted);
        Ok(())
    }

    /// Tells the presence where nobody waits for that: an account without a name has nothing to tell, and a lost connection tells it again.
    async fn tell_if_possible(&self, client: &Client) {
        if let Err(error) = self.tell(client).await {
            tracing::debug!(kind = matches!(error, PresenceError::PushNameEmpty), "a presence was not told");
        }
    }
}

/// The library has announced the session by itself, or may have: takes that back unless it is wanted.
pub(super) fn settle(own: &Arc<Own>, client: &Arc<Client>, after_a_name: bool) {
    let (own, client) = (Arc::clone(own), Arc::clone(client));
    task::spawn(async move {
        recall(&own).await;
        *own.online.told.lock().await = None;
        own.online.tell_if_possible(&client).await;
        if after_a_name {
            tokio::time::sleep(AFTER_A_NAME).await;
            *own.online.told.lock().await = None;
            own.online.tell_if_possible(&client).await;
        }
    });
}

/// Reads what the customer said last, once.
async fn recall(own: &Own) {
    if own.online.state().stays.is_some() {
        return;
    }
    let said = match own.vault.get(SPACE, KEY).await {
        Ok(said) => said.map(|said| said == b"1"),
        Err(_) => return tracing::warn!("what was said of the presence could not be read"),
    };
    own.online.state().stays.get_or_insert(said.unwrap_or(own.ctx.config.announce_online));
}

/// The customer says whether the session is there, until they say otherwise.
pub(crate) async fn set(own: &Own, client: &Client, stays: bool) -> Result<(), PresenceError> {
    let before = own.online.state().stays.replace(stays);
    if let Err(error) = own.online.tell(client).await {
        own.online.state().stays = before;
        return Err(error);
    }
    let said: &[u8] = if stays { b"1" } else { b"0" };
    if own.vault.apply(vec![own.vault.put(SPACE, KEY, said)]).await.is_err() {
        tracing::warn!("what was said of the presence holds until the session starts anew");
    }
    Ok(())
}

/// Is there for a moment, for what is named so.
pub(crate) async fn moment(own: &Arc<Own>, client: &Arc<Client>, what: &str, time: Duration) {
    if own.ctx.config.switches.is_off(Feature::Presence) {
        return;
    }
    let until = Instant::now() + time;
    own.online.state().moments.insert(what.to_owned(), until);
    own.online.tell_if_possible(client).await;
    let (own, client, what) = (Arc::clone(own), Arc::clone(client), what.to_owned());
    task::spawn(async move {
        tokio::time::sleep_until(until).await;
        let over = own.online.state().moments.get(&what).is_some_and(|until| *until <= Instant::now());
        if over {
            end(&own, &client, &what).await;
        }
    });
}

/// The moment is over, perhaps before its time.
pub(crate) async fn end(own: &Own, client: &Client, what: &str) {
    if own.online.state().moments.remove(what).is_some() {
        own.online.tell_if_possible(client).await;
    }
}

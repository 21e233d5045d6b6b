//! What the session knows of its groups, for the time when WhatsApp shows it one no more. A group is looked at once, when something of it
//! comes in; after that its notices say what changes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use wacore_binary::{Jid, JidExt as _};
use wharf_api::types::group::GroupUpdated;
use wharf_core::group::known;
use wharf_core::store;
use whatsapp_rust::client::Client;

use super::Own;
use crate::{groups, task};

/// How many groups are remembered as known; what is forgotten is asked of the database again.
const REMEMBERED: usize = 4_096;
/// How long WhatsApp may be asked about one.
const ASKED_FOR: Duration = Duration::from_secs(20);

/// One client's eye on its groups.
#[derive(Default)]
pub(crate) struct KnownSession {
    client: OnceLock<Weak<Client>>,
    seen: Mutex<HashSet<String>>,
}

impl KnownSession {
    pub(super) fn of(&self, client: &Arc<Client>) {
        let _ = self.client.set(Arc::downgrade(client));
    }

    fn seen(&self) -> MutexGuard<'_, HashSet<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_new(&self, group: &str) -> bool {
        let mut seen = self.seen();
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(group.to_owned())
    }
}

/// Something of this chat came in: a group that was never looked at is looked at, beside everything else.
pub(super) fn look_at(own: &Arc<Own>, chat: &Jid) {
    if !chat.is_group() || !own.known.is_new(&chat.to_non_ad_string()) {
        return;
    }
    let (own, chat) = (Arc::clone(own), chat.to_non_ad());
    task::spawn(async move {
        let name = chat.to_non_ad_string();
        if let Err(error) = look(&own, &chat, &name).await {
            tracing::debug!(%error, "a group was not looked at; the next message of it tries again");
            own.known.seen().remove(&name);
        }
    });
}

async fn look(own: &Own, chat: &Jid, name: &str) -> anyhow::Result<()> {
    let (account, store) = (&own.fence().account, &own.ctx.store);
    if !store.known_groups(account, own.session(), &[name.to_owned()]).await?.is_empty() {
        return Ok(());
    }
    let Some(client) = own.known.client.get().and_then(Weak::upgrade) else { return Ok(()) };
    let group = tokio::time::timeout(ASKED_FOR, Box::pin(groups::metadata(&client, chat))).await??;
    Ok(store.keep_groups(account, own.session(), &[groups::shown(&group)]).await?)
}

/// A notice tells of a change.
pub(super) async fn told(own: &Own, updated: &GroupUpdated) -> Result<(), store::Error> {
    let client = own.known.client.get().and_then(Weak::upgrade);
    let names = client.iter().flat_map(|client| [client.pn(), client.lid()]).flatten();
    let names: Vec<String> = names.map(|name| name.to_non_ad_string()).collect();
    known::told(&*own.ctx.store, (&own.fence().account, own.session()), &names, updated).await
}

//! What a person does at the own phone and its linked devices learn: names, contacts, chats put away.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer, Failure};
use crate::account::app_state::phone::Deed;
use crate::address::Number;
use crate::network::Net;
use crate::stanza::tell_app_state;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SharedBody {
    name: Option<String>,
    /// Numbers, and what they are called.
    contacts: BTreeMap<String, String>,
    /// Numbers or groups, and whether they are so.
    archived: BTreeMap<String, bool>,
    muted: BTreeMap<String, bool>,
    pinned: BTreeMap<String, bool>,
}

/// Makes a deed of a chat, and of whether it is so.
type OfChat = fn(Number, bool) -> Deed;

impl SharedBody {
    fn deeds(self) -> Result<Vec<Deed>, Failure> {
        let mut deeds: Vec<_> = self.name.into_iter().map(Deed::Name).collect();
        for (number, name) in self.contacts {
            deeds.push(Deed::Contact(answer::number(&number)?, name));
        }
        let chats = [(self.archived, Deed::Archive as OfChat), (self.muted, Deed::Mute), (self.pinned, Deed::Pin)];
        for (chats, deed) in chats {
            for (chat, on) in chats {
                deeds.push(deed(answer::number(&chat)?, on));
            }
        }
        Ok(deeds)
    }
}

pub(super) async fn share(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: SharedBody = answer::body(&text)?;
    let number = answer::number(&number)?;
    let deeds = wanted.deeds()?;
    if deeds.is_empty() {
        return Err(Failure::invalid("name, contacts, archived, muted or pinned is wanted"));
    }
    // Also before its first device is linked: that is when there is something to learn.
    let account = net.owner(number);
    let changed = account.app_state().write(&deeds);
    net.save(&account);
    tell_app_state(&net, &account, None, &changed);
    answer::ok(json!({"versions": changed.into_iter().collect::<BTreeMap<_, _>>()}))
}

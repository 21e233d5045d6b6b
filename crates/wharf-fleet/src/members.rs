//! Who is there: every node says so each second to all others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior};
use wharf_api::ids::AccountId;
use wharf_core::limit::shared;

use crate::wire::VERSION;

/// Where every node hears who is there.
pub(crate) const HERE: &str = "wharf.1.here";
/// How often a node says that it is there.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// Who says nothing for so long is not there.
const GONE_AFTER: Duration = Duration::from_millis(3_500);

#[derive(Serialize, Deserialize)]
struct Beat {
    v: u32,
    node: String,
    leaving: bool,
}

struct Member {
    heard: Instant,
    leaving: bool,
}

/// Whether the others hear this node. It hears itself by the same way.
struct MemberPresence {
    heard: Instant,
    /// How often it was not heard for so long that the others took it for gone.
    absences: u64,
}

/// The nodes that are there, as far as this one has heard.
pub(crate) struct Members {
    own: String,
    presence: Mutex<MemberPresence>,
    /// This node goes.
    leaving: Arc<AtomicBool>,
    others: Mutex<HashMap<String, Member>>,
}

impl Members {
    pub(crate) fn new(own: &str, leaving: Arc<AtomicBool>) -> Self {
        let presence = Mutex::new(MemberPresence { heard: Instant::now(), absences: 0 });
        Self { own: own.to_owned(), presence, leaving, others: Mutex::default() }
    }

    fn others(&self) -> MutexGuard<'_, HashMap<String, Member>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presence(&self) -> MutexGuard<'_, MemberPresence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The others have known this node without a break as long as this number stays. `None` while they may take it for gone: it was frozen,
    /// or is cut off.
    pub(crate) fn standing(&self) -> Option<u64> {
        self.standing_at(Instant::now())
    }

    fn standing_at(&self, now: Instant) -> Option<u64> {
        let presence = self.presence();
        (now.saturating_duration_since(presence.heard) < GONE_AFTER).then_some(presence.absences)
    }

    fn hear_own(&self, now: Instant) {
        let mut presence = self.presence();
        if now.saturating_duration_since(presence.heard) >= GONE_AFTER {
            presence.absences += 1;
        }
        presence.heard = now;
    }

    /// Those that are there and stay, this one among them unless it goes.
    pub(crate) fn staying(&self) -> Vec<String> {
        let now = Instant::now();
        let others = self.others();
        let mut nodes: Vec<_> = others.iter().filter(|(_, it)| !it.leaving && is_there(it, now)).map(|(node, _)| node.clone()).collect();
        if !self.leaving.load(Ordering::SeqCst) {
            nodes.push(self.own.clone());
        }
        nodes
    }

    /// Those that are there, this one among them.
    pub(crate) fn all(&self) -> Vec<String> {
        let now = Instant::now();
        let others = self.others();
        let there = others.iter().filter(|(_, it)| is_there(it, now)).map(|(node, _)| node.clone());
        there.chain([self.own.clone()]).collect()
    }

    /// Who counts the account's calls; this node where nobody stays.
    pub(crate) fn keeper(&self, account: &AccountId) -> String {
        shared::keeper(account, &self.staying()).unwrap_or(&self.own).to_owned()
    }

    /// Takes that a node is there. True where that was not known.
    fn hear(&self, node: &str, leaving: bool, now: Instant) -> bool {
        if node == self.own {
            self.hear_own(now);
            return false;
        }
        let mut others = self.others();
        others.retain(|_, it| is_there(it, now));
        others.insert(node.to_owned(), Member { heard: now, leaving }).is_none()
    }

    /// NATS knows that nobody listens there.
    pub(crate) fn forget(&self, node: &str) {
        self.others().remove(node);
    }

    /// Says that this node is there.
    pub(crate) async fn say(&self, nats: &Client) {
        let here = Beat { v: VERSION, node: self.own.clone(), leaving: self.leaving.load(Ordering::SeqCst) };
        let Ok(payload) = serde_json::to_vec(&here) else { return };
        if let Err(error) = nats.publish(HERE, payload.into()).await {
            tracing::debug!(%error, "other nodes were not told that this one is there");
        }
    }
}

fn is_there(member: &Member, now: Instant) -> bool {
    now.duration_since(member.heard) < GONE_AFTER
}

/// Hears of other nodes. Who comes is answered, so that it need not wait for a beat.
pub(crate) async fn listen(mut said: Subscriber, members: Arc<Members>, nats: Client) {
    while let Some(message) = said.next().await {
        let Ok(Beat { v: VERSION, node, leaving }) = serde_json::from_slice(&message.payload) else { continue };
        if members.hear(&node, leaving, Instant::now()) {
            members.say(&nats).await;
        }
    }
}

/// Says each second that this node is there.
pub(crate) async fn beat(members: Arc<Members>, nats: Client) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        // What is said while NATS is away would come late and all at once.
        if nats.connection_state() == State::Connected {
            members.say(&nats).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_gone_and_who_goes_stays_no_keeper() {
        let members = Members::new("a", Arc::default());
        let now = Instant::now();
        assert!(members.hear("b", false, now));
        assert!(!members.hear("b", false, now), "it was known");
        assert!(!members.hear("a", false, now), "that is this one");
        assert!(members.hear("c", true, now));
        let sorted = |mut nodes: Vec<String>| {
            nodes.sort();
            nodes
        };
        assert_eq!(sorted(members.all()), ["a", "b", "c"]);
        assert_eq!(sorted(members.staying()), ["a", "b"]);
        members.forget("b");
        assert_eq!(members.staying(), ["a"]);
        assert!(members.hear("d", false, now + GONE_AFTER), "who has gone meanwhile is forgotten");
        assert_eq!(sorted(members.all()), ["a", "d"]);
    }

    #[test]
    fn a_node_that_does_not_hear_itself_is_in_doubt_and_another_one_afterwards() {
        let members = Members::new("a", Arc::default());
        let now = Instant::now();
        members.hear("a", false, now);
        assert_eq!((members.standing_at(now), members.standing_at(now + BEAT)), (Some(0), Some(0)));
        assert_eq!(members.standing_at(now + GONE_AFTER), None);
        members.hear("b", false, now + GONE_AFTER);
        assert_eq!(members.standing_at(now + GONE_AFTER), None, "to hear others says nothing of what they hear");
        members.hear("a", false, now + GONE_AFTER);
        assert_eq!(members.standing_at(now + GONE_AFTER + BEAT), Some(1));
    }

    #[test]
    fn a_node_that_goes_keeps_nothing_while_another_is_there() {
        let leaving = Arc::new(AtomicBool::new(true));
        let members = Members::new("a", leaving);
        let account = AccountId::parse("acc_01890a5dac96774bbcceb302099a8057").unwrap();
        assert_eq!(members.keeper(&account), "a");
        members.hear("b", false, Instant::now());
        assert_eq!(members.keeper(&account), "b");
    }
}

//! Sees to it that nothing leaves that was encrypted with a key which only memory has.
//!
//! A message that comes in turns the ratchet: the library makes a fresh random key for what is sent next, and saves it some 25 ms later.
//! Its own guard before the wire protects counters, not that key. An answer that leaves earlier and a process that dies then leave the
//! other side with a step that nobody can follow. So whatever may hold an encrypted message waits here until the keys are saved: from the
//! message's arrival until the library has made a receipt of it, which it does when it has opened it or could not, and the keys were saved
//! after that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use futures::channel::oneshot::Receiver;
use tokio::time::{Instant, timeout};
use wacore_binary::{Node, NodeRef};
use whatsapp_rust::client::{Client, NodeFilter};

/// A message that is given no receipt of its own, as after a reconnection, has turned the ratchet after so long and its key was saved by the
/// library itself: what cannot be committed for so long breaks its connection.
const TURNING: Duration = Duration::from_secs(20);
/// How many messages are followed to their receipts at a time. After more the ratchet counts as turning for as long as said above.
const FOLLOWED: usize = 64;
/// How often the keys are saved after a receipt. The library leaves out what it encrypts with in this very moment.
const SAVED_AFTER: u8 = 2;
/// The shortest message that Signal encrypts has 66 bytes, the cipher of the connection adds 16 and a length of 3. What is shorter,
/// as most acknowledgements and receipts are, waits for nothing.
const SHORTEST: usize = 85;
/// How long one saving may take, and how long a database that is away is waited for before the connection is given up.
const SAVING: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

/// The keys could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("the keys that a message was encrypted with could not be saved")]
pub(crate) struct Unsaved;

/// A message that came in, until its receipt is made.
struct Turning {
    since: Instant,
    receipt: Receiver<Arc<Node>>,
}

#[derive(Default)]
struct Turnings {
    followed: VecDeque<Turning>,
    /// When the last message came that is not followed.
    unfollowed: Option<Instant>,
    /// How many savings are still to come for those whose receipts were made.
    owed: u8,
}

impl Turnings {
    fn unfollowed(&mut self, since: Instant) {
        self.unfollowed = self.unfollowed.max(Some(since));
    }

    /// Lets go of those whose receipts were made, or whose time is over.
    fn look(&mut self, now: Instant) {
        for mut turning in std::mem::take(&mut self.followed) {
            match turning.receipt.try_recv() {
                Ok(Some(_)) => self.owed = SAVED_AFTER,
                Ok(None) if now < turning.since + TURNING => self.followed.push_back(turning),
                Ok(None) => {}
                // Its connection has ended, perhaps before the message was opened.
                Err(_) => self.unfollowed(turning.since),
            }
        }
    }

    fn has_room(&mut self, now: Instant) -> bool {
        if self.followed.len() >= FOLLOWED {
            self.look(now);
        }
        self.followed.len() < FOLLOWED
    }

    /// Whether a key may be in memory alone, and how many savings were owed so far. One of these is taken off: it is about to be made.
    fn begin_saving(&mut self, now: Instant) -> Option<u8> {
        self.look(now);
        let owed = self.owed;
        let may = owed > 0 || !self.followed.is_empty() || self.unfollowed.is_some_and(|since| now < since + TURNING);
        self.owed = owed.saturating_sub(1);
        may.then_some(owed)
    }
}

#[derive(Default)]
pub(crate) struct Ratchet {
    client: OnceLock<Weak<Client>>,
    turns: Mutex<Turnings>,
}

impl Ratchet {
    /// Whose keys they are.
    pub(crate) fn of(&self, client: Weak<Client>) {
        // One client has one gate.
        let _ = self.client.set(client);
    }

    fn turns(&self) -> MutexGuard<'_, Turnings> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message came in and is about to be decrypted.
    pub(crate) fn heard(&self, message: &NodeRef<'_>) {
        let sealed = sealed_for_one(message);
        if sealed == 0 {
            return;
        }
        let (since, client) = (Instant::now(), self.client.get().and_then(Weak::upgrade));
        let id = message.get_attr("id").map(ToString::to_string);
        let mut turns = self.turns();
        match (client, id) {
            // Of several in one message the library may ask for the first anew, by a receipt, before it has opened the last.
            (Some(client), Some(id)) if sealed == 1 && turns.has_room(since) => {
                let receipt = client.wait_for_sent_node(NodeFilter::tag("receipt").attr("id", id));
                turns.followed.push_back(Turning { since, receipt });
            }
            _ => turns.unfollowed(since),
        }
    }

    /// Waits until every key is saved that something of this length can have been encrypted with.
    pub(crate) async fn saved(&self, length: usize) -> Result<(), Unsaved> {
        if length < SHORTEST {
            return Ok(());
        }
        let Some(owed) = self.turns().begin_saving(Instant::now()) else { return Ok(()) };
        let mut saving = OwedSaving { ratchet: self, owed };
        self.save().await?;
        saving.owed = 0;
        Ok(())
    }

    async fn save(&self) -> Result<(), Unsaved> {
        let given_up = Instant::now() + PATIENCE;
        loop {
            // Before the client is known it has no keys of anybody.
            let Some(client) = self.client.get().and_then(Weak::upgrade) else { return Ok(()) };
            let saved = timeout(SAVING, client.flush_pending_signal_state()).await;
            drop(client);
            match saved {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(_)) if Instant::now() < given_up => tokio::time::sleep(PAUSE).await,
                _ => return Err(Unsaved),
            }
        }
    }
}

/// A saving that was taken off what is owed, and how much that was. It is owed again where it fails, and where its connection ends before
/// it does: the library keeps in memory what it could not save then, for the next connection.
struct OwedSaving<'a> {
    ratchet: &'a Ratchet,
    owed: u8,
}

impl Drop for OwedSaving<'_> {
    fn drop(&mut self) {
        let mut turns = self.ratchet.turns();
        turns.owed = turns.owed.max(self.owed);
    }
}

/// How many things it has in it that were encrypted for one device alone. What a group's key opens turns no ratchet.
fn sealed_for_one(message: &NodeRef<'_>) -> usize {
    let is_pairwise = message.tag == "enc" && message.get_attr("type").is_none_or(|kind| *kind != "skmsg");
    usize::from(is_pairwise) + message.children().unwrap_or_default().iter().map(sealed_for_one).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::channel::oneshot::{Sender, channel};
    use wacore_binary::builder::NodeBuilder;

    use super::*;

    fn enc(kind: &'static str) -> Node {
        NodeBuilder::new("enc").attr("type", kind).build()
    }

    fn sealed(children: Vec<Node>) -> usize {
        sealed_for_one(&NodeBuilder::new("message").children(children).build().as_node_ref())
    }

    #[test]
    fn what_only_a_groups_key_opens_turns_no_ratchet() {
        assert_eq!(sealed(vec![]), 0);
        assert_eq!(sealed(vec![enc("skmsg")]), 0);
        assert_eq!(sealed(vec![NodeBuilder::new("plaintext").build()]), 0, "a channel's");
        assert_eq!(sealed(vec![enc("skmsg"), enc("msg")]), 1, "the group's key comes with it");
        assert_eq!(sealed(vec![enc("pkmsg")]), 1);
        assert_eq!(sealed(vec![NodeBuilder::new("enc").build()]), 1, "of a kind that it does not say");
        assert_eq!(sealed(vec![enc("pkmsg"), enc("msg")]), 2, "one of them may fail while the other waits");
        let to = NodeBuilder::new("to").children(vec![enc("msg")]).build();
        assert_eq!(sealed(vec![NodeBuilder::new("participants").children(vec![to]).build()]), 1);
    }

    impl Turnings {
        fn follow(&mut self, since: Instant) -> Sender<Arc<Node>> {
            let (made, receipt) = channel();
            self.followed.push_back(Turning { since, receipt });
            made
        }
    }

    fn receipt() -> Arc<Node> {
        Arc::new(NodeBuilder::new("receipt").build())
    }

    /// What is owed at each of so many frames.
    fn owed<const N: usize>(turns: &mut Turnings, now: Instant) -> [Option<u8>; N] {
        std::array::from_fn(|_| turns.begin_saving(now))
    }

    #[test]
    fn keys_are_saved_until_the_receipt_and_twice_after_it() {
        let (mut turns, now) = (Turnings::default(), Instant::now());
        assert_eq!(owed(&mut turns, now), [None], "nothing has come");
        let made = turns.follow(now);
        assert_eq!(owed(&mut turns, now), [Some(0), Some(0), Some(0)], "it may be opened at any time");
        made.send(receipt()).unwrap();
        assert_eq!(owed(&mut turns, now), [Some(2), Some(1), None]);
    }

    #[test]
    fn a_message_without_a_receipt_turns_the_ratchet_for_its_time() {
        let (mut turns, now) = (Turnings::default(), Instant::now());
        let _never = turns.follow(now);
        assert_eq!(owed(&mut turns, now + TURNING - Duration::from_millis(1)), [Some(0)]);
        assert_eq!(owed(&mut turns, now + TURNING), [None]);
    }

    #[test]
    fn a_message_whose_connection_has_ended_turns_it_for_its_time_too() {
        let (mut turns, now) = (Turnings::default(), Instant::now());
        drop(turns.follow(now));
        assert_eq!(owed(&mut turns, now), [Some(0)]);
        assert_eq!(owed(&mut turns, now + TURNING - Duration::from_millis(1)), [Some(0)]);
        assert_eq!(owed(&mut turns, now + TURNING), [None]);
    }

    #[test]
    fn of_two_messages_the_one_that_is_still_open_goes_on_to_count() {
        let (mut turns, now) = (Turnings::default(), Instant::now());
        let (first, second) = (turns.follow(now), turns.follow(now));
        second.send(receipt()).unwrap();
        assert_eq!(owed(&mut turns, now), [Some(2), Some(1), Some(0)]);
        first.send(receipt()).unwrap();
        assert_eq!(owed(&mut turns, now), [Some(2), Some(1), None]);
    }

    #[test]
    fn a_saving_that_is_not_made_is_owed_again() {
        let ratchet = Ratchet::default();
        ratchet.turns().owed = SAVED_AFTER;
        let owed = ratchet.turns().begin_saving(Instant::now()).unwrap();
        drop(OwedSaving { ratchet: &ratchet, owed });
        assert_eq!(ratchet.turns().owed, SAVED_AFTER, "its connection has ended");
        ratchet.saved(SHORTEST).now_or_never().unwrap().unwrap();
        assert_eq!(ratchet.turns().owed, SAVED_AFTER - 1);
    }

    #[test]
    fn so_many_are_followed_at_a_time_and_those_with_receipts_make_room() {
        let (mut turns, now) = (Turnings::default(), Instant::now());
        let mut made: Vec<_> = (0..FOLLOWED - 1).map(|_| turns.follow(now)).collect();
        assert!(turns.has_room(now));
        made.push(turns.follow(now));
        assert!(!turns.has_room(now));
        made.pop().unwrap().send(receipt()).unwrap();
        assert!(turns.has_room(now), "nothing was sent since");
        assert_eq!(owed(&mut turns, now), [Some(2), Some(1), Some(0)], "that one's key is still to be saved");
    }

    #[test]
    fn before_the_client_is_known_a_message_turns_it_for_its_time() {
        let ratchet = Ratchet::default();
        ratchet.heard(&NodeBuilder::new("message").children(vec![enc("skmsg")]).build().as_node_ref());
        assert_eq!(owed(&mut ratchet.turns(), Instant::now()), [None]);
        ratchet.heard(&NodeBuilder::new("message").attr("id", "A").children(vec![enc("msg")]).build().as_node_ref());
        assert_eq!(owed(&mut ratchet.turns(), Instant::now()), [Some(0)]);
    }
}

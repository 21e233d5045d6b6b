//! What is on the wire: several messages at once, one of a chat.
//!
//! Each is a send of its own with its own claim, try and outcome; only their waits for the server overlap.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use super::queue::Item;
use super::verdict::Verdict;

type Landed = (Item, Verdict);

#[derive(Default)]
pub(super) struct Flights {
    flying: FuturesUnordered<BoxFuture<'static, Landed>>,
    landed: VecDeque<Landed>,
}

impl Flights {
    pub(super) fn begin(&mut self, flight: BoxFuture<'static, Landed>) {
        self.flying.push(flight);
    }

    pub(super) fn len(&self) -> usize {
        self.flying.len() + self.landed.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_flying(&self) -> bool {
        !self.flying.is_empty()
    }

    pub(super) fn have_landed(&self) -> bool {
        !self.landed.is_empty()
    }

    /// Ends when one has landed; at once where none flies. May be dropped at any time.
    pub(super) async fn progress(&mut self) {
        self.landed.extend(self.flying.next().await);
    }

    /// What landed first.
    pub(super) fn take_landed(&mut self) -> Option<Landed> {
        self.landed.pop_front()
    }
}

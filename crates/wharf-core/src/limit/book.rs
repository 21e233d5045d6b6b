//! One account's calls over all nodes, as the node has them that counts for the others.

use std::collections::{HashMap, HashSet};

use wharf_api::Timestamp;

use super::WINDOW_MS;
use super::shared::{Ask, Bounds, Grant, Lack, Report};
use super::window::{Vacancy, Window};

/// Of the limit the hundredth part is given ahead at the most, all nodes together: so many calls more than the limit may fall into one minute.
const AHEAD: u64 = 100;
/// And of what is left the eighth part: near the limit nothing is.
const LEFT: u64 = 8;
/// How many of those that are refused together are told a time of their own.
const WAITS: u64 = 64;

/// What a node has.
struct Held {
    /// Requests that may run there.
    places: u64,
    /// Calls that were given ahead at that time: counted, and perhaps not made.
    ahead: u64,
    at: Timestamp,
}

/// Who has what of one account.
#[derive(Default)]
pub struct Book {
    window: Window,
    nodes: HashMap<String, Held>,
    /// Who has told all its calls of the minute before it asked for the first time.
    told: HashSet<String>,
}

impl Book {
    /// Takes a node's word. `whole` is a word of all its calls, which is taken once.
    pub fn hear(&mut self, node: &str, report: &Report, whole: bool, now: Timestamp) {
        let held = self.nodes.entry(node.to_owned()).or_insert(Held { places: 0, ahead: 0, at: now });
        self.window.give_back(held.at, report.unused.min(held.ahead));
        held.places = report.running + report.pending;
        // A question on its way has given back what was left, or will bring more: that is heard with the next one.
        if report.pending == 0 {
            held.ahead = 0;
        }
        if whole && !self.told.insert(node.to_owned()) {
            return;
        }
        for (age, calls) in &report.calls {
            let age = i64::try_from(*age).unwrap_or(i64::MAX).min(2 * WINDOW_MS);
            self.window.add(now.plus_millis(-age), *calls);
        }
    }

    /// The nodes that may have something to give back without which not all is granted that is asked for. The node that asks was heard.
    pub fn holders(&mut self, node: &str, ask: &Ask, now: Timestamp) -> Vec<String> {
        let calls = self.window.free(ask.bounds.calls, now) < ask.wanted;
        let places = self.room(ask.bounds) < ask.wanted;
        let others = self.nodes.iter().filter(|(other, _)| *other != node);
        others.filter(|(_, held)| calls && held.ahead > 0 || places && held.places > 0).map(|(other, _)| other.clone()).collect()
    }

    /// Grants what there is to a node that was heard; with a little more ahead where there is plenty. `nodes` is how many share it.
    pub fn grant(&mut self, node: &str, ask: &Ask, nodes: u64, now: Timestamp) -> Grant {
        let Bounds { calls: limit, .. } = ask.bounds;
        let (free, room, nodes) = (self.window.free(limit, now), self.room(ask.bounds), nodes.max(1));
        let granted = ask.wanted.min(free).min(room);
        let (mut ahead, mut spare) = (0, 0);
        if granted == ask.wanted {
            ahead = (limit / AHEAD).min((free - granted) / LEFT) / nodes;
            spare = (room - granted) / (2 * nodes);
        }
        if ahead == 0 || spare == 0 {
            (ahead, spare) = (0, 0);
        }
        self.window.add(now, granted + ahead);
        let places = ask.report.running + granted + spare;
        self.nodes.insert(node.to_owned(), Held { places, ahead, at: now });
        let lack = match ask.wanted - granted {
            0 => None,
            _ if room < free => Some(Lack::Places),
            refused => Some(Lack::Rate { waits: (0..refused.min(WAITS)).map(|_| self.wait(limit, now)).collect() }),
        };
        let whole_in = self.window.whole_at(now).as_millis() - now.as_millis();
        let remaining = self.window.remaining(limit) + ahead;
        Grant { granted, lack, ahead, places, remaining, whole_in: u64::try_from(whole_in).unwrap_or(0) }
    }

    /// Forgets nodes that are gone, with what ran there.
    pub fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.nodes.retain(|node, _| is_there(node));
        self.told.retain(|node| is_there(node));
    }

    /// Nothing is known any more that another book would not be told at its begin.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.window.is_whole(now)
    }

    /// How many requests more may run.
    fn room(&self, bounds: Bounds) -> u64 {
        bounds.concurrent.saturating_sub(self.nodes.values().map(|held| held.places).sum())
    }

    /// When one that is refused may come back.
    fn wait(&mut self, limit: u64, now: Timestamp) -> u64 {
        match self.window.ask(limit, now) {
            Vacancy::Free => 1,
            Vacancy::FreeAt(at) => u64::try_from(at.as_millis() - now.as_millis()).unwrap_or(1),
        }
    }
}

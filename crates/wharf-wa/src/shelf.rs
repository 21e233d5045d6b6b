//! The device lists that were asked for last, as bytes, and who was asked for and has none: a person is asked for by number and by LID, and has one
//! list under one of them. The library's own caches of them are off: they keep whatever a session ever asked
//! for until its client ends, and a list that was read before a change may get into them after it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many lists each half of the shelf has at the most, missing ones among them: what a table of 16,384 places takes.
const HALF: usize = 14_336;

/// Whose list it is: the number of a client's hold on the shelf, and the user.
type ListKey = (u64, Box<str>);

/// A list as the database has it, or that it has none.
type KnownList = Option<Arc<[u8]>>;

/// Lists by age: when the newer half is full it becomes the older one, whose lists go unless somebody asks for them.
#[derive(Default)]
struct ShelfHalves {
    newer: HashMap<ListKey, KnownList>,
    older: HashMap<ListKey, KnownList>,
}

impl ShelfHalves {
    /// Keeps a list; gives what goes for it.
    fn put(&mut self, key: ListKey, list: KnownList) -> HashMap<ListKey, KnownList> {
        let gone =
            if self.newer.len() < HALF { HashMap::new() } else { std::mem::replace(&mut self.older, std::mem::take(&mut self.newer)) };
        self.newer.insert(key, list);
        gone
    }
}

/// The lists of all sessions of the process: those that are busy push out what the others leave.
#[derive(Default)]
pub(crate) struct DeviceShelf {
    holds: AtomicU64,
    halves: Mutex<ShelfHalves>,
}

impl DeviceShelf {
    fn halves(&self) -> MutexGuard<'_, ShelfHalves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: ListKey) -> Option<KnownList> {
        let mut halves = self.halves();
        if let Some(list) = halves.newer.get(&key) {
            return Some(list.clone());
        }
        let list = halves.older.remove(&key)?;
        let gone = halves.put(key, list.clone());
        drop(halves);
        drop(gone);
        Some(list)
    }

    fn put(&self, key: ListKey, list: KnownList) {
        let gone = self.halves().put(key, list);
        // Thousands at once, and nobody waits for it.
        drop(gone);
    }

    fn remove(&self, key: &ListKey) {
        let mut halves = self.halves();
        halves.newer.remove(key);
        halves.older.remove(key);
    }
}

/// What is known of a user's list.
pub(crate) enum FoundList {
    Known(KnownList),
    /// Its newest state could not be written: what the database has is none to go by.
    Lost,
    /// It has to be read. [`DeviceLists::keep`] wants the number.
    Unread(u64),
}

#[derive(Default)]
struct ListChanges {
    count: u64,
    /// Users whose lists are being written, by how many. Whoever begins to write and never comes to its end does not know when it is done:
    /// that list is not kept any more.
    begun: HashMap<String, u32>,
    lost: HashSet<String>,
}

/// One client's lists on the shelf.
pub(crate) struct DeviceLists {
    shelf: Arc<DeviceShelf>,
    hold: u64,
    changes: Mutex<ListChanges>,
}

impl DeviceLists {
    pub(crate) fn on(shelf: Arc<DeviceShelf>) -> Self {
        let hold = shelf.holds.fetch_add(1, Ordering::Relaxed);
        Self { shelf, hold, changes: Mutex::default() }
    }

    pub(crate) fn find(&self, user: &str) -> FoundList {
        let changes = self.changes();
        if changes.lost.contains(user) {
            return FoundList::Lost;
        }
        match self.shelf.find(self.key(user)) {
            Some(list) => FoundList::Known(list),
            None => FoundList::Unread(changes.count),
        }
    }

    /// Keeps a list, or that there is none, unless it may have changed since it was asked for.
    pub(crate) fn keep(&self, user: &str, list: Option<&[u8]>, count: u64) {
        let changes = self.changes();
        if changes.count == count && !changes.begun.contains_key(user) {
            self.shelf.put(self.key(user), list.map(Into::into));
        }
    }

    /// The users' lists are about to change. Nothing of them is kept until [`DeviceLists::end`].
    pub(crate) fn begin(&self, users: &[String]) {
        let mut changes = self.changes();
        changes.count += 1;
        for user in users {
            *changes.begun.entry(user.clone()).or_default() += 1;
            self.shelf.remove(&self.key(user));
        }
    }

    pub(crate) fn end(&self, users: &[String], written: bool) {
        let mut changes = self.changes();
        changes.count += 1;
        for user in users {
            if let Some(begun) = changes.begun.get_mut(user) {
                *begun -= 1;
                if *begun == 0 {
                    changes.begun.remove(user);
                }
            }
            if written {
                changes.lost.remove(user);
            } else {
                changes.lost.insert(user.clone());
            }
        }
    }

    fn key(&self, user: &str) -> ListKey {
        (self.hold, user.into())
    }

    fn changes(&self) -> MutexGuard<'_, ListChanges> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "100000000000001";
    const BOB: &str = "100000000000002";

    fn users(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn unread(lists: &DeviceLists, user: &str) -> u64 {
        match lists.find(user) {
            FoundList::Unread(count) => count,
            FoundList::Known(list) => panic!("{list:?} is known"),
            FoundList::Lost => panic!("it is lost"),
        }
    }

    fn known(lists: &DeviceLists, user: &str) -> Option<KnownList> {
        if let FoundList::Known(list) = lists.find(user) { Some(list) } else { None }
    }

    #[test]
    fn a_list_that_was_read_before_a_change_is_not_kept_after_it() {
        let lists = DeviceLists::on(Arc::default());
        let before = unread(&lists, ANN);
        lists.begin(&users(&[ANN]));
        let within = unread(&lists, ANN);
        lists.keep(ANN, Some(b"old"), before);
        lists.keep(ANN, Some(b"old"), within);
        assert!(known(&lists, ANN).is_none(), "while it is written");
        lists.end(&users(&[ANN]), true);
        lists.keep(ANN, Some(b"old"), before);
        lists.keep(ANN, Some(b"old"), within);
        assert!(known(&lists, ANN).is_none());
        lists.keep(ANN, Some(b"new"), unread(&lists, ANN));
        assert_eq!(known(&lists, ANN).flatten().as_deref(), Some(&b"new"[..]));
        lists.begin(&users(&[ANN]));
        unread(&lists, ANN);
    }

    #[test]
    fn that_somebody_has_no_list_is_known_until_there_is_one() {
        let lists = DeviceLists::on(Arc::default());
        let before = unread(&lists, ANN);
        lists.keep(ANN, None, before);
        assert_eq!(known(&lists, ANN), Some(None));
        lists.begin(&users(&[ANN]));
        unread(&lists, ANN);
        lists.end(&users(&[ANN]), true);
        lists.keep(ANN, None, before);
        lists.keep(ANN, Some(b"list"), unread(&lists, ANN));
        assert_eq!(known(&lists, ANN).flatten().as_deref(), Some(&b"list"[..]));
    }

    #[test]
    fn a_change_that_never_ends_keeps_its_own_list_out_and_no_others() {
        let lists = DeviceLists::on(Arc::default());
        lists.begin(&users(&[ANN]));
        lists.begin(&users(&[ANN]));
        lists.end(&users(&[ANN]), true);
        for user in [ANN, BOB] {
            lists.keep(user, Some(b"list"), unread(&lists, user));
        }
        assert_eq!([ANN, BOB].map(|user| known(&lists, user).is_some()), [false, true]);
    }

    #[test]
    fn a_list_that_could_not_be_written_is_lost_until_one_is() {
        let lists = DeviceLists::on(Arc::default());
        let changed = |written| {
            lists.begin(&users(&[ANN]));
            lists.end(&users(&[ANN]), written);
            matches!(lists.find(ANN), FoundList::Lost)
        };
        assert_eq!([false, false, true].map(changed), [true, true, false]);
    }

    #[test]
    fn the_shelf_has_a_bound_for_all_sessions_together_and_keeps_what_is_asked_for() {
        let shelf = Arc::<DeviceShelf>::default();
        let (busy, idle) = (DeviceLists::on(Arc::clone(&shelf)), DeviceLists::on(Arc::clone(&shelf)));
        for lists in [&busy, &idle] {
            lists.keep(ANN, Some(b"list"), unread(lists, ANN));
        }
        for number in 0..HALF * 3 {
            let user = number.to_string();
            busy.keep(&user, Some(b"list"), unread(&busy, &user));
            assert!(known(&busy, ANN).is_some(), "{number}");
        }
        unread(&idle, ANN);
        let halves = shelf.halves();
        assert!(halves.newer.len() <= HALF && halves.older.len() <= HALF);
        assert!(halves.older.len() + halves.newer.len() >= HALF);
    }
}

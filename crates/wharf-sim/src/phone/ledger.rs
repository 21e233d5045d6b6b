//! What a phone really decrypted: one entry per (chat, sender, id), as official apps show it, with how many copies came. Bounded.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use waproto::whatsapp as wa;

use super::content;
use crate::address::Number;
use crate::media::letter::Filed;
use crate::{clock, keys};

/// Entries a phone keeps.
const KEPT: u64 = 500_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    #[serde(with = "digits")]
    pub(crate) chat: Number,
    #[serde(with = "digits")]
    pub(crate) sender: Number,
    pub(crate) sender_device: u16,
    pub(crate) from_me: bool,
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media: Option<Filed>,
    /// What else the kind says, and what became of the message.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) fields: Map<String, Value>,
    /// What votes on it are sealed with, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    pub(crate) sent_at_secs: u64,
    pub(crate) first_at_ms: u64,
    pub(crate) last_at_ms: u64,
    /// Decrypted stanzas that came with this id.
    pub(crate) copies: u32,
    /// Delivery receipts that came back, for an entry this account sent.
    pub(crate) delivered: u32,
    pub(crate) delivered_at_ms: Option<u64>,
    /// When the person here read it, or, for an own message, when the other side did.
    pub(crate) read_at_ms: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Ledger {
    entries: HashMap<u64, Entry>,
    index: HashMap<(Number, Number, String), u64>,
    by_id: HashMap<String, u64>,
    first: u64,
    next: u64,
    unsaved: BTreeSet<u64>,
}

impl Ledger {
    /// Adds an entry, or counts a copy of one that is there. Gives the entry as it is now, and whether it is new.
    pub(crate) fn record(&mut self, entry: Entry) -> (Entry, bool) {
        let key = (entry.chat, entry.sender, entry.id.clone());
        if let Some(&at) = self.index.get(&key)
            && let Some(known) = self.entries.get_mut(&at)
        {
            known.copies += 1;
            known.last_at_ms = entry.last_at_ms;
            self.unsaved.insert(at);
            return (known.clone(), false);
        }
        self.insert(entry.clone());
        (entry, true)
    }

    /// Does to another entry what this one says: a reaction, a vote, an edit or a deletion.
    pub(crate) fn apply(&mut self, change: &Entry) {
        let Some(&at) = change.fields.get("target").and_then(Value::as_str).and_then(|id| self.by_id.get(id)) else { return };
        let Some(entry) = self.entries.get_mut(&at).filter(|entry| entry.chat == change.chat) else { return };
        let who = change.sender.to_string();
        match change.kind.as_str() {
            "edit" if entry.sender == change.sender => {
                match &mut entry.media {
                    // Words that do not stand under such a file take its own away.
                    Some(filed) => {
                        let fits = change.fields.get("editedType").is_some_and(|kind| *kind == *filed.kind);
                        filed.caption = change.text.clone().filter(|_| fits);
                    }
                    None => entry.text.clone_from(&change.text),
                }
                // What is not said again is gone.
                for mark in ["linkPreview", "mentions"] {
                    match change.fields.get(mark) {
                        Some(said) => entry.fields.insert(mark.to_owned(), said.clone()),
                        None => entry.fields.remove(mark),
                    };
                }
                entry.fields.insert("edited".to_owned(), json!(true));
            }
            // Who names another's message is an admin: the server sees to it.
            "delete" if entry.sender == change.sender || change.fields.contains_key("targetSender") => {
                entry.text = None;
                entry.fields = Map::from_iter([("deleted".to_owned(), json!(true))]);
            }
            "reaction" => {
                let emoji = change.text.as_ref().filter(|emoji| !emoji.is_empty());
                note(&mut entry.fields, "reactions", who, emoji.map(|emoji| json!(emoji)));
            }
            "vote" => note(&mut entry.fields, "votes", who, change.fields.get("options").cloned()),
            _ => return,
        }
        self.unsaved.insert(at);
    }

    /// Puts back an entry read from disk; a later line for the same message replaces an earlier one.
    pub(crate) fn restore(&mut self, entry: Entry) {
        let key = (entry.chat, entry.sender, entry.id.clone());
        match self.index.get(&key) {
            Some(at) => {
                self.entries.insert(*at, entry);
            }
            None => self.insert(entry),
        }
        self.unsaved.clear();
    }

    fn insert(&mut self, entry: Entry) {
        let at = self.next;
        self.next += 1;
        self.index.insert((entry.chat, entry.sender, entry.id.clone()), at);
        self.by_id.insert(entry.id.clone(), at);
        self.entries.insert(at, entry);
        self.unsaved.insert(at);
        while self.next - self.first > KEPT {
            if let Some(old) = self.entries.remove(&self.first) {
                self.index.remove(&(old.chat, old.sender, old.id.clone()));
                if self.by_id.get(&old.id) == Some(&self.first) {
                    self.by_id.remove(&old.id);
                }
            }
            self.unsaved.remove(&self.first);
            self.first += 1;
        }
    }

    /// A ciphertext came again, so its plaintext is not known: count it on the entry with this id.
    pub(crate) fn copy_by_id(&mut self, sender: Number, id: &str) -> Option<Entry> {
        let at = *self.by_id.get(id)?;
        let entry = self.entries.get_mut(&at)?;
        if entry.sender != sender {
            return None;
        }
        entry.copies += 1;
        entry.last_at_ms = clock::now_ms();
        self.unsaved.insert(at);
        Some(entry.clone())
    }

    /// A receipt came for a message of this account.
    pub(crate) fn receipt(&mut self, id: &str, read: bool) {
        let Some(&at) = self.by_id.get(id) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(&at).filter(|entry| entry.from_me) else {
            return;
        };
        let now = clock::now_ms();
        if read {
            entry.read_at_ms.get_or_insert(now);
        } else {
            entry.delivered += 1;
        }
        entry.delivered_at_ms.get_or_insert(now);
        self.unsaved.insert(at);
    }

    /// Marks what others sent as read, and gives it. No chat means all chats, no ids mean all.
    pub(crate) fn read(&mut self, chat: Option<Number>, ids: &[String]) -> Vec<Entry> {
        let now = clock::now_ms();
        let mut read = Vec::new();
        for at in self.first..self.next {
            let Some(entry) = self.entries.get_mut(&at) else {
                continue;
            };
            let wanted = !entry.from_me
                && entry.read_at_ms.is_none()
                && chat.is_none_or(|chat| chat == entry.chat)
                && (ids.is_empty() || ids.contains(&entry.id));
            if wanted {
                entry.read_at_ms = Some(now);
                self.unsaved.insert(at);
                read.push(entry.clone());
            }
        }
        read
    }

    pub(crate) fn read_one(&mut self, id: &str) {
        let Some(&at) = self.by_id.get(id) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(&at).filter(|entry| !entry.from_me) {
            entry.read_at_ms.get_or_insert(clock::now_ms());
            self.unsaved.insert(at);
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Entry> {
        self.entries.get(self.by_id.get(id)?)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        (self.first..self.next).filter_map(|at| self.entries.get(&at))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What changed since the last call.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.unsaved).into_iter().filter_map(|at| self.entries.get(&at).cloned()).collect()
    }
}

/// Puts what a person said among what others said, in the place of what it said before.
fn note(fields: &mut Map<String, Value>, list: &str, who: String, what: Option<Value>) {
    let Some(list) = fields.entry(list).or_insert_with(|| json!({})).as_object_mut() else { return };
    match what {
        Some(what) => drop(list.insert(who, what)),
        None => drop(list.remove(&who)),
    }
}

/// The kind of a message, its text and its other fields.
pub(crate) fn describe(message: &wa::Message) -> (String, Option<String>, Map<String, Value>) {
    if let Some(said) = content::read(message) {
        return (said.kind.to_owned(), said.text, said.fields);
    }
    let kind = if message.protocol_message.is_set() { "protocol" } else { "other" };
    (kind.to_owned(), None, Map::new())
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    keys::hex(&Sha256::digest(bytes))
}

/// Numbers are strings in JSON: 15 digits do not survive every reader.
pub(crate) mod digits {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::address::Number;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(number: &Number, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
        let text = String::deserialize(from)?;
        Number::parse(&text).ok_or_else(|| serde::de::Error::custom("not a phone number"))
    }
}

//! A life for sessions before they are measured: an address book, people who are written to and write back, and groups.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use tokio::time::Instant;

use crate::gateway::Http;
use crate::load::{Load, drive};
use crate::process::Process;
use crate::sends::contact;

#[derive(Args)]
pub struct LifeOptions {
    /// Texts that each session sends before it is idle, and as many that it gets. Where it has groups, every tenth is in one of them.
    #[arg(long, default_value_t = 0)]
    messages: usize,
    /// People in the address book of each session, who are written to in turn and write back.
    #[arg(long, default_value_t = 0)]
    contacts: usize,
    /// Groups of each session.
    #[arg(long, default_value_t = 0)]
    groups: usize,
    /// Members of each group, the session among them. Ten are contacts of it, and the phones of the others are off.
    #[arg(long, default_value_t = 0)]
    members: usize,
}

/// Of so many texts one is in a group.
const TENTH: usize = 10;
/// So many members of a group hear what is said there. The phones of the others are off: a hundred of them that decrypt each text and tell
/// that they have it would take minutes of CPU, most of it the network's.
const PRESENT: usize = 10;
/// The people of the network who never speak by themselves.
const PEOPLE: usize = 10_000;
/// What each text says, with its number before it: some eighty letters.
const WORDS: &str = "is on its way and comes to your door tomorrow between nine and eleven";
/// Texts on their way at the same time.
const AT_ONCE: usize = 32;
/// Phones whose groups are made at the same time.
const PHONES_AT_ONCE: usize = 8;
/// How long texts may take at the most, in seconds: their number ends them.
const A_DAY: f64 = 86_400.0;
/// How often is said how far it is.
const EVERY: Duration = Duration::from_secs(5);
/// How long nothing may come of what was begun.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often is looked whether it is there.
const LOOK: Duration = Duration::from_millis(500);

impl LifeOptions {
    /// Whether the sessions do nothing.
    pub fn is_none(&self) -> bool {
        self.messages == 0 && self.contacts == 0 && self.groups == 0
    }

    /// Refuses a life that the network's people cannot give.
    pub fn check(&self) -> Result<()> {
        ensure!(self.messages == 0 || self.contacts > 0, "texts go to contacts: --contacts must be 1 or more");
        ensure!(self.groups == 0 || self.members > 1, "somebody else is in a group: --members must be 2 or more");
        let (present, people) = (self.present(), self.contacts + self.absent());
        ensure!(self.contacts >= present, "{present} members of a group are contacts: --contacts must be {present} or more");
        ensure!(people <= PEOPLE, "contacts and the members of a group are {people} people, and the network has {PEOPLE}");
        Ok(())
    }

    /// Members of a group who hear what is said there, the session left out.
    fn present(&self) -> usize {
        if self.groups == 0 { 0 } else { PRESENT.min(self.members.saturating_sub(1)) }
    }

    /// Members of a group whose phones are off.
    fn absent(&self) -> usize {
        if self.groups == 0 { 0 } else { self.members.saturating_sub(1 + self.present()) }
    }

    /// The contact in that seat of a group: each group has others, until all contacts sit somewhere.
    fn seat(&self, group: usize, seat: usize) -> usize {
        (group * self.present() + seat) % self.contacts
    }

    /// The members of a group beside the session. Those whose phones are off are no contacts, and in all groups.
    fn others(&self, group: usize) -> Vec<String> {
        let present = (0..self.present()).map(|seat| self.seat(group, seat));
        let absent = (0..self.absent()).map(|person| self.contacts + person);
        present.chain(absent).map(contact).collect()
    }

    /// The group that a session's text of this number is for, where it is for one, and the contact who answers it there.
    fn place(&self, number: usize) -> (Option<usize>, usize) {
        if self.groups == 0 {
            return (None, number % self.contacts);
        }
        let before = number / TENTH;
        if number % TENTH == TENTH - 1 {
            let group = before % self.groups;
            (Some(group), self.seat(group, 0))
        } else {
            (None, (number - before) % self.contacts)
        }
    }

    /// The life in words.
    pub fn told(&self) -> String {
        let in_groups = if self.groups == 0 { 0 } else { self.messages / TENTH };
        format!(
            "{} contacts, {} groups of {} members (the phones of {} others are on), {} texts each way ({in_groups} of them in groups)",
            self.contacts,
            self.groups,
            self.members,
            self.present(),
            self.messages
        )
    }
}

/// Sessions, and what they live with.
pub struct SessionLives<'a> {
    pub options: &'a LifeOptions,
    pub gateway: &'a Process,
    pub api: &'a Http,
    pub operator: &'a Http,
    pub control: &'a Http,
    /// The ids of the sessions, and the numbers of their phones.
    pub paired: &'a [(String, String)],
}

impl SessionLives<'_> {
    /// Has all of them live, and waits until nothing of it is left to do.
    pub async fn live(&self) -> Result<()> {
        let groups = self.meet().await?;
        let (texts, done) = (self.paired.len() * self.options.messages, AtomicUsize::new(0));
        if texts > 0 {
            let load = Load { concurrency: AT_ONCE, seconds: A_DAY, calls: texts };
            let exchanges = drive(&load, |number| self.exchange(&groups, number, &done));
            progress("texts sent and answered", texts, &done, exchanges).await?;
        }
        self.settle(texts).await
    }

    /// Writes the address books and makes the groups; gives the ids of each session's.
    async fn meet(&self) -> Result<Vec<Vec<String>>> {
        let options = self.options;
        for person in 0..options.absent() {
            self.control.post(&format!("/control/phones/{}/sleep", contact(options.contacts + person)), &json!({})).await?;
        }
        let book: BTreeMap<String, String> = (0..options.contacts).map(|index| (contact(index), format!("Contact {index}"))).collect();
        let made = AtomicUsize::new(0);
        let each = self.paired.iter().map(|(_, owner)| self.groups_of(owner, &book, &made));
        let all = stream::iter(each).buffered(PHONES_AT_ONCE).try_collect::<Vec<_>>();
        progress("groups made", self.paired.len() * options.groups, &made, all).await
    }

    /// The groups of one session, made at its phone after the address book was written there.
    async fn groups_of(&self, owner: &str, book: &BTreeMap<String, String>, made: &AtomicUsize) -> Result<Vec<String>> {
        if !book.is_empty() {
            self.control.post(&format!("/control/phones/{owner}/shared"), &json!({"contacts": book})).await?;
        }
        let mut groups = Vec::with_capacity(self.options.groups);
        for group in 0..self.options.groups {
            let wanted = json!({"creator": owner, "subject": format!("Group {group}"), "members": self.options.others(group)});
            let answer = self.control.post("/control/groups", &wanted).await?;
            let members = answer["data"]["members"].as_array().map_or(0, Vec::len);
            ensure!(members == self.options.members, "a group has {members} members instead of {}", self.options.members);
            groups.push(answer["data"]["id"].as_str().context("the id of a group")?.to_owned());
            made.fetch_add(1, Ordering::Relaxed);
        }
        Ok(groups)
    }

    /// A session writes, the sessions in turn, and the contact answers where it was written.
    async fn exchange(&self, groups: &[Vec<String>], number: usize, done: &AtomicUsize) -> Result<()> {
        let which = number % self.paired.len();
        let (session, owner) = &self.paired[which];
        let (group, index) = self.options.place(number / self.paired.len());
        let (person, group) = (contact(index), group.map(|group| groups[which][group].as_str()));
        let text = json!({"sessionId": session, "to": group.unwrap_or(&person), "text": format!("Order {number} {WORDS}")});
        self.api.post("/v1/messages/text", &text).await?;
        let answer = json!({"to": group.unwrap_or(owner), "text": format!("Thank you, {number} times.")});
        self.control.post(&format!("/control/phones/{person}/send"), &answer).await?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until all texts are acknowledged and all answers stored, nothing waits at the network, and the gateway has nothing to do.
    async fn settle(&self, texts: usize) -> Result<()> {
        let (wanted, mut before, mut since) = (texts as f64, -1.0, Instant::now());
        loop {
            let sent = self.operator.counted("wharf_sends_total", "\"sent\"").await?;
            let received = self.operator.counted("wharf_received_total", "").await?;
            if sent >= wanted && received >= wanted {
                break;
            }
            if sent + received > before {
                (before, since) = (sent + received, Instant::now());
            }
            ensure!(since.elapsed() < PATIENCE, "of {wanted} texts {sent} were sent and {received} came in, and no more for {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
        let began = Instant::now();
        for (_, owner) in self.paired {
            while !self.control.has_taken_all(owner).await? {
                ensure!(began.elapsed() < PATIENCE, "{owner} does not take what the network has for it within {PATIENCE:?}");
                tokio::time::sleep(LOOK).await;
            }
        }
        ensure!(self.gateway.rests(PATIENCE).await?, "the gateway does not come to rest within {PATIENCE:?}");
        Ok(())
    }
}

/// Does what takes long, and says every few seconds how far it is.
async fn progress<T>(what: &str, of: usize, done: &AtomicUsize, work: impl Future<Output = Result<T>>) -> Result<T> {
    let (began, mut ticks) = (Instant::now(), tokio::time::interval(EVERY));
    // The first tick is at once, when there is nothing to say.
    ticks.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            end = &mut work => return end,
            _ = ticks.tick() => {
                println!("{what}: {} of {of} after {:.0} s", done.load(Ordering::Relaxed), began.elapsed().as_secs_f64());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LIFE: LifeOptions = LifeOptions { messages: 1_000, contacts: 500, groups: 50, members: 100 };

    #[test]
    fn every_tenth_text_is_in_a_group_and_all_contacts_and_groups_have_their_turns() {
        let places: Vec<_> = (0..LIFE.messages).map(|number| LIFE.place(number)).collect();
        let in_groups: Vec<usize> = places.iter().filter_map(|(group, _)| *group).collect();
        let alone: Vec<usize> = places.iter().filter(|(group, _)| group.is_none()).map(|(_, person)| *person).collect();
        assert_eq!(in_groups, (0..100).map(|turn| turn % 50).collect::<Vec<_>>());
        assert_eq!(alone, (0..900).map(|turn| turn % 500).collect::<Vec<_>>());
        let without = LifeOptions { groups: 0, ..LIFE };
        assert_eq!([without.place(9), without.place(509)], [(None, 9), (None, 9)]);
    }

    #[test]
    fn a_group_has_as_many_members_as_are_asked_for_and_whoever_speaks_in_it_is_there() {
        for life in [LIFE, LifeOptions { members: 4, contacts: 3, ..LIFE }, LifeOptions { contacts: 10, ..LIFE }] {
            life.check().unwrap();
            for group in 0..life.groups {
                let others = life.others(group);
                assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), life.members - 1);
                assert!(others[..life.present()].contains(&contact(life.seat(group, 0))));
            }
        }
    }

    #[test]
    fn a_life_without_anybody_to_share_it_is_refused() {
        let none = LifeOptions { messages: 0, contacts: 0, groups: 0, members: 0 };
        assert!(none.is_none() && none.check().is_ok());
        let lonely = [
            LifeOptions { contacts: 0, groups: 0, ..LIFE },
            LifeOptions { members: 1, ..LIFE },
            LifeOptions { contacts: 9, ..LIFE },
            LifeOptions { contacts: 9_990, ..LIFE },
        ];
        assert!(lonely.iter().all(|life| life.check().is_err()));
    }
}

//! Groups as the server keeps them: members and their ranks, settings, invite code, requests to join. Owns the rules of who may change
//! what; refuses to know connections: telling the members is done elsewhere.

pub(crate) mod notice;
pub(crate) mod post;

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use wacore_binary::Jid;

use crate::account::lock;
use crate::address::Number;
use crate::crowd::Crowd;
use crate::phone::ledger::digits;
use crate::{clock, keys};

/// Members a group may have.
pub(crate) const MOST_MEMBERS: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rank {
    Member,
    Admin,
    /// Who made the group.
    SuperAdmin,
}

impl Rank {
    /// The attribute on the wire; a plain member has none.
    pub(crate) const fn attr(self) -> Option<&'static str> {
        match self {
            Self::Member => None,
            Self::Admin => Some("admin"),
            Self::SuperAdmin => Some("superadmin"),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    #[serde(with = "digits")]
    pub(crate) number: Number,
    pub(crate) rank: Rank,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) text: String,
    #[serde(with = "digits")]
    pub(crate) by: Number,
    pub(crate) at_secs: u64,
}

/// Somebody who used the invite code of a group that asks its admins first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    #[serde(with = "digits")]
    pub(crate) number: Number,
    pub(crate) at_secs: u64,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a person sees on the phone")]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    #[serde(with = "digits")]
    pub(crate) id: Number,
    pub(crate) subject: String,
    #[serde(with = "digits")]
    pub(crate) subject_by: Number,
    pub(crate) subject_at_secs: u64,
    #[serde(with = "digits")]
    pub(crate) creator: Number,
    pub(crate) created_at_secs: u64,
    pub(crate) description: Option<Description>,
    pub(crate) members: Vec<Member>,
    /// Only admins send.
    pub(crate) announcement: bool,
    /// Only admins change subject, description and picture.
    pub(crate) locked: bool,
    /// Admins let people in who have the invite code.
    pub(crate) approval: bool,
    /// Members may add members.
    pub(crate) members_add: bool,
    pub(crate) disappear_after_secs: u32,
    pub(crate) invite: String,
    /// Codes that were replaced.
    #[serde(default)]
    retired: Vec<String>,
    pub(crate) requests: Vec<Request>,
    /// Wire addressing: by LID as new groups are, or by phone number as old ones.
    pub(crate) by_lid: bool,
}

/// Why a change was refused; each has its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no such group")]
    Unknown,
    #[error("not a member of this group")]
    NotMember,
    #[error("only an admin may do this")]
    NotAdmin,
    #[error("the invite code was replaced")]
    Gone,
    #[error("a member already")]
    Already,
    #[error("the group is full")]
    Full,
    #[error("somebody changed it first")]
    Conflict,
    #[error("not acceptable")]
    NotAcceptable,
}

impl Refusal {
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::NotMember => 403,
            Self::NotAdmin => 401,
            Self::Gone => 410,
            Self::Already | Self::Conflict => 409,
            Self::Full => 419,
            Self::NotAcceptable => 406,
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "item-not-found",
            Self::NotMember => "forbidden",
            Self::NotAdmin => "not-authorized",
            Self::Gone => "gone",
            Self::Already | Self::Conflict => "conflict",
            Self::Full => "resource-limit",
            Self::NotAcceptable => "not-acceptable",
        }
    }
}

type Result<T> = std::result::Result<T, Refusal>;

impl Group {
    pub(crate) const fn crowd(&self) -> Crowd {
        Crowd { chat: self.id, by_lid: self.by_lid }
    }

    pub(crate) fn new(creator: Number, subject: String, others: impl IntoIterator<Item = Number>) -> Self {
        let now = clock::now_secs();
        let mut group = Self {
            id: new_id(),
            subject,
            subject_by: creator,
            subject_at_secs: now,
            creator,
            created_at_secs: now,
            description: None,
            members: vec![Member { number: creator, rank: Rank::SuperAdmin }],
            announcement: false,
            locked: false,
            approval: false,
            members_add: true,
            disappear_after_secs: 0,
            invite: new_code(),
            retired: Vec::new(),
            requests: Vec::new(),
            by_lid: true,
        };
        for number in others {
            let _ = group.enter(number);
        }
        group
    }

    pub(crate) fn rank(&self, number: Number) -> Option<Rank> {
        self.members.iter().find(|member| member.number == number).map(|member| member.rank)
    }

    /// How the wire names a person in this group.
    pub(crate) fn address(&self, number: Number) -> Jid {
        if self.by_lid { number.lid() } else { number.jid() }
    }

    pub(crate) const fn mode(&self) -> &'static str {
        if self.by_lid { "lid" } else { "pn" }
    }

    pub(crate) fn numbers(&self) -> Vec<Number> {
        self.members.iter().map(|member| member.number).collect()
    }

    pub(crate) fn admins(&self) -> Vec<Number> {
        self.members.iter().filter(|member| member.rank >= Rank::Admin).map(|member| member.number).collect()
    }

    pub(crate) fn member(&self, number: Number) -> Result<Rank> {
        self.rank(number).ok_or(Refusal::NotMember)
    }

    pub(crate) fn admin(&self, number: Number) -> Result<()> {
        if self.member(number)? >= Rank::Admin { Ok(()) } else { Err(Refusal::NotAdmin) }
    }

    /// Whether a member may change what the group shows of itself.
    pub(crate) fn editor(&self, number: Number) -> Result<()> {
        if self.locked { self.admin(number) } else { self.member(number).map(|_| ()) }
    }

    /// Whether a member may send.
    pub(crate) fn speaker(&self, number: Number) -> Result<()> {
        if self.announcement { self.admin(number) } else { self.member(number).map(|_| ()) }
    }

    pub(crate) fn enter(&mut self, number: Number) -> Result<()> {
        if self.rank(number).is_some() {
            return Err(Refusal::Already);
        }
        if self.members.len() >= MOST_MEMBERS {
            return Err(Refusal::Full);
        }
        self.requests.retain(|request| request.number != number);
        self.members.push(Member { number, rank: Rank::Member });
        Ok(())
    }

    /// Takes a member out. A group that loses its last admin makes its oldest member one, as the real network does.
    pub(crate) fn leave(&mut self, number: Number) -> Result<()> {
        self.member(number)?;
        self.members.retain(|member| member.number != number);
        if self.admins().is_empty()
            && let Some(oldest) = self.members.first_mut()
        {
            oldest.rank = Rank::Admin;
        }
        Ok(())
    }

    /// Nobody takes the rank of who made the group.
    pub(crate) fn set_rank(&mut self, number: Number, rank: Rank) -> Result<()> {
        match self.members.iter_mut().find(|member| member.number == number) {
            None => Err(Refusal::Unknown),
            Some(member) if member.rank == Rank::SuperAdmin => Err(Refusal::NotAcceptable),
            Some(member) => {
                member.rank = rank;
                Ok(())
            }
        }
    }

    pub(crate) fn new_invite(&mut self) {
        self.retired.push(std::mem::replace(&mut self.invite, new_code()));
    }

    /// Joins with the code. `false`: admins are asked first.
    pub(crate) fn join(&mut self, number: Number) -> Result<bool> {
        if self.rank(number).is_some() {
            return Err(Refusal::Already);
        }
        if !self.approval {
            return self.enter(number).map(|()| true);
        }
        if self.requests.iter().all(|request| request.number != number) {
            self.requests.push(Request { number, at_secs: clock::now_secs() });
        }
        Ok(false)
    }
}

fn new_id() -> Number {
    let random = u64::from_be_bytes(keys::random_bytes()) % 1_000_000_000_000;
    Number(120_363_000_000_000_000 + random)
}

fn new_code() -> String {
    keys::hex(&keys::random_bytes::<11>())
}

/// All groups of the network.
#[derive(Default)]
pub(crate) struct Groups(Mutex<BTreeMap<Number, Group>>);

impl Groups {
    pub(crate) fn new(groups: Vec<Group>) -> Self {
        Self(Mutex::new(groups.into_iter().map(|group| (group.id, group)).collect()))
    }

    pub(crate) fn insert(&self, group: Group) {
        lock(&self.0).insert(group.id, group);
    }

    pub(crate) fn all(&self) -> Vec<Group> {
        lock(&self.0).values().cloned().collect()
    }

    pub(crate) fn find(&self, id: Number) -> Result<Group> {
        lock(&self.0).get(&id).cloned().ok_or(Refusal::Unknown)
    }

    pub(crate) fn by_code(&self, code: &str) -> Result<Group> {
        let groups = lock(&self.0);
        match groups.values().find(|group| group.invite == code) {
            Some(group) => Ok(group.clone()),
            None if groups.values().any(|group| group.retired.iter().any(|retired| retired == code)) => Err(Refusal::Gone),
            None => Err(Refusal::NotAcceptable),
        }
    }

    pub(crate) fn of(&self, number: Number) -> Vec<Group> {
        lock(&self.0).values().filter(|group| group.rank(number).is_some()).cloned().collect()
    }

    /// Changes a group, all or nothing; gives what the change gave and the group as it is now.
    pub(crate) fn change<T>(&self, id: Number, change: impl FnOnce(&mut Group) -> Result<T>) -> Result<(T, Group)> {
        let mut groups = lock(&self.0);
        let group = groups.get_mut(&id).ok_or(Refusal::Unknown)?;
        let mut changed = group.clone();
        let done = change(&mut changed)?;
        *group = changed.clone();
        Ok((done, changed))
    }
}

//! Who a stanza is from or for: a phone number and a device. Owns the mapping between numbers, JIDs and LIDs.
//!
//! A chat is named by a number too: the ids of groups have more digits than any phone number, so one type names both, and the statuses.

use std::fmt;

use wacore_binary::{Jid, JidExt as _, Server};

/// A LID is the number behind this prefix, so that no table of LIDs has to be kept.
const LID_PREFIX: &str = "77";

/// The smallest id of a group: one digit more than the longest phone number.
const FIRST_GROUP: u64 = 1_000_000_000_000_000;
const GROUP_SUFFIX: &str = "@g.us";
const STATUS: &str = "status@broadcast";

/// A phone number in international form, digits only, or the id of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u64);

impl Number {
    /// The chat in which everybody's statuses stand.
    pub(crate) const STATUS: Self = Self(u64::MAX);

    /// Takes digits with or without a leading plus sign and separators, the id of a group with its suffix, and the name of the statuses.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == STATUS {
            return Some(Self::STATUS);
        }
        if let Some(id) = text.strip_suffix(GROUP_SUFFIX) {
            return id.parse().ok().map(Self).filter(|number| number.is_group());
        }
        let digits: String = text.chars().filter(|c| !matches!(c, '+' | ' ' | '-' | '(' | ')')).collect();
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        if !fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(Self)
    }

    pub(crate) const fn is_group(self) -> bool {
        self.0 >= FIRST_GROUP && !self.is_status()
    }

    pub(crate) const fn is_status(self) -> bool {
        self.0 == Self::STATUS.0
    }

    /// Many write in it, so that its name does not say who wrote.
    pub(crate) const fn is_shared(self) -> bool {
        self.is_group() || self.is_status()
    }

    pub(crate) fn group_from_jid(jid: &Jid) -> Option<Self> {
        (jid.server == Server::Group).then(|| jid.user.parse().ok().map(Self))?.filter(|number| number.is_group())
    }

    /// A chat of many.
    pub(crate) fn shared_from_jid(jid: &Jid) -> Option<Self> {
        if jid.is_status_broadcast() { Some(Self::STATUS) } else { Self::group_from_jid(jid) }
    }

    pub(crate) fn jid(self) -> Jid {
        if self.is_status() {
            return Jid::status_broadcast();
        }
        if self.is_group() { Jid::group(self.0.to_string()) } else { Jid::pn(self.0.to_string()) }
    }

    pub(crate) fn lid(self) -> Jid {
        Jid::lid(format!("{LID_PREFIX}{self}"))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_status() {
            return f.write_str(STATUS);
        }
        self.0.fmt(f)?;
        if self.is_group() { f.write_str(GROUP_SUFFIX) } else { Ok(()) }
    }
}

/// One device of one number; device 0 is the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) number: Number,
    pub(crate) device: u16,
}

impl Address {
    pub(crate) const fn new(number: Number, device: u16) -> Self {
        Self { number, device }
    }

    pub(crate) const fn phone(number: Number) -> Self {
        Self::new(number, 0)
    }

    /// Reads either namespace; `None` for groups, servers, broadcasts and malformed users.
    pub(crate) fn from_jid(jid: &Jid) -> Option<Self> {
        let number = match jid.server {
            Server::Pn | Server::Hosted | Server::Legacy => Number::parse(jid.user_base())?,
            Server::Lid | Server::HostedLid => Number::parse(jid.user_base().strip_prefix(LID_PREFIX)?)?,
            _ => return None,
        };
        Some(Self::new(number, jid.device))
    }

    pub(crate) fn jid(self) -> Jid {
        self.number.jid().with_device(self.device)
    }

    pub(crate) fn lid(self) -> Jid {
        self.number.lid().with_device(self.device)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.device)
    }
}

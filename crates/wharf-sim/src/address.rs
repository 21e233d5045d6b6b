//! Who a stanza is from or for: a phone number and a device. Owns the mapping between numbers, JIDs and LIDs.

use std::fmt;

use wacore_binary::{Jid, Server};

/// A LID is the number behind this prefix, so that no table of LIDs has to be kept.
const LID_PREFIX: &str = "77";

/// A phone number in international form, digits only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u64);

impl Number {
    /// Takes digits with or without a leading plus sign and separators.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !matches!(c, '+' | ' ' | '-' | '(' | ')')).collect();
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        if !fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(Self)
    }

    pub(crate) fn jid(self) -> Jid {
        Jid::pn(self.to_string())
    }

    pub(crate) fn lid(self) -> Jid {
        Jid::lid(format!("{LID_PREFIX}{self}"))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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

//! What a page is given instead of a key: whose it is, what it opens, and until when.

use std::fmt;

use wharf_api::Timestamp;
use wharf_api::ids::{KeyId, LoginId, SessionId};

/// What made a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maker {
    Key(KeyId),
    Login(LoginId),
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => id.fmt(f),
            Self::Login(id) => id.fmt(f),
        }
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub of: Maker,
    /// Whose events it opens.
    pub session: SessionId,
    pub until: Timestamp,
}

impl Grant {
    pub(crate) fn written(&self) -> String {
        format!("{} {} {}", self.of, self.session, self.until.as_millis())
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (of, session, until) = (words.next()?, words.next()?, words.next()?);
        let of = KeyId::parse(of).map(Maker::Key).or_else(|| LoginId::parse(of).map(Maker::Login))?;
        let until = Timestamp::from_millis(until.parse().ok()?);
        words.next().is_none().then_some(Self { of, session: SessionId::parse(session)?, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chance;
    use crate::chance::SystemChance;

    #[test]
    fn a_grant_is_read_as_it_was_written_and_nothing_else_is_one() {
        let chance: &dyn Chance = &SystemChance;
        for of in [Maker::Key(chance.key_id()), Maker::Login(chance.login_id())] {
            let grant = Grant { of, session: chance.session_id(), until: Timestamp::from_millis(1_767_225_600_000) };
            let text = grant.written();
            assert_eq!(Grant::read(&text).as_ref(), Some(&grant));
            for other in
                [format!("{text} "), format!("{text} 7"), text.replace("ses_", "key_"), text.replace(' ', "  "), text[1..].to_owned()]
            {
                assert_eq!(Grant::read(&other), None, "{other}");
            }
        }
        assert_eq!(Grant::read(""), None);
    }
}

//! What was found, by its kind.

use std::collections::BTreeMap;

/// How many of each kind are named.
const NAMED: usize = 5;

/// What is the matter with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something should be there and is not.
    Lost,
    /// Something is there twice.
    Doubled,
    /// It cannot be read, or names what is not there.
    Wrong,
    /// It should have gone on long ago.
    Stale,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Lost, Self::Doubled, Self::Wrong, Self::Stale];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Wrong => "wrong",
            Self::Stale => "stale",
        }
    }
}

/// All of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub count: u64,
    /// The first of them.
    pub ids: Vec<String>,
}

/// What a look through the database found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    found: BTreeMap<(Class, &'static str), Found>,
}

impl Report {
    pub fn note(&mut self, class: Class, what: &'static str, id: impl Into<String>) {
        let found = self.found.entry((class, what)).or_default();
        found.count += 1;
        if found.ids.len() < NAMED {
            found.ids.push(id.into());
        }
    }

    pub fn count(&self, class: Class) -> u64 {
        self.found.iter().filter(|((of, _), _)| *of == class).map(|(_, found)| found.count).sum()
    }

    /// Every kind of which there is one, in the order of the classes.
    pub fn kinds(&self) -> impl Iterator<Item = (Class, &'static str, &Found)> {
        self.found.iter().map(|((class, what), found)| (*class, *what, found))
    }

    /// All in one line.
    pub fn summary(&self) -> String {
        let counts: Vec<_> = Class::ALL.iter().map(|class| format!("{} {}", class.as_str(), self.count(*class))).collect();
        counts.join(", ")
    }

    /// Something is the matter that does not pass by itself.
    pub fn is_bad(&self) -> bool {
        [Class::Lost, Class::Doubled, Class::Wrong].iter().any(|class| self.count(*class) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_five_of_a_kind_are_named_all_are_counted_and_what_is_stale_alone_is_not_bad() {
        let mut report = Report::default();
        assert_eq!((report.summary().as_str(), report.is_bad()), ("lost 0, doubled 0, wrong 0, stale 0", false));
        report.note(Class::Stale, "old", "x");
        assert!(!report.is_bad());
        for number in 0..7 {
            report.note(Class::Wrong, "odd", number.to_string());
        }
        assert_eq!((report.summary().as_str(), report.is_bad()), ("lost 0, doubled 0, wrong 7, stale 1", true));
        let (class, what, found) = report.kinds().next().unwrap();
        assert_eq!((class, what, found.count, found.ids.len()), (Class::Wrong, "odd", 7, 5));
    }
}

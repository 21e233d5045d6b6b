//! The people of the network: who exists without being created, and how each behaves. One table, so that the documentation, the
//! server and the phones cannot disagree.

use crate::address::Number;

/// What the person behind a phone does when a message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Somebody who links devices; the phone is awake and never replies.
    Owner,
    /// Reads and answers with the same text.
    Echo,
    /// The phone receives; nobody reads.
    Silent,
    /// Reads about a second later.
    Reader,
    /// The phone is off until it is woken.
    Asleep,
    /// The server refuses every message to this number with this code.
    Refused(u16),
    /// The server delivers but never acknowledges.
    NeverAcked,
    /// The server answers the question whether the number is there with nonsense.
    GarbledLookup,
    /// The server never answers that question.
    UnansweredLookup,
}

impl Behaviour {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Echo => "echo",
            Self::Silent => "silent",
            Self::Reader => "reader",
            Self::Asleep => "asleep",
            Self::Refused(_) => "refused",
            Self::NeverAcked => "never-acked",
            Self::GarbledLookup => "garbled-lookup",
            Self::UnansweredLookup => "unanswered-lookup",
        }
    }
}

pub(crate) struct Person {
    pub(crate) number: u64,
    pub(crate) name: &'static str,
    pub(crate) behaviour: Behaviour,
}

/// The phone that scans when nobody says which.
pub(crate) const DEFAULT_OWNER: Number = Number(15_550_000_001);

/// The numbers of owners who were named and not numbered, from the first that is free.
pub(crate) const NAMED_OWNERS: std::ops::Range<u64> = 15_550_100_001..15_550_200_000;

pub(crate) const CAST: &[Person] = &[
    person(15_550_001_001, "Echo", Behaviour::Echo),
    person(15_550_001_002, "Silent", Behaviour::Silent),
    person(15_550_001_003, "Reader", Behaviour::Reader),
    person(15_550_001_004, "Asleep", Behaviour::Asleep),
    person(15_550_007_408, "Never acked", Behaviour::NeverAcked),
    person(15_550_007_463, "Refused 463", Behaviour::Refused(463)),
    person(15_550_007_475, "Refused 475", Behaviour::Refused(475)),
    person(15_550_007_479, "Refused 479", Behaviour::Refused(479)),
    person(15_550_007_503, "Refused 503", Behaviour::Refused(503)),
    person(15_550_007_500, "Garbled look-up", Behaviour::GarbledLookup),
    person(15_550_007_504, "Unanswered look-up", Behaviour::UnansweredLookup),
];

/// Numbers that belong to a silent contact from the first time somebody names them.
const SILENT_RANGES: &[std::ops::RangeInclusive<u64>] = &[15_550_002_000..=15_550_002_999, 15_551_000_000..=15_551_009_999];

const fn person(number: u64, name: &'static str, behaviour: Behaviour) -> Person {
    Person { number, name, behaviour }
}

/// Name and behaviour of a number that exists without a scan; `None` means not on WhatsApp.
pub(crate) fn find(number: Number) -> Option<(String, Behaviour)> {
    if let Some(person) = CAST.iter().find(|person| person.number == number.0) {
        return Some((person.name.to_owned(), person.behaviour));
    }
    SILENT_RANGES.iter().any(|range| range.contains(&number.0)).then(|| (format!("Contact {number}"), Behaviour::Silent))
}

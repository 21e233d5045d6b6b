//! The pace of a session: when the next message may go, and when the next one to somebody new. Time comes in with every question.

use std::collections::VecDeque;
use std::time::Duration;

use wharf_api::types::account::Pace;
use wharf_api::{Timestamp, limits};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
pub(in crate::session::outgoing) const DAY: Duration = Duration::from_hours(24);

#[derive(Debug)]
pub(in crate::session::outgoing) struct Pacer {
    pub(in crate::session::outgoing) plan: Pace,
    /// What went out in the last minute.
    sent: VecDeque<Timestamp>,
    /// Whom the session wrote to first in the last day.
    begun: VecDeque<(String, Timestamp)>,
    /// The pause after the last of them.
    next_contact: Option<Timestamp>,
}

impl Pacer {
    pub(in crate::session::outgoing) fn new(plan: Pace, begun: Vec<(String, Timestamp)>) -> Self {
        Self { plan, sent: VecDeque::new(), begun: begun.into(), next_contact: None }
    }

    /// A pacer with this past under another plan.
    pub(in crate::session::outgoing) fn on(&mut self, plan: Pace) -> Self {
        let (sent, begun) = (std::mem::take(&mut self.sent), std::mem::take(&mut self.begun));
        let next_contact = self.next_contact.filter(|_| plan.stranger_jitter_seconds.is_some());
        Self { plan, sent, begun, next_contact }
    }

    /// Nobody knows what went out in the last minute, only that it was as much as may.
    pub(super) fn assume_full(&mut self, now: Timestamp) {
        let limit = self.plan.messages_per_minute.unwrap_or(0);
        self.sent = (0..limit).map(|_| now).collect();
    }

    /// As how many messages one for so many people counts: a status asks for the keys of all of them. One for more than a minute's worth
    /// fills the minute.
    pub(in crate::session::outgoing) fn cost(&self, people: usize) -> usize {
        let most = self.plan.messages_per_minute.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        people.div_ceil(limits::PACE_STATUS_PEOPLE).clamp(1, most.max(1))
    }

    /// When a message of this cost may go behind others of the cost `ahead`; `None` is now.
    pub(super) fn message_at(&mut self, ahead: usize, cost: usize, now: Timestamp) -> Option<Timestamp> {
        let limit = usize::try_from(self.plan.messages_per_minute?).unwrap_or(usize::MAX);
        while self.sent.front().is_some_and(|at| *at + MINUTE <= now) {
            self.sent.pop_front();
        }
        let over = (self.sent.len() + ahead + cost).checked_sub(limit.checked_add(1)?)?;
        Some(self.sent.get(over).map_or(now, |at| *at) + MINUTE)
    }

    /// Whether it matters who is new.
    pub(super) const fn counts_contacts(&self) -> bool {
        let plan = &self.plan;
        plan.new_contacts_per_hour.is_some() || plan.new_contacts_per_day.is_some() || plan.stranger_jitter_seconds.is_some()
    }

    /// When somebody new may be written to; `None` is now.
    pub(super) fn contact_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        while self.begun.front().is_some_and(|(_, at)| *at + DAY <= now) {
            self.begun.pop_front();
        }
        let free = |limit: Option<u64>, window: Duration| {
            let limit = usize::try_from(limit?).unwrap_or(usize::MAX);
            let (_, at) = self.begun.get(self.begun.len().checked_sub(limit)?)?;
            Some(*at + window)
        };
        let pace = [free(self.plan.new_contacts_per_hour, HOUR), free(self.plan.new_contacts_per_day, DAY), self.next_contact];
        pace.into_iter().flatten().filter(|at| *at > now).max()
    }

    /// Whether the chat was begun in the last day: another message in it begins nothing.
    pub(in crate::session::outgoing) fn has_begun(&self, chat: &str) -> bool {
        self.begun.iter().any(|(begun, _)| begun == chat)
    }

    pub(in crate::session::outgoing) fn sends(&mut self, cost: usize, now: Timestamp) {
        if self.plan.messages_per_minute.is_some() {
            self.sent.extend(std::iter::repeat_n(now, cost));
        }
    }

    pub(in crate::session::outgoing) fn begins(&mut self, chat: &str, now: Timestamp, pause: Duration) {
        if self.plan.new_contacts_per_hour.is_some() || self.plan.new_contacts_per_day.is_some() {
            self.begun.push_back((chat.to_owned(), now));
        }
        self.next_contact = Some(now + pause);
    }

    /// When the pause after the last new contact is over.
    pub(super) fn pause_ends(&self) -> Option<Timestamp> {
        self.next_contact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1_000)
    }

    fn pacer(change: impl FnOnce(&mut Pace)) -> Pacer {
        let mut plan = Pace::OFF;
        change(&mut plan);
        Pacer::new(plan, Vec::new())
    }

    #[test]
    fn as_many_messages_as_the_plan_says_go_in_any_minute_and_one_more_waits_for_the_first_to_be_a_minute_old() {
        let mut pacer = pacer(|plan| plan.messages_per_minute = Some(2));
        pacer.sends(1, at(0));
        assert_eq!(pacer.message_at(0, 1, at(10)), None, "at the limit");
        assert_eq!(pacer.message_at(1, 1, at(10)), Some(at(60)), "one past it");
        pacer.sends(1, at(10));
        assert_eq!(pacer.message_at(0, 1, at(59)), Some(at(60)));
        assert_eq!(pacer.message_at(1, 1, at(59)), Some(at(70)));
        assert_eq!(pacer.message_at(0, 1, at(60)), None);
    }

    #[test]
    fn a_status_counts_by_the_people_whom_it_is_for_and_one_for_too_many_has_a_minute_of_its_own() {
        let mut pacer = pacer(|plan| plan.messages_per_minute = Some(4));
        assert_eq!([0, 1, 50, 51, 150, 1_000].map(|people| pacer.cost(people)), [1, 1, 1, 2, 3, 4]);
        pacer.sends(1, at(0));
        assert_eq!(pacer.message_at(0, 3, at(1)), None, "at the limit");
        assert_eq!(pacer.message_at(0, 4, at(1)), Some(at(60)), "one past it");
        assert_eq!(pacer.message_at(1, 3, at(1)), Some(at(60)), "behind another");
        assert_eq!(pacer.message_at(0, 4, at(60)), None);
        pacer.sends(4, at(60));
        assert_eq!(pacer.message_at(0, 1, at(119)), Some(at(120)));
    }

    #[test]
    fn new_contacts_have_a_limit_by_the_hour_and_one_by_the_day_and_a_pause_between() {
        let mut pacer = pacer(|plan| (plan.new_contacts_per_hour, plan.new_contacts_per_day) = (Some(2), Some(3)));
        let pause = Duration::from_secs(4);
        pacer.begins("a", at(0), pause);
        assert_eq!(pacer.contact_at(at(3)), Some(at(4)), "the pause");
        assert_eq!(pacer.contact_at(at(4)), None);
        pacer.begins("b", at(4), pause);
        assert_eq!(pacer.contact_at(at(100)), Some(at(3_600)), "two in an hour");
        assert_eq!(pacer.contact_at(at(3_600)), None);
        pacer.begins("c", at(3_600), pause);
        assert_eq!(pacer.contact_at(at(9_000)), Some(at(86_400)), "three in a day");
        assert_eq!(pacer.contact_at(at(86_400)), None);
        assert!(pacer.has_begun("c") && !pacer.has_begun("a"));
    }

    #[test]
    fn without_limits_everything_goes_at_once_and_a_restart_goes_on_with_what_was_begun() {
        let mut free = pacer(|_| {});
        free.sends(1, at(0));
        free.begins("a", at(0), Duration::ZERO);
        assert_eq!((free.message_at(1_000, 1, at(0)), free.contact_at(at(0))), (None, None));
        let plan = Pace { new_contacts_per_hour: Some(1), messages_per_minute: Some(1), ..Pace::OFF };
        let mut recalled = Pacer::new(plan, vec![("a".to_owned(), at(0))]);
        assert_eq!(recalled.contact_at(at(1)), Some(at(3_600)));
        recalled.assume_full(at(1));
        assert_eq!(recalled.message_at(0, 1, at(2)), Some(at(61)));
    }
}

//! The bounds of what a plan may grant.

use wharf_api::{ApiError, ErrorCode, limits};

use crate::store::Plan;

/// A member of a plan that is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {}", self.reason())]
pub struct OutOfBounds {
    /// The member as the API names it.
    pub field: &'static str,
    pub min: u64,
    pub max: u64,
    /// What was given; of a pair the larger one.
    pub actual: u64,
    /// Whether two numbers were given.
    pub pair: bool,
}

impl OutOfBounds {
    fn reason(&self) -> String {
        let Self { min, max, .. } = self;
        if self.pair {
            format!("two numbers from {min} to {max} are expected, the smaller one first")
        } else {
            format!("a number from {min} to {max} is expected")
        }
    }
}

impl From<&OutOfBounds> for ApiError {
    fn from(bad: &OutOfBounds) -> Self {
        Self::new(ErrorCode::InvalidRequest).reason(bad.reason()).field(bad.field).limit(bad.max, bad.actual)
    }
}

/// Refuses a plan with a number that no plan may have.
pub(super) fn check(plan: &Plan) -> Result<(), OutOfBounds> {
    let most = limits::PLAN_LIMIT_MAX;
    within("messagesPerDay", 0, most, plan.messages_per_day)?;
    within("callsPerMinute", 1, most, Some(plan.calls_per_minute))?;
    within("sessions", 0, most, plan.sessions)?;
    within("concurrentRequests", 1, most, Some(plan.concurrent_requests))?;
    within("eventDays", 1, limits::EVENT_DAYS_MAX, Some(plan.event_days))?;
    within("messageDays", 1, limits::MESSAGE_DAYS_MAX, plan.message_days)?;
    within("mediaDays", 1, limits::MEDIA_DAYS_MAX, Some(plan.media_days))?;
    within("mediaBytes", 0, limits::PLAN_BYTES_MAX, plan.media_bytes)?;
    within("pace.messagesPerMinute", 1, most, plan.pace.messages_per_minute)?;
    within("pace.newContactsPerHour", 1, most, plan.pace.new_contacts_per_hour)?;
    within("pace.newContactsPerDay", 1, most, plan.pace.new_contacts_per_day)?;
    from_to("pace.strangerJitterSeconds", plan.pace.stranger_jitter_seconds)?;
    from_to("pace.typingSeconds", plan.pace.typing_seconds)
}

/// Nothing is without limit.
fn within(field: &'static str, min: u64, max: u64, given: Option<u64>) -> Result<(), OutOfBounds> {
    match given {
        Some(actual) if !(min..=max).contains(&actual) => Err(OutOfBounds { field, min, max, actual, pair: false }),
        _ => Ok(()),
    }
}

fn from_to(field: &'static str, seconds: Option<[u64; 2]>) -> Result<(), OutOfBounds> {
    let max = limits::PACE_SECONDS_MAX;
    match seconds {
        Some([from, to]) if from > to || to > max => Err(OutOfBounds { field, min: 0, max, actual: from.max(to), pair: true }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::types::account::{Pace, PutPlan};

    use super::*;

    fn plan() -> Plan {
        let bare = serde_json::json!({ "callsPerMinute": 1, "concurrentRequests": 1 });
        Plan::wanted("p", serde_json::from_value::<PutPlan>(bare).unwrap())
    }

    #[test]
    fn each_bound_is_good_and_the_number_beyond_it_is_refused_by_its_name() {
        type Set = fn(&mut Plan, u64);
        let most = limits::PLAN_LIMIT_MAX;
        let table: [(&str, u64, u64, Set); 11] = [
            ("messagesPerDay", 0, most, |plan, n| plan.messages_per_day = Some(n)),
            ("callsPerMinute", 1, most, |plan, n| plan.calls_per_minute = n),
            ("sessions", 0, most, |plan, n| plan.sessions = Some(n)),
            ("concurrentRequests", 1, most, |plan, n| plan.concurrent_requests = n),
            ("eventDays", 1, limits::EVENT_DAYS_MAX, |plan, n| plan.event_days = n),
            ("messageDays", 1, limits::MESSAGE_DAYS_MAX, |plan, n| plan.message_days = Some(n)),
            ("mediaDays", 1, limits::MEDIA_DAYS_MAX, |plan, n| plan.media_days = n),
            ("mediaBytes", 0, limits::PLAN_BYTES_MAX, |plan, n| plan.media_bytes = Some(n)),
            ("pace.messagesPerMinute", 1, most, |plan, n| plan.pace.messages_per_minute = Some(n)),
            ("pace.newContactsPerHour", 1, most, |plan, n| plan.pace.new_contacts_per_hour = Some(n)),
            ("pace.newContactsPerDay", 1, most, |plan, n| plan.pace.new_contacts_per_day = Some(n)),
        ];
        for (field, min, max, set) in table {
            let tried = |number| {
                let mut plan = plan();
                set(&mut plan, number);
                check(&plan)
            };
            assert_eq!((tried(min), tried(max)), (Ok(()), Ok(())), "{field}");
            assert_eq!(tried(max + 1), Err(OutOfBounds { field, min, max, actual: max + 1, pair: false }));
            if min > 0 {
                assert_eq!(tried(min - 1).unwrap_err().field, field);
            }
        }
    }

    #[test]
    fn a_pair_begins_with_the_smaller_number() {
        let tried = |pair| check(&Plan { pace: Pace { typing_seconds: Some(pair), ..Pace::OFF }, ..plan() });
        let max = limits::PACE_SECONDS_MAX;
        assert_eq!((tried([0, 0]), tried([max, max])), (Ok(()), Ok(())));
        for bad in [[2, 1], [0, max + 1]] {
            assert_eq!(tried(bad).unwrap_err().actual, bad[0].max(bad[1]));
        }
    }

    #[test]
    fn what_a_request_leaves_out_is_the_default_and_no_limit() {
        let plan = plan();
        assert_eq!((plan.event_days, plan.media_days, plan.messages_per_day), (limits::EVENT_DAYS, limits::MEDIA_DAYS, None));
        assert_eq!((plan.pace, plan.message_days), (Pace::default(), None), "messages are kept for ever");
    }
}

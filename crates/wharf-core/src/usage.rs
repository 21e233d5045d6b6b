//! What is counted while calls are answered: in memory, and written down every few seconds.

pub(crate) mod counter;

use std::collections::BTreeMap;

use serde_json::json;
use wharf_api::Timestamp;
use wharf_api::ids::AccountId;
use wharf_api::types::account::{Day, Usage, Used};
use wharf_api::types::event::EventKind;

use crate::services::Services;
use crate::store::{self, Answers, NewEvent};

pub use counter::Counter;

/// How many UTC days a usage report has.
const DAYS: i64 = 30;

/// How much of the day's messages is used when a warning is given, in per cent.
const WARNINGS: [u64; 2] = [80, 100];

/// A part of the day's messages is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    pub percent: u64,
    used: u64,
    limit: u64,
    reset_at: Timestamp,
}

/// The warnings that are due once `used` messages of a day are accepted; `warned` is the largest that was given that day.
pub fn warnings(used: u64, limit: u64, warned: u64, at: Timestamp) -> Vec<Warning> {
    let due = WARNINGS.into_iter().filter(|percent| *percent > warned && used.saturating_mul(100) >= limit.saturating_mul(*percent));
    due.map(|percent| Warning { percent, used, limit, reset_at: at.next_utc_day() }).collect()
}

impl From<&Warning> for NewEvent {
    fn from(warning: &Warning) -> Self {
        let Warning { percent, used, limit, reset_at } = warning;
        let data = json!({"metric": "messages", "percent": percent, "used": used, "limit": limit, "resetAt": reset_at});
        Self::new(EventKind::UsageWarning, &data)
    }
}

/// Writes down what was counted. What cannot be written is kept for the next time; the last use of a key is not.
pub async fn flush(services: &Services) -> Result<(), store::Error> {
    services.calls.tidy(services.clock.steady());
    let now = services.clock.now();
    let mut failed = None;
    for (account, days) in services.used.take_answers() {
        let answers: Vec<_> = days.into_iter().map(|((utc_day, code), count)| Answers { utc_day, code, count }).collect();
        if let Err(error) = services.store.add_answers(&account, &answers).await {
            services.used.put_back(&account, &answers);
            failed = Some(error);
        }
    }
    for (account, keys) in services.used.take_keys(now) {
        services.store.touch_keys(&account, &keys).await?;
    }
    failed.map_or(Ok(()), Err)
}

/// What the account used today and in the last 30 days.
pub async fn report(services: &Services, account: &AccountId) -> Result<Usage, store::Error> {
    let now = services.clock.now();
    let (today, since) = (now.utc_day(), now.utc_day() - (DAYS - 1));
    let days = used_since(services, account, since).await?;
    let mut total = Used::default();
    for used in days.values() {
        add(&mut total, used);
    }
    let today = day(today, days.get(&today).cloned().unwrap_or_default());
    let days = days.into_iter().rev().map(|(number, used)| day(number, used)).collect();
    let media_bytes = services.store.media_bytes(account).await?;
    Ok(Usage { today, last30_days: total, days, media_bytes, reset_at: now.next_utc_day() })
}

/// All that the account ever used, day by day, the first one first; days without use are left out.
pub async fn days(services: &Services, account: &AccountId) -> Result<Vec<Day>, store::Error> {
    Ok(used_since(services, account, 0).await?.into_iter().map(|(number, used)| day(number, used)).collect())
}

async fn used_since(services: &Services, account: &AccountId, since: i64) -> Result<BTreeMap<i64, Used>, store::Error> {
    let mut days: BTreeMap<i64, Used> = BTreeMap::new();
    for (day, messages) in services.store.messages_since(account, since).await? {
        days.entry(day).or_default().messages = messages;
    }
    for answers in services.store.answers_since(account, since).await? {
        add(
            days.entry(answers.utc_day).or_default(),
            &Used {
                messages: 0,
                calls: answers.count,
                errors: answers.code.map(|code| (code.name().to_owned(), answers.count)).into_iter().collect(),
            },
        );
    }
    Ok(days)
}

fn add(to: &mut Used, more: &Used) {
    to.messages += more.messages;
    to.calls += more.calls;
    for (code, count) in &more.errors {
        *to.errors.entry(code.clone()).or_default() += count;
    }
}

fn day(number: i64, used: Used) -> Day {
    let date = Timestamp::from_utc_day(number).to_string().chars().take("2026-11-23".len()).collect();
    Day { date, used }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_due_when_its_line_is_crossed_and_once() {
        let due = |used, limit, warned| -> Vec<u64> {
            warnings(used, limit, warned, Timestamp::from_millis(0)).iter().map(|warning| warning.percent).collect()
        };
        assert!(due(79, 100, 0).is_empty());
        assert_eq!(due(80, 100, 0), [80]);
        assert!(due(81, 100, 80).is_empty());
        assert_eq!(due(100, 100, 80), [100]);
        assert_eq!(due(1, 1, 0), [80, 100]);
        assert!(due(100, 100, 100).is_empty());
    }
}

//! The log of events: every one can be read, and each session's numbers follow each other.

use std::collections::HashMap;

use serde_json::Value;
use wharf_api::types::event::EventKind;
use wharf_core::store::Error;

use super::{Class, Inspection, PAGE, Report};
use crate::event::{self, kind_of, of_message, told_by};
use crate::sql::{Sql, args, spelled, statements};

macro_rules! events {
    (sqlite) => {
        concat!(
            "SELECT number, COALESCE(id, at + late), CAST(account AS TEXT), CAST(session AS TEXT), sequence, ",
            kind_of!(sqlite, "events"),
            ", COALESCE((SELECT s.id FROM sessions s WHERE s.number = events.session), ''), CASE typeof(data) WHEN 'integer' THEN ",
            of_message!("data"),
            " ELSE data END, CASE WHEN data = '' THEN (SELECT ",
            kind_of!(sqlite, "n"),
            " FROM events n WHERE n.number = events.number + 1 AND n.session = events.session) END \
             FROM events WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3"
        )
    };
    (postgres) => {
        "SELECT number, id, account_id, session_id, sequence, kind, session_id, data, CAST(NULL AS TEXT) \
         FROM events WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3"
    };
}
/// One that leaves what it tells to the event behind it comes with that one's kind.
const EVENTS: Sql = spelled!("EVENTS", events);
pub(super) const BY_HAND: &[Sql] = &[EVENTS];

statements! {
    IS_EVENT = "SELECT 1 FROM events WHERE number = $1";
    WHOLE = "SELECT COALESCE(MAX(number), 0) FROM events";
}

impl Inspection {
    pub(super) async fn events(&self, report: &mut Report) -> Result<(), Error> {
        // Above the horizon a smaller number may still appear.
        let newest = self.readers.first(&WHOLE, &[]).await?.map_or(Ok(0), |mut row| row.int())?;
        let until = self.horizon.now(&self.readers).await?.number.min(newest);
        // Of each session, and of each account by itself: the number of the last event, and its place in the log.
        let mut last: HashMap<(String, String), (i64, i64)> = HashMap::new();
        let mut after = 0;
        loop {
            let rows = self.readers.fetch(&EVENTS, args![after, until, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                let number = row.int()?;
                // One that is none is told as nothing, and its event read on.
                let id = event::id(&mut row, number, self.event_ids.as_ref()).map_or(String::new(), |id| id.to_string());
                let (of, sequence) = ((row.text()?, row.text()?), row.int()?);
                let (kind, session) = (EventKind::parse(&row.text()?), row.text()?);
                let (data, behind) = (told_by(&mut row, &session), row.opt_text()?);
                after = number;
                // Whether that one can be read is its own matter.
                let over_it = behind.and_then(|behind| EventKind::parse(&behind)).and_then(EventKind::umbrella);
                let is_told = (over_it.is_some() && over_it == kind) || data.is_ok_and(|data| is_object(&data.unwrap_or_default()));
                let reads_back = kind.is_some() && is_told;
                if !reads_back {
                    report.note(Class::Wrong, "events that cannot be read", id.clone());
                }
                let before = last.insert(of, (sequence, number));
                match before {
                    Some((before, _)) if sequence <= before => report.note(Class::Doubled, "events of one number in one session", id),
                    // What is old goes from the front, and may do so while we read.
                    Some((before, place)) if sequence > before + 1 && self.readers.first(&IS_EVENT, args![place]).await?.is_some() => {
                        report.note(Class::Lost, "gaps in the numbers of a session's events, before", id);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn is_object(json: &str) -> bool {
    serde_json::from_str::<Value>(json).is_ok_and(|data| data.is_object())
}

//! Messages, with what hangs on each.

use std::collections::HashMap;

use wharf_api::ids::{AccountId, MediaId, MessageId};
use wharf_api::types::media::MediaStatus;
use wharf_api::{Timestamp, time};
use wharf_core::store::{CLAIM_LIMIT, Error, MessageRow, TRY_LIMIT};

use super::{Class, IS_MEDIA, Inspection, PAGE, Report};
use crate::message::{message, message_columns};
use crate::owner;
use crate::sql::{Row, args, statements};

statements! {
    /// What hangs on a message comes first: its own cells may be unreadable.
    PAGE_OF = concat!(
        "SELECT number, id, session_id, wa_id, status, direction, expires_at, \
        CAST(CASE WHEN (direction = 'outgoing' AND EXISTS (SELECT 1 FROM messages t WHERE t.session_id = messages.session_id \
        AND t.wa_id = messages.wa_id AND t.direction = 'outgoing' AND t.number < messages.number)) OR (direction = 'incoming' \
        AND EXISTS (SELECT 1 FROM messages t WHERE t.session_id = messages.session_id AND t.wa_id = messages.wa_id \
        AND t.direction = 'incoming' AND t.number < messages.number)) THEN 1 ELSE 0 END AS BIGINT), \
        (SELECT s.deleted FROM sessions s WHERE s.id = messages.session_id), \
        (SELECT o.payload FROM outgoing o WHERE o.message = messages.number), \
        (SELECT o.audience FROM outgoing o WHERE o.message = messages.number), \
        (SELECT o.claimed_at FROM outgoing o WHERE o.message = messages.number), \
        CAST(CASE WHEN EXISTS (SELECT 1 FROM session_owner o JOIN node_lease l ON l.node = o.node \
        WHERE o.session_id = messages.session_id AND l.expires_at > $3) THEN 1 ELSE 0 END AS BIGINT), ",
        message_columns!(), " FROM messages WHERE number > $1 ORDER BY number LIMIT $2"
    );
    ONE = concat!("SELECT ", message_columns!(), " FROM messages WHERE id = $1");
    IS_FETCHED = "SELECT 1 FROM media_fetches WHERE media_id = $1";
    DAYS = "SELECT p.media_days FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.id = $1";
}

/// What hangs on a message.
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct Around {
    number: i64,
    id: String,
    session: String,
    wa_id: String,
    queued: bool,
    outgoing: bool,
    expires_at: Option<Timestamp>,
    doubled: bool,
    /// Of its session; none where there is no such session.
    deleted: Option<bool>,
    payload: Option<Vec<u8>>,
    audience: Option<String>,
    claimed_at: Option<Timestamp>,
    owned: bool,
}

fn around(row: &mut Row) -> Result<Around, Error> {
    Ok(Around {
        number: row.int()?,
        id: row.text()?,
        session: row.text()?,
        wa_id: row.text()?,
        queued: row.text()? == "queued",
        outgoing: row.text()? == "outgoing",
        expires_at: row.opt_time()?,
        doubled: row.flag()?,
        deleted: row.opt_int()?.map(|deleted| deleted != 0),
        payload: row.opt_bytes()?,
        audience: row.opt_text()?,
        claimed_at: row.opt_time()?,
        owned: row.flag()?,
    })
}

impl Inspection {
    pub(super) async fn messages(
        &self,
        now: Timestamp,
        served: bool,
        reads_back: &impl Fn(&str, &str, &[u8]) -> bool,
        report: &mut Report,
    ) -> Result<(), Error> {
        let alive = owner::told(self.readers.first(&owner::CLOCK, args![now]).await?)?;
        let (mut after, mut days) = (0, HashMap::new());
        loop {
            let rows = self.readers.fetch(&PAGE_OF, args![after, PAGE, alive]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                let around = around(&mut row)?;
                after = around.number;
                judge(&around, now, served, reads_back, report);
                match message(&mut row) {
                    Ok((_, message)) => self.file_of(&message, now, &mut days, report).await?,
                    Err(Error::Corrupt(_)) => report.note(Class::Wrong, "messages that cannot be read", around.id),
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Whether the file of a message is there, or is on its way.
    async fn file_of(
        &self,
        message: &MessageRow,
        now: Timestamp,
        days: &mut HashMap<AccountId, i64>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let Some(media) = message.content.media() else { return Ok(()) };
        let (id, state) = (&media.media_id, media.media_status);
        if state == MediaStatus::Failed || self.is_known(id, state).await? {
            return Ok(());
        }
        // It may have come, or gone, since the page was read.
        if self.is_changed(&message.id, state).await? {
            return Ok(());
        }
        if state == MediaStatus::Pending {
            report.note(Class::Lost, "messages whose file nobody fetches", message.id.as_str());
            return Ok(());
        }
        let stays = if let Some(days) = days.get(&message.account) {
            *days
        } else {
            let found = self.readers.first(&DAYS, args![&message.account]).await?.map_or(Ok(0), |mut row| row.int())?;
            days.insert(message.account.clone(), found);
            found
        };
        // Files go when their time is over, their messages stay.
        if message.created_at + time::days(u64::try_from(stays).unwrap_or(0)) > now {
            report.note(Class::Wrong, "messages that name a file without a row", message.id.as_str());
        }
        Ok(())
    }

    async fn is_known(&self, id: &MediaId, state: MediaStatus) -> Result<bool, Error> {
        let sql = if state == MediaStatus::Pending { &IS_FETCHED } else { &IS_MEDIA };
        Ok(self.readers.first(sql, args![id]).await?.is_some())
    }

    async fn is_changed(&self, id: &MessageId, state: MediaStatus) -> Result<bool, Error> {
        let Some(mut row) = self.readers.first(&ONE, args![id]).await? else { return Ok(true) };
        let (_, message) = message(&mut row)?;
        Ok(message.content.media().is_none_or(|media| media.media_status != state))
    }
}

fn judge(around: &Around, now: Timestamp, served: bool, reads_back: &impl Fn(&str, &str, &[u8]) -> bool, report: &mut Report) {
    let mut note = |class, what| report.note(class, what, around.id.clone());
    if around.doubled {
        note(Class::Doubled, "messages of one WhatsApp id in one session and direction");
    }
    if around.deleted.is_none() {
        note(Class::Wrong, "messages without a session");
    }
    if around.payload.as_ref().is_some_and(|payload| !reads_back(&around.session, &around.wa_id, payload))
        || around.audience.as_ref().is_some_and(|audience| serde_json::from_str::<Vec<String>>(audience).is_err())
    {
        note(Class::Wrong, "messages whose payload cannot be read");
    }
    if !around.queued || around.deleted == Some(true) {
        return;
    }
    if around.outgoing && around.payload.is_none() {
        note(Class::Lost, "queued messages without a payload");
    }
    let long_ago = now - TRY_LIMIT - CLAIM_LIMIT;
    if around.expires_at.is_none_or(|until| until < long_ago) {
        note(Class::Stale, "messages that are queued long after their time");
    }
    if served && !around.owned && around.claimed_at.is_some_and(|at| at < long_ago) {
        note(Class::Stale, "messages that were claimed long ago, in sessions that nobody owns");
    }
}

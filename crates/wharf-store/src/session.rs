//! Sessions.

pub(crate) mod row;

use async_trait::async_trait;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::store::{
    Created, Error, Fence, Inserted, LinkChange, NewSession, Page, PageRequest, SessionChange, SessionRow, SessionStore, WebhookRow,
};

use crate::lane::{Place, Sessions};
use crate::sql::{Tx, args, corrupt, page, statements};
use crate::store::SqlStore;
use crate::{event, hold, idempotency, message, owner, vault, webhook};

pub(crate) use row::{columns, is_awake, session};

statements! {
    /// Two requests for the last free place wait for each other.
    LOCK_ACCOUNT = "SELECT 1 FROM accounts WHERE id = $1", lock "FOR UPDATE";
    COUNT = "SELECT COUNT(*) FROM sessions WHERE account_id = $1 AND deleted = 0";
    INSERT = "INSERT INTO sessions (id, account_id, name, status, created_at, status_at, proxy, event_sequence, deleted) \
        VALUES ($1, $2, $3, $4, $5, $5, $6, 0, 0)";
    PROXY = "SELECT proxy FROM sessions WHERE id = $1 AND deleted = 0";
    FIND = concat!("SELECT ", columns!(), " FROM sessions WHERE account_id = $1 AND id = $2 AND deleted = 0");
    LIST = concat!(
        "SELECT ", columns!(), " FROM sessions WHERE account_id = $1 AND deleted = 0 AND number > $2 ORDER BY number LIMIT $3"
    );
    LIST_LINKED = concat!(
        "SELECT ", columns!(), " FROM sessions WHERE jid IS NOT NULL AND deleted = 0 AND ", is_awake!("sessions"), " ORDER BY number"
    );
    LIST_IN_PAIRING = concat!(
        "SELECT id FROM sessions WHERE jid IS NULL AND deleted = 0 AND status IN ('starting', 'qr', 'connecting') \
        AND EXISTS (SELECT 1 FROM vault v WHERE v.session_id = sessions.id AND v.space = 'device') AND ", is_awake!("sessions"),
        " ORDER BY number"
    );
    CHANGE = "UPDATE sessions SET name = COALESCE($3, name), proxy = CASE WHEN $4 = 1 THEN $5 ELSE proxy END \
        WHERE account_id = $1 AND id = $2 AND deleted = 0";
    DELETE = "UPDATE sessions SET deleted = 1, jid = NULL, lid = NULL, push_name = NULL, proxy = NULL WHERE account_id = $1 AND id = $2 AND deleted = 0";
    LINKED_TO = "SELECT jid FROM sessions WHERE id = $1";
    IS_RECORDED = "SELECT 1 FROM sessions WHERE id = $1 AND link_change = $2";
    /// A reason says why a session is disconnected, so it goes with that status.
    LINK = "UPDATE sessions SET status_at = CASE WHEN status = $2 THEN status_at ELSE $3 END, status = $2, \
        reason = CASE WHEN $2 = 'disconnected' THEN COALESCE($4, reason) END, \
        jid = CASE WHEN $8 = 1 THEN NULL ELSE COALESCE($5, jid) END, \
        lid = CASE WHEN $8 = 1 THEN NULL ELSE COALESCE($6, lid) END, \
        push_name = CASE WHEN $8 = 1 THEN NULL ELSE COALESCE($7, push_name) END, \
        refusal = CASE WHEN $2 = 'connected' THEN NULL WHEN $2 = 'qr' THEN $9 ELSE COALESCE($9, refusal) END, \
        link_change = COALESCE($10, link_change), \
        number_since = CASE WHEN CAST($11 AS TEXT) IS NOT NULL AND CAST($11 AS TEXT) <> COALESCE(last_number, '') THEN $3 ELSE number_since END, \
        others_until = CASE WHEN CAST($11 AS TEXT) <> last_number THEN (SELECT COALESCE(MAX(number), 0) FROM messages) ELSE others_until END, \
        last_number = COALESCE(CAST($11 AS TEXT), last_number) \
        WHERE id = $1 AND deleted = 0";
}

async fn insert(tx: &mut Tx, new: &NewSession) -> Result<Created, Error> {
    if let Some(claim) = &new.claim
        && !idempotency::claim(tx, &new.account, claim, new.id.as_str(), new.at).await?
    {
        // Nothing was written.
        return Ok(Created::ClaimedBefore);
    }
    if let Some(limit) = new.limit {
        tx.fetch(&LOCK_ACCOUNT, args![&new.account]).await?;
        let row = tx.first(&COUNT, args![&new.account]).await?;
        let sessions = row.ok_or_else(|| corrupt("a count without a row"))?.count()?;
        if sessions >= limit {
            tx.discard();
            return Ok(Created::LimitReached { sessions });
        }
    }
    tx.execute(&INSERT, args![&new.id, &new.account, &new.name, SessionStatus::Starting.as_str(), new.at, new.proxy.as_deref()]).await?;
    if let Some(row) = &new.webhook {
        let row = WebhookRow { session: Some(new.id.clone()), ..row.clone() };
        if let Inserted::LimitReached { webhooks } = webhook::insert(tx, &row, new.webhook_limit).await? {
            tx.discard();
            return Ok(Created::WebhookLimitReached { webhooks });
        }
    }
    Ok(Created::Now)
}

impl SqlStore {
    async fn read_session(&self, account: &AccountId, id: &SessionId) -> Result<Option<SessionRow>, Error> {
        let row = self.readers.first(&FIND, args![account, id]).await?;
        row.map(|mut row| session(&mut row).map(|(_, session)| session)).transpose()
    }

    /// The session as it is known, or as it is read now and known from then on.
    async fn known_session(&self, known: &Sessions, account: &AccountId, id: &SessionId) -> Result<Option<SessionRow>, Error> {
        match known.find(id) {
            Ok(row) => Ok(Some(row).filter(|row| row.account == *account)),
            Err(changes) => {
                let row = self.read_session(account, id).await?;
                if let Some(row) = &row {
                    known.keep(id.clone(), row.clone(), changes);
                }
                Ok(row)
            }
        }
    }
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn insert_session(&self, session: &NewSession) -> Result<Created, Error> {
        let new = session.clone();
        self.write(Place::shared(&session.account, &session.id), move |tx| Box::pin(async move { insert(tx, &new).await })).await
    }

    async fn find_session(&self, account: &AccountId, id: &SessionId) -> Result<Option<SessionRow>, Error> {
        match &self.sessions {
            Some(sessions) => self.known_session(sessions, account, id).await,
            None => self.read_session(account, id).await,
        }
    }

    async fn recall_session(&self, account: &AccountId, id: &SessionId) -> Result<Option<SessionRow>, Error> {
        match &self.recalled {
            Some(recalled) => self.known_session(recalled, account, id).await,
            None => self.find_session(account, id).await,
        }
    }

    async fn list_sessions(&self, account: &AccountId, request: PageRequest) -> Result<Page<SessionRow>, Error> {
        let rows = self.readers.fetch(&LIST, args![account, request.after.unwrap_or(0), page::fetch(request)]).await?;
        page::cut(rows, request, session)
    }

    async fn update_session(&self, account: &AccountId, id: &SessionId, change: &SessionChange) -> Result<bool, Error> {
        let (owner, session, change) = (account.clone(), id.clone(), change.clone());
        self.write(Place::session(account, id), move |tx| {
            Box::pin(async move {
                let proxy = change.proxy.as_ref().and_then(Option::as_deref);
                Ok(tx.execute(&CHANGE, args![&owner, &session, &change.name, change.proxy.is_some(), proxy]).await? > 0)
            })
        })
        .await
    }

    async fn delete_session(&self, account: &AccountId, id: &SessionId) -> Result<bool, Error> {
        self.give_up_in_parts(account, id, message::Ending::All).await?;
        let (owner, session) = (account.clone(), id.clone());
        let deleted = self
            .write(Place::session(account, id), move |tx| {
                Box::pin(async move {
                    // The owner's row first, as in every fenced write. Another
                    // account's session is put back below.
                    owner::retire(tx, &session).await?;
                    if tx.execute(&DELETE, args![&owner, &session]).await? == 0 {
                        tx.discard();
                        return Ok(false);
                    }
                    message::give_up_queued(tx, &session).await?;
                    hold::lift_all(tx, &session).await?;
                    event::forget_notices(tx, &session).await?;
                    vault::wipe(tx, &session).await?;
                    Ok(true)
                })
            })
            .await?;
        if deleted {
            self.drop_payloads(account, id).await?;
        }
        Ok(deleted)
    }

    async fn session_proxy(&self, id: &SessionId) -> Result<Option<Vec<u8>>, Error> {
        match self.readers.first(&PROXY, args![id]).await? {
            Some(mut row) => row.opt_bytes(),
            None => Ok(None),
        }
    }

    async fn list_linked_sessions(&self) -> Result<Vec<SessionRow>, Error> {
        let rows = self.readers.fetch(&LIST_LINKED, &[]).await?;
        page::each(rows, "a linked session", |row| session(row).map(|(_, session)| session))
    }

    async fn list_sessions_in_pairing(&self) -> Result<Vec<SessionId>, Error> {
        let rows = self.readers.fetch(&LIST_IN_PAIRING, &[]).await?;
        rows.into_iter().map(|mut row| row.parsed("a session's id", SessionId::parse)).collect()
    }

    async fn record_link_once(&self, fence: &Fence, change: &LinkChange, mark: Option<&str>) -> Result<(), Error> {
        if change.unlink || change.jid.is_some() {
            let jid = change.jid.as_ref().filter(|_| !change.unlink);
            // Mostly it is the account that it was. Then nothing is given up, and a queue that may be long is not gone through.
            let before = self.readers.first(&LINKED_TO, args![&fence.session]).await?;
            let before = before.map(|mut row| row.opt_text()).transpose()?.flatten();
            if before.as_ref() != jid {
                self.give_up_in_parts(&fence.account, &fence.session, message::Ending::OfOthers(fence, jid)).await?;
            }
        }
        let (owned, change, mark) = (fence.clone(), change.clone(), mark.map(str::to_owned));
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                if mark.is_some() && tx.first(&IS_RECORDED, args![&owned.session, &mark]).await?.is_some() {
                    return Ok(());
                }
                if change.unlink || change.jid.is_some() {
                    let jid = change.jid.as_ref().filter(|_| !change.unlink);
                    message::give_up_of_others(tx, &owned.session, jid).await?;
                }
                let refusal = change.refusal.as_ref().map(|refusal| serde_json::to_string(refusal).expect("a refusal is plain data"));
                let args = args![
                    &owned.session,
                    change.status.as_str(),
                    change.at,
                    change.reason.map(DisconnectReason::as_str),
                    &change.jid,
                    &change.lid,
                    &change.push_name,
                    change.unlink,
                    &refusal,
                    &mark,
                    change.jid.as_deref().map(wharf_core::session::user_part),
                ];
                tx.execute(&LINK, args).await?;
                event::write(tx, &owned.account, &owned.session, change.at, &event::drafts(change.events)).await
            })
        })
        .await
    }
}

//! What WhatsApp asked sessions to leave alone for a while.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::hold::HoldReason;
use wharf_core::store::{Error, Fence, Held, HoldRow, HoldStore};

use crate::lane::Place;
use crate::message::chat_key;
use crate::owner;
use crate::sql::{Row, Tx, args, corrupt, statements};
use crate::store::SqlStore;

statements! {
    PUT = "INSERT INTO holds (session_id, chat, held_until, reason, times) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (session_id, chat) DO UPDATE SET held_until = excluded.held_until, reason = excluded.reason, times = excluded.times";
    LIFT = "DELETE FROM holds WHERE session_id = $1 AND chat = $2";
    LIFT_ALL = "DELETE FROM holds WHERE session_id = $1";
    LIST = "SELECT chat, held_until, reason, times FROM holds WHERE session_id = $1";
    ON_CHAT = "SELECT chat, held_until, reason, times FROM holds WHERE session_id = $1 AND chat IN ($2, '*', '')";
    BEGIN = "INSERT INTO first_contacts (session_id, chat, begun_at) VALUES ($1, $2, $3) \
        ON CONFLICT (session_id, chat) DO UPDATE SET begun_at = excluded.begun_at";
    FORGET_BEGUN = "DELETE FROM first_contacts WHERE session_id = $1 AND begun_at < $2";
    FORGET_ALL_BEGUN = "DELETE FROM first_contacts WHERE session_id = $1";
    BEGUN = "SELECT chat, begun_at FROM first_contacts WHERE session_id = $1 AND begun_at >= $2 ORDER BY begun_at, chat";
    KNOWN = "SELECT 1 FROM messages WHERE account_id = $1 AND chat_key = $2 AND session_id = $3 \
        AND (direction = 'incoming' OR status IN ('sent', 'delivered', 'read', 'played')) LIMIT 1";
}

/// How the table spells what is held back.
fn spelled(what: &Held) -> &str {
    match what {
        Held::Chat(chat) => chat,
        Held::FirstContacts => "*",
        Held::Session => "",
    }
}

fn read(row: &mut Row) -> Result<HoldRow, Error> {
    let what = match row.text()? {
        chat if chat.is_empty() => Held::Session,
        chat if chat == "*" => Held::FirstContacts,
        chat => Held::Chat(chat),
    };
    let (until, reason) = (row.time()?, row.parsed("a hold's reason", HoldReason::parse)?);
    let times = u32::try_from(row.int()?).map_err(|_| corrupt("the count of a hold"))?;
    Ok(HoldRow { what, until, reason, times })
}

/// Lets everything of a deleted session go.
pub(crate) async fn lift_all(tx: &mut Tx, session: &SessionId) -> Result<(), Error> {
    tx.execute(&FORGET_ALL_BEGUN, args![session]).await?;
    tx.execute(&LIFT_ALL, args![session]).await.map(drop)
}

#[async_trait]
impl HoldStore for SqlStore {
    async fn put_hold(&self, fence: &Fence, hold: &HoldRow) -> Result<(), Error> {
        let (owned, hold) = (fence.clone(), hold.clone());
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                let args = args![&owned.session, spelled(&hold.what), hold.until, hold.reason.as_str(), hold.times];
                tx.execute(&PUT, args).await.map(drop)
            })
        })
        .await
    }

    async fn lift_hold(&self, fence: &Fence, what: &Held) -> Result<(), Error> {
        let (owned, what) = (fence.clone(), what.clone());
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                tx.execute(&LIFT, args![&owned.session, spelled(&what)]).await.map(drop)
            })
        })
        .await
    }

    async fn list_holds(&self, session: &SessionId) -> Result<Vec<HoldRow>, Error> {
        self.readers.few(&LIST, args![session]).await?.iter_mut().map(read).collect()
    }

    async fn holds_on(&self, session: &SessionId, chat: &str) -> Result<Vec<HoldRow>, Error> {
        self.readers.few(&ON_CHAT, args![session, chat]).await?.iter_mut().map(read).collect()
    }

    async fn begin_contact(&self, fence: &Fence, chat: &str, at: Timestamp, forget_before: Timestamp) -> Result<(), Error> {
        let (owned, chat) = (fence.clone(), chat.to_owned());
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                tx.execute(&FORGET_BEGUN, args![&owned.session, forget_before]).await?;
                tx.execute(&BEGIN, args![&owned.session, &chat, at]).await.map(drop)
            })
        })
        .await
    }

    async fn contacts_begun(&self, session: &SessionId, since: Timestamp) -> Result<Vec<(String, Timestamp)>, Error> {
        let mut rows = self.readers.fetch(&BEGUN, args![session, since]).await?;
        rows.iter_mut().map(|row| Ok((row.text()?, row.time()?))).collect()
    }

    async fn known_chats(&self, account: &AccountId, session: &SessionId, chats: &[String]) -> Result<Vec<String>, Error> {
        let mut known = Vec::new();
        for chat in chats {
            if self.readers.first(&KNOWN, args![account, chat_key(chat, None), session]).await?.is_some() {
                known.push(chat.clone());
            }
        }
        Ok(known)
    }
}

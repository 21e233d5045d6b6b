//! What WhatsApp told and keeps itself: its event, once for each notice.

use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_core::store::{Error, Fence, NOTICE_KEPT, NewEvent};

use super::{drafts, write};
use crate::lane::Place;
use crate::owner;
use crate::sql::{Tx, args, statements};
use crate::store::SqlStore;

statements! {
    NOTE = "INSERT INTO notices (session_id, name, at) VALUES ($1, $2, $3) ON CONFLICT (session_id, name) DO NOTHING";
    FORGET = "DELETE FROM notices WHERE session_id = $1 AND at < $2";
    FORGET_ALL = "DELETE FROM notices WHERE session_id = $1";
}

/// Forgets everything of a deleted session.
pub(crate) async fn forget_all(tx: &mut Tx, session: &SessionId) -> Result<(), Error> {
    tx.execute(&FORGET_ALL, args![session]).await.map(drop)
}

impl SqlStore {
    pub(super) async fn announce(&self, fence: &Fence, at: Timestamp, notice: &str, event: NewEvent) -> Result<bool, Error> {
        let (owned, notice, events) = (fence.clone(), notice.to_owned(), drafts(vec![event]));
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                if tx.execute(&NOTE, args![&owned.session, &notice, at]).await? == 0 {
                    return Ok(false);
                }
                // Notices are rare: each one takes the old ones of its session with it.
                tx.execute(&FORGET, args![&owned.session, at - NOTICE_KEPT]).await?;
                write(tx, &owned.account, &owned.session, at, &events).await?;
                Ok(true)
            })
        })
        .await
    }
}

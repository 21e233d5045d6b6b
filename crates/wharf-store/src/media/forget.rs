//! Files whose messages are deleted.

use wharf_api::ids::{AccountId, MediaId};
use wharf_core::store::Error;

use crate::sql::{Tx, args, statements};

statements! {
    /// What the account has uploaded or sent on is its own.
    FORGET = "UPDATE media SET expires_at = 0 WHERE account_id = $1 AND id = $2 AND session_id IS NOT NULL AND sent_on = 0";
    DELETE_FETCH = "DELETE FROM media_fetches WHERE media_id = $1";
}

/// The message that a received file came with is deleted: its time is over, and it is fetched no more.
pub(crate) async fn forget(tx: &mut Tx, account: &AccountId, id: &MediaId) -> Result<(), Error> {
    if tx.execute(&FORGET, args![account, id]).await? > 0 {
        tx.execute(&DELETE_FETCH, args![id]).await?;
    }
    Ok(())
}

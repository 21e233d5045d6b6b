//! What groups were when they were seen last.

use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::group::Group;
use wharf_core::store::Error;

use crate::lane::Place;
use crate::sql::{args, corrupt, statements};
use crate::store::SqlStore;

statements! {
    KEEP = "INSERT INTO chat_names (session_id, chat, name, shown, left_at) \
        SELECT id, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT) FROM sessions WHERE id = $2 AND account_id = $1 \
        ON CONFLICT (session_id, chat) DO UPDATE SET name = excluded.name, shown = excluded.shown, left_at = excluded.left_at";
    KNOWN = "SELECT n.shown FROM chat_names n JOIN sessions s ON s.id = n.session_id \
        WHERE s.account_id = $1 AND n.session_id = $2 AND n.chat = $3 AND n.shown IS NOT NULL";
}

/// How many groups one commit takes.
const KEPT_AT_ONCE: usize = 100;

impl SqlStore {
    pub(super) async fn keep_groups(&self, account: &AccountId, session: &SessionId, groups: &[Group]) -> Result<(), Error> {
        for part in groups.chunks(KEPT_AT_ONCE) {
            let shown = part.iter().map(|group| serde_json::to_string(group).map(|shown| (group.clone(), shown)));
            let shown: Vec<(Group, String)> = shown.collect::<Result<_, _>>().map_err(|error| corrupt(error.to_string()))?;
            let (tenant, of) = (account.clone(), session.clone());
            self.write(Place::session(account, session), move |tx| {
                Box::pin(async move {
                    for (group, shown) in &shown {
                        tx.execute(&KEEP, args![&tenant, &of, &group.group_id, &group.subject, shown, group.left_at]).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        Ok(())
    }

    pub(super) async fn known_groups(&self, account: &AccountId, session: &SessionId, ids: &[String]) -> Result<Vec<Group>, Error> {
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(mut row) = self.readers.first(&KNOWN, args![account, session, id]).await? else { continue };
            // What an older or a newer release wrote, and this one cannot read, is not known.
            known.extend(serde_json::from_str::<Group>(&row.text()?).ok());
        }
        Ok(known)
    }
}

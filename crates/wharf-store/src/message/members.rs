//! Receipts of groups, member by member.

use wharf_api::ids::{AccountId, MessageId};
use wharf_core::store::{Error, Fence, Member, MemberReceipt, MemberState, ReceiptKind};

use crate::lane::Place;
use crate::owner;
use crate::sql::{Tx, args, statements};
use crate::store::SqlStore;

statements! {
    RECORD = "INSERT INTO message_receipts (message, person, phone, lid, delivered_at, read_at, played_at) \
        SELECT number, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($8 AS BIGINT) \
        FROM messages WHERE session_id = $1 AND wa_id = $2 AND direction = 'outgoing' \
        ON CONFLICT (message, person) DO UPDATE SET \
        phone = COALESCE(message_receipts.phone, excluded.phone), lid = COALESCE(message_receipts.lid, excluded.lid), \
        delivered_at = COALESCE(message_receipts.delivered_at, excluded.delivered_at), \
        read_at = COALESCE(message_receipts.read_at, excluded.read_at), \
        played_at = COALESCE(message_receipts.played_at, excluded.played_at)";
    STATES = "SELECT r.person, r.phone, r.lid, r.delivered_at, r.read_at, r.played_at FROM message_receipts r \
        JOIN messages m ON m.number = r.message WHERE m.account_id = $1 AND m.id = $2 ORDER BY r.person";
}

/// How many receipts one commit takes, each by a statement. What is stored twice stays as it is.
const AT_ONCE: usize = 100;

/// Gives the ids of messages that are not there.
async fn record(tx: &mut Tx, fence: &Fence, receipts: &[MemberReceipt]) -> Result<Vec<String>, Error> {
    owner::check(tx, fence).await?;
    let mut unknown = Vec::new();
    for receipt in receipts {
        let at = |reached: bool| reached.then_some(receipt.at.as_millis());
        // Each kind proves those before it.
        let read = matches!(receipt.kind, ReceiptKind::Read | ReceiptKind::Played);
        let member = &receipt.member;
        let args = args![
            &fence.session,
            &receipt.wa_id,
            &member.id,
            &member.phone,
            &member.lid,
            at(true),
            at(read),
            at(receipt.kind == ReceiptKind::Played),
        ];
        if tx.execute(&RECORD, args).await? == 0 {
            unknown.push(receipt.wa_id.clone());
        }
    }
    Ok(unknown)
}

impl SqlStore {
    pub(super) async fn record_member_receipts(&self, fence: &Fence, receipts: &[MemberReceipt]) -> Result<Vec<String>, Error> {
        let mut unknown = Vec::new();
        for part in receipts.chunks(AT_ONCE) {
            let (owned, receipts) = (fence.clone(), part.to_vec());
            let recorded = self.write(Place::fenced(fence), move |tx| Box::pin(async move { record(tx, &owned, &receipts).await }));
            unknown.extend(recorded.await?);
        }
        Ok(unknown)
    }

    pub(super) async fn member_states(&self, account: &AccountId, id: &MessageId) -> Result<Vec<MemberState>, Error> {
        let rows = self.readers.fetch(&STATES, args![account, id]).await?;
        rows.into_iter()
            .map(|mut row| {
                let member = Member { id: row.text()?, phone: row.opt_text()?, lid: row.opt_text()? };
                Ok(MemberState { member, delivered_at: row.opt_time()?, read_at: row.opt_time()?, played_at: row.opt_time()? })
            })
            .collect()
    }
}

//! Messages, from acceptance to the last receipt.
//!
//! A verb stands in the file of its part as an inherent method of the same name, which comes before the trait's: the port's own block only
//! forwards, for a trait is implemented in one place.

mod accept;
pub(crate) mod change;
mod chats;
mod end;
mod groups;
mod inbound;
mod list;
mod members;
mod queue;
mod receipt;
mod retain;
mod row;
mod step;
mod when;

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::group::Group;
use wharf_api::types::message::TimelineEntry;
use wharf_core::store::{
    Accepted, ChatRow, ChatStore, ContactRow, Error, Fence, Inbound, MemberReceipt, MemberState, MessageFilter, MessageRow, MessageStore,
    NewFetch, NewMessage, Outgoing, Overdue, Page, PageRequest, Receipt, Removed, StatusChange, Unread, VaultOp,
};

use crate::sql::Sql;
use crate::store::SqlStore;

pub(crate) use accept::OF_DAY;
pub(crate) use end::ENDING;
pub(crate) use queue::{Ending, give_up as give_up_queued, give_up_of_others};
pub(crate) use receipt::ADVANCING;
pub(crate) use row::{chat_key, message, message_columns};

pub(crate) fn all() -> [&'static [Sql]; 19] {
    [
        accept::ALL,
        change::ALL,
        change::LISTS,
        chats::ALL,
        end::ALL,
        groups::ALL,
        inbound::ALL,
        list::ALL,
        list::BY_HAND,
        members::ALL,
        queue::ALL,
        accept::BY_HAND,
        queue::BY_HAND,
        end::LISTS,
        receipt::LISTS,
        receipt::ALL,
        retain::ALL,
        step::ALL,
        when::ALL,
    ]
}

#[async_trait]
impl MessageStore for SqlStore {
    async fn accept_message(&self, message: &NewMessage) -> Result<Accepted, Error> {
        self.accept_message(message).await
    }

    async fn find_message(&self, account: &AccountId, id: &MessageId) -> Result<Option<MessageRow>, Error> {
        self.find_message(account, id).await
    }

    async fn is_of_another_number(&self, account: &AccountId, id: &MessageId) -> Result<bool, Error> {
        self.is_of_another_number(account, id).await
    }

    async fn timeline(&self, account: &AccountId, id: &MessageId) -> Result<Vec<TimelineEntry>, Error> {
        self.timeline(account, id).await
    }

    async fn list_messages(&self, account: &AccountId, filter: &MessageFilter, page: PageRequest) -> Result<Page<MessageRow>, Error> {
        self.list_messages(account, filter, page).await
    }

    async fn remove_messages(&self, account: &AccountId, before: Timestamp, after: i64) -> Result<Removed, Error> {
        self.remove_messages(account, before, after).await
    }

    async fn owed_to_webhooks_since(&self, account: &AccountId) -> Result<Option<Timestamp>, Error> {
        self.owed_to_webhooks_since(account).await
    }

    async fn queued_messages(&self, session: &SessionId, after: i64, limit: u32) -> Result<Vec<(i64, Outgoing)>, Error> {
        self.queued_messages(session, after, limit).await
    }

    async fn sessions_with_queued(&self, after: Option<&SessionId>, limit: u32) -> Result<Vec<(AccountId, SessionId)>, Error> {
        self.sessions_with_queued(after, limit).await
    }

    async fn claim_messages(&self, fence: &Fence, ids: &[MessageId], at: Timestamp) -> Result<(), Error> {
        self.claim_messages(fence, ids, at).await
    }

    async fn record_outcomes(&self, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error> {
        self.record_outcomes(fence, changes).await
    }

    async fn record_receipt(&self, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
        self.record_receipt(fence, receipt).await
    }

    async fn record_inbound_with_files(
        &self,
        fence: &Fence,
        messages: &[MessageRow],
        files: &[NewFetch],
        vault: &[VaultOp],
    ) -> Result<Inbound, Error> {
        self.record_inbound_with_files(fence, messages, files, vault).await
    }

    async fn undecryptable_messages(&self, session: &SessionId, since: Timestamp, limit: u32) -> Result<Vec<MessageRow>, Error> {
        self.undecryptable_messages(session, since, limit).await
    }

    async fn messages_on_wire(&self, session: &SessionId, wa_id: &str) -> Result<Vec<MessageRow>, Error> {
        self.messages_on_wire(session, wa_id).await
    }

    async fn mark_message_read(&self, account: &AccountId, id: &MessageId, at: Timestamp) -> Result<(), Error> {
        self.mark_message_read(account, id, at).await
    }

    async fn record_read_elsewhere(&self, fence: &Fence, wa_ids: &[String], at: Timestamp) -> Result<Vec<String>, Error> {
        self.record_read_elsewhere(fence, wa_ids, at).await
    }

    async fn overdue_messages(&self, now: Timestamp, of_account: u32) -> Result<Vec<Overdue>, Error> {
        self.overdue_messages(now, of_account).await
    }

    async fn fail_message(&self, account: &AccountId, change: &StatusChange) -> Result<bool, Error> {
        self.fail_message(account, change).await
    }

    async fn audience(&self, session: &SessionId, wa_id: &str) -> Result<Vec<String>, Error> {
        self.audience(session, wa_id).await
    }

    async fn sent_payload(&self, session: &SessionId, chat: &str, wa_id: &str) -> Result<Option<Vec<u8>>, Error> {
        self.sent_payload(session, chat, wa_id).await
    }
}

#[async_trait]
impl ChatStore for SqlStore {
    async fn list_chats(&self, account: &AccountId, session: &SessionId, page: PageRequest) -> Result<Page<ChatRow>, Error> {
        self.list_chats(account, session, page).await
    }

    async fn unread(&self, account: &AccountId, session: &SessionId, chat: &str, limit: u32) -> Result<Unread, Error> {
        self.unread(account, session, chat, limit).await
    }

    async fn mark_read(&self, account: &AccountId, session: &SessionId, chat: &str, until: i64) -> Result<(), Error> {
        self.mark_read(account, session, chat, until).await
    }

    async fn keep_groups(&self, account: &AccountId, session: &SessionId, groups: &[Group]) -> Result<(), Error> {
        self.keep_groups(account, session, groups).await
    }

    async fn known_groups(&self, account: &AccountId, session: &SessionId, ids: &[String]) -> Result<Vec<Group>, Error> {
        self.known_groups(account, session, ids).await
    }

    async fn list_contacts(&self, account: &AccountId, session: &SessionId, page: PageRequest) -> Result<Page<ContactRow>, Error> {
        self.list_contacts(account, session, page).await
    }

    async fn find_contact(&self, account: &AccountId, session: &SessionId, person: &str) -> Result<Option<ContactRow>, Error> {
        self.find_contact(account, session, person).await
    }

    async fn record_member_receipts(&self, fence: &Fence, receipts: &[MemberReceipt]) -> Result<Vec<String>, Error> {
        self.record_member_receipts(fence, receipts).await
    }

    async fn member_states(&self, account: &AccountId, id: &MessageId) -> Result<Vec<MemberState>, Error> {
        self.member_states(account, id).await
    }
}

//! What is answered to a change: the message as it is now, and the change on its way.

use wharf_api::types::message::{ChangeState, Message};

use super::on_message::Changeable;
use super::{Error, Sent, view};
use crate::caller::Caller;
use crate::services::Services;
use crate::store::MessageRow;

#[derive(Clone, Debug)]
pub struct Changed {
    /// The message, changed if WhatsApp has acknowledged the change.
    pub row: MessageRow,
    /// `None` where there was nothing to change.
    pub change: Option<MessageRow>,
}

impl Changed {
    /// Looks at the message once more, after the change was sent.
    pub(super) async fn after(services: &Services, caller: &Caller, target: &Changeable, sent: Sent) -> Result<Self, Error> {
        let row = services.store.find_message(&caller.account, &target.0.id).await?.ok_or(Error::NotFound)?;
        Ok(Self { row, change: Some(sent.row) })
    }

    pub fn view(&self) -> Message {
        let mut message = view(&self.row);
        message.change = self.change.as_ref().map(|change| ChangeState { message_id: change.id.clone(), status: change.status });
        message
    }
}

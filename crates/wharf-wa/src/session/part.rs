//! What came in and is stored in one commit, with the votes among it that cannot be read yet.

use serde::{Deserialize, Serialize};
use wacore::proto_helpers::MessageExt as _;
use wacore::types::events::InboundMessage;
use wharf_core::store::{MessageRow, NewFetch, VaultOp};

/// What goes into one commit.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub(super) rows: Vec<MessageRow>,
    pub(super) files: Vec<NewFetch>,
    /// What is kept beside the rows: secrets, and votes that cannot be read yet.
    pub(super) ops: Vec<VaultOp>,
    /// The secrets of these messages, by chat and id.
    pub(super) secrets: Vec<(String, String, Vec<u8>)>,
    pub(super) votes: Vec<Sealed>,
    /// Which messages of the library's buffer get no row.
    pub(super) left_out: Vec<String>,
}

/// A vote as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) poll: String,
    /// The vote's own id.
    pub(super) vote: String,
    /// Under the name that the key is made of.
    pub(super) voter: String,
    pub(super) payload: Vec<u8>,
    pub(super) iv: Vec<u8>,
}

impl Sealed {
    pub(super) fn of(inbound: &InboundMessage) -> Option<Self> {
        let update = inbound.message.get_base_message().poll_update_message.as_option()?;
        let vote = update.vote.as_option()?;
        Some(Self {
            poll: update.poll_creation_message_key.as_option()?.id.clone()?,
            vote: inbound.info.id.clone(),
            voter: inbound.info.source.sender.to_non_ad_string(),
            payload: vote.enc_payload.clone().unwrap_or_default(),
            iv: vote.enc_iv.clone().unwrap_or_default(),
        })
    }

    pub(super) fn key(&self) -> String {
        [&*self.poll, &*self.voter, &*self.vote].join("|")
    }
}

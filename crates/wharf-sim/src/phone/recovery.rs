//! What a phone has read and its own devices have not: it gives them the message again when they ask for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::message as m;

use crate::account::Account;
use crate::address::{Address, Number};
use crate::delivery::{self, Copy, Place, Post};
use crate::faults::Action;
use crate::network::Net;
use crate::{keys, router};

/// Messages that a phone can give again, and questions that it remembers.
const KEPT: usize = 512;

/// One message as the phone read it.
#[derive(Clone)]
struct KeptMessage {
    id: String,
    chat: Number,
    sender: Number,
    from_me: bool,
    sent_at_secs: u64,
    message: Vec<u8>,
}

/// A device's question: who asks, under which id, about which message.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) from: Address,
    pub(crate) id: String,
    pub(crate) about: wa::MessageKey,
}

#[derive(Default)]
pub(crate) struct Recovery {
    read: VecDeque<KeptMessage>,
    asked: HashMap<String, Question>,
}

impl Recovery {
    pub(crate) fn keep(&mut self, id: &str, (chat, sender, from_me): (Number, Number, bool), sent_at_secs: u64, message: &wa::Message) {
        if self.read.len() == KEPT {
            self.read.pop_front();
        }
        let message = message.encode_to_vec();
        self.read.push_back(KeptMessage { id: id.to_owned(), chat, sender, from_me, sent_at_secs, message });
    }

    fn remember(&mut self, question: &Question) {
        if self.asked.len() > KEPT {
            self.asked.clear();
        }
        self.asked.insert(question.about.id.clone().unwrap_or_default(), question.clone());
    }

    /// What was asked about this message last.
    pub(crate) fn asked(&self, id: &str) -> Option<Question> {
        self.asked.get(id).cloned()
    }

    /// The answer: with the message where the phone has read it, without one where it has not.
    fn answer(&self, question: &Question, name: impl FnOnce(Number) -> Option<String>) -> wa::WebMessageInfo {
        let id = question.about.id.as_deref().unwrap_or_default();
        let Some(read) = self.read.iter().rev().find(|read| read.id == id) else {
            return wa::WebMessageInfo { key: MessageField::some(question.about.clone()), ..Default::default() };
        };
        let shared = read.chat.is_shared();
        wa::WebMessageInfo {
            // Phones name people by their numbers here, however they were asked.
            key: MessageField::some(wa::MessageKey {
                remote_jid: Some(read.chat.jid().to_string()),
                from_me: Some(read.from_me),
                id: Some(read.id.clone()),
                participant: shared.then(|| read.sender.jid().to_string()),
            }),
            message: wa::Message::decode_from_slice(&read.message).map_or_else(|_| MessageField::none(), MessageField::some),
            message_timestamp: Some(read.sent_at_secs),
            push_name: name(read.sender),
            ..Default::default()
        }
    }
}

/// The questions of a message that one of the account's own devices sent.
pub(super) fn questions(from: Address, id: &str, message: &wa::Message) -> Vec<Question> {
    let protocol = message.protocol_message.as_option();
    let Some(request) = protocol.and_then(|protocol| protocol.peer_data_operation_request_message.as_option()) else { return Vec::new() };
    let keys = request.placeholder_message_resend_request.iter().filter_map(|asked| asked.message_key.as_option());
    keys.map(|about| Question { from, id: id.to_owned(), about: about.clone() }).collect()
}

/// A device asks: the phone answers at once, unless a rule keeps it quiet.
pub(super) fn asked(net: &Arc<Net>, account: &Arc<Account>, questions: &[Question]) {
    for question in questions {
        account.phone().recovery.remember(question);
        if net.faults.take(&[Action::SwallowRecovery], Some(account.number), None).is_none() {
            answer(net, account, question);
        }
    }
}

pub(crate) fn answer(net: &Arc<Net>, account: &Arc<Account>, question: &Question) {
    use m::peer_data_operation_request_response_message as r;
    let name = |number| net.known(number).map(|sender| sender.name());
    let info = account.phone().recovery.answer(question, name);
    let result = r::PeerDataOperationResult {
        placeholder_message_resend_response: MessageField::some(r::peer_data_operation_result::PlaceholderMessageResendResponse {
            web_message_info_bytes: Some(info.encode_to_vec()),
        }),
        ..Default::default()
    };
    let message = wa::Message {
        protocol_message: MessageField::some(m::ProtocolMessage {
            r#type: Some(m::protocol_message::Type::PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE),
            peer_data_operation_request_response_message: MessageField::some(m::PeerDataOperationRequestResponseMessage {
                peer_data_operation_request_type: Some(m::PeerDataOperationRequestType::PLACEHOLDER_MESSAGE_RESEND),
                stanza_id: Some(question.id.clone()),
                peer_data_operation_result: vec![result],
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    match router::seal(net, account, question.from, account.number, &message, false) {
        Ok(sealed) => {
            let post = Post::from_phone(account.number, Place::Peer, &keys::message_id(), &message);
            delivery::deliver(net, &post, question.from, Copy::alone(sealed));
        }
        Err(error) => tracing::warn!(%error, "a device's question was not answered"),
    }
}

//! The message that brings a new device the time before, and the file for what is too long for it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::sync::Arc;

use wacore::download::MediaType;
use wacore::upload::MediaEncryptor;
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;

use crate::account::Account;
use crate::address::{Address, Number};
use crate::delivery::{self, Copy, Place, Post};
use crate::media::Media;
use crate::network::Net;
use crate::{clock, keys, restriction, router};

/// What is longer comes as a file.
const INLINE_BYTES: usize = 64 * 1024;

/// Tells a new device.
pub(crate) fn share(net: &Arc<Net>, account: &Arc<Account>, device: u16) {
    if net.history.of(account.number).withheld {
        return;
    }
    let payload = stored(&history(net, account).encode_to_vec());
    let notification = match file(&net.media, &payload) {
        Ok(notification) => notification,
        Err(error) => return tracing::warn!(%error, "no history for a new device"),
    };
    let message = wa::Message {
        protocol_message: MessageField::some(wa::message::ProtocolMessage {
            r#type: Some(wa::message::protocol_message::Type::HISTORY_SYNC_NOTIFICATION),
            history_sync_notification: MessageField::some(notification),
            ..Default::default()
        }),
        ..Default::default()
    };
    let to = Address::new(account.number, device);
    match router::seal(net, account, to, account.number, &message, false) {
        Ok(sealed) => {
            let post = Post::from_phone(account.number, Place::Peer, &keys::message_id(), &message);
            delivery::deliver(net, &post, to, Copy::alone(sealed));
        }
        Err(error) => tracing::warn!(%error, "no history for a new device"),
    }
}

fn file(media: &Media, payload: &[u8]) -> io::Result<wa::message::HistorySyncNotification> {
    let notification = wa::message::HistorySyncNotification {
        sync_type: Some(wa::message::HistorySyncType::INITIAL_BOOTSTRAP),
        chunk_order: Some(1),
        progress: Some(100),
        file_length: Some(payload.len() as u64),
        ..Default::default()
    };
    if payload.len() <= INLINE_BYTES {
        return Ok(wa::message::HistorySyncNotification { initial_hist_bootstrap_inline_payload: Some(payload.to_vec()), ..notification });
    }
    let scratch = media.scratch();
    let mut sealed = BufWriter::new(File::create(&scratch)?);
    let mut encryptor = MediaEncryptor::new(MediaType::History).map_err(io::Error::other)?;
    encryptor.update_to_writer(payload, &mut sealed)?;
    let info = encryptor.finalize_to_writer(&mut sealed).map_err(io::Error::other)?;
    sealed.flush()?;
    let name = Media::name(&info.file_enc_sha256);
    media.place(&scratch, &name)?;
    Ok(wa::message::HistorySyncNotification {
        direct_path: Some(Media::direct_path(&name)),
        media_key: Some(info.media_key.to_vec()),
        file_sha256: Some(info.file_sha256.to_vec()),
        file_enc_sha256: Some(info.file_enc_sha256.to_vec()),
        ..notification
    })
}

fn history(net: &Net, account: &Account) -> wa::HistorySync {
    let chats: BTreeSet<Number> = {
        let phone = account.phone();
        phone.ledger.iter().map(|entry| entry.chat).filter(|chat| !chat.is_shared() && *chat != account.number).collect()
    };
    let size = net.history.of(account.number);
    let made_up = (0..u64::from(size.chats)).map(|at| Number(15_551_000_000 + at % 10_000));
    let conversations = chats.iter().copied().chain(made_up).map(|chat| conversation(account.number, chat, size.messages)).collect();
    let mappings = chats
        .iter()
        .map(|chat| wa::PhoneNumberToLIDMapping { pn_jid: Some(chat.jid().to_string()), lid_jid: Some(chat.lid().to_string()) });
    wa::HistorySync {
        sync_type: wa::history_sync::HistorySyncType::INITIAL_BOOTSTRAP,
        conversations,
        phone_number_to_lid_mappings: mappings.collect(),
        nct_salt: Some(restriction::salt(account.number)),
        ..Default::default()
    }
}

fn conversation(account: Number, chat: Number, messages: u32) -> wa::Conversation {
    let now = clock::now_secs();
    let message = |at: u32| wa::HistorySyncMsg {
        message: MessageField::some(wa::WebMessageInfo {
            key: MessageField::some(wa::MessageKey {
                remote_jid: Some(chat.jid().to_string()),
                from_me: Some(false),
                id: Some(keys::message_id()),
                ..Default::default()
            }),
            message: MessageField::some(wa::Message {
                conversation: Some(format!("From the time before, number {at} of {chat}")),
                ..Default::default()
            }),
            message_timestamp: Some(now.saturating_sub(86_400)),
            ..Default::default()
        }),
        ..Default::default()
    };
    wa::Conversation {
        id: chat.jid().to_string(),
        messages: (0..messages.max(1)).map(message).collect(),
        tc_token: Some(restriction::token(account, chat)),
        tc_token_timestamp: Some(now),
        ..Default::default()
    }
}

/// Zlib's frame around blocks that are not compressed: any reader takes it.
fn stored(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = plain.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (a, b) = plain.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend(((b << 16) | a).to_be_bytes());
    out
}

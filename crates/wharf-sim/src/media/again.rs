//! A file that the servers lost: a linked device asks its phone, which brings it again and says where it lies then.

use std::sync::Arc;

use wacore::crypto::hkdf_sha256_into;
use wacore::media_retry::decrypt_media_retry_notification;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use wacore_libsignal::crypto::aes_256_gcm_encrypt;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;
use waproto::whatsapp::media_retry_notification::ResultType;

use super::Media;
use super::letter::Filed;
use crate::account::Account;
use crate::account::device::{Class, Pending};
use crate::faults::Action;
use crate::network::Net;
use crate::{clock, keys, wire};

/// What the key for this one purpose is derived with.
const PURPOSE: &[u8] = b"WhatsApp Media Retry Notification";
/// The phone's word for a file that it does not have either.
const NOT_FOUND: &str = "2";

/// Takes what a device asks. A phone that is off does not answer.
pub(crate) fn asked(net: &Arc<Net>, account: &Arc<Account>, device: u16, id: &str, node: &NodeRef<'_>) {
    let filed = {
        let phone = account.phone();
        if !phone.awake {
            return;
        }
        phone.ledger.find(id).and_then(|entry| entry.media.clone())
    };
    let refused = net.faults.take(&[Action::RefuseReupload], Some(account.number), None).is_some();
    let brought = filed.filter(|filed| !refused && is_meant(id, filed, node)).and_then(|filed| bring(net, id, &filed));
    let answer = brought.unwrap_or_else(|| NodeBuilder::new("error").attr("code", NOT_FOUND).build());
    let notice = NodeBuilder::new("notification")
        .attr("from", account.number.jid())
        .attr("type", "mediaretry")
        .attr("id", id)
        .attr("t", clock::now_secs())
        .children([answer])
        .build();
    let pending = Pending { class: Class::Notification, id: id.to_owned(), from: None, node: Arc::new(notice), urgent: false };
    net.enqueue(account, device, pending);
}

/// Whoever asks has the file's key.
fn is_meant(id: &str, filed: &Filed, node: &NodeRef<'_>) -> bool {
    let Some(sealed) = node.get_optional_child("encrypt") else { return false };
    let (Some(sealed), Some(iv)) = (wire::child_bytes(sealed, "enc_p"), wire::child_bytes(sealed, "enc_iv")) else { return false };
    decrypt_media_retry_notification(&filed.media_key, id, iv, sealed).is_ok()
}

/// The file lies at another address now; only who has its key reads where.
fn bring(net: &Net, id: &str, filed: &Filed) -> Option<Node> {
    net.media.find(&filed.direct_path)?;
    let name = filed.direct_path.rsplit('/').next()?;
    let said = wa::MediaRetryNotification {
        stanza_id: Some(id.to_owned()),
        direct_path: Some(Media::direct_path_again(name)),
        result: Some(ResultType::SUCCESS),
        ..Default::default()
    };
    let (mut key, iv, mut sealed) = ([0; 32], keys::random_bytes::<12>(), Vec::new());
    hkdf_sha256_into(&filed.media_key, None, PURPOSE, &mut key).ok()?;
    aes_256_gcm_encrypt(&key, &iv, id.as_bytes(), &said.encode_to_vec(), &mut sealed).ok()?;
    Some(NodeBuilder::new("encrypt").children([wire::bytes_node("enc_p", sealed), wire::bytes_node("enc_iv", iv)]).build())
}

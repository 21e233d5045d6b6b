//! Requests that need little: pings, privacy, and what is not simulated. The larger families have their own files.

use wacore::iq::abprops::web;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::restriction;

use super::{Role, Session, app_state, group, keys, login, pairing, profile, usync, wire};
use crate::pairing::passkey;

pub(super) fn handle(session: &Session, node: &NodeRef<'_>) {
    let kind = wire::text(node, "type");
    match &session.role {
        Role::Refused => {}
        Role::Candidate(candidate) => match kind.as_str() {
            "set" => pairing::from_candidate(session, candidate, node),
            "get" => session.answer(node, passkey::get(candidate, node).into_iter().collect()),
            _ => candidate.answered(&session.net, node),
        },
        Role::Linked { account, device } => {
            if kind != "get" && kind != "set" {
                return;
            }
            let namespace = wire::text(node, "xmlns");
            match namespace.as_str() {
                "passive" => login::activate(&session.net, account, *device, &session.handle, node),
                "encrypt" => keys::handle(session, account, *device, node),
                "usync" => usync::handle(session, account, node),
                "md" => pairing::from_linked(session, account, node),
                "w:sync:app:state" => app_state::handle(session, account, *device, node),
                "privacy" => profile::privacy(session, account, node),
                "abt" => session.answer(node, vec![props()]),
                "status" if kind == "set" => profile::set_about(session, account, node),
                "blocklist" => profile::blocklist(session, account, node),
                "w:mex" => match restriction::mex(&session.net, account, node) {
                    Some(result) => session.answer(node, vec![result]),
                    None => session.answer(node, Vec::new()),
                },
                "w:m" => session.answer(node, vec![session.net.media.connection()]),
                "w:g2" => group::handle(session, account, node),
                "w:profile:picture" => profile::picture(session, account, node),
                other => {
                    tracing::debug!(namespace = other, %kind, "answered with an empty result");
                    session.answer(node, Vec::new());
                }
            }
        }
    }
}

/// The switches that the network sets: tokens go with messages to people. The answer holds for a day.
fn props() -> Node {
    let on = [web::PRIVACY_TOKEN_SENDING_ON_ALL_1_ON_1_MESSAGES, web::WA_NCT_TOKEN_SEND_ENABLED];
    let on = on.map(|prop| NodeBuilder::new("prop").attr("config_code", prop.code).attr("config_value", "1").build());
    let props = NodeBuilder::new("props").attr("protocol", "1").attr("hash", "sim").attr("refresh", 86_400u32).attr("refresh_id", 1u8);
    props.children(on).build()
}

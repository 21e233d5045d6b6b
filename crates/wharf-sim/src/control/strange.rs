//! What no client knows: words that WhatsApp might begin to use, said to all linked devices of a phone.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::answer::{self, Answer};
use crate::network::Net;
use crate::{clock, keys, wire};

/// Where in a stanza the strange word stands.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OddPlace {
    Tag,
    Notification,
    Ib,
    Enc,
    Iq,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrangeBody {
    place: OddPlace,
}

const WORD: &str = "hologram";

pub(super) async fn say(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: StrangeBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let mut told = 0;
    let handles: Vec<_> = account.registry().devices.values().filter_map(|device| device.handle.clone()).collect();
    for handle in handles {
        handle.send(stanza(wanted.place, &account.number.jid().to_string()));
        told += 1;
    }
    answer::ok(json!({"told": told}))
}

fn stanza(place: OddPlace, from: &str) -> Node {
    let id = keys::hex(&keys::random_bytes::<8>());
    let node = |tag: &'static str| NodeBuilder::new(tag).attr("id", &id).attr("t", clock::now_secs());
    let server = |tag: &'static str| node(tag).attr("from", wire::server());
    match place {
        OddPlace::Tag => server(WORD).build(),
        OddPlace::Notification => server("notification").attr("type", WORD).build(),
        OddPlace::Ib => NodeBuilder::new("ib").attr("from", wire::server()).children([NodeBuilder::new(WORD).build()]).build(),
        OddPlace::Enc => {
            let enc = NodeBuilder::new("enc").attr("v", "2").attr("type", WORD).bytes(b"beams".to_vec()).build();
            node("message").attr("from", from).attr("type", "text").attr("notify", "Strange").children([enc]).build()
        }
        OddPlace::Iq => server("iq").attr("type", "set").attr("xmlns", WORD).build(),
    }
}

//! Customers and people who go on talking while things break: a customer tries again, at whichever node, what may work later.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use serde_json::json;
use tokio::time::Instant;
use wharf_api::ErrorCode;

use super::api::try_read;
use super::checker::{Ground, Promise};
use super::{Api, Reply, SILENT, World, eventually};

/// Whoever is frozen answers nobody.
const ANSWER: Duration = Duration::from_secs(10);
/// How many texts are on their way at the same time.
const AT_ONCE: usize = 8;

/// What one session says and hears, and what that must become.
pub struct Talk {
    pub ground: Ground,
}

impl Talk {
    pub fn of(owner: &str, session: &str) -> Self {
        Self { ground: Ground::of(owner, session) }
    }

    /// So many texts each way under a name that is used once; those that go out are asked for at all `nodes` in turn.
    pub async fn load(&mut self, world: &World, nodes: &[Api], name: &str, out: usize, incoming: usize) {
        let (session, owner) = (self.ground.session.clone(), self.ground.owner.clone());
        let session = session.as_str();
        let outs = stream::iter(0..out).map(|number| async move {
            let text = format!("{name}-out-{number}");
            (promised(nodes, number, session, &text).await, text)
        });
        let outs = outs.buffer_unordered(AT_ONCE).collect::<Vec<_>>();
        let ins = async {
            let mut written = Vec::new();
            for number in 0..incoming {
                let text = format!("{name}-in-{number}");
                written.push((world.writes_as(SILENT, &owner, json!({"text": text})).await, text));
            }
            written
        };
        let (outs, ins) = tokio::join!(outs, ins);
        let promises = outs.into_iter().map(|(id, text)| (id, Promise { at: SILENT, text: Some(text) }));
        self.ground.accepted.extend(promises);
        self.ground.written.extend(ins);
    }
}

/// Asks for a text until one of the nodes promises it; answers the message's id.
async fn promised(nodes: &[Api], first: usize, session: &str, text: &str) -> String {
    let body = json!({"sessionId": session, "to": SILENT, "text": text, "async": true});
    let later = [ErrorCode::SessionNotConnected, ErrorCode::IdempotencyKeyInUse, ErrorCode::RateLimitExceeded];
    let mut turn = first;
    eventually(&format!("{text} is accepted"), async || {
        let api = &nodes[turn % nodes.len()];
        turn += 1;
        let request = api.request("POST", "/v1/messages/text").header("Idempotency-Key", text).timeout(ANSWER).json(&body);
        let Some(reply) = try_read(request).await else { return Err("no answer".to_owned()) };
        match reply.status {
            201 => Ok(reply.data()["messageId"].as_str().unwrap().to_owned()),
            503 => Err(format!("{reply:?}")),
            _ if later.iter().any(|code| code.name() == reply.code()) => Err(format!("{reply:?}")),
            _ => panic!("{reply:?}"),
        }
    })
    .await
}

/// The figures of a run in one line, once all of it was found sound and fenced: what is nought here was asserted to be.
pub fn figures(what: &str, talks: &[Talk], (writes, takes): (i64, i64), begun: Instant) -> String {
    let out: usize = talks.iter().map(|talk| talk.ground.accepted.len()).sum();
    let incoming: usize = talks.iter().map(|talk| talk.ground.written.len()).sum();
    format!(
        "{what}: {out} sends and {incoming} inbound, 0 lost, 0 shown twice, 0 events missing, every 201 final; {writes} keys written, \
         0 stale writes, {takes} takes; {:.0} s",
        begun.elapsed().as_secs_f64()
    )
}

/// What is answered of a connected session while something is away: the truth, or that it is to be asked for later.
#[track_caller]
pub fn is_right(reply: &Reply) {
    if reply.status == 200 {
        assert_eq!(reply.data()["status"], "connected", "{reply:?}");
    } else {
        reply.refused(ErrorCode::ServiceUnavailable);
        assert!(!reply.header("retry-after").is_empty(), "{reply:?}");
    }
}

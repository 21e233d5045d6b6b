//! The log as Server-Sent Events.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::stream::unfold;
use http::HeaderName;
use wharf_core::event::feed::Told;

use super::tail::{News, Tail};

/// Has proxies pass on what comes as it comes.
pub(super) const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How long a reader waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 1_000;

/// What each event of the stream is called, which says who hears it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// By its kind: a page hears those that it named.
    Kind,
    /// By none, which is `message`: a page's `onmessage` hears all.
    Message,
}

impl Names {
    pub const WORDS: &'static [&'static str] = &["kind", "message"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "kind" => Some(Self::Kind),
            "message" => Some(Self::Message),
            _ => None,
        }
    }
}

struct Reader {
    tail: Tail,
    names: Names,
    opening: bool,
}

/// The stream of what the tail tells. It ends when the server stops, when the key ends, or when the log cannot be read; a reader then
/// comes again with the id that it saw last.
pub(super) fn of(tail: Tail, names: Names) -> impl Stream<Item = Bytes> {
    let reader = Reader { tail, names, opening: true };
    unfold(reader, |mut reader| async move { reader.next().await.map(|bytes| (bytes, reader)) })
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.opening) {
            // A reader that is cut off before its first event knows where it was too.
            return Some(format!("retry: {RETRY_MS}\nid: {}\n\n", self.tail.place()).into());
        }
        match self.tail.next().await {
            News::Events(events) => Some(written(self.names, &events)),
            News::Silence => Some(format!(":\nid: {}\n\n", self.tail.place()).into()),
            News::End(_) => None,
        }
    }
}

fn written(names: Names, events: &[Arc<Told>]) -> Bytes {
    let mut text = String::new();
    for told in events {
        let name = if names == Names::Kind { format!("event: {}\n", told.kind.as_str()) } else { String::new() };
        // JSON holds no line break, so one line is the whole event.
        write!(text, "id: {}\n{name}data: {}\n\n", told.id, told.body).expect("a string takes what is written to it");
    }
    text.into()
}

//! The sending half of a connection, which the parts of the network hold that have something for it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wacore_binary::Node;

/// What a connection is to do next.
pub(super) enum Out {
    Node(Arc<Node>),
    /// Close after what was queued before.
    Close,
    /// Close after what was queued before, but the client hangs up first.
    Farewell,
}

/// The sending half of a connection, for everyone who has something for it.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) id: u64,
    pub(super) queue: mpsc::UnboundedSender<Out>,
    pub(super) cut: CancellationToken,
}

impl Handle {
    pub(crate) fn send(&self, node: impl Into<Arc<Node>>) {
        let _ = self.queue.send(Out::Node(node.into()));
    }

    pub(crate) fn close(&self) {
        let _ = self.queue.send(Out::Close);
    }

    /// Sends the last stanza and leaves the closing to the client, for as long as one takes that reads it.
    pub(crate) fn farewell(&self, last: Node) {
        self.send(last);
        let _ = self.queue.send(Out::Farewell);
    }

    /// Ends the connection without a word, and without what was queued.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }
}

//! The kinds of events. The words are the wire names.

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $variant),+ }

        impl EventKind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($wire => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

event_kinds! {
    MessageReceived = "message.received",
    /// Every change of a status: the umbrella over the next four.
    MessageStatus = "message.status",
    MessageSent = "message.sent",
    MessageDelivered = "message.delivered",
    MessageRead = "message.read",
    MessageFailed = "message.failed",
    MessageReaction = "message.reaction",
    MessageEdited = "message.edited",
    MessageDeleted = "message.deleted",
    PollVote = "poll.vote",
    SessionQr = "session.qr",
    SessionConnected = "session.connected",
    SessionDisconnected = "session.disconnected",
    SessionStatus = "session.status",
    GroupUpdated = "group.updated",
    CallReceived = "call.received",
    WebhookTest = "webhook.test",
}

//! What an API key may do. The words are the wire names.

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($variant:ident = $wire:literal),+ $(,)?) => {
        /// One right of an API key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission { $(#[serde(rename = $wire)] $variant),+ }

        impl Permission {
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

permissions! {
    SessionsRead = "sessions:read",
    SessionsWrite = "sessions:write",
    MessagesRead = "messages:read",
    MessagesSend = "messages:send",
    ContactsRead = "contacts:read",
    ContactsWrite = "contacts:write",
    GroupsRead = "groups:read",
    GroupsWrite = "groups:write",
    WebhooksManage = "webhooks:manage",
    KeysManage = "keys:manage",
    UsersManage = "users:manage",
    EventsRead = "events:read",
    AccountRead = "account:read",
}

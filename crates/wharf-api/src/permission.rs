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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_written_and_read_by_its_one_word() {
        for permission in Permission::ALL {
            let word = permission.as_str();
            assert_eq!(Permission::parse(word), Some(*permission));
            assert_eq!(serde_json::to_string(permission).unwrap(), format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<Permission>(&format!("\"{word}\"")).unwrap(), *permission);
            let (noun, verb) = word.split_once(':').expect("a noun and what may be done with it");
            assert!(!noun.is_empty() && matches!(verb, "read" | "write" | "send" | "manage"), "{word}");
        }
        for other in ["", "messages", "messages:", "Messages:Send", "messages:send ", "*"] {
            assert_eq!(Permission::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn every_permission_opens_something() {
        for permission in Permission::ALL {
            let access = crate::ops::Access::Key(*permission);
            assert!(crate::ops::ALL.iter().any(|op| op.access == access), "{}", permission.as_str());
        }
    }
}

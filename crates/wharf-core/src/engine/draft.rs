//! What a message is to say, in the words of the rules: the engine makes the bytes of it.

use wharf_api::types::media::MediaKind;
use wharf_api::types::message::{ContactCard, Content, LinkPreview};

use super::Media;

/// A message before it has an id.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub body: Body,
    /// The message that it answers.
    pub reply: Option<Quote>,
    /// Whom it mentions, as WhatsApp writes ids.
    pub mentions: Vec<String>,
    pub forwarded: bool,
}

impl Draft {
    /// A draft that answers nobody and mentions nobody.
    pub fn new(body: Body) -> Self {
        Self { body, reply: None, mentions: Vec::new(), forwarded: false }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Text {
        text: String,
        preview: Option<Preview>,
        /// What a status stands on, as 0xRRGGBB.
        background: Option<u32>,
    },
    Location {
        latitude: f64,
        longitude: f64,
        name: Option<String>,
        address: Option<String>,
    },
    Contact {
        contacts: Vec<ContactCard>,
    },
    Poll {
        question: String,
        options: Vec<String>,
        selectable_count: u32,
    },
    Media(Box<Media>),
    Reaction {
        target: Key,
        emoji: String,
    },
    Edit {
        target: Key,
        text: String,
        /// What the words stand under; a text of its own where nothing is said.
        captioned: Option<MediaKind>,
    },
    Revoke {
        target: Key,
    },
}

/// What a link in a text is shown as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub link: LinkPreview,
    /// A small JPEG.
    pub thumbnail: Option<Vec<u8>>,
}

/// The name of a message on the wire, inside the chat that the draft goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub wa_id: String,
    pub from_me: bool,
    /// Who wrote it, where it was somebody else.
    pub sender: Option<String>,
}

/// A message that is answered, with what the answer shows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    pub key: Key,
    pub content: Content,
    pub view_once: bool,
    /// The chat that it stands in, where that is another one.
    pub elsewhere: Option<String>,
}

//! Sending a text, with what it may carry: an answer, mentions, a link's preview.

use wharf_api::limits;
use wharf_api::types::message::{Content, LinkPreview, PreviewChoice};

use super::shape::{Shape, within};
use super::{Envelope, Error, Sent};
use crate::caller::Caller;
use crate::engine::{Body, Preview};
use crate::preview;
use crate::services::Services;
use crate::store::Claim;

/// A text as the caller wants it sent.
#[derive(Clone, Debug)]
pub struct Command {
    pub envelope: Envelope,
    pub text: String,
    pub preview: PreviewChoice,
}

impl Command {
    /// A text that carries nothing else.
    pub fn plain(session: impl Into<String>, to: impl Into<String>, text: impl Into<String>) -> Self {
        let envelope = Envelope { session: session.into(), to: to.into(), ..Envelope::default() };
        Self { envelope, text: text.into(), preview: PreviewChoice::default() }
    }
}

/// Checks the shape of a command: what can be said without looking anything up.
pub fn check(command: &Command) -> Result<(), Error> {
    command.envelope.check()?;
    words(&command.text)?;
    match &command.preview {
        PreviewChoice::Switch(_) => Ok(()),
        PreviewChoice::Given(preview) => link(preview, &command.text),
    }
}

/// What every text must be, a new one or one that takes the place of another.
pub(super) fn words(text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::EmptyText);
    }
    let chars = text.chars().count();
    if chars > limits::TEXT_CHARS { Err(Error::TooLong { chars }) } else { Ok(()) }
}

fn link(preview: &LinkPreview, text: &str) -> Result<(), Error> {
    let field = |name: &str| format!("linkPreview.{name}");
    within(&field("url"), &preview.url, 1, limits::LINK_CHARS)?;
    within(&field("title"), &preview.title, 1, limits::LINK_TITLE_CHARS)?;
    within(&field("description"), preview.description.as_deref().unwrap_or_default(), 0, limits::LINK_DESCRIPTION_CHARS)?;
    let known = ["https://", "http://"].iter().any(|scheme| preview.url.len() > scheme.len() && preview.url.starts_with(scheme));
    if !known || preview.url.chars().any(char::is_whitespace) {
        return Err(Shape::new(field("url"), "not an http or https address").into());
    }
    if !text.contains(&preview.url) {
        return Err(Shape::new(field("url"), "the address does not stand in the text").into());
    }
    Ok(())
}

/// Sends a text; see [`super::send`].
pub async fn send_text(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let addressed = command.envelope.address(services, caller).await?;
    let preview = match command.preview {
        PreviewChoice::Given(link) => Some(Preview { link, thumbnail: None }),
        PreviewChoice::Switch(true) => {
            addressed.require_reachable(services).await?;
            preview::find(services, &command.text).await
        }
        PreviewChoice::Switch(false) => None,
    };
    let content = Content::Text { text: command.text.clone(), link_preview: preview.as_ref().map(|preview| preview.link.clone()) };
    addressed.send(services, caller, (Body::Text { text: command.text, preview }, content), claim).await
}

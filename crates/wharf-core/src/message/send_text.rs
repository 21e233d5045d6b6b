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
    /// Of a status: what it stands on, `#RRGGBB`.
    pub background: Option<String>,
}

impl Command {
    /// A text that carries nothing else.
    pub fn plain(session: impl Into<String>, to: impl Into<String>, text: impl Into<String>) -> Self {
        let envelope = Envelope { session: session.into(), to: to.into(), ..Envelope::default() };
        Self { envelope, text: text.into(), preview: PreviewChoice::default(), background: None }
    }
}

/// Checks the shape of a command: what can be said without looking anything up.
pub fn check(command: &Command) -> Result<(), Error> {
    command.envelope.check()?;
    words(&command.text)?;
    background(command)?;
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

/// The colour that a status stands on, where one is chosen.
fn background(command: &Command) -> Result<Option<u32>, Error> {
    const FIELD: &str = "backgroundColor";
    let Some(text) = &command.background else { return Ok(None) };
    if !command.envelope.is_status() {
        return Err(Error::Unfit { field: FIELD, reason: "only a status has one" });
    }
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let colour = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    colour.map(Some).ok_or_else(|| Shape::new(FIELD, "a colour such as #1E6E4F is expected").into())
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
    let background = background(&command)?;
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
    addressed.send(services, caller, (Body::Text { text: command.text, preview, background }, content), claim).await
}

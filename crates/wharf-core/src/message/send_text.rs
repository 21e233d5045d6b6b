//! Sending a text, with what it may carry: an answer, mentions, a link's preview.

use wharf_api::limits;
use wharf_api::types::message::{Content, LinkPreview, PreviewChoice, SendText};

use super::heading::{self, Heading, RawHeading};
use super::shape::{Shape, within};
use super::{Error, Sent};
use crate::caller::Caller;
use crate::engine::{Body, Preview};
use crate::preview;
use crate::services::Services;
use crate::store::Claim;

/// A text whose shape is good.
#[derive(Clone, Debug)]
pub struct NewText {
    heading: Heading,
    text: String,
    preview: PreviewChoice,
    /// Of a status: the colour that it stands on.
    background: Option<u32>,
}

impl NewText {
    /// A text that carries nothing else.
    pub(crate) fn plain(heading: Heading, text: String) -> Self {
        Self { heading, text, preview: PreviewChoice::default(), background: None }
    }
}

/// What can be said without looking anything up.
pub fn parse(request: &SendText) -> Result<NewText, Error> {
    let raw = RawHeading { audience: Some(&request.audience), mentions: &request.mentions, ..heading::raw!(request) };
    let heading = raw.parse()?;
    words(&request.text)?;
    let background = request.background_color.as_deref().map(|text| background(text, &heading)).transpose()?;
    if let PreviewChoice::Given(preview) = &request.link_preview {
        link(preview, &request.text)?;
    }
    Ok(NewText { heading, text: request.text.clone(), preview: request.link_preview.clone(), background })
}

/// What every text must be, a new one or one that takes the place of another.
pub(super) fn words(text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::EmptyText);
    }
    let chars = text.chars().count();
    if chars > limits::TEXT_CHARS { Err(Error::TooLong { chars }) } else { Ok(()) }
}

/// The colour that a status stands on, written as `#RRGGBB`.
fn background(text: &str, heading: &Heading) -> Result<u32, Error> {
    const FIELD: &str = "backgroundColor";
    if !heading.is_status() {
        return Err(Error::Unfit { field: FIELD, reason: "only a status has one" });
    }
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let colour = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    colour.ok_or_else(|| Shape::new(FIELD, "a colour such as #1E6E4F is expected").into())
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

/// Sends a text; see [`super::send()`].
pub async fn send_text(services: &Services, caller: &Caller, new: NewText, claim: Option<Claim>) -> Result<Sent, Error> {
    let NewText { heading, text, preview, background } = new;
    let addressed = heading.address(services, caller).await?;
    let preview = match preview {
        PreviewChoice::Given(link) => Some(Preview { link, thumbnail: None }),
        PreviewChoice::Switch(true) => {
            addressed.require_reachable(services).await?;
            preview::find(services, &text).await
        }
        PreviewChoice::Switch(false) => None,
    };
    let content = Content::Text { text: text.clone(), link_preview: preview.as_ref().map(|preview| preview.link.clone()) };
    let parcel = addressed.pack((Body::Text { text, preview, background }, content));
    super::send(services, caller, parcel, claim).await
}

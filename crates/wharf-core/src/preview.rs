//! What the first link of a text is shown as: read from the page that it leads to, through the one way out.
//!
//! Nothing here fails. A page that is refused, slow, silent or odd gives no preview, and the text goes without one.

mod link;
mod page;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;
use wharf_api::limits;
use wharf_api::types::media::MediaKind;
use wharf_api::types::message::LinkPreview;

use crate::egress::{Error, Fetch, Sink, Stop};
use crate::engine::Preview;
use crate::media::Intake;
use crate::media::intake::Purpose;
use crate::services::Services;

/// Looks the first link of `text` up; at most [`limits::PREVIEW`] for everything.
pub async fn find(services: &Services, text: &str) -> Option<Preview> {
    let url = link::first(text)?;
    let ends = services.clock.now() + limits::PREVIEW;
    let html = page(services, url).await?;
    // Somewhere else, so that a reader that panics costs the preview and nothing else.
    let said = tokio::task::spawn_blocking(move || page::read(&html)).await.ok()?;
    let link = LinkPreview { url: url.to_owned(), title: said.title?, description: said.description };
    let now = services.clock.now();
    let thumbnail = match said.image {
        Some(image) if now <= ends => picture(services, url, &image, ends.since(now)).await,
        _ => None,
    };
    Some(Preview { link, thumbnail })
}

/// The beginning of a page, where it says what it is.
struct Head(Vec<u8>);

#[async_trait]
impl Sink for Head {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Stop> {
        let room = limits::PREVIEW_PAGE_BYTES - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() < room { Ok(()) } else { Err(Stop) }
    }
}

async fn page(services: &Services, url: &str) -> Option<Vec<u8>> {
    let fetch = Fetch { url: url.to_owned(), limit_bytes: u64::MAX, timeout: limits::PREVIEW, content_type: Some("text/html") };
    let mut head = Head(Vec::new());
    match services.egress.fetch(fetch, &mut head).await {
        Ok(_) | Err(Error::Stopped) => Some(head.0),
        Err(error) => {
            tracing::debug!(%error, "a link gives no preview");
            None
        }
    }
}

/// A small JPEG of the page's image. It is written beside the files and goes when it was looked at.
async fn picture(services: &Services, page: &str, place: &str, timeout: Duration) -> Option<Vec<u8>> {
    let url = Url::parse(page).ok()?.join(place).ok()?.to_string();
    let purpose = Purpose { kind: Some(MediaKind::Image), voice: false };
    let mut intake = Intake::begin(services, purpose, "linkPreview").await.ok()?;
    let fetch = Fetch { url, limit_bytes: limits::PREVIEW_IMAGE_BYTES, timeout, content_type: None };
    services.egress.fetch(fetch, &mut intake).await.ok()?;
    intake.glance().await.ok()?.thumbnail
}

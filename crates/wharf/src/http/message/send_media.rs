use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use wharf_api::types::media::SendMedia;
use wharf_core::message::send_media::{self as rules, Source};

use super::sending;
use crate::http::envelope::{Failure, invalid};
use crate::http::{Answer, Call, media};

pub(in crate::http) async fn send_media(mut call: Call) -> Answer {
    let mut request: SendMedia = call.take_json().map_err(media::no_kind)?;
    let places = call.take_places();
    // An empty way to a file is none: forms and templates send all three.
    let there = |text: Option<String>| text.filter(|text| !text.is_empty());
    (request.media_url, request.media_id) = (there(request.media_url.take()), there(request.media_id.take()));
    let data = there(request.data.take()).map(|text| Bytes::from_owner(HeldText { text, _places: places }));
    let source = match (&request.media_url, &request.media_id, &data) {
        (Some(url), None, None) => Source::Url(url.clone()),
        (None, Some(id), None) => Source::Stored(id.clone()),
        (None, None, Some(data)) => Source::Base64(data.clone()),
        _ => return Err(invalid("exactly one of mediaUrl, mediaId and data is expected").into()),
    };
    let new = rules::parse(call.services(), &request, source)?;
    // The file stands for itself by its hash: nobody writes a hundred megabytes out again to compare them.
    let named = Named { request: &request, data: hash(data).await? };
    sending::once(&call, &named, request.dry_run, |claim| rules::send_media(call.services(), call.caller(), new, claim)).await
}

/// A file in Base64, with its places among the large bodies: they are free when it is.
struct HeldText {
    text: String,
    _places: Vec<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for HeldText {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Where waiting harms nobody: a hundred megabytes keep a thread busy for a good while.
async fn hash(data: Option<Bytes>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(data) = data else { return Ok(None) };
    let hash = tokio::task::spawn_blocking(move || Sha256::digest(&data).to_vec()).await;
    hash.map(Some).map_err(Failure::internal)
}

/// What makes two requests the same.
#[derive(Serialize)]
struct Named<'a> {
    request: &'a SendMedia,
    data: Option<Vec<u8>>,
}

//! Uploads with their resumption, and downloads.

use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, RawQuery, Request, State};
use axum::http::header::{CONTENT_LENGTH, HeaderName, ORIGIN, REFERER, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;

use super::Media;
use super::line::{Cut, SecuredListener};
use crate::faults::{Action, Rule};
use crate::network::Net;
use crate::stats::count;

const CHUNK_BYTES: usize = 64 * 1024;
/// Where browsers come from that run WhatsApp Web.
const WEB: &str = "https://web.whatsapp.com";

#[derive(Deserialize)]
struct FileQuery {
    auth: Option<String>,
    resume: Option<u8>,
    file_offset: Option<u64>,
}

pub(crate) async fn serve(net: Arc<Net>, listener: TcpListener) {
    let stop = net.stop.clone();
    let app = Router::new()
        .route("/mms/{kind}/{name}", post(upload))
        .route("/v/t62.sim/{name}", get(download))
        .route("/v/t62.sim/again/{name}", get(download_again))
        .route_layer(from_fn_with_state(Arc::clone(&net), web_only))
        .with_state(Arc::clone(&net));
    let secured = SecuredListener::new(&net, listener);
    if let Err(error) =
        axum::serve(secured, app.into_make_service_with_connect_info::<Cut>()).with_graceful_shutdown(stop.cancelled_owned()).await
    {
        tracing::error!(%error, "the media server ended");
    }
}

/// Who does not come from the web client's page is refused. Who comes from there and is no browser is let in, and counted.
async fn web_only(State(net): State<Arc<Net>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let says = |name: HeaderName, begins: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with(begins))
    };
    if !says(ORIGIN, WEB) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if !says(REFERER, WEB) || !says(USER_AGENT, "Mozilla/5.0 ") {
        count(&net.stats.media_bare);
    }
    next.run(request).await
}

async fn upload(
    State(net): State<Arc<Net>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path((_kind, name)): Path<(String, String)>,
    Query(wanted): Query<FileQuery>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // The hash comes with the padding of Base64 or without it.
    let name = name.trim_end_matches('=').to_owned();
    if wanted.auth.as_deref() != Some(net.media.token.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (Some(whole), Some(part)) = (net.media.whole(&name), net.media.part(&name)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if wanted.resume.is_some() {
        return resume(&net.media, &name, &whole, &part).await;
    }
    let fault = net.faults.take(&[Action::RefuseUpload, Action::CutUpload, Action::StallUpload], None, None);
    let trouble = match fault.as_ref().map(|rule| rule.action) {
        Some(Action::RefuseUpload) => return status(fault.as_ref(), 500).into_response(),
        Some(Action::CutUpload) => Some(UploadTrouble::Cut(cut)),
        Some(_) => Some(UploadTrouble::Stall),
        None => None,
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
    let coming = Coming { offset: wanted.file_offset.unwrap_or(0), length, trouble, body };
    match take(&net, &name, &whole, &part, coming).await {
        Ok(true) => Json(json!({"url": net.media.url(&name), "direct_path": Media::direct_path(&name)})).into_response(),
        Ok(false) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => {
            tracing::debug!(%error, "an upload ended early");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The code that a rule names.
fn status(rule: Option<&Rule>, otherwise: u16) -> StatusCode {
    let code = rule.and_then(|rule| rule.code).unwrap_or(otherwise);
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// How far an upload has come.
async fn resume(media: &Media, name: &str, whole: &FilePath, part: &FilePath) -> Response {
    if whole.exists() {
        let answer = json!({"resume": "complete", "url": media.url(name), "direct_path": Media::direct_path(name)});
        return Json(answer).into_response();
    }
    let length = fs::metadata(part).await.map_or(0, |found| found.len());
    Json(json!({"resume": length.to_string()})).into_response()
}

/// What happens to a file when half of what comes is here.
enum UploadTrouble {
    Cut(Cut),
    Stall,
}

/// A file, or the rest of one, on its way in.
struct Coming {
    offset: u64,
    /// As it was announced.
    length: u64,
    trouble: Option<UploadTrouble>,
    body: Body,
}

/// Writes what comes behind what is there. `false` where the whole does not have the hash that names it.
async fn take(net: &Net, name: &str, whole: &FilePath, part: &FilePath, mut coming: Coming) -> io::Result<bool> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(part).await?;
    file.set_len(coming.offset).await?;
    tokio::io::AsyncSeekExt::seek(&mut file, io::SeekFrom::Start(coming.offset)).await?;
    let (mut stream, mut taken) = (coming.body.into_data_stream(), 0);
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(io::Error::other)?;
        file.write_all(&bytes).await?;
        taken += bytes.len() as u64;
        net.stats.media_bytes_in.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if taken < coming.length / 2 {
            continue;
        }
        match coming.trouble.take() {
            None => {}
            Some(UploadTrouble::Cut(cut)) => {
                file.flush().await?;
                cut.now();
            }
            Some(UploadTrouble::Stall) => {
                file.flush().await?;
                net.stop.cancelled().await;
            }
        }
    }
    file.flush().await?;
    drop(file);
    if Media::name(&hash(part).await?) != name {
        fs::remove_file(part).await?;
        return Ok(false);
    }
    fs::rename(part, whole).await?;
    Ok(true)
}

async fn hash(path: &FilePath) -> io::Result<Vec<u8>> {
    let (mut file, mut hash, mut buffer) = (File::open(path).await?, Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(hash.finalize().to_vec());
        }
        hash.update(&buffer[..read]);
    }
}

/// What a download shows. Some clients put their own query behind the path's with a second question mark.
fn shown(query: Option<&str>) -> Option<&str> {
    query?.split(['?', '&']).find_map(|part| part.strip_prefix("auth="))
}

async fn download(State(net): State<Arc<Net>>, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    if shown(query.as_deref()).is_some_and(|auth| auth != net.media.token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let fault = net.faults.take(&[Action::RefuseDownload, Action::CutDownload, Action::CorruptDownload, Action::StallDownload], None, None);
    match fault.as_ref().map(|rule| rule.action) {
        Some(Action::RefuseDownload) => status(fault.as_ref(), 404).into_response(),
        Some(Action::StallDownload) => stalled(&net, &name).await.unwrap_or_else(|_| StatusCode::NOT_FOUND.into_response()),
        Some(action) => spoilt(&net, &name, action).await.unwrap_or_else(|_| StatusCode::NOT_FOUND.into_response()),
        None => serve_file(&net, &name).await.unwrap_or_else(|_| StatusCode::NOT_FOUND.into_response()),
    }
}

/// What a phone brought again: it lies at an address of its own, as it does at WhatsApp, and nothing happens to it.
async fn download_again(State(net): State<Arc<Net>>, Path(name): Path<String>) -> Response {
    serve_file(&net, &name).await.unwrap_or_else(|_| StatusCode::NOT_FOUND.into_response())
}

fn path_of(net: &Net, name: &str) -> io::Result<PathBuf> {
    net.media.whole(name).ok_or_else(|| io::ErrorKind::NotFound.into())
}

async fn serve_file(net: &Net, name: &str) -> io::Result<Response> {
    let file = File::open(path_of(net, name)?).await?;
    let length = file.metadata().await?.len();
    Ok(([(CONTENT_LENGTH, length.to_string())], Body::from_stream(ReaderStream::with_capacity(file, CHUNK_BYTES))).into_response())
}

/// The file with a bit turned in its middle, or not to its end.
async fn spoilt(net: &Net, name: &str, action: Action) -> io::Result<Response> {
    let mut bytes = fs::read(path_of(net, name)?).await?;
    let (length, middle) = (bytes.len(), bytes.len() / 2);
    let mut parts = Vec::new();
    if action == Action::CorruptDownload {
        bytes[middle] ^= 1;
    } else {
        bytes.truncate(middle);
        parts.push(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
    }
    parts.insert(0, Ok(bytes));
    Ok(([(CONTENT_LENGTH, length.to_string())], Body::from_stream(futures::stream::iter(parts))).into_response())
}

/// Half of the file, and then nothing for as long as the client waits.
async fn stalled(net: &Arc<Net>, name: &str) -> io::Result<Response> {
    let mut bytes = fs::read(path_of(net, name)?).await?;
    let length = bytes.len();
    bytes.truncate(length / 2);
    let stands = Stands::new(net);
    let rest = futures::stream::once(async move {
        stands.0.stop.cancelled().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let half = futures::stream::iter([Ok(bytes)]);
    Ok(([(CONTENT_LENGTH, length.to_string())], Body::from_stream(half.chain(rest))).into_response())
}

/// Counts a download that stands still, until the client leaves.
struct Stands(Arc<Net>);

impl Stands {
    fn new(net: &Arc<Net>) -> Self {
        net.stats.media_stalled.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(net))
    }
}

impl Drop for Stands {
    fn drop(&mut self) {
        self.0.stats.media_stalled.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_shows_its_token_behind_any_query_of_the_path() {
        for query in ["auth=abc", "ccb=0&auth=abc&token=x", "ccb=0?auth=abc&token=x"] {
            assert_eq!(shown(Some(query)), Some("abc"), "{query}");
        }
        assert_eq!((shown(Some("ccb=0&hash=abc")), shown(None)), (None, None));
    }
}

//! Uploads with their resumption, and downloads.

use std::io;
use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::io::ReaderStream;

use super::Media;
use crate::network::Net;

#[derive(Deserialize)]
struct Wanted {
    auth: Option<String>,
    resume: Option<u8>,
    file_offset: Option<u64>,
}

pub(crate) async fn serve(net: Arc<Net>, listener: TcpListener) {
    let stop = net.stop.clone();
    let app =
        Router::new().route("/mms/{kind}/{name}", post(upload)).route("/v/t62.sim/{name}", get(download)).with_state(Arc::clone(&net));
    let secured = Secured::new(&net, listener);
    if let Err(error) = axum::serve(secured, app).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the media server ended");
    }
}

/// Connections after their TLS handshake; one that takes its time holds nobody up.
struct Secured {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Secured {
    fn new(net: &Arc<Net>, listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let acceptor = TlsAcceptor::from(Arc::clone(&net.media.authority.server));
        let (sender, ready) = mpsc::channel(16);
        let stop = net.stop.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((stream, peer)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Self { address, ready }
    }
}

impl axum::serve::Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The network stops.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

async fn upload(
    State(net): State<Arc<Net>>,
    Path((_kind, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    body: Body,
) -> Response {
    if wanted.auth.as_deref() != Some(net.media.token.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (Some(whole), Some(part)) = (net.media.whole(&name), net.media.part(&name)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if wanted.resume.is_some() {
        return resume(&net.media, &name, &whole, &part).await;
    }
    match take(&name, &whole, &part, wanted.file_offset.unwrap_or(0), body).await {
        Ok(true) => Json(json!({"url": net.media.url(&name), "direct_path": Media::direct_path(&name)})).into_response(),
        Ok(false) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => {
            tracing::debug!(%error, "an upload ended early");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
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

/// Writes what comes behind what is there. `false` where the whole does not have the hash that names it.
async fn take(name: &str, whole: &FilePath, part: &FilePath, offset: u64, body: Body) -> io::Result<bool> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(part).await?;
    file.set_len(offset).await?;
    tokio::io::AsyncSeekExt::seek(&mut file, io::SeekFrom::Start(offset)).await?;
    let mut stream = body.into_data_stream();
    while let Some(bytes) = stream.next().await {
        file.write_all(&bytes.map_err(io::Error::other)?).await?;
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
    let (mut file, mut hash, mut buffer) = (File::open(path).await?, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(hash.finalize().to_vec());
        }
        hash.update(&buffer[..read]);
    }
}

async fn download(State(net): State<Arc<Net>>, Path(name): Path<String>, Query(wanted): Query<Wanted>) -> Response {
    if wanted.auth.as_deref().is_some_and(|auth| auth != net.media.token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(path) = net.media.whole(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(file) = File::open(path).await else { return StatusCode::NOT_FOUND.into_response() };
    let length = file.metadata().await.map_or(0, |found| found.len());
    ([(CONTENT_LENGTH, length.to_string())], Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024))).into_response()
}

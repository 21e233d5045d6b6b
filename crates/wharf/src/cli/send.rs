//! `wharf send`: sends a text or a file from a terminal, through a gateway that runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use futures::TryStreamExt as _;
use indicatif::ProgressBar;
use serde_json::json;
use tokio_util::io::ReaderStream;
use wharf_api::limits;
use wharf_api::types::media::{Media, MediaKind};

use super::gateway::Gateway;
use super::progress;
use super::target::Target;

const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Args)]
pub(super) struct Send {
    /// The session that sends.
    #[arg(long, value_name = "ID")]
    session: String,
    /// A phone number in international format, or a group's id.
    #[arg(long, value_name = "NUMBER")]
    to: String,
    #[command(flatten)]
    what: What,
    /// What a file is sent as; its bytes tell where this is not given.
    #[arg(long, value_name = "KIND", conflicts_with = "text")]
    kind: Option<Kind>,
    /// What stands below an image, a video or a document.
    #[arg(long, value_name = "TEXT", conflicts_with = "text")]
    caption: Option<String>,
    /// Sends audio as a voice note.
    #[arg(long, conflicts_with = "text")]
    voice: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// What is said.
    #[arg(long)]
    text: Option<String>,
    /// A file to upload and to send.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Image,
    Video,
    Document,
    Audio,
    Sticker,
}

impl From<Kind> for MediaKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Image => Self::Image,
            Kind::Video => Self::Video,
            Kind::Document => Self::Document,
            Kind::Audio => Self::Audio,
            Kind::Sticker => Self::Sticker,
        }
    }
}

impl Send {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (url, key) = self.target.with_key()?;
        let gateway = Gateway::new(&url, &key)?;
        let mut body = json!({ "sessionId": self.session, "to": self.to });
        let sent = match (&self.what.text, &self.what.file) {
            (Some(text), _) => {
                body["text"] = json!(text);
                gateway.send("text", &body).await?
            }
            (None, Some(path)) => {
                let media = self.upload(&gateway, path).await?;
                body["mediaId"] = json!(media.media_id);
                body["mediaType"] = json!(self.kind.map_or(media.media_type, Into::into));
                body["voice"] = json!(self.voice);
                if let Some(caption) = &self.caption {
                    body["caption"] = json!(caption);
                }
                let busy = ProgressBar::new_spinner().with_message("Bringing it to WhatsApp …");
                busy.enable_steady_tick(Duration::from_millis(100));
                let sent = gateway.send("media", &body).await;
                busy.finish_and_clear();
                sent?
            }
            (None, None) => unreachable!("a text or a file is required"),
        };
        println!("{}  {}", sent.message_id, sent.status.as_str());
        Ok(())
    }

    /// Brings the file to the gateway, and shows how far it is where somebody looks.
    async fn upload(&self, gateway: &Gateway, path: &Path) -> anyhow::Result<Media> {
        let unreadable = || format!("{} cannot be read", path.display());
        let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
        let size = file.metadata().await.with_context(unreadable)?.len();
        let kind = self.kind.map(MediaKind::from);
        let limit = kind.map_or(limits::DOCUMENT_BYTES, MediaKind::limit_bytes);
        if size > limit {
            // The gateway would refuse it too, while most of it is still on its way.
            bail!("{} has {size} bytes, and at most {limit} are sent", path.display());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let bar = progress::bar(Some(size), "Uploading")?;
        let shown = bar.clone();
        let bytes = ReaderStream::with_capacity(file, CHUNK_BYTES).inspect_ok(move |chunk| shown.inc(chunk.len() as u64));
        let stored = gateway.upload(size, reqwest::Body::wrap_stream(bytes), kind.map(MediaKind::as_str), name.as_deref()).await;
        bar.finish_and_clear();
        stored
    }
}

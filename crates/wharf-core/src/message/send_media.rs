//! Sending a file: taken in and checked like an upload, brought to WhatsApp, and then a message like any other.
//!
//! The file's key is in the frozen message, so a repeat after a crash names the same file on WhatsApp's servers. A death before
//! the message is accepted leaves a file whose time is over within the hour.

use bytes::Bytes;
use wharf_api::types::media::{MediaContent, MediaKind, MediaStatus, SendMedia};
use wharf_api::types::message::Content;
use wharf_api::types::switches::Feature;
use wharf_api::{Recipient, limits};

use super::heading::{self, Heading, RawHeading};
use super::shape::within;
use super::{Error, Sent};
use crate::caller::Caller;
use crate::egress::{self, Fetch};
use crate::engine::{Body, Media, Uploaded};
use crate::media::intake::{self, Purpose};
use crate::media::keep::{self, Stay};
use crate::media::{self, Facts, Intake, Said, base64, kind, sound, types};
use crate::services::Services;
use crate::store::{Claim, MediaRow, SessionRow};

/// A file whose message has a good shape.
#[derive(Debug)]
pub struct NewFile {
    pub(crate) heading: Heading,
    pub(crate) source: Source,
    pub(crate) label: Label,
}

/// What the message says of its file.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) kind: MediaKind,
    pub(crate) caption: Option<String>,
    pub(crate) file_name: Option<String>,
    pub(crate) voice: bool,
    pub(crate) view_once: bool,
}

/// Where the file is.
#[derive(Debug)]
pub enum Source {
    Url(String),
    /// The id of a stored file.
    Stored(String),
    /// Its memory, and what is held with it, are free as soon as it is decoded.
    Base64(Bytes),
    /// The file of a message. WhatsApp has taken it before: it is not judged again.
    Message(Box<MediaRow>),
}

impl Source {
    /// The field of the request that names it.
    const fn field(&self) -> &'static str {
        match self {
            Self::Url(_) => "mediaUrl",
            Self::Stored(_) | Self::Message(_) => "mediaId",
            Self::Base64(_) => "data",
        }
    }

    /// Whether the file comes in with the message.
    const fn is_fresh(&self) -> bool {
        matches!(self, Self::Url(_) | Self::Base64(_))
    }
}

/// How much Base64 is decoded at once.
const BASE64_CHUNK: usize = 64 * 1024;

/// What can be said without looking anything up.
pub fn parse(services: &Services, request: &SendMedia, source: Source) -> Result<NewFile, Error> {
    let raw = RawHeading { audience: Some(&request.audience), mentions: &request.mentions, ..heading::raw!(request) };
    let heading = RawHeading { forwarded: request.forwarded, ..raw }.parse()?;
    let (caption, file_name) = (request.caption.clone(), request.file_name.clone());
    let label = Label { kind: request.media_type, caption, file_name, voice: request.voice, view_once: request.view_once };
    label.check(heading.is_status())?;
    if let Source::Url(url) = &source {
        services.egress.check(url).map_err(|refused| media::Error::Inaccessible(egress::Error::Refused(refused)))?;
    }
    Ok(NewFile { heading, source, label })
}

impl Label {
    fn check(&self, is_status: bool) -> Result<(), Error> {
        if is_status && !(matches!(self.kind, MediaKind::Image | MediaKind::Video) || self.voice) {
            return Err(Error::Unsupported("a status is a text, an image, a video or a voice note"));
        }
        if let Some(caption) = &self.caption {
            words("caption", caption)?;
            if !self.kind.has_caption() {
                return Err(Error::Unfit { field: "caption", reason: "only images, videos and documents have one" });
            }
        }
        if let Some(name) = &self.file_name {
            within("fileName", name, 1, limits::FILE_NAME_CHARS)?;
        }
        if self.file_name.is_some() && self.kind != MediaKind::Document {
            return Err(Error::Unfit { field: "fileName", reason: "only documents have one" });
        }
        if self.voice && self.kind != MediaKind::Audio {
            return Err(Error::Unfit { field: "voice", reason: "only audio can be a voice note" });
        }
        let once = matches!(self.kind, MediaKind::Image | MediaKind::Video) || self.voice;
        if self.view_once && is_status {
            return Err(Error::Unfit { field: "viewOnce", reason: "a status can be seen for a day" });
        }
        if self.view_once && !once {
            return Err(Error::Unfit { field: "viewOnce", reason: "only images, videos and voice notes can be opened once" });
        }
        Ok(())
    }
}

/// What every caption must be, a new one or one that takes the place of another.
pub(super) fn words(field: &'static str, caption: &str) -> Result<(), Error> {
    let chars = caption.chars().count();
    if chars > limits::CAPTION_CHARS { Err(Error::CaptionTooLong { field, chars }) } else { Ok(()) }
}

/// Sends a file; see [`super::send()`].
pub async fn send_media(services: &Services, caller: &Caller, new: NewFile, claim: Option<Claim>) -> Result<Sent, Error> {
    let NewFile { heading, source, label } = new;
    let (is_fresh, dry_run) = (source.is_fresh(), heading.manner.dry_run);
    let addressed = heading.address(services, caller).await?;
    services.switches.require(Feature::Media)?;
    if addressed.to == Recipient::Status {
        services.switches.require(Feature::Status)?;
    }
    addressed.require_reachable(services).await?;
    let obtained = caller.in_time(obtain(services, caller, &addressed.session, source, &label)).await;
    let (row, facts) = obtained.ok_or(Error::TooLate)??;
    if dry_run {
        if is_fresh {
            keep::discard(services, &row.id).await;
        }
        let content = label.kind.content(content(&label, &row));
        return Box::pin(addressed.foresee(services, caller, content)).await;
    }
    let brought = caller.in_time(bring(services, &addressed.session, &row, label.kind)).await.unwrap_or(Err(Error::TooLate));
    let sent = match brought {
        Ok(file) => super::send(services, caller, addressed.pack(said(&label, &row, facts, file)), claim).await,
        Err(error) => Err(error),
    };
    match &sent {
        // The message has it, or may have it.
        Ok(_) | Err(Error::Failed { .. } | Error::Store(_)) => {}
        // No message has it.
        Err(_) if is_fresh => keep::discard(services, &row.id).await,
        Err(_) => {}
    }
    sent
}

/// Brings the file to WhatsApp.
async fn bring(services: &Services, session: &SessionRow, row: &MediaRow, kind: MediaKind) -> Result<Uploaded, Error> {
    let local = services.files.open(&row.id).await.map_err(media::Error::from)?;
    let local = local.ok_or(media::Error::NotFound { field: Some("mediaId"), reason: None })?;
    let scratch = services.files.scratch().await.map_err(media::Error::from)?;
    let file = services.engine.upload(&session.id, &local.path, kind, scratch).await?;
    // Whoever encrypts a file reads all of it, and tells what it was.
    sound::require_hash(services, row, &file.file_sha256, Some("mediaId"))?;
    fail::fail_point!("M3-uploaded");
    Ok(file)
}

/// The message with a file that WhatsApp has.
fn said(label: &Label, row: &MediaRow, facts: Facts, file: Uploaded) -> (Body, Content) {
    let content = content(label, row);
    let body = Media {
        kind: label.kind,
        file,
        mime_type: row.mime_type.clone(),
        caption: label.caption.clone(),
        file_name: content.file_name.clone(),
        voice: label.voice,
        view_once: label.view_once,
        width: row.width,
        height: row.height,
        seconds: row.seconds,
        thumbnail: facts.thumbnail.filter(|_| label.kind == MediaKind::Image && !label.view_once),
    };
    (Body::Media(Box::new(body)), label.kind.content(content))
}

/// What the row shows of the file.
fn content(label: &Label, row: &MediaRow) -> MediaContent {
    let file_name = match label.kind {
        MediaKind::Document => {
            // The caller's own name is the caller's word; another one opens with the help of its type.
            let other = || types::with_extension(row.file_name.as_deref().unwrap_or("file"), &row.mime_type);
            Some(keep::tidy(&label.file_name.clone().unwrap_or_else(other)))
        }
        _ => None,
    };
    MediaContent {
        media_id: row.id.clone(),
        media_status: MediaStatus::Stored,
        media_reason: None,
        mime_type: row.mime_type.clone(),
        size_bytes: row.size,
        sha256: row.sha256.clone(),
        caption: label.caption.clone(),
        file_name,
        width: row.width,
        height: row.height,
        duration_seconds: row.seconds,
        voice: label.voice,
    }
}

/// The file, stored and fit for its kind.
async fn obtain(
    services: &Services,
    caller: &Caller,
    session: &SessionRow,
    source: Source,
    label: &Label,
) -> Result<(MediaRow, Facts), Error> {
    let field = source.field();
    let purpose = Purpose { kind: Some(label.kind), voice: label.voice };
    let (intake, name) = match source {
        Source::Stored(id) => return stored(services, caller, label, &id).await,
        Source::Message(row) => return with_facts(services, *row).await,
        Source::Url(url) => {
            let _turn = services.fetches.enter(&caller.account).await;
            let mut intake = Intake::begin_for(services, caller, purpose, field).await?;
            let name = fetch(services, &url, label, &mut intake).await?;
            (intake, name)
        }
        Source::Base64(text) => {
            let mut intake = Intake::begin_for(services, caller, purpose, field).await?;
            decode(&text, label, &mut intake).await?;
            (intake, None)
        }
    };
    let name = label.file_name.clone().or(name);
    Ok(keep::keep(services, caller, Some(session.id.clone()), intake, name, Stay::Unused).await?)
}

async fn stored(services: &Services, caller: &Caller, label: &Label, id: &str) -> Result<(MediaRow, Facts), Error> {
    let row = media::find(services, caller, id).await.map_err(|error| match error {
        media::Error::NotFound { reason, .. } => media::Error::NotFound { field: Some("mediaId"), reason },
        other => other,
    })?;
    let field = "mediaId";
    kind::judge(label.kind, label.voice, &row.mime_type).map_err(|reason| media::Error::WrongType { field, reason })?;
    let limit = label.kind.limit_bytes();
    if row.size > limit {
        return Err(media::Error::TooLarge { field, limit, actual: row.size }.into());
    }
    let (row, facts) = with_facts(services, row).await?;
    // As a document, nobody counted its pixels.
    intake::check_pixels(field, label.kind, &facts)?;
    Ok((row, facts))
}

async fn with_facts(services: &Services, row: MediaRow) -> Result<(MediaRow, Facts), Error> {
    sound::require_size(services, &row, Some("mediaId")).await?;
    let facts = services.files.facts(&row.id, &row.mime_type).await.map_err(media::Error::from)?;
    Ok((row, facts))
}

/// The file's name, if its address has one.
async fn fetch(services: &Services, url: &str, label: &Label, intake: &mut Intake) -> Result<Option<String>, Error> {
    let limit_bytes = intake.limit_bytes();
    let request = Fetch { url: url.to_owned(), limit_bytes, timeout: limits::MEDIA_FETCH, content_type: None };
    match services.egress.fetch(request, intake).await {
        Ok(fetched) => {
            let file_name = label.file_name.clone().or_else(|| fetched.file_name.clone());
            let address = url::Url::parse(url).ok().as_ref().and_then(egress::name_in);
            intake.say(Said { file_name, header: fetched.content_type, address, ..Said::default() });
            Ok(fetched.file_name)
        }
        Err(egress::Error::TooLarge { limit, actual }) => Err(media::Error::TooLarge { field: "mediaUrl", limit, actual }.into()),
        Err(error) => Err(intake.take_refusal().unwrap_or(media::Error::Inaccessible(error)).into()),
    }
}

/// Decodes without a second copy of the whole.
async fn decode(text: &Bytes, label: &Label, intake: &mut Intake) -> Result<(), Error> {
    let malformed = |base64::Malformed(reason)| media::Error::Malformed { field: "data", reason };
    let (word, letters) = base64::unwrap(text).map_err(malformed)?;
    intake.say(Said { word, file_name: label.file_name.clone(), ..Said::default() });
    let mut decoder = base64::Decoder::default();
    for chunk in letters.chunks(BASE64_CHUNK) {
        let bytes = decoder.push(chunk).map_err(malformed)?;
        intake.push(bytes.into()).await?;
    }
    let bytes = decoder.finish().map_err(malformed)?;
    Ok(intake.push(bytes.into()).await?)
}

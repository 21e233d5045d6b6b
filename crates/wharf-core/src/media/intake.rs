//! Taking a file in: counted and hashed while it comes, typed by its first bytes, refused as soon as it must be.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId, SessionId};
use wharf_api::limits;
use wharf_api::types::media::{MediaKind, MediaStatus};

use super::files::{Facts, Writing};
use super::room::Share;
use super::types::{self, Said};
use super::{Error, kind, wrapping};
use crate::caller::Caller;
use crate::egress::{Sink, Stop};
use crate::services::Services;
use crate::store::MediaRow;

/// What the file is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Purpose {
    /// `None` is told from the bytes.
    pub kind: Option<MediaKind>,
    pub voice: bool,
}

/// A file on its way in. Dropping it leaves nothing behind.
pub struct Intake {
    writing: Box<dyn Writing>,
    purpose: Purpose,
    /// What a refusal names: the field that brought the file.
    field: &'static str,
    said: Said,
    head: BytesMut,
    found: Option<kind::Found>,
    hash: Sha256,
    size: u64,
    /// Where the account's files have a limit.
    share: Option<Share>,
    refused: Option<Error>,
}

/// A file that is in, with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Taken {
    pub kind: MediaKind,
    pub mime_type: String,
    pub size: u64,
    pub sha256: [u8; 32],
    pub facts: Facts,
}

impl Intake {
    pub async fn begin(services: &Services, purpose: Purpose, field: &'static str) -> Result<Self, Error> {
        let writing = services.files.begin().await?;
        Ok(Self {
            writing,
            purpose,
            field,
            said: Said::default(),
            head: BytesMut::new(),
            found: None,
            hash: Sha256::new(),
            size: 0,
            share: None,
            refused: None,
        })
    }

    /// Begins with a file that the account is to keep: it counts towards what the plan lets it have.
    pub async fn begin_for(services: &Services, caller: &Caller, purpose: Purpose, field: &'static str) -> Result<Self, Error> {
        let share = Share::begin(services, &caller.account, &caller.plan).await?;
        Ok(Self { share, ..Self::begin(services, purpose, field).await? })
    }

    /// The place that the file takes among the account's. It is free again when the answer is dropped.
    pub(super) fn take_share(&mut self) -> Option<Share> {
        self.share.take()
    }

    /// What is said of the file besides its bytes; it counts at the end.
    pub fn say(&mut self, said: Said) {
        self.said = said;
    }

    /// What the file is for, where that is said behind it. It is judged at the end.
    pub fn meant_as(&mut self, kind: MediaKind) {
        self.purpose.kind = Some(kind);
    }

    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The most bytes that the file may have, as far as is known what it is.
    pub fn limit_bytes(&self) -> u64 {
        let kind = self.purpose.kind.or_else(|| self.found.map(|found| found.kind));
        kind.map_or(limits::DOCUMENT_BYTES, MediaKind::limit_bytes)
    }

    /// Refuses a length that was announced and that is too much.
    pub fn announce(&self, length: u64) -> Result<(), Error> {
        let limit = self.limit_bytes();
        if length > limit {
            return Err(Error::TooLarge { field: self.field, limit, actual: length });
        }
        self.share.as_ref().map_or(Ok(()), |share| share.announce(length))
    }

    pub async fn push(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.found.is_none() {
            let room = kind::HEAD_BYTES.saturating_sub(self.head.len());
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if self.head.len() == kind::HEAD_BYTES {
                self.look()?;
            }
        }
        if let Some(share) = &mut self.share {
            share.grow(self.size)?;
        }
        self.announce(self.size)?;
        self.hash.update(&bytes);
        Ok(self.writing.write(bytes).await?)
    }

    fn look(&mut self) -> Result<kind::Found, Error> {
        let found = kind::look(&self.head);
        // Of these the end of the file may tell more.
        if !kind::is_container(found.mime_type) {
            self.judge(found)?;
        }
        self.found = Some(found);
        Ok(found)
    }

    fn judge(&self, found: kind::Found) -> Result<(), Error> {
        let wanted = self.purpose.kind.unwrap_or(found.kind);
        kind::judge(wanted, self.purpose.voice, found.mime_type).map_err(|reason| Error::WrongType { field: self.field, reason })
    }

    /// Whether what came is what was promised, and a file at all.
    fn check_promise(&self) -> Result<(), Error> {
        let field = self.field;
        if self.said.is_body
            && let Some(reason) = wrapping::of(&self.head, self.purpose.kind, &self.said)
        {
            return Err(Error::Malformed { field, reason });
        }
        match types::promised(&self.said) {
            Some(promised) if !self.said.is_received && types::is_page(&self.head) => Err(Error::Page { field, promised }),
            _ => Ok(()),
        }
    }

    /// Why a fetch into this was stopped.
    pub fn take_refusal(&mut self) -> Option<Error> {
        self.refused.take()
    }

    /// The SHA-256 of what came so far, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// What the file shows. It is not kept.
    pub async fn glance(mut self) -> Result<Facts, Error> {
        Ok(self.complete().await?.1)
    }

    /// Makes the file durable under `id`.
    pub async fn finish(mut self, id: &MediaId) -> Result<Taken, Error> {
        let (found, facts) = self.complete().await?;
        let kind = self.purpose.kind.unwrap_or(found.kind);
        self.writing.finish(id).await?;
        let mime_type = types::settle(found.mime_type, &self.head, &self.said);
        Ok(Taken { kind, mime_type, size: self.size, sha256: self.hash.finalize().into(), facts })
    }

    /// Judges the file now that nothing more comes.
    async fn complete(&mut self) -> Result<(kind::Found, Facts), Error> {
        if self.size == 0 {
            return Err(Error::WrongType { field: self.field, reason: "the file is empty".to_owned() });
        }
        let found = match self.found {
            Some(found) => found,
            None => self.look()?,
        };
        self.check_promise()?;
        let facts = self.writing.facts(found.mime_type).await?;
        let found = kind::with_tracks(found, facts.tracks);
        self.judge(found)?;
        self.found = Some(found);
        self.announce(self.size)?;
        check_pixels(self.field, self.purpose.kind.unwrap_or(found.kind), &facts)?;
        Ok((found, facts))
    }
}

/// An image that says nothing of its size is damaged; one that is too large would only be shown by phones that fail over it.
pub(crate) fn check_pixels(field: &'static str, kind: MediaKind, facts: &Facts) -> Result<(), Error> {
    if !matches!(kind, MediaKind::Image | MediaKind::Sticker) {
        return Ok(());
    }
    let (Some(width), Some(height)) = (facts.width, facts.height) else {
        return Err(Error::WrongType { field, reason: "the image is damaged".to_owned() });
    };
    let (width, height) = (u64::from(width), u64::from(height));
    if width > limits::IMAGE_SIDE_PIXELS || height > limits::IMAGE_SIDE_PIXELS || width * height > limits::IMAGE_PIXELS {
        return Err(Error::WrongType { field, reason: format!("the image has {width} × {height} pixels, more than can be shown") });
    }
    Ok(())
}

#[async_trait]
impl Sink for Intake {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Stop> {
        match self.push(bytes).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.refused = Some(error);
                Err(Stop)
            }
        }
    }
}

/// The row of a file that was taken in.
pub(super) struct FilePlace {
    pub(super) id: MediaId,
    pub(super) account: AccountId,
    pub(super) session: Option<SessionId>,
    pub(super) file_name: Option<String>,
    pub(super) at: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl Taken {
    pub(super) fn row(&self, place: FilePlace) -> MediaRow {
        MediaRow {
            id: place.id,
            account: place.account,
            session: place.session,
            kind: self.kind,
            mime_type: self.mime_type.clone(),
            size: self.size,
            sha256: Some(hex(&self.sha256)),
            width: self.facts.width,
            height: self.facts.height,
            seconds: self.facts.seconds,
            file_name: place.file_name,
            state: MediaStatus::Stored,
            created_at: place.at,
            expires_at: place.expires_at,
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

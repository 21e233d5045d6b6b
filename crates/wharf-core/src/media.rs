//! Media: which files are taken, how long they are kept, and who may have them.

pub(crate) mod arriving;
pub mod base64;
pub mod fetch;
pub mod files;
pub mod gate;
pub mod intake;
pub mod keep;
pub mod kind;
pub mod room;
pub mod sound;
pub mod types;
mod wrapping;

use wharf_api::ids::MediaId;
use wharf_api::types::media::{Media, MediaStatus};
use wharf_api::{ApiError, ErrorCode};

use crate::caller::Caller;
use crate::services::Services;
use crate::store::{self, MediaRow};
use crate::{egress, engine};

pub use files::{Facts, Files, NoFiles, Writing};
pub use intake::Intake;
pub use types::Said;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such media")]
    NotFound { field: Option<&'static str>, reason: Option<&'static str> },
    #[error("more than {limit} bytes")]
    TooLarge { field: &'static str, limit: u64, actual: u64 },
    /// With it, the account's files would have more bytes than its plan lets them have.
    #[error("the account's files may have {limit} bytes in all")]
    NoRoom { limit: u64, actual: u64 },
    #[error("the type is not taken: {reason}")]
    WrongType { field: &'static str, reason: String },
    /// Something else was promised: by a name, an address or a type.
    #[error("this is a web page, not {promised}")]
    Page { field: &'static str, promised: String },
    #[error("the media URL gave nothing: {0}")]
    Inaccessible(egress::Error),
    #[error("the request's file cannot be read: {reason}")]
    Malformed { field: &'static str, reason: &'static str },
    /// The folder or the bucket for files is full or away.
    #[error("the file store is not available")]
    Files(#[from] std::io::Error),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound { field, reason } => {
                let mut refusal = ApiError::new(ErrorCode::ResourceNotFound);
                if let Some(field) = field {
                    refusal = refusal.field(*field);
                }
                match reason {
                    Some(reason) => refusal.reason(*reason),
                    None => refusal,
                }
            }
            Error::TooLarge { field, limit, actual } => ApiError::new(ErrorCode::MediaSizeExceeded).field(*field).limit(*limit, *actual),
            Error::NoRoom { limit, actual } => {
                let reason =
                    "the account's files would have more bytes than its plan allows: wait until older ones expire, or upgrade the plan";
                ApiError::new(ErrorCode::Conflict).reason(reason).limit(*limit, *actual)
            }
            Error::WrongType { field, reason } => ApiError::new(ErrorCode::InvalidMediaType).field(*field).reason(reason.clone()),
            Error::Page { field, promised } => {
                // A page in the place of a file is how shared drives and expired links say no.
                let code = if *field == "mediaUrl" { ErrorCode::MediaUrlInaccessible } else { ErrorCode::InvalidMediaType };
                ApiError::new(code).field(*field).reason(format!("this is a web page, not {promised}"))
            }
            Error::Inaccessible(cause) => ApiError::new(ErrorCode::MediaUrlInaccessible).field("mediaUrl").reason(inaccessible(cause)),
            Error::Malformed { field, reason } => ApiError::new(ErrorCode::InvalidRequest).field(*field).reason(*reason),
            Error::Files(cause) if cause.kind() == std::io::ErrorKind::StorageFull => {
                ApiError::new(ErrorCode::ServiceUnavailable).reason("the file store is full").retry_after(60)
            }
            Error::Files(_) => ApiError::new(ErrorCode::ServiceUnavailable).reason("the file store is not available").retry_after(5),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// What the caller is told of a URL that gave nothing. A name that leads inside looks like one that leads nowhere.
fn inaccessible(cause: &egress::Error) -> String {
    use egress::Error as Cause;
    match cause {
        Cause::Refused(refused) => format!("the URL is refused: {refused}"),
        Cause::Blocked | Cause::Unresolved | Cause::Unreachable | Cause::Offline => "the server cannot be reached".to_owned(),
        Cause::Tls => "the server's certificate is not trusted".to_owned(),
        Cause::NotTls => "the server does not speak TLS: is this address one of http?".to_owned(),
        Cause::Timeout | Cause::TooSlow => "the server is too slow".to_owned(),
        Cause::Status(status) => format!("the server answered {status}"),
        Cause::ContentType => "the answer is of another type".to_owned(),
        Cause::Packed => "the answer is packed (Content-Encoding), though it was asked for as it is".to_owned(),
        Cause::Redirect(why) => format!("a redirect was refused: {why}"),
        Cause::Broken | Cause::Stopped | Cause::TooLarge { .. } => "the answer broke off".to_owned(),
    }
}

/// The stored file that `id` spells, if the caller may have it.
pub async fn find(services: &Services, caller: &Caller, id: &str) -> Result<MediaRow, Error> {
    let missing = || Error::NotFound { field: None, reason: None };
    let id = MediaId::parse(id).ok_or_else(missing)?;
    let row = services.store.find_media(&caller.account, &id).await?.ok_or_else(missing)?;
    if row.session.as_ref().is_some_and(|session| !caller.may_use(session)) || row.expires_at <= services.clock.now() {
        return Err(missing());
    }
    match row.state {
        MediaStatus::Stored => Ok(row),
        MediaStatus::Pending => Err(Error::NotFound { field: None, reason: Some("the file has not been fetched from WhatsApp yet") }),
        MediaStatus::Failed => Err(Error::NotFound { field: None, reason: Some("the file could not be fetched from WhatsApp") }),
    }
}

/// The file as the wire shows it.
pub fn view(row: &MediaRow) -> Media {
    Media {
        media_id: row.id.clone(),
        media_type: row.kind,
        mime_type: row.mime_type.clone(),
        size_bytes: row.size,
        sha256: row.sha256.clone().unwrap_or_default(),
        width: row.width,
        height: row.height,
        duration_seconds: row.seconds,
        file_name: row.file_name.clone(),
        expires_at: row.expires_at,
    }
}

mod get_media;
mod part;
mod upload_media;

use wharf_api::{ApiError, ErrorCode};

pub(super) use get_media::get_media;
pub(super) use upload_media::upload_media;

/// A word for what a file is shown as that is none of ours has a code of its own.
pub(super) fn no_kind(error: ApiError) -> ApiError {
    let is = error.code == ErrorCode::InvalidRequest && error.details.field.as_deref() == Some("mediaType");
    if is { ApiError { code: ErrorCode::InvalidMediaType, ..error } } else { error }
}

mod get_media;
mod part;
mod upload_media;

pub(super) use get_media::get_media;
pub(super) use upload_media::upload_media;

//! The other nodes on the database: what they are told at once, so that what they remember is not believed too long.
//!
//! Nothing depends on it but time: who hears nothing looks into the database a few seconds later.

pub(crate) mod way;

use crate::services::Services;

pub use way::{Alone, News, Others};

/// What news mean in this process.
pub fn heed(services: &Services, news: &News) {
    match news {
        News::KeyChanged(id) => services.keys.forget(id),
        News::KeysChanged => services.keys.expire(),
        News::LoginEnded(id) => services.doors.forget(id),
        News::LoginsChanged => services.doors.forget_all(),
    }
}

/// Heeds news here, and tells them to every other node.
pub async fn spread(services: &Services, news: News) {
    heed(services, &news);
    services.others.tell(news).await;
}

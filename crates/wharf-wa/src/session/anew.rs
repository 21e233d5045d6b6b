//! A session whose database was put back to an older day: before it connects, it begins its keys anew.

use std::sync::Arc;

use super::Own;
use crate::backend::Backend;

/// Does what a database that is an older self demands of the session; nothing where it is not.
pub(super) async fn begin(own: &Arc<Own>) -> anyhow::Result<()> {
    if !own.ctx.store.is_stale(own.session()).await? {
        return Ok(());
    }
    let backend = Backend::new(Arc::clone(&own.vault), Arc::clone(&own.ctx.clock), Arc::clone(&own.flight));
    backend.begin_anew().await?;
    // A death before this line does it once more.
    own.ctx.store.clear_stale(own.fence()).await?;
    tracing::warn!("the database was put back: the session has begun its keys anew");
    Ok(())
}

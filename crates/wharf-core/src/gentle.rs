//! Long work beside which others must not wait: it rests after each part for as long as that took.

use tokio::time::Instant;

/// Does one part, and rests.
pub async fn gently<T>(part: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = part.await;
    tokio::time::sleep(began.elapsed()).await;
    done
}

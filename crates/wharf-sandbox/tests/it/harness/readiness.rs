//! How soon `/readyz` tells a state, and how soon it is over. Nothing is judged here: `cargo xtask rig` reads the rows and does.

use tokio::time::Instant;

use super::{Api, eventually};

/// What a row of [`until`] begins with; xtask looks for the same word.
const ROW: &str = "rig:readiness";

/// Waits until readiness is this, prints how long that took, and tells the reason. To be called right after `state` was made or ended.
pub async fn until(api: &Api, state: &str, ready: bool) -> String {
    let began = Instant::now();
    let reason = eventually("readiness is the truth", async || {
        let reply = api.get("/readyz").await;
        let reason = reply.json["error"]["details"]["reason"].as_str().unwrap_or_default().to_owned();
        if (reply.status == 200) == ready { Ok(reason) } else { Err(format!("{reply:?}")) }
    })
    .await;
    row(state, ready, began, &reason);
    reason
}

/// Prints the row of a state that was told, or was over, just now.
pub fn row(state: &str, over: bool, began: Instant, reason: &str) {
    let what = if over { "back" } else { "said" };
    println!("\n{ROW}\t{state}\t{what}\t{:.1}\t{reason}", began.elapsed().as_secs_f64());
}

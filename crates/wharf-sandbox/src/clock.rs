//! A clock that a tester puts forward, so that days pass in a moment. Only the sandbox has one: a release reads the machine's.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use wharf_api::Timestamp;
use wharf_core::Clock;
use wharf_core::clock::SystemClock;
use wharf_sim::JsonLine;

/// Ten years: nothing in Wharf lasts longer.
const MOST_SECS: i64 = 10 * 366 * 24 * 60 * 60;

/// The machine's clock and so much more. It never goes back: how far it is ahead is kept in the data folder.
pub struct Ahead {
    ms: AtomicI64,
    file: PathBuf,
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        SystemClock.steady().plus_millis(self.ms.load(Ordering::SeqCst))
    }
}

impl Ahead {
    pub fn of(data_dir: &Path) -> Result<Self> {
        let file = data_dir.join("clock-ahead-ms");
        let ms = match std::fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().with_context(|| format!("{} is damaged; delete it", file.display()))?,
            Err(_) => 0,
        };
        Ok(Self { ms: AtomicI64::new(ms), file })
    }

    fn advance(&self, seconds: i64) -> Result<()> {
        let ms = self.ms.fetch_add(seconds * 1_000, Ordering::SeqCst) + seconds * 1_000;
        Ok(std::fs::write(&self.file, ms.to_string())?)
    }
}

/// Listens on that port, or on any free one where it is taken: nobody types it by heart. Tells the address.
pub async fn serve(clock: Arc<Ahead>, port: u16) -> Result<String> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("a port for the clock")?,
    };
    let url = format!("http://{}/clock", listener.local_addr()?);
    let routes = Router::new().route("/clock", get(show).post(advance)).layer(from_fn(wharf_sim::own)).with_state(clock);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn show(State(clock): State<Arc<Ahead>>) -> JsonLine {
    let ahead = clock.ms.load(Ordering::SeqCst) / 1_000;
    JsonLine(json!({"success": true, "data": {"now": clock.now(), "aheadSeconds": ahead}}))
}

async fn advance(State(clock): State<Arc<Ahead>>, body: String) -> Response {
    let asked = serde_json::from_str(&body).map_err(|error| error.to_string()).and_then(|Advance { advance_seconds }| {
        if !(0..=MOST_SECS).contains(&advance_seconds) {
            return Err(format!("advanceSeconds is a number from 0 to {MOST_SECS}: the clock never goes back"));
        }
        clock.advance(advance_seconds).map_err(|error| format!("{error:#}"))
    });
    match asked {
        Ok(()) => show(State(clock)).await.into_response(),
        Err(message) => {
            let body = json!({"success": false, "error": {"code": "invalid_request", "message": message}});
            (StatusCode::BAD_REQUEST, JsonLine(body)).into_response()
        }
    }
}

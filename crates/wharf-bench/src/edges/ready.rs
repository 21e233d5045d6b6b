//! How soon a gateway that is started on an existing database says that it is ready, and a bare axum beside it: what the start of a
//! program costs.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use tokio::process::Command;
use tokio::time::Instant;

use crate::gateway::Http;
use crate::process::{Process, fresh_dir, on_core, sibling};
use crate::sends::contact;

/// Longer than any start.
const PATIENCE: Duration = Duration::from_secs(20);
/// Texts that are in the database.
const TEXTS: usize = 500;
const PHONE: &str = "15550002001";
/// How soon it is to be ready, in milliseconds.
const GOAL_MS: f64 = 8.0;

/// Starts both in turns and prints how long they took.
pub async fn show(starts: usize) -> Result<()> {
    let dir = fresh_dir("ready")?;
    let network = Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0"], None).await?;
    let (program, data, url) = (sibling("wharf-sandbox")?, dir.join("gateway").display().to_string(), network.text("url")?);
    let args = ["--json", "--quiet", "--control-port", "0", "--data-dir", &data, "--network", &url];
    let mut first = on_core(&program, None);
    first.args(args).args(["--port", "0"]);
    let first = Process::of(first).await?;
    fill(&first, &network).await?;
    first.terminate().await?;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first start of each brings its program into memory.
    for start in 0..=starts {
        let mut gateway = on_core(&program, None);
        gateway.args(args);
        let wharf = started(gateway, "/readyz").await?;
        let mut axum = on_core(std::env::current_exe()?, None);
        axum.args(["bare-axum", "--answers", "200:50"]);
        let bare = started(axum, "/0").await?;
        println!("start {start}: wharf {wharf:.2} ms, bare axum {bare:.2} ms");
        if start > 0 {
            ours.push(wharf);
            theirs.push(bare);
        }
    }
    network.terminate().await?;
    std::fs::remove_dir_all(dir)?;
    let ((median, worst), (bare_median, bare_worst)) = (middle_and_worst(&mut ours), middle_and_worst(&mut theirs));
    let verdict = if median <= GOAL_MS { "shown" } else { "not shown" };
    println!("\n| from the start of the process until it is ready, ms | median of {starts} | worst |\n| --- | --- | --- |");
    println!("| Wharf, on an existing database (to be shown: {GOAL_MS:.0}: {verdict}) | {median:.2} | {worst:.2} |");
    println!("| a bare axum | {bare_median:.2} | {bare_worst:.2} |");
    Ok(())
}

/// Leaves a session and texts in the database of a gateway.
async fn fill(gateway: &Process, network: &Process) -> Result<()> {
    let base = gateway.text("url")?;
    Http::new(&base, &gateway.text("operatorKey")?)?.lift_limits().await?;
    let api = Http::new(&base, &gateway.text("apiKey")?)?;
    let session = api.pair(&Http::new(&network.text("controlUrl")?, "")?, PHONE).await?;
    api.until_connected(1).await?;
    stream::iter(0..TEXTS)
        .map(|number| {
            let body = json!({"sessionId": session, "to": contact(number % 100), "text": format!("text {number}")});
            let api = api.clone();
            async move { api.post("/v1/messages/text", &body).await.map(|_| ()) }
        })
        .buffer_unordered(8)
        .try_collect::<()>()
        .await
}

/// Starts a server on a port that is free, tells after how many milliseconds it answered 200 there, and ends it.
async fn started(mut command: Command, path: &'static str) -> Result<f64> {
    let port = free_port()?;
    command.args(["--port", &port.to_string()]);
    let began = Instant::now();
    let (process, took) = tokio::join!(Process::of(command), tokio::task::spawn_blocking(move || answered(port, path, began)));
    process?.terminate().await?;
    Ok(took??.as_secs_f64() * 1_000.0)
}

/// Asks over and over, without a pause, until the answer is 200.
fn answered(port: u16, path: &str, began: Instant) -> Result<Duration> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while !is_200(address, &request).unwrap_or(false) {
        ensure!(began.elapsed() < PATIENCE, "nobody answers 200 at {path} within {PATIENCE:?}");
        std::thread::yield_now();
    }
    Ok(began.elapsed())
}

fn is_200(address: SocketAddr, request: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status == *b"HTTP/1.1 200")
}

/// A port that nobody has, below those that the kernel gives to who connects: whoever knocks at one of these again and again is given that
/// very one some day, and meets itself.
fn free_port() -> Result<u16> {
    (20_000..30_000).find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).context("a free port")
}

fn middle_and_worst(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).copied().unwrap_or(f64::NAN);
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_worst_of_starts_are_told_in_any_order() {
        assert_eq!(middle_and_worst(&mut [9.0, 7.0, 30.0]), (9.0, 30.0));
    }

    #[test]
    fn only_200_is_ready() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", ""] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 3];
                stream.read_exact(&mut asked).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert!(!is_200(address, "GET").unwrap());
        assert!(is_200(address, "GET").unwrap());
        assert!(is_200(address, "GET").is_err(), "it ended without a word");
        server.join().unwrap();
    }
}

//! A receiver of webhooks that means harm: it takes the test that a webhook begins with, and then hangs, talks without end, or leads on.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::Tenant;

/// How long a hanging answer hangs: longer than anybody waits.
const HANGS: Duration = Duration::from_mins(2);
const WAYS: [&str; 3] = ["hang", "huge", "lead"];

/// Listens, and gives the address.
pub async fn listen() -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let own = address.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let own = own.clone();
            tokio::spawn(async move { serve(stream, &own).await });
        }
    });
    Ok(address)
}

/// Has every event of the tenant go to each of its ways.
pub async fn subscribe(tenant: &Tenant, address: &str) -> Result<()> {
    for way in WAYS {
        tenant.api.post("/v1/webhooks", &json!({"url": format!("{address}/{way}"), "events": ["*"]})).await?;
    }
    Ok(())
}

async fn serve(mut stream: TcpStream, own: &str) -> Option<()> {
    let (mut request, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    // The test is small and comes in one piece; of anything else the beginning tells enough.
    while !request.windows(4).any(|end| end == b"\r\n\r\n") || request.len() < 600 {
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut chunk)).await;
        let Ok(Ok(read @ 1..)) = read else { break };
        request.extend_from_slice(&chunk[..read]);
    }
    let request = String::from_utf8_lossy(&request);
    if request.contains("webhook.test") {
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.ok()?;
    } else if request.starts_with("POST /hang") {
        tokio::time::sleep(HANGS).await;
    } else if request.starts_with("POST /huge") {
        stream.write_all(b"HTTP/1.1 500 So it is\r\nContent-Length: 99999999999\r\n\r\n").await.ok()?;
        // Until nobody takes any more of it.
        while stream.write_all(&chunk).await.is_ok() {}
    } else {
        let head = format!("HTTP/1.1 302 Elsewhere\r\nLocation: {own}/lead\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
    }
    Some(())
}

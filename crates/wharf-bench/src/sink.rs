//! A receiver of webhooks that takes everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A receiver that answers 204 to everything and counts.
#[derive(Default)]
pub struct WebhookSink {
    count: AtomicUsize,
    came: Notify,
}

impl WebhookSink {
    /// Listens, and gives the address.
    pub async fn listen(self: &Arc<Self>) -> Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let sink = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = Arc::clone(&sink);
                tokio::spawn(async move { sink.serve(stream).await });
            }
        });
        Ok(url)
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let (mut buffer, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            let head = buffer.windows(4).position(|end| end == b"\r\n\r\n");
            let whole = head.filter(|head| buffer.len() >= head + 4 + length(&buffer[..*head]));
            if let Some(head) = whole {
                buffer.drain(..head + 4 + length(&buffer[..head]));
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
                self.count.fetch_add(1, Ordering::Relaxed);
                self.came.notify_one();
                continue;
            }
            let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            buffer.extend_from_slice(&chunk[..read]);
        }
    }

    /// How many requests it has answered.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until it has answered so many.
    pub async fn until(&self, count: usize) {
        while self.count() < count {
            self.came.notified().await;
        }
    }
}

fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().find_map(|line| line.strip_prefix("content-length:")).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

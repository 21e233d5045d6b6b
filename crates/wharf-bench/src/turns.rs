//! A way to a database that counts round trips: how often a connection asks after it was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
pub struct Turns(AtomicU64);

impl Turns {
    /// Listens before the database of this address; gives the address of the way.
    pub async fn before(database: &str) -> Result<(Arc<Self>, String)> {
        let mut url = Url::parse(database).context("the database's address")?;
        let to = format!("{}:{}", url.host_str().context("a host")?, url.port().unwrap_or(5432));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        url.set_host(Some("127.0.0.1"))?;
        url.set_port(Some(listener.local_addr()?.port())).ok().context("an address with a port")?;

        let turns = Arc::<Self>::default();
        let own = Arc::clone(&turns);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (own, to) = (Arc::clone(&own), to.clone());
                tokio::spawn(async move { own.pass(client, &to).await });
            }
        });
        Ok((turns, url.to_string()))
    }

    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Passes everything on until one side ends. What is asked in one go is one turn, however many statements it has.
    async fn pass(&self, mut client: TcpStream, to: &str) -> std::io::Result<()> {
        let mut server = TcpStream::connect(to).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut was_answered = true;
        loop {
            tokio::select! {
                read = client.read(&mut asked) => {
                    let read = read?;
                    if read == 0 {
                        return Ok(());
                    }
                    if was_answered {
                        self.0.fetch_add(1, Ordering::Relaxed);
                        was_answered = false;
                    }
                    server.write_all(&asked[..read]).await?;
                }
                read = server.read(&mut answered) => {
                    let read = read?;
                    if read == 0 {
                        return Ok(());
                    }
                    was_answered = true;
                    client.write_all(&answered[..read]).await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each line with its last byte, so that a request may come in pieces.
    async fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                if byte == *b"\n" {
                    stream.write_all(&byte).await.unwrap();
                }
            }
        });
        port
    }

    #[tokio::test]
    async fn what_is_asked_before_an_answer_comes_is_one_turn() {
        let (turns, url) = Turns::before(&format!("postgres://me@127.0.0.1:{}/mine", echo().await)).await.unwrap();
        let url = Url::parse(&url).unwrap();
        assert_eq!((url.username(), url.path()), ("me", "/mine"));
        let mut client = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
        let mut answer = [0];
        for turn in 1..=3 {
            client.write_all(b"BEGIN; INSERT; ").await.unwrap();
            client.write_all(b"COMMIT\n").await.unwrap();
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(turns.count(), turn);
        }
    }
}

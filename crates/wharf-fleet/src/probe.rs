//! A look at a NATS server before anything depends on it.

use std::time::Duration;

use async_nats::ConnectOptions;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(5);
/// A group's picture in Base64, and a piece of a file, with what stands around them.
const PAYLOAD: usize = 768 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("it cannot be reached: {0}")]
    Connect(#[from] async_nats::ConnectError),
    #[error("it does not answer in time")]
    Slow,
    #[error("its max_payload is {0} bytes, and {PAYLOAD} are needed")]
    Small(usize),
}

/// The server's version.
pub async fn probe(url: &str) -> Result<String, ProbeError> {
    let connect = async {
        let nats = ConnectOptions::new().connect(url).await?;
        nats.flush().await.map_err(|_| ProbeError::Slow)?;
        Ok::<_, ProbeError>(nats.server_info())
    };
    let server = tokio::time::timeout(LIMIT, connect).await.map_err(|_| ProbeError::Slow)??;
    if server.max_payload < PAYLOAD { Err(ProbeError::Small(server.max_payload)) } else { Ok(server.version) }
}

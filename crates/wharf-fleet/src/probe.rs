//! A look at a NATS server before anything depends on it.

use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Request};
use futures::StreamExt as _;

use crate::access::{Access, AccessError};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a word to itself may take.
const ECHO_LIMIT: Duration = Duration::from_secs(2);
/// A group's picture in Base64, and a piece of a file, with what stands around them.
const PAYLOAD: usize = 768 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("nats_url: it does not let this node in: see nats_credentials_file, or the user and the password in nats_url")]
    Refused,
    #[error("nats_url: it cannot be reached: {0}")]
    Connect(ConnectError),
    #[error("nats_url: it does not answer in time")]
    Slow,
    #[error("nats_url: its max_payload is {0} bytes, and {PAYLOAD} are needed")]
    Small(usize),
    #[error("nats_url: what was said does not come back: its user may not use wharf.1.> and _INBOX.>")]
    Deaf,
}

impl From<ConnectError> for ProbeError {
    fn from(error: ConnectError) -> Self {
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => Self::Refused,
            _ => Self::Connect(error),
        }
    }
}

/// The server's version.
pub async fn probe(url: &str, access: &Access) -> Result<String, ProbeError> {
    let options = access.apply(url, ConnectOptions::new())?;
    let look = async {
        let nats = options.connect(url).await?;
        nats.flush().await.map_err(|_| ProbeError::Slow)?;
        let server = nats.server_info();
        if server.max_payload < PAYLOAD {
            return Err(ProbeError::Small(server.max_payload));
        }
        if hears_itself(&nats).await { Ok(server.version) } else { Err(ProbeError::Deaf) }
    };
    tokio::time::timeout(LIMIT, look).await.map_err(|_| ProbeError::Slow)?
}

/// Asks and answers as nodes do. Who may not is told so by nobody, and hears nothing.
async fn hears_itself(nats: &Client) -> bool {
    let subject = format!("wharf.1.doctor.{}", nats.new_inbox());
    let Ok(mut asked) = nats.subscribe(subject.clone()).await else { return false };
    let request = Request::new().payload("here?".into()).timeout(Some(ECHO_LIMIT));
    let answers = async {
        if let Some(reply) = asked.next().await.and_then(|message| message.reply)
            && nats.publish(reply, "here".into()).await.is_err()
        {
            tracing::debug!("an answer did not go out");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        said = nats.send_request(subject, request) => said.is_ok(),
        () = answers => false,
    }
}

//! Events on their way to a server under development, signed as a webhook's deliveries are.

use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use standardwebhooks::Webhook;
use tokio::time::Instant;
use url::Url;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::{Chance as _, Clock as _};

use crate::cli::unmet::Usage;

/// How long the server under development may take: it may stand in a debugger.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where events are handed on to.
pub(super) struct Forward {
    client: Client,
    url: Url,
    signer: Webhook,
}

/// A secret for who has none.
pub(super) fn fresh_secret() -> String {
    let mut bytes = [0; 32];
    SystemChance.fill(&mut bytes);
    format!("whsec_{}", STANDARD.encode(bytes))
}

impl Forward {
    pub(super) fn new(url: Url, secret: &str) -> anyhow::Result<Self> {
        let signer = Webhook::new(secret).map_err(|_| Usage("--secret is no secret: whsec_ and Base64 are expected".to_owned()))?;
        #[expect(clippy::disallowed_methods, reason = "the address is what the person at the terminal typed")]
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().context("no client can be made")?;
        Ok(Self { client, url, signer })
    }

    /// Sends one event on, and tells how it was taken. It is sent once: a server under development says what it means.
    pub(super) async fn hand_on(&self, id: &str, data: String) -> String {
        let (seconds, started) = (SystemClock.now().as_secs(), Instant::now());
        let Ok(signature) = self.signer.sign(id, seconds, data.as_bytes()) else { return "cannot be signed".to_owned() };
        let request = self
            .client
            .post(self.url.clone())
            .timeout(TIMEOUT)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(standardwebhooks::HEADER_WEBHOOK_ID, id)
            .header(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, seconds)
            .header(standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signature)
            .body(data);
        match request.send().await {
            Ok(response) => format!("{} in {} ms", response.status(), started.elapsed().as_millis()),
            Err(error) if error.is_timeout() => "no answer in time".to_owned(),
            Err(_) => "nobody answers there".to_owned(),
        }
    }
}

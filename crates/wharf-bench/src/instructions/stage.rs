//! A gateway under callgrind on a pretend network, and the operations that are counted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::grind::Grind;
use crate::gateway::{Http, none_of};
use crate::process::{Process, fresh_dir, sibling};
use crate::sends::contact;
use crate::sink::WebhookSink;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// A text, from its request to its acknowledgement, and what is written down after it
    Text,
    /// The receipt that tells that a text was read
    Receipt,
    /// A message that comes in, and its delivery to a webhook
    Inbound,
    /// A request with a key that is none
    Unauthorized,
    /// A text that names neither session nor recipient
    Malformed,
    /// The account of the key
    Account,
    /// A list of fifty messages
    List,
}

pub struct Stage {
    gateway: Grind,
    network: Process,
    control: Http,
    api: Http,
    stranger: Http,
    session: String,
    sink: Arc<WebhookSink>,
    dir: PathBuf,
}

/// A text that was acknowledged.
struct Text {
    to: String,
    id: String,
    whatsapp_id: String,
}

const PHONE: &str = "15550002001";
const CONTACTS: usize = 20;
const PAGE: usize = 50;
/// How long anything may take; the gateway is some fifty times slower than it is.
const PATIENCE: Duration = Duration::from_mins(1);
const WORDS: &str = "These words are always the same.";

impl Row {
    pub const ALL: [Self; 7] = [Self::Text, Self::Receipt, Self::Inbound, Self::Unauthorized, Self::Malformed, Self::Account, Self::List];

    /// As the budget calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Receipt => "receipt",
            Self::Inbound => "inbound",
            Self::Unauthorized => "unauthorized",
            Self::Malformed => "malformed",
            Self::Account => "account",
            Self::List => "list",
        }
    }
}

impl Stage {
    /// Starts all, links a session, and has everything happen once before anything is counted.
    pub async fn set(gateway: &Path) -> Result<Self> {
        let dir = fresh_dir("instructions")?;
        // Phones that tell nothing by themselves: a text would be counted with its receipt.
        let network = Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0", "--silent-phones"], None).await?;
        let (url, control) = (network.text("url")?, Http::new(&network.text("controlUrl")?, "")?);
        let data = dir.join("gateway").display().to_string();
        let args = ["--json", "--quiet", "--port", "0", "--data-dir", &data, "--network", &url, "--failed-keys-per-minute", "100000000"];
        let gateway = Grind::start(gateway, &args, dir.join("counts")).await?;

        let (base, key) = (gateway.process.text("url")?, gateway.process.text("apiKey")?);
        Http::new(&base, &gateway.process.text("operatorKey")?)?.lift_limits().await?;
        let api = Http::new(&base, &key)?;
        let session = api.pair(&control, PHONE).await?;
        api.until_connected(1).await?;
        let sink = Arc::new(WebhookSink::default());
        api.post("/v1/webhooks", &json!({"url": sink.listen().await?, "events": ["message.received"]})).await?;
        let stranger = api.with_key(&none_of(&key));
        let stage = Self { gateway, network, control, api, stranger, session, sink, dir };
        stage.texts(PAGE).await?;
        stage.inbound(CONTACTS).await?;
        stage.refusals(1).await?;
        stage.malformed(1).await?;
        stage.accounts(1).await?;
        stage.lists(1).await?;
        stage.gateway.begin().await?;
        Ok(stage)
    }

    /// The instructions of so many operations; what callgrind says of them goes into the folder `keep`.
    pub async fn window(&self, row: Row, count: usize, keep: Option<&Path>) -> Result<u64> {
        let texts = if row == Row::Receipt { self.texts(count).await? } else { Vec::new() };
        self.rests().await?;
        self.gateway.zero().await?;
        match row {
            Row::Text => drop(self.texts(count).await?),
            Row::Receipt => self.receipts(&texts).await?,
            Row::Inbound => self.inbound(count).await?,
            Row::Unauthorized => self.refusals(count).await?,
            Row::Malformed => self.malformed(count).await?,
            Row::Account => self.accounts(count).await?,
            Row::List => self.lists(count).await?,
        }
        self.rests().await?;
        let keep = keep.map(|folder| folder.join(format!("{}-{count}.callgrind", row.name())));
        let counted = self.gateway.counted(keep.as_deref()).await?;
        if let Some(last) = texts.last() {
            let shown = self.api.get(&format!("/v1/messages/{}", last.id)).await?;
            ensure!(shown["data"]["status"] == "read", "a receipt was not written down: {shown}");
        }
        Ok(counted)
    }

    pub async fn clear(self) -> Result<()> {
        self.gateway.process.terminate().await?;
        self.network.terminate().await?;
        std::fs::remove_dir_all(self.dir)?;
        Ok(())
    }

    async fn rests(&self) -> Result<()> {
        ensure!(self.gateway.process.rests(PATIENCE).await?, "the gateway does not come to rest within {PATIENCE:?}");
        Ok(())
    }

    /// One text after the other, each acknowledged.
    async fn texts(&self, count: usize) -> Result<Vec<Text>> {
        let mut sent = Vec::with_capacity(count);
        for number in 0..count {
            let to = contact(number % CONTACTS);
            let body = json!({"sessionId": self.session, "to": to, "text": WORDS});
            let answer = self.api.post("/v1/messages/text", &body).await?;
            ensure!(answer["data"]["status"] == "sent", "a text was not acknowledged in time: {answer}");
            let member = |name: &str| answer["data"][name].as_str().map(str::to_owned).with_context(|| format!("{name} in {answer}"));
            sent.push(Text { to, id: member("messageId")?, whatsapp_id: member("whatsappId")? });
        }
        Ok(sent)
    }

    /// Each text is read at its phone, and nothing else happens until that is written down.
    async fn receipts(&self, texts: &[Text]) -> Result<()> {
        for text in texts {
            let (path, body) = (format!("/control/phones/{}/read", text.to), json!({"ids": [text.whatsapp_id]}));
            let reads = || async { anyhow::Ok(self.control.post(&path, &body).await?["data"]["read"] == body["ids"]) };
            until("a phone has the text that it is to read", reads).await?;
            until("the receipt is taken", || self.has_taken_all()).await?;
            self.rests().await?;
        }
        Ok(())
    }

    /// Whether nothing that the network has for the session waits there any more.
    async fn has_taken_all(&self) -> Result<bool> {
        let phone = self.control.get(&format!("/control/phones/{PHONE}")).await?;
        Ok(phone["data"]["devices"].as_array().context("devices")?.iter().all(|device| device["pending"] == 0))
    }

    /// One message after the other comes in, each delivered before the next.
    async fn inbound(&self, count: usize) -> Result<()> {
        for number in 0..count {
            let (before, from) = (self.sink.count(), contact(number % CONTACTS));
            self.control.post(&format!("/control/phones/{from}/send"), &json!({"to": PHONE, "text": WORDS})).await?;
            timeout(PATIENCE, self.sink.until(before + 1)).await.context("a message came in and was not delivered")?;
            self.rests().await?;
        }
        Ok(())
    }

    async fn refusals(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (status, body) = self.stranger.status("GET", "/v1/account", None).await?;
            ensure!(status == 401, "{status} {body}");
        }
        Ok(())
    }

    async fn malformed(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (status, body) = self.api.status("POST", "/v1/messages/text", Some(&json!({}))).await?;
            ensure!(status == 400, "{status} {body}");
        }
        Ok(())
    }

    async fn accounts(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (status, body) = self.api.status("GET", "/v1/account", None).await?;
            ensure!(status == 200, "{status} {body}");
        }
        Ok(())
    }

    async fn lists(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let page = self.api.get(&format!("/v1/messages?limit={PAGE}")).await?;
            ensure!(page["data"].as_array().is_some_and(|rows| rows.len() == PAGE), "no whole page: {page}");
        }
        Ok(())
    }
}

/// Looks until it is so.
async fn until<T>(what: &str, look: impl Fn() -> T) -> Result<()>
where
    T: Future<Output = Result<bool>>,
{
    let began = Instant::now();
    while !look().await? {
        ensure!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_asked_for_by_the_name_that_the_budget_has() {
        for row in Row::ALL {
            assert_eq!(Row::from_str(row.name(), false), Ok(row));
        }
        assert_eq!(Row::value_variants().len(), Row::ALL.len());
    }
}

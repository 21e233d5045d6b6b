//! The gateway and the control API as an HTTP client sees them.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long a wait for sessions goes on while none comes. The slowest start of many connects some each second.
const PATIENCE: Duration = Duration::from_mins(2);

/// One base address with one key.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Http {
    #[expect(clippy::disallowed_methods, reason = "the load generator's client, not the gateway's")]
    pub fn new(base: &str, key: &str) -> Result<Self> {
        Ok(Self { client: reqwest::Client::builder().no_proxy().build()?, base: base.to_owned(), key: key.to_owned() })
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key).send().await?;
        Ok(answer.json().await?)
    }

    /// That address with another key; without one where it is empty.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Any question: the status and the body of its answer, whatever they are.
    pub async fn status(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, String)> {
        let mut request = self.client.request(method.parse()?, format!("{}{path}", self.base));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Uploads a file; gives the status.
    pub async fn put_file(&self, file: Vec<u8>) -> Result<u16> {
        let url = format!("{}/v1/media?mediaType=document", self.base);
        Ok(self.client.post(url).bearer_auth(&self.key).body(file).send().await?.status().as_u16())
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(reqwest::Method::PUT, path, body).await
    }

    /// A page that is no JSON.
    pub async fn text(&self, path: &str) -> Result<String> {
        Ok(self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key).send().await?.text().await?)
    }

    /// What the gateway's metrics count under this name, on all lines that say `with`.
    pub async fn counted(&self, name: &str, with: &str) -> Result<f64> {
        let text = self.text("/metrics").await?;
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(with));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Whether the linked devices of a phone have taken all that the network has for them. The control API knows.
    pub async fn has_taken_all(&self, phone: &str) -> Result<bool> {
        let phone = self.get(&format!("/control/phones/{phone}")).await?;
        let devices = phone["data"]["devices"].as_array().context("devices")?;
        Ok(devices.iter().all(|device| device["pending"] == 0))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(reqwest::Method::POST, path, body).await
    }

    /// Uploads a file; gives its id.
    pub async fn upload(&self, file: Vec<u8>) -> Result<String> {
        let answer =
            self.client.post(format!("{}/v1/media?mediaType=document", self.base)).bearer_auth(&self.key).body(file).send().await?;
        let answer: Value = answer.json().await?;
        Ok(answer["data"]["mediaId"].as_str().unwrap_or_default().to_owned())
    }

    /// Lifts the demo account's plan out of the way: a bench is faster than any customer may be.
    pub async fn lift_limits(&self) -> Result<()> {
        self.put_plan("enterprise", None).await
    }

    /// Makes or changes a plan whose sessions write so many messages a minute, or without any pace; nothing else is limited.
    pub async fn put_plan(&self, name: &str, messages_per_minute: Option<u64>) -> Result<()> {
        let pace = json!({
            "messagesPerMinute": messages_per_minute, "newContactsPerHour": null, "newContactsPerDay": null, "strangerJitterSeconds": null
        });
        let plan = json!({
            "messagesPerDay": null, "callsPerMinute": 1_000_000, "sessions": null, "concurrentRequests": 1000, "pace": pace
        });
        self.send(reqwest::Method::PUT, &format!("/v1/admin/plans/{name}"), &plan).await.map(|_| ())
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Result<Value> {
        let answer = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key).json(body).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// Has the phone of `owner` scan a QR code.
    pub async fn scan(&self, owner: &str, qr: &str) -> Result<()> {
        let answer = self.client.post(format!("{}/control/scan?phone={owner}", self.base)).body(qr.to_owned()).send().await?;
        ensure!(answer.status().is_success(), "scan: {}", answer.text().await?);
        Ok(())
    }

    /// Creates a session and has it linked to the phone of `owner`.
    pub async fn pair(&self, control: &Http, owner: &str) -> Result<String> {
        let created = self.post("/v1/sessions", &json!({"name": owner})).await?;
        control.scan(owner, created["data"]["qr"].as_str().unwrap_or_default()).await?;
        Ok(created["data"]["sessionId"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the first sessions of the list, so many, are connected. A page on which all are is not asked for again: what the gateway
    /// spends on answers is measured with what it spends on sessions. Ends with an error where the others do not come.
    pub async fn until_connected(&self, wanted: usize) -> Result<()> {
        let (mut before, mut cursor) = (0, String::new());
        let mut wait = SessionWait { most: 0, since: Instant::now() };
        loop {
            let page = self.get(&format!("/v1/sessions?limit=200{cursor}")).await?;
            let rows = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            let connected = rows.iter().filter(|row| row["status"] == "connected").count();
            if before + connected >= wanted {
                return Ok(());
            }
            if wait.is_in_vain(before + connected, Instant::now()) {
                let there = self.connected().await?;
                let missing = wanted.saturating_sub(there);
                bail!("{there} of {wanted} sessions are connected, {missing} are missing: none came for {} s", PATIENCE.as_secs());
            }
            match page["page"]["next"].as_str() {
                Some(next) if connected == rows.len() => {
                    before += connected;
                    cursor = format!("&cursor={next}");
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// How many of all sessions are connected.
    async fn connected(&self) -> Result<usize> {
        let (mut connected, mut cursor) = (0, String::new());
        loop {
            let page = self.get(&format!("/v1/sessions?limit=200{cursor}")).await?;
            connected += page["data"].as_array().into_iter().flatten().filter(|row| row["status"] == "connected").count();
            let Some(next) = page["page"]["next"].as_str() else { return Ok(connected) };
            cursor = format!("&cursor={next}");
        }
    }
}

/// How far a wait for sessions has come.
struct SessionWait {
    most: usize,
    /// Since when there are no more.
    since: Instant,
}

impl SessionWait {
    /// Whether no more have come for too long.
    fn is_in_vain(&mut self, connected: usize, now: Instant) -> bool {
        if connected > self.most {
            (self.most, self.since) = (connected, now);
        }
        now.duration_since(self.since) >= PATIENCE
    }
}

/// A key that looks like this one and is none.
pub fn none_of(key: &str) -> String {
    let mut wrong = key.to_owned();
    let last = wrong.pop();
    wrong.push(if last == Some('0') { '1' } else { '0' });
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_in_vain_once_no_session_has_come_for_two_minutes() {
        let begin = Instant::now();
        let mut wait = SessionWait { most: 0, since: begin };
        let almost = Duration::from_millis(119_999);
        assert!(!wait.is_in_vain(0, begin + almost));
        // One that came begins the patience anew, and one that went does not.
        assert!(!wait.is_in_vain(7, begin + PATIENCE));
        assert!(!wait.is_in_vain(6, begin + PATIENCE + almost));
        assert!(wait.is_in_vain(7, begin + 2 * PATIENCE));
        assert!(!wait.is_in_vain(8, begin + 2 * PATIENCE));
    }

    #[test]
    fn a_wrong_key_is_another_one_of_the_same_length() {
        for key in ["wharf_test_a0", "wharf_test_a1"] {
            assert!(none_of(key) != key && none_of(key).len() == key.len());
        }
    }
}

//! The people of the pretend network, and the operator of a gateway that is a child of ours.

use anyhow::{Result, ensure};
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use wharf::cli::accept::{Act, Done, People, Seen, Sight};

use super::gateway::Child;
use super::{A, B};

/// How long the call rings that nobody answers.
const RING_MS: u64 = 50;

pub struct Pretend {
    control: String,
    client: reqwest::Client,
    child: Mutex<Child>,
    /// The fault that keeps the account out while the network is cut.
    cut: Mutex<Option<u64>>,
}

impl Pretend {
    pub fn new(control: String, child: Child) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the control API is on loopback")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { control, client, child: Mutex::new(child), cut: Mutex::default() })
    }

    pub async fn end(&self) {
        self.child.lock().await.end().await;
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<String>) -> Result<Value> {
        let mut request = self.client.request(method, format!("{}/control/{path}", self.control));
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "the pretend network refuses {}: {text}", path.split('?').next().unwrap_or_default());
        Ok(serde_json::from_str::<Value>(&text)?["data"].take())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.ask(reqwest::Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.ask(reqwest::Method::POST, path, Some(body.to_string())).await
    }

    async fn writes(&self, text: &str) -> Result<()> {
        self.post(&format!("phones/{B}/send"), json!({"to": A, "text": text})).await.map(drop)
    }

    async fn sends(&self, mut file: Value) -> Result<()> {
        file["to"] = json!(A);
        file["size"] = json!(20_000);
        self.post(&format!("phones/{B}/send"), file).await.map(drop)
    }

    async fn ledger(&self, of: &str) -> Result<Vec<Value>> {
        let mut ledger = self.get(&format!("phones/{of}/messages")).await?;
        Ok(ledger.as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    async fn does(&self, act: &Act) -> Result<()> {
        match act {
            Act::Scan { qr } => self.ask(reqwest::Method::POST, &format!("scan?phone={A}"), Some(qr.clone())).await.map(drop),
            // Pretend phones receive whether somebody looks at them or not.
            Act::Lock | Act::OpenChat => Ok(()),
            Act::Answer => self.writes("an answer").await,
            Act::SendFiles => {
                self.sends(json!({"type": "image"})).await?;
                self.sends(json!({"type": "audio", "voice": true})).await?;
                self.sends(json!({"type": "image", "viewOnce": true})).await
            }
            Act::AnswerInGroup { group } => {
                self.post(&format!("phones/{B}/send"), json!({"to": group, "text": "an answer to all"})).await?;
                self.post(&format!("phones/{B}/read"), json!({"chat": group})).await.map(drop)
            }
            Act::KillGateway => self.child.lock().await.kill().await,
            Act::WriteThreeAndCall => {
                for text in ["one", "two", "three"] {
                    self.writes(text).await?;
                }
                self.post(&format!("phones/{B}/call"), json!({"to": A, "ringMs": RING_MS})).await.map(drop)
            }
            Act::StartGateway => self.child.lock().await.begin().await,
            Act::CutNetwork => {
                let rule = self.post("faults", json!({"action": "refuse_login", "phone": A, "code": 503})).await?;
                *self.cut.lock().await = rule["id"].as_u64();
                self.post("faults", json!({"action": "drop_socket", "phone": A})).await.map(drop)
            }
            Act::WriteTwo => {
                self.writes("four").await?;
                self.writes("five").await
            }
            Act::JoinNetwork => {
                let Some(rule) = self.cut.lock().await.take() else { return Ok(()) };
                self.ask(reqwest::Method::DELETE, &format!("faults/{rule}"), None).await.map(drop)
            }
            Act::FlightMode => self.post(&format!("phones/{A}/sleep"), json!({})).await.map(drop),
            Act::Land => self.post(&format!("phones/{A}/wake"), json!({})).await.map(drop),
            Act::TypeCode { code } => self.post("pair-code", json!({"phone": B, "code": code})).await.map(drop),
            Act::UnlinkOnB => self.post(&format!("phones/{B}/logout"), json!({})).await.map(drop),
            Act::UnlinkOnA => self.post(&format!("phones/{A}/logout"), json!({})).await.map(drop),
        }
    }

    async fn kinds_on(&self, phone: &str) -> Result<Option<&'static str>> {
        let ledger = self.ledger(phone).await?;
        let opened = |media: &Value| media["sha256"].is_string() && media["sha256"] == media["promisedSha256"];
        let has = |is: &dyn Fn(&Value) -> bool| ledger.iter().any(is);
        Ok(if !has(&|entry| entry["quoted"].is_string()) {
            Some("no answer with a quote")
        } else if !has(&|entry| entry["reactions"].as_object().is_some_and(|reactions| !reactions.is_empty())) {
            Some("no reaction")
        } else if !has(&|entry| entry["media"]["caption"].is_string() && opened(&entry["media"])) {
            Some("no picture with words that opens")
        } else if !has(&|entry| entry["media"]["voice"] == true && opened(&entry["media"])) {
            Some("no voice note that opens")
        } else {
            None
        })
    }

    async fn looks(&self, sight: &Sight) -> Result<Seen> {
        let seen = |is: bool, otherwise: &str| if is { Seen::Yes } else { Seen::No(otherwise.to_owned()) };
        Ok(match sight {
            Sight::LinkedDevice => {
                let phone = self.get(&format!("phones/{A}")).await?;
                let devices = phone["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
                seen(devices.iter().any(|device| device["platform"].as_str().is_some_and(|name| name.contains("Wharf"))), "no such device")
            }
            Sight::PushNotice => {
                let notices = self.get(&format!("phones/{A}/notices")).await?;
                let notices = notices.as_array().map(Vec::as_slice).unwrap_or_default();
                seen(notices.iter().any(|notice| notice["sender"] == B), "it shows none")
            }
            Sight::NotOnline => seen(self.get(&format!("phones/{A}")).await?["online"] == false, "it is"),
            Sight::KindsShown => match (self.kinds_on(B).await?, self.kinds_on(A).await?) {
                (None, None) => Seen::Yes,
                (Some(what), _) => Seen::No(format!("B has {what}")),
                (_, Some(what)) => Seen::No(format!("A has {what}")),
            },
            Sight::GroupShown => {
                let shown =
                    self.ledger(A).await?.iter().filter(|entry| entry["chat"].as_str().is_some_and(|chat| chat.ends_with("@g.us"))).count();
                seen(shown >= 2, "the messages are not there")
            }
            Sight::NothingSent { number } => {
                let wire = self.get(&format!("wire/{A}")).await?;
                let messages = wire["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
                seen(!messages.iter().any(|message| message["to"].as_str().is_some_and(|to| to.contains(number.as_str()))), "something")
            }
        })
    }
}

#[async_trait]
impl People for Pretend {
    fn tell(&self, line: &str) {
        println!("{line}");
    }

    async fn act(&self, act: &Act) -> Result<Done> {
        self.does(act).await?;
        Ok(Done::Done)
    }

    async fn see(&self, sight: &Sight) -> Result<Seen> {
        self.looks(sight).await
    }
}

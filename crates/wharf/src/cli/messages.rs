//! `wharf messages wait`: until a message has come as far as is wanted. The other verbs of the group are the operations'.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::Value;
use tokio::time::Instant;
use wharf_api::types::message::MessageStatus;
use wharf_api::{limits, ops};

use super::operations::{self, Request};
use super::out::print;
use super::send::Send;
use super::target::{Place, Target, no_key};
use super::unmet::NotYet;

#[derive(Subcommand)]
pub(super) enum Messages {
    /// Sends a text or a file, as `wharf send` does.
    Send(Send),
    /// Waits until a message was sent, delivered, read or played, and shows it.
    Wait(Wait),
}

#[derive(Args)]
pub(super) struct Wait {
    /// The message's id.
    #[arg(value_name = "messageId")]
    message: String,
    /// How far it has to come.
    #[arg(long, value_name = "STATUS", default_value = "sent", value_parser = ["sent", "delivered", "read", "played"])]
    until: String,
    /// How many seconds to wait at the most; the exit code is 3 then.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Prints the answer as it is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Messages {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Send(send) => send.run().await,
            Self::Wait(wait) => wait.run().await,
        }
    }
}

impl Wait {
    async fn run(self) -> anyhow::Result<()> {
        let json = self.json;
        self.wait().await.map_err(|error| operations::in_form(error, json))
    }

    async fn wait(self) -> anyhow::Result<()> {
        let place = self.target.place()?;
        if place.key.is_none() {
            return Err(no_key().into());
        }
        let end = Instant::now() + Duration::from_secs(self.timeout);
        loop {
            let left = end.saturating_duration_since(Instant::now()).as_secs();
            let body = self.look(&place, left.min(limits::LONG_POLL_MAX_SECS)).await?;
            let status = body["data"]["status"].as_str().and_then(MessageStatus::parse);
            let wanted = MessageStatus::parse(&self.until);
            let failed = status == Some(MessageStatus::Failed);
            if !failed && steps(status) < steps(wanted) && left > 0 {
                continue;
            }
            if self.json {
                print(&mut std::io::stdout(), format!("{body}\n").as_bytes())?;
            } else {
                anstream::print!("{}", operations::in_words(&ops::get_message, &body));
            }
            if failed {
                bail!("the message has failed");
            }
            if steps(status) < steps(wanted) {
                let reached = status.map_or("unknown", MessageStatus::as_str);
                return Err(NotYet(format!("the message is {reached} and not yet {} after {} seconds", self.until, self.timeout)).into());
            }
            return Ok(());
        }
    }

    /// The message, at the latest after so many seconds.
    async fn look(&self, place: &Place, seconds: u64) -> anyhow::Result<Value> {
        let mut request = Request::of(&ops::get_message);
        request.fill("messageId", self.message.clone());
        request.query.extend([("wait".to_owned(), seconds.to_string()), ("until".to_owned(), self.until.clone())]);
        operations::ask(place, &request).await
    }
}

/// How far a status is: an incoming message has arrived, whatever is waited for.
fn steps(status: Option<MessageStatus>) -> u8 {
    match status {
        None | Some(MessageStatus::Queued | MessageStatus::Failed) => 0,
        Some(MessageStatus::Sent) => 1,
        Some(MessageStatus::Delivered) => 2,
        Some(MessageStatus::Read) => 3,
        Some(MessageStatus::Played) => 4,
        Some(MessageStatus::Received) => 5,
    }
}

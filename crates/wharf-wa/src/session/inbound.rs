//! What comes in: one commit of the rows and their events, and only then the library may acknowledge.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use wacore::proto_helpers::MessageExt as _;
use wacore::types::events::InboundMessage;
use wacore::types::message::MessageInfo;
use wacore_binary::JidExt as _;
use wharf_api::limits;
use wharf_api::types::media::MediaStatus;
use wharf_api::types::message::{Content, Marks};
use wharf_core::seal::place;
use wharf_core::store::{self, MediaRow, MessageRow, NewFetch, VaultOp};
use whatsapp_rust::client::Client;
use whatsapp_rust::types::durability_hook::InboundDurabilityHook;

use super::intake::{self, Intake};
use super::media::Source;
use super::part::Part;
use super::recovered::Recovered;
use super::{Own, convert, known, recovered, timers, votes};
use crate::backend::{join, secrets};

/// How many messages one commit takes: the library brings up to 400 at a time, and a commit holds others up.
const CHUNK: usize = 32;
/// The pauses before what was not stored is tried again. After the last one the connection is given up.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// The kind that a message is shown by which the store refuses.
const UNSTORABLE: &str = "unstorable";

pub(super) struct Inbound {
    own: Arc<Own>,
}

impl Inbound {
    pub(super) fn new(own: Arc<Own>) -> Self {
        Self { own }
    }

    fn row(&self, inbound: &InboundMessage) -> Option<MessageRow> {
        let of_ours = inbound.message.get_base_message().reaction_message.is_set();
        if !of_ours && !is_wanted(&self.own, &inbound.info) {
            return None;
        }
        match convert::row(self.own.fence(), self.own.ctx.chance.message_id(), &inbound.message, &inbound.info, self.own.ctx.clock.now()) {
            Ok(row) => Some(row),
            Err(reason) => {
                tracing::debug!(reason, "a received message gets no row");
                None
            }
        }
    }

    /// Stores a part of a batch. A database that is away for a moment is tried again.
    pub(super) async fn take(&self, client: &Client, batch: &[InboundMessage]) -> Result<(), store::Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match self.commit(client, batch).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let again = matches!(error, store::Error::Unavailable(_)) && !self.own.vault.is_shut();
            let Some(pause) = pauses.next().filter(|_| again) else { return Err(error) };
            tracing::warn!(%error, "received messages were not stored; that is tried again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn commit(&self, client: &Client, batch: &[InboundMessage]) -> Result<(), store::Error> {
        if self.own.vault.is_shut() {
            return Err(store::Error::Fenced);
        }
        let (mut part, mut recovered) = (Part::default(), 0);
        for inbound in batch {
            let opened = convert::opened(inbound);
            let inbound = opened.as_ref().unwrap_or(inbound);
            for given in recovered::of(&self.own, client, inbound).await? {
                let opened = convert::opened(&given.inbound);
                recovered += usize::from(self.add(&mut part, client, opened.as_ref().unwrap_or(&given.inbound), Some(&given)).await?);
            }
            if !self.add(&mut part, client, inbound, None).await? {
                part.left_out.push(key(&inbound.info));
            }
        }
        if part.rows.is_empty() && part.ops.is_empty() {
            self.leave_out(part.left_out);
            return Ok(());
        }
        fail::fail_point!("inbound-before-commit");
        let stored = match keep(&self.own, &part).await {
            Ok(stored) => stored,
            Err(error) => {
                if intake::is_refusal(&error) {
                    let again = move |own: Arc<Own>| -> BoxFuture<'static, _> {
                        let part = part.clone();
                        Box::pin(async move { keep_each(&own, &part).await })
                    };
                    Intake::stop(&self.own, &error, Box::new(again));
                }
                return Err(error);
            }
        };
        // What was there is not stored again.
        self.leave_out(part.left_out);
        self.own.ctx.meter().recovered.add(recovered.min(stored) as u64);
        fail::fail_point!("inbound-after-commit");
        Ok(())
    }

    fn leave_out(&self, keys: Vec<String>) {
        for key in keys {
            self.own.strays.leave_out(key);
        }
    }

    /// Takes one message into the part; tells whether it gets a row.
    async fn add(
        &self,
        part: &mut Part,
        client: &Client,
        inbound: &InboundMessage,
        given: Option<&Recovered>,
    ) -> Result<bool, store::Error> {
        part.ops.extend(timers::said(&self.own, inbound).await);
        known::look_at(&self.own, &inbound.info.source.chat);
        let Some(mut row) = self.row(inbound) else { return Ok(false) };
        if let Some(given) = given {
            given.place(&mut row);
        }
        votes::read(&self.own, client, inbound, &mut row, part).await?;
        if let Some(given) = given {
            given.date(&mut row);
        }
        // The library keeps it too, behind its acknowledgement: a death between would leave votes and edits sealed for ever.
        if let Some(entry) = secrets::entry(&inbound.message, &inbound.info) {
            part.ops.push(secrets::keep(&self.own.vault, &entry));
            part.secrets.push((row.chat.clone(), row.wa_id.clone(), entry.secret.to_vec()));
        }
        self.own.ctx.presences.wrote(self.own.session(), [row.sender.as_deref(), row.sender_lid.as_deref()], self.own.ctx.clock.steady());
        part.files.extend(self.file(&mut row, inbound));
        let votes = votes::of_poll(&self.own, client, &row, part).await?;
        part.rows.push(row);
        part.rows.extend(votes);
        Ok(true)
    }

    /// The file that is to be fetched for the row, its key sealed. A file that cannot be fetched is one that failed.
    fn file(&self, row: &mut MessageRow, inbound: &InboundMessage) -> Option<NewFetch> {
        let (kind, content) = (row.content.media_kind()?, row.content.media_mut()?);
        let now = self.own.ctx.clock.now();
        let Some(source) = Source::of(&inbound.message, &inbound.info) else {
            content.media_status = MediaStatus::Failed;
            content.media_reason = Some("the message does not say where its file is".to_owned());
            return None;
        };
        let plain = serde_json::to_vec(&source).expect("a source holds strings and bytes only");
        let source = self.own.ctx.seal.close(&place::source(self.own.session().as_str(), content.media_id.as_str()), &plain);
        let media = MediaRow {
            id: content.media_id.clone(),
            account: self.own.fence().account.clone(),
            session: Some(self.own.session().clone()),
            kind,
            mime_type: content.mime_type.clone(),
            size: content.size_bytes,
            sha256: None,
            width: content.width,
            height: content.height,
            seconds: content.duration_seconds,
            file_name: content.file_name.clone(),
            state: MediaStatus::Pending,
            created_at: now,
            expires_at: now + limits::MEDIA_PENDING,
        };
        Some(NewFetch { media, source })
    }
}

/// The key of a message in the library's buffer.
fn key(info: &MessageInfo) -> String {
    join(&[&info.source.chat.to_string(), &info.source.sender.to_string(), &info.id])
}

/// Stores a part in one commit; tells how many are new. Where the bytes of one are refused it must not hold up its neighbours.
async fn keep(own: &Own, part: &Part) -> Result<usize, store::Error> {
    match record(own, &part.rows, &part.files, &part.ops).await {
        Err(store::Error::Corrupt(_)) => {
            record(own, &[], &[], &part.ops).await?;
            for row in &part.rows {
                keep_one(own, row, &part.files).await?;
            }
            Ok(0)
        }
        stored => stored,
    }
}

/// Stores what was refused before, one after the other, so that those go through which can.
async fn keep_each(own: &Own, part: &Part) -> Result<(), store::Error> {
    let mut refused = None;
    for row in &part.rows {
        // Hours may have passed. Lists of a time go by ids, which are to be made when their rows are numbered.
        let row = MessageRow { id: own.ctx.chance.message_id(), ..row.clone() };
        match keep_one(own, &row, &part.files).await {
            Err(error) if intake::is_refusal(&error) => refused = Some(error),
            kept => kept?,
        }
    }
    match refused {
        Some(error) => Err(error),
        // Sealed for this client's session as they were for the one before.
        None => record(own, &[], &[], &part.ops).await.map(drop),
    }
}

/// Stores one row; without its content where its bytes are refused. If that is refused as well, it was not the bytes.
async fn keep_one(own: &Own, row: &MessageRow, files: &[NewFetch]) -> Result<(), store::Error> {
    let error = match record(own, std::slice::from_ref(row), files, &[]).await {
        Err(error @ store::Error::Corrupt(_)) => error,
        stored => return stored.map(drop),
    };
    let emptied = MessageRow {
        content: Content::unsupported(UNSTORABLE),
        marks: Marks { from_other_device: row.marks.from_other_device, ..Marks::default() },
        sender_name: None,
        ..row.clone()
    };
    match record(own, &[emptied], &[], &[]).await {
        Err(store::Error::Corrupt(why)) => Err(store::Error::Refused(why)),
        stored => {
            stored?;
            tracing::error!(message = %row.id, %error, "the store refuses what a received message says");
            Ok(())
        }
    }
}

/// Tells how many are new.
async fn record(own: &Own, rows: &[MessageRow], files: &[NewFetch], ops: &[VaultOp]) -> Result<usize, store::Error> {
    let inbound = own.vault.notice(own.ctx.store.record_inbound_with_files(own.fence(), rows, files, ops).await)?;
    own.ctx.meter().received.add(inbound.inserted.len() as u64);
    Ok(inbound.inserted.len())
}

/// Statuses come from everybody who shows theirs, and not every gateway wants them. A reaction to one comes to its author alone.
pub(super) fn is_wanted(own: &Own, info: &MessageInfo) -> bool {
    own.ctx.config.receive_statuses || !info.source.chat.is_status_broadcast()
}

#[async_trait]
impl InboundDurabilityHook for Inbound {
    /// `Err` leaves the batch unacknowledged: the next connection brings it again, and what is there already is left out then.
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        // What the account says on its phone is a sign of the phone.
        if batch.iter().any(|inbound| inbound.info.source.is_from_me && inbound.info.source.sender.device == 0) {
            self.own.away.heard();
        }
        for chunk in batch.chunks(CHUNK) {
            if let Err(error) = self.take(&client, chunk).await {
                self.own.unstored.notify_one();
                return Err(error.into());
            }
        }
        Ok(())
    }
}

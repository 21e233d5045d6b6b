//! An engine without WhatsApp: links are what the test says, and messages end as their recipient's number says.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, watch};
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::media::MediaKind;
use wharf_api::types::passkey::PasskeyStep;
use wharf_api::types::session::SessionStatus;
use wharf_api::{ErrorCode, Recipient, Timestamp};
use wharf_core::Engine;
use wharf_core::engine::{
    Ceremony, Composed, Draft, Error, GroupEngine, Link, PairCode, PeopleEngine, QrCode, Registration, Signed, Uploaded,
};
use wharf_core::message::outcomes::Outcomes;
use wharf_core::store::{Outcome, Store};

/// Numbers that make the engine do something special.
pub const ABSENT: &str = "15550009999";
pub const PANICS: &str = "15550000666";
pub const HANGS: &str = "15550000777";
pub const REFUSED: &str = "15550007479";
pub const SILENT: &str = "15550001002";
/// What goes there is never acknowledged.
pub const UNHEARD: &str = "15550001888";

/// The code of every ceremony here.
pub const CODE: &str = "ABCD-1234";

/// What every passkey here is asked to sign: for any site, by anybody who is there.
fn question() -> Value {
    json!({"challenge": "ZGFyZQ", "userVerification": "preferred"})
}

/// What a passkey gives for it.
pub fn signed() -> Value {
    let client = URL_SAFE_NO_PAD.encode(json!({"type": "webauthn.get", "challenge": "ZGFyZQ"}).to_string());
    let mut data = [0; 37];
    data[32] = 1;
    let response =
        json!({"clientDataJSON": client, "authenticatorData": URL_SAFE_NO_PAD.encode(data), "signature": "AQ", "userHandle": null});
    json!({"id": "AQ", "rawId": "AQ", "type": "public-key", "response": response})
}

pub struct FakeEngine {
    store: Arc<dyn Store>,
    outcomes: Arc<Outcomes>,
    links: Mutex<HashMap<SessionId, watch::Sender<Link>>>,
    composed: AtomicUsize,
    /// Starts no session.
    broken: AtomicBool,
    /// Uploads wait until it is true.
    uploads: watch::Sender<bool>,
    /// An upload has begun.
    upload_begun: Notify,
    /// What is accepted goes on the wire at once.
    flows: AtomicBool,
    /// Does not end.
    stuck: Mutex<Option<SessionId>>,
}

impl FakeEngine {
    pub fn new(store: Arc<dyn Store>, outcomes: Arc<Outcomes>) -> Self {
        Self {
            store,
            outcomes,
            links: Mutex::default(),
            composed: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            uploads: watch::Sender::new(true),
            upload_begun: Notify::new(),
            flows: AtomicBool::new(false),
            stuck: Mutex::default(),
        }
    }

    /// How many messages were accepted.
    pub fn composed(&self) -> usize {
        self.composed.load(Ordering::SeqCst)
    }

    pub fn set(&self, session: &SessionId, status: SessionStatus, qr: Option<&str>) {
        let qr = qr.map(|text| QrCode { text: text.into(), expires_at: Timestamp::from_millis(1_800_000_000_000) });
        let jid = (status == SessionStatus::Connected).then(|| "15550000001@s.whatsapp.net".to_owned());
        let link = Link { qr, jid, ..Link::new(status) };
        let mut links = self.links.lock().unwrap();
        links.entry(session.clone()).or_insert_with(|| watch::channel(link.clone()).0).send_replace(link);
    }

    /// WhatsApp asks the session's phone for a passkey, and the ceremony is at that step.
    pub fn ask_passkey(&self, session: &SessionId, step: PasskeyStep) {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let code = (step == PasskeyStep::Confirmation).then(|| CODE.to_owned());
        let asked = Ceremony { step, options: Arc::new(question()), code, since: at, expires_at: at };
        let link = Link { passkey: Some(asked), ..Link::new(SessionStatus::Qr) };
        self.links.lock().unwrap()[session].send_replace(link);
    }

    /// Starts no session from now on.
    pub fn break_starts(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Whether uploads end.
    pub fn let_uploads_end(&self, end: bool) {
        self.uploads.send_replace(end);
    }

    /// Waits until an upload has begun, or has done so since the last wait.
    pub async fn upload_begun(&self) {
        self.upload_begun.notified().await;
    }

    /// What is accepted goes on the wire at once from now on. Nothing here makes a try of its own.
    pub fn let_flow(&self) {
        self.flows.store(true, Ordering::SeqCst);
    }

    /// This session does not end from now on, whoever wants it to rest.
    pub fn get_stuck(&self, session: &SessionId) {
        *self.stuck.lock().unwrap() = Some(session.clone());
    }

    pub fn connect(&self, session: &SessionId) {
        self.set(session, SessionStatus::Connected, None);
    }
}

#[async_trait]
impl GroupEngine for FakeEngine {}

#[async_trait]
impl PeopleEngine for FakeEngine {}

#[async_trait]
impl Engine for FakeEngine {
    async fn upload(&self, session: &SessionId, path: &Path, _kind: MediaKind, _scratch: File) -> Result<Uploaded, Error> {
        let mut ends = self.uploads.subscribe();
        self.upload_begun.notify_one();
        ends.wait_for(|ends| *ends).await.unwrap();
        // It rests by now.
        self.link(session).ok_or(Error::NotConnected)?;
        Ok(Uploaded {
            url: "https://mmg.whatsapp.net/v/x".to_owned(),
            direct_path: "/v/x".to_owned(),
            media_key: [1; 32],
            file_sha256: Sha256::digest(std::fs::read(path).unwrap()).into(),
            file_enc_sha256: [3; 32],
            size: std::fs::metadata(path).unwrap().len(),
            key_at_secs: 1,
            sidecar: None,
        })
    }

    async fn start(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::NotConnected);
        }
        self.set(session, SessionStatus::Qr, Some("2@first"));
        Ok(self.link(session).unwrap())
    }

    fn link(&self, session: &SessionId) -> Option<watch::Receiver<Link>> {
        self.links.lock().unwrap().get(session).map(watch::Sender::subscribe)
    }

    async fn restart(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        self.start(session).await
    }

    async fn stop(&self, session: &SessionId) -> Result<(), Error> {
        self.links.lock().unwrap().remove(session);
        Ok(())
    }

    async fn rest(&self, session: &SessionId) {
        let stuck = self.stuck.lock().unwrap().as_ref() == Some(session);
        if stuck {
            std::future::pending::<()>().await;
        }
        self.links.lock().unwrap().remove(session);
    }

    async fn logout(&self, session: &SessionId) -> Result<(), Error> {
        self.set(session, SessionStatus::Disconnected, None);
        Ok(())
    }

    async fn pairing_code(&self, _: &SessionId, _: &str) -> Result<PairCode, Error> {
        Ok(PairCode { code: "ABCD-1234".into(), expires_at: Timestamp::from_millis(1_800_000_000_000) })
    }

    async fn submit_passkey(&self, _: &SessionId, _: Signed) -> Result<(), Error> {
        Ok(())
    }

    async fn confirm_passkey(&self, _: &SessionId, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn registrations(&self, _: &SessionId, phones: &[String]) -> Result<Vec<Registration>, Error> {
        if phones.iter().any(|phone| phone == HANGS) {
            std::future::pending::<()>().await;
        }
        assert!(!phones.iter().any(|phone| phone == PANICS), "a secret of the engine");
        let answer = |phone: &String| Registration { registered: phone != ABSENT, ..Registration::absent(phone.clone()) };
        Ok(phones.iter().map(answer).collect())
    }

    fn compose(&self, _: &str, _: &Recipient, draft: &Draft, _: Timestamp) -> Composed {
        let number = self.composed.fetch_add(1, Ordering::SeqCst);
        Composed { wa_id: format!("WA{number}"), payload: format!("{draft:?}").into_bytes() }
    }

    fn flows(&self, _: &SessionId) -> bool {
        self.flows.load(Ordering::SeqCst)
    }

    fn last_seen(&self, _: &SessionId) -> Option<Timestamp> {
        None
    }

    fn statuses(&self) -> Vec<SessionStatus> {
        self.links.lock().unwrap().values().map(|link| link.borrow().status).collect()
    }

    fn wake(&self, _: &AccountId, session: &SessionId) {
        let (store, outcomes, session) = (Arc::clone(&self.store), Arc::clone(&self.outcomes), session.clone());
        tokio::spawn(async move {
            for (_, outgoing) in store.queued_messages(&session, 0, 100).await.unwrap() {
                if outgoing.chat.starts_with(UNHEARD) {
                    continue;
                }
                let outcome = if outgoing.chat.starts_with(REFUSED) {
                    Outcome::Failed { code: ErrorCode::MessageSendingFailed, reason: "WhatsApp refused it".into() }
                } else {
                    Outcome::Sent
                };
                outcomes.report(&outgoing.id, outcome);
            }
        });
    }

    async fn shutdown(&self) {}
}

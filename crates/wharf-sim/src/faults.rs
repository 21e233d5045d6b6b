//! Rules that make the network misbehave on purpose. Owns which rule applies to what, and how often.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::account::lock;
use crate::address::Number;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Cut the connection without a word.
    DropSocket,
    /// Refuse a message with a code.
    Nack,
    /// Lose a message on its way to the server.
    DropMessage,
    /// Damage a message, so that whoever gets it asks for it again.
    GarbleMessage,
    /// Cut the connection when a device asks for somebody's keys.
    DropOnKeys,
    /// Answer later when a device asks for somebody's keys.
    DelayKeys,
    /// Say of each device of somebody that there are no keys of it, with a code.
    RefuseKeys,
    /// Leave somebody's devices out of an answer with keys.
    OmitKeys,
    /// Give a list of somebody's devices that its phone has not signed.
    UnsignedDevices,
    /// Give a list of somebody's devices under a signature that is not its phone's.
    ForgedDevices,
    /// A phone does not answer when its message is asked for again.
    SwallowRetry,
    /// A phone does not answer when its own device asks for a message that the phone has read.
    SwallowRecovery,
    /// Acknowledge a message and say that the LID of its recipient is another one by now.
    RefreshLid,
    /// Do not answer what a device asks of its critical settings.
    SilentAppState,
    /// Refuse each critical collection with a code.
    RefuseAppState,
    /// Say that somebody was first with a critical collection, though nobody was.
    ConflictAppState,
    /// Give critical collections that are no such thing.
    GarbleAppState,
    /// Give critical collections that do not add up to what their phone signed.
    ForgeAppState,
    /// Give critical collections under a key that no phone shares.
    LockAppState,
    /// Acknowledge later.
    DelayAck,
    /// Deliver and never acknowledge.
    SwallowAck,
    /// Keep the connection open, read and write nothing.
    Stall,
    /// Refuse the login with a code.
    RefuseLogin,
    /// Refuse a device that wants to be linked, before it gets a QR reference.
    RefuseRegistration,
    /// End the streams of linked devices with an error, at once.
    StreamError,
    /// Give no QR references before the rule is gone.
    HoldQr,
    /// Refuse the request for a pairing code with a code.
    RefusePairCode,
    /// Refuse what the device sends after its code was typed.
    RefusePairFinish,
    /// Give no QR references, so that the code expires at once.
    ExpireQr,
    /// Refuse a file with a code.
    RefuseUpload,
    /// Cut the connection in the middle of a file that comes.
    CutUpload,
    /// Take nothing any more from the middle of a file on.
    StallUpload,
    /// Refuse to give a file, with a code.
    RefuseDownload,
    /// Cut the connection in the middle of a file that goes.
    CutDownload,
    /// Give a file with one bit turned.
    CorruptDownload,
    /// Give half of a file and then nothing, and keep the connection open.
    StallDownload,
    /// A phone says that it has a lost file no more.
    RefuseReupload,
}

impl Action {
    /// The media servers know tokens and files: they cannot tell whose a request is.
    pub(crate) const fn is_of_media_servers(self) -> bool {
        matches!(
            self,
            Self::RefuseUpload
                | Self::CutUpload
                | Self::StallUpload
                | Self::RefuseDownload
                | Self::CutDownload
                | Self::CorruptDownload
                | Self::StallDownload
        )
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) id: u64,
    pub(crate) action: Action,
    /// The owner whose devices are meant; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    /// The recipient of the message; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u16>,
    /// Why the account is banned: WhatsApp's number beside a 402.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ban: Option<u16>,
    /// For how long it is banned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expire_secs: Option<u64>,
    /// The words beside the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// How often it still applies; none means until deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// How often it lets what it is about pass before it applies.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) after: u32,
    #[serde(default)]
    pub(crate) applied: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Rule {
    fn matches(&self, owner: Option<Number>, to: Option<Number>) -> bool {
        let same = |wanted: &Option<String>, found: Option<Number>| {
            wanted.as_deref().is_none_or(|wanted| found.is_some() && Number::parse(wanted) == found)
        };
        same(&self.phone, owner) && same(&self.to, to)
    }
}

pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    /// Spares the common case, no rules, the lock.
    any: AtomicBool,
    next: AtomicU64,
    changed: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Mutex::new(Vec::new()), any: AtomicBool::new(false), next: AtomicU64::new(1), changed: watch::Sender::new(0) }
    }
}

impl Faults {
    pub(crate) fn add(&self, mut rule: Rule) -> Rule {
        rule.id = self.next.fetch_add(1, Ordering::Relaxed);
        rule.applied = 0;
        lock(&self.rules).push(rule.clone());
        self.publish();
        rule
    }

    pub(crate) fn list(&self) -> Vec<Rule> {
        lock(&self.rules).clone()
    }

    /// Deletes one rule, or all; gives how many went.
    pub(crate) fn remove(&self, id: Option<u64>) -> usize {
        let mut rules = lock(&self.rules);
        let before = rules.len();
        rules.retain(|rule| id.is_some_and(|id| id != rule.id));
        let gone = before - rules.len();
        drop(rules);
        self.publish();
        gone
    }

    /// The first rule for one of these actions, used up once.
    pub(crate) fn take(&self, actions: &[Action], owner: Option<Number>, to: Option<Number>) -> Option<Rule> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut rules = lock(&self.rules);
        let at = rules.iter_mut().position(|rule| {
            let is_meant = actions.contains(&rule.action) && rule.matches(owner, to);
            let passes = is_meant && rule.after > 0;
            rule.after -= u32::from(passes);
            is_meant && !passes
        })?;
        let rule = &mut rules[at];
        rule.applied += 1;
        let taken = rule.clone();
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                rules.remove(at);
            }
        }
        drop(rules);
        self.publish();
        Some(taken)
    }

    /// Whether there is a rule for the action, for whomever.
    pub(crate) fn stands(&self, action: Action) -> bool {
        self.any.load(Ordering::Acquire) && lock(&self.rules).iter().any(|rule| rule.action == action)
    }

    pub(crate) fn stalls(&self, owner: Option<Number>) -> bool {
        self.any.load(Ordering::Acquire) && lock(&self.rules).iter().any(|rule| rule.action == Action::Stall && rule.matches(owner, None))
    }

    /// Wakes when rules come or go.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn publish(&self) {
        let any = !lock(&self.rules).is_empty();
        self.any.store(any, Ordering::Release);
        self.changed.send_modify(|version| *version += 1);
    }
}

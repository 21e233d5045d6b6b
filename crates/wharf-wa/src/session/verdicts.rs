//! What WhatsApp's refusals mean for a session: its words for them, whether the link stays, and when it is tried again. No number of
//! anybody stands in what is said here, for it is shown and logged.

use std::time::Duration;

use wacore::types::events::{ConnectFailureReason, Event, TempBanReason};
use wacore_binary::NodeRef;
use wharf_api::Timestamp;
use wharf_api::types::session::{DisconnectReason, Refusal};
use wharf_core::Clock;

use super::attendance::Attendance;
use super::end::End;

/// The pause after a refusal of which nobody says that another try helps, and what is added so that not all try at once.
const SLOWLY: Duration = Duration::from_mins(5);
const SPREAD: Duration = Duration::from_mins(1);
/// So many connections in a row that were closed without a word are an answer; fewer may be the network's doing.
const MUTE_CLOSES: u32 = 3;
/// Other clients' number for a connection that was closed without a word.
const WITHOUT_A_WORD: u16 = 428;
/// How often the clock is looked at while a session waits for a time.
const LOOK: Duration = Duration::from_secs(1);

/// What follows a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The library tries again by itself, with growing pauses.
    Again,
    /// The library tries again, and nobody is told but with the next change of the link: servers come and go like this every day.
    Quietly,
    /// It is tried again after minutes, for nobody says that it helps.
    Slowly,
    /// The account may not be used, for a while or for good.
    Banned,
    /// The device is no longer linked.
    LoggedOut,
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefusedLink {
    pub(super) refusal: Refusal,
    pub(super) then: Then,
}

impl RefusedLink {
    fn new(code: u16, text: &str, at: Timestamp, then: Then) -> Self {
        Self { refusal: Refusal { code, text: Some(text.to_owned()), at, until: None }, then }
    }

    /// What the library makes of a `<failure>`. `None` for what is no refusal, and for those that have a meaning of their own.
    pub(super) fn of(event: &Event, at: Timestamp) -> Option<Self> {
        match event {
            Event::LoggedOut(out) if out.reason == ConnectFailureReason::AccountLocked => {
                Some(Self::new(403, of_login(403), at, Then::Banned))
            }
            // The other way is an unlinking on the phone: nothing was refused.
            Event::LoggedOut(out) if out.on_connect => {
                let code = number(out.reason);
                Some(Self::new(code, of_login(code), at, Then::LoggedOut))
            }
            Event::TemporaryBan(ban) => {
                let mut verdict = Self::new(402, of_ban(&ban.code), at, Then::Banned);
                verdict.refusal.until = Some(at.plus_millis(ban.expire.num_milliseconds()));
                Some(verdict)
            }
            Event::ConnectFailure(failure) => {
                let (code, reason) = (number(failure.reason), failure.reason);
                let then = match reason {
                    ConnectFailureReason::TempBanned => Then::Banned,
                    reason if reason.should_reconnect() => Then::Again,
                    _ => Then::Slowly,
                };
                Some(Self::new(code, of_login(code), at, then))
            }
            _ => None,
        }
    }

    /// What ends a stream that ran. `None` where the library makes an event of its own of it, and where nothing was refused.
    pub(super) fn of_stream(error: &NodeRef<'_>, at: Timestamp) -> Option<Self> {
        let attribute = error.get_attr("code").map(|code| code.as_str().to_string()).unwrap_or_default();
        if error.get_optional_child("conflict").is_some() || error.get_optional_child("ack").is_some() {
            return None;
        }
        if error.get_optional_child("xml-not-well-formed").is_some() {
            return Some(Self::new(400, "WhatsApp could not read what was sent and ended the stream", at, Then::Again));
        }
        match attribute.as_str() {
            "401" | "409" | "515" | "516" => None,
            "429" => Some(Self::new(429, "WhatsApp asks to slow down; the next connection comes after a longer pause", at, Then::Again)),
            "503" => Some(Self::new(503, of_login(503), at, Then::Quietly)),
            other => Some(Self::new(other.parse().unwrap_or(0), "WhatsApp ended the stream with an error", at, Then::Again)),
        }
    }

    /// Connections that end before a word was said.
    pub(super) fn of_mute_closes(in_a_row: u32, at: Timestamp) -> Option<Self> {
        let text = "WhatsApp closes the connection without a word";
        (in_a_row >= MUTE_CLOSES).then(|| Self::new(WITHOUT_A_WORD, text, at, Then::Again))
    }
}

fn number(reason: ConnectFailureReason) -> u16 {
    u16::try_from(reason.code()).unwrap_or(0)
}

fn of_login(code: u16) -> &'static str {
    match code {
        400 => "WhatsApp does not take the login; it is tried again every few minutes",
        401 => "WhatsApp does not know this device any more; link it again",
        402 => "WhatsApp has banned the account for a while and does not say for how long; it is tried again after a day",
        403 => "WhatsApp has locked the account; its phone tells why",
        406 => "WhatsApp has logged the account out; link it again",
        409 => "WhatsApp does not take this kind of client; it is tried again every few minutes",
        413 | 414 => "WhatsApp does not take the account's token; it is tried again every few minutes",
        415 => "WhatsApp does not find the account; it is tried again every few minutes",
        418 => "WhatsApp does not know this kind of client; it is tried again every few minutes",
        500 => "WhatsApp has an error of its own; it is tried again with growing pauses",
        501 => "WhatsApp does not let this client in yet; it is tried again every few minutes",
        503 => "WhatsApp is not available; it is tried again with growing pauses",
        _ => "WhatsApp refused the login; it is tried again every few minutes",
    }
}

fn of_ban(reason: &TempBanReason) -> &'static str {
    match reason {
        TempBanReason::SentToTooManyPeople => {
            "banned for a while: too many messages to people who do not have the number in their address book"
        }
        TempBanReason::BlockedByUsers => "banned for a while: too many people have blocked the number",
        TempBanReason::CreatedTooManyGroups => {
            "banned for a while: too many groups with people who do not have the number in their address book"
        }
        TempBanReason::SentTooManySameMessage => "banned for a while: the same message was sent to too many people",
        TempBanReason::BroadcastList => "banned for a while: too many messages to a broadcast list",
        TempBanReason::Unknown(_) => "banned for a while: WhatsApp says that its terms of service were broken",
    }
}

impl Attendance<'_> {
    /// Counts a refusal, says it, and does what it demands.
    pub(super) async fn on_refusal(&mut self, verdict: RefusedLink) -> Option<End> {
        let RefusedLink { refusal, then } = verdict;
        let ctx = &self.own.ctx;
        ctx.meter().refusals.one(refusal.code);
        let text = refusal.text.as_deref().unwrap_or_default();
        tracing::warn!(code = refusal.code, text, "WhatsApp refused");
        // Where others hear the same it is not about this session, and one tries for all.
        if matches!(then, Then::Again | Then::Slowly)
            && let Some(end) = self.on_turned_away(refusal.code)
        {
            self.life.links.note(refusal);
            return Some(end);
        }
        match then {
            Then::Again => self.life.links.refused(self.own, refusal).await,
            Then::Quietly => self.life.links.note(refusal),
            Then::Slowly => {
                self.life.not_before = Some(refusal.at + SLOWLY + ctx.jitter(SPREAD));
                self.life.links.turned_away(self.own, refusal).await;
            }
            Then::Banned => {
                self.life.links.note(refusal);
                return Some(End::Lost(DisconnectReason::Banned));
            }
            Then::LoggedOut => {
                self.life.links.note(refusal);
                return Some(End::LoggedOut);
            }
        }
        None
    }

    /// The connection was closed, perhaps once more without a word.
    pub(super) async fn on_closed(&mut self) -> Option<End> {
        let verdict = RefusedLink::of_mute_closes(self.own.line.mute_closes(), self.own.ctx.clock.now())?;
        self.on_refusal(verdict).await
    }
}

/// Ends when the clock has come to a time.
pub(super) async fn reached(clock: &dyn Clock, at: Timestamp) {
    while clock.now() < at {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use wacore::types::events::{ConnectFailure, LoggedOut};
    use wacore_binary::builder::NodeBuilder;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn failed(code: i32) -> (u16, Then) {
        let reason = ConnectFailureReason::from(code);
        let event = if reason.is_logged_out() {
            Event::LoggedOut(LoggedOut::builder().on_connect(true).reason(reason).build())
        } else {
            Event::ConnectFailure(ConnectFailure::builder().reason(reason).build())
        };
        let verdict = RefusedLink::of(&event, AT).expect("a refusal");
        assert!(verdict.refusal.text.is_some_and(|text| !text.is_empty()));
        (verdict.refusal.code, verdict.then)
    }

    #[test]
    fn every_code_of_a_login_has_its_meaning() {
        for code in [401, 406] {
            assert_eq!(failed(code), (code.try_into().unwrap(), Then::LoggedOut));
        }
        for code in [402, 403] {
            assert_eq!(failed(code), (code.try_into().unwrap(), Then::Banned));
        }
        for code in [500, 503] {
            assert_eq!(failed(code), (code.try_into().unwrap(), Then::Again), "a server in trouble loses nobody's link");
        }
        for code in [400, 409, 413, 414, 415, 418, 501, 499] {
            assert_eq!(failed(code), (code.try_into().unwrap(), Then::Slowly));
        }
    }

    #[test]
    fn an_unlinking_on_the_phone_is_no_refusal() {
        let event = Event::LoggedOut(LoggedOut::builder().on_connect(false).reason(ConnectFailureReason::LoggedOut).build());
        assert_eq!(RefusedLink::of(&event, AT), None);
    }

    #[test]
    fn a_stream_that_ends_tells_its_code_unless_that_has_an_event_of_its_own() {
        let of = |error: NodeBuilder| {
            let node = error.build();
            RefusedLink::of_stream(&node.as_node_ref(), AT).map(|verdict| (verdict.refusal.code, verdict.then))
        };
        let coded = |code: &str| of(NodeBuilder::new("stream:error").attr("code", code));
        assert_eq!(coded("429"), Some((429, Then::Again)));
        assert_eq!(coded("503"), Some((503, Then::Quietly)));
        assert_eq!(coded("599"), Some((599, Then::Again)));
        for known in ["401", "409", "515", "516"] {
            assert_eq!(coded(known), None, "{known}");
        }
        let with = |child: &'static str| of(NodeBuilder::new("stream:error").children([NodeBuilder::new(child).build()]));
        assert_eq!(with("xml-not-well-formed"), Some((400, Then::Again)));
        assert_eq!(with("ack"), None);
        assert_eq!(with("conflict"), None);
    }

    #[test]
    fn a_connection_that_drops_once_is_no_answer() {
        assert_eq!(RefusedLink::of_mute_closes(MUTE_CLOSES - 1, AT), None);
        assert_eq!(RefusedLink::of_mute_closes(MUTE_CLOSES, AT).map(|verdict| verdict.refusal.code), Some(428));
    }
}

//! The operator's switches: pauses for all sessions, and single features off. Kept in the store, obeyed by all nodes.
//!
//! Every node reads them anew every few seconds; the one that sets them obeys at once. Switching off is a person's act: what WhatsApp
//! refuses is marked as degraded and goes on.

mod refusals;

use std::collections::BTreeMap;

use tokio::sync::watch;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::switches::{Feature, FeatureSwitch, Pause, Position, PutSwitches};
use wharf_api::{ApiError, ErrorCode, Recipient};

use crate::clock::Clock;
use crate::engine::Body;
use crate::store::{self, Store, SwitchRow};
use refusals::RecentRefusals;

pub use wharf_api::types::switches::Switches as State;

const CONNECTING: &str = "connecting";
const SENDING: &str = "sending";
/// How the table spells the positions of the two pauses.
const PAUSED: &str = "paused";
const RUNNING: &str = "running";

/// The feature is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operator has switched {} off", .0.as_str())]
pub struct Off(pub Feature);

impl From<&Off> for ApiError {
    fn from(off: &Off) -> Self {
        Self::new(ErrorCode::UnsupportedOperation).reason(off.to_string())
    }
}

/// The switches as this node knows them. Shared with the engine.
#[derive(Debug)]
pub struct Switches {
    state: watch::Sender<State>,
    refusals: RecentRefusals,
}

impl Default for Switches {
    fn default() -> Self {
        Self { state: watch::Sender::new(state_of(&[])), refusals: RecentRefusals::default() }
    }
}

impl Switches {
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Hears of every change.
    pub fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Since when connections pause, while they do.
    pub fn connecting_paused(&self) -> Option<Timestamp> {
        paused(&self.state.borrow().connecting)
    }

    /// Since when sending pauses, while it does.
    pub fn sending_paused(&self) -> Option<Timestamp> {
        paused(&self.state.borrow().sending)
    }

    pub fn is_off(&self, feature: Feature) -> bool {
        self.state.borrow().features.get(&feature).is_some_and(|switch| switch.position == Position::Off)
    }

    /// Refuses a feature that is switched off.
    pub fn require(&self, feature: Feature) -> Result<(), Off> {
        if self.is_off(feature) { Err(Off(feature)) } else { Ok(()) }
    }

    /// Refuses a message whose kind is switched off, or the status where it goes there.
    pub fn require_message(&self, body: &Body, to: &Recipient) -> Result<(), Off> {
        if *to == Recipient::Status {
            self.require(Feature::Status)?;
        }
        self.require(feature_of(body))
    }

    /// Notes that WhatsApp refused a message of that feature in one of the sessions; `true` where this makes it degraded.
    pub fn note_refusal(&self, feature: Feature, session: &SessionId, now: Timestamp) -> bool {
        let judged = self.state.borrow().features.get(&feature).copied().unwrap_or_default();
        judged.position == Position::Auto && judged.degraded_since.is_none() && self.refusals.note(feature, session, now)
    }

    /// Takes in what the store says. Whoever watches hears of it where something is different.
    fn learn(&self, rows: &[SwitchRow]) {
        let new = state_of(rows);
        self.state.send_if_modified(|state| {
            let changed = *state != new;
            *state = new;
            changed
        });
    }
}

/// Since when it pauses. A pause whose beginning nobody wrote down is one all the same.
fn paused(pause: &Pause) -> Option<Timestamp> {
    pause.paused.then(|| pause.since.unwrap_or(Timestamp::from_millis(0)))
}

/// The feature that a message needs.
pub fn feature_of(body: &Body) -> Feature {
    match body {
        Body::Text { .. } => Feature::Texts,
        Body::Location { .. } => Feature::Locations,
        Body::Contact { .. } => Feature::Contacts,
        Body::Poll { .. } => Feature::Polls,
        Body::Media(_) => Feature::Media,
        Body::Reaction { .. } => Feature::Reactions,
        Body::Edit { .. } => Feature::Edits,
        Body::Revoke { .. } => Feature::Deletions,
    }
}

/// Reads the switches anew.
pub async fn refresh(store: &dyn Store, switches: &Switches) -> Result<(), store::Error> {
    switches.learn(&store.list_switches().await?);
    Ok(())
}

/// Sets switches for all nodes, and obeys on this one at once. Tells how all of them stand then.
pub async fn set(store: &dyn Store, clock: &dyn Clock, switches: &Switches, wanted: &PutSwitches) -> Result<State, store::Error> {
    let pause = |name: &str, paused: Option<bool>| paused.map(|paused| (name.to_owned(), if paused { PAUSED } else { RUNNING }.to_owned()));
    let features = wanted.features.iter().map(|(feature, position)| (feature.as_str().to_owned(), position.as_str().to_owned()));
    let changes: Vec<_> = [pause(CONNECTING, wanted.connecting_paused), pause(SENDING, wanted.sending_paused)]
        .into_iter()
        .flatten()
        .chain(features)
        .collect();
    if !changes.is_empty() {
        store.set_switches(&changes, clock.now()).await?;
        for feature in wanted.features.keys() {
            switches.refusals.forget(*feature);
        }
    }
    refresh(store, switches).await?;
    Ok(switches.state())
}

/// Marks a feature as degraded, for all nodes to show.
pub async fn degrade(store: &dyn Store, switches: &Switches, feature: Feature, now: Timestamp) -> Result<(), store::Error> {
    if store.degrade_switch(feature.as_str(), Position::Auto.as_str(), now).await? {
        tracing::warn!(
            feature = feature.as_str(),
            "WhatsApp refuses messages of this kind in several sessions: it is marked as degraded; switching it off is up to you"
        );
    }
    refresh(store, switches).await
}

/// How the switches stand. Names and positions that this program does not know are a newer one's.
fn state_of(rows: &[SwitchRow]) -> State {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let pause = |name: &str| {
        let row = find(name).filter(|row| row.position == PAUSED);
        Pause { paused: row.is_some(), since: row.and_then(|row| row.since) }
    };
    let switch = |feature: Feature| {
        find(feature.as_str()).map_or_else(FeatureSwitch::default, |row| FeatureSwitch {
            position: Position::parse(&row.position).unwrap_or_default(),
            since: row.since,
            degraded_since: row.degraded_since,
        })
    };
    let features: BTreeMap<_, _> = Feature::ALL.iter().map(|feature| (*feature, switch(*feature))).collect();
    State { connecting: pause(CONNECTING), sending: pause(SENDING), features }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, position: &str) -> SwitchRow {
        SwitchRow { name: name.to_owned(), position: position.to_owned(), since: Some(Timestamp::from_millis(7)), degraded_since: None }
    }

    #[test]
    fn what_no_row_speaks_of_runs_and_is_automatic() {
        let switches = Switches::default();
        assert_eq!((switches.connecting_paused(), switches.sending_paused()), (None, None));
        for feature in Feature::ALL {
            assert_eq!(switches.require(*feature), Ok(()));
            assert_eq!(switches.state().features[feature], FeatureSwitch::default());
        }
    }

    #[test]
    fn a_row_is_obeyed_and_words_of_a_newer_program_change_nothing() {
        let switches = Switches::default();
        let mut heard = switches.subscribe();
        switches.learn(&[
            row("connecting", "paused"),
            row("edits", "off"),
            row("polls", "on"),
            row("holograms", "off"),
            row("typing", "dimmed"),
        ]);
        assert!(heard.has_changed().unwrap());
        assert_eq!((switches.connecting_paused(), switches.sending_paused()), (Some(Timestamp::from_millis(7)), None));
        let off: Vec<_> = Feature::ALL.iter().filter(|feature| switches.is_off(**feature)).collect();
        assert_eq!(off, [&Feature::Edits]);
        heard.mark_unchanged();
        switches.learn(&[row("connecting", "running")]);
        assert_eq!(switches.connecting_paused(), None);
        heard.mark_unchanged();
        switches.learn(&[row("connecting", "running")]);
        assert!(!heard.has_changed().unwrap(), "nothing is different");
    }

    #[test]
    fn only_a_switch_that_is_automatic_judges_refusals() {
        let sessions = ["a", "b", "c"].map(|name| SessionId::parse(&format!("ses_{}", name.repeat(32))).unwrap());
        let refused =
            |switches: &Switches| (0..5).any(|time| switches.note_refusal(Feature::Edits, &sessions[time % 3], Timestamp::from_millis(0)));
        assert!(refused(&Switches::default()));
        for rows in [
            vec![row("edits", "on")],
            vec![row("edits", "off")],
            vec![SwitchRow { degraded_since: Some(Timestamp::from_millis(1)), ..row("edits", "auto") }],
        ] {
            let switches = Switches::default();
            switches.learn(&rows);
            assert!(!refused(&switches), "{rows:?}");
        }
    }
}

//! Notices of groups, as events of the log. WhatsApp keeps the groups; here it is only told that they changed.

use std::sync::Arc;

use wacore::stanza::groups::{GroupNotificationAction as Action, GroupParticipantInfo};
use wacore::types::events::GroupUpdate;
use wacore_binary::Jid;
use wharf_api::Timestamp;
use wharf_api::types::event::EventKind;
use wharf_api::types::group::{GroupChange, GroupUpdated};
use wharf_api::types::message::Party;
use wharf_core::store::NewEvent;

use super::Own;
use super::convert::Person;

/// Writes the event beside the session's other work. A notice that is lost with the process is not told again.
pub(super) fn announce(own: &Arc<Own>, update: &GroupUpdate) {
    let at = Timestamp::from_millis(update.timestamp.timestamp_millis());
    let updated = GroupUpdated {
        group_id: update.group_jid.to_non_ad_string(),
        change: change(&update.action),
        by: update.participant.as_ref().map(|jid| party(jid, update.participant_pn.as_ref())),
        at,
    };
    let Ok(data) = serde_json::to_value(updated) else { return };
    let own = Arc::clone(own);
    tokio::spawn(async move {
        let event = NewEvent { kind: EventKind::GroupUpdated, data };
        let now = own.ctx.clock.now();
        if let Err(error) = own.vault.notice(own.ctx.store.announce(own.fence(), now, vec![event]).await) {
            tracing::warn!(session = %own.session(), %error, "a change of a group was not announced");
        }
    });
}

fn change(action: &Action) -> GroupChange {
    let setting = |setting: &str, enabled| GroupChange::SettingsChanged { setting: setting.to_owned(), enabled };
    match action {
        Action::Create { .. } => GroupChange::Created,
        Action::Add { participants, .. } => GroupChange::ParticipantsAdded { participants: parties(participants) },
        Action::Remove { participants, .. } => GroupChange::ParticipantsRemoved { participants: parties(participants) },
        Action::Promote { participants } => GroupChange::ParticipantsPromoted { participants: parties(participants) },
        Action::Demote { participants } => GroupChange::ParticipantsDemoted { participants: parties(participants) },
        Action::Subject { subject, .. } => GroupChange::SubjectChanged { subject: subject.clone() },
        Action::Description { description, .. } => GroupChange::DescriptionChanged { description: description.clone() },
        Action::Announce => setting("announcement", true),
        Action::NotAnnounce => setting("announcement", false),
        Action::Locked { .. } => setting("locked", true),
        Action::Unlocked => setting("locked", false),
        Action::MembershipApprovalMode { enabled } => setting("approvalRequired", *enabled),
        Action::MemberAddMode { mode } => setting("membersCanAdd", mode == "all_member_add"),
        Action::Ephemeral { expiration, .. } => GroupChange::DisappearingChanged { disappearing_seconds: *expiration },
        Action::Invite { .. } | Action::RevokeInvite => GroupChange::InviteChanged,
        Action::CreatedMembershipRequests { requests, .. } => GroupChange::JoinRequested { participants: parties(requests) },
        Action::RevokedMembershipRequests { participants } => {
            GroupChange::JoinRequestWithdrawn { participants: participants.iter().map(|jid| party(jid, None)).collect() }
        }
        Action::Delete { .. } => GroupChange::Deleted,
        other => GroupChange::Other { kind: other.tag_name().to_owned() },
    }
}

fn parties(people: &[GroupParticipantInfo]) -> Vec<Party> {
    people.iter().map(|person| party(&person.jid, person.phone_number.as_ref().or(person.lid.as_ref()))).collect()
}

fn party(jid: &Jid, other: Option<&Jid>) -> Party {
    let person = Person::of(jid, other);
    Party { id: person.id, phone_number: person.phone, lid: person.lid, name: None }
}

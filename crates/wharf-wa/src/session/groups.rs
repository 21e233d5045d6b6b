//! Notices of groups, as events of the log. WhatsApp keeps the groups; here it is only told that they changed.

use wacore::stanza::groups::{GroupNotification, GroupNotificationAction as Action, GroupParticipantInfo};
use wacore::types::events::PictureUpdate;
use wacore_binary::{Jid, JidExt as _, Node, NodeRef};
use wharf_api::Timestamp;
use wharf_api::types::group::{GroupChange, GroupUpdated};
use wharf_api::types::message::Party;

use super::convert::Person;
use super::notice::Notice;

/// What a stanza tells of a group, in its order. The library works on some changes before it tells of them, and then they are told late.
pub(super) fn changed(stanza: &NodeRef<'_>) -> Vec<(Jid, Action, Notice)> {
    let Some(told) = GroupNotification::try_from_node_ref(stanza) else { return Vec::new() };
    let secs = i64::try_from(told.timestamp).ok().and_then(wacore::time::from_secs).unwrap_or_else(wacore::time::now_utc);
    let at = Timestamp::from_millis(secs.timestamp_millis());
    let group_id = told.group_jid.to_non_ad_string();
    let group = told.group_jid.clone();
    let notice = |(index, action): (usize, Action)| {
        let updated = GroupUpdated {
            group_id: group_id.clone(),
            change: change(&action, told.participant.as_ref(), told.participant_pn.as_ref()),
            by: told.participant.as_ref().map(|jid| Person::of(jid, told.participant_pn.as_ref()).into()),
            at,
        };
        let name = match &told.notification_id {
            Some(id) => format!("group:{id}:{index}"),
            None => format!("group:{group_id}:{}:{index}", at.as_millis()),
        };
        (group.clone(), action, Notice::of_group(name, updated))
    };
    told.actions.into_iter().enumerate().map(notice).collect()
}

/// A picture has notices of its own, for people too; those are nobody's event.
pub(super) fn pictured(update: &PictureUpdate) -> Option<Notice> {
    if !update.jid.is_group() {
        return None;
    }
    let updated = GroupUpdated {
        group_id: update.jid.to_non_ad_string(),
        change: GroupChange::PictureChanged { picture_id: update.picture_id.clone() },
        by: update.author.as_ref().map(|jid| Person::of(jid, None).into()),
        at: Timestamp::from_millis(update.timestamp.timestamp_millis()),
    };
    let picture = update.picture_id.as_deref().unwrap_or("none");
    let name = format!("picture:{}:{picture}:{}", updated.group_id, updated.at.as_millis());
    Some(Notice::of_group(name, updated))
}

fn change(action: &Action, by: Option<&Jid>, by_number: Option<&Jid>) -> GroupChange {
    let setting = |setting: &str, enabled| GroupChange::SettingsChanged { setting: setting.to_owned(), enabled };
    match action {
        Action::Create { raw } => GroupChange::Created { subject: subject(raw) },
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
            // WhatsApp has one word for both; who takes a request of somebody else's away rejects it.
            let own = |jid: &Jid| [by, by_number].into_iter().flatten().any(|by| by.is_same_user_as(jid));
            let withdrawn = by.is_none() || participants.iter().all(own);
            let number = |jid: &Jid| by_number.filter(|_| own(jid));
            let participants = participants.iter().map(|jid| Person::of(jid, number(jid)).into()).collect();
            if withdrawn { GroupChange::JoinRequestWithdrawn { participants } } else { GroupChange::JoinRequestRejected { participants } }
        }
        Action::Delete { .. } => GroupChange::Deleted,
        other => GroupChange::Other { kind: other.tag_name().to_owned() },
    }
}

/// What a new group is called.
fn subject(created: &Node) -> Option<String> {
    let mut attrs = created.get_optional_child("group")?.attrs();
    Some(attrs.optional_string("subject")?.into_owned())
}

fn parties(people: &[GroupParticipantInfo]) -> Vec<Party> {
    people.iter().map(|person| Person::of(&person.jid, person.phone_number.as_ref().or(person.lid.as_ref())).into()).collect()
}

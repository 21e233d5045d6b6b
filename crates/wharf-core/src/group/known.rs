//! What groups were when they were seen last. WhatsApp shows a group to its members alone; what a session knew of one outlives its
//! membership.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::group::{Group, GroupChange, GroupParticipant, GroupRole, GroupUpdated};
use wharf_api::types::message::Party;

use crate::engine;
use crate::services::Services;
use crate::store::{self, ChatStore, SessionRow};

/// How long a message waits to hear whether the session is in its group. Without an answer it is sent, and WhatsApp decides.
const ASKED_FOR: Duration = Duration::from_secs(3);

/// Keeps what is not known of these groups yet. They are shown all the same where that fails.
pub async fn keep(services: &Services, session: &SessionRow, groups: &[Group]) {
    if let Err(error) = keep_new(services, session, groups).await {
        tracing::debug!(session = %session.id, %error, "what groups are was not kept");
    }
}

async fn keep_new(services: &Services, session: &SessionRow, groups: &[Group]) -> Result<(), store::Error> {
    let ids: Vec<String> = groups.iter().map(|group| group.group_id.clone()).collect();
    let known = services.store.known_groups(&session.account, &session.id, &ids).await?;
    let new: Vec<Group> = groups.iter().filter(|group| !known.contains(group)).cloned().collect();
    if new.is_empty() { Ok(()) } else { services.store.keep_groups(&session.account, &session.id, &new).await }
}

/// The session is not in the group any more, as WhatsApp just said; tells what is known of it.
pub async fn left(services: &Services, session: &SessionRow, group: &str) -> Result<Option<Group>, store::Error> {
    let known = services.store.known_groups(&session.account, &session.id, &[group.to_owned()]).await?;
    let Some(mut group) = known.into_iter().next() else { return Ok(None) };
    if group.left_at.is_none() {
        group.left_at = Some(services.clock.now());
        services.store.keep_groups(&session.account, &session.id, std::slice::from_ref(&group)).await?;
    }
    Ok(Some(group))
}

/// Whether nobody would get what the session writes to the group. One that it is known to be in is not asked for; one that it left may
/// have let it in again.
pub async fn is_outside(services: &Services, session: &SessionRow, group: &str) -> Result<bool, engine::Error> {
    let known = services.store.known_groups(&session.account, &session.id, &[group.to_owned()]).await?;
    if known.first().is_some_and(|group| group.left_at.is_none()) {
        return Ok(false);
    }
    match tokio::time::timeout(ASKED_FOR, services.engine.group(&session.id, group)).await {
        Ok(Ok(group)) => {
            keep(services, session, &[group]).await;
            Ok(false)
        }
        Ok(Err(engine::Error::NotFound)) => {
            left(services, session, group).await?;
            Ok(true)
        }
        // It is not known: the message finds out.
        _ => Ok(false),
    }
}

/// WhatsApp tells of a change. What is not known is not begun with a change. `own` are the names of the session's account.
pub async fn told(
    store: &(impl ChatStore + Sync + ?Sized),
    (account, session): (&AccountId, &SessionId),
    own: &[String],
    updated: &GroupUpdated,
) -> Result<(), store::Error> {
    let known = store.known_groups(account, session, std::slice::from_ref(&updated.group_id)).await?;
    let Some(before) = known.into_iter().next() else { return Ok(()) };
    let mut group = before.clone();
    change(&mut group, own, &updated.change, updated.at);
    if group == before { Ok(()) } else { store.keep_groups(account, session, &[group]).await }
}

fn change(group: &mut Group, own: &[String], change: &GroupChange, at: Timestamp) {
    let has_own = |people: &[Party]| people.iter().any(|person| names(person).any(|name| own.iter().any(|own| own == name)));
    match change {
        GroupChange::ParticipantsAdded { participants } => {
            for person in participants {
                if !group.participants.iter().any(|member| is(member, person)) {
                    group.participants.push(member(person));
                }
            }
            if has_own(participants) {
                group.left_at = None;
            }
        }
        GroupChange::ParticipantsRemoved { participants } => {
            group.participants.retain(|member| !participants.iter().any(|person| is(member, person)));
            if has_own(participants) {
                group.left_at = Some(at);
            }
        }
        GroupChange::ParticipantsPromoted { participants } => appoint(group, participants, GroupRole::Admin),
        GroupChange::ParticipantsDemoted { participants } => appoint(group, participants, GroupRole::Member),
        GroupChange::SubjectChanged { subject } => group.subject.clone_from(subject),
        GroupChange::DescriptionChanged { description } => group.description.clone_from(description),
        GroupChange::DisappearingChanged { disappearing_seconds } => group.disappearing_seconds = *disappearing_seconds,
        GroupChange::SettingsChanged { setting, enabled } => match setting.as_str() {
            "announcement" => group.announcement = *enabled,
            "locked" => group.locked = *enabled,
            "approvalRequired" => group.approval_required = *enabled,
            "membersCanAdd" => group.members_can_add = *enabled,
            _ => {}
        },
        GroupChange::Deleted => group.left_at = Some(at),
        GroupChange::Created { .. }
        | GroupChange::PictureChanged { .. }
        | GroupChange::InviteChanged
        | GroupChange::JoinRequested { .. }
        | GroupChange::JoinRequestWithdrawn { .. }
        | GroupChange::JoinRequestRejected { .. }
        | GroupChange::Other { .. } => {}
    }
}

fn appoint(group: &mut Group, people: &[Party], role: GroupRole) {
    for member in &mut group.participants {
        if people.iter().any(|person| is(member, person)) {
            member.role = role;
        }
    }
}

fn names(person: &Party) -> impl Iterator<Item = &str> {
    [Some(&person.id), person.phone_number.as_ref(), person.lid.as_ref()].into_iter().flatten().map(String::as_str)
}

fn is(member: &GroupParticipant, person: &Party) -> bool {
    let of_member = [Some(&member.contact_id), member.phone_number.as_ref(), member.lid.as_ref()];
    names(person).any(|name| of_member.into_iter().flatten().any(|own| own == name))
}

fn member(person: &Party) -> GroupParticipant {
    GroupParticipant {
        contact_id: person.id.clone(),
        phone_number: person.phone_number.clone(),
        lid: person.lid.clone(),
        role: GroupRole::Member,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "1@s.whatsapp.net";
    const ADA: &str = "2@s.whatsapp.net";
    const AT: Timestamp = Timestamp::from_millis(7);

    fn party(id: &str) -> Party {
        Party { id: id.to_owned(), phone_number: None, lid: None, name: None }
    }

    fn group() -> Group {
        Group {
            group_id: "1@g.us".to_owned(),
            subject: "before".to_owned(),
            description: None,
            owner: None,
            created_at: None,
            announcement: false,
            locked: false,
            approval_required: false,
            members_can_add: true,
            disappearing_seconds: 0,
            participants: [OWN, ADA].map(|id| member(&party(id))).into(),
            left_at: None,
        }
    }

    fn after(changes: &[GroupChange]) -> Group {
        let mut group = group();
        for one in changes {
            change(&mut group, &[OWN.to_owned(), "77@lid".to_owned()], one, AT);
        }
        group
    }

    #[test]
    fn who_is_taken_out_keeps_what_was_known_and_who_is_let_in_again_is_in_it() {
        let out =
            GroupChange::ParticipantsRemoved { participants: vec![Party { lid: Some("77@lid".to_owned()), ..party("3@lid") }, party(OWN)] };
        let left = after(std::slice::from_ref(&out));
        assert_eq!((left.left_at, left.subject.as_str()), (Some(AT), "before"));
        assert_eq!(left.participants, [member(&party(ADA))]);
        let again = after(&[out, GroupChange::ParticipantsAdded { participants: vec![party(OWN)] }]);
        assert_eq!((again.left_at, again.participants.len()), (None, 2));
        assert_eq!(after(&[GroupChange::Deleted]).left_at, Some(AT));
    }

    #[test]
    fn changes_of_others_and_of_settings_are_followed() {
        let changed = after(&[
            GroupChange::ParticipantsAdded { participants: vec![party(ADA), party("3@lid")] },
            GroupChange::ParticipantsPromoted { participants: vec![party(ADA)] },
            GroupChange::ParticipantsRemoved { participants: vec![party("3@lid")] },
            GroupChange::SubjectChanged { subject: "after".to_owned() },
            GroupChange::SettingsChanged { setting: "announcement".to_owned(), enabled: true },
            GroupChange::DisappearingChanged { disappearing_seconds: 60 },
            GroupChange::InviteChanged,
        ]);
        let mut expected = group();
        expected.participants[1].role = GroupRole::Admin;
        (expected.subject, expected.announcement, expected.disappearing_seconds) = ("after".to_owned(), true, 60);
        assert_eq!(changed, expected);
    }
}

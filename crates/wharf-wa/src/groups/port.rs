//! The port's questions and changes of groups, in the library's words.

use std::sync::Arc;

use async_trait::async_trait;
use wacore::iq::groups::{GroupDescription, GroupSubject, MemberAddMode, MembershipApprovalMode};
use wacore_binary::Jid;
use wharf_api::ids::SessionId;
use wharf_api::types::group::{Group, GroupRequest, JoinedGroup, ParticipantResult};
use wharf_core::engine::{Act, Error, GroupEdit, GroupEngine};
use whatsapp_rust::client::Client;
use whatsapp_rust::{
    ErrorChainExt as _, GroupCreateOptions, GroupParticipantOptions, JoinGroupResult, ParticipantChangeResponse, PreviousDescription,
};

use super::{failure, metadata, named, shown, time};
use crate::engine::WaEngine;
use crate::session::convert::Person;

#[async_trait]
impl GroupEngine for WaEngine {
    async fn create_group(&self, session: &SessionId, subject: &str, people: &[String], description: Option<&str>) -> Result<Group, Error> {
        let mut options = GroupCreateOptions::new(subject);
        options.participants = jids(people)?.into_iter().map(GroupParticipantOptions::new).collect();
        options.description = description.map(described).transpose()?;
        self.with_client(session, |client| async move {
            let created = client.groups().create_group(options).await.map_err(|error| failure(&error))?;
            // The answer to a creation leaves out what WhatsApp fills in by itself.
            Ok(match client.groups().get_metadata(&created.metadata.id).await {
                Ok(group) => shown(&group),
                Err(_) => shown(&created.metadata),
            })
        })
        .await
    }

    async fn groups(&self, session: &SessionId) -> Result<Vec<Group>, Error> {
        self.with_client(session, |client| async move {
            let groups = client.groups().get_participating().await.map_err(|error| failure(&error))?;
            Ok(groups.values().map(shown).collect())
        })
        .await
    }

    async fn group(&self, session: &SessionId, group: &str) -> Result<Group, Error> {
        let group = jid(group)?;
        self.with_client(session, |client| async move { Ok(shown(&metadata(&client, &group).await?)) }).await
    }

    async fn edit_group(&self, session: &SessionId, group: &str, edits: Vec<GroupEdit>) -> Result<(), Error> {
        let group = jid(group)?;
        self.with_own(session, |client, own| async move {
            own.timers.forget(&group.to_non_ad_string());
            for edit in edits {
                apply(&client, &group, edit).await?;
            }
            own.timers.forget(&group.to_non_ad_string());
            Ok(())
        })
        .await
    }

    async fn act_on_people(&self, session: &SessionId, group: &str, act: Act, people: &[String]) -> Result<Vec<ParticipantResult>, Error> {
        let (group, people) = (jid(group)?, jids(people)?);
        self.with_client(session, move |client| async move { act_on(&client, &group, act, people).await }).await
    }

    async fn set_group_picture(&self, session: &SessionId, group: &str, jpeg: Option<Vec<u8>>) -> Result<Option<String>, Error> {
        let group = jid(group)?;
        self.with_client(session, |client| async move {
            match jpeg {
                Some(jpeg) => client.groups().set_profile_picture(group, jpeg).await.map(|picture| Some(picture.id)),
                None => client.groups().remove_profile_picture(group).await.map(|_| None),
            }
            .map_err(|error| failure(&error))
        })
        .await
    }

    async fn group_invite(&self, session: &SessionId, group: &str, renew: bool) -> Result<String, Error> {
        let group = jid(group)?;
        self.with_client(session, move |client| async move {
            let link = client.groups().get_invite_link(&group, renew).await.map_err(|error| failure(&error))?;
            Ok(link.rsplit('/').next().unwrap_or_default().to_owned())
        })
        .await
    }

    async fn join_group(&self, session: &SessionId, code: &str) -> Result<JoinedGroup, Error> {
        let code = code.to_owned();
        self.with_client(session, |client| async move {
            match client.groups().join_with_invite_code(&code).await {
                Ok(JoinGroupResult::Joined(group)) => Ok(JoinedGroup { group_id: group.to_non_ad_string(), pending: false }),
                Ok(JoinGroupResult::PendingApproval(group)) => Ok(JoinedGroup { group_id: group.to_non_ad_string(), pending: true }),
                Err(error) => Err(match error.server_rejection().map(|rejection| rejection.code) {
                    Some(304 | 409) => Error::Conflict("the session is in this group already"),
                    // Whoever was taken out needs an invitation by an admin.
                    Some(401 | 403 | 405) => Error::Conflict("the session may not join this group"),
                    Some(406 | 410) => Error::NotFound,
                    _ => failure(&error),
                }),
            }
        })
        .await
    }

    async fn leave_group(&self, session: &SessionId, group: &str) -> Result<(), Error> {
        let group = jid(group)?;
        self.with_client(session, |client| async move { client.groups().leave(group).await.map_err(|error| failure(&error)) }).await
    }

    async fn group_requests(&self, session: &SessionId, group: &str) -> Result<Vec<GroupRequest>, Error> {
        let group = jid(group)?;
        self.with_client(session, |client| async move {
            let requests = client.groups().get_membership_requests(&group).await.map_err(|error| failure(&error))?;
            learn_numbers(&client, requests.iter().map(|request| &request.jid)).await;
            let mut shown = Vec::with_capacity(requests.len());
            for request in requests {
                let person = named(&client, &request.jid).await;
                let requested_at = request.request_time.map(time);
                shown.push(GroupRequest { contact_id: person.id, phone_number: person.phone, lid: person.lid, requested_at });
            }
            Ok(shown)
        })
        .await
    }
}

async fn apply(client: &Client, group: &Jid, edit: GroupEdit) -> Result<(), Error> {
    let groups = client.groups();
    let group = group.clone();
    match edit {
        GroupEdit::Subject(subject) => {
            let subject = GroupSubject::new(subject).map_err(|_| Error::Conflict("the subject is too long"))?;
            groups.set_subject(group, subject).await
        }
        GroupEdit::Description(text) => {
            let text = text.as_deref().map(described).transpose()?;
            groups.set_description(group, text, PreviousDescription::Resolve).await
        }
        GroupEdit::Announcement(on) => groups.set_announce(group, on).await,
        GroupEdit::Locked(on) => groups.set_locked(group, on).await,
        GroupEdit::ApprovalRequired(on) => {
            groups.set_membership_approval(group, if on { MembershipApprovalMode::On } else { MembershipApprovalMode::Off }).await
        }
        GroupEdit::MembersCanAdd(on) => {
            groups.set_member_add_mode(group, if on { MemberAddMode::AllMemberAdd } else { MemberAddMode::AdminAdd }).await
        }
        GroupEdit::DisappearingSeconds(seconds) => groups.set_ephemeral(group, seconds).await,
    }
    .map_err(|error| failure(&error))
}

fn described(text: &str) -> Result<GroupDescription, Error> {
    GroupDescription::new(text).map_err(|_| Error::Conflict("the description is too long"))
}

/// Acts on people, who are named to WhatsApp as the group names them.
async fn act_on(client: &Arc<Client>, group: &Jid, act: Act, people: Vec<Jid>) -> Result<Vec<ParticipantResult>, Error> {
    let mut asked = Vec::with_capacity(people.len());
    let members =
        if matches!(act, Act::Remove | Act::Promote | Act::Demote) { metadata(client, group).await?.participants } else { Vec::new() };
    let requests = if matches!(act, Act::Approve | Act::Reject) {
        client.groups().get_membership_requests(group).await.map_err(|error| failure(&error))?
    } else {
        Vec::new()
    };
    learn_numbers(client, requests.iter().map(|request| &request.jid)).await;
    for person in people {
        let wire = match act {
            Act::Add => Some(person.clone()),
            Act::Remove | Act::Promote | Act::Demote => members
                .iter()
                .find(|member| [Some(&member.jid), member.phone_number.as_ref(), member.lid.as_ref()].contains(&Some(&person)))
                .map(|member| member.jid.clone()),
            Act::Approve | Act::Reject => {
                let mut found = None;
                for request in &requests {
                    let names = named(client, &request.jid).await;
                    let is = request.jid == person || names.id == person.to_non_ad_string() || names.lid == Some(person.to_non_ad_string());
                    if is {
                        found = Some(request.jid.clone());
                    }
                }
                found
            }
        };
        asked.push((person, wire));
    }
    let wire: Vec<Jid> = asked.iter().filter_map(|(_, wire)| wire.clone()).collect();
    let groups = client.groups();
    let done = match act {
        _ if wire.is_empty() => Ok(Vec::new()),
        Act::Add => groups.add_participants(group.clone(), &wire).await,
        Act::Remove => groups.remove_participants(group.clone(), &wire).await,
        Act::Promote => groups.promote_participants(group.clone(), &wire).await,
        Act::Demote => groups.demote_participants(group.clone(), &wire).await,
        Act::Approve => groups.approve_membership_requests(group, &wire).await,
        Act::Reject => groups.reject_membership_requests(group, &wire).await,
    }
    .map_err(|error| failure(&error))?;
    let mut results = Vec::with_capacity(asked.len());
    for (person, wire) in asked {
        results.push(result(client, &person, wire.as_ref(), &done).await);
    }
    Ok(results)
}

async fn result(client: &Client, person: &Jid, wire: Option<&Jid>, done: &[ParticipantChangeResponse]) -> ParticipantResult {
    let answer = done.iter().find(|answer| {
        let named = [Some(&answer.jid), answer.phone_number.as_ref()];
        named.contains(&Some(person)) || wire.is_some_and(|wire| named.contains(&Some(wire)))
    });
    let reason = match (wire, answer) {
        (None, _) => Some("not_a_member"),
        (Some(_), Some(answer)) => answer.error.as_deref().map(reason),
        (Some(_), None) => Some("not_allowed"),
    };
    let names = match answer {
        Some(answer) if answer.phone_number.is_some() => Person::of(&answer.jid, answer.phone_number.as_ref()),
        _ => named(client, person).await,
    };
    ParticipantResult {
        contact_id: names.id,
        phone_number: names.phone,
        lid: names.lid,
        success: reason.is_none(),
        reason: reason.map(str::to_owned),
    }
}

/// Why WhatsApp did not do it for one of several.
fn reason(code: &str) -> &'static str {
    match code {
        "404" => "not_on_whatsapp",
        "409" => "already_member",
        // Only their contacts may add them: they want to be invited.
        "403" => "privacy",
        "408" => "left_recently",
        "419" | "500" => "group_full",
        _ => "not_allowed",
    }
}

/// Asks for the phone numbers of people who are named by a LID only. Without them the LID has to do.
async fn learn_numbers(client: &Client, people: impl Iterator<Item = &Jid>) {
    let mut unknown = Vec::new();
    for jid in people.filter(|jid| jid.is_lid()) {
        if client.get_lid_pn_entry(jid).await.ok().flatten().is_none() {
            unknown.push(jid.clone());
        }
    }
    if !unknown.is_empty() {
        // The library keeps what the answer tells.
        let _ = client.contacts().is_on_whatsapp(&unknown).await;
    }
}

fn jid(id: &str) -> Result<Jid, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

fn jids(ids: &[String]) -> Result<Vec<Jid>, Error> {
    ids.iter().map(|id| jid(id)).collect()
}

//! Groups: what the library tells of them, in our words.

mod port;

use wacore::iq::groups::{MemberAddMode, ParticipantType};
use wacore_binary::Jid;
use wharf_api::Timestamp;
use wharf_api::types::group::{Group, GroupParticipant, GroupRole};
use wharf_api::types::message::Party;
use wharf_core::engine::Error;
use whatsapp_rust::client::Client;
use whatsapp_rust::{GroupError, GroupMetadata};

use crate::error::refusal;
use crate::session::convert::Person;

pub(crate) async fn metadata(client: &Client, group: &Jid) -> Result<GroupMetadata, Error> {
    client.groups().get_metadata(group).await.map_err(|error| failure(&error))
}

/// A person by both names, where the session knows both.
pub(crate) async fn named(client: &Client, jid: &Jid) -> Person {
    let entry = client.get_lid_pn_entry(jid).await.ok().flatten();
    let other = entry.map(|entry| if jid.is_lid() { Jid::pn(&*entry.phone_number) } else { Jid::lid(&*entry.lid) });
    Person::of(jid, other.as_ref())
}

pub(crate) fn shown(group: &GroupMetadata) -> Group {
    let owner = group.creator.as_ref().map(|creator| Person::of(creator, group.creator_pn.as_ref()));
    let participants = group.participants.iter().map(|member| {
        let person = Person::of(&member.jid, member.phone_number.as_ref().or(member.lid.as_ref()));
        let role = match member.participant_type {
            ParticipantType::Member => GroupRole::Member,
            ParticipantType::Admin => GroupRole::Admin,
            ParticipantType::SuperAdmin => GroupRole::Superadmin,
        };
        GroupParticipant { contact_id: person.id, phone_number: person.phone, lid: person.lid, role }
    });
    Group {
        group_id: group.id.to_non_ad_string(),
        subject: group.subject.clone(),
        description: group.description.clone(),
        owner: owner.map(Party::from),
        created_at: group.creation_time.map(time),
        announcement: group.is_announcement,
        locked: group.is_locked,
        approval_required: group.membership_approval,
        members_can_add: group.member_add_mode == Some(MemberAddMode::AllMemberAdd),
        disappearing_seconds: group.ephemeral.and_then(|settings| settings.expiration).unwrap_or(0),
        participants: participants.collect(),
        left_at: None,
    }
}

fn time(secs: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(secs).unwrap_or(0).saturating_mul(1000))
}

/// What a refusal means for the caller.
pub(crate) fn failure(error: &GroupError) -> Error {
    if matches!(error, GroupError::DescriptionConflict) {
        return Error::Conflict("the group was changed meanwhile");
    }
    refusal(error, |code| match code {
        // Who is not in a group learns nothing of it.
        403 | 404 => Some(Error::NotFound),
        401 => Some(Error::Conflict("only an admin of the group may do this")),
        406 => Some(Error::Conflict("WhatsApp does not accept this")),
        409 => Some(Error::Conflict("the group was changed meanwhile")),
        419 => Some(Error::Conflict("the group is full")),
        _ => None,
    })
}

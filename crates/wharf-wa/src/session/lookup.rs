//! Asking WhatsApp which numbers it knows.
//!
//! An answer belongs to the question that it repeats, and not to the number that it tells: WhatsApp writes some numbers in another way
//! than people do (a ninth digit less in Brazil, a 1 more in Mexico, a 9 more in Argentina).

pub(crate) mod batch;

use std::sync::Arc;
use std::time::Duration;

use wacore_binary::Jid;
use wharf_core::engine::{Error, Registration};
use whatsapp_rust::client::Client;
use whatsapp_rust::lid_pn_cache::LearningSource;
use whatsapp_rust::request::IqError;
use whatsapp_rust::usync::{
    UsyncAddressingMode, UsyncContext, UsyncMode, UsyncOutcome, UsyncProtocol, UsyncProtocolKind, UsyncProtocolResult, UsyncQuery,
    UsyncSubprotocolError, UsyncUser, UsyncUserResult,
};

use crate::error::refusal;

const LIMIT: Duration = Duration::from_secs(10);

/// What WhatsApp says of one number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NumberAnswer {
    /// The number as it was asked for, where the answer repeats it.
    asked: Option<String>,
    /// The number as WhatsApp writes it.
    known: Option<String>,
    registered: bool,
    lid: Option<String>,
}

/// One registration per number, in the order of `phones` (digits).
pub(crate) async fn registrations(client: Arc<Client>, phones: Vec<String>) -> Result<Vec<Registration>, Error> {
    let answers = ask(&client, &phones).await?;
    let alone = phones.len() == 1;
    let mut found = Vec::with_capacity(phones.len());
    for phone in phones {
        let answer = match of(&answers, &phone) {
            Some(answer) => Some(answer.clone()),
            // Nothing that came names it. Asked alone, what comes is its answer.
            None if alone => answers.first().cloned(),
            None => ask(&client, std::slice::from_ref(&phone)).await?.pop(),
        };
        found.push(registration(phone, answer));
    }
    Ok(found)
}

/// The answer to the question for this number.
fn of<'a>(answers: &'a [NumberAnswer], phone: &str) -> Option<&'a NumberAnswer> {
    let repeats = |answer: &&NumberAnswer| answer.asked.as_deref() == Some(phone);
    let names = |answer: &&NumberAnswer| answer.asked.is_none() && answer.known.as_deref() == Some(phone);
    answers.iter().find(repeats).or_else(|| answers.iter().find(names))
}

fn registration(phone: String, answer: Option<NumberAnswer>) -> Registration {
    match answer.filter(|answer| answer.registered) {
        Some(answer) => Registration { known: answer.known.unwrap_or_else(|| phone.clone()), phone, registered: true, lid: answer.lid },
        None => Registration::absent(phone),
    }
}

async fn ask(client: &Client, phones: &[String]) -> Result<Vec<NumberAnswer>, Error> {
    let mut users = Vec::with_capacity(phones.len());
    for phone in phones {
        let user = UsyncUser::from_phone(phone.as_str());
        users.push(match client.get_lid_pn_entry(&Jid::pn(phone.as_str())).await {
            Ok(Some(entry)) => user.with_known_lid(Jid::lid(&*entry.lid)),
            _ => user,
        });
    }
    let protocols =
        vec![UsyncProtocol::Contact { addressing_mode: UsyncAddressingMode::Pn }, UsyncProtocol::Lid, UsyncProtocol::BusinessVerifiedName];
    let query = UsyncQuery::new(UsyncMode::Query, UsyncContext::Interactive, protocols, users)
        .map_err(|error| Error::Refused(format!("the look-up: {error}")))?;
    let response = match tokio::time::timeout(LIMIT, client.query_usync(query)).await {
        Err(_) => return Err(Error::Timeout),
        Ok(answered) => answered.map_err(|error| failure(&error))?,
    };
    if let Some(error) = response.protocol_state(UsyncProtocolKind::Contact).and_then(|state| state.error.as_ref()) {
        return Err(refused(error));
    }
    let answers: Vec<NumberAnswer> = response.users.iter().map(answer).collect::<Result<_, _>>()?;
    for answer in &answers {
        if let (Some(lid), Some(phone)) = (&answer.lid, &answer.known)
            && let Some((user, _)) = lid.split_once('@')
            && let Err(error) = client.add_lid_pn_mapping(user, phone, LearningSource::Usync).await
        {
            tracing::debug!(%error, "which LID a number has was not kept");
        }
    }
    Ok(answers)
}

fn answer(user: &UsyncUserResult) -> Result<NumberAnswer, Error> {
    let contact = match user.protocol(UsyncProtocolKind::Contact) {
        Some(UsyncProtocolResult::Contact(UsyncOutcome::Value(contact))) => Some(contact),
        Some(UsyncProtocolResult::Contact(UsyncOutcome::Error(error))) => return Err(refused(error)),
        _ => None,
    };
    let digits = |text: &str| Some(text.chars().filter(char::is_ascii_digit).collect::<String>()).filter(|digits| !digits.is_empty());
    let named = user.id.as_ref();
    let pn = named.filter(|jid| jid.is_pn()).or(user.pn_jid.as_ref());
    let lid = match user.protocol(UsyncProtocolKind::Lid) {
        Some(UsyncProtocolResult::Lid(UsyncOutcome::Value(Some(lid)))) => Some(lid),
        _ => named.filter(|jid| jid.is_lid()),
    };
    Ok(NumberAnswer {
        asked: contact.and_then(|contact| contact.content.as_deref()).and_then(digits),
        known: pn.map(|jid| jid.user_base().to_owned()),
        registered: contact.is_some_and(|contact| contact.contact_type == "in"),
        lid: lid.map(Jid::to_non_ad_string),
    })
}

fn refused(error: &UsyncSubprotocolError) -> Error {
    if error.code == Some(429) {
        return Error::Throttled { retry_after_secs: error.backoff.map(u64::from) };
    }
    Error::Refused(format!("code {}", error.code.unwrap_or_default()))
}

pub(crate) fn failure(error: &IqError) -> Error {
    refusal(error, |_| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(asked: Option<&str>, known: &str, registered: bool) -> NumberAnswer {
        NumberAnswer { asked: asked.map(str::to_owned), known: Some(known.to_owned()), registered, lid: None }
    }

    #[test]
    fn an_answer_belongs_to_the_question_that_it_repeats_and_not_to_the_number_that_it_tells() {
        let answers = [
            answer(Some("5511987654321"), "551187654321", true),
            // Somebody else has the number that the first one is known by, spelled out.
            answer(Some("551187654321"), "551187654321", false),
            answer(None, "15550001002", true),
        ];
        assert_eq!(of(&answers, "5511987654321"), Some(&answers[0]));
        assert_eq!(of(&answers, "551187654321"), Some(&answers[1]));
        assert_eq!(of(&answers, "15550001002"), Some(&answers[2]));
        assert_eq!(of(&answers, "15550001003"), None);
        let known = registration("5511987654321".to_owned(), of(&answers, "5511987654321").cloned());
        assert_eq!((known.phone.as_str(), known.known.as_str(), known.registered), ("5511987654321", "551187654321", true));
        assert!(!registration("1".to_owned(), Some(answers[1].clone())).registered && !registration("1".to_owned(), None).registered);
    }
}

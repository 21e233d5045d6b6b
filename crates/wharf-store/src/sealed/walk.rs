//! All values that are sealed, page by page: what each is bound to, and how it is replaced by another one as long as it is the same.

use std::collections::BTreeMap;

use wharf_core::seal::{Seal, payload, place};
use wharf_core::store::Error;

use crate::inspect::{Class, Inspection, Report};
use crate::readers::Readers;
use crate::sql::{Arg, Row, Sql, statements};

statements! {
    VAULT = "SELECT v.session_id, v.space, v.key, v.value, COALESCE(s.account_id, '') FROM vault v \
        LEFT JOIN sessions s ON s.id = v.session_id \
        WHERE (v.session_id, v.space, v.key) > ($1, $2, $3) ORDER BY v.session_id, v.space, v.key LIMIT $4";
    PUT_VAULT = "UPDATE vault SET value = $4 WHERE session_id = $1 AND space = $2 AND key = $3 AND value = $5";
    ANSWERS = "SELECT account_id, operation, key, answer_body FROM idempotency WHERE answer_body IS NOT NULL \
        AND (account_id, operation, key) > ($1, $2, $3) ORDER BY account_id, operation, key LIMIT $4";
    PUT_ANSWER = "UPDATE idempotency SET answer_body = $4 WHERE account_id = $1 AND operation = $2 AND key = $3 AND answer_body = $5";
    WEBHOOKS = "SELECT number, id, account_id, secret, old_secret, headers FROM webhooks WHERE number > $1 ORDER BY number LIMIT $2";
    PUT_SECRET = "UPDATE webhooks SET secret = $2 WHERE number = $1 AND secret = $3";
    PUT_OLD_SECRET = "UPDATE webhooks SET old_secret = $2 WHERE number = $1 AND old_secret = $3";
    PUT_HEADERS = "UPDATE webhooks SET headers = $2 WHERE number = $1 AND headers = $3";
    PROXIES = "SELECT number, id, account_id, proxy FROM sessions WHERE number > $1 AND proxy IS NOT NULL ORDER BY number LIMIT $2";
    PUT_PROXY = "UPDATE sessions SET proxy = $2 WHERE number = $1 AND proxy = $3";
    PAYLOADS = "SELECT o.message, m.session_id, m.account_id, m.wa_id, o.payload FROM outgoing o \
        JOIN messages m ON m.number = o.message WHERE o.message > $1 ORDER BY o.message LIMIT $2";
    PUT_PAYLOAD = "UPDATE outgoing SET payload = $2 WHERE message = $1 AND payload = $3";
    SOURCES = "SELECT f.media_id, f.session_id, COALESCE(s.account_id, ''), f.source FROM media_fetches f \
        LEFT JOIN sessions s ON s.id = f.session_id WHERE f.media_id > $1 ORDER BY f.media_id LIMIT $2";
    PUT_SOURCE = "UPDATE media_fetches SET source = $2 WHERE media_id = $1 AND source = $3";
}

/// How many rows are read at once, and changed in a commit at the most: a statement each, and payloads may be large.
const PAGE: i64 = 50;

/// Where sealed values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What engines keep of sessions.
    Vault,
    /// Stored answers to requests with an `Idempotency-Key`.
    Answers,
    /// Secrets and headers of webhooks.
    Webhooks,
    Proxies,
    /// What is frozen of accepted messages.
    Payloads,
    /// How received files are fetched.
    Sources,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Vault, Self::Answers, Self::Webhooks, Self::Proxies, Self::Payloads, Self::Sources];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "keys of sessions",
            Self::Answers => "stored answers",
            Self::Webhooks => "webhooks",
            Self::Proxies => "proxies",
            Self::Payloads => "payloads of messages",
            Self::Sources => "files to be fetched",
        }
    }

    const fn list(self) -> &'static Sql {
        match self {
            Self::Vault => &VAULT,
            Self::Answers => &ANSWERS,
            Self::Webhooks => &WEBHOOKS,
            Self::Proxies => &PROXIES,
            Self::Payloads => &PAYLOADS,
            Self::Sources => &SOURCES,
        }
    }

    /// Before the first row.
    pub(super) const fn begin(self) -> Key {
        match self {
            Self::Vault | Self::Answers => Key::Texts([String::new(), String::new(), String::new()]),
            Self::Webhooks | Self::Proxies | Self::Payloads => Key::Number(0),
            Self::Sources => Key::Text(String::new()),
        }
    }

    /// A row's key, and the values that stand in it.
    fn read(self, row: &mut Row) -> Result<(Key, Vec<Value>), Error> {
        match self {
            Self::Vault => {
                let [session, space, name] = [row.text()?, row.text()?, row.text()?];
                let (stored, account) = (row.bytes()?, row.text()?);
                let place = owned(&place::vault(&session, &space, &name));
                let key = Key::Texts([session.clone(), space, name]);
                Ok((key.clone(), vec![Value { kind: self, account, session, place, stored, key, put: &PUT_VAULT }]))
            }
            Self::Answers => {
                let [account, operation, name] = [row.text()?, row.text()?, row.text()?];
                let stored = row.bytes()?;
                let place = owned(&place::answer(&account, &operation, &name));
                let key = Key::Texts([account.clone(), operation, name]);
                Ok((key.clone(), vec![Value { kind: self, account, session: String::new(), place, stored, key, put: &PUT_ANSWER }]))
            }
            Self::Webhooks => {
                let (key, id, account) = (Key::Number(row.int()?), row.text()?, row.text()?);
                let stored = [Some(row.bytes()?), row.opt_bytes()?, row.opt_bytes()?];
                let (secret, headers) = (place::webhook_secret(&id), place::webhook_headers(&id));
                let how = [(secret, &PUT_SECRET), (secret, &PUT_OLD_SECRET), (headers, &PUT_HEADERS)];
                let values = stored.into_iter().zip(how).filter_map(|(stored, (place, put))| {
                    let (account, session, key) = (account.clone(), String::new(), key.clone());
                    Some(Value { kind: self, account, session, place: owned(&place), stored: stored?, key, put })
                });
                let values = values.collect();
                Ok((key, values))
            }
            Self::Proxies => {
                let (key, session, account) = (Key::Number(row.int()?), row.text()?, row.text()?);
                let place = owned(&place::proxy(&session));
                let stored = row.bytes()?;
                Ok((key.clone(), vec![Value { kind: self, account, session, place, stored, key, put: &PUT_PROXY }]))
            }
            Self::Payloads => {
                let (key, session, account, wa_id) = (Key::Number(row.int()?), row.text()?, row.text()?, row.text()?);
                let place = owned(&place::payload(&session, &wa_id));
                let stored = row.bytes()?;
                Ok((key.clone(), vec![Value { kind: self, account, session, place, stored, key, put: &PUT_PAYLOAD }]))
            }
            Self::Sources => {
                let (media, session, account) = (row.text()?, row.text()?, row.text()?);
                let place = owned(&place::source(&session, &media));
                let (stored, key) = (row.bytes()?, Key::Text(media));
                Ok((key.clone(), vec![Value { kind: self, account, session, place, stored, key, put: &PUT_SOURCE }]))
            }
        }
    }
}

fn owned(place: &[&str]) -> Vec<String> {
    place.iter().map(|part| (*part).to_owned()).collect()
}

/// By what a row is found, and after which one the next page begins.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Number(i64),
    Text(String),
    Texts([String; 3]),
}

impl Key {
    pub(super) fn args(&self) -> Vec<Arg<'_>> {
        match self {
            Self::Number(number) => vec![Arg::from(*number)],
            Self::Text(text) => vec![Arg::from(text)],
            Self::Texts(texts) => texts.iter().map(Arg::from).collect(),
        }
    }
}

/// One value where it stands.
pub(super) struct Value {
    pub(super) kind: Kind,
    /// Whose row it is; empty where that is not known any more.
    pub(super) account: String,
    /// Empty where the row is of none of the account's sessions.
    pub(super) session: String,
    /// What it is bound to.
    pub(super) place: Vec<String>,
    pub(super) stored: Vec<u8>,
    /// With this key, another value and the stored one `put` replaces it, as long as it is still the stored one.
    pub(super) key: Key,
    pub(super) put: &'static Sql,
}

impl Value {
    pub(super) fn place(&self) -> Vec<&str> {
        self.place.iter().map(String::as_str).collect()
    }

    /// An earlier release stored payloads as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.kind == Kind::Payloads && !payload::is_sealed(&self.stored)
    }
}

/// The values behind that key, and the key of the last row; `None` at the end.
pub(super) async fn page(readers: &Readers, kind: Kind, after: &Key) -> Result<Option<(Vec<Value>, Key)>, Error> {
    let mut args = after.args();
    args.push(Arg::from(PAGE));
    let (mut values, mut last) = (Vec::new(), None);
    for mut row in readers.fetch(kind.list(), &args).await? {
        let (key, found) = kind.read(&mut row)?;
        values.extend(found);
        last = Some(key);
    }
    Ok(last.map(|last| (values, last)))
}

/// How many values each key has sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedBy {
    /// By the ids of the keys.
    pub keys: BTreeMap<String, u64>,
    /// Payloads that an earlier release left unsealed.
    pub plain: u64,
    /// Opened by none of the keys, by where they stand.
    pub unreadable: BTreeMap<Kind, u64>,
}

impl Inspection {
    /// Opens everything that is sealed, forgets it, and tells by which keys it was sealed.
    pub async fn sealed_by(&self, seal: &Seal, report: &mut Report) -> Result<SealedBy, Error> {
        let mut told = SealedBy::default();
        for kind in Kind::ALL {
            let mut after = kind.begin();
            while let Some((values, last)) = page(&self.readers, kind, &after).await? {
                after = last;
                for value in &values {
                    match seal.open_by(&value.place(), &value.stored) {
                        _ if value.is_plain() => told.plain += 1,
                        Ok((id, _)) => *told.keys.entry(id.to_owned()).or_default() += 1,
                        Err(_) => {
                            *told.unreadable.entry(kind).or_default() += 1;
                            note(value, report);
                        }
                    }
                }
            }
        }
        Ok(told)
    }
}

/// What nothing can go on without. Of the rest some is over soon, and some is told by whoever needs it.
fn note(value: &Value, report: &mut Report) {
    match (value.kind, value.place.as_slice()) {
        (Kind::Vault, [session, space, _]) => {
            report.note(Class::Wrong, "values of sessions that the master key does not open", format!("{session} {space}"));
        }
        (Kind::Webhooks, [_, id, _]) => report.note(Class::Wrong, "webhooks whose secret the master key does not open", id.as_str()),
        _ => {}
    }
}

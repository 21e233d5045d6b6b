//! Arguments of statements.

use std::borrow::Cow;

use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, KeyId, LoginId, MediaId, MessageId, SessionId, UserId, WebhookId};

/// One argument. A missing value has a type too: PostgreSQL wants to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arg<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
    Bytes(Option<&'a [u8]>),
    /// Lists, which PostgreSQL alone takes.
    Texts(&'a [&'a str]),
    Blobs(&'a [&'a [u8]]),
    /// One of texts with gaps.
    Cells(&'a [Option<String>]),
}

/// Makes the argument list of a statement out of plain values.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Arg::from($value)),*] };
}
pub(crate) use args;

/// PostgreSQL stores no NUL in a text, and a name that a stranger chose must not make a message unstorable. Replaced on
/// both databases, so that both answer the same.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

pub(super) fn postgres(args: &[Arg<'_>]) -> Result<PgArguments, BoxDynError> {
    let mut list = PgArguments::default();
    for arg in args {
        match arg {
            Arg::Text(text) => list.add(text.map(storable).as_deref())?,
            Arg::Int(int) => list.add(*int)?,
            Arg::Bytes(bytes) => list.add(*bytes)?,
            Arg::Texts(texts) => list.add(texts.iter().map(|text| storable(text).into_owned()).collect::<Vec<String>>())?,
            Arg::Blobs(blobs) => list.add(blobs.iter().map(|blob| blob.to_vec()).collect::<Vec<Vec<u8>>>())?,
            Arg::Cells(cells) => {
                let owned = |text| storable(text).into_owned();
                list.add(cells.iter().map(|cell| cell.as_deref().map(owned)).collect::<Vec<Option<String>>>())?;
            }
        }
    }
    Ok(list)
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a Option<String>> for Arg<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::Text(text.as_deref())
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg<'_> {
    fn from(int: i64) -> Self {
        Self::Int(Some(int))
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(int: Option<i64>) -> Self {
        Self::Int(int)
    }
}

impl From<u32> for Arg<'_> {
    fn from(int: u32) -> Self {
        Self::Int(Some(int.into()))
    }
}

/// A limit beyond what the databases count to is as good as the largest one.
impl From<Option<u64>> for Arg<'_> {
    fn from(int: Option<u64>) -> Self {
        Self::Int(int.map(|int| i64::try_from(int).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Arg<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

impl From<Timestamp> for Arg<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Int(Some(at.as_millis()))
    }
}

impl From<Option<Timestamp>> for Arg<'_> {
    fn from(at: Option<Timestamp>) -> Self {
        Self::Int(at.map(Timestamp::as_millis))
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<&'a [&'a str]> for Arg<'a> {
    fn from(texts: &'a [&'a str]) -> Self {
        Self::Texts(texts)
    }
}

impl<'a> From<&'a [&'a [u8]]> for Arg<'a> {
    fn from(blobs: &'a [&'a [u8]]) -> Self {
        Self::Blobs(blobs)
    }
}

impl<'a> From<Option<&'a [u8]>> for Arg<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Arg<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

macro_rules! ids {
    ($($id:ident),+) => {
        $(impl<'a> From<&'a $id> for Arg<'a> {
            fn from(id: &'a $id) -> Self {
                Self::Text(Some(id.as_str()))
            }
        })+
    };
}
ids!(AccountId, EventId, KeyId, LoginId, MediaId, MessageId, SessionId, UserId, WebhookId);

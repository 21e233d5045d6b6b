//! A token for a page: it opens the events of one session as they come, for some minutes, and nothing else.
//!
//! Nothing of it is stored. It is sealed under the master key, so that nobody else makes one or reads in it, and it names the key or the log-in
//! that made it: it is worth no more than that, and ends with it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wharf_api::{ApiError, ErrorCode, Permission};

use super::{Start, position};
use crate::caller::{By, Caller, Grant, Maker};
use crate::services::Services;
use crate::{key, login, session, store};

const PREFIX: &str = "wharf_stream_";
/// Apart from everything that is sealed in the database; nothing has to be sealed anew, for no token outlives an hour.
const PLACE: [&str; 2] = ["event", "token"];
/// Longer than any token is.
const LONGEST: usize = 400;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the token is none of ours, or it was changed")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error(transparent)]
    Event(#[from] super::Error),
    #[error(transparent)]
    Key(#[from] key::Error),
    #[error(transparent)]
    Login(#[from] login::Error),
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Invalid => Self::new(ErrorCode::InvalidApiKey).reason("this is no token: POST /v1/events/tokens makes one"),
            Error::Expired => Self::new(ErrorCode::ExpiredApiKey).reason("the token has expired: make another one"),
            Error::Event(error) => error.into(),
            Error::Key(error) => error.into(),
            Error::Login(error) => error.into(),
            Error::Session(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// A token on the one occasion that it is known.
pub struct Made {
    pub token: String,
    pub grant: Grant,
    /// Where the log ended then: whoever begins there misses nothing of what came before the stream was open.
    pub position: i64,
}

/// Makes a token for a session of the caller's, which is good for so many seconds and no longer than its maker.
pub async fn make(services: &Services, caller: &Caller, session: &str, seconds: u64) -> Result<Made, Error> {
    let of = match &caller.by {
        By::Key(id) => Maker::Key(id.clone()),
        By::Login { id, .. } => Maker::Login(id.clone()),
        By::Stream(_) => return Err(Error::Invalid),
    };
    let session = session::find_row(services, caller, session).await?.id;
    let wanted = services.clock.now() + Duration::from_secs(seconds);
    let until = caller.expires_at.map_or(wanted, |end| end.min(wanted));
    let grant = Grant { of, session, until };
    let sealed = services.seal.close(&PLACE, grant.written().as_bytes());
    let position = position(services, caller, &Start::Latest).await?;
    Ok(Made { token: format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)), grant, position })
}

/// What a token says, if it is one of ours. Asks nobody.
pub fn open(services: &Services, token: &str) -> Result<Grant, Error> {
    let text = token.strip_prefix(PREFIX).filter(|text| text.len() <= LONGEST).ok_or(Error::Invalid)?;
    let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Invalid)?;
    let plain = services.seal.open(&PLACE, &sealed).map_err(|_| Error::Invalid)?;
    std::str::from_utf8(&plain).ok().and_then(Grant::read).ok_or(Error::Invalid)
}

/// The caller behind a token: its maker, with nothing but the one session and its events.
pub async fn authenticate(services: &Services, grant: Grant) -> Result<Caller, Error> {
    check_end(services, &grant)?;
    let maker = match &grant.of {
        Maker::Key(id) => key::caller_of(services, id).await?,
        Maker::Login(id) => login::caller_of(services, id).await?,
    };
    let permissions = maker.permissions.iter().copied().filter(|permission| *permission == Permission::EventsRead).collect();
    // A session that its maker may not use any more is none.
    let sessions = maker.may_use(&grant.session).then(|| grant.session.clone()).into_iter().collect();
    Ok(Caller { by: By::Stream(Box::new(grant)), permissions, sessions: Some(sessions), operator: false, ..maker })
}

/// Refuses a token that was good when its stream began and has ended since, or whose maker has.
pub async fn still_good(services: &Services, grant: &Grant) -> Result<(), Error> {
    check_end(services, grant)?;
    match &grant.of {
        Maker::Key(id) => Ok(key::still_good(services, id).await?),
        Maker::Login(id) => Ok(login::still_good(services, id).await?),
    }
}

/// Whether the session of the caller's token has gone meanwhile. Where nothing can be read it has not.
pub async fn is_orphan(services: &Services, caller: &Caller, grant: &Grant) -> bool {
    matches!(services.store.find_session(&caller.account, &grant.session).await, Ok(None))
}

fn check_end(services: &Services, grant: &Grant) -> Result<(), Error> {
    if grant.until <= services.clock.now() { Err(Error::Expired) } else { Ok(()) }
}

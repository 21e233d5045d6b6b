//! Fetching received files: after their messages are stored, a few at a time, again and again until they are here or
//! nobody has them any more. Every try is noted before it begins, so that a death is one try and no more.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use wharf_api::ids::{AccountId, MediaId};
use wharf_api::limits;
use wharf_api::types::media::{MediaKind, MediaStatus};
use wharf_api::types::session::SessionStatus;

use super::intake::Purpose;
use super::{Error, Intake, Said, keep, room};
use crate::engine;
use crate::services::Services;
use crate::store::{self, DueFetch, MediaRow};

/// How many files this process fetches at the same time, and how many of them are of one account: the slow ones of two accounts hold up
/// no others.
const AT_ONCE: usize = 8;
const OF_ACCOUNT: u32 = 2;
/// How many due files one look finds. Those that cannot begin now, because they are under way or their account has its turns, are fewer than
/// [`AT_ONCE`].
const STEP: u32 = 32;
/// How long after each try a file is tried again. After the last it has failed.
const PAUSES: [Duration; 8] = [
    FIRST_PAUSE,
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    LONGEST,
];
const FIRST_PAUSE: Duration = Duration::from_secs(10);
pub(crate) const LONGEST: Duration = Duration::from_hours(12);
/// When a file is looked at again whose session lost its connection.
const ELSEWHERE: Duration = Duration::from_secs(15);
const CHUNK_BYTES: usize = 256 * 1024;
/// How many files without a future are settled in one step.
const LOST_STEP: u32 = 200;

/// When it is tried again after a fault of our own: the file store is full or away.
const OWN_FAULT: Duration = Duration::from_mins(1);
/// How often it is tried to write down how a try ended while the database is away.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

/// How one try ended without a file.
enum Failure {
    /// Not a matter of the file: this was no try.
    Elsewhere,
    /// Our own fault, which says nothing of the file either.
    Ours(std::io::Error),
    Again(&'static str),
    Final(&'static str),
    Store(store::Error),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// What is to be begun now by this node beside what is under way.
pub async fn next<'under>(
    services: &Services,
    node: &str,
    under_way: impl Iterator<Item = &'under (AccountId, MediaId)>,
) -> Result<Vec<DueFetch>, store::Error> {
    let under_way: Vec<_> = under_way.collect();
    let mut room = AT_ONCE.saturating_sub(under_way.len());
    if room == 0 {
        return Ok(Vec::new());
    }
    let mut turns: HashMap<&AccountId, u32> = HashMap::new();
    for (account, _) in &under_way {
        *turns.entry(account).or_default() += 1;
    }
    let due = services.store.list_due_fetches(node, services.clock.now(), OF_ACCOUNT, STEP).await?;
    let mut begun = Vec::new();
    for fetch in &due {
        let is_under_way = under_way.iter().any(|(_, media)| *media == fetch.media);
        let turn = turns.entry(&fetch.account).or_default();
        if room == 0 || is_under_way || *turn == OF_ACCOUNT || !is_connected(services, fetch) {
            continue;
        }
        *turn += 1;
        room -= 1;
        begun.push(fetch.clone());
    }
    Ok(begun)
}

fn is_connected(services: &Services, fetch: &DueFetch) -> bool {
    services.engine.link(&fetch.session).is_some_and(|link| link.borrow().status == SessionStatus::Connected)
}

/// Gives up what can never come: its session is deleted, or its time is over. The message says so, and an event.
pub async fn give_up_lost(services: &Services) -> Result<(), store::Error> {
    loop {
        let now = services.clock.now();
        if !services.steady.believes(now) {
            return Ok(());
        }
        let lost = services.store.list_lost_fetches(now, LOST_STEP).await?;
        if lost.is_empty() {
            return Ok(());
        }
        let mut settled = 0;
        for lost in lost {
            let reason = if lost.session_deleted { "the session was deleted" } else { "the file did not come in time" };
            match services.store.find_media(&lost.fetch.account, &lost.fetch.media).await {
                Ok(Some(row)) => {
                    fail(services, &lost.fetch, row, reason).await?;
                    settled += 1;
                }
                Ok(None) => {}
                Err(store::Error::Corrupt(why)) => {
                    tracing::error!(media = %lost.fetch.media, why, "the row of a file that was to be given up cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
        // What cannot be settled is listed again, at the next look.
        if settled == 0 {
            return Ok(());
        }
    }
}

async fn fail(services: &Services, fetch: &DueFetch, row: MediaRow, reason: &str) -> Result<(), store::Error> {
    tracing::warn!(session = %fetch.session, media = %fetch.media, reason, "a received file was given up");
    let failed = MediaRow { state: MediaStatus::Failed, ..row };
    until_written(|| services.store.settle_fetch(fetch, &failed, Some(reason), services.clock.now())).await.map(drop)
}

/// Tries to fetch one file. Where this is dropped on its way, the try counts and the file is fetched later.
pub async fn one(services: &Services, fetch: &DueFetch) -> Result<(), store::Error> {
    let now = services.clock.now();
    let pause = usize::try_from(fetch.attempts).ok().and_then(|tried| PAUSES.get(tried)).copied();
    services.store.postpone_fetch(fetch, fetch.attempts + 1, now + pause.unwrap_or(FIRST_PAUSE)).await?;
    let Some(row) = services.store.find_media(&fetch.account, &fetch.media).await? else { return Ok(()) };
    let last = pause.is_none() || usize::try_from(fetch.attempts + 1).is_ok_and(|tried| tried >= PAUSES.len());
    match take(services, fetch, &row).await {
        Ok(stored) => until_written(|| services.store.settle_fetch(fetch, &stored, None, services.clock.now())).await.map(drop),
        Err(Failure::Store(store::Error::Unavailable(error))) => {
            tracing::warn!(%error, "a received file waits for the database");
            no_try(services, fetch, ELSEWHERE).await
        }
        Err(Failure::Store(error)) => Err(error),
        Err(Failure::Elsewhere) => no_try(services, fetch, ELSEWHERE).await,
        Err(Failure::Ours(error)) => {
            tracing::warn!(%error, "a received file waits for the file store");
            no_try(services, fetch, OWN_FAULT).await
        }
        Err(Failure::Again(reason)) if !last => {
            tracing::info!(reason, "a received file is tried again later");
            Ok(())
        }
        Err(Failure::Again(reason) | Failure::Final(reason)) => fail(services, fetch, row, reason).await,
    }
}

/// What was no matter of the file takes none of its tries.
async fn no_try(services: &Services, fetch: &DueFetch, pause: Duration) -> Result<(), store::Error> {
    until_written(|| services.store.postpone_fetch(fetch, fetch.attempts, services.clock.now() + pause)).await
}

/// Writes until the database takes it. Meanwhile the file is under way and is not fetched again; a stop ends this.
async fn until_written<T, W: Future<Output = Result<T, store::Error>>>(write: impl Fn() -> W) -> Result<T, store::Error> {
    loop {
        match write().await {
            Err(error) if error.is_for_later() => tokio::time::sleep(WRITE_AGAIN).await,
            written => return written,
        }
    }
}

/// The file, fetched, opened, checked and kept. What is received is not judged by its kind: it was accepted by its recipient.
async fn take(services: &Services, fetch: &DueFetch, row: &MediaRow) -> Result<MediaRow, Failure> {
    if row.size > limits::DOCUMENT_BYTES {
        return Err(Failure::Final("the file is larger than 100 MB"));
    }
    let account = || async { services.store.find_account(&fetch.account).await?.ok_or(Failure::Final("the account is gone")) };
    // Tried again later: files expire, and plans grow.
    let fits = async |bytes| {
        if room::has_room(services, &fetch.account, &account().await?.plan, bytes).await? {
            return Ok(());
        }
        Err(Failure::Again("the files of the account have as many bytes as its plan lets them have"))
    };
    fits(row.size).await?;
    let scratch = services.files.scratch().await.map_err(Failure::Ours)?;
    let downloaded = services.engine.download(&fetch.session, &fetch.media, &fetch.source, scratch).await.map_err(|error| match error {
        engine::Error::NotConnected => Failure::Elsewhere,
        engine::Error::Store(error) => Failure::Store(error),
        engine::Error::NotFound => Failure::Final("WhatsApp has the file no more, and neither has the phone"),
        engine::Error::Timeout => Failure::Again("the file did not come in time, and the phone did not bring it again"),
        _ => Failure::Again("WhatsApp's media servers did not give the file"),
    })?;
    fail::fail_point!("M4-fetched");
    // What its sender told of its size need not be so.
    fits(downloaded.file.metadata().map_err(Failure::Ours)?.len()).await?;
    let mut intake = Intake::begin(services, Purpose { kind: Some(MediaKind::Document), voice: false }, "file").await.map_err(judge)?;
    intake.say(Said { word: Some(row.mime_type.clone()), file_name: row.file_name.clone(), is_received: true, ..Said::default() });
    let mut file = downloaded.file;
    loop {
        let (back, bytes) = read(file).await.map_err(Failure::Ours)?;
        file = back;
        if bytes.is_empty() {
            break;
        }
        intake.push(bytes).await.map_err(judge)?;
    }
    let taken = intake.finish(&fetch.media).await.map_err(judge)?;
    if downloaded.sha256.is_some_and(|promised| promised != taken.sha256) {
        return Err(Failure::Final("the file is damaged"));
    }
    fail::fail_point!("M5-kept");
    Ok(MediaRow {
        mime_type: taken.mime_type,
        size: taken.size,
        sha256: Some(super::intake::hex(&taken.sha256)),
        width: taken.facts.width.or(row.width),
        height: taken.facts.height.or(row.height),
        seconds: taken.facts.seconds.or(row.seconds),
        state: MediaStatus::Stored,
        expires_at: keep::until(&account().await?.plan, services.clock.now()),
        ..row.clone()
    })
}

fn judge(error: Error) -> Failure {
    match error {
        Error::TooLarge { .. } => Failure::Final("the file is larger than 100 MB"),
        Error::WrongType { .. } => Failure::Final("the file is empty"),
        Error::Store(error) => Failure::Store(error),
        Error::Files(error) => Failure::Ours(error),
        other => Failure::Ours(std::io::Error::other(other.to_string())),
    }
}

/// The next bytes of a file, read where waiting harms nobody.
async fn read(mut file: std::fs::File) -> std::io::Result<(std::fs::File, Bytes)> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = std::io::Read::read(&mut file, &mut chunk)?;
        chunk.truncate(read);
        Ok((file, Bytes::from(chunk)))
    });
    reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use wharf_api::Timestamp;

use super::*;
use crate::chance::SystemChance;
use crate::samples::{account, at};
use crate::store::IdempotencyRow;

/// As far as the clock tells times apart.
const MOMENT: Duration = Duration::from_millis(1);

type Rows = HashMap<(AccountId, String, String), (IdempotencyRow, Timestamp)>;

/// When a connection breaks over a claim: nobody hears how it went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    Before,
    After,
}

/// A store of keys, a clock that is moved by hand, and a count of the things that were made.
struct Desk {
    rows: Mutex<Rows>,
    broken: Mutex<Option<Broken>>,
    millis: AtomicI64,
    made: AtomicU32,
    seal: Seal,
    account: AccountId,
}

/// How the work of a test ended.
#[derive(Clone, Debug, PartialEq)]
enum Made {
    Thing(String),
    Lost,
    Unknown,
    Nothing,
}

fn ended(work: &Made) -> Ended {
    match work {
        Made::Thing(thing) => Ended::Made(Answer { status: 201, body: thing.clone().into_bytes() }),
        Made::Lost => Ended::Lost,
        Made::Unknown => Ended::Unknown,
        Made::Nothing => Ended::Nothing,
    }
}

impl Clock for Desk {
    fn now(&self) -> Timestamp {
        at(self.millis.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl IdempotencyStore for Desk {
    async fn find_idempotency(
        &self,
        account: &AccountId,
        operation: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, store::Error> {
        // As with a database, others have their turn meanwhile.
        tokio::task::yield_now().await;
        let found = self.rows.lock().unwrap().get(&(account.clone(), operation.to_owned(), key.to_owned())).cloned();
        Ok(found.filter(|(_, expires_at)| *expires_at > now).map(|(row, _)| row))
    }

    async fn claim_idempotency(&self, account: &AccountId, claim: &Claim, taker: &str, at: Timestamp) -> Result<bool, store::Error> {
        tokio::task::yield_now().await;
        let broken = *self.broken.lock().unwrap();
        let taken = broken != Some(Broken::Before) && self.insert(account, claim, taker, at);
        if broken.is_some() { Err(store::Error::Unavailable("the connection broke".into())) } else { Ok(taken) }
    }

    async fn release_idempotency(&self, account: &AccountId, operation: &str, key: &str) -> Result<(), store::Error> {
        let key = (account.clone(), operation.to_owned(), key.to_owned());
        self.rows.lock().unwrap().remove(&key).filter(|(row, _)| row.answer.is_none()).expect("who answers lets nothing go");
        Ok(())
    }

    async fn answer_idempotency(&self, account: &AccountId, operation: &str, key: &str, answer: &Answer) -> Result<(), store::Error> {
        tokio::task::yield_now().await;
        let key = (account.clone(), operation.to_owned(), key.to_owned());
        self.rows.lock().unwrap().get_mut(&key).expect("it was claimed").0.answer = Some(answer.clone());
        Ok(())
    }

    async fn expire_idempotency(&self, _now: Timestamp) -> Result<u64, store::Error> {
        unreachable!("no rule of a request asks for it")
    }
}

impl Desk {
    fn new() -> Self {
        let seal = Seal::new(&[7; 32], Arc::new(SystemChance));
        let (rows, broken) = (Mutex::default(), Mutex::default());
        Self { rows, broken, millis: AtomicI64::new(0), made: AtomicU32::new(0), seal, account: account(1) }
    }

    fn pass(&self, time: Duration) {
        self.millis.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// Takes a key that nobody has, for what is made with it or for who takes it.
    fn insert(&self, account: &AccountId, claim: &Claim, resource: &str, at: Timestamp) -> bool {
        let mut rows = self.rows.lock().unwrap();
        let key = (account.clone(), claim.operation.clone(), claim.key.clone());
        if rows.get(&key).is_some_and(|(_, expires_at)| *expires_at > at) {
            return false;
        }
        let row =
            IdempotencyRow { request_hash: claim.request_hash.clone(), resource_id: resource.to_owned(), created_at: at, answer: None };
        rows.insert(key, (row, claim.expires_at));
        true
    }

    fn request<'a>(&'a self, key: &'a Key) -> KeyedRequest<'a> {
        KeyedRequest { store: self, seal: &self.seal, clock: self, chance: &SystemChance, account: &self.account, key }
    }

    fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }

    fn make(&self) -> Made {
        Made::Thing(format!("thing {}", self.made.fetch_add(1, Ordering::Relaxed) + 1))
    }

    /// Makes a thing and takes the key in one commit, unless the key is taken.
    async fn commit(&self, claim: Claim) -> Made {
        tokio::task::yield_now().await;
        if self.insert(&self.account, &claim, "the thing", self.now()) { self.make() } else { Made::Lost }
    }

    /// A request that makes a thing in the commit of its claim.
    async fn create(&self, key: &Key) -> Result<Done<Made>, Error> {
        let resume = async |resource: String| Made::Thing(resource);
        self.request(key).with_commit(async |claim: Claim| self.commit(claim).await, resume, ended).await
    }
}

fn key(value: &str, hash: u8) -> Key {
    Key { operation: "send_text", value: value.to_owned(), request_hash: vec![hash; 32] }
}

/// What the answer tells was made, and by which way it came.
fn told(done: Result<Done<Made>, Error>) -> (&'static str, Made) {
    match done.unwrap() {
        Done::Ran(work) => ("ran", work),
        Done::Again(answer) => {
            assert_eq!(answer.status, 201);
            ("again", Made::Thing(String::from_utf8(answer.body).unwrap()))
        }
        Done::Resumed(work) => ("resumed", work),
    }
}

fn thing(number: u32) -> Made {
    Made::Thing(format!("thing {number}"))
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_nothing_is_made_twice() {
    let (desk, key) = (Desk::new(), key("k", 1));
    assert_eq!(told(desk.create(&key).await), ("ran", thing(1)));
    for _ in 0..3 {
        desk.pass(Duration::from_secs(1));
        assert_eq!(told(desk.create(&key).await), ("again", thing(1)));
    }
    assert_eq!(desk.made(), 1);
}

#[tokio::test]
async fn of_many_at_once_one_makes_the_thing_and_all_tell_of_it() {
    let (desk, key) = (Desk::new(), key("k", 1));
    let all = futures::future::join_all((0..8).map(|_| desk.create(&key))).await;
    let mut ways: Vec<&str> = Vec::new();
    for done in all {
        let (way, work) = told(done);
        assert_eq!(work, thing(1));
        ways.push(way);
    }
    assert_eq!((ways.iter().filter(|way| **way == "ran").count(), desk.made()), (1, 1));
}

#[tokio::test]
async fn who_finds_the_key_taken_in_its_commit_gets_the_answer_of_who_was_faster() {
    let (desk, key) = (Desk::new(), key("k", 1));
    let work = async |claim: Claim| {
        desk.create(&key).await.unwrap();
        desk.commit(claim).await
    };
    let resume = async |resource: String| Made::Thing(resource);
    assert_eq!(told(desk.request(&key).with_commit(work, resume, ended).await), ("again", thing(1)));
    assert_eq!(desk.made(), 1);
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_refused_and_does_nothing() {
    let desk = Desk::new();
    desk.create(&key("k", 1)).await.unwrap();
    assert!(matches!(desk.create(&key("k", 2)).await, Err(Error::Reused)));
    assert!(matches!(desk.request(&key("k", 2)).beforehand(async { desk.make() }, ended).await, Err(Error::Reused)));
    assert_eq!(desk.made(), 1);
}

#[tokio::test]
async fn one_word_is_another_key_for_each_operation_and_each_account() {
    let mut desk = Desk::new();
    desk.create(&key("k", 1)).await.unwrap();
    assert_eq!(told(desk.create(&Key { operation: "send_poll", ..key("k", 2) }).await), ("ran", thing(2)));
    desk.account = account(2);
    assert_eq!(told(desk.create(&key("k", 3)).await), ("ran", thing(3)));
}

#[tokio::test]
async fn after_its_time_a_key_is_new_and_not_a_millisecond_before() {
    let desk = Desk::new();
    desk.create(&key("k", 1)).await.unwrap();
    desk.pass(limits::IDEMPOTENCY_TTL.checked_sub(MOMENT).unwrap());
    assert!(matches!(desk.create(&key("k", 2)).await, Err(Error::Reused)));
    desk.pass(MOMENT);
    assert_eq!(told(desk.create(&key("k", 2)).await), ("ran", thing(2)));
}

#[tokio::test]
async fn what_was_made_before_its_process_died_is_told_once_the_first_request_cannot_be_running_any_more() {
    let (desk, key) = (Desk::new(), key("k", 1));
    let Begin::Fresh(claim) = desk.request(&key).begin(true).await.unwrap() else { panic!("nobody used it") };
    desk.commit(claim).await;
    desk.pass(ABANDONED_AFTER);
    assert!(matches!(desk.create(&key).await, Err(Error::InUse)), "it may still be running");
    desk.pass(MOMENT);
    assert_eq!(told(desk.create(&key).await), ("resumed", Made::Thing("the thing".to_owned())));
    assert_eq!(told(desk.create(&key).await), ("again", Made::Thing("the thing".to_owned())), "the answer that was made anew is kept");
    assert_eq!(desk.made(), 1);
}

#[tokio::test]
async fn a_key_that_is_taken_beforehand_is_let_go_where_nothing_was_made_and_kept_where_nobody_knows() {
    let (desk, free, unknown) = (Desk::new(), key("free", 1), key("unknown", 1));
    for end in [Made::Nothing, Made::Lost] {
        let work = async { end.clone() };
        assert_eq!(told(desk.request(&free).beforehand(work, ended).await), ("ran", end.clone()));
    }
    assert_eq!(told(desk.request(&free).beforehand(async { desk.make() }, ended).await), ("ran", thing(1)));
    assert_eq!(told(desk.request(&free).beforehand(async { desk.make() }, ended).await), ("again", thing(1)));
    assert_eq!(told(desk.request(&unknown).beforehand(async { Made::Unknown }, ended).await), ("ran", Made::Unknown));
    // However long after: nobody can say what became of the first one.
    desk.pass(limits::IDEMPOTENCY_TTL.checked_sub(MOMENT).unwrap());
    let again = desk.request(&unknown).beforehand(async { desk.make() }, ended).await;
    assert!(matches!(again, Err(Error::InUse)) && desk.made() == 1, "{again:?}");
}

#[tokio::test]
async fn of_many_that_take_a_key_beforehand_one_does_the_work() {
    let (desk, key) = (Desk::new(), key("k", 1));
    let request = || async {
        let work = async {
            tokio::task::yield_now().await;
            desk.make()
        };
        desk.request(&key).beforehand(work, ended).await
    };
    for done in futures::future::join_all((0..8).map(|_| request())).await {
        assert_eq!(told(done).1, thing(1));
    }
    assert_eq!(desk.made(), 1);
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_known_by_who_made_it_and_taken_for_no_other_of_the_same_moment() {
    let (desk, taken, free) = (Desk::new(), key("taken", 1), key("free", 1));
    let Begin::Fresh(claim) = desk.request(&taken).begin(false).await.unwrap() else { panic!("nobody used it") };
    assert!(desk.request(&taken).take(&claim).await.unwrap());
    *desk.broken.lock().unwrap() = Some(Broken::Before);
    let second = desk.request(&taken).take(&claim).await;
    assert!(matches!(second, Err(Error::Store(store::Error::Unavailable(_)))), "{second:?}");
    *desk.broken.lock().unwrap() = Some(Broken::After);
    assert_eq!(told(desk.request(&free).beforehand(async { desk.make() }, ended).await), ("ran", thing(1)));
}

#[tokio::test]
async fn a_repeat_waits_for_work_that_has_run_for_long_where_the_key_was_taken_beforehand() {
    let (desk, key) = (Desk::new(), key("k", 1));
    let work = async {
        desk.pass(ABANDONED_AFTER + MOMENT);
        // The repeat looks meanwhile.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        desk.make()
    };
    let first = desk.request(&key).beforehand(work, ended);
    let repeat = desk.request(&key).beforehand(async { desk.make() }, ended);
    let (first, repeat) = tokio::join!(first, repeat);
    assert_eq!((told(first), told(repeat)), (("ran", thing(1)), ("again", thing(1))));
}

#[tokio::test]
async fn a_kept_answer_shows_nothing_and_opens_under_its_own_key_alone() {
    let (desk, key) = (Desk::new(), key("k", 1));
    desk.create(&key).await.unwrap();
    let own = (desk.account.clone(), key.operation.to_owned(), "k".to_owned());
    let moved = desk.rows.lock().unwrap().get(&own).cloned().unwrap();
    let kept = moved.0.answer.clone().unwrap().body;
    assert!(!kept.windows(5).any(|part| part == b"thing"));
    desk.rows.lock().unwrap().insert((own.0, own.1, "other".to_owned()), moved);
    assert!(matches!(desk.create(&Key { value: "other".to_owned(), ..key }).await, Err(Error::Unreadable(_))));
}

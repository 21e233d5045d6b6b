//! All that is sealed, sealed anew under another key. A value that somebody wrote meanwhile stays as it was written; a run that is cut off
//! is begun again, and finds what is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wharf_core::seal::anew::{Again, Anew};
use wharf_core::store::Error;

use super::walk::{Kind, Value, page};
use crate::lane::Place;
use crate::sql::Arg;
use crate::store::SqlStore;

/// A page that the database was too busy for is tried again so often, and so long after.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);
/// How many values that no key opens are named.
const NAMED: usize = 5;

/// How many values there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub done: u64,
    /// By an earlier run, or by a node.
    pub already: u64,
    /// Somebody else wrote them between the look and the change: what was written stays.
    pub overtaken: u64,
    /// What no key opens, by its place; the first few.
    pub unreadable: Vec<String>,
    pub unreadable_count: u64,
}

impl Resealed {
    /// Everything that any key opens was sealed with the new one when it was looked at.
    pub const fn is_clean(&self) -> bool {
        self.done == 0 && self.overtaken == 0
    }

    fn take(&mut self, value: &Value, again: Again) -> Option<Vec<u8>> {
        match again {
            Again::Done(sealed) => return Some(sealed),
            Again::Already => self.already += 1,
            Again::Unreadable => {
                self.unreadable_count += 1;
                if self.unreadable.len() < NAMED {
                    self.unreadable.push(value.place.join(" "));
                }
            }
        }
        None
    }
}

impl SqlStore {
    /// Seals everything anew, once. `told` hears after each page where the run is, and what was done so far.
    pub async fn reseal(&self, anew: &Anew, told: &dyn Fn(Kind, &Resealed)) -> Result<Resealed, Error> {
        let mut sum = Resealed::default();
        for kind in Kind::ALL {
            let mut after = kind.begin();
            while let Some((values, last)) = patiently(async || page(&self.readers, kind, &after).await).await? {
                after = last;
                self.seal_anew(anew, values, &mut sum).await?;
                told(kind, &sum);
            }
        }
        Ok(sum)
    }

    /// The values of each session, or of an account, in a commit of their own: with the locks that their other writers take.
    async fn seal_anew(&self, anew: &Anew, values: Vec<Value>, sum: &mut Resealed) -> Result<(), Error> {
        let mut changes = BTreeMap::<(String, String), Vec<(Value, Vec<u8>)>>::new();
        for value in values {
            let again = if value.is_plain() { plain(anew, &value) } else { anew.again(&value.place(), &value.stored) };
            if let Some(sealed) = sum.take(&value, again) {
                changes.entry((value.account.clone(), value.session.clone())).or_default().push((value, sealed));
            }
        }
        for ((account, session), changes) in changes {
            let (wanted, changes) = (changes.len() as u64, Arc::new(changes));
            let done = patiently(async || self.replace(&account, &session, Arc::clone(&changes)).await).await?;
            sum.done += done;
            sum.overtaken += wanted.saturating_sub(done);
        }
        Ok(())
    }

    /// Replaces the values that are still what they were; tells how many.
    async fn replace(&self, account: &str, session: &str, changes: Arc<Vec<(Value, Vec<u8>)>>) -> Result<u64, Error> {
        self.write(Place::named(account, session), move |tx| {
            Box::pin(async move {
                let mut done = 0;
                for (value, sealed) in changes.iter() {
                    let mut args = value.key.args();
                    args.extend([Arg::from(sealed), Arg::from(&value.stored)]);
                    done += tx.execute(value.put, &args).await?;
                }
                Ok(done)
            })
        })
        .await
    }
}

/// An earlier release left it unsealed.
fn plain(anew: &Anew, value: &Value) -> Again {
    match value.place.as_slice() {
        [session, _, wa_id] => anew.payload(session, wa_id, &value.stored),
        _ => Again::Unreadable,
    }
}

/// A commit that may have happened is made again without harm: what it changed is not what it was any more, and counts as overtaken.
async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        match work().await {
            Err(Error::Unavailable(_)) if tries < TRIES => tries += 1,
            ended => return ended,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

//! A commit whose answer was lost: it may or may not have happened. Before anybody is told to try again, the database is
//! asked, so that the second try does not double what the first one did.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::Error;

/// From the beginning of the write on; whoever made the request must have an answer three seconds after it.
const PATIENCE: Duration = Duration::from_millis(2_800);
const PAUSE: Duration = Duration::from_millis(100);
/// How often the database must say that nothing is there: a commit whose connection broke may still be under way.
const ABSENT: u32 = 5;

/// The write's answer; where nobody knows it, `there` is asked for what the write would have made. [`Error::Unavailable`]
/// then means that it is not there, or that the database stayed away.
pub async fn settled<T, Asked>(write: impl Future<Output = Result<T, Error>>, mut there: impl FnMut() -> Asked) -> Result<T, Error>
where
    Asked: Future<Output = Result<Option<T>, Error>>,
{
    let deadline = Instant::now() + PATIENCE;
    let error = match write.await {
        Err(error @ Error::Unavailable(_)) => error,
        answer => return answer,
    };
    let mut absent = 0;
    while absent < ABSENT {
        match tokio::time::timeout_at(deadline, there()).await {
            Ok(Ok(Some(found))) => {
                tracing::info!("a commit whose answer was lost has happened");
                return Ok(found);
            }
            Ok(Ok(None)) => absent += 1,
            Ok(Err(_)) => {}
            Err(_) => break,
        }
        if Instant::now() + PAUSE >= deadline {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> std::future::Ready<Result<u8, Error>> {
        std::future::ready(Err(Error::Unavailable("the connection broke".into())))
    }

    #[tokio::test]
    async fn a_commit_that_happened_is_found_also_a_moment_later() {
        let mut asked = 0;
        let there = || {
            asked += 1;
            std::future::ready(match asked {
                1 => Err(Error::Unavailable("away".into())),
                2 | 3 => Ok(None),
                _ => Ok(Some(7)),
            })
        };
        assert_eq!(settled(lost(), there).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn one_that_did_not_happen_is_unavailable_and_so_is_a_database_that_stays_away() {
        assert!(matches!(settled(lost(), || async { Ok(None) }).await, Err(Error::Unavailable(_))));
        // That this ends at all is the point.
        assert!(matches!(settled::<u8, _>(lost(), std::future::pending).await, Err(Error::Unavailable(_))));
    }

    #[tokio::test]
    async fn nobody_is_asked_where_the_answer_is_known() {
        assert_eq!(settled(async { Ok(1) }, || async { panic!("asked") }).await.unwrap(), 1);
        assert!(matches!(settled(async { Err::<u8, _>(Error::Fenced) }, || async { panic!("asked") }).await, Err(Error::Fenced)));
    }
}

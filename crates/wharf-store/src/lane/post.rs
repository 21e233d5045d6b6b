//! How a lane that has a thread of its own answers a group: by a task of the runtime, all of it at once.
//!
//! An answer wakes its caller's task, and the first one also the thread that runs it. That one may take the core from the lane, find the one
//! answer, and sleep again before there is the next: two switches of threads for each. Handed over as a whole, a group takes one.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;

use super::job::{Fate, Job};

struct GroupAnswers {
    jobs: Vec<Box<dyn Job>>,
    fate: Fate,
}

impl GroupAnswers {
    fn give(self) {
        for job in self.jobs {
            job.answer(&self.fate);
        }
    }
}

pub(super) struct PostBox(mpsc::UnboundedSender<GroupAnswers>);

impl PostBox {
    /// Needs a runtime. The task ends with this.
    pub fn start() -> Self {
        let (sender, mut groups) = mpsc::unbounded_channel::<GroupAnswers>();
        tokio::spawn(async move {
            while let Some(answers) = groups.recv().await {
                answers.give();
            }
        });
        Self(sender)
    }

    pub fn answer(&self, jobs: Vec<Box<dyn Job>>, fate: &Fate) {
        let answers = GroupAnswers { jobs, fate: fate.clone() };
        if answers.jobs.len() < 2 {
            answers.give();
        } else if let Err(SendError(answers)) = self.0.send(answers) {
            // The runtime is ending; some of the callers may be elsewhere.
            answers.give();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use tokio::sync::oneshot;
    use wharf_core::store::Error;

    use super::super::job::{Foreseen, Pending};
    use super::*;
    use crate::sql::Tx;

    type Told = oneshot::Receiver<Result<(), Error>>;

    /// Writes that have not run: the answer to each is that its commit was lost.
    fn group(count: usize) -> (Vec<Box<dyn Job>>, Vec<Told>) {
        let job = |_| {
            fn work(_: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
                async { Ok(()) }.boxed()
            }
            let (job, answer) = Pending::new(work, Some(Foreseen::default()));
            (Box::new(job) as Box<dyn Job>, answer)
        };
        (0..count).map(job).unzip()
    }

    fn lost() -> Fate {
        Fate::Lost { why: "cut".to_owned(), shared: true }
    }

    #[tokio::test]
    async fn each_of_a_group_that_failed_is_answered() {
        let post = PostBox::start();
        let (jobs, answers) = group(3);
        post.answer(jobs, &lost());
        for answer in answers {
            assert!(matches!(answer.await.unwrap(), Err(Error::Unavailable(_))));
        }
    }

    #[tokio::test]
    async fn one_alone_is_answered_without_a_task() {
        let post = PostBox::start();
        let (jobs, mut answers) = group(1);
        post.answer(jobs, &lost());
        let answer = answers.pop().unwrap().now_or_never();
        assert!(matches!(answer.expect("it is there").unwrap(), Err(Error::Unavailable(_))));
    }

    #[test]
    fn who_waits_elsewhere_is_answered_though_the_runtime_has_ended() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let post = runtime.block_on(async { PostBox::start() });
        drop(runtime);
        let (jobs, answers) = group(2);
        post.answer(jobs, &lost());
        for answer in answers {
            assert!(matches!(answer.now_or_never().expect("it is there").unwrap(), Err(Error::Unavailable(_))));
        }
    }
}

//! Joins questions whether numbers are on WhatsApp: what comes within the pause after one goes together in the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use wharf_core::engine::{Error, Registration};
use whatsapp_rust::client::Client;

use super::registrations;
use crate::task;

/// How many numbers one question has at the most; one asker's stay together.
const MOST: usize = 250;

type Reply = oneshot::Sender<Result<Vec<Registration>, Error>>;

struct Question {
    phones: Vec<String>,
    reply: Reply,
}

#[derive(Default)]
struct LookupsState {
    waiting: Vec<Question>,
    running: bool,
}

/// One client's questions.
#[derive(Default)]
pub(crate) struct Lookups(Mutex<LookupsState>);

impl Lookups {
    fn state(&self) -> MutexGuard<'_, LookupsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions of the next look-up; when there are none, whoever asks next starts anew.
    fn next(&self) -> Vec<Question> {
        let mut state = self.state();
        let mut numbers = 0;
        let take = state.waiting.iter().take_while(|question| {
            numbers += question.phones.len();
            numbers <= MOST
        });
        let take = take.count().max(1).min(state.waiting.len());
        state.running = take > 0;
        state.waiting.drain(..take).collect()
    }
}

/// Asks for the numbers, at once or with others after the pause. Without a pause nobody waits for anybody.
pub(in crate::session) fn ask(lookups: &Arc<Lookups>, client: Arc<Client>, phones: Vec<String>, reply: Reply, pause: Duration) {
    if pause.is_zero() {
        task::spawn(async move { reply.send(registrations(client, phones).await) });
        return;
    }
    {
        let mut state = lookups.state();
        state.waiting.push(Question { phones, reply });
        if std::mem::replace(&mut state.running, true) {
            return;
        }
    }
    let lookups = Arc::clone(lookups);
    task::spawn(async move {
        loop {
            let questions = lookups.next();
            if questions.is_empty() {
                return;
            }
            answer(&client, questions, pause).await;
            tokio::time::sleep(pause).await;
        }
    });
}

async fn answer(client: &Arc<Client>, mut questions: Vec<Question>, pause: Duration) {
    if questions.len() > 1 {
        let phones: Vec<String> = questions.iter().flat_map(|question| question.phones.iter().cloned()).collect();
        match registrations(Arc::clone(client), phones).await {
            Ok(found) => {
                let found: HashMap<String, Registration> = found.into_iter().map(|one| (one.phone.clone(), one)).collect();
                for Question { phones, reply } in questions {
                    // The asker may have stopped waiting.
                    let _ = reply.send(Ok(phones.iter().filter_map(|phone| found.get(phone).cloned()).collect()));
                }
                return;
            }
            Err(Error::Throttled { retry_after_secs }) => {
                for Question { reply, .. } in questions {
                    let _ = reply.send(Err(Error::Throttled { retry_after_secs }));
                }
                return;
            }
            // One number that cannot be answered must not cost the others theirs: each is asked alone.
            Err(_) => tokio::time::sleep(pause).await,
        }
    }
    for Question { phones, reply } in questions.drain(..) {
        if !reply.is_closed() {
            let _ = reply.send(registrations(Arc::clone(client), phones).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(numbers: usize) -> Question {
        Question { phones: vec![String::from("1"); numbers], reply: oneshot::channel().0 }
    }

    #[test]
    fn what_waits_goes_together_up_to_the_most_and_one_askers_numbers_stay_together() {
        let lookups = Lookups::default();
        lookups.state().waiting = vec![question(200), question(50), question(1), question(300), question(1)];
        let sizes = || lookups.next().iter().map(|question| question.phones.len()).collect::<Vec<_>>();
        assert_eq!(sizes(), [200, 50]);
        assert_eq!(sizes(), [1]);
        assert_eq!(sizes(), [300], "too many, and still one question");
        assert!(lookups.state().running);
        assert_eq!(sizes(), [1]);
        assert_eq!(sizes(), [0; 0]);
        assert!(!lookups.state().running);
    }
}

use wharf_api::ids::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn row(number: i64, chat: &str) -> (i64, Outgoing) {
    let message = Outgoing {
        id: MessageId::from_uuid(Uuid::from_u128(number.unsigned_abs().into())),
        wa_id: format!("3EB0{number}"),
        chat: chat.to_owned(),
        payload: Vec::new(),
        attempts: 0,
        accepted_at: Timestamp::from_millis(500),
        expires_at: Timestamp::from_millis(2_000),
    };
    (number, message)
}

/// Claims everything and gives the numbers that go on the wire next.
fn sendable(queue: &mut Queue) -> Vec<Item> {
    queue.mark_claimed();
    std::iter::from_fn(|| queue.next_claimed()).collect()
}

fn numbers(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| &item.message.wa_id[4..]).collect()
}

#[tokio::test]
async fn a_chat_that_rests_lets_others_pass_and_keeps_its_order() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a"), row(2, "b"), row(3, "a")], NOW);
    queue.mark_claimed();
    let first = queue.next_claimed().unwrap();
    let now = Instant::now();
    queue.hold_chat(first, now);
    // A later message of the chat does not overtake.
    queue.add(vec![row(4, "a"), row(5, "c")], NOW);
    assert_eq!(numbers(&sendable(&mut queue)), ["2", "5"]);

    queue.release(now + Duration::from_secs(29));
    assert!(queue.is_ready_empty());
    queue.release(now + Duration::from_secs(30));
    assert_eq!(queue.cursor(), 0, "what was passed over is read again");
    queue.add(vec![row(1, "a"), row(3, "a"), row(4, "a")], NOW);
    assert_eq!(queue.unclaimed().len(), 2, "the message that waited behind was claimed before");
    assert_eq!(numbers(&sendable(&mut queue)), ["1", "3", "4"]);
}

#[tokio::test]
async fn a_message_whose_outcome_is_being_written_is_not_sent_again() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], NOW);
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    queue.add(vec![row(1, "a")], NOW);
    assert!(queue.is_ready_empty());
    queue.settled(&[item.message.id]);
    queue.add(vec![row(1, "a")], NOW);
    assert!(!queue.is_ready_empty());
}

#[tokio::test]
async fn an_overdue_message_is_left_alone() {
    let mut queue = Queue::default();
    assert_eq!(queue.add(vec![row(1, "a")], Timestamp::from_millis(2_000)), Fetched::Something);
    assert!(queue.is_ready_empty());
    assert_eq!(queue.add(Vec::new(), NOW), Fetched::Nothing);
}

#[tokio::test]
async fn refusals_in_a_row_make_the_chat_rest_longer_and_a_success_ends_that() {
    let mut queue = Queue::default();
    let mut now = Instant::now();
    for seconds in [30, 60, 120] {
        queue.release(now);
        queue.add(vec![row(1, "a")], NOW);
        let item = sendable(&mut queue).remove(0);
        queue.hold_chat(item, now);
        queue.release(now + Duration::from_secs(seconds) - Duration::from_millis(1));
        assert!(queue.is_ready_empty());
        now += Duration::from_secs(seconds);
    }
    queue.release(now);
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    assert!(queue.refusals.is_empty());
    assert_eq!(growing(CHAT_HOLD, 1_000), CHAT_HOLD[1]);
}

#[tokio::test]
async fn an_overloaded_server_makes_the_session_rest() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], NOW);
    let item = sendable(&mut queue).remove(0);
    queue.hold_all(item, Instant::now());
    assert!(queue.is_paused());
    assert_eq!(queue.unclaimed().len(), 1);
}

use wharf_api::ids::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const REASON: HoldReason = HoldReason::ReachoutTimelock;
const HOLD: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(30)];

fn row(number: i64, chat: &str) -> (i64, Outgoing) {
    let message = Outgoing {
        id: MessageId::from_uuid(Uuid::from_u128(number.unsigned_abs().into())),
        wa_id: format!("3EB0{number}"),
        chat: chat.to_owned(),
        payload: Vec::new(),
        audience: Vec::new(),
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
    queue.hold_new(first, REASON, HOLD, now);
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
async fn what_was_not_written_rests_longer_each_time_and_keeps_its_claim() {
    let mut queue = Queue::default();
    let mut now = Instant::now();
    queue.add(vec![row(1, "a"), row(2, "b")], NOW);
    for rest_ms in [500, 1_000, 2_000] {
        queue.mark_claimed();
        let item = queue.next_claimed().unwrap();
        assert_eq!((item.message.wa_id.as_str(), item.tries), ("3EB01", 0));
        queue.rest_unwritten(item, now);
        now += Duration::from_millis(rest_ms);
        queue.release(now - Duration::from_millis(1));
        let other = queue.next_claimed().expect("another chat goes past");
        queue.put_back(other);
        assert_eq!(queue.ready.len(), 1);
        queue.release(now);
        assert!(queue.unclaimed().is_empty(), "the next try was counted already");
    }
    let item = queue.next_claimed().unwrap();
    queue.rest_chat(item, now);
    queue.release(now + Duration::from_secs(1));
    assert_eq!(queue.unclaimed().len(), 1, "one without an answer was a try");
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
        queue.hold_new(item, REASON, HOLD, now);
        queue.release(now + Duration::from_secs(seconds) - Duration::from_millis(1));
        assert!(queue.is_ready_empty());
        now += Duration::from_secs(seconds);
    }
    queue.release(now);
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    assert!(queue.refusals.is_empty());
    assert_eq!(growing(HOLD, 1_000), HOLD[1]);
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

fn person(number: i64, name: &str) -> (i64, Outgoing) {
    row(number, &format!("{name}@s.whatsapp.net"))
}

/// Asks about everybody; only Kay is known.
fn sort_out(queue: &mut Queue, now: Instant) {
    let asked = queue.to_be_asked(now);
    let known = asked.iter().filter(|chat| chat.starts_with("kay@")).cloned().collect();
    queue.sort_out(asked, known, now);
}

#[tokio::test]
async fn first_contacts_wait_while_one_is_refused_and_all_others_go_on() {
    let mut queue = Queue::default();
    queue.add(vec![person(1, "new"), person(2, "other"), person(3, "kay"), row(4, "1@g.us")], NOW);
    queue.mark_claimed();
    let refused = queue.next_claimed().unwrap();
    let mut now = Instant::now();
    queue.hold_new(refused, REASON, HOLD, now);
    sort_out(&mut queue, now);
    assert_eq!(numbers(&sendable(&mut queue)), ["3", "4"]);
    let let_go = queue.take_waiting().len();
    assert_eq!(let_go, 2, "the refused one and the one that waits with it");
    assert_eq!(queue.take_changes().len(), 2);

    // The one that was refused tries when its time is over, and nobody else.
    now += Duration::from_secs(30);
    queue.release(now);
    queue.add(vec![person(2, "other"), person(5, "third")], NOW);
    sort_out(&mut queue, now);
    let tried = sendable(&mut queue);
    assert_eq!(numbers(&tried), ["1"]);
    queue.hold_new(tried.into_iter().next().unwrap(), REASON, HOLD, now);
    queue.release(now + Duration::from_secs(59));
    assert!(queue.is_ready_empty(), "longer each time");
    queue.take_changes();

    // It goes through: so may the others.
    now += Duration::from_mins(1);
    queue.release(now);
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    assert_eq!(queue.take_changes(), [Change::Lift(Held::Chat("new@s.whatsapp.net".to_owned())), Change::Lift(Held::FirstContacts)]);
    queue.add(vec![person(2, "other"), person(5, "third")], NOW);
    sort_out(&mut queue, now);
    assert_eq!(numbers(&sendable(&mut queue)), ["2", "5"]);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_process_before_it_was() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    let hold = |what, seconds: i64| HoldRow { what, until: NOW.plus_millis(seconds * 1000), reason: REASON, times: 3 };
    queue.recall(vec![hold(Held::Chat("new@s.whatsapp.net".to_owned()), 40), hold(Held::FirstContacts, 40)], (NOW, now));
    let rows = || vec![(1, Outgoing { attempts: 4, ..person(1, "new").1 }), person(2, "other"), person(3, "kay")];
    queue.add(rows(), NOW);
    sort_out(&mut queue, now);
    assert_eq!(numbers(&sendable(&mut queue)), ["3"]);
    let later = now + Duration::from_secs(40);
    queue.release(later);
    queue.add(rows(), NOW);
    sort_out(&mut queue, later);
    let tried = sendable(&mut queue);
    assert_eq!((numbers(&tried)[0], tried[0].tries), ("1", 1), "three of the four tries were refused");
    queue.hold_new(tried.into_iter().next().unwrap(), REASON, HOLD, later);
    queue.release(later + Duration::from_secs(239));
    assert!(queue.is_ready_empty(), "the fourth pause is as long as it would have been");
}

#[test]
fn what_earlier_processes_counted_leaves_a_message_two_tries() {
    let mut queue = Queue::default();
    let counted = |attempts| Outgoing { attempts, ..row(i64::from(attempts) + 1, "a").1 };
    queue.add((0..9).map(|attempts| (i64::from(attempts) + 1, counted(attempts))).collect(), Timestamp::from_millis(1_000));
    queue.mark_claimed();
    let tries: Vec<_> = std::iter::from_fn(|| queue.next_claimed()).map(|item| item.tries).collect();
    assert_eq!(tries, [0, 1, 2, 3, 3, 3, 3, 3, 3]);
}

mod order;

use wharf_api::ids::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const REASON: HoldReason = HoldReason::ReachoutTimelock;
const HOLD: Backoff = Backoff::new(Duration::from_secs(30), Duration::from_mins(30));

/// So many milliseconds after the test began, by both clocks.
fn after_ms(ms: u64) -> Moment {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let rest = Duration::from_millis(ms);
    Moment { clock: NOW + rest, steady: *BEGAN.get_or_init(Instant::now) + rest }
}

fn after(seconds: u64) -> Moment {
    after_ms(seconds * 1_000)
}

const GAP: Duration = Duration::from_secs(20);

fn refused(queue: &mut Queue, item: Item, now: Moment) {
    queue.hold_new(item, Refusal { reason: REASON, cold: true, ends: None }, HOLD, GAP, now);
}

fn row(number: i64, chat: &str) -> (i64, Outgoing) {
    let message = Outgoing {
        id: MessageId::from_uuid(Uuid::from_u128(number.unsigned_abs().into())),
        wa_id: format!("3EB0{number}"),
        chat: chat.to_owned(),
        payload: Vec::new(),
        audience: Vec::new(),
        attempts: 0,
        accepted_at: Timestamp::from_millis(500),
        expires_at: Timestamp::from_millis(2_000_000),
    };
    (number, message)
}

/// No try was counted beforehand.
fn unclaimed(_: &MessageId) -> bool {
    false
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
    queue.add(vec![row(1, "a"), row(2, "b"), row(3, "a")], unclaimed, after(0));
    queue.mark_claimed();
    let first = queue.next_claimed().unwrap();
    refused(&mut queue, first, after(0));
    // A later message of the chat does not overtake.
    queue.add(vec![row(4, "a"), row(5, "c")], unclaimed, after(0));
    assert_eq!(numbers(&sendable(&mut queue)), ["2", "5"]);

    queue.release(after(29));
    assert!(queue.ready.is_empty());
    queue.release(after(30));
    assert_eq!(queue.cursor(), 0, "what was passed over is read again");
    queue.add(vec![row(1, "a"), row(3, "a"), row(4, "a")], unclaimed, after(30));
    assert_eq!(queue.unclaimed().len(), 2, "the message that waited behind was claimed before");
    assert_eq!(numbers(&sendable(&mut queue)), ["1", "3", "4"]);
}

#[tokio::test]
async fn beside_what_is_on_the_wire_go_other_chats_and_of_first_contacts_none() {
    let mut queue = Queue::default();
    for known in ["a", "b"] {
        queue.got_through(known);
    }
    queue.add(vec![person(1, "kay"), row(2, "a"), row(3, "a"), person(4, "lee"), row(5, "b")], unclaimed, after(0));
    queue.mark_claimed();
    let mut flying = Vec::new();
    while let Some(item) = queue.next_claimed() {
        queue.took_off(&item);
        flying.push(item);
    }
    assert_eq!(numbers(&flying), ["1", "2", "5"]);
    assert!(!queue.has_next());
    queue.add(vec![row(2, "a")], unclaimed, after(0));
    assert_eq!(queue.ready.len(), 2, "what is on the wire is not taken in again");
    queue.landed(&flying[1]);
    assert_eq!(queue.next_claimed().map(|item| item.message.wa_id).as_deref(), Some("3EB03"));
    assert!(!queue.has_next());
    queue.landed(&flying[0]);
    assert_eq!(queue.next_claimed().map(|item| item.message.wa_id).as_deref(), Some("3EB04"));
}

#[tokio::test]
async fn what_is_to_be_claimed_first_is_not_overtaken_by_its_own_chat() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a"), row(2, "a")], unclaimed, after(0));
    queue.mark_claimed();
    let first = queue.next_claimed().unwrap();
    queue.took_off(&first);
    queue.landed(&first);
    queue.again(first);
    assert!(queue.has_next() && queue.next_claimed().is_none());
}

#[tokio::test]
async fn a_try_that_was_counted_with_the_acceptance_is_the_first_and_is_counted_once() {
    let mut queue = Queue::default();
    let counted = |number| {
        let (number, mut message) = row(number, "a");
        message.attempts = 1;
        (number, message)
    };
    queue.add(vec![counted(1)], |_| true, after(0));
    queue.add(vec![counted(2)], unclaimed, after(0));
    let first = queue.next_claimed().expect("it is claimed");
    assert_eq!((first.tries, first.doubtful), (0, false));
    let waits = &queue.ready[0];
    assert!((waits.tries, waits.doubtful, waits.claimed) == (1, true, false), "the try of an earlier process");
    // What is passed over before its try keeps that.
    queue.add(vec![counted(1)], unclaimed, after(1));
    assert_eq!(queue.ready.back().map(|item| (item.tries, item.claimed)), Some((0, true)));
    queue.took_off(&first);
    queue.landed(&first);
    queue.ready.clear();
    queue.add(vec![counted(1)], unclaimed, after(2));
    assert_eq!(queue.ready.back().map(|item| (item.tries, item.claimed)), Some((1, false)));
}

#[tokio::test]
async fn one_overload_is_one_pause_for_all_that_were_on_the_wire() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a"), row(2, "b")], unclaimed, after(0));
    for item in sendable(&mut queue) {
        queue.hold_all(item, after(0));
    }
    assert_eq!((queue.pauses, queue.take_changes().len(), queue.unclaimed().len()), (1, 1, 2));
}

#[tokio::test]
async fn what_was_not_written_rests_longer_each_time_and_keeps_its_claim() {
    let mut queue = Queue::default();
    let mut now = 0;
    queue.add(vec![row(1, "a"), row(2, "b")], unclaimed, after(0));
    for rest_ms in [500, 1_000, 2_000] {
        queue.mark_claimed();
        let item = queue.next_claimed().unwrap();
        assert_eq!((item.message.wa_id.as_str(), item.tries), ("3EB01", 0));
        queue.rest_unwritten(item, after_ms(now));
        now += rest_ms;
        queue.release(after_ms(now - 1));
        let other = queue.next_claimed().expect("another chat goes past");
        queue.put_back(other);
        assert_eq!(queue.ready.len(), 1);
        queue.release(after_ms(now));
        assert!(queue.unclaimed().is_empty(), "the next try was counted already");
    }
    let item = queue.next_claimed().unwrap();
    queue.rest_chat(item, after_ms(now));
    queue.release(after_ms(now + 1_000));
    assert_eq!(queue.unclaimed().len(), 1, "one without an answer was a try");
}

#[tokio::test]
async fn a_message_whose_outcome_is_being_written_is_not_sent_again() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    assert!(queue.ready.is_empty());
    queue.settled(&[item.message.id]);
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    assert!(!queue.ready.is_empty());
}

#[tokio::test]
async fn a_message_that_settles_while_the_queue_is_read_may_be_among_what_is_read_and_is_not_sent_again() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    queue.begins_look();
    queue.settled(&[item.message.id]);
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    queue.ends_look();
    assert!(queue.ready.is_empty() && queue.settling.is_empty());
}

#[tokio::test]
async fn what_was_handed_over_stands_behind_what_was_read_counts_no_try_and_is_known_when_it_is_read() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    let (number, mut message) = row(2, "a");
    message.attempts = 1;
    queue.take_in(message.clone(), after(0));
    queue.take_in(row(3, "b").1, after(0));
    queue.add(vec![(number, message)], unclaimed, after(0));
    assert_eq!(queue.unclaimed(), [row(1, "a").1.id], "the others were claimed with their acceptance");
    let sent = sendable(&mut queue);
    assert_eq!(numbers(&sent), ["1", "2", "3"]);
    assert!(sent.iter().all(|item| item.tries == 0 && !item.doubtful));
}

#[tokio::test]
async fn what_was_handed_over_for_a_chat_that_rests_is_read_when_it_has_rested() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    let item = sendable(&mut queue).remove(0);
    refused(&mut queue, item, after(0));
    queue.take_in(row(2, "a").1, after(0));
    assert!(queue.ready.is_empty());
    assert_eq!(queue.cursor, 1);
    queue.release(after(30));
    assert_eq!(queue.cursor, 0);
}

#[tokio::test]
async fn an_overdue_message_is_left_alone() {
    let mut queue = Queue::default();
    assert_eq!(queue.add(vec![row(1, "a")], unclaimed, after(1_999)), Fetched::Something);
    assert!(queue.ready.is_empty());
    assert_eq!(queue.add(Vec::new(), unclaimed, after(0)), Fetched::Nothing);
}

#[tokio::test]
async fn refusals_in_a_row_make_the_chat_rest_longer_and_a_success_ends_that() {
    let mut queue = Queue::default();
    let mut now = 0;
    for seconds in [30, 60, 120] {
        queue.release(after(now));
        queue.add(vec![row(1, "a")], unclaimed, after(now));
        let item = sendable(&mut queue).remove(0);
        refused(&mut queue, item, after(now));
        queue.release(after_ms((now + seconds) * 1_000 - 1));
        assert!(queue.ready.is_empty());
        now += seconds;
    }
    queue.release(after(now));
    let item = sendable(&mut queue).remove(0);
    queue.settling(&item);
    assert!(queue.refusals.is_empty());
}

#[tokio::test]
async fn an_overloaded_server_makes_the_session_rest() {
    let mut queue = Queue::default();
    queue.add(vec![row(1, "a")], unclaimed, after(0));
    let item = sendable(&mut queue).remove(0);
    queue.hold_all(item, after(0));
    assert!(queue.is_paused());
    assert_eq!(queue.unclaimed().len(), 1);
}

fn person(number: i64, name: &str) -> (i64, Outgoing) {
    row(number, &format!("{name}@s.whatsapp.net"))
}

/// Asks about everybody; only Kay is known.
fn sort_out(queue: &mut Queue, now: Moment) {
    let asked = queue.to_be_asked(now, false);
    let known = asked.iter().filter(|chat| chat.starts_with("kay@")).cloned().collect();
    queue.sort_out(asked, known, now);
}

fn contacts(until: Moment, reason: HoldReason) -> Change {
    Change::Hold(HoldRow { what: Held::FirstContacts, until: until.clock, reason, times: 1 })
}

#[tokio::test]
async fn after_a_refusal_without_a_date_one_first_contact_at_a_time_is_tried_and_never_the_same() {
    let mut queue = Queue::default();
    queue.add(vec![person(1, "new"), person(2, "other"), person(3, "kay"), row(4, "1@g.us")], unclaimed, after(0));
    queue.mark_claimed();
    let first = queue.next_claimed().unwrap();
    refused(&mut queue, first, after(0));
    sort_out(&mut queue, after(0));
    assert_eq!(numbers(&sendable(&mut queue)), ["3", "4"]);
    assert_eq!(queue.take_waiting().len(), 2, "the refused one and the one that waits with it");
    assert_eq!(queue.take_changes()[1..], [contacts(after(20), REASON)]);

    // Until the time is over nobody new is tried.
    queue.release(after(19));
    queue.add(vec![person(2, "other"), person(5, "third")], unclaimed, after(19));
    sort_out(&mut queue, after(19));
    assert!(sendable(&mut queue).is_empty());
    // Then one is, not the one that was refused; refused as well, it costs the others as long again.
    queue.release(after(20));
    queue.add(vec![person(2, "other"), person(5, "third")], unclaimed, after(20));
    sort_out(&mut queue, after(20));
    queue.mark_claimed();
    let second = queue.next_claimed().unwrap();
    assert_eq!(numbers(std::slice::from_ref(&second)), ["2"]);
    refused(&mut queue, second, after(20));
    sort_out(&mut queue, after(20));
    assert!(sendable(&mut queue).is_empty());
    queue.release(after(39));
    queue.add(vec![person(5, "third")], unclaimed, after(39));
    sort_out(&mut queue, after(39));
    assert!(sendable(&mut queue).is_empty(), "the first is over its own rest, and a first contact still");
}

#[tokio::test]
async fn while_first_contacts_wait_what_stands_behind_one_on_the_wire_goes_before_what_comes_later() {
    let mut queue = Queue::default();
    queue.add(vec![person(1, "new"), person(2, "new"), person(3, "other")], unclaimed, after(0));
    queue.mark_claimed();
    let first = queue.next_claimed().unwrap();
    queue.took_off(&first);
    queue.hold_contacts(after(60).clock, HoldReason::Pace, true);
    sort_out(&mut queue, after(0));
    queue.landed(&first);
    queue.got_through(&first.message.chat);
    queue.take_in(person(4, "new").1, after(1));
    sort_out(&mut queue, after(1));
    assert_eq!(numbers(&sendable(&mut queue)), ["2", "4"]);
}

#[tokio::test]
async fn with_whatsapps_own_date_everybody_new_waits_for_it() {
    let mut queue = Queue::default();
    queue.add(vec![person(1, "new"), person(2, "other")], unclaimed, after(0));
    queue.mark_claimed();
    let first = queue.next_claimed().unwrap();
    let ends = Some(after(900).clock);
    queue.hold_new(first, Refusal { reason: REASON, cold: true, ends }, HOLD, GAP, after(0));
    sort_out(&mut queue, after(0));
    let chat = HoldRow { what: Held::Chat("new@s.whatsapp.net".to_owned()), until: after(900).clock, reason: REASON, times: 1 };
    assert_eq!(queue.take_changes(), [Change::Hold(chat), contacts(after(900), REASON)]);
    queue.release(after(899));
    queue.add(vec![person(2, "other")], unclaimed, after(899));
    sort_out(&mut queue, after(899));
    assert!(sendable(&mut queue).is_empty());
    queue.release(after(900));
    queue.add(vec![person(2, "other")], unclaimed, after(900));
    sort_out(&mut queue, after(900));
    assert_eq!(numbers(&sendable(&mut queue)), ["1", "2"]);
}

#[tokio::test]
async fn what_whatsapp_says_of_its_lock_holds_and_lifts() {
    let mut queue = Queue::default();
    queue.hear(Word::On(Some(after(600).clock)), GAP, after(0));
    queue.add(vec![person(1, "new"), person(3, "kay")], unclaimed, after(0));
    sort_out(&mut queue, after(0));
    assert_eq!(numbers(&sendable(&mut queue)), ["3"]);
    queue.hear(Word::Off, GAP, after(1));
    queue.add(vec![person(1, "new")], unclaimed, after(1));
    sort_out(&mut queue, after(1));
    assert_eq!(numbers(&sendable(&mut queue)), ["1"]);
    assert_eq!(queue.take_changes(), [contacts(after(600), REASON), Change::Lift(Held::FirstContacts)]);
    // What is over already holds nobody longer than a refusal without a date.
    queue.hear(Word::On(Some(after(1).clock)), GAP, after(2));
    assert_eq!(queue.take_changes(), [contacts(after(22), REASON)]);
}

#[tokio::test]
async fn whoever_writes_first_is_no_first_contact_any_more_and_whoever_was_known_rests_on() {
    let mut queue = Queue::default();
    queue.add(vec![person(1, "kay"), person(2, "old")], unclaimed, after(0));
    queue.mark_claimed();
    let (kay, old) = (queue.next_claimed().unwrap(), queue.next_claimed().unwrap());
    refused(&mut queue, kay, after(0));
    queue.hold_new(old, Refusal { reason: REASON, cold: false, ends: None }, HOLD, GAP, after(0));
    sort_out(&mut queue, after(1));
    queue.release(after(1));
    assert_eq!(numbers(&sendable(&mut queue)), ["1"]);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_process_before_it_was() {
    let mut queue = Queue::default();
    let hold = |what, seconds: i64| HoldRow { what, until: NOW.plus_millis(seconds * 1000), reason: REASON, times: 3 };
    queue.recall(vec![hold(Held::Chat("new@s.whatsapp.net".to_owned()), 40), hold(Held::FirstContacts, 40)], &[], after(0));
    let rows = || vec![(1, Outgoing { attempts: 4, ..person(1, "new").1 }), person(2, "other"), person(3, "kay")];
    queue.add(rows(), unclaimed, after(0));
    sort_out(&mut queue, after(0));
    assert_eq!(numbers(&sendable(&mut queue)), ["3"]);
    queue.release(after(40));
    queue.add(rows(), unclaimed, after(40));
    sort_out(&mut queue, after(40));
    queue.mark_claimed();
    let tried = queue.next_claimed().unwrap();
    assert_eq!((tried.message.wa_id.as_str(), tried.tries), ("3EB01", 1), "three of the four tries were refused");
    refused(&mut queue, tried, after(40));
    let Some(Change::Hold(hold)) = queue.take_changes().into_iter().find(|change| matches!(change, Change::Hold(_))) else { panic!() };
    assert_eq!(hold.until, after(40 + 240).clock, "the fourth pause is as long as it would have been");
}

fn paced(plan: wharf_api::types::account::Pace) -> Queue {
    let mut queue = Queue::default();
    queue.first_pacer(Pacer::new(plan, Vec::new()), NOW);
    queue
}

#[tokio::test]
async fn what_is_over_pace_waits_behind_and_comes_in_order() {
    let mut queue = paced(wharf_api::types::account::Pace { messages_per_minute: Some(2), ..wharf_api::types::account::Pace::OFF });
    let rows = || vec![row(1, "1@g.us"), row(2, "2@g.us"), row(3, "1@g.us")];
    queue.add(rows(), unclaimed, after(0));
    queue.pace(after(0));
    assert_eq!(numbers(&sendable(&mut queue)), ["1", "2"]);
    assert!(queue.is_paced());
    let hold = HoldRow { what: Held::Session, until: after(60).clock, reason: HoldReason::Pace, times: 1 };
    assert_eq!(queue.take_changes(), [Change::Hold(hold)]);
    assert_eq!(queue.take_waiting().len(), 1, "whoever waits for it is told");
    assert_eq!(queue.due(after(59).clock), Some(Duration::from_secs(1)));
    queue.release(after(60));
    assert!(!queue.is_paced());
    assert_eq!(queue.take_changes(), [Change::Lift(Held::Session)]);
}

#[tokio::test]
async fn people_who_are_new_wait_for_each_other_and_nobody_else_waits_for_them() {
    let plan = wharf_api::types::account::Pace { new_contacts_per_hour: Some(1), ..wharf_api::types::account::Pace::OFF };
    let mut queue = paced(plan);
    let rows = || vec![person(1, "new"), person(2, "other"), person(3, "kay"), person(4, "new"), row(5, "1@g.us"), row(6, "kay@g.us")];
    queue.add(rows(), unclaimed, after(0));
    sort_out(&mut queue, after(0));
    queue.pace(after(0));
    assert_eq!(numbers(&sendable(&mut queue)), ["1", "3", "4", "6"], "a group in which nobody wrote waits like a person");
    queue.begins("new@s.whatsapp.net", after(0), Duration::from_secs(3));
    queue.release(after(3));
    queue.add(vec![person(2, "other"), person(3, "kay")], unclaimed, after(3));
    sort_out(&mut queue, after(3));
    queue.pace(after(3));
    assert_eq!(numbers(&sendable(&mut queue)), ["3"]);
    assert_eq!(queue.take_changes(), [contacts(after(3_600), HoldReason::Pace)]);
    // Another plan lets go what only the old one held.
    queue.set_pacer(None);
    queue.add(vec![person(2, "other")], unclaimed, after(4));
    sort_out(&mut queue, after(4));
    assert_eq!(numbers(&sendable(&mut queue)), ["2"]);
}

#[test]
fn what_earlier_processes_counted_leaves_a_message_two_tries() {
    let mut queue = Queue::default();
    let counted = |attempts| Outgoing { attempts, ..row(i64::from(attempts) + 1, "a").1 };
    queue.add((0..9).map(|attempts| (i64::from(attempts) + 1, counted(attempts))).collect(), unclaimed, after(0));
    queue.mark_claimed();
    let tries: Vec<_> = std::iter::from_fn(|| queue.next_claimed()).map(|item| item.tries).collect();
    assert_eq!(tries, [0, 1, 2, 3, 3, 3, 3, 3, 3]);
}

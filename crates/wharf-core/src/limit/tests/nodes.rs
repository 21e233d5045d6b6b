//! Limits over several nodes, without a network between them: each word arrives at once.

use proptest::prelude::*;

use super::*;
use crate::limit::book::Book;
use crate::limit::share::{Here, Share};
use crate::limit::shared::Bounds;

struct Node {
    calls: Calls,
    share: Share,
    /// Requests that run.
    runs: Vec<Permit>,
}

/// Nodes that share one account's limits, and the book of it. They are called by their places.
struct Nodes {
    clock: Hand,
    members: Vec<Node>,
    book: Book,
    /// When calls were let in.
    taken: Vec<i64>,
}

const KEEPER: &str = "keeper";

impl Nodes {
    fn new(count: usize) -> Self {
        let nodes = (0..count).map(|_| Node { calls: Calls::default(), share: Share::default(), runs: Vec::new() }).collect();
        Self { clock: Hand::default(), members: nodes, book: Book::default(), taken: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        self.clock.steady()
    }

    fn running(&self) -> usize {
        self.members.iter().map(|node| node.runs.len()).sum()
    }

    fn in_the_last_minute(&self) -> u64 {
        let now = self.now().as_millis();
        self.taken.iter().filter(|at| now - **at <= WINDOW_MS).count() as u64
    }

    /// As the nodes do it that talk to each other.
    fn decide(&mut self, place: usize, bounds: Bounds) -> (Standing, Result<Permit, Refused>) {
        let (now, account, count) = (self.clock.steady(), account(1), self.members.len() as u64);
        let clock = &self.clock;
        let node = &mut self.members[place];
        let here = Here { calls: &node.calls, account: &account, clock };
        if let Some(done) = node.share.spend(&here, bounds) {
            return done;
        }
        let ask = node.share.ask(&here, KEEPER, bounds, 1);
        let name = place.to_string();
        self.book.hear(&name, &ask.report, ask.whole, now);
        for holder in self.book.holders(&name, &ask, now) {
            let other = &mut self.members[holder.parse::<usize>().unwrap()];
            let there = Here { calls: &other.calls, account: &account, clock };
            let report = other.share.report(&there, None);
            self.book.hear(&holder, &report, false, now);
        }
        let grant = self.book.grant(&name, &ask, count, now);
        let node = &mut self.members[place];
        let here = Here { calls: &node.calls, account: &account, clock };
        node.share.settle(&here, &ask, &grant).pop().unwrap()
    }

    /// A call, which runs on where it is `kept`.
    fn call(&mut self, place: usize, bounds: Bounds, kept: bool) -> Result<Standing, Refused> {
        let (standing, admitted) = self.decide(place, bounds);
        let permit = admitted?;
        self.taken.push(self.now().as_millis());
        if kept {
            self.members[place].runs.push(permit);
        }
        Ok(standing)
    }
}

#[test]
fn three_nodes_let_the_limit_in_and_not_one_call_more_and_tell_what_is_left() {
    let (mut nodes, bounds) = (Nodes::new(3), Bounds { calls: 60, concurrent: 10 });
    for number in 0..60_u64 {
        let standing = nodes.call(usize::try_from(number % 3).unwrap(), bounds, false).unwrap();
        assert_eq!((standing.limit, standing.remaining), (60, 59 - number));
    }
    for place in 0..3 {
        assert!(matches!(nodes.call(place, bounds, false), Err(Refused::Rate { retry_after: 61 })));
    }
    nodes.clock.set(WINDOW_MS + 1);
    assert_eq!(nodes.call(2, bounds, false).unwrap().remaining, 59);
}

#[test]
fn what_was_given_ahead_is_told_as_left_and_comes_back_before_anybody_is_refused() {
    let (mut nodes, bounds) = (Nodes::new(2), Bounds { calls: 1_000, concurrent: 100 });
    // Each has five calls ahead after its first: the own are left, those of another may be used.
    assert_eq!(nodes.call(0, bounds, false).unwrap().remaining, 999);
    assert_eq!(nodes.call(1, bounds, false).unwrap().remaining, 993);
    while nodes.taken.len() < 1_000 {
        nodes.call(0, bounds, false).unwrap();
    }
    assert!(matches!(nodes.call(0, bounds, false), Err(Refused::Rate { .. })));
    assert!(matches!(nodes.call(1, bounds, false), Err(Refused::Rate { .. })), "what it had ahead is gone");
}

#[test]
fn what_a_node_is_asked_while_an_answer_is_on_its_way_to_it_loses_nothing_of_that() {
    let (mut nodes, bounds) = (Nodes::new(2), Bounds { calls: 1_000, concurrent: 100 });
    let (account, now) = (account(1), nodes.now());
    let node = &mut nodes.members[0];
    let here = Here { calls: &node.calls, account: &account, clock: &nodes.clock };
    let ask = node.share.ask(&here, KEEPER, bounds, 1);
    nodes.book.hear("0", &ask.report, ask.whole, now);
    let grant = nodes.book.grant("0", &ask, 2, now);
    let report = node.share.report(&here, None);
    assert_eq!((grant.ahead, report.pending, report.unused), (5, 1, 0));
    nodes.book.hear("0", &report, false, now);
    drop(node.share.settle(&here, &ask, &grant));
    nodes.taken.push(now.as_millis());
    while nodes.taken.len() < 1_000 {
        nodes.call(1, bounds, false).unwrap();
    }
    assert!(matches!(nodes.call(1, bounds, false), Err(Refused::Rate { .. })));
}

#[test]
fn twice_the_rate_at_three_nodes_for_two_minutes_gets_the_limit_within_a_hundredth() {
    let (mut nodes, bounds) = (Nodes::new(3), Bounds { calls: 600, concurrent: 50 });
    for step in 0..2_400_i64 {
        nodes.clock.set(step * 50 + (step % 7) * 3);
        let place = usize::try_from((step * 7 + step / 11) % 3).unwrap();
        let _refused = nodes.call(place, bounds, false);
    }
    let accepted = nodes.taken.len();
    assert!((1_188..=1_212).contains(&accepted), "{accepted}");
    assert!(busiest(&nodes.taken) <= 606, "{}", busiest(&nodes.taken));
}

#[test]
fn a_request_that_has_ended_at_one_node_makes_room_at_another_at_once() {
    let (mut nodes, bounds) = (Nodes::new(3), Bounds { calls: 1_000, concurrent: 2 });
    nodes.call(0, bounds, true).unwrap();
    nodes.call(1, bounds, true).unwrap();
    assert!(matches!(nodes.call(2, bounds, true), Err(Refused::Concurrency { limit: 2 })));
    nodes.members[1].runs.clear();
    nodes.call(2, bounds, true).unwrap();
    assert!(matches!(nodes.call(1, bounds, true), Err(Refused::Concurrency { limit: 2 })));
}

#[test]
fn a_keeper_that_begins_a_book_is_told_what_was_let_in_before() {
    let (mut nodes, bounds) = (Nodes::new(2), Bounds { calls: 20, concurrent: 10 });
    for number in 0..16 {
        nodes.call(number % 2, bounds, number == 0).unwrap();
    }
    // Another one keeps it from now on, whom both tell.
    nodes.book = Book::default();
    for place in 0..2 {
        let node = &mut nodes.members[place];
        let (account, now) = (account(1), nodes.clock.steady());
        let report = node.share.report(&Here { calls: &node.calls, account: &account, clock: &nodes.clock }, Some("another"));
        nodes.book.hear(&place.to_string(), &report, true, now);
    }
    for number in 0..4 {
        nodes.call(number % 2, bounds, false).unwrap();
    }
    assert!(matches!(nodes.call(0, bounds, false), Err(Refused::Rate { .. })));
}

#[test]
fn who_counts_alone_has_its_part_and_tells_the_keeper_of_it_later() {
    let (mut nodes, bounds) = (Nodes::new(3), Bounds { calls: 60, concurrent: 6 });
    let (account, plan) = (account(1), plan(60, 6));
    let (clock, node) = (&nodes.clock, &mut nodes.members[0]);
    let here = Here { calls: &node.calls, account: &account, clock };
    let ask = node.share.ask(&here, KEEPER, bounds, 1);
    node.share.unanswered(&here, ask);
    for _ in 0..20 {
        let (standing, admitted) = node.share.alone(&here, &plan, 3);
        assert!(standing.limit == 60 && admitted.is_ok());
    }
    assert!(matches!(node.share.alone(&here, &plan, 3).1, Err(Refused::Rate { .. })));
    for _ in 0..40 {
        nodes.call(0, bounds, false).unwrap();
    }
    assert!(matches!(nodes.call(1, bounds, false), Err(Refused::Rate { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Which node, how long after the one before in milliseconds, whether it runs on, and which node's requests end then.
    #[test]
    fn whatever_comes_where_the_limits_hold_and_nobody_is_refused_below_them(
        limit in prop_oneof![1_u64..30, 300_u64..500],
        concurrent in 1_u64..20,
        steps in proptest::collection::vec((0_usize..4, 0_i64..250, any::<bool>(), proptest::option::of(0_usize..4)), 1..700),
    ) {
        let (mut nodes, bounds) = (Nodes::new(4), Bounds { calls: limit, concurrent });
        let mut now = 0;
        for (place, gap, kept, ends) in steps {
            now += gap;
            nodes.clock.set(now);
            if let Some(ends) = ends {
                nodes.members[ends].runs.clear();
            }
            let (used, running) = (nodes.in_the_last_minute(), nodes.running() as u64);
            match nodes.call(place, bounds, kept) {
                Ok(_) => {
                    prop_assert!(nodes.in_the_last_minute() <= limit + limit / 100, "{used} of {limit}");
                    prop_assert!(running < concurrent, "{running} of {concurrent}");
                }
                Err(Refused::Rate { retry_after }) => {
                    prop_assert!(used >= limit, "{used} of {limit}");
                    prop_assert!((1..=61).contains(&retry_after), "{retry_after}");
                }
                Err(Refused::Concurrency { .. }) => {
                    prop_assert!(running >= concurrent, "{running} of {concurrent}");
                }
            }
        }
    }
}

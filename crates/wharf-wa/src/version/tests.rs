use super::*;

const BUILT_IN: u32 = built_in::REVISION;

fn at(day: u64) -> Timestamp {
    built_in_as_of() + days(day)
}

fn found(revision: u32, day: u64) -> FetchedVersion {
    FetchedVersion { revision, source: VersionSource::SwJs, at: at(day) }
}

#[test]
fn a_number_that_is_taken_and_young_gives_way_after_a_day_only() {
    let version = WebVersion::new(None, at(1));
    version.hear(found(BUILT_IN + 10, 1), at(1));
    version.hear(found(BUILT_IN + 20, 1), at(1) + Duration::from_hours(6));
    assert_eq!(version.revision(), BUILT_IN);
    version.ripen(at(2).plus_millis(-1));
    assert_eq!(version.revision(), BUILT_IN);
    version.ripen(at(2));
    assert_eq!((version.revision(), version.known().source), (BUILT_IN + 20, VersionSource::SwJs));
}

#[test]
fn a_number_that_is_refused_or_old_gives_way_at_once() {
    let refused = WebVersion::new(None, at(1));
    refused.hear(found(BUILT_IN + 10, 1), at(1));
    refused.refuse(BUILT_IN, at(1));
    assert_eq!((refused.revision(), refused.known().is_refused()), (BUILT_IN + 10, false));

    let old = WebVersion::new(None, at(8));
    old.hear(found(BUILT_IN + 10, 8), at(8));
    assert_eq!(old.revision(), BUILT_IN + 10);
}

#[test]
fn the_number_never_falls_and_what_the_store_knew_is_claimed_from_the_start() {
    let version = WebVersion::new(None, at(1));
    version.begin_with(found(BUILT_IN + 10, 1));
    assert_eq!(version.revision(), BUILT_IN + 10);
    version.begin_with(found(BUILT_IN + 5, 1));
    version.hear(found(BUILT_IN + 5, 9), at(9));
    version.refuse(BUILT_IN + 10, at(9));
    assert_eq!((version.revision(), version.known().is_refused()), (BUILT_IN + 10, true));
}

#[test]
fn what_the_operator_set_stands_over_all_also_downward() {
    let version = WebVersion::new(Some(BUILT_IN - 1), at(30));
    version.begin_with(found(BUILT_IN + 5, 30));
    version.hear(found(BUILT_IN + 10, 30), at(30));
    version.refuse(BUILT_IN - 1, at(30));
    version.ripen(at(60));
    let known = version.known();
    assert_eq!((known.revision, known.source), (BUILT_IN - 1, VersionSource::Setting));
    assert_eq!(known.served, Some(found(BUILT_IN + 10, 30)), "what WhatsApp serves is shown all the same");
}

#[test]
fn a_number_that_a_knock_was_let_in_with_is_claimed_at_once_and_only_that_one() {
    let version = WebVersion::new(None, at(1));
    assert_eq!(version.candidate(), None);
    version.hear(found(BUILT_IN + 10, 1), at(1));
    assert_eq!(version.candidate(), Some(BUILT_IN + 10));
    version.hear(found(BUILT_IN + 20, 1), at(1));
    version.prove(BUILT_IN + 10, at(1));
    assert_eq!(version.revision(), BUILT_IN, "another one is known by then, and nobody knocked with it");
    version.prove(BUILT_IN + 20, at(1));
    let known = version.known();
    assert_eq!((known.revision, known.source, known.current_at), (BUILT_IN + 20, VersionSource::SwJs, at(1)));
    version.prove(BUILT_IN + 30, at(1));
    assert_eq!((version.revision(), version.candidate()), (BUILT_IN + 20, None), "nobody told of it");

    let pinned = WebVersion::new(Some(BUILT_IN), at(1));
    pinned.hear(found(BUILT_IN + 10, 1), at(1));
    assert_eq!(pinned.candidate(), None, "the operator's word stands");
}

#[test]
fn a_number_that_a_knock_was_turned_away_with_is_not_claimed_before_the_one_that_is_claimed_is_refused() {
    let version = WebVersion::new(None, at(1));
    version.hear(found(BUILT_IN + 10, 1), at(1));
    version.turn_away(BUILT_IN + 10);
    version.hear(found(BUILT_IN + 10, 2), at(2));
    version.ripen(at(3));
    assert_eq!((version.revision(), version.candidate()), (BUILT_IN, None));
    version.hear(found(BUILT_IN + 20, 3), at(3));
    assert_eq!(version.candidate(), Some(BUILT_IN + 20), "another one is as good as ever");

    let refused = WebVersion::new(None, at(1));
    refused.hear(found(BUILT_IN + 10, 1), at(1));
    refused.turn_away(BUILT_IN + 10);
    refused.refuse(BUILT_IN, at(1));
    refused.hear(found(BUILT_IN + 10, 1), at(1));
    assert_eq!(refused.revision(), BUILT_IN + 10, "nothing is lost by it");
}

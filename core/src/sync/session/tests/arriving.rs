//! What becomes of versions that arrive, or do not, where random schedules seldom lead.

use super::*;

#[test]
fn a_merge_that_says_what_the_other_side_says_is_no_write() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "both");
    rename(&mut b, 0, "both");
    cloud.sync(&mut b);
    // Nothing is left of ours: B wrote the same, later.
    let fetch = Options { push: Push::Nothing, ..Options::default() };
    cloud.sync_with(&mut a, LIMITS, fetch).unwrap();
    assert!(!a.has_waiting().unwrap());
    assert_eq!(cloud.sync(&mut b).pulled, 0);
}

#[test]
fn a_version_of_the_same_writes_that_reads_otherwise_is_taken() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    let stored = envelope_of(7, "w9", 5);
    cloud.backend.put(id(7).as_str(), stored.clone());
    cloud.sync(&mut a);
    let otherwise = String::from_utf8(stored).unwrap().replace("Seven", "Otherwise");
    cloud.backend.put(id(7).as_str(), otherwise.into_bytes());
    let summary = cloud.sync(&mut a);
    assert_eq!((name(&a, 7).as_str(), summary.pulled, summary.pushed), ("Otherwise", 1, 0));
}

#[test]
fn what_is_gone_there_and_edited_here_stays_where_nothing_is_sent_too() {
    let (mut cloud, mut a, mut b) = pair(3);
    a.delete(id(0)).unwrap();
    cloud.sync(&mut a);
    cloud.backend.prune();
    rename(&mut b, 0, "still in use");
    let fetch = Options { push: Push::Nothing, ..Options::default() };
    assert_eq!(cloud.sync_with(&mut b, LIMITS, fetch).unwrap().deleted, 0);
    assert_eq!(name(&b, 0), "still in use");
    cloud.sync(&mut b);
    assert!(cloud.backend.live()[id(0).as_str()].contains("still in use"));
}

#[test]
fn a_record_that_seemed_to_be_deleted_comes_back_from_whoever_has_it() {
    let (mut cloud, mut a, mut b) = pair(3);
    cloud.backend.lose(id(0).as_str());
    a.forget_position();
    assert_eq!(cloud.sync(&mut a).deleted, 1);
    let options = Options { compare: Compare::Everything, ..Options::default() };
    assert_eq!(cloud.sync_with(&mut b, LIMITS, options).unwrap().pushed, 1);
    let summary = cloud.sync(&mut a);
    assert_eq!((name(&a, 0).as_str(), summary.pulled, summary.pushed), ("Project 0", 1, 0));
}

#[test]
fn after_a_backend_was_put_back_nothing_is_sent_until_all_is_listed_in_a_later_sync_too() {
    let (mut cloud, mut a, _) = pair(3);
    let older = cloud.backend.clone();
    rename(&mut a, 0, "news");
    cloud.sync(&mut a);
    cloud.backend = older;
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut a).unwrap() else { panic!() };
    session.receive(&mut a, flight, cloud.answer(request)).unwrap();
    assert!(session.summary().new_epoch && a.has_waiting().unwrap());
    for mut session in [session, Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap()] {
        let Next::Ask(_, request) = session.next(&mut a).unwrap() else { panic!() };
        assert_eq!((request.mutations.len(), request.limit), (0, PAGE));
    }
    cloud.sync(&mut a);
    assert!(cloud.backend.live()[id(0).as_str()].contains("news"));
}

#[test]
fn what_comes_in_the_place_of_ours_during_a_listing_is_not_gone_at_its_end() {
    let (mut cloud, _, mut b) = pair(2);
    let mut a = listed(store("tablet"));
    let limits = Limits { max_page: 1, ..LIMITS };
    let mut session = Session::begin(&mut a, "me@here", limits, Options::default()).unwrap();
    let ask = |session: &mut Session, a: &mut Store, cloud: &mut Cloud| match session.next(a).unwrap() {
        Next::Ask(flight, request) => (flight, cloud.answer(request)),
        other => panic!("{other:?}"),
    };
    let (first, page) = ask(&mut session, &mut a, &mut cloud);
    session.receive(&mut a, first, page).unwrap();
    let (last, last_page) = ask(&mut session, &mut a, &mut cloud);
    // Made on both sides when the listing was over for the backend.
    add(&mut b, 5);
    cloud.sync(&mut b);
    add(&mut a, 5);
    let (push, refusal) = ask(&mut session, &mut a, &mut cloud);
    session.receive(&mut a, push, refusal).unwrap();
    session.receive(&mut a, last, last_page).unwrap();
    assert_eq!(a.count().unwrap(), 3);
    assert!(a.get(id(5)).is_ok(), "it came in the place of ours");
}

//! Listings that never come to an end.

use super::*;

/// Syncs with a backend whose every page says that another follows: the page that was refused, and why. Nothing is dirty.
fn listed(store: &mut Store, page: impl Fn(usize) -> (String, Vec<Change>)) -> (usize, String) {
    let mut session = Session::begin(store, "me@here", LIMITS, Options::default()).unwrap();
    for n in 0.. {
        let (position, changes) = page(n);
        let Next::Ask(flight, request) = session.next(store).unwrap() else { panic!("it ended") };
        assert!(request.mutations.is_empty());
        let cursor = Cursor { position: Some(Position(position)), head: None };
        let answer = Answer::Page(Reply { changes, cursor, more: true, ..Reply::default() });
        match session.receive(store, flight, answer) {
            Ok(()) => {}
            Err(SyncError::Protocol(why)) => return (n, why),
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!()
}

/// What `a` has sent, as pages would show it.
fn shown(cloud: &mut Cloud) -> Vec<Change> {
    let request = Request { limit: 1000, ..Request::default() };
    let Answer::Page(page) = cloud.answer(request) else { panic!() };
    page.changes
}

#[test]
fn positions_that_come_round_again_end_the_sync_and_change_no_record() {
    let (mut cloud, mut a, _) = pair(3);
    let changes = shown(&mut cloud);
    let payloads = a.live_payloads().unwrap();
    for length in [2, 3, 7] {
        let page = |n: usize| (format!("p{}", n % length), changes.clone());
        let (last, why) = listed(&mut a, page);
        assert!(last <= 4 * length && why == "it lists in a circle", "{length}: {last} {why}");
        assert_eq!(a.live_payloads().unwrap(), payloads);
    }
}

#[test]
fn pages_with_nothing_on_them_and_no_end_end_the_sync() {
    let (_, mut a, _) = pair(1);
    let (last, why) = listed(&mut a, |n| (format!("p{n}"), Vec::new()));
    assert_eq!((last, why.as_str()), (1000, "it lists without end, and nothing is on its pages"));
}

#[test]
fn records_that_are_listed_again_and_again_end_the_sync() {
    let (mut cloud, mut a, _) = pair(500);
    let changes = shown(&mut cloud);
    assert_eq!(changes.len(), 500);
    let (last, why) = listed(&mut a, |n| (format!("p{n}"), changes.clone()));
    assert_eq!((last, why.as_str()), (24, "it lists the same records again and again"));
    assert_eq!(a.live_payloads().unwrap().len(), 500);
}

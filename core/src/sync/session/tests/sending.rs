//! What is on disk before a version leaves, and answers that cross or break off.

use super::*;
use crate::store::Durability;

#[test]
fn the_mark_of_a_version_survives_a_loss_of_power_from_before_it_leaves() {
    let (mut cloud, mut a, _) = pair(2);
    rename(&mut a, 0, "news");
    cloud.sync(&mut a);
    assert_eq!(a.durability(), Durability::Refetchable, "what an answer brings can be fetched again");
    a.execute_for_test("UPDATE tracking SET clean_at = NULL WHERE record = 1");
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(_, request) = session.next(&mut a).unwrap() else { panic!() };
    assert_eq!((request.mutations.len(), a.durability()), (1, Durability::Full));
}

#[test]
fn of_answers_that_cross_the_newest_commit_is_remembered() {
    let (mut cloud, mut a) = (Cloud::new(), listed(store("laptop")));
    (0..3).for_each(|n| add(&mut a, n));
    let limits = Limits { max_mutations: 1, ..LIMITS };
    let mut session = Session::begin(&mut a, "me@here", limits, Options::default()).unwrap();
    let mut ask = |session: &mut Session, a: &mut Store| {
        let Next::Ask(flight, request) = session.next(a).unwrap() else { panic!() };
        (flight, cloud.answer(request))
    };
    let (first, answer) = ask(&mut session, &mut a);
    session.receive(&mut a, first, answer).unwrap();
    let [(second, earlier), (third, later)] = [(); 2].map(|()| ask(&mut session, &mut a));
    session.receive(&mut a, third, later).unwrap();
    session.receive(&mut a, second, earlier).unwrap();
    cloud.sync(&mut a);
    assert_eq!(cloud.requests[0].cursor.head.as_ref().map(|head| head.number), Some(3));
}

#[test]
fn a_page_that_was_made_after_an_answer_is_newer_than_it() {
    let (mut cloud, mut a, mut b) = (Cloud::new(), listed(store("laptop")), store("desktop"));
    (10..14).for_each(|n| add(&mut b, n));
    cloud.sync(&mut b);
    (0..3).for_each(|n| add(&mut a, n));
    let limits = Limits { max_mutations: 1, max_page: 3, ..LIMITS };
    let mut session = Session::begin(&mut a, "me@here", limits, Options::default()).unwrap();
    let ask = |session: &mut Session, a: &mut Store| {
        let Next::Ask(flight, request) = session.next(a).unwrap() else { panic!() };
        (flight, request)
    };
    let (first, request) = ask(&mut session, &mut a);
    session.receive(&mut a, first, cloud.answer(request)).unwrap();
    let (page, asked) = ask(&mut session, &mut a);
    let (push, request) = ask(&mut session, &mut a);
    assert_eq!((asked.limit, request.mutations[0].id.as_str(), request.limit), (3, id(2).as_str(), 0));
    let answer = cloud.answer(request);
    cloud.sync(&mut b);
    rename(&mut b, 2, "from B");
    cloud.sync(&mut b);
    let shown = cloud.answer(asked);
    session.receive(&mut a, push, answer).unwrap();
    session.receive(&mut a, page, shown).unwrap();
    cloud.sync(&mut a);
    assert_eq!(name(&a, 2), "from B");
}

#[test]
fn an_answer_that_contradicts_itself_moves_neither_records_nor_the_cursor() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "news");
    cloud.sync(&mut a);
    add(&mut b, 1);
    let mut session = Session::begin(&mut b, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut b).unwrap() else { panic!() };
    let before = b.image().unwrap();
    let Answer::Page(mut reply) = cloud.answer(request) else { panic!() };
    assert_eq!(reply.changes.len(), 1);
    reply.outcomes = vec![Outcome::Conflict(None)];
    assert!(matches!(session.receive(&mut b, flight, Answer::Page(reply)), Err(SyncError::Protocol(_))));
    assert!(b.image().unwrap() == before, "a part of the answer was kept");
}

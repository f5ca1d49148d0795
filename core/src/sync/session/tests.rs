//! Sessions over a real store and a backend in memory: what is asked, how often, and what an answer does.

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::*;
use crate::project::Project;
use crate::store::{Choice, Options as StoreOptions, RawVersion};
use crate::sync::envelope;
use crate::sync::event::What;
use crate::sync::options::{Compare, Decide, Deletions, Push};
use crate::sync::provider::{Answer, Change, Outcome, RejectReason, Reply, Revision, Stored};
use crate::sync::simulation::backend::Backend;

const LIMITS: Limits =
    Limits { max_mutations: 500, max_bytes: 8 << 20, max_record_bytes: 1 << 20, max_page: 1000 };

/// A backend that counts requests and can be told what to refuse.
struct Cloud {
    backend: Backend,
    rng: SmallRng,
    requests: Vec<Request>,
    rejects: Option<String>,
}

impl Cloud {
    fn new() -> Self {
        Self {
            backend: Backend::default(),
            rng: SmallRng::seed_from_u64(1),
            requests: Vec::new(),
            rejects: None,
        }
    }

    fn answer(&mut self, mut request: Request) -> Answer {
        self.requests.push(request.clone());
        let rejected = |m: &super::super::provider::Mutation| Some(&m.id) == self.rejects.as_ref();
        let places: Vec<bool> = request.mutations.iter().map(rejected).collect();
        request.mutations.retain(|mutation| !rejected(mutation));
        let mut answer = self.backend.exchange(&request, &mut self.rng);
        if let Answer::Page(reply) = &mut answer {
            for (place, _) in places.iter().enumerate().filter(|(_, rejected)| **rejected) {
                let message = "not this one".to_owned();
                reply.outcomes.insert(place, Outcome::Rejected { reason: RejectReason::Invalid, message });
            }
        }
        answer
    }

    fn sync_with(
        &mut self,
        store: &mut Store,
        limits: Limits,
        options: Options,
    ) -> Result<Summary, SyncError> {
        self.requests.clear();
        let mut session = Session::begin(store, "me@here", limits, options)?;
        let mut under_way = std::collections::VecDeque::new();
        loop {
            match session.next(store)? {
                Next::Ask(flight, request) => under_way.push_back((flight, self.answer(request))),
                Next::Wait => {
                    let (flight, answer) = under_way.pop_front().unwrap();
                    session.receive(store, flight, answer)?;
                }
                Next::Done => return Ok(session.summary().clone()),
            }
        }
    }

    fn sync(&mut self, store: &mut Store) -> Summary {
        self.sync_with(store, LIMITS, Options::default()).unwrap()
    }
}

fn store(device: &str) -> Store {
    StoreOptions::default().device(device).in_memory().unwrap()
}

/// A store whose account was listed when nothing was there: what it has leaves with the first request.
fn listed(mut store: Store) -> Store {
    store.execute_for_test("UPDATE spaces SET remote = 'me@here', document = 0");
    store
}

fn id(n: usize) -> ProjectId {
    format!("id{n:06}").parse().unwrap()
}

fn add(store: &mut Store, n: usize) {
    store.add(Project::new(id(n), format!("Project {n}"))).unwrap();
}

fn rename(store: &mut Store, n: usize, name: &str) {
    store
        .update(id(n), |project| {
            project.name = name.to_owned();
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn name(store: &Store, n: usize) -> String {
    store.get(id(n)).unwrap().payload.name()
}

/// Two devices that both have projects 0 to `count`.
fn pair(count: usize) -> (Cloud, Store, Store) {
    let (mut cloud, mut a, mut b) = (Cloud::new(), store("laptop"), store("desktop"));
    (0..count).for_each(|n| add(&mut a, n));
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    (cloud, a, b)
}

#[test]
fn a_sync_with_nothing_to_say_is_one_request_without_a_body() {
    let (mut cloud, mut a, mut b) = pair(30);
    for store in [&mut a, &mut b] {
        let summary = cloud.sync(store);
        assert_eq!((cloud.requests.len(), summary.round_trips, summary.pushed, summary.pulled), (1, 1, 0, 0));
        assert!(cloud.requests[0].mutations.is_empty());
    }
}

#[test]
fn ten_changes_go_out_in_one_request_and_are_not_listed_back() {
    let (mut cloud, mut a, mut b) = pair(30);
    (0..10).for_each(|n| rename(&mut a, n, "New"));
    assert_eq!(cloud.sync(&mut a).pushed, 10);
    assert_eq!(cloud.requests.len(), 1);
    assert_eq!(cloud.sync(&mut a).round_trips, 1);
    let before = cloud.backend.traffic();
    cloud.sync(&mut a);
    assert_eq!(cloud.backend.traffic(), before, "its own versions came back");
    assert_eq!(cloud.sync(&mut b).pulled, 10);
    assert_eq!(cloud.requests.len(), 1);
    assert_eq!(name(&b, 3), "New");
}

#[test]
fn many_pushes_leave_no_echo_behind() {
    let (mut cloud, mut a) = (Cloud::new(), listed(store("laptop")));
    (0..50).for_each(|n| add(&mut a, n));
    let summary = cloud.sync_with(&mut a, Limits { max_mutations: 7, ..LIMITS }, Options::default()).unwrap();
    assert_eq!((summary.pushed, cloud.requests.len()), (50, 8));
    assert!(cloud.requests[1..].iter().all(|request| request.limit == 0), "pushes ask for no page");
    let before = cloud.backend.traffic();
    assert_eq!(cloud.sync(&mut a).round_trips, 1);
    assert_eq!(cloud.backend.traffic(), before);
}

#[test]
fn a_push_is_bounded_by_bytes_too() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    (0..10).for_each(|n| add(&mut a, n));
    cloud
        .sync_with(&mut a, Limits { max_bytes: 1000, max_record_bytes: 1000, ..LIMITS }, Options::default())
        .unwrap();
    assert!(cloud.requests.len() > 2);
    for request in &cloud.requests {
        assert!(request.mutations.iter().map(|m| m.envelope.len()).sum::<usize>() <= 1000);
    }
    assert_eq!(cloud.backend.len(), 10);
}

#[test]
fn what_is_too_large_is_parked_before_it_leaves_and_the_rest_goes() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    (0..3).for_each(|n| add(&mut a, n));
    rename(&mut a, 1, &"x".repeat(200));
    let small = Limits { max_record_bytes: 400, ..LIMITS };
    let summary = cloud.sync_with(&mut a, small, Options::default()).unwrap();
    assert_eq!((summary.pushed, summary.parked.len()), (2, 1));
    assert_eq!(summary.parked[0].id, id(1).to_string());
    assert_eq!(cloud.backend.len(), 2);
    // It stays aside until it changes.
    assert_eq!(cloud.sync_with(&mut a, small, Options::default()).unwrap().pushed, 0);
    rename(&mut a, 1, "short");
    assert_eq!(cloud.sync_with(&mut a, small, Options::default()).unwrap().pushed, 1);
}

#[test]
fn what_the_backend_rejects_is_parked_and_goes_again_when_it_changes() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    (0..3).for_each(|n| add(&mut a, n));
    cloud.rejects = Some(id(1).to_string());
    let summary = cloud.sync(&mut a);
    assert_eq!((summary.pushed, summary.parked.len()), (2, 1));
    assert_eq!(summary.parked[0].reason, "not this one");
    assert_eq!(cloud.sync(&mut a).parked.len(), 0);
    assert!(cloud.requests[0].mutations.is_empty());
    assert_eq!(a.standing().unwrap().parked, 1);
    cloud.rejects = None;
    rename(&mut a, 1, "better");
    assert_eq!(cloud.sync(&mut a).pushed, 1);
    assert_eq!(a.standing().unwrap().parked, 0);
}

#[test]
fn a_version_that_cannot_be_read_is_set_aside_and_the_page_goes_on() {
    let (mut cloud, mut a, _) = pair(2);
    cloud.backend.put(id(0).as_str(), b"rubbish".to_vec());
    cloud.backend.put("../../etc", b"{}\n".to_vec());
    rename(&mut a, 1, "after");
    let summary = cloud.sync(&mut a);
    assert_eq!((summary.parked.len(), summary.pushed), (2, 1));
    assert_eq!(name(&a, 0), "Project 0");
    assert_eq!(a.standing().unwrap().parked, 2);
    assert_eq!(cloud.sync(&mut a).parked.len(), 0, "it is not told again");
    // A change of ours waits, too: it would go over something that nobody here has seen.
    rename(&mut a, 0, "mine");
    let summary = cloud.sync(&mut a);
    assert_eq!((summary.pushed, summary.parked.len()), (0, 2));
}

fn describe(store: &mut Store, n: usize, text: &str) {
    store
        .update(id(n), |project| {
            project.description = Some(text.to_owned());
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// What stands in a project's conflicts and what waits there.
fn waiting(store: &Store, n: usize) -> Vec<(String, String)> {
    let text = |value: &Option<Box<serde_json::value::RawValue>>| {
        value.as_ref().map_or("nothing".to_owned(), |value| value.get().to_owned())
    };
    store.conflicts(Some(id(n))).unwrap().iter().map(|c| (text(&c.local), text(&c.cloud))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(local, cloud)| (format!("{local:?}"), format!("{cloud:?}"))).collect()
}

/// `a` has "From A", with "From B" waiting beside it, and has not yet sent it.
fn in_conflict() -> (Cloud, Store, Store) {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "From A");
    rename(&mut b, 0, "From B");
    cloud.sync(&mut b);
    let fetch = Options { push: Push::Nothing, ..Options::default() };
    cloud.sync_with(&mut a, LIMITS, fetch).unwrap();
    assert_eq!(waiting(&a, 0), pairs(&[("From A", "From B")]));
    (cloud, a, b)
}

#[test]
fn an_unanswered_version_goes_again_unchanged_before_anything_newer() {
    let (mut cloud, mut a, _) = pair(1);
    rename(&mut a, 0, "first");
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(_, lost) = session.next(&mut a).unwrap() else { panic!() };
    drop(session);
    rename(&mut a, 0, "second");
    let summary = cloud.sync(&mut a);
    assert_eq!(cloud.requests[0].mutations[0], lost.mutations[0]);
    assert_eq!((summary.pushed, summary.resumed, cloud.requests.len()), (2, 1, 2));
    let live = cloud.backend.live();
    assert!(live[id(0).as_str()].contains("second"));
}

#[test]
fn a_reply_that_was_lost_after_the_backend_stored_it_makes_no_conflict() {
    let (mut cloud, mut a, _) = pair(1);
    rename(&mut a, 0, "first");
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(_, request) = session.next(&mut a).unwrap() else { panic!() };
    cloud.answer(request);
    drop(session);
    rename(&mut a, 0, "second");
    let summary = cloud.sync(&mut a);
    assert_eq!((summary.merged, summary.conflicts), (0, 0));
    assert!(cloud.backend.live()[id(0).as_str()].contains("second"));
    assert!(!a.has_waiting().unwrap());
}

#[test]
fn an_answer_that_breaks_off_changes_nothing() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "news");
    cloud.sync(&mut a);
    let before = b.image().unwrap();
    let mut session = Session::begin(&mut b, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut b).unwrap() else { panic!() };
    let Answer::Page(mut reply) = cloud.answer(request) else { panic!() };
    reply.outcomes.push(Outcome::Conflict(None));
    assert!(matches!(session.receive(&mut b, flight, Answer::Page(reply)), Err(SyncError::Protocol(_))));
    assert_eq!(b.image().unwrap(), before);
}

#[test]
fn a_backend_that_contradicts_itself_ends_the_sync_with_a_protocol_error() {
    let refuse = |guard: Option<Revision>| {
        let stored = guard.map(|revision| Stored { revision, envelope: b"{}\n".to_vec() });
        Answer::Page(Reply { outcomes: vec![Outcome::Conflict(stored)], ..Reply::default() })
    };
    let (mut a, none) = (listed(store("laptop")), Request::default());
    add(&mut a, 0);
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut a).unwrap() else { panic!() };
    let answer = refuse(request.mutations[0].guard.clone());
    assert!(matches!(session.receive(&mut a, flight, answer), Err(SyncError::Protocol(_))));
    for answer in [Answer::Expired, Answer::NewEpoch] {
        let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
        let Next::Ask(flight, _) = session.next(&mut a).unwrap() else { panic!() };
        assert!(matches!(session.receive(&mut a, flight, answer), Err(SyncError::Protocol(_))), "{none:?}");
    }
}

#[test]
fn what_others_deleted_and_the_backend_forgot_is_deleted_here_after_expired() {
    let (mut cloud, mut a, mut b) = pair(30);
    (0..3).for_each(|n| drop(a.delete(id(n)).unwrap()));
    cloud.sync(&mut a);
    cloud.backend.prune();
    rename(&mut b, 0, "still in use");
    let summary = cloud.sync(&mut b);
    assert_eq!(summary.deleted, 2);
    assert_eq!(name(&b, 0), "still in use", "an edit beats a delete");
    cloud.sync(&mut a);
    assert_eq!(name(&a, 0), "still in use");
    assert!(a.restore(id(1)).is_ok(), "its history keeps it");
}

#[test]
fn a_listing_that_would_delete_much_stops_and_asks() {
    let (mut cloud, mut a, _) = pair(40);
    (0..11).for_each(|n| cloud.backend.lose(id(n).as_str()));
    add(&mut a, 99);
    a.forget_position();
    let error = cloud.sync_with(&mut a, LIMITS, Options::default()).unwrap_err();
    assert!(matches!(error, SyncError::ManyGone { gone: 11, total: 41 }), "{error}");
    assert_eq!(crate::diagnostic::Diagnostic::kind(&error).exit_code(), 5);
    assert_eq!(a.standing().unwrap().in_step, 41, "what came with the answer is applied, nothing is deleted");
    assert!(cloud.sync_with(&mut a, LIMITS, Options::default()).is_err(), "asked again it stops again");
    let before = a.image().unwrap();
    let hint = crate::diagnostic::Diagnostic::hint(&error).unwrap();

    assert!(hint.contains("`orkee cloud restore --yes` to delete"), "{hint}");
    let options = Options { push: Push::Nothing, deletions: Deletions::Allow, ..Options::default() };
    let summary = cloud.sync_with(&mut a, LIMITS, options).unwrap();
    assert_eq!((summary.deleted, summary.pushed), (11, 0));

    assert!(hint.contains("`orkee cloud sync --force` to put them back"), "{hint}");
    let mut a = Store::from_image(StoreOptions::default(), &before).unwrap();
    let options = Options { compare: Compare::Joining, ..Options::default() };
    let summary = cloud.sync_with(&mut a, LIMITS, options).unwrap();
    assert_eq!((summary.deleted, summary.pushed), (0, 11));
}

#[test]
fn force_puts_back_what_the_backend_lost_and_moves_nothing_else() {
    let (mut cloud, mut a, _) = pair(40);
    (0..11).for_each(|n| cloud.backend.lose(id(n).as_str()));
    let options = Options { compare: Compare::Everything, ..Options::default() };
    let summary = cloud.sync_with(&mut a, LIMITS, options).unwrap();
    assert_eq!((summary.pushed, summary.pulled, summary.deleted), (11, 0, 0));
    assert_eq!(cloud.backend.len(), 40);
    assert_eq!(cloud.sync(&mut a).round_trips, 1);
}

#[test]
fn another_account_is_refused_until_it_is_forced_and_then_both_are_joined() {
    let (mut cloud, mut a, _) = pair(2);
    let mut other = Cloud::new();
    other.backend.put(id(7).as_str(), envelope_of(7, "w9", 5));
    let begin = |store: &mut Store, options| Session::begin(store, "me@elsewhere", LIMITS, options).map(drop);
    let error = begin(&mut a, Options::default()).unwrap_err();
    assert!(matches!(&error, SyncError::OtherRemote { was, .. } if was == "me@here"), "{error}");
    assert_eq!(crate::diagnostic::Diagnostic::kind(&error).exit_code(), 5);
    let everything = Options { compare: Compare::Everything, ..Options::default() };
    assert!(
        matches!(begin(&mut a, everything), Err(SyncError::OtherRemote { .. })),
        "comparing is not joining"
    );
    assert_eq!(cloud.sync(&mut a).round_trips, 1, "nothing changed");
    begin(&mut a, Options { compare: Compare::Joining, ..Options::default() }).unwrap();
    let mut session = Session::begin(&mut a, "me@elsewhere", LIMITS, Options::default()).unwrap();
    while let Next::Ask(flight, request) = session.next(&mut a).unwrap() {
        assert_eq!(
            request.cursor.head,
            if other.requests.is_empty() { None } else { request.cursor.head.clone() }
        );
        let answer = other.answer(request);
        session.receive(&mut a, flight, answer).unwrap();
    }
    assert_eq!(other.backend.len(), 3);
    assert_eq!(name(&a, 7), "Seven");
}

fn envelope_of(n: usize, writer: &str, clock: u64) -> Vec<u8> {
    let version = RawVersion {
        ancestry: format!("{{\"{writer}\":{clock}}}"),
        device: "elsewhere".to_owned(),
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        payload: Some(format!("{{\"id\":\"{}\",\"name\":\"Seven\"}}", id(n))),
        author: None,
    };
    envelope::write(&version, None).unwrap()
}

#[test]
fn what_was_sent_and_not_answered_counts_as_sent_when_it_turns_out_to_be_there() {
    let mut cloud = Cloud::new();
    let mut a = listed(store("laptop"));
    (0..3).for_each(|n| add(&mut a, n));
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(_, request) = session.next(&mut a).unwrap() else { panic!("nothing to ask") };
    // It arrives; the answer does not.
    cloud.answer(request);
    let summary = cloud.sync(&mut a);
    assert_eq!((summary.pushed, summary.resumed, summary.pulled, summary.merged), (3, 3, 0, 0));
    assert_eq!(cloud.sync(&mut a).pushed, 0);
}

mod arriving;
mod authors;
mod bounds;
mod conflicts;
mod damaged;
mod decisions;
mod endless;
mod giving_up;
mod points;
mod repair;
mod sealing;
mod sending;
mod standing;
mod telling;

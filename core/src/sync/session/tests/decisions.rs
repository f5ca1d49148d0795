//! What a person may ask for beyond the usual, and what goes wrong around a sync.

use super::*;

#[test]
fn one_project_is_pushed_and_all_are_pulled() {
    let (mut cloud, mut a, mut b) = pair(3);
    (0..3).for_each(|n| rename(&mut a, n, "from A"));
    rename(&mut b, 0, "x");
    add(&mut b, 5);
    cloud.sync(&mut b);
    let options = Options { push: Push::Only([id(1)].into()), ..Options::default() };
    let summary = cloud.sync_with(&mut a, LIMITS, options).unwrap();
    assert_eq!((summary.pushed, summary.pulled, summary.merged), (1, 1, 1));
    assert_eq!(a.standing().unwrap().waiting, 2);
}

#[test]
fn a_dry_run_sends_and_writes_nothing_and_tells_what_would_be_done() {
    let (mut cloud, mut a, mut b) = pair(3);
    rename(&mut a, 0, "from A");
    add(&mut a, 8);
    cloud.sync(&mut a);
    rename(&mut b, 1, "from B");
    b.delete(id(2)).unwrap();
    let before = b.image().unwrap();
    let options = Options { dry_run: true, ..Options::default() };
    let summary = cloud.sync_with(&mut b, LIMITS, options).unwrap();
    assert_eq!((summary.pushed, summary.pulled), (2, 2));
    assert!(cloud.requests.iter().all(|request| request.mutations.is_empty()));
    assert_eq!(b.image().unwrap(), before);
}

#[test]
fn a_dry_run_of_a_full_listing_tells_what_is_gone() {
    let (mut cloud, mut a, _) = pair(5);
    cloud.backend.lose(id(3).as_str());
    a.forget_position();
    let options = Options { dry_run: true, ..Options::default() };
    assert_eq!(cloud.sync_with(&mut a, LIMITS, options).unwrap().deleted, 1);
    assert!(a.get(id(3)).is_ok());
}

#[test]
fn the_losing_side_of_a_decision_is_kept_in_history_and_no_conflict_stands() {
    for (decide, expected) in [(Decide::Local(None), "From B"), (Decide::Cloud(None), "From A")] {
        let (mut cloud, mut a, mut b) = pair(1);
        rename(&mut a, 0, "From A");
        rename(&mut b, 0, "From B");
        cloud.sync(&mut a);
        cloud.sync_with(&mut b, LIMITS, Options { decide, ..Options::default() }).unwrap();
        cloud.sync(&mut a);
        assert_eq!((name(&a, 0).as_str(), name(&b, 0).as_str()), (expected, expected));
        assert!(b.conflicts(None).unwrap().is_empty());
        let history = format!("{:?}", b.history(id(0)).unwrap());
        assert!(history.contains("From A") && history.contains("From B"), "{history}");
    }
}

#[test]
fn a_decision_for_one_project_leaves_the_conflicts_of_others() {
    for compare in [Compare::Changes, Compare::Everything] {
        for (decide, expected) in
            [(Decide::Local(Some([id(0)].into())), "From B"), (Decide::Cloud(Some([id(0)].into())), "From A")]
        {
            let (mut cloud, mut a, mut b) = pair(2);
            for n in 0..2 {
                rename(&mut a, n, "From A");
                rename(&mut b, n, "From B");
            }
            cloud.sync(&mut a);
            cloud.sync_with(&mut b, LIMITS, Options { compare, decide, ..Options::default() }).unwrap();
            assert_eq!((name(&b, 0).as_str(), name(&b, 1).as_str()), (expected, "From B"));
            let waiting = b.conflicts(None).unwrap();
            assert_eq!(waiting.len(), 1, "{waiting:?}");
            assert_eq!((waiting[0].id, waiting[0].cloud.as_ref().unwrap().get()), (id(1), "\"From A\""));
        }
    }
}

#[test]
fn forced_local_overwrites_what_is_newer_there_and_forced_cloud_what_is_unsent_here() {
    let options = |decide| Options { compare: Compare::Everything, decide, ..Options::default() };
    let (mut cloud, mut a, mut b) = pair(2);
    rename(&mut a, 0, "newer");
    cloud.sync(&mut a);
    cloud.sync_with(&mut b, LIMITS, options(Decide::Local(None))).unwrap();
    cloud.sync(&mut a);
    assert_eq!(name(&a, 0), "Project 0");

    rename(&mut b, 1, "unsent");
    add(&mut b, 5);
    cloud.sync_with(&mut b, LIMITS, options(Decide::Cloud(None))).unwrap();
    assert_eq!(name(&b, 1), "Project 1");
    assert!(b.get(id(5)).is_ok(), "what only one side has is copied");
    assert_eq!(cloud.backend.len(), 3);
    assert!(!b.has_waiting().unwrap());
}

#[test]
fn a_restored_store_takes_another_name_and_loses_nothing() {
    let (mut cloud, mut a, _) = pair(2);
    let backup = a.image().unwrap();
    rename(&mut a, 0, "after the backup");
    cloud.sync(&mut a);
    let mut a = Store::from_image(StoreOptions::default(), &backup).unwrap();
    rename(&mut a, 0, "after the restore");
    let summary = cloud.sync(&mut a);
    assert!(summary.was_a_copy);
    assert_eq!((summary.merged, summary.conflicts), (1, 1));
    assert_eq!(a.conflicts(None).unwrap()[0].cloud.as_ref().unwrap().get(), "\"after the backup\"");
    assert!(!cloud.sync(&mut a).was_a_copy);
}

#[test]
fn a_backend_that_was_put_back_gets_everything_again_and_deletes_nothing() {
    let (mut cloud, mut a, mut b) = pair(20);
    let backup = cloud.backend.clone();
    (20..40).for_each(|n| add(&mut a, n));
    rename(&mut a, 0, "newer");
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    cloud.backend = backup;
    let summary = cloud.sync(&mut a);
    assert!(summary.new_epoch);
    assert_eq!(
        (summary.pushed, summary.deleted, summary.merged),
        (21, 0, 0),
        "what it still has is not sent"
    );
    let summary = cloud.sync(&mut b);
    assert_eq!((summary.pulled, summary.deleted, summary.conflicts), (0, 0, 0));
    assert_eq!(cloud.backend.live()[id(0).as_str()], a.live_payloads().unwrap()[id(0).as_str()]);
}

#[test]
fn a_listing_that_offers_goes_on_before_anything_is_sent_when_it_was_interrupted() {
    let (mut cloud, mut a, _) = pair(20);
    cloud.backend.lose(id(3).as_str());
    let narrow = Limits { max_page: 8, max_mutations: 4, ..LIMITS };
    let force = Options { compare: Compare::Everything, ..Options::default() };
    let mut session = Session::begin(&mut a, "me@here", narrow, force).unwrap();
    let Next::Ask(flight, request) = session.next(&mut a).unwrap() else { panic!() };
    let answer = cloud.answer(request);
    session.receive(&mut a, flight, answer).unwrap();
    drop(session);
    rename(&mut a, 0, "edited meanwhile");
    let summary = cloud.sync_with(&mut a, narrow, Options::default()).unwrap();
    let sent = |request: &Request| request.mutations.len();
    assert_eq!(cloud.requests.iter().map(sent).collect::<Vec<_>>(), [0, 0, 2]);
    assert_eq!((summary.pushed, summary.deleted), (2, 0));
}

#[test]
fn a_page_that_waited_for_a_push_that_is_too_large_is_applied_and_the_rest_is_sent() {
    let (mut cloud, mut a, mut b) = pair(6);
    for n in [0, 3] {
        rename(&mut b, n, "from B");
        cloud.sync(&mut b);
    }
    (1..6).for_each(|n| describe(&mut a, n, "from A"));
    let one = Limits { max_page: 1, max_mutations: 1, ..LIMITS };
    let two = Options { in_flight: 2, ..Options::default() };
    let mut session = Session::begin(&mut a, "me@here", one, two).unwrap();
    // The second page brings project 3 while a push of it is under way, which fails.
    let (mut under_way, mut was_held) = (Vec::new(), false);
    loop {
        match session.next(&mut a).unwrap() {
            Next::Ask(flight, request) => under_way.push((flight, request)),
            Next::Wait if under_way.len() == 1 && session.held.is_some() && !was_held => {
                was_held = true;
                let (flight, _) = under_way.remove(0);
                session.fail(&mut a, flight, ProviderError::new(Failure::TooLarge, "too much")).unwrap();
            }
            Next::Wait => {
                let (flight, request) = under_way.remove(0);
                let answer = cloud.answer(request);
                session.receive(&mut a, flight, answer).unwrap();
            }
            Next::Done => break,
        }
    }
    assert!(was_held, "no page waited");
    assert!(!a.has_waiting().unwrap());
    assert_eq!(cloud.backend.live(), a.live_payloads().unwrap());
    assert_eq!(name(&a, 3), "from B");
}

#[test]
fn what_could_not_be_read_is_forgotten_when_it_can_be_read_in_the_same_sync() {
    let (mut cloud, mut a, _) = pair(2);
    cloud.backend.put(id(0).as_str(), b"rubbish".to_vec());
    cloud.backend.put(id(1).as_str(), envelope_of(1, "w9", u64::MAX >> 2));
    let narrow = Limits { max_page: 1, ..LIMITS };
    let mut session = Session::begin(&mut a, "me@here", narrow, Options::default()).unwrap();
    cloud.requests.clear();
    while let Next::Ask(flight, request) = session.next(&mut a).unwrap() {
        let answer = cloud.answer(request);
        session.receive(&mut a, flight, answer).unwrap();
        if cloud.requests.len() == 1 {
            assert_eq!(a.standing().unwrap().parked, 1);
            cloud.backend.put(id(0).as_str(), envelope_of(0, "w9", u64::MAX >> 2));
        }
    }
    assert_eq!(a.standing().unwrap().parked, 0);
}

#[test]
fn a_commit_with_a_number_that_cannot_be_kept_is_against_the_contract_and_breaks_nothing() {
    let (mut cloud, mut a, _) = pair(1);
    let before = a.image().unwrap();
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut a).unwrap() else { panic!() };
    let Answer::Page(mut reply) = cloud.answer(request) else { panic!() };
    reply.cursor.head.as_mut().unwrap().number = 1 << 63;
    let error = session.receive(&mut a, flight, Answer::Page(reply)).unwrap_err();
    assert!(matches!(error, SyncError::Protocol(_)), "{error}");
    assert_eq!(a.image().unwrap(), before);
    cloud.sync(&mut a);
}

#[test]
fn each_record_that_is_set_aside_is_told_as_it_happens() {
    let (mut cloud, mut a, _) = pair(3);
    cloud.backend.put(id(0).as_str(), b"rubbish".to_vec());
    cloud.backend.put(&"\u{1b}[2J".repeat(100), b"{}\n".to_vec());
    rename(&mut a, 1, "refused");
    describe(&mut a, 2, &"x".repeat(600));
    cloud.rejects = Some(id(1).to_string());
    let small = Limits { max_record_bytes: 500, ..LIMITS };
    let mut session = Session::begin(&mut a, "me@here", small, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut a).unwrap() else { panic!() };
    let answer = cloud.answer(request);
    session.receive(&mut a, flight, answer).unwrap();
    let told = session.take_events().into_iter().filter_map(|event| match event.what {
        What::Parked { reason } | What::Unreadable { reason } => Some((event.id, reason)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let ids: Vec<&str> = told.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, [id(2).as_str(), id(1).as_str(), id(0).as_str(), &"\\u{1b}[2J".repeat(100)[..80]]);
    let parked = session.summary().parked.iter().map(|parked| (parked.id.clone(), parked.reason.clone()));
    assert_eq!(told, parked.collect::<Vec<_>>());
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_a_single_record_parked() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    (0..4).for_each(|n| add(&mut a, n));
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    loop {
        match session.next(&mut a).unwrap() {
            Next::Ask(flight, request) => {
                let heavy = request.mutations.iter().any(|mutation| mutation.id == id(2).as_str());
                if request.mutations.len() > 2 || heavy {
                    session.fail(&mut a, flight, ProviderError::new(Failure::TooLarge, "too much")).unwrap();
                } else {
                    let answer = cloud.answer(request);
                    session.receive(&mut a, flight, answer).unwrap();
                }
            }
            Next::Wait => panic!("nothing is under way"),
            Next::Done => break,
        }
    }
    assert_eq!((session.summary().pushed, session.summary().parked.len()), (3, 1));
    let events = session.take_events();
    assert!(
        events.iter().any(|event| event.id == id(2).as_str() && matches!(event.what, What::Parked { .. }))
    );
}

#[test]
fn a_failed_request_ends_the_sync_and_the_next_one_goes_on() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    add(&mut a, 0);
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(flight, _) = session.next(&mut a).unwrap() else { panic!() };
    let error =
        session.fail(&mut a, flight, ProviderError::new(Failure::Unreachable, "no route")).unwrap_err();
    assert!(matches!(error, SyncError::Provider(_)));
    assert_eq!(cloud.sync(&mut a).pushed, 1);
}

#[test]
fn what_a_sync_costs_follows_the_changes_and_not_the_records() {
    let cost = |records: usize, changes: usize| {
        let (mut cloud, mut a, mut b) = pair(records);
        let idle = a.instructions(|a| drop(cloud.sync(a)));
        (0..changes).for_each(|n| rename(&mut a, n, "New"));
        let push = a.instructions(|a| drop(cloud.sync(a)));
        let pull = b.instructions(|b| drop(cloud.sync(b)));
        // What every sync and its summary ask besides.
        let ask =
            |b: &mut Store| drop((b.conflicts(None).unwrap(), b.parked().unwrap(), b.unsent().unwrap()));
        [idle, push, pull, b.instructions(ask)]
    };
    let (few, many) = (cost(50, 10), cost(1_000, 10));
    assert!(few[0] < 400, "{few:?}");
    for (few, many) in few.iter().zip(many) {
        assert!(many <= few + few / 20, "{few} instructions at 50 records, {many} at 1000");
    }
}

#[test]
fn history_says_of_a_version_that_it_was_merged_and_compares_what_stood() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "from A");
    cloud.sync(&mut a);
    b.update(id(0), |project| {
        project.description = Some("on B".to_owned());
        Ok::<_, StoreError>(())
    })
    .unwrap();
    cloud.sync(&mut b);
    let history = b.history(id(0)).unwrap();
    let told: Vec<(bool, Vec<&str>)> = history
        .iter()
        .map(|entry| {
            let fields = entry.fields.iter().map(|change| change.field.as_str());
            (entry.was_merged, fields.filter(|field| *field != "updatedAt").collect())
        })
        .collect();
    assert_eq!(told[1..], [(false, vec!["description"]), (true, vec!["name"]), (false, vec!["name"])]);
}

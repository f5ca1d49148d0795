//! Claiming, settling and sending again.

use std::sync::Arc;
use std::time::Duration;

use super::changing::{add, all, happen, ledger, new};
use super::*;
use crate::diagnostic::Diagnostic;
use crate::event::breakers::Breaker;
use crate::event::deliveries::{
    Claim, Claimed, Ended, Next, Record, Settled, Settlement, State, Which, claim, redeliver, settle,
};

pub(super) fn claims(ledger: &dyn Ledger, holder: &str, seconds: i64) -> Vec<Claimed> {
    let wanted = Claim {
        holder: holder.to_owned(),
        now: at(seconds),
        lease: Duration::from_secs(60),
        limit: 64,
        per_endpoint: 4,
        per_owner: None,
        owner: None,
    };
    ledger.noting(|db| claim(db, &wanted)).unwrap()
}

fn record(class: Class, seconds: i64) -> Record {
    Record {
        at: at(seconds),
        duration: Duration::from_millis(12),
        class,
        status: Some(500),
        tls: Some("TLSv1.3".to_owned()),
        address: Some("127.0.0.1".parse().unwrap()),
        request_id: Some("r-1".to_owned()),
        reply: vec![b'x'; 2000],
    }
}

fn ends(ledger: &dyn Ledger, claimed: &Claimed, holder: &str, ended: Ended, seconds: i64) -> Settlement {
    let settled = Settled {
        delivery: claimed.delivery,
        holder: holder.to_owned(),
        endpoint: Arc::clone(&claimed.endpoint),
        ended,
    };
    ledger.noting(|db| settle(db, &[settled], at(seconds))).unwrap()
}

pub(super) fn fails(
    ledger: &dyn Ledger,
    claimed: &Claimed,
    holder: &str,
    seconds: i64,
    next: Next,
) -> Settlement {
    ends(ledger, claimed, holder, Ended::Attempted(record(Class::ServerError, seconds), next), seconds)
}

fn arrives(ledger: &dyn Ledger, claimed: &Claimed, holder: &str, seconds: i64) -> Settlement {
    ends(
        ledger,
        claimed,
        holder,
        Ended::Attempted(record(Class::Delivered, seconds), Next::Delivered),
        seconds,
    )
}

#[test]
fn w18_what_one_holder_has_is_nobody_elses_until_the_lease_ends() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    let first = claims(ledger, "a", 0);
    assert_eq!(first.len(), 1);
    assert!(claims(ledger, "b", 59).is_empty());
    let second = claims(ledger, "b", 60);
    assert_eq!((second[0].delivery, &second[0].id, second[0].number), (first[0].delivery, &first[0].id, 1));
    assert_eq!(second[0].body, first[0].body);
    // The first one lives after all. What it did is noted, and the delivery stays the second one's.
    assert_eq!(fails(ledger, &first[0], "a", 61, Next::Retry(at(1000))).lost, 1);
    assert!(claims(ledger, "c", 62).is_empty());
    assert_eq!(arrives(ledger, &second[0], "b", 62).lost, 0);
    let shown = &all(ledger, owner)[0];
    assert_eq!(shown.state, State::Delivered);
    let attempts: Vec<_> = shown.attempts.iter().map(|a| (a.number, a.class, a.next_at)).collect();
    assert_eq!(attempts, [(1, Class::ServerError, None), (2, Class::Delivered, None)]);
}

#[test]
fn a_holder_that_gives_back_what_it_has_lets_others_have_it_at_once() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    assert_eq!(claims(ledger, "a", 0).len(), 1);
    assert_eq!(ledger.noting(|db| deliveries::release(db, "a")).unwrap(), 1);
    assert_eq!(claims(ledger, "b", 0).len(), 1);
}

#[test]
fn a_failed_attempt_is_kept_whole_and_the_next_one_is_due_when_it_was_said() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    let claimed = claims(ledger, "a", 1).remove(0);
    fails(ledger, &claimed, "a", 1, Next::Retry(at(6)));
    let shown = all(ledger, owner).remove(0);
    assert_eq!((shown.state, shown.next_at), (State::Pending, Some(at(6))));
    let attempt = &shown.attempts[0];
    assert_eq!((attempt.number, attempt.at, attempt.duration), (1, at(1), Duration::from_millis(12)));
    assert_eq!(
        (attempt.status, attempt.tls.as_deref(), attempt.address.as_deref()),
        (Some(500), Some("TLSv1.3"), Some("127.0.0.1"))
    );
    assert_eq!(
        (attempt.request_id.as_deref(), attempt.reply.len(), attempt.next_at),
        (Some("r-1"), 1024, Some(at(6)))
    );
    let next = |seconds| ledger.reading(|db| deliveries::next_due(db, Some(owner), at(seconds))).unwrap();
    assert_eq!(next(1), Some(at(6)));
    assert!(claims(ledger, "a", 5).is_empty());
    let again = claims(ledger, "a", 6).remove(0);
    assert_eq!((again.id, again.body, again.number, again.tried), (claimed.id, claimed.body, 2, 1));
    assert_eq!(next(6), Some(at(66)), "when the lease ends");
}

#[test]
fn an_attempt_that_is_put_off_uses_none_up() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    let claimed = claims(ledger, "a", 0).remove(0);
    ends(ledger, &claimed, "a", Ended::PutOff(at(30)), 0);
    let again = claims(ledger, "a", 30).remove(0);
    assert_eq!((again.number, again.tried), (1, 0));
    ends(ledger, &again, "a", Ended::GivenUp("too old".to_owned()), 31);
    let shown = all(ledger, owner).remove(0);
    assert_eq!((shown.state, shown.why.as_deref(), shown.attempts.len()), (State::Dead, Some("too old"), 0));
}

#[test]
fn w19_an_ordered_endpoint_gets_one_at_a_time_and_the_oldest_first() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &NewEndpoint { ordered: true, ..new("https://a.example") });
    for project in ["aaaaaaaa", "bbbbbbbb", "aaaaaaaa"] {
        happen(ledger, owner, project, 0);
    }
    let first = claims(ledger, "a", 0);
    assert_eq!(first.len(), 1);
    assert!(claims(ledger, "b", 1).is_empty(), "while the first is on its way");
    fails(ledger, &first[0], "a", 1, Next::Retry(at(100)));
    assert!(claims(ledger, "b", 99).is_empty(), "while the first waits");
    assert_eq!(ledger.reading(|db| deliveries::next_due(db, None, at(99))).unwrap(), Some(at(100)));
    let again = claims(ledger, "b", 100);
    assert_eq!(again[0].id, first[0].id);
    arrives(ledger, &again[0], "b", 100);
    let second = claims(ledger, "b", 101);
    assert!(second.len() == 1 && second[0].delivery > first[0].delivery);
}

#[test]
fn w19_elsewhere_one_that_fails_holds_nobody_up() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    happen(ledger, owner, "aaaaaaaa", 0);
    let first = claims(ledger, "a", 0);
    assert_eq!(first.len(), 2);
    fails(ledger, &first[0], "a", 1, Next::Retry(at(100)));
    arrives(ledger, &first[1], "a", 1);
    happen(ledger, owner, "aaaaaaaa", 2);
    assert_eq!(claims(ledger, "a", 2).len(), 1);
}

#[test]
fn w21_an_endpoint_has_so_many_on_their_way_and_those_that_have_least_come_first() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let slow = add(ledger, owner, &new("https://slow.example"));
    for _ in 0..10 {
        happen(ledger, owner, "aaaaaaaa", 0);
    }
    assert_eq!(claims(ledger, "a", 0).len(), 4);
    assert!(claims(ledger, "a", 1).is_empty(), "four are on their way");
    let other = add(ledger, owner, &new("https://other.example"));
    happen(ledger, owner, "aaaaaaaa", 1);
    let next = claims(ledger, "a", 61);
    assert_eq!(next.len(), 5);
    let of = |endpoint: &Endpoint| next.iter().filter(|claimed| claimed.endpoint.id == endpoint.id).count();
    assert_eq!((of(&slow), of(&other)), (4, 1));
}

#[test]
fn an_endpoint_whose_breaker_is_open_waits_and_then_gets_one_to_try_with() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    happen(ledger, owner, "aaaaaaaa", 0);
    let open = Breaker { opened_until: at(30), failures: 5 };
    ledger.noting(|db| breakers::put(db, &endpoint, open)).unwrap();
    assert_eq!(ledger.reading(|db| breakers::find(db, &endpoint)).unwrap(), Some(open));
    assert!(claims(ledger, "a", 29).is_empty());
    assert_eq!(ledger.reading(|db| deliveries::next_due(db, None, at(29))).unwrap(), Some(at(30)));
    assert!(!ledger.reading(|db| deliveries::has_due(db, None, at(29))).unwrap());
    assert_eq!(claims(ledger, "a", 30).len(), 1);
    ledger.noting(|db| breakers::clear(db, &endpoint)).unwrap();
    assert_eq!(claims(ledger, "a", 30).len(), 1);
}

#[test]
fn what_is_fetched_is_not_sent_and_what_is_anothers_is_left() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &NewEndpoint { pulled: true, ..new("https://a.example") });
    happen(ledger, owner, "aaaaaaaa", 0);
    assert!(claims(ledger, "a", 1).is_empty());
    add(ledger, owner, &new("https://b.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    let due = |owner| ledger.reading(|db| deliveries::due_count(db, owner, at(1))).unwrap();
    assert_eq!((due(None), due(Some(owner)), due(Some(Owner(owner.0 + 1)))), (1, 1, 0));
    let wanted = Claim {
        holder: "a".to_owned(),
        now: at(1),
        lease: Duration::from_secs(60),
        limit: 64,
        per_endpoint: 4,
        per_owner: None,
        owner: Some(Owner(owner.0 + 1)),
    };
    assert!(ledger.noting(|db| claim(db, &wanted)).unwrap().is_empty());
}

#[test]
fn w13_an_endpoint_that_wants_no_more_is_disabled_at_once_with_all_that_waits() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    happen(ledger, owner, "bbbbbbbb", 5);
    let claimed = claims(ledger, "a", 0).remove(0);
    let gone = fails(ledger, &claimed, "a", 1, Next::Disable("it is gone (410)".to_owned()));
    assert_eq!(gone.disabled.len(), 1);
    let states: Vec<_> = all(ledger, owner).into_iter().map(|d| (d.state, d.why.unwrap())).collect();
    assert_eq!(
        states,
        [(State::Cancelled, "endpoint disabled".to_owned()), (State::Dead, "it is gone (410)".to_owned())]
    );
    assert_eq!(ledger.reading(|db| deliveries::next_due(db, None, at(9))).unwrap(), None);
}

#[test]
fn w14_five_days_without_a_success_disable_an_endpoint_once_and_a_success_begins_anew() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    let five_days = 5 * 86_400;
    let attempt = |seconds: i64, class: Class| {
        happen(ledger, owner, "aaaaaaaa", seconds);
        let claimed = claims(ledger, "a", seconds).remove(0);
        let next = if class == Class::Delivered { Next::Delivered } else { Next::Dead("no".to_owned()) };
        ends(ledger, &claimed, "a", Ended::Attempted(record(class, seconds), next), seconds).disabled.len()
    };
    let failing = || ledger.reading(|db| endpoints::find(db, owner, &endpoint.id)).unwrap().failing_since;
    assert_eq!(attempt(0, Class::Timeout), 0);
    assert_eq!(failing(), Some(at(0)));
    assert_eq!(attempt(five_days - 1, Class::Timeout), 0);
    assert_eq!(attempt(five_days, Class::Delivered), 0);
    assert_eq!(failing(), None);
    for n in 0..10 {
        assert_eq!(attempt(five_days + 1 + n * 43_200, Class::Timeout), 0);
    }
    assert_eq!(attempt(2 * five_days, Class::Timeout), 0);
    assert_eq!(attempt(2 * five_days + 1, Class::Timeout), 1);
    let found = ledger.reading(|db| endpoints::find(db, owner, &endpoint.id)).unwrap();
    assert_eq!(found.disabled.unwrap().1, "every attempt failed for five days");
}

/// Attempts on one endpoint, by the day and how each ended: whether the last switched it off.
fn is_switched_off(attempts: &[(i64, Class)], other: Option<Class>) -> bool {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    if other.is_some() {
        add(ledger, owner, &new("https://b.example"));
    }
    let mut is_off = false;
    for (n, (day, class)) in attempts.iter().enumerate() {
        if is_off {
            break;
        }
        let seconds = day * 86_400 + n as i64;
        happen(ledger, owner, "aaaaaaaa", seconds);
        for claimed in claims(ledger, "a", seconds) {
            let is_it = claimed.endpoint.id == endpoint.id;
            let class = if is_it { *class } else { other.unwrap() };
            let ended = Ended::Attempted(record(class, seconds), Next::Dead("no".to_owned()));
            let settled = ends(ledger, &claimed, "a", ended, seconds);
            is_off |= settled.disabled.iter().any(|(disabled, _)| disabled.id == endpoint.id);
        }
    }
    is_off
}

#[test]
fn w14_time_that_passed_without_attempts_switches_nothing_off() {
    use Class::{Dns, ServerError};
    // It failed once, and again after a week with the lid closed.
    assert!(!is_switched_off(&[(0, ServerError), (7, ServerError)], None));
    assert!(!is_switched_off(&[[(0, ServerError); 5], [(7, ServerError); 5]].concat(), None), "on two days");
    let days = |class| [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|day| (day, class));
    assert!(is_switched_off(&days(ServerError), None));
    // A week without a network, in which nothing else was reached, and one in which others were.
    assert!(!is_switched_off(&days(Dns), None));
    assert!(!is_switched_off(&days(Dns), Some(Class::Unreachable)));
    assert!(is_switched_off(&days(Class::Refused), None), "somebody's machine was there to refuse");
    assert!(is_switched_off(&days(Dns), Some(ServerError)));
}

#[test]
fn what_is_sent_again_has_its_id_and_bytes_and_a_schedule_of_its_own() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    happen(ledger, owner, "bbbbbbbb", 10);
    let mut first = claims(ledger, "a", 10);
    fails(ledger, &first[0], "a", 10, Next::Dead("no".to_owned()));
    arrives(ledger, &first[1], "a", 10);
    let again = |which: Which, endpoint: Option<&str>| {
        ledger.writing(|db| redeliver(db, owner, endpoint, &which, at(1000)))
    };
    assert_eq!(again(Which::Failed(Some(at(1))), None).unwrap(), 0, "the one that failed is older");
    assert_eq!(again(Which::Failed(Some(at(0))), Some("ep_other")).unwrap(), 0);
    assert_eq!(again(Which::Failed(Some(at(0))), Some(&endpoint.id)).unwrap(), 1);
    assert_eq!(again(Which::Events(vec![first[1].id.clone()]), None).unwrap(), 1, "one that arrived, too");
    let unknown = again(Which::Events(vec![first[0].id.clone(), "msg_none".to_owned()]), None);
    assert_eq!(unknown.unwrap_err().code(), "E-HOOK-007");
    let second = claims(ledger, "a", 1000);
    let one = first.remove(0);
    assert_eq!((&second[0].id, &second[0].body, second[0].event_at), (&one.id, &one.body, one.event_at));
    assert_eq!((second[0].number, second[0].tried, second[0].since), (2, 0, at(1000)));
    let on_its_way = again(Which::Events(vec![one.id]), None);
    assert_eq!(on_its_way.unwrap_err().code(), "E-HOOK-007");
}

#[test]
fn an_endpoint_that_cannot_be_read_keeps_no_other_from_being_served_and_can_be_removed() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let broken = add(ledger, owner, &new("https://broken.example"));
    let sound = add(ledger, owner, &new("https://sound.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    let sql = "UPDATE signing_keys SET secret = 'nonsense' WHERE endpoint = (SELECT rowid FROM endpoints WHERE id = ?)";
    ledger.writing(|db| Ok(db.execute(sql, [&broken.id])?)).unwrap();
    let claimed = claims(ledger, "a", 0);
    assert_eq!(claimed.iter().map(|one| &one.endpoint.id).collect::<Vec<_>>(), [&sound.id]);
    let found = ledger.reading(|db| endpoints::find(db, owner, &broken.id)).unwrap();
    assert_eq!(found.disabled.unwrap().1, "its secret cannot be read");
    let sql = "UPDATE endpoints SET private = 'nonsense', filters = '{' WHERE id = ?";
    ledger.writing(|db| Ok(db.execute(sql, [&broken.id])?)).unwrap();
    let found = ledger.reading(|db| endpoints::find(db, owner, &broken.id)).unwrap();
    ledger.writing(|db| endpoints::remove(db, &found, at(1))).unwrap();
    assert_eq!(ledger.reading(|db| endpoints::list(db, owner)).unwrap(), [sound]);
}

#[test]
fn a_list_goes_on_where_its_last_part_ended() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    for n in 0..5 {
        happen(ledger, owner, "aaaaaaaa", n);
    }
    let mut query = deliveries::Query { limit: 2, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = ledger.reading(|db| deliveries::list(db, owner, &query)).unwrap();
        seen.extend(page.deliveries.iter().map(|delivery| delivery.sequence));
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let since = deliveries::Query { since: Some(at(3)), limit: 10, ..Default::default() };
    assert_eq!(ledger.reading(|db| deliveries::list(db, owner, &since)).unwrap().deliveries.len(), 2);
    let failed = deliveries::Query { failed: true, limit: 10, ..Default::default() };
    assert!(ledger.reading(|db| deliveries::list(db, owner, &failed)).unwrap().deliveries.is_empty());
}

//! Events that are fetched, and who says how endpoints may be reached.

use super::changing::{add, happen, ledger, new};
use super::*;
use crate::event::deliveries::{Claim, claim, take, waiting};
use crate::plugin::Access;

fn listening(url: &str) -> NewEndpoint {
    NewEndpoint { pulled: true, ..new(url) }
}

#[test]
fn w39_what_is_fetched_waits_in_order_until_it_is_taken_and_is_never_sent() {
    let (file, owner) = ledger();
    let ledger: &dyn Ledger = &file;
    let endpoint = add(ledger, owner, &listening("http://127.0.0.1:3000/hook"));
    let sent = add(ledger, owner, &new("https://a.example/"));
    (0..3).for_each(|n| happen(ledger, owner, "aaaaaaaa", n));
    let fetched = |limit| ledger.reading(|db| waiting(db, &endpoint, limit)).unwrap();
    let all = fetched(9);
    let sequence = |one: &deliveries::Waiting| {
        serde_json::from_slice::<serde_json::Value>(&one.body).unwrap()["sequence"].as_u64()
    };
    assert_eq!(all.iter().map(sequence).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert_eq!(fetched(2), all[..2]);
    let claimed = Claim {
        holder: "h".to_owned(),
        now: at(9),
        lease: std::time::Duration::from_secs(60),
        limit: 9,
        per_endpoint: 9,
        per_owner: None,
        owner: None,
    };
    let claimed = ledger.writing(|db| claim(db, &claimed)).unwrap();
    assert!(claimed.len() == 3 && claimed.iter().all(|one| one.endpoint.id == sent.id), "{claimed:?}");

    let taken = [all[0].id.clone(), all[2].id.clone(), "msg_of_somebody_else".to_owned()];
    assert_eq!(ledger.writing(|db| take(db, &endpoint, &taken, at(10))).unwrap(), 2);
    assert_eq!(ledger.writing(|db| take(db, &endpoint, &taken, at(11))).unwrap(), 0, "once");
    assert_eq!(fetched(9), all[1..2]);
    let query = deliveries::Query { endpoint: Some(sent.id), limit: 9, ..Default::default() };
    let page = ledger.reading(|db| deliveries::list(db, owner, &query)).unwrap();
    assert!(page.deliveries.iter().all(|one| one.state == deliveries::State::Pending), "the other's wait on");
}

#[test]
fn w35_how_endpoints_may_be_reached_is_said_of_all_at_once() {
    let (file, owner) = ledger();
    let ledger: &dyn Ledger = &file;
    let before = add(ledger, owner, &new("https://a.example/"));
    let access = Access { loopback: true, private: vec!["10.0.0.0/8".parse().unwrap()], ca: None };
    ledger.writing(|db| endpoints::set_access(db, &access)).unwrap();
    assert_eq!(ledger.reading(|db| endpoints::find(db, owner, &before.id)).unwrap().access, access);
    ledger.writing(|db| endpoints::set_access(db, &Access::default())).unwrap();
    assert_eq!(ledger.reading(|db| endpoints::find(db, owner, &before.id)).unwrap(), before);
}

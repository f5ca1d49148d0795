//! What a session holds: it does not grow with the records.

use super::*;

/// Envelopes and their bytes, as a request or an answer has them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    records: usize,
    bytes: usize,
}

fn of<'a>(envelopes: impl Iterator<Item = &'a Vec<u8>>) -> Held {
    let none = Held { records: 0, bytes: 0 };
    envelopes.fold(none, |held, one| Held { records: held.records + 1, bytes: held.bytes + one.len() })
}

/// Syncs with as many requests in flight as the session wants. The most that was held at once: sent and unanswered, and that an
/// answer brought; and what stays of answers that no page can cross any more.
fn most_held(cloud: &mut Cloud, store: &mut Store) -> (Held, Held) {
    let mut session = Session::begin(store, "me@here", LIMITS, Options::default()).unwrap();
    let mut under_way = std::collections::VecDeque::new();
    let (mut sent, mut brought) = (of([].iter()), of([].iter()));
    loop {
        match session.next(store).unwrap() {
            Next::Ask(flight, request) => {
                let carried = of(request.mutations.iter().map(|mutation| &mutation.envelope));
                under_way.push_back((flight, carried, cloud.answer(request)));
            }
            Next::Wait => {
                let (flight, _, answer) = under_way.pop_front().unwrap();
                if let Answer::Page(reply) = &answer {
                    let page = of(reply.changes.iter().map(|change| &change.stored.envelope));
                    brought = Held {
                        records: brought.records.max(page.records),
                        bytes: brought.bytes.max(page.bytes),
                    };
                }
                session.receive(store, flight, answer).unwrap();
                assert!(session.take_events().len() <= 1000, "they are told as they happen");
                assert!(session.spans.len() <= IN_FLIGHT, "{:?}", session.spans);
            }
            Next::Done => break,
        }
        let flying = under_way.iter().map(|(_, carried, _)| carried);
        let (records, bytes) = flying.fold((0, 0), |sum, one| (sum.0 + one.records, sum.1 + one.bytes));
        sent = Held { records: sent.records.max(records), bytes: sent.bytes.max(bytes) };
    }
    assert!(session.answered.is_empty() && session.busy.is_empty() && session.flights.is_empty());
    (sent, brought)
}

#[test]
fn what_a_session_holds_does_not_grow_with_the_records() {
    let (mut cloud, mut a, mut b) = (Cloud::new(), store("laptop"), store("desktop"));
    (0..4_350).for_each(|n| add(&mut a, n));
    let (sent, _) = most_held(&mut cloud, &mut a);
    assert_eq!(sent.records, IN_FLIGHT * BATCH as usize);
    // A look, and then as few as let 10,000 go in 25 round trips.
    assert_eq!(cloud.requests.len(), 1 + 10);
    let (_, brought) = most_held(&mut cloud, &mut b);
    assert_eq!(brought.records, PAGE as usize);
    assert_eq!(a.live_payloads().unwrap(), b.live_payloads().unwrap());
}

#[test]
fn what_a_session_holds_does_not_grow_with_the_size_of_records() {
    let (mut cloud, mut a, mut b) = (Cloud::new(), store("laptop"), store("desktop"));
    (0..600).for_each(|n| {
        add(&mut a, n);
        describe(&mut a, n, &"x".repeat(20_000));
    });
    let (sent, _) = most_held(&mut cloud, &mut a);
    assert!(sent.records > 100 && sent.bytes <= IN_FLIGHT * PARCEL as usize, "{sent:?}");
    let pages = |cloud: &Cloud| -> Vec<u32> { cloud.requests.iter().map(|request| request.limit).collect() };
    cloud.requests.clear();
    most_held(&mut cloud, &mut b);
    let asked = pages(&cloud);
    assert!(asked[0] == PAGE && asked[1..].iter().all(|limit| *limit < 110), "{asked:?}");
    assert_eq!(a.live_payloads().unwrap(), b.live_payloads().unwrap());
}

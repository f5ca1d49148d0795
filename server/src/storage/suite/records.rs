//! Records, case by case. Their sum is in `model`.

use jiff::SignedDuration;

use super::{Bench, space as key, start};
use crate::storage::{
    Cursor, Entry, Exchange, Exchanged, Head, Kind, Origin, PageLimit, Position, RecordId, Records, Reply,
    SpaceKey, Storage, Stored, Write, WriteOutcome,
};

const ROOM: PageLimit = PageLimit { changes: 100, bytes: 1 << 20 };
const PUSH: PageLimit = PageLimit { changes: 0, bytes: 1 << 20 };

/// A write of `text`; an empty one is a tombstone.
fn write<'a>(id: &'a str, guard: Option<u64>, text: &'a str) -> Write<'a> {
    let kind = if text.is_empty() { Kind::Tombstone } else { Kind::Project };
    Write { id: RecordId::new(id).unwrap(), guard, kind, envelope: text.as_bytes(), keep_replaced: false }
}

fn ask(
    storage: &impl Storage,
    space: SpaceKey,
    cursor: &Cursor,
    writes: &[Write<'_>],
    page: PageLimit,
) -> Exchanged {
    let exchange = Exchange {
        cursor: cursor.clone(),
        writes: writes.to_vec(),
        page,
        witness: None,
        origin: Origin::Device,
    };
    storage.exchange(space, &exchange, start()).unwrap()
}

#[track_caller]
fn reply(exchanged: Exchanged) -> Reply {
    match exchanged {
        Exchanged::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn stored(revision: u64, text: &str) -> Stored {
    Stored { revision, envelope: text.as_bytes().to_vec() }
}

fn texts(page: &[Entry]) -> Vec<(u64, &str)> {
    page.iter().map(|e| (e.stored.revision, std::str::from_utf8(&e.stored.envelope).unwrap())).collect()
}

pub(crate) fn a_write_is_accepted_once_and_told_to_others_alone(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let writes = [write("aaaaaaaa", None, "one"), write("bbbbbbbb", None, "two")];
    let mine = reply(ask(&storage, ann, &Cursor::default(), &writes, ROOM));
    assert_eq!(mine.outcomes, [WriteOutcome::Accepted(1), WriteOutcome::Accepted(2)]);
    assert_eq!((mine.page.len(), mine.more, mine.written), (0, false, Some((0, 2))));
    assert_eq!(mine.cursor.position, Some(Position { since: 2, listing: 0 }));

    let theirs = reply(ask(&storage, ann, &Cursor::default(), &[], ROOM));
    assert_eq!(texts(&theirs.page), [(1, "one"), (2, "two")]);
    assert_eq!(theirs.cursor, mine.cursor);

    let quiet = reply(ask(&storage, ann, &mine.cursor, &[], ROOM));
    assert_eq!((quiet.page.len(), quiet.more, quiet.written, quiet.cursor), (0, false, None, mine.cursor));
}

pub(crate) fn a_guard_that_does_not_match_brings_what_is_there(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let first = reply(ask(&storage, ann, &Cursor::default(), &[write("aaaaaaaa", None, "one")], PUSH));
    assert_eq!(first.cursor.position, None, "a push alone repeats the position");
    let tries = [
        write("aaaaaaaa", None, "x"),
        write("aaaaaaaa", Some(7), "x"),
        write("aaaaaaaa", Some(1), "two"),
        write("bbbbbbbb", Some(1), "x"),
    ];
    let second = reply(ask(&storage, ann, &first.cursor, &tries, PUSH));
    let there = || WriteOutcome::Conflict(Some(stored(1, "one")));
    assert_eq!(second.outcomes, [there(), there(), WriteOutcome::Accepted(2), WriteOutcome::Conflict(None)]);
    assert_eq!(second.written, Some((1, 2)));
    assert_eq!(storage.record(ann, RecordId::new("aaaaaaaa").unwrap()).unwrap(), Some(stored(2, "two")));
}

pub(crate) fn a_page_is_cut_by_count_and_by_bytes_and_goes_on_where_it_was_cut(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let ids: Vec<String> = (0..5).map(|n| format!("aaaaaaa{n}")).collect();
    let large = "x".repeat(1000);
    let writes: Vec<_> = ids.iter().map(|id| write(id, None, &large)).collect();
    reply(ask(&storage, ann, &Cursor::default(), &writes, PUSH));
    for limit in [PageLimit { changes: 2, bytes: 1 << 20 }, PageLimit { changes: 9, bytes: 2500 }] {
        let (mut cursor, mut pages, mut met) = (Cursor::default(), Vec::new(), Vec::new());
        loop {
            let page = reply(ask(&storage, ann, &cursor, &[], limit));
            pages.push(page.page.len());
            met.extend(page.page.into_iter().map(|entry| entry.stored.revision));
            cursor = page.cursor;
            if !page.more {
                break;
            }
        }
        assert_eq!((pages, met), (vec![2, 2, 1], vec![1, 2, 3, 4, 5]), "{limit:?}");
        assert_eq!(cursor.position, Some(Position { since: 5, listing: 0 }));
    }
}

pub(crate) fn conflicts_that_fit_no_reply_undo_the_whole_request(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let large = "x".repeat(1000);
    reply(ask(&storage, ann, &Cursor::default(), &[write("aaaaaaaa", None, &large)], PUSH));
    let writes = [write("bbbbbbbb", None, "new"), write("aaaaaaaa", None, "late")];
    let small = PageLimit { changes: 10, bytes: 900 };
    assert_eq!(ask(&storage, ann, &Cursor::default(), &writes, small), Exchanged::TooLarge);
    assert_eq!(storage.record(ann, RecordId::new("bbbbbbbb").unwrap()).unwrap(), None);
}

pub(crate) fn conflicts_that_leave_a_page_no_room_undo_the_whole_request(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let large = "x".repeat(1000);
    let start = reply(ask(&storage, ann, &Cursor::default(), &[], ROOM)).cursor;
    let ids = ["aaaaaaaa", "bbbbbbbb"];
    reply(ask(&storage, ann, &start, &ids.map(|id| write(id, None, &large)), PUSH));
    let late = ids.map(|id| write(id, None, "late"));
    let new = write("cccccccc", None, "new");
    let tight = PageLimit { changes: 10, bytes: 2500 };
    assert_eq!(ask(&storage, ann, &start, &[new, late[0], late[1]], tight), Exchanged::TooLarge);
    assert_eq!(storage.record(ann, new.id).unwrap(), None);
    let fewer = reply(ask(&storage, ann, &start, &late[..1], tight));
    assert_eq!((fewer.page.len(), fewer.more), (1, true), "half of it goes on");
}

pub(crate) fn a_pruned_tombstone_expires_older_cursors_but_no_listing_that_began_later(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let first = [write("aaaaaaaa", None, "one"), write("bbbbbbbb", None, "two")];
    let old = reply(ask(&storage, ann, &Cursor::default(), &first, ROOM)).cursor;
    let one = PageLimit { changes: 1, ..ROOM };
    let listing_before = reply(ask(&storage, ann, &Cursor::default(), &[], one)).cursor;
    let gone = [write("aaaaaaaa", Some(1), ""), write("cccccccc", None, "three")];
    let newer = reply(ask(&storage, ann, &old, &gone, ROOM)).cursor;

    assert_eq!(storage.prune(start()).unwrap(), 0, "a tombstone of this moment stays");
    assert_eq!(storage.prune(start() + SignedDuration::from_secs(1)).unwrap(), 1);

    assert_eq!(ask(&storage, ann, &old, &[write("dddddddd", None, "x")], ROOM), Exchanged::Expired);
    assert_eq!(
        storage.record(ann, RecordId::new("dddddddd").unwrap()).unwrap(),
        None,
        "nothing was carried out"
    );
    assert_eq!(ask(&storage, ann, &listing_before, &[], ROOM), Exchanged::Expired);
    assert_eq!(reply(ask(&storage, ann, &newer, &[], ROOM)).page, []);

    let anew = Cursor { position: None, head: old.head };
    let listing = reply(ask(&storage, ann, &anew, &[], one));
    assert_eq!((texts(&listing.page), listing.more), (vec![(2, "two")], true));
    assert_eq!(texts(&reply(ask(&storage, ann, &listing.cursor, &[], one)).page), [(4, "three")]);
}

pub(crate) fn a_storage_that_was_put_back_knows_no_commit_that_it_lost(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let kept = reply(ask(&storage, ann, &Cursor::default(), &[write("aaaaaaaa", None, "one")], ROOM)).cursor;
    drop(storage);
    bench.save();
    let storage = bench.open();
    let lost = reply(ask(&storage, ann, &kept, &[write("aaaaaaaa", Some(1), "two")], ROOM)).cursor;
    drop(storage);
    bench.put_back();

    let storage = bench.open();
    assert_eq!(ask(&storage, ann, &lost, &[], ROOM), Exchanged::NewEpoch, "a commit that was never made");
    let ids = ["bbbbbbbb", "cccccccc", "dddddddd"];
    let writes: Vec<_> = ids.into_iter().map(|id| write(id, None, "x")).collect();
    reply(ask(&storage, ann, &kept, &writes, ROOM));
    assert_eq!(ask(&storage, ann, &lost, &[], ROOM), Exchanged::NewEpoch, "another commit of that number");
    let anew = Cursor { position: None, head: lost.head };
    assert_eq!(ask(&storage, ann, &anew, &[], ROOM), Exchanged::NewEpoch, "whatever the position");
    assert_eq!(reply(ask(&storage, ann, &kept, &[], ROOM)).page.len(), 3, "what both pasts share is known");
}

pub(crate) fn a_storage_that_was_started_again_knows_all_its_commits(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    drop(storage);
    let mut cursors = vec![Cursor::default()];
    for id in ["aaaaaaaa", "bbbbbbbb", "cccccccc"] {
        let storage = bench.open();
        let cursor = cursors.last().unwrap();
        cursors.push(reply(ask(&storage, ann, cursor, &[write(id, None, "x")], ROOM)).cursor);
    }
    let storage = bench.open();
    for (n, cursor) in cursors.iter().enumerate() {
        assert_eq!(reply(ask(&storage, ann, cursor, &[], ROOM)).page.len(), 3 - n);
    }
}

pub(crate) fn a_long_run_takes_new_names_and_knows_the_old_ones(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let at = |hours: i64, id: &str, cursor: &Cursor| {
        let exchange = Exchange {
            cursor: cursor.clone(),
            writes: vec![write(id, None, "x")],
            page: ROOM,
            witness: None,
            origin: Origin::Device,
        };
        reply(storage.exchange(ann, &exchange, start() + SignedDuration::from_hours(hours)).unwrap()).cursor
    };
    let first = at(0, "aaaaaaaa", &Cursor::default());
    let second = at(0, "bbbbbbbb", &first);
    let third = at(2, "cccccccc", &second);
    let tag = |cursor: &Cursor| cursor.head.clone().map(|head| head.tag);
    assert_eq!(tag(&first), tag(&second));
    assert_ne!(tag(&second), tag(&third));
    for cursor in [&first, &second, &third] {
        reply(ask(&storage, ann, cursor, &[], ROOM));
    }
}

pub(crate) fn a_position_without_a_head_that_covers_it_proves_nothing(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let told = reply(ask(&storage, ann, &Cursor::default(), &[write("aaaaaaaa", None, "x")], ROOM)).cursor;
    for (position, head) in [
        (Some(Position { since: 9, listing: 0 }), told.head.clone()),
        (Some(Position { since: 0, listing: 9 }), told.head.clone()),
        (Some(Position { since: 2, listing: 0 }), None),
        (None, Some(Head { number: 1, tag: "other".to_owned() })),
        (None, Some(Head { number: u64::MAX, tag: told.head.clone().unwrap().tag })),
    ] {
        let cursor = Cursor { position, head };
        assert_eq!(ask(&storage, ann, &cursor, &[], ROOM), Exchanged::NewEpoch, "{cursor:?}");
    }
}

pub(crate) fn accounts_do_not_meet(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (key(&storage, "ann"), key(&storage, "bob"));
    let told =
        reply(ask(&storage, ann, &Cursor::default(), &[write("aaaaaaaa", None, "ann's")], ROOM)).cursor;
    assert_eq!(reply(ask(&storage, bob, &Cursor::default(), &[], ROOM)).page, []);
    assert_eq!(storage.record(bob, RecordId::new("aaaaaaaa").unwrap()).unwrap(), None);
    assert_eq!(storage.live_records(bob, 0, ROOM).unwrap().entries, []);
    assert_eq!(
        ask(&storage, bob, &told, &[], ROOM),
        Exchanged::NewEpoch,
        "a cursor is good for its own account"
    );
    let same = reply(ask(&storage, bob, &Cursor::default(), &[write("aaaaaaaa", None, "bob's")], ROOM));
    assert_eq!(same.outcomes, [WriteOutcome::Accepted(1)]);
    assert_eq!(storage.record(ann, RecordId::new("aaaaaaaa").unwrap()).unwrap(), Some(stored(1, "ann's")));
}

pub(crate) fn live_records_are_paged_in_the_order_of_their_creation(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let first = ["dddddddd", "cccccccc", "bbbbbbbb", "aaaaaaaa"].map(|id| write(id, None, "x"));
    reply(ask(&storage, ann, &Cursor::default(), &first, PUSH));
    let then = [write("dddddddd", Some(1), "changed"), write("cccccccc", Some(2), "")];
    reply(ask(&storage, ann, &Cursor::default(), &then, PUSH));
    let two = PageLimit { changes: 2, ..ROOM };
    let page = storage.live_records(ann, 0, two).unwrap();
    let ids = |entries: &[Entry]| entries.iter().map(|e| e.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        (ids(&page.entries), page.next),
        (vec!["dddddddd".to_owned(), "bbbbbbbb".to_owned()], Some(3))
    );
    let page = storage.live_records(ann, 3, two).unwrap();
    assert_eq!((ids(&page.entries), page.next), (vec!["aaaaaaaa".to_owned()], None));
    let narrow = storage.live_records(ann, 0, PageLimit { changes: 10, bytes: 1 }).unwrap();
    assert_eq!((narrow.entries.len(), narrow.next), (1, Some(1)), "one at least");
}

pub(crate) fn what_a_careful_write_replaces_is_kept_and_the_oldest_of_it_goes(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (key(&storage, "ann"), key(&storage, "bob"));
    let id = RecordId::new("aaaaaaaa").unwrap();
    let texts: Vec<String> = (1..=14).map(|n| format!("version {n}")).collect();
    reply(ask(&storage, ann, &Cursor::default(), &[write("aaaaaaaa", None, &texts[0])], PUSH));
    for (n, text) in (1..).zip(&texts[1..]) {
        let careful = Write { keep_replaced: n > 1, ..write("aaaaaaaa", Some(n), text) };
        reply(ask(&storage, ann, &Cursor::default(), &[careful], PUSH));
    }
    let kept = storage.replaced(ann, id).unwrap();
    let expected: Vec<Stored> = (4..=13).rev().map(|n| stored(n, &texts[n as usize - 1])).collect();
    assert_eq!(kept.into_iter().map(|kept| kept.stored).collect::<Vec<_>>(), expected);
    assert_eq!(storage.replaced(bob, id).unwrap(), []);
}

pub(crate) fn a_sealed_record_is_known_as_one(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let sealed = Write { kind: Kind::Sealed, ..write("aaaaaaaa", None, "x") };
    reply(ask(&storage, ann, &Cursor::default(), &[write("bbbbbbbb", None, "x")], PUSH));
    assert!(!storage.holds_sealed(ann).unwrap());
    reply(ask(&storage, ann, &Cursor::default(), &[sealed], PUSH));
    assert!(storage.holds_sealed(ann).unwrap());
}

//! Key documents, and what holds in a space that seals.

use orkee_wire::{Envelope, EnvelopeHead, KEYS_ID};

use super::{Bench, space, start};
use crate::storage::{
    Cursor, Exchange, Exchanged, Kind, Origin, PageLimit, RecordId, Records, Reply, Sealing, SpaceKey,
    Storage, Write, WriteOutcome,
};

const ROOM: PageLimit = PageLimit { changes: 100, bytes: 1 << 20 };

fn envelope(clock: u64, payload: &[u8]) -> Vec<u8> {
    let head = EnvelopeHead {
        v: EnvelopeHead::FORMAT,
        ancestry: [("w1".to_owned(), clock)].into(),
        device: "d".to_owned(),
        at: "2026-01-02T03:04:05Z".to_owned(),
        author: None,
        deleted: false,
        seal: None,
    };
    Envelope { head, payload: Some(payload) }.to_bytes()
}

fn write<'a>(id: &'a str, guard: Option<u64>, kind: Kind, envelope: &'a [u8]) -> Write<'a> {
    Write { id: RecordId::new(id).unwrap(), guard, kind, envelope, keep_replaced: false }
}

fn keys(seals: bool, floor: u32, guard: Option<u64>) -> Write<'static> {
    write(KEYS_ID, guard, Kind::Keys(Sealing { seals, floor }), b"document")
}

fn ask(storage: &impl Storage, space: SpaceKey, writes: &[Write<'_>]) -> Exchanged {
    let exchange = Exchange {
        cursor: Cursor::default(),
        writes: writes.to_vec(),
        page: ROOM,
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

pub(crate) fn a_space_that_seals_takes_nothing_that_can_be_read(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (space(&storage, "ann"), space(&storage, "bob"));
    let plain = write("aaaaaaaa", None, Kind::Project, b"plain");
    let sealed = write("bbbbbbbb", None, Kind::Sealed, b"sealed");
    assert!(!storage.seals(ann).unwrap());
    assert_eq!(ask(&storage, ann, &[plain, keys(true, 0, None)]), Exchanged::Plain);
    assert_eq!(ask(&storage, ann, &[keys(true, 0, None), plain]), Exchanged::Plain);
    assert!(
        !storage.seals(ann).unwrap()
            && storage.record(ann, RecordId::new(KEYS_ID).unwrap()).unwrap().is_none()
    );
    let first = reply(ask(&storage, ann, &[keys(true, 0, None), sealed]));
    assert_eq!(first.outcomes, [WriteOutcome::Accepted(1), WriteOutcome::Accepted(2)]);
    assert!(storage.seals(ann).unwrap() && !storage.seals(bob).unwrap());
    assert_eq!(ask(&storage, ann, &[sealed, plain]), Exchanged::Plain);
    reply(ask(&storage, bob, &[plain]));
    assert!(matches!(
        reply(ask(&storage, ann, &[keys(false, 0, Some(9))])).outcomes[..],
        [WriteOutcome::Conflict(Some(_))]
    ));
    assert_eq!(
        ask(&storage, ann, &[plain]),
        Exchanged::Plain,
        "a document that was not accepted says nothing"
    );
    let back = reply(ask(&storage, ann, &[plain, keys(false, 0, Some(1))]));
    assert_eq!(back.outcomes, [WriteOutcome::Accepted(3), WriteOutcome::Accepted(4)]);
    assert!(!storage.seals(ann).unwrap());
}

pub(crate) fn a_key_document_travels_with_the_records_and_is_no_project(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let tombstone = |guard| write(KEYS_ID, guard, Kind::Tombstone, b"tombstone");
    assert_eq!(reply(ask(&storage, ann, &[tombstone(None)])).outcomes, [WriteOutcome::Conflict(None)]);
    reply(ask(&storage, ann, &[keys(true, 0, None), write("bbbbbbbb", None, Kind::Sealed, b"sealed")]));
    for guard in [None, Some(0), Some(1)] {
        let told = reply(ask(&storage, ann, &[tombstone(guard)]));
        let [WriteOutcome::Conflict(Some(stored))] = &told.outcomes[..] else { panic!("{told:?}") };
        assert_eq!((stored.revision, stored.envelope.as_slice()), (1, &b"document"[..]));
        let ids: Vec<&str> = told.page.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, [KEYS_ID, "bbbbbbbb"]);
    }
    let live = storage.live_records(ann, 0, ROOM).unwrap();
    assert_eq!(live.entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["bbbbbbbb"]);
}

pub(crate) fn what_the_api_replaced_goes_when_the_floor_is_raised(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (space(&storage, "ann"), space(&storage, "bob"));
    let id = RecordId::new("aaaaaaaa").unwrap();
    let careful = |guard, kind| Write { keep_replaced: true, ..write("aaaaaaaa", guard, kind, b"one") };
    for space in [ann, bob] {
        reply(ask(&storage, space, &[careful(None, Kind::Project)]));
        reply(ask(&storage, space, &[careful(Some(1), Kind::Project)]));
    }
    reply(ask(&storage, ann, &[keys(true, 0, None)]));
    assert_eq!(storage.replaced(ann, id).unwrap().len(), 1, "the records are still to be sealed");
    reply(ask(&storage, ann, &[keys(true, 1, Some(3))]));
    assert_eq!((storage.replaced(ann, id).unwrap().len(), storage.replaced(bob, id).unwrap().len()), (0, 1));
}

pub(crate) fn k58_a_record_in_another_form_is_told_to_no_webhook_and_the_key_document_neither(
    bench: &impl Bench,
) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let endpoint = super::webhooks::listen(&storage, ann, &[]);
    let (plain, sealed) = (envelope(1, br#"{"id":"aaaaaaaa","name":"Secret"}"#), envelope(1, b"sealed"));
    let (again, changed) = (envelope(1, b"sealed anew"), envelope(2, b"changed"));
    reply(ask(&storage, ann, &[write("aaaaaaaa", None, Kind::Project, &plain)]));
    reply(ask(&storage, ann, &[keys(true, 0, None)]));
    reply(ask(&storage, ann, &[write("aaaaaaaa", Some(1), Kind::Sealed, &sealed)]));
    reply(ask(&storage, ann, &[keys(true, 1, Some(2))]));
    reply(ask(&storage, ann, &[write("aaaaaaaa", Some(3), Kind::Sealed, &again)]));
    reply(ask(&storage, ann, &[write("aaaaaaaa", Some(5), Kind::Sealed, &changed)]));
    let heard = super::webhooks::heard(&storage, ann, &endpoint);
    assert_eq!(
        super::webhooks::kinds(&heard),
        [
            "project.created aaaaaaaa",
            "sync.completed aaaaaaaa",
            "project.updated aaaaaaaa",
            "sync.completed aaaaaaaa"
        ]
    );
    assert!(heard.iter().all(|event| !event.to_string().contains("Secret")), "{heard:?}");
}

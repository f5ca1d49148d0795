//! Webhooks: who is told of what, and who sees it.

use std::collections::BTreeSet;
use std::time::Duration;

use orkee_core::event::deliveries::Query;
use orkee_core::event::{Access, EventError, Filter, NewEndpoint, WebhookSecret};
use orkee_wire::{Envelope, EnvelopeHead};
use serde_json::{Value, json};

use super::grants::{pair, refresh, signed_in};
use super::{Bench, account, space, start};
use crate::storage::webhooks::MOST;
use crate::storage::{
    Account, Accounts, Audit, AuditQuery, Change, Cursor, Exchange, Exchanged, Grants, Kind, NewGrant,
    Origin, PageLimit, RecordId, Rotated, SignIns, SpaceKey, Storage, StorageError, Webhooks, Whose, Witness,
    Write,
};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn new(filters: &[&str]) -> NewEndpoint {
    NewEndpoint {
        url: "https://hooks.example.com/services/T0/secret-path".to_owned(),
        filters: filters.iter().map(|name| Filter::parse(name).unwrap()).collect(),
        description: None,
        dispatcher: "webhook".to_owned(),
        ordered: false,
        pulled: true,
        access: Access::default(),
        headers: Vec::new(),
        secret: WebhookSecret::import(SECRET).unwrap(),
    }
}

fn by() -> Witness {
    Witness { account: Some("ann@example.com".to_owned()), ..Witness::default() }
}

fn change(space: SpaceKey, by: &Witness) -> Change<'_> {
    Change { space, by, now: start() }
}

/// An endpoint of a space that is told of these. Its events wait to be pulled, so that a test can see their bodies.
pub(super) fn listen(storage: &impl Storage, space: SpaceKey, filters: &[&str]) -> String {
    storage.add_webhook(change(space, &by()), &new(filters)).unwrap().id
}

/// What waits at an endpoint, taken.
pub(super) fn heard(storage: &impl Storage, space: SpaceKey, id: &str) -> Vec<Value> {
    let events = storage.pull(space, id, &[], 1000, start()).unwrap().unwrap();
    let taken: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    assert_eq!(storage.pull(space, id, &taken, 1000, start()).unwrap(), Some(Vec::new()));
    events.iter().map(|event| serde_json::from_slice(&event.body).unwrap()).collect()
}

pub(super) fn kinds(events: &[Value]) -> Vec<String> {
    let one = |event: &Value| {
        let project = event["project_id"].as_str().unwrap_or("-");
        format!("{} {project}", event["event"].as_str().unwrap())
    };
    events.iter().map(one).collect()
}

fn envelope(payload: &[u8]) -> Vec<u8> {
    let head = EnvelopeHead {
        v: EnvelopeHead::FORMAT,
        ancestry: [("w1".to_owned(), 1)].into(),
        device: "d".to_owned(),
        at: "2026-01-02T03:04:05Z".to_owned(),
        author: None,
        deleted: false,
        seal: None,
    };
    Envelope { head, payload: Some(payload) }.to_bytes()
}

fn exchange(
    storage: &impl Storage,
    space: SpaceKey,
    writes: Vec<Write<'_>>,
    origin: Origin<'_>,
    bytes: u64,
) -> Exchanged {
    let page = PageLimit { changes: 0, bytes };
    let exchange = Exchange { cursor: Cursor::default(), writes, page, witness: None, origin };
    storage.exchange(space, &exchange, start()).unwrap()
}

fn write<'a>(id: &'a str, guard: Option<u64>, kind: Kind, envelope: &'a [u8]) -> Write<'a> {
    Write { id: RecordId::new(id).unwrap(), guard, kind, envelope, keep_replaced: false }
}

const AMPLE: u64 = 1 << 24;

pub(crate) fn each_accepted_write_is_told_to_those_who_listen_and_no_other(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let text = envelope(br#"{"id":"aaaaaaaa","name":"Rocket \u00e9","setupScript":"rm -rf"}"#);
    exchange(&storage, ann, vec![write("zzzzzzzz", None, Kind::Project, &text)], Origin::Device, AMPLE);
    let (all, projects) = (listen(&storage, ann, &[]), listen(&storage, ann, &["project.*"]));
    let writes = vec![
        write("aaaaaaaa", None, Kind::Project, &text),
        write("aaaaaaaa", None, Kind::Project, &text),
        write("aaaaaaaa", Some(2), Kind::Project, &text),
        write("bbbbbbbb", None, Kind::Sealed, &text),
        write("zzzzzzzz", Some(1), Kind::Tombstone, b"x"),
        write("cccccccc", Some(9), Kind::Project, &text),
    ];
    exchange(&storage, ann, writes, Origin::Device, AMPLE);
    let of_projects = [
        "project.created aaaaaaaa",
        "project.updated aaaaaaaa",
        "project.created bbbbbbbb",
        "project.deleted zzzzzzzz",
    ];
    let told = heard(&storage, ann, &projects);
    assert_eq!(kinds(&told), of_projects);
    assert_eq!(told[0]["data"], json!({ "name": "Rocket é" }), "and nothing else of it");
    assert_eq!(told[0]["timestamp"], "2027-01-15T08:00:00.000Z");
    assert_eq!(
        [&told[0]["sequence"], &told[1]["sequence"], &told[3]["sequence"]].map(Value::as_u64),
        [Some(1), Some(2), Some(1)]
    );
    assert!(told[2]["data"].is_null() && told[3]["data"].is_null(), "what the server cannot read: {told:?}");
    let told = kinds(&heard(&storage, ann, &all));
    assert_eq!(told[..4], of_projects);
    assert_eq!(told[4..], ["aaaaaaaa", "bbbbbbbb", "zzzzzzzz"].map(|id| format!("sync.completed {id}")));

    let undone =
        exchange(&storage, ann, vec![write("dddddddd", None, Kind::Project, &text)], Origin::Device, 10);
    assert_eq!(undone, Exchanged::TooLarge);
    assert_eq!(kinds(&heard(&storage, ann, &all)), [""; 0], "what was rolled back never happened");
}

pub(crate) fn a_sync_tells_of_a_hundred_projects_one_by_one_and_of_more_at_once(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let endpoint = listen(&storage, ann, &["sync.completed"]);
    let ids: Vec<String> = (0..201).map(|n| format!("p{n:07}")).collect();
    let push = |ids: &[String]| {
        let writes = ids.iter().map(|id| write(id, None, Kind::Tombstone, b"x")).collect();
        exchange(&storage, ann, writes, Origin::Device, AMPLE);
        heard(&storage, ann, &endpoint)
    };
    let told = push(&ids[..100]);
    let of: BTreeSet<&str> = told.iter().map(|event| event["project_id"].as_str().unwrap()).collect();
    assert_eq!((told.len(), of.len()), (100, 100));
    let told = push(&ids[100..]);
    assert_eq!((told.len(), &told[0]["project_id"], &told[0]["count"]), (1, &Value::Null, &json!(101)));
}

pub(crate) fn the_published_api_tells_of_what_it_replaced_and_of_no_sync(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let endpoint = listen(&storage, ann, &[]);
    let replaced = [("aaaaaaaa", "name"), ("bbbbbbbb", "description")];
    let writes =
        vec![write("aaaaaaaa", None, Kind::Project, b"x"), write("bbbbbbbb", Some(7), Kind::Project, b"x")];
    exchange(&storage, ann, writes, Origin::Api { replaced: &replaced }, AMPLE);
    let told = heard(&storage, ann, &endpoint);
    assert_eq!(kinds(&told), ["project.created aaaaaaaa", "conflict.detected aaaaaaaa"]);
    assert_eq!(told[1]["data"], json!({ "field": "name" }));
}

#[track_caller]
fn unknown<T: std::fmt::Debug>(done: crate::storage::Result<T>) {
    assert!(matches!(done, Err(StorageError::Event(EventError::NoEndpoint { .. }))), "{done:?}");
}

pub(crate) fn an_endpoint_is_its_own_spaces_alone(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (space(&storage, "ann"), space(&storage, "bob"));
    let id = listen(&storage, ann, &[]);
    let by = by();
    let theirs = change(bob, &by);
    assert_eq!(storage.webhooks(bob).unwrap(), []);
    unknown(storage.remove_webhook(theirs, &id));
    unknown(storage.enable_webhook(theirs, &id, true));
    unknown(storage.disable_webhook(theirs, &id));
    let secret = WebhookSecret::generate();
    unknown(storage.rotate_webhook(theirs, &id, &secret, Duration::ZERO));
    unknown(storage.test_webhook(bob, &id, start()));
    unknown(storage.pull(bob, &id, &[], 9, start()));
    unknown(storage.redeliver(theirs, Some(&id), Vec::new()));
    // Nor is it found by anything but its id, not by the URL that it has alone, nor by one that another has as well.
    unknown(storage.remove_webhook(change(ann, &by), &new(&[]).url));
    let other = listen(&storage, ann, &["device.*"]);
    unknown(storage.disable_webhook(change(ann, &by), &new(&[]).url));
    unknown(storage.redeliver(change(ann, &by), Some(&new(&[]).url), Vec::new()));
    storage.remove_webhook(change(ann, &by), &other).unwrap();

    let event = storage.test_webhook(ann, &id, start()).unwrap().unwrap();
    exchange(&storage, bob, vec![write("aaaaaaaa", None, Kind::Project, b"x")], Origin::Device, AMPLE);
    let query = Query { limit: 9, ..Query::default() };
    assert_eq!(storage.deliveries(ann, &query).unwrap().deliveries.len(), 1, "of bob nothing is told to ann");
    assert!(storage.deliveries(bob, &query).unwrap().deliveries.is_empty());
    assert!(storage.delivery(ann, &id, &event).unwrap().is_some());
    assert!(storage.delivery(bob, &id, &event).unwrap().is_none());
    let again = storage.redeliver(theirs, None, vec![event]);
    assert!(matches!(again, Err(StorageError::Event(EventError::NoDelivery { .. }))), "{again:?}");
    assert!(storage.webhooks(ann).unwrap()[0].disabled.is_none());
}

pub(crate) fn devices_are_told_of_to_their_account_however_they_come_and_go(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (account(&storage, "ann"), account(&storage, "bob"));
    let (of_ann, of_bob) =
        (listen(&storage, ann.space, &["device.*"]), listen(&storage, bob.space, &["device.*"]));
    let heard = || heard(&storage, ann.space, &of_ann);
    let names = |events: &[Value]| -> Vec<String> {
        let name = |event: &Value| {
            format!(
                "{} {}",
                event["event"].as_str().unwrap(),
                event["data"]["device"]["name"].as_str().unwrap()
            )
        };
        events.iter().map(name).collect()
    };
    signed_in(&storage, ann.key, 1);
    let added = heard();
    let device = &storage.devices(ann.key, start()).unwrap()[0];
    let expected = json!({ "device": { "id": device.id, "name": "laptop", "platform": "linux" } });
    assert_eq!((kinds(&added), &added[0]["data"]), (vec!["device.added -".to_owned()], &expected));
    assert_eq!(storage.rotate(refresh(1), pair(2), start()).unwrap(), Rotated::Granted);
    assert_eq!(heard().len(), 0, "a device that goes on is none that was added");
    assert_eq!(storage.rotate(refresh(1), pair(3), start()).unwrap(), Rotated::Reused);
    let revoked = heard();
    assert_eq!((names(&revoked), &revoked[0]["data"]), (vec!["device.revoked laptop".to_owned()], &expected));

    signed_in(&storage, ann.key, 4);
    storage.revoke_token(refresh(4), start()).unwrap();
    signed_in(&storage, ann.key, 5);
    let id = storage.devices(ann.key, start()).unwrap()[0].id.clone();
    storage.revoke_grant(ann.key, &id, start()).unwrap();
    assert_eq!(
        names(&heard()),
        ["added", "revoked", "added", "revoked"].map(|what| format!("device.{what} laptop"))
    );
    let access = crate::secret::SecretHash::of("script");
    let script = NewGrant { account: ann.key, name: "scr\u{1b}ipt\n", access, expires: None };
    storage.create_grant(&script, start()).unwrap();
    storage.end_grants(ann.key, start()).unwrap();
    assert_eq!(names(&heard()), ["device.added script", "device.revoked script"]);
    assert_eq!(storage.pull(bob.space, &of_bob, &[], 9, start()).unwrap(), Some(Vec::new()));
}

fn disabled(storage: &impl Storage, account: &Account) -> Vec<Option<String>> {
    let webhooks = storage.webhooks(account.space).unwrap();
    webhooks.into_iter().map(|webhook| webhook.disabled.map(|(_, why)| why)).collect()
}

pub(crate) fn nothing_goes_out_for_an_account_that_was_disabled(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (account(&storage, "ann"), account(&storage, "bob"));
    let id = listen(&storage, ann.space, &[]);
    listen(&storage, bob.space, &[]);
    storage.test_webhook(ann.space, &id, start()).unwrap().unwrap();
    storage.set_disabled(ann.key, Some(start())).unwrap();
    assert_eq!(disabled(&storage, &ann), [Some("the account is disabled".to_owned())]);
    assert_eq!(disabled(&storage, &bob), [None]);
    assert_eq!(
        storage.pull(ann.space, &id, &[], 9, start()).unwrap(),
        Some(Vec::new()),
        "what waited is cancelled"
    );
    storage.set_disabled(ann.key, None).unwrap();
    assert_eq!(storage.test_webhook(ann.space, &id, start()).unwrap(), None, "its owner enables it");
}

pub(crate) fn what_is_done_to_webhooks_stands_in_the_audit_trail_without_their_secrets(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let by = by();
    let (id, listener) = (listen(&storage, ann, &[]), listen(&storage, ann, &[]));
    let change = change(ann, &by);
    storage.disable_webhook(change, &id).unwrap();
    storage.enable_webhook(change, &id, false).unwrap();
    storage.rotate_webhook(change, &id, &WebhookSecret::import(SECRET).unwrap(), Duration::ZERO).unwrap();
    storage.remove_webhook(change, &id).unwrap();
    assert!(storage.abandon_webhook(&listener, start()).unwrap());
    assert!(!storage.abandon_webhook(&listener, start()).unwrap());
    let other = listen(&storage, ann, &[]);
    assert_eq!(
        storage.disable_any_webhook(&other, start()).unwrap(),
        Whose::Account("ann@example.com".to_owned())
    );
    let mut rows = Vec::new();
    storage
        .audit(AuditQuery::default(), &mut |row| {
            rows.push(row);
            true
        })
        .unwrap();
    let told: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.by.account.as_deref().unwrap_or("server"), row.deed.action))
        .collect();
    assert_eq!(
        told,
        [
            "ann@example.com add-webhook",
            "ann@example.com add-webhook",
            "ann@example.com disable-webhook",
            "ann@example.com enable-webhook",
            "ann@example.com rotate-webhook-secret",
            "ann@example.com remove-webhook",
            "server remove-webhook",
            "ann@example.com add-webhook",
            "server disable-webhook",
        ]
    );
    assert_eq!(
        (rows[0].deed.subject.as_deref(), rows[0].deed.outcome.as_str()),
        (Some(id.as_str()), "https://hooks.example.com")
    );
    let all = format!("{rows:?}");
    assert!(!all.contains("whsec_") && !all.contains("C2FVs") && !all.contains("secret-path"), "{all}");
}

pub(crate) fn a_space_has_fifty_endpoints_and_no_more(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (space(&storage, "ann"), space(&storage, "bob"));
    let ids: Vec<String> = (0..MOST).map(|_| listen(&storage, ann, &[])).collect();
    let by = by();
    let more = storage.add_webhook(change(ann, &by), &new(&[]));
    assert!(matches!(more, Err(StorageError::Event(EventError::Many { most: 50 }))), "{more:?}");
    listen(&storage, bob, &[]);
    storage.remove_webhook(change(ann, &by), &ids[0]).unwrap();
    listen(&storage, ann, &[]);
    assert_eq!(storage.all_webhooks().unwrap().len(), MOST + 1);
    assert_eq!(storage.pulled_webhooks().unwrap().len(), MOST + 1);
}

pub(crate) fn deliveries_of_a_month_ago_are_forgotten_and_later_ones_are_kept(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let id = listen(&storage, ann, &[]);
    let day = jiff::SignedDuration::from_hours(24);
    for days in [0, 1] {
        let event = storage.test_webhook(ann, &id, start() + day * days).unwrap().unwrap();
        storage.pull(ann, &id, &[event], 9, start() + day * days).unwrap();
    }
    let left = || storage.deliveries(ann, &Query { limit: 9, ..Query::default() }).unwrap().deliveries.len();
    assert_eq!((storage.forget_deliveries(start() + day * 29).unwrap(), left()), (0, 2));
    let later = start() + day * 30 + jiff::SignedDuration::from_hours(1);
    assert_eq!((storage.forget_deliveries(later).unwrap(), left()), (1, 1));
}

pub(crate) fn what_is_sent_and_not_pulled_is_not_handed_out(bench: &impl Bench) {
    let storage = bench.open();
    let ann = space(&storage, "ann");
    let id = storage.add_webhook(change(ann, &by()), &NewEndpoint { pulled: false, ..new(&[]) }).unwrap().id;
    let event = storage.test_webhook(ann, &id, start()).unwrap().unwrap();
    assert_eq!(storage.pull(ann, &id, &[], 9, start()).unwrap(), None);
    assert_eq!(storage.pull(ann, &id, std::slice::from_ref(&event), 9, start()).unwrap(), None);
    let delivery = storage.delivery(ann, &id, &event).unwrap().unwrap();
    assert_eq!(delivery.state.as_str(), "pending", "nobody takes it from its receiver");
    assert!(!storage.abandon_webhook(&id, start()).unwrap());
    assert_eq!(storage.webhooks(ann).unwrap().len(), 1);
}

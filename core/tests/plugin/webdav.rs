//! The provider for WebDAV, with Apache's mod_dav and with rclone: turns that are really raced for, writers that do not come back,
//! and what a sync costs. Where these servers are not installed, nothing of it is checked.

#[path = "../../../tests/src/dav.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod dav;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dav::{Dav, PASSWORD, USER};
use futures_util::future::{BoxFuture, join_all};
use orkee_core::net::{CredentialError, CredentialSource, LOGIN, Origin, Secret};
use orkee_core::plugin::{Attach, Credential, Grants, WasmProvider};
use orkee_core::sync::provider::{
    Answer, Cursor, Failure, Mutation, Outcome, Position, Provider, ProviderError, Reply, Request, Revision,
};

use crate::guests;
use crate::rig::{Rig, alive};

/// A user name and a password.
struct Password(String);

impl CredentialSource for Password {
    fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
        true
    }

    fn token<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async { Ok(Some(Secret::new(&self.0))) })
    }

    fn refresh_after_401<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async { Ok(None) })
    }
}

/// A device's provider.
struct Device {
    rig: Rig,
    provider: WasmProvider,
}

impl Device {
    async fn new(url: &str) -> Self {
        Self::signed_in(url, PASSWORD).await
    }

    async fn signed_in(url: &str, password: &str) -> Self {
        let mut rig = Rig::new(url);
        let audience = rig.api_url.origin().clone();
        let login = Credential { audience, attach: Attach::Basic };
        rig.grants = Grants { credentials: [(LOGIN.to_owned(), login)].into(), ..rig.grants };
        let password = Arc::new(Password(format!("{USER}:{password}")));
        let provider =
            rig.open_with(guests::webdav(), &[("folder", "backup/orkee")], password).await.unwrap();
        Self { rig, provider }
    }

    async fn ask(&self, request: Request) -> Result<Reply, ProviderError> {
        match alive(self.provider.exchange(request)).await? {
            Answer::Page(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    /// Sends these, and waits while others have their turn.
    async fn push(&self, mutations: &[Mutation]) -> Vec<Outcome> {
        for _ in 0..100 {
            match self.ask(Request { mutations: mutations.to_vec(), ..Request::default() }).await {
                Ok(reply) => return reply.outcomes,
                Err(error) => assert!(matches!(error.failure, Failure::Busy(_)), "{error}"),
            }
        }
        panic!("its turn never comes");
    }

    /// Everything that is stored, and where one stands then.
    async fn list(&self) -> (BTreeMap<String, (String, Vec<u8>)>, Cursor) {
        self.list_from(Cursor::default()).await
    }

    async fn list_from(&self, mut cursor: Cursor) -> (BTreeMap<String, (String, Vec<u8>)>, Cursor) {
        let mut records = BTreeMap::new();
        loop {
            let reply = self.ask(Request { cursor, limit: 500, ..Request::default() }).await.unwrap();
            let changes = reply.changes.into_iter();
            records.extend(changes.map(|c| (c.id, (c.stored.revision.0, c.stored.envelope))));
            cursor = reply.cursor;
            if !reply.more {
                return (records, cursor);
            }
        }
    }

    /// How many requests this took.
    async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        let before = self.rig.http.traffic().round_trips;
        let result = work.await;
        (result, self.rig.http.traffic().round_trips - before)
    }
}

fn mutation(id: &str, guard: Option<&str>, envelope: &str) -> Mutation {
    Mutation { id: id.to_owned(), guard: guard.map(|g| Revision(g.to_owned())), envelope: envelope.into() }
}

fn id(n: usize) -> String {
    format!("Proj{n:04}")
}

#[tokio::test]
async fn of_devices_that_write_the_same_record_at_once_exactly_one_wins_each_round() {
    let Some(server) = Dav::apache() else { return };
    let devices = join_all((0..4).map(|_| Device::new(&server.url))).await;
    let mut guard = None;
    for round in 0..12 {
        let pushes = devices.iter().enumerate().map(|(n, device)| {
            // Of the same size, within the same second: what an ETag of time and size would confuse.
            let mutations = [mutation("aaaaaaaa", guard.as_deref(), &format!("{round:02}-{n}"))];
            async move { device.push(&mutations).await.remove(0) }
        });
        let outcomes = join_all(pushes).await;
        let accepted: Vec<_> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(n, outcome)| match outcome {
                Outcome::Accepted(revision) => Some((n, revision.0.clone())),
                _ => None,
            })
            .collect();
        let [(winner, revision)] = &accepted[..] else { panic!("{round}: {outcomes:?}") };
        let (records, _) = devices[0].list().await;
        let stored = (revision.clone(), format!("{round:02}-{winner}").into_bytes());
        assert_eq!(records["aaaaaaaa"], stored, "{round}");
        for (n, outcome) in outcomes.iter().enumerate().filter(|(n, _)| n != winner) {
            let Outcome::Conflict(Some(held)) = outcome else { panic!("{round} {n}: {outcome:?}") };
            assert_eq!((&held.revision.0, &held.envelope), (&stored.0, &stored.1));
        }
        guard = Some(revision.clone());
    }
}

#[tokio::test]
async fn what_a_sync_costs_does_not_grow_with_what_is_stored() {
    let Some(server) = Dav::apache() else { return };
    let (a, b) = (Device::new(&server.url).await, Device::new(&server.url).await);
    // The first use tries the server out.
    let (_, first) = a.cost(a.list()).await;
    b.list().await;
    let mut told = vec![format!("first use: {first}")];
    for stored in [20, 300] {
        let mutations: Vec<_> = (0..stored).map(|n| mutation(&id(n), None, "text")).collect();
        let before: BTreeMap<_, _> = a.list().await.0;
        let new: Vec<_> = mutations.into_iter().filter(|m| !before.contains_key(&m.id)).collect();
        let (outcomes, upload) = a
            .cost(async {
                let mut outcomes = Vec::new();
                for portion in new.chunks(200) {
                    outcomes.extend(a.push(portion).await);
                }
                outcomes
            })
            .await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_))));
        let ((records, cursor), restore) = b.cost(b.list()).await;
        assert_eq!(records.len(), stored);
        told.push(format!("{} new of {stored}: {upload} to send, {restore} to list all", new.len()));

        let (_, nothing) = b.cost(b.list_from(cursor.clone())).await;
        let guard = |n: usize| records[&id(n)].0.clone();
        let one = [mutation(&id(0), Some(&guard(0)), "one")];
        let (_, one_sent) =
            a.cost(a.ask(Request { cursor: cursor.clone(), mutations: one.to_vec(), limit: 500 })).await;
        let ((found, cursor), one_fetched) = b.cost(b.list_from(cursor)).await;
        assert_eq!(found.len(), 1);
        let ten = (1..11).map(|n| mutation(&id(n), Some(&guard(n)), "ten")).collect();
        let (_, ten_sent) =
            a.cost(a.ask(Request { cursor: cursor.clone(), mutations: ten, limit: 500 })).await;
        let ((found, _), ten_fetched) = b.cost(b.list_from(cursor)).await;
        assert_eq!(found.len(), 10);
        told.push(format!("nothing {nothing}, one {one_sent}/{one_fetched}, ten {ten_sent}/{ten_fetched}"));
        // The log, the turn, what is meant, what was done; and for each record what is held and the new version.
        assert_eq!((nothing, one_sent, ten_sent), (1, 4 + 2, 4 + 20), "{told:?}");
        // The log, what the commit wrote, and each record.
        assert_eq!((one_fetched, ten_fetched), (2 + 1, 2 + 10), "{told:?}");
    }
    println!("{}", told.join("\n"));
}

#[tokio::test]
async fn a_writer_that_does_not_come_back_blocks_nobody_for_longer_than_a_minute() {
    let Some(server) = Dav::apache() else { return };
    let (a, b) = (Device::new(&server.url).await, Device::new(&server.url).await);
    let (_, cursor) = b.list().await;
    a.list().await;
    let mutations: Vec<_> = (0..60).map(|n| mutation(&id(n), None, &"x".repeat(20_000))).collect();
    // It is gone as soon as the first record has arrived.
    let push = a.ask(Request { mutations: mutations.clone(), ..Request::default() });
    let arrived = async {
        while !server.asked().iter().any(|line| line.starts_with("PUT /backup/orkee/r/")) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        done = push => panic!("{done:?}"),
        () = arrived => {}
    }
    let busy =
        b.ask(Request { mutations: vec![mutation("bbbbbbbb", None, "b")], ..Request::default() }).await;
    assert!(matches!(busy.unwrap_err().failure, Failure::Busy(Some(_))));
    let (_, cursor) = b.list_from(cursor).await;
    server.age("backup/orkee/log/000000000/1", Duration::from_secs(70));
    assert!(matches!(b.push(&[mutation("bbbbbbbb", None, "b")]).await[0], Outcome::Accepted(_)));
    let (found, cursor) = b.list_from(cursor).await;
    assert!((2..=61).contains(&found.len()), "what had arrived is found: {}", found.len());
    // The first device sends again what it knows nothing of.
    for (outcome, sent) in a.push(&mutations).await.iter().zip(&mutations) {
        match outcome {
            Outcome::Accepted(_) => {}
            Outcome::Conflict(Some(held)) => assert_eq!(held.envelope, sent.envelope),
            other => panic!("{other:?}"),
        }
    }
    let (found, _) = b.list_from(cursor).await;
    assert_eq!(found.len(), 60);
    assert_eq!(a.list().await.0.len(), 61);
}

#[tokio::test]
async fn a_server_that_was_put_back_is_noticed() {
    let Some(server) = Dav::apache() else { return };
    let a = Device::new(&server.url).await;
    a.push(&[mutation("aaaaaaaa", None, "one")]).await;
    let backup = server.backup();
    a.push(&[mutation("bbbbbbbb", None, "two")]).await;
    let (_, cursor) = a.list().await;
    server.put_back(&backup.path().join("files"));
    let again = Request { cursor, mutations: vec![mutation("cccccccc", None, "x")], limit: 10 };
    assert_eq!(alive(a.provider.exchange(again)).await.unwrap(), Answer::NewEpoch);
    assert_eq!(a.list().await.0.len(), 1, "nothing was carried out");
}

#[tokio::test]
async fn envelopes_come_back_byte_for_byte_and_a_folder_in_folders_is_made() {
    let Some(server) = Dav::apache() else { return };
    let a = Device::new(&server.url).await;
    let noise: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let envelopes = [noise, Vec::new(), b"\r\n\0".to_vec()];
    let ids = ["aaaaaaaa", "AAAAAAAA", "zZzZzZzZ"];
    let mutations: Vec<_> = ids
        .iter()
        .zip(&envelopes)
        .map(|(id, e)| Mutation { envelope: e.clone(), ..mutation(id, None, "") })
        .collect();
    a.push(&mutations).await;
    let (records, _) = a.list().await;
    for (id, envelope) in ids.iter().zip(&envelopes) {
        assert!(records[*id].1 == *envelope, "{id}");
    }
    assert!(server.files().join("backup/orkee/r/a/_a_a_a_a_a_a_a_a").exists());
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_the_sign_in_and_a_wrong_address_is_told() {
    let Some(server) = Dav::apache() else { return };
    let failed = async |url: &str, password| {
        let device = Device::signed_in(url, password).await;
        device.ask(Request { limit: 10, ..Request::default() }).await.unwrap_err()
    };
    assert_eq!(failed(&server.url, "wrong").await.failure, Failure::Auth);
    let error = failed(&format!("{}/no/such", server.url), PASSWORD).await;
    assert_eq!(error.failure, Failure::Unsuitable, "{error}");
    assert!(error.message.contains("nothing at the API URL"), "{error}");
    let position = Some(Position("another provider's".to_owned()));
    let request = Request { cursor: Cursor { position, head: None }, limit: 10, ..Request::default() };
    let error = Device::new(&server.url).await.ask(request).await.unwrap_err();
    assert_eq!(error.failure, Failure::Backend, "{error}");
}

#[tokio::test]
async fn rclone_ignores_conditions_and_is_refused_with_that_reason() {
    let Some(server) = Dav::rclone() else { return };
    let device = Device::new(&server.url).await;
    let error = device.ask(Request { limit: 10, ..Request::default() }).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unsuitable, "{error}");
    assert!(error.message.contains("ignores conditions (If-None-Match)"), "{error}");
    assert!(
        !server
            .files()
            .join("backup/orkee")
            .read_dir()
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().starts_with("trial-") })
    );
}

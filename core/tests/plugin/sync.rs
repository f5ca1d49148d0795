//! The engine over components: a real store, and providers that fail in the middle or serve several tenants.

use std::path::Path;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::plugin::{Limits, PluginError, WasmProvider};
use orkee_core::project::{Project, ProjectId};
use orkee_core::store::{Options as StoreOptions, Store};
use orkee_core::sync::{Options, Summary, SyncError, sync};
use orkee_wire::{Cursor, Outcome, SYNC_MEDIA_TYPE, SyncReply, SyncRequest, join, split};

use crate::guests;
use crate::rig::{Rig, alive};
use crate::server::{self, Seen, Server, reply};

/// The store of a tenant in a home folder.
fn store(home: &Path, tenant: &str) -> Store {
    StoreOptions::default().device("laptop").tenant(tenant).open(&home.join("orkee.db")).unwrap()
}

fn add(store: &mut Store, id: &str) -> ProjectId {
    let project = Project::new(id.parse().unwrap(), format!("Project {id}"));
    store.add(project).unwrap();
    id.parse().unwrap()
}

/// All that a person can see of these projects, and where they stand.
fn content(store: &Store, ids: &[ProjectId]) -> String {
    let projects = ids.iter().map(|id| (store.get(*id).unwrap(), store.history(*id).unwrap()));
    let (all, standing) = (store.count().unwrap(), store.standing().unwrap());
    format!("{all} {standing:?} {:?} {:?}", store.parked().unwrap(), projects.collect::<Vec<_>>())
}

/// The projects alone, as they are now.
fn payloads(store: &Store, ids: &[ProjectId]) -> String {
    format!("{:?}", ids.iter().map(|id| store.get(*id).unwrap().payload).collect::<Vec<_>>())
}

async fn synced(store: &mut Store, provider: &WasmProvider) -> Result<Summary, SyncError> {
    alive(sync(store, provider, "ada at example.com", Options::default(), |_| {})).await
}

fn asked(seen: &Seen) -> SyncRequest {
    let body = match seen.header("content-encoding") {
        Some(_) => zstd::bulk::decompress(&seen.body, 16 << 20).unwrap(),
        None => seen.body.clone(),
    };
    split::<SyncRequest>(&body, SyncRequest::blob_lengths).unwrap().0
}

/// A server that takes everything and has nothing to tell.
fn accept(seen: &Seen) -> server::Answer {
    let accepted = |n| Outcome::Accepted { revision: format!("{n}") };
    let head = SyncReply {
        outcomes: (0..asked(seen).mutations.len()).map(accepted).collect(),
        changes: Vec::new(),
        cursor: Cursor { position: Some("9".to_owned()), head: None },
        more: false,
        written: None,
    };
    reply(200, &[("content-type", SYNC_MEDIA_TYPE)], &join(&head, std::iter::empty::<&[u8]>()).unwrap())
}

#[tokio::test]
async fn b21_a_provider_that_traps_leaves_the_store_as_it_was_and_the_next_one_syncs_it() {
    let server = Server::start(accept).await;
    let rig = Rig { limits: Limits { memory: 16 << 20, ..Limits::default() }, ..Rig::new(&server.url) };
    let mut store = store(rig.home.path(), "");
    let ids = ["aaaaaaaa", "bbbbbbbb"].map(|id| add(&mut store, id));
    let before = content(&store, &ids);
    for way in ["panic", "exit", "eat-memory", "invent-an-id"] {
        let rogue = rig.open(guests::rogue(), &[("do", way)]).await.unwrap();
        let error = synced(&mut store, &rogue).await.unwrap_err();
        assert_eq!((error.kind(), error.kind().exit_code()), (Kind::Failed, 1), "{way}: {error}");
        assert!(error.hint().unwrap().contains("report it to the plugin's author"), "{way}: {error}");
        let SyncError::Provider(error) = error else { panic!("{way}: {error}") };
        assert!(error.source.unwrap().downcast::<PluginError>().is_ok(), "{way}");
        assert_eq!(content(&store, &ids), before, "{way}");
    }
    let good = rig.open(guests::orkee_cloud(), &[]).await.unwrap();
    assert_eq!(synced(&mut store, &good).await.unwrap().pushed, 2);
    assert_eq!(store.standing().unwrap().in_step, 2);
}

/// Each answer that the contract does not allow: refused, with the provider's name, and nothing of it is used.
#[tokio::test]
async fn a_provider_that_answers_against_its_contract_is_named_and_loses_nothing() {
    let server = Server::start(accept).await;
    let rig = Rig::new(&server.url);
    let mut store = store(rig.home.path(), "");
    let ids = ["aaaaaaaa", "bbbbbbbb"].map(|id| add(&mut store, id));
    let dirty = content(&store, &ids);
    for way in ["forget-outcomes", "list-too-much", "return-a-huge-cursor", "list-a-record-twice"] {
        let rogue = rig.open(guests::rogue(), &[("do", way)]).await.unwrap();
        let error = synced(&mut store, &rogue).await.unwrap_err();
        assert!(error.to_string().contains("the provider `fixture`"), "{way}: {error}");
        assert_eq!(content(&store, &ids), dirty, "{way}");
    }
    let good = rig.open(guests::orkee_cloud(), &[]).await.unwrap();
    assert_eq!(synced(&mut store, &good).await.unwrap().pushed, 2);
    let in_step = content(&store, &ids);
    for (way, words) in [
        ("promise-more-and-stay", "does not move on"),
        ("list-in-a-circle", "it lists in a circle"),
        ("list-without-end", "it lists without end"),
    ] {
        let rogue = rig.open(guests::rogue(), &[("do", way)]).await.unwrap();
        let error = synced(&mut store, &rogue).await.unwrap_err();
        let said = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let said: Vec<String> = said.map(ToString::to_string).collect();
        assert!(
            said[0].contains("the provider `fixture`") && said.join(": ").contains(words),
            "{way}: {said:?}"
        );
        assert!(error.hint().unwrap().contains("nothing is lost"), "{way}");
        assert_eq!(content(&store, &ids), in_step, "{way}");
    }
    assert_eq!(synced(&mut store, &good).await.unwrap().pushed, 0);
    assert_eq!(content(&store, &ids), in_step);
}

/// The backend's version of one record is another's: neither is believed, and both stay as they are here.
#[tokio::test]
async fn a_provider_that_answers_with_another_record_changes_neither() {
    let server = Server::start(accept).await;
    let rig = Rig::new(&server.url);
    let mut store = store(rig.home.path(), "");
    let ids = ["aaaaaaaa", "bbbbbbbb"].map(|id| add(&mut store, id));
    let before = payloads(&store, &ids);
    let rogue = rig.open(guests::rogue(), &[("do", "answer-for-another-record")]).await.unwrap();
    let summary = synced(&mut store, &rogue).await.unwrap();
    assert_eq!((summary.pushed, summary.pulled), (0, 0));
    assert_eq!(store.standing().unwrap().parked, 4, "both sides' versions wait, and are told");
    assert_eq!(payloads(&store, &ids), before);
}

#[tokio::test]
async fn p17_a_tenants_cursor_is_not_anothers() {
    let server = Server::start(accept).await;
    let rig = Rig::new(&server.url);
    let provider = rig.open(guests::orkee_cloud(), &[]).await.unwrap();
    let mut positions = Vec::new();
    for tenant in ["acme", "beta", "acme", "beta", ""] {
        let before = server.seen().len();
        synced(&mut store(rig.home.path(), tenant), &provider).await.unwrap();
        positions.push(asked(&server.seen()[before]).cursor.position);
    }
    let nine = Some("9".to_owned());
    assert_eq!(positions, [None, None, nine.clone(), nine, None]);
}

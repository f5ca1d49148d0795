//! Several processes write at once, and lose nothing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::Duration;

use super::{Options, Project, Store, StoreError, add, id};
use crate::project::ProjectId;

const WRITERS: usize = 4;
const EDITS: usize = 25;
/// Set for a process that [`edits_of_several_processes_all_arrive`] starts.
const CHILD: &str = "ORKEE_TEST_WRITER";

/// What one writer does: counts the shared project's rank up, and adds projects of its own.
fn write(path: &Path, writer: usize) {
    // Longer than a person would wait: a busy disk is no fault of the store's.
    let mut store = Options::default().wait(Duration::from_secs(60)).open(path).unwrap();
    for n in 0..EDITS {
        store
            .update(id("shared00"), |project| {
                project.rank = Some(project.rank.unwrap_or(0) + 1);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        store.add(Project::new(ProjectId::random(), format!("{writer}-{n}"))).unwrap();
    }
}

fn assert_nothing_is_lost(path: &Path) {
    let store = Store::open(path).unwrap();
    let shared = store.get(id("shared00")).unwrap();
    assert_eq!(shared.project().rank, Some((WRITERS * EDITS) as i64));
    assert_eq!(shared.number, (WRITERS * EDITS) as u64 + 1);
    assert_eq!(store.history(id("shared00")).unwrap().len(), WRITERS * EDITS + 1);
    assert_eq!(store.count().unwrap(), (WRITERS * EDITS) as u64 + 1);
}

#[test]
fn edits_of_several_connections_all_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    add(&mut Store::open(&path).unwrap(), "shared00", "Shared");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let path = &path;
            scope.spawn(move || write(path, writer));
        }
    });
    assert_nothing_is_lost(&path);
}

#[test]
fn edits_of_several_processes_all_arrive() {
    if let Ok(child) = std::env::var(CHILD) {
        let (writer, path) = child.split_once(':').unwrap();
        return write(path.as_ref(), writer.parse().unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    add(&mut Store::open(&path).unwrap(), "shared00", "Shared");
    let start = |writer: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::together::edits_of_several_processes_all_arrive"])
            .env(CHILD, format!("{writer}:{}", path.display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..WRITERS).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_nothing_is_lost(&path);
}

#[test]
fn a_new_store_that_two_open_at_once_is_made_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/orkee.db");
        let together = Barrier::new(WRITERS);
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    together.wait();
                    Store::open(&path).unwrap();
                });
            }
        });
        let store = Store::open(&path).unwrap();
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            store.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!((count("writer"), count("spaces")), (1, 1));
    }
}

/// Set for the process that [`what_was_acknowledged_survives_a_kill`] starts and kills.
const VICTIM: &str = "ORKEE_TEST_VICTIM";

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(path) = std::env::var_os(VICTIM) {
        let mut store = Store::open(path.as_ref()).unwrap();
        loop {
            let payload = store.add(Project::new(ProjectId::random(), "x".repeat(200))).unwrap();
            println!("\nadded {}", payload.id());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let mut acknowledged = Vec::new();
    for round in 1..4 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "store::tests::together::what_was_acknowledged_survives_a_kill"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ids = lines.filter_map(|line| line.strip_prefix("added ").map(id));
        let seen: Vec<_> = ids.take(7 * round).collect();
        victim.kill().unwrap();
        victim.wait().unwrap();
        acknowledged.extend(seen);
        let store = Store::open(&path).unwrap();
        acknowledged.iter().for_each(|id| drop(store.get(*id).unwrap()));
        let check: String =
            store.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

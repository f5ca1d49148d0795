use super::super::Kept;
use super::super::store::Put;
use super::*;

fn open(path: &Path) -> Kept {
    let (journal, store) = Journal::open(path.to_owned()).unwrap();
    Kept { store, journal: Some(journal) }
}

fn put(kept: &mut Kept, id: &str) -> String {
    match kept.put(id, None, &[0, 255, 10]).unwrap() {
        Put::Stored { revision, .. } => revision,
        other => panic!("{other:?}"),
    }
}

fn refused(content: &[u8]) -> (JournalError, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    std::fs::write(&path, content).unwrap();
    let error = Journal::open(path.clone()).unwrap_err();
    (error, std::fs::read(path).unwrap())
}

#[test]
fn what_was_stored_pruned_and_put_back_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let mut kept = open(&path);
    put(&mut kept, "aaaaaaaa");
    put(&mut kept, "bbbbbbbb");
    kept.prune(&["aaaaaaaa"]).unwrap();
    let backup = kept.store.snapshot();
    put(&mut kept, "cccccccc");
    kept.put_back(&backup).unwrap();
    put(&mut kept, "dddddddd");
    let before = format!("{:?}", kept.store);
    drop(kept);
    assert_eq!(format!("{:?}", open(&path).store), before);
}

#[test]
fn a_line_that_a_crash_cut_off_is_dropped_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let mut kept = open(&path);
    put(&mut kept, "aaaaaaaa");
    let whole = std::fs::metadata(&path).unwrap().len();
    put(&mut kept, "bbbbbbbb");
    drop(kept);
    let content = std::fs::read(&path).unwrap();
    for cut in whole..content.len() as u64 {
        std::fs::write(&path, &content[..cut as usize]).unwrap();
        let mut kept = open(&path);
        assert_eq!(kept.store.len(), 1, "{cut}");
        put(&mut kept, "cccccccc");
        drop(kept);
        assert_eq!(open(&path).store.len(), 2, "{cut}");
    }
    let first = content.iter().position(|b| *b == b'\n').unwrap();
    for cut in 0..first {
        std::fs::write(&path, &content[..cut]).unwrap();
        assert_eq!(open(&path).store.len(), 0, "{cut}");
    }
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    for content in [&b"notes of mine"[..], b"{\"a\":1}", b"{\"a\":1}\n", b"\n", &[0; 4096]] {
        let (error, after) = refused(content);
        assert!(matches!(error, JournalError::Unreadable { line: 1, .. }), "{error}");
        assert_eq!(after, content);
    }
    let damaged = b"{\"practice\":{\"version\":1,\"tag\":\"t\"}}\n{\"commit\":{\"number\":2,\"tag\":\"t\",\"id\":\"a\",\"envelope\":\"\"}}\n";
    assert!(matches!(refused(damaged).0, JournalError::Unreadable { line: 2, .. }));
}

#[test]
fn a_file_that_is_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let _first = open(&path);
    assert!(matches!(Journal::open(path).unwrap_err(), JournalError::Busy { .. }));
}

#[test]
fn a_change_that_cannot_be_written_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let mut kept = open(&path);
    put(&mut kept, "aaaaaaaa");
    // Opened for reading, it cannot be written.
    kept.journal.as_mut().unwrap().file = File::open(&path).unwrap();
    assert!(kept.put("bbbbbbbb", None, b"x").is_err());
    assert_eq!(kept.store.len(), 1);
    drop(kept);
    assert_eq!(open(&path).store.len(), 1);
}

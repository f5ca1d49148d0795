//! Backups.

use jiff::SignedDuration;

use super::{Bench, key, start};
use crate::storage::{Backups, NewBackup, Storage};

pub(crate) fn ten_backups_are_kept_and_come_back_as_they_went_in(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (key(&storage, "ann"), key(&storage, "bob"));
    for n in 0..12 {
        let id = format!("backup{n}");
        let new = NewBackup { id: &id, account: ann, content_type: Some("text/plain") };
        storage.begin_backup(&new, start() + SignedDuration::from_secs(n)).unwrap();
        for (piece, bytes) in [(0, format!("{n} one ")), (1, format!("{n} two"))] {
            storage.add_backup_piece(&id, piece, bytes.as_bytes()).unwrap();
        }
        storage.finish_backup(&id, 11, "hash").unwrap();
    }
    let kept = storage.backups(ann).unwrap();
    let ids: Vec<&str> = kept.iter().map(|backup| backup.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[9]), (10, "backup11", "backup2"));
    assert_eq!(kept[0].at, start() + SignedDuration::from_secs(11));
    let piece = |account, id, n| storage.backup_piece(account, id, n).unwrap();
    assert_eq!(piece(ann, "backup7", 1).as_deref(), Some(&b"7 two"[..]));
    assert_eq!(
        (piece(ann, "backup7", 2), piece(ann, "backup0", 0), piece(bob, "backup7", 0)),
        (None, None, None)
    );
    assert_eq!(storage.backups(bob).unwrap(), []);
}

pub(crate) fn an_upload_that_never_ended_is_no_backup(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    for id in ["dropped", "forgotten"] {
        storage.begin_backup(&NewBackup { id, account: ann, content_type: None }, start()).unwrap();
        storage.add_backup_piece(id, 0, b"some").unwrap();
    }
    storage.drop_backup("dropped").unwrap();
    assert_eq!(storage.backups(ann).unwrap(), []);
    assert_eq!(storage.backup_piece(ann, "forgotten", 0).unwrap(), None);
    storage.sweep(start() + SignedDuration::from_hours(25)).unwrap();
    storage.finish_backup("forgotten", 4, "hash").unwrap();
    assert_eq!(storage.backups(ann).unwrap(), []);
}

pub(crate) fn a_backup_is_deleted_by_its_own_account_alone(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (key(&storage, "ann"), key(&storage, "bob"));
    for id in ["one", "two"] {
        storage.begin_backup(&NewBackup { id, account: ann, content_type: None }, start()).unwrap();
        storage.add_backup_piece(id, 0, b"some").unwrap();
    }
    assert!(!storage.delete_backup(ann, "one").unwrap(), "it is still being uploaded");
    storage.finish_backup("one", 4, "hash").unwrap();
    storage.finish_backup("two", 4, "hash").unwrap();
    assert!(!storage.delete_backup(bob, "one").unwrap());
    assert!(storage.delete_backup(ann, "one").unwrap());
    assert!(!storage.delete_backup(ann, "one").unwrap());
    assert_eq!(storage.backup_piece(ann, "one", 0).unwrap(), None);
    assert_eq!(storage.backups(ann).unwrap().len(), 1);
}

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
    cache: CodeCache,
    key: CodeKey,
}

/// A cache that holds `code` under one key.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let cache = CodeCache::new(folder.path().join("compiled"));
    let key = CodeKey("one".to_owned());
    cache.store(&key, b"code").unwrap();
    Fixture { folder, cache, key }
}

impl Fixture {
    fn file(&self) -> PathBuf {
        self.cache.path(&self.key)
    }
}

#[test]
fn p30_what_was_stored_is_found_under_its_key_alone() {
    let Fixture { folder: _folder, cache, key } = fixture();
    assert_eq!(cache.load(&key).unwrap().code(), b"code");
    assert!(matches!(cache.load(&CodeKey("two".to_owned())), Err(Unusable::Absent)));
}

#[test]
fn p30_the_key_names_component_and_engine() {
    let engine = super::super::engine::new().unwrap();
    let other = wasmtime::Engine::default();
    assert_eq!(
        CodeKey::new(&blake3::hash(b"a"), &engine),
        CodeKey::new(&blake3::hash(b"a"), &super::super::engine::new().unwrap())
    );
    assert_ne!(CodeKey::new(&blake3::hash(b"a"), &engine), CodeKey::new(&blake3::hash(b"b"), &engine));
    assert_ne!(CodeKey::new(&blake3::hash(b"a"), &engine), CodeKey::new(&blake3::hash(b"a"), &other));
}

#[test]
fn p31_one_flipped_byte_anywhere_is_noticed() {
    let fixture = fixture();
    let whole = fs::read(fixture.file()).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(fixture.file(), flipped).unwrap();
        assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::Altered)), "byte {at}");
    }
}

#[test]
fn p31_a_truncated_a_renamed_and_a_foreign_file_are_noticed() {
    let fixture = fixture();
    let whole = fs::read(fixture.file()).unwrap();
    for length in [0, 10, DIGEST, whole.len() - 1] {
        fs::write(fixture.file(), &whole[..length]).unwrap();
        assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::Altered)), "{length} bytes");
    }
    let renamed = CodeKey("two".to_owned());
    fs::write(fixture.cache.path(&renamed), &whole).unwrap();
    fs::set_permissions(fixture.cache.path(&renamed), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(fixture.cache.load(&renamed), Err(Unusable::Altered)));
    // The same file, written by the host of another home.
    let other = CodeCache::new(fixture.folder.path().join("other"));
    other.store(&fixture.key, b"code").unwrap();
    fs::copy(other.path(&fixture.key), fixture.file()).unwrap();
    assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::Altered)));
}

#[test]
fn p31_a_file_or_folder_that_others_may_write_is_not_read() {
    let fixture = fixture();
    let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    chmod(&fixture.file(), 0o666);
    assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::NotOurs)));
    chmod(&fixture.file(), 0o600);
    chmod(&fixture.cache.folder, 0o777);
    assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::NotOurs)));
    assert!(fixture.cache.store(&fixture.key, b"code").is_err());
    chmod(&fixture.cache.folder, 0o700);
    assert!(fixture.cache.load(&fixture.key).is_ok());
}

#[test]
fn p31_a_file_of_another_user_is_not_read() {
    let fixture = fixture();
    // Only root can give a file away; elsewhere the mode test above stands for it.
    if std::os::unix::fs::chown(fixture.file(), Some(65534), None).is_ok() {
        assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::NotOurs)));
    }
}

#[test]
fn p31_a_link_is_not_followed() {
    let fixture = fixture();
    let elsewhere = fixture.folder.path().join("elsewhere");
    fs::rename(fixture.file(), &elsewhere).unwrap();
    symlink(&elsewhere, fixture.file()).unwrap();
    assert!(matches!(fixture.cache.load(&fixture.key), Err(Unusable::NotOurs)));
}

#[test]
fn p31_a_lost_or_damaged_key_costs_a_compilation_and_heals() {
    for damage in [None, Some(&b"short"[..])] {
        let fixture = fixture();
        let path = fixture.cache.folder.join("key");
        match damage {
            None => fs::remove_file(&path).unwrap(),
            Some(bytes) => fs::write(&path, bytes).unwrap(),
        }
        assert!(fixture.cache.load(&fixture.key).is_err());
        fixture.cache.store(&fixture.key, b"code").unwrap();
        assert_eq!(fixture.cache.load(&fixture.key).unwrap().code(), b"code");
    }
}

#[test]
fn p32_writers_at_the_same_time_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let key = CodeKey("one".to_owned());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| CodeCache::new(folder.path().join("c")).store(&key, b"code").unwrap());
        }
    });
    assert_eq!(CodeCache::new(folder.path().join("c")).load(&key).unwrap().code(), b"code");
}

#[test]
fn old_files_are_removed_beyond_a_number() {
    let Fixture { folder: _folder, cache, .. } = fixture();
    for n in 0..KEEP + 10 {
        cache.store(&CodeKey(format!("k{n}")), b"code").unwrap();
    }
    let left = fs::read_dir(&cache.folder)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension().is_some())
        .count();
    assert_eq!(left, KEEP);
}

#[test]
fn files_are_private_to_the_user() {
    let fixture = fixture();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.cache.folder), 0o700);
    assert_eq!(mode(&fixture.file()), 0o600);
    assert_eq!(mode(&fixture.cache.folder.join("key")), 0o600);
}

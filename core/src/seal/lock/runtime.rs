//! Where the lock key is while the device is unlocked: a file in `XDG_RUNTIME_DIR`, which is memory, is this user's alone, and is gone
//! when the session ends. What anybody else could have read or put there is not used.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{LockError, LockKey};
use crate::clock::Clock;
use crate::file;
use crate::store::{FieldSeal, LockKeys};

const VARIABLE: &str = "XDG_RUNTIME_DIR";
/// Where systemd makes each user's folder.
const USUAL: &str = "/run/user";
const FOLDER: &str = "orkee";
/// A key and its times have a tenth of it.
const MAX_FILE: u64 = 4096;
/// So far a clock may be put back without the key being forgotten.
const SLACK_SECONDS: i64 = 300;

/// Until when a device is unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// This moment.
    Time(Timestamp),
    /// The end of the session.
    Logout,
}

/// The keys that are unlocked in this session.
pub struct Runtime {
    base: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    key: Zeroizing<String>,
    /// Seconds since 1970.
    since: i64,
    /// As `since`; none: until the session ends.
    until: Option<i64>,
}

impl Runtime {
    /// What the environment names.
    pub fn from_env(clock: Arc<dyn Clock>) -> Self {
        Self::at(std::env::var_os(VARIABLE), clock)
    }

    fn at(base: Option<OsString>, clock: Arc<dyn Clock>) -> Self {
        let base = base.map(PathBuf::from).filter(|path| path.is_absolute());
        Self { base, clock }
    }

    /// Whether a key could be kept; if not, why.
    pub fn check(&self) -> Result<(), LockError> {
        self.folder(true).map(drop)
    }

    /// Keeps a key until then.
    pub fn keep(&self, key: &LockKey, until: Until) -> Result<(), LockError> {
        let path = self.folder(true)?.join(name(&key.id().to_string()));
        let kept = Kept {
            key: Zeroizing::new(STANDARD.encode(key.expose())),
            since: self.clock.now().as_second(),
            until: match until {
                Until::Time(at) => Some(at.as_second()),
                Until::Logout => None,
            },
        };
        let text = Zeroizing::new(serde_json::to_vec(&kept).map_err(LockError::Holders)?);
        file::replace(&path, &text).map_err(|source| LockError::Io { path, source })
    }

    /// The key of this id, and until when it is here. None: it is not, or not any more.
    pub fn find(&self, id: &str) -> Result<Option<(LockKey, Until)>, LockError> {
        let folder = match self.folder(false) {
            Ok(folder) => folder,
            Err(LockError::NoRuntime) => return Ok(None),
            Err(LockError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let path = folder.join(name(id));
        let Some(text) = read(&path)? else { return Ok(None) };
        let unfit = || LockError::Runtime { path: path.clone(), what: "it holds no key" };
        let kept: Kept = serde_json::from_slice(&text).map_err(|_| unfit())?;
        let now = self.clock.now().as_second();
        // A clock that was put back far would let the key live on.
        if kept.until.is_some_and(|until| until <= now) || now < kept.since.saturating_sub(SLACK_SECONDS) {
            self.forget(id)?;
            return Ok(None);
        }
        let bytes = Zeroizing::new(STANDARD.decode(&*kept.key).map_err(|_| unfit())?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(unfit());
        }
        key.copy_from_slice(&bytes);
        let until = kept.until.map(Timestamp::from_second).transpose().map_err(|_| unfit())?;
        let id = id.parse().map_err(|_| unfit())?;
        Ok(Some((LockKey::from_bytes(id, key), until.map_or(Until::Logout, Until::Time))))
    }

    /// Takes a key away, whoever may have rights to where it is. Whether there was one. Also where a session of this user has it that
    /// tells others nothing of its folder: what locks may be started by the system.
    pub fn forget(&self, id: &str) -> Result<bool, LockError> {
        let usual = Path::new(USUAL).join(rustix::process::geteuid().as_raw().to_string());
        let mut found = false;
        for base in self.base.iter().chain((self.base.as_ref() != Some(&usual)).then_some(&usual)) {
            let path = base.join(FOLDER).join(name(id));
            match fs::remove_file(&path) {
                Ok(()) => found = true,
                Err(error)
                    if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {}
                Err(source) => return Err(LockError::Io { path, source }),
            }
        }
        Ok(found)
    }

    fn folder(&self, make: bool) -> Result<PathBuf, LockError> {
        let base = self.base.as_ref().ok_or(LockError::NoRuntime)?;
        own(base)?;
        if !is_memory(base) {
            return Err(LockError::Runtime {
                path: base.clone(),
                what: "it is on a disk, and not in memory",
            });
        }
        let folder = base.join(FOLDER);
        if make {
            match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(LockError::Io { path: folder, source: error });
                }
                _ => {}
            }
        }
        own(&folder)?;
        Ok(folder)
    }
}

impl LockKeys for Runtime {
    fn key(&self, id: &str) -> Option<Arc<dyn FieldSeal>> {
        match self.find(id) {
            Ok(found) => found.map(|(key, _)| Arc::new(key) as _),
            Err(error) => {
                tracing::warn!(target: "orkee::lock", %error, "the lock key is not used");
                None
            }
        }
    }
}

fn name(id: &str) -> String {
    format!("lock-{id}.json")
}

/// Refuses a folder that is not this user's alone. A link is none.
fn own(path: &Path) -> Result<(), LockError> {
    let meta =
        fs::symlink_metadata(path).map_err(|source| LockError::Io { path: path.to_owned(), source })?;
    let unfit = |what| Err(LockError::Runtime { path: path.to_owned(), what });
    match () {
        () if !meta.is_dir() => unfit("it is no folder"),
        () => fit(&meta).map_or(Ok(()), unfit),
    }
}

/// What is wrong with whose it is, and who may use it.
fn fit(meta: &fs::Metadata) -> Option<&'static str> {
    match () {
        () if meta.uid() != rustix::process::geteuid().as_raw() => Some("it belongs to another user"),
        () if meta.mode() & 0o077 != 0 => Some("others than its owner have rights to it"),
        () => None,
    }
}

/// The content of a file that is this user's alone.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, LockError> {
    let failed = |source| LockError::Io { path: path.to_owned(), source };
    let unfit = |what| LockError::Runtime { path: path.to_owned(), what };
    // Not through a link, and not waiting for the other end of a pipe.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let opened = OpenOptions::new().read(true).custom_flags(flags as i32).open(path);
    let file: File = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) => {
            let _ = error;
            return Err(unfit("it is a link"));
        }
        Err(error) => return Err(failed(error)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(unfit("it is no plain file"));
    }
    if let Some(what) = fit(&meta) {
        return Err(unfit(what));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
    file.take(MAX_FILE).read_to_end(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Whether a folder is in memory. Where that cannot be told, the system's word for it is taken.
fn is_memory(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        const TMPFS: i64 = 0x0102_1994;
        const RAMFS: i64 = 0x8584_58f6;
        // Its width differs between architectures.
        #[allow(clippy::useless_conversion)]
        rustix::fs::statfs(path).is_ok_and(|found| [TMPFS, RAMFS].contains(&i64::from(found.f_type)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }

    fn memory() -> tempfile::TempDir {
        private("/dev/shm")
    }

    fn private(parent: &str) -> tempfile::TempDir {
        let mode = fs::Permissions::from_mode(0o700);
        tempfile::Builder::new().permissions(mode).tempdir_in(parent).unwrap()
    }

    fn runtime(path: &Path) -> (Runtime, Arc<Hand>) {
        let clock = Arc::new(Hand(AtomicI64::new(1_000_000)));
        (Runtime::at(Some(path.into()), clock.clone()), clock)
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_is_kept_in_a_private_file_until_its_time_and_is_gone_after_it() {
        let folder = memory();
        let (runtime, clock) = runtime(folder.path());
        let key = LockKey::generate();
        let id = key.id().to_string();
        assert!(runtime.find(&id).unwrap().is_none());
        let until = Until::Time(Timestamp::from_second(1_000_060).unwrap());
        runtime.keep(&key, until).unwrap();
        let kept = folder.path().join(FOLDER);
        assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o700);
        let file = kept.join(name(&id));
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        let (found, when) = runtime.find(&id).unwrap().unwrap();
        assert_eq!((found.expose(), when), (key.expose(), until));
        clock.0.store(1_000_060, Ordering::Relaxed);
        assert!(runtime.find(&id).unwrap().is_none());
        assert!(!file.exists(), "it does not lie about when its time is over");
        runtime.keep(&key, Until::Logout).unwrap();
        clock.0.store(9_000_000, Ordering::Relaxed);
        assert_eq!(runtime.find(&id).unwrap().unwrap().1, Until::Logout);
        clock.0.store(999_000, Ordering::Relaxed);
        assert!(
            runtime.find(&id).unwrap().is_none(),
            "the clock was put back to long before it was unlocked"
        );
        assert!(!runtime.forget(&id).unwrap());
    }

    #[test]
    fn a_key_that_others_could_read_or_have_put_there_is_not_used() {
        let folder = memory();
        let (runtime, _) = runtime(folder.path());
        let key = LockKey::generate();
        let id = key.id().to_string();
        runtime.keep(&key, Until::Logout).unwrap();
        let file = folder.path().join(FOLDER).join(name(&id));
        let refused = || matches!(runtime.find(&id), Err(LockError::Runtime { .. }));
        for (path, usual) in
            [(file.as_path(), 0o600), (&folder.path().join(FOLDER), 0o700), (folder.path(), 0o700)]
        {
            mode(path, usual | 0o040);
            assert!(refused() && runtime.key(&id).is_none(), "{}", path.display());
            mode(path, usual);
            assert!(runtime.key(&id).is_some());
        }
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert!(refused());
        fs::remove_file(&file).unwrap();
        for text in ["", "{}", "{\"key\":\"AAAA\",\"since\":1,\"until\":null}", "[1]"] {
            fs::write(&file, text).unwrap();
            mode(&file, 0o600);
            assert!(refused(), "{text}");
        }
    }

    #[test]
    fn a_key_is_kept_in_memory_or_not_at_all() {
        let disk = private(env!("CARGO_MANIFEST_DIR"));
        let key = LockKey::generate();
        if !is_memory(disk.path()) {
            let kept = runtime(disk.path()).0.keep(&key, Until::Logout);
            assert!(matches!(
                kept,
                Err(LockError::Runtime { what: "it is on a disk, and not in memory", .. })
            ));
        }
        let clock = || Arc::new(Hand(AtomicI64::new(0)));
        for none in [None, Some(OsString::new()), Some("relative".into())] {
            let runtime = Runtime::at(none, clock());
            assert!(matches!(runtime.check(), Err(LockError::NoRuntime)));
            assert!(runtime.find("0").unwrap().is_none());
        }
    }
}

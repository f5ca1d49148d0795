//! Compiled components on disk, so that only the first run compiles.
//!
//! A compiled file is machine code, and loading it is trusting it: one flipped byte still loads. So each file carries a keyed
//! digest (BLAKE3) over its name and content, with a random key that lies beside it and was made by this host. That
//! catches damage, files of another home or engine, files renamed into each other's place, and anything written by someone who
//! can write into the folder but cannot read the key. It does not defend against a process that runs as the same user: that
//! one could replace `orkee` itself. Folder and files must belong to the user and to nobody else, or they are not read.
//!
//! Nothing here ever fails a command: without a usable cache, the component is compiled.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wasmtime::Engine;

use crate::file;

/// Length of the key and of a digest.
const DIGEST: usize = blake3::OUT_LEN;
/// Files of older components and engines that are kept.
const KEEP: usize = 24;
/// A compiled file beyond this is not read.
const MAX_FILE: u64 = 1 << 30;

/// The folder of compiled components.
#[derive(Debug, Clone)]
pub(super) struct CodeCache {
    folder: PathBuf,
}

/// The name of a compiled component: what it was compiled from, by what, for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodeKey(String);

/// Why a compiled file is not used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// There is none.
    Absent,
    /// It belongs to someone else, or others may write it.
    NotOurs,
    /// Its content is not what this host wrote.
    Altered,
    /// It cannot be read.
    Io(io::Error),
}

/// The content of a file whose digest is right.
#[derive(Debug)]
pub(super) struct Trusted(Vec<u8>);

impl Trusted {
    /// The compiled code.
    pub(super) fn code(&self) -> &[u8] {
        &self.0[DIGEST..]
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("it is not there"),
            Self::NotOurs => f.write_str("it does not belong to this user alone"),
            Self::Altered => f.write_str("its content is not what was written"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Absent,
            _ => Self::Io(error),
        }
    }
}

impl CodeKey {
    pub(super) fn new(component: &blake3::Hash, engine: &Engine) -> Self {
        let mut environment = HashInto(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut environment);
        environment.write(std::env::consts::ARCH.as_bytes());
        environment.write(std::env::consts::OS.as_bytes());
        environment.write(env!("CARGO_PKG_VERSION").as_bytes());
        let component = component.to_hex();
        let environment = environment.0.finalize().to_hex();
        Self(format!("{}-{}", &component, &environment[..16]))
    }
}

/// Feeds what a type hashes into BLAKE3, which unlike the standard hasher is the same in every build.
struct HashInto(blake3::Hasher);

impl Hasher for HashInto {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

impl CodeCache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The compiled code that this host wrote under this key.
    pub(super) fn load(&self, key: &CodeKey) -> Result<Trusted, Unusable> {
        self.check_folder()?;
        let secret = self.secret()?;
        let content = read_ours(&self.path(key))?;
        let (told, code) = content.split_first_chunk::<DIGEST>().ok_or(Unusable::Altered)?;
        // The comparison takes as long wherever the difference is.
        match digest(&secret, key, code) == blake3::Hash::from_bytes(*told) {
            true => Ok(Trusted(content)),
            false => Err(Unusable::Altered),
        }
    }

    /// Keeps compiled code for the next run.
    pub(super) fn store(&self, key: &CodeKey, code: &[u8]) -> io::Result<()> {
        file::private_folder(&self.folder)?;
        self.check_folder().map_err(|reason| io::Error::other(reason.to_string()))?;
        let secret = match self.secret() {
            Ok(secret) => secret,
            Err(_) => self.make_secret()?,
        };
        let content = [digest(&secret, key, code).as_bytes(), code].concat();
        file::replace(&self.path(key), &content)?;
        self.prune(key)
    }

    fn path(&self, key: &CodeKey) -> PathBuf {
        self.folder.join(format!("{}.cwasm", key.0))
    }

    fn check_folder(&self) -> Result<(), Unusable> {
        let folder = fs::symlink_metadata(&self.folder)?;
        match folder.is_dir() && is_ours(&folder) {
            true => Ok(()),
            false => Err(Unusable::NotOurs),
        }
    }

    fn secret(&self) -> Result<[u8; DIGEST], Unusable> {
        let bytes = read_ours(&self.folder.join("key"))?;
        bytes.try_into().map_err(|_| Unusable::Altered)
    }

    /// A new key, unless another process was faster. Files under an older key are then as good as damaged.
    fn make_secret(&self) -> io::Result<[u8; DIGEST]> {
        let mut secret = [0; DIGEST];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let path = self.folder.join("key");
        if matches!(self.secret(), Err(Unusable::NotOurs | Unusable::Altered)) {
            fs::remove_file(&path)?;
        }
        match file::create(&path, &secret)? {
            true => Ok(secret),
            false => self.secret().map_err(|reason| io::Error::other(reason.to_string())),
        }
    }

    /// Removes the oldest files beyond the number that is kept.
    fn prune(&self, newest: &CodeKey) -> io::Result<()> {
        let newest = self.path(newest);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.path() != newest && entry.path().extension().is_some_and(|e| e == "cwasm") {
                files.push((entry.metadata()?.mtime(), entry.path()));
            }
        }
        files.sort();
        let surplus = files.len().saturating_sub(KEEP - 1);
        files.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// What the folder of compiled components holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CacheReport {
    /// Compiled components that may be used.
    pub usable: usize,
    /// How large they are together.
    pub bytes: u64,
    /// Files that stand for compiled components and are not what this host wrote: they are never run. With the reason.
    pub refused: Vec<(PathBuf, String)>,
    /// Others' files.
    pub foreign: Vec<PathBuf>,
}

/// Looks at each file in the folder of compiled components. None: there is no folder that could be used; why, if there is one.
pub fn examine_cache(folder: &Path) -> Result<Option<CacheReport>, String> {
    let cache = CodeCache::new(folder.to_owned());
    match cache.check_folder() {
        Ok(()) => {}
        Err(Unusable::Absent) => return Ok(None),
        Err(unusable) => return Err(unusable.to_string()),
    }
    let mut report = CacheReport::default();
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cwasm") => match cache.load(&CodeKey(stem)) {
                Ok(code) => {
                    report.usable += 1;
                    report.bytes += code.0.len() as u64;
                }
                Err(unusable) => report.refused.push((path, unusable.to_string())),
            },
            None if stem == "key" => {}
            // What the sign-in keeps here of servers.
            Some("json") if stem.starts_with("token-accounts") => {}
            // One that another process is writing, or left.
            Some("part") if stem.starts_with(".orkee-") => {}
            _ => report.foreign.push(path),
        }
    }
    Ok(Some(report))
}

/// Over the key's name and the code.
fn digest(secret: &[u8; DIGEST], key: &CodeKey, code: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(secret).update(key.0.as_bytes()).update(&[0]).update(code).finalize()
}

/// Reads a plain file that belongs to this user alone. What is checked is what is read: the open file.
fn read_ours(path: &Path) -> Result<Vec<u8>, Unusable> {
    let file =
        OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32).open(path);
    let mut file: File = match file {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(Unusable::NotOurs);
        }
        other => other?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_ours(&metadata) || metadata.len() > MAX_FILE {
        return Err(Unusable::NotOurs);
    }
    let mut content = Vec::with_capacity(metadata.len() as usize);
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// Owned by this user, and nobody else may write.
fn is_ours(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

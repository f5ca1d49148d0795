//! Who holds a lock, as the system tells, whatever stands in the file. The lock is never taken for it: whoever needs it meanwhile is
//! not kept out for a moment.

use std::fs;
#[cfg(target_os = "linux")]
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id; none: the system does not say.
    pub pid: Option<u32>,
    /// What it is called.
    pub name: Option<String>,
    /// For how long it has held the lock, as far as its last note in the file tells.
    pub held_for: Option<Duration>,
}

impl Holder {
    /// Who holds the lock on the file at `path`. None: nobody, or there is no such file.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let pid = held_by(path, &metadata)?;
        let held_for = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        let name = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok());
        Some(Self { pid, name: name.map(|name| name.trim().to_owned()), held_for })
    }
}

/// The kernel's own table, which says whose lock it is. Looked at twice: one that others change meanwhile may lack a line.
#[cfg(target_os = "linux")]
fn held_by(path: &Path, metadata: &fs::Metadata) -> Option<Option<u32>> {
    look(path, metadata).or_else(|| look(path, metadata))
}

#[cfg(target_os = "linux")]
fn look(path: &Path, metadata: &fs::Metadata) -> Option<Option<u32>> {
    let table = table().ok()?;
    let device = (rustix::fs::major(metadata.dev()), rustix::fs::minor(metadata.dev()));
    let noted = noted(path);
    // Some file systems have another device here than files say: then the note in the file has to name the process.
    let is_this = |held: &Entry| {
        held.inode == metadata.ino() && (held.device == device || noted.is_some_and(|pid| pid == held.pid))
    };
    let held = table.lines().filter_map(entry).find(is_this)?;
    // Of another container's processes it says 0.
    Some(Some(held.pid).filter(|pid| *pid > 0))
}

/// The kernel makes the table anew for each piece that is read of it, and counts lines: pieces are as large as it gives them.
#[cfg(target_os = "linux")]
fn table() -> io::Result<String> {
    let (mut file, mut piece, mut table) = (fs::File::open("/proc/locks")?, vec![0; 64 << 10], Vec::new());
    loop {
        match file.read(&mut piece)? {
            0 => return String::from_utf8(table).map_err(io::Error::other),
            read => table.extend_from_slice(&piece[..read]),
        }
    }
}

/// A lock in the kernel's table.
#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    inode: u64,
    device: (u32, u32),
    pid: u32,
}

/// The first number in a lock file: its holder writes its id there, in one form or another.
fn noted(path: &Path) -> Option<u32> {
    let note = fs::read_to_string(path).ok()?;
    let digits = note.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What a line says such as `1: FLOCK  ADVISORY  WRITE 4711 08:01:131099 0 EOF`. One that still waits for the
/// lock (`1: -> FLOCK …`) is none.
#[cfg(target_os = "linux")]
fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let mut words = words.skip(2);
    let pid = words.next()?.parse::<i64>().ok()?;
    let mut place = words.next()?.split(':');
    let mut number = || u32::from_str_radix(place.next()?, 16).ok();
    let device = (number()?, number()?);
    let inode = place.next()?.parse().ok()?;
    Some(Entry { inode, device, pid: u32::try_from(pid).unwrap_or(0) })
}

/// Where there is no such table, a shared lock is tried for, and what the holder wrote into the file is believed.
#[cfg(not(target_os = "linux"))]
fn held_by(path: &Path, _: &fs::Metadata) -> Option<Option<u32>> {
    let file = fs::File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(fs::TryLockError::WouldBlock) => Some(noted(path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_seen_with_its_holder_while_it_is_held_and_is_never_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(Holder::of(&path), None);
        let file = fs::File::create(&path).unwrap();
        assert_eq!(Holder::of(&path), None);
        file.lock().unwrap();
        let found = Holder::of(&path).unwrap();
        assert_eq!(found.pid.unwrap_or_else(std::process::id), std::process::id());
        assert!(found.held_for.is_some_and(|held| held < Duration::from_secs(60)));
        file.unlock().unwrap();
        assert_eq!(Holder::of(&path), None);
        file.try_lock().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_whoever_has_a_lock_counts_and_not_who_waits_for_it() {
        let held = |device, pid| Some(Entry { inode: 131_099, device, pid });
        assert_eq!(entry("1: FLOCK  ADVISORY  WRITE 4711 fe:01:131099 0 EOF"), held((254, 1), 4711));
        assert_eq!(entry("1: FLOCK  ADVISORY  WRITE -1 08:01:131099 0 EOF"), held((8, 1), 0));
        for other in [
            "1: -> FLOCK  ADVISORY  WRITE 4711 08:01:131099 0 EOF",
            "2: POSIX  ADVISORY  READ 12 08:01:7 0 EOF",
            "",
            "1: FLOCK",
        ] {
            assert_eq!(entry(other), None, "{other}");
        }
    }
}

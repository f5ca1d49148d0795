//! Waiting until an author changes a source file: the folder is looked at again and again.
//!
//! What builds write is left out by the names that it usually has, so that a build does not ask for the next one.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often it is looked at. What changes goes on changing for a while: two looks have to see the same.
const EVERY: Duration = Duration::from_millis(250);
/// What builds and package managers write. Hidden files and folders are left out, too.
const WRITTEN: [&str; 6] = ["target", "node_modules", "dist", "build", "__pycache__", "Cargo.lock"];
/// What is compiled is no source, wherever the build puts it.
const COMPILED: &str = "wasm";
/// Larger folders are not sources.
const MOST: usize = 20_000;

type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// The sources of a project as they were when somebody last looked.
#[derive(Debug)]
pub(super) struct Watch {
    folder: PathBuf,
    seen: Seen,
}

impl Watch {
    /// Looks at a folder.
    pub(super) fn new(folder: &Path) -> Self {
        let mut watch = Self { folder: folder.to_owned(), seen: Seen::new() };
        watch.seen = watch.look();
        watch
    }

    /// Waits until something differs from what was seen last, and nothing has changed for a moment. Says what did.
    pub(super) async fn changed(&mut self) -> PathBuf {
        loop {
            tokio::time::sleep(EVERY).await;
            let mut now = self.look();
            let Some(first) = differs(&self.seen, &now) else { continue };
            loop {
                tokio::time::sleep(EVERY).await;
                let next = self.look();
                if differs(&now, &next).is_none() {
                    break;
                }
                now = next;
            }
            self.seen = now;
            return first;
        }
    }

    fn look(&self) -> Seen {
        let mut seen = Seen::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            // What cannot be read, or has just gone, is not there.
            let Ok(entries) = fs::read_dir(self.folder.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let (name, path) = (entry.file_name(), folder.join(entry.file_name()));
                if is_written(&name) {
                    continue;
                }
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    _ => {
                        let Ok(about) = fs::metadata(entry.path()) else { continue };
                        seen.insert(path, (about.modified().ok(), about.len()));
                    }
                }
            }
            if seen.len() > MOST {
                break;
            }
        }
        seen
    }
}

fn is_written(name: &OsStr) -> bool {
    let compiled = Path::new(name).extension().is_some_and(|extension| extension == COMPILED);
    compiled || name.as_encoded_bytes().starts_with(b".") || WRITTEN.iter().any(|written| name == *written)
}

/// A file that is in only one of them, or changed between them.
fn differs(before: &Seen, after: &Seen) -> Option<PathBuf> {
    let changed = after.iter().find(|(path, now)| before.get(*path) != Some(*now));
    let gone = before.keys().find(|path| !after.contains_key(*path));
    changed.map(|(path, _)| path).or(gone).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_an_author_changes_is_noticed_and_what_a_build_writes_is_not() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "src/lib.rs", "1");
        let watch = Watch::new(home.path());
        let change = || differs(&watch.seen, &watch.look());
        for built in
            ["out/a.wasm", "target/x", "node_modules/x/y", ".venv/x", "src/__pycache__/x", "Cargo.lock"]
        {
            write(home.path(), built, "1");
        }
        assert_eq!(change(), None);
        write(home.path(), "src/lib.rs", "22");
        assert_eq!(change(), Some("src/lib.rs".into()));
        write(home.path(), "src/lib.rs", "1");
        fs::remove_file(home.path().join("src/lib.rs")).unwrap();
        assert_eq!(change(), Some("src/lib.rs".into()));
    }

    #[test]
    fn a_change_is_told_once() {
        let home = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(home.path());
        write(home.path(), "a/b", "1");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        assert_eq!(runtime.block_on(watch.changed()), Path::new("a/b"));
        assert_eq!(differs(&watch.seen, &watch.look()), None);
    }
}

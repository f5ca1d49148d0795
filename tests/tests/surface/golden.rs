//! Files of what was said, which a change has to touch on purpose.

use std::path::{Path, PathBuf};

/// The variable that has them written anew.
const REFRESH: &str = "ORKEE_REFRESH_GOLDEN";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// Whether golden files are to be written, not compared.
pub(crate) fn is_refreshed() -> bool {
    std::env::var_os(REFRESH).is_some()
}

/// What a file holds.
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_default()
}

/// The file holds this, or is given it.
#[track_caller]
pub(crate) fn is(name: &str, said: &str) {
    if is_refreshed() {
        std::fs::create_dir_all(path("")).unwrap();
        std::fs::write(path(name), said).unwrap();
        return;
    }
    let known = read(name);
    let Some(line) = differs(&known, said) else { return };
    panic!(
        "tests/golden/{name} is another from line {} on:\n  there: {:?}\n  now:   {:?}\nIf that is meant: {}",
        line + 1,
        known.lines().nth(line),
        said.lines().nth(line),
        refresh(),
    );
}

/// How the files are written anew.
pub(crate) fn refresh() -> String {
    format!(
        "{REFRESH}=1 cargo nextest run --workspace --features orkee-cli/cloud --test surface -E 'test(golden)'"
    )
}

fn differs(known: &str, said: &str) -> Option<usize> {
    let lines = known.lines().count().max(said.lines().count());
    (0..lines).find(|n| known.lines().nth(*n) != said.lines().nth(*n))
}

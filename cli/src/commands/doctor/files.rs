//! Whether the home folder and what is in it are their owner's alone.

use std::path::{Path, PathBuf};

use orkee_core::exposure::{self, Exposed, How};

use super::Asked;
use super::check::{Check, FIX};
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "files";
/// Names that one line tells.
const NAMED: usize = 5;

/// Looks at every file; with `fix`, takes from other users what they were allowed. Files that are told of elsewhere stand `apart`.
pub(super) fn examine(cx: &Context, asked: Asked, apart: &[PathBuf]) -> Result<Vec<Check>, Failure> {
    let root = cx.home()?.root();
    let mut found = match exposure::exposed(root) {
        Ok(found) => found,
        Err(error) => {
            return Ok(vec![Check::failed(NAME, format!("cannot look into {}: {error}", root.display()))]);
        }
    };
    found.retain(|one| !apart.contains(&one.path));
    if found.is_empty() {
        return Ok(vec![Check::ok(NAME, format!("The home folder is yours alone: {}", root.display()))]);
    }
    let (sheltered, open): (Vec<Exposed>, Vec<Exposed>) =
        found.into_iter().partition(|one| one.how == How::Sheltered);
    let mut checks: Vec<Check> = open.iter().map(|one| told(root, one, asked)).collect();
    if !sheltered.is_empty() {
        checks.push(told_together(root, &sheltered, asked));
    }
    Ok(checks)
}

fn told(root: &Path, exposed: &Exposed, asked: Asked) -> Check {
    let Exposed { path, mode, how, .. } = exposed;
    let shown = path.display();
    if let How::OtherOwner(uid) = how {
        return Check::failed(NAME, format!("{shown} belongs to another user (id {uid})"))
            .hint(format!("find out how it got there; if it is yours, `sudo chown $USER {shown}`"));
    }
    if *how == How::Shared {
        let may = if mode & 0o022 != 0 { "change" } else { "look into" };
        let message =
            format!("other users can {may} {shown} (mode {mode:03o}), and not all in it is Orkee's");
        let hint = format!(
            "if nobody else needs what is in there: `chmod 700 {shown}`; or give Orkee a folder of its own in ORKEE_HOME"
        );
        return match mode & 0o022 {
            0 => Check::warning(NAME, message).hint(hint),
            _ => Check::failed(NAME, message).hint(hint),
        };
    }
    if asked.fix {
        return match exposed.close() {
            Ok(()) => Check::mended(
                NAME,
                format!("{shown} is private again (mode {:03o}, not {mode:03o})", exposed.closed_mode()),
            ),
            Err(error) => Check::failed(NAME, format!("{shown} cannot be made private: {error}")),
        };
    }
    let hint = format!("run `{FIX}`");
    match how {
        How::Writable => {
            Check::failed(NAME, format!("other users can change {shown} (mode {mode:03o})")).fixable(hint)
        }
        // Its own name and those of the files in it: what they hold is told of each.
        _ if path == root => {
            Check::warning(NAME, format!("other users can look into {shown} (mode {mode:03o})")).fixable(hint)
        }
        _ => Check::failed(NAME, format!("other users can read {shown} (mode {mode:03o})")).fixable(hint),
    }
}

/// What only the home folder's own permissions keep from others.
fn told_together(root: &Path, sheltered: &[Exposed], asked: Asked) -> Check {
    let named = |one: &Exposed| one.path.strip_prefix(root).unwrap_or(&one.path).display().to_string();
    let mut names: Vec<String> = sheltered.iter().take(NAMED).map(named).collect();
    if sheltered.len() > NAMED {
        names.push(format!("{} more", sheltered.len() - NAMED));
    }
    let names = names.join(", ");
    if !asked.fix {
        let message = format!("open to other users, were the home folder not closed to them: {names}");
        return Check::warning(NAME, message).fixable(format!("run `{FIX}`"));
    }
    match sheltered.iter().find_map(|one| one.close().err()) {
        None => Check::mended(NAME, format!("private again, each by itself: {names}")),
        Some(error) => Check::failed(NAME, format!("not all can be made private ({names}): {error}")),
    }
}

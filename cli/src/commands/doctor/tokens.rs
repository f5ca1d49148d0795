//! Whether the token file is one that nobody else had a hand in, or can read, and so the keys that logins are bound to.

use std::path::{Path, PathBuf};

use super::check::{Check, FIX};
use super::cloud::NO_PROXY;
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "sign-in-files";

/// Looks at the token file and at the keys; with `fix`, takes from other users what lets them read these, and removes keys of no login.
/// What was found, and the files that it is about.
pub(super) fn examine(cx: &Context, fix: bool) -> (Vec<Check>, Vec<PathBuf>) {
    let mut apart = Vec::new();
    let checks = found(cx, fix, &mut apart).unwrap_or_else(|failure| match cx.settings() {
        Ok(_) if failure.diagnostic().code() != NO_PROXY => vec![Check::error(NAME, failure.diagnostic())],
        // Told where the settings are looked at, or the way to the server.
        _ => Vec::new(),
    });
    (checks, apart)
}

fn found(cx: &Context, fix: bool, apart: &mut Vec<PathBuf>) -> Result<Vec<Check>, Failure> {
    let (auth, _) = surroundings::logins(cx)?;
    let path = cx.home()?.auth();
    apart.push(path.clone());
    let mut checks = Vec::new();
    match auth.examine() {
        Ok(None) => {}
        Ok(Some(mode)) if !fix => checks.push(readable(&path, mode)),
        Ok(Some(mode)) => checks.push(match auth.make_private() {
            Ok(()) => private_again(&path, mode),
            Err(error) => Check::error(NAME, &error),
        }),
        // Which keys are needed is in there.
        Err(error) => {
            checks.push(Check::error(NAME, &error));
            return Ok(checks);
        }
    }
    let keys = match auth.examine_keys() {
        Ok(keys) if fix && !(keys.readable.is_empty() && keys.unnamed.is_empty()) => {
            surroundings::run(async { Ok(auth.mend_keys().await) })?
        }
        keys => keys,
    };
    match keys {
        Ok(keys) => {
            apart.extend(
                keys.readable.iter().map(|(path, _)| path.clone()).chain(keys.unnamed.iter().cloned()),
            );
            let told = if fix { private_again } else { readable };
            checks.extend(keys.readable.iter().map(|(path, mode)| told(path, *mode)));
            checks.extend(keys.unnamed.iter().map(|path| unnamed(path, fix)));
        }
        Err(error) => checks.push(Check::error(NAME, &error)),
    }
    if checks.is_empty() && path.exists() {
        checks.push(Check::ok(NAME, format!("The sign-ins are yours alone: {}", path.display())));
    }
    Ok(checks)
}

fn readable(path: &Path, mode: u32) -> Check {
    let what = format!("other users can read {} (mode {mode:03o})", path.display());
    let hint = format!("run `{FIX}`; where others use this machine, sign out and in again after that, too");
    Check::failed(NAME, what).fixable(hint)
}

fn unnamed(path: &Path, fix: bool) -> Check {
    let shown = path.display();
    match fix {
        true => Check::mended(NAME, format!("{shown}, the key of no sign-in, is removed")),
        false => Check::failed(NAME, format!("{shown} is a key that no sign-in is bound to"))
            .fixable(format!("run `{FIX}`, which removes it")),
    }
}

fn private_again(path: &Path, mode: u32) -> Check {
    Check::mended(NAME, format!("{} is private again (mode 600, not {mode:03o})", path.display()))
}

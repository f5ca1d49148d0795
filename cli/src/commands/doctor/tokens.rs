//! Whether the token file is one that nobody else had a hand in, or can read, and so the keys that logins are bound to.

#[cfg(feature = "cloud")]
use std::path::{Path, PathBuf};

use super::View;
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::output::text;

/// The command that makes it private.
#[cfg(feature = "cloud")]
const FIX: &str = "orkee doctor --fix";

/// What was found at the token file and at the keys beside it.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) problems: Vec<Problem>,
    /// What was mended.
    pub(super) mended: Vec<String>,
}

pub(super) struct Problem {
    what: String,
    hint: Option<String>,
    mended_by: Option<&'static str>,
}

/// A build that signs in nowhere knows of no token file.
#[cfg(not(feature = "cloud"))]
pub(super) fn examine(_: &Context, _: bool) -> Result<Tokens, Failure> {
    Ok(Tokens::default())
}

/// Looks at the token file and at the keys; with `fix`, takes from other users what lets them read these, and removes keys of no login.
#[cfg(feature = "cloud")]
pub(super) fn examine(cx: &Context, fix: bool) -> Result<Tokens, Failure> {
    use crate::commands::cloud::surroundings;
    let (auth, _) = surroundings::logins(cx)?;
    let path = cx.home()?.auth();
    let mut found = Tokens::default();
    match auth.examine() {
        Ok(None) => {}
        Ok(Some(mode)) if !fix => found.problems.push(readable(&path, mode)),
        Ok(Some(mode)) => match auth.make_private() {
            Ok(()) => found.mended.push(private_again(&path, mode)),
            Err(error) => found.problems.push(unusable(&error)),
        },
        // Which keys are needed is in there.
        Err(error) => {
            found.problems.push(unusable(&error));
            return Ok(found);
        }
    }
    let keys = match auth.examine_keys() {
        Ok(keys) if fix && !(keys.readable.is_empty() && keys.unnamed.is_empty()) => {
            surroundings::run(async { Ok(auth.mend_keys().await) })?
        }
        keys => keys,
    };
    match keys {
        Ok(keys) if fix => {
            found.mended.extend(keys.readable.iter().map(|(path, mode)| private_again(path, *mode)));
            let removed = |path: &PathBuf| format!("{}, the key of no sign-in, is removed", path.display());
            found.mended.extend(keys.unnamed.iter().map(removed));
        }
        Ok(keys) => {
            found.problems.extend(keys.readable.iter().map(|(path, mode)| readable(path, *mode)));
            found.problems.extend(keys.unnamed.iter().map(|path| unnamed(path)));
        }
        Err(error) => found.problems.push(unusable(&error)),
    }
    Ok(found)
}

#[cfg(feature = "cloud")]
fn readable(path: &Path, mode: u32) -> Problem {
    let what = format!("other users can read {} (mode {mode:03o})", path.display());
    let hint = format!("run `{FIX}`; where others use this machine, sign out and in again after that, too");
    Problem { what, hint: Some(hint), mended_by: Some(FIX) }
}

#[cfg(feature = "cloud")]
fn unnamed(path: &Path) -> Problem {
    let what = format!("{} is a key that no sign-in is bound to", path.display());
    Problem { what, hint: Some(format!("run `{FIX}`, which removes it")), mended_by: Some(FIX) }
}

#[cfg(feature = "cloud")]
fn private_again(path: &Path, mode: u32) -> String {
    format!("{} is private again (mode 600, not {mode:03o})", path.display())
}

#[cfg(feature = "cloud")]
fn unusable(error: &orkee_core::auth::AuthError) -> Problem {
    use orkee_core::diagnostic::Diagnostic;
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let what = causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"));
    Problem { what, hint: error.hint(), mended_by: None }
}

pub(super) fn show(cx: &Context, tokens: &Tokens) -> Result<(), CliError> {
    for Problem { what, hint, .. } in &tokens.problems {
        cx.out.line(format_args!("{} {}", cx.out.mark(false), text::line(what)))?;
        if let Some(hint) = hint {
            cx.out.note(format_args!("hint: {}", text::line(hint)));
        }
    }
    for mended in &tokens.mended {
        cx.out.done(format_args!("Mended: {}", text::line(mended)))?;
    }
    Ok(())
}

pub(super) fn view(problem: Problem) -> View {
    View { tenant: None, id: None, problem: problem.what, mended_by: problem.mended_by.map(str::to_owned) }
}

//! Whether the token file is one that nobody else had a hand in, or can read.

use super::View;
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::output::text;

/// The command that makes it private.
#[cfg(feature = "cloud")]
const FIX: &str = "orkee doctor --fix";

/// What was found at the token file.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) problem: Option<Problem>,
    /// What was mended.
    pub(super) mended: Option<String>,
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

/// Looks at the token file; with `fix`, takes from other users what lets them read it.
#[cfg(feature = "cloud")]
pub(super) fn examine(cx: &Context, fix: bool) -> Result<Tokens, Failure> {
    let (auth, _) = crate::commands::cloud::surroundings::logins(cx)?;
    let path = cx.home()?.auth();
    let path = path.display();
    let mode = match auth.examine() {
        Ok(None) => return Ok(Tokens::default()),
        Ok(Some(mode)) => mode,
        Err(error) => return Ok(unusable(&error)),
    };
    if !fix {
        let what = format!("other users can read {path} (mode {mode:03o})");
        let hint =
            format!("run `{FIX}`; where others use this machine, sign out and in again after that, too");
        return Ok(Tokens {
            problem: Some(Problem { what, hint: Some(hint), mended_by: Some(FIX) }),
            mended: None,
        });
    }
    Ok(match auth.make_private() {
        Ok(()) => Tokens {
            problem: None,
            mended: Some(format!("{path} is private again (mode 600, not {mode:03o})")),
        },
        Err(error) => unusable(&error),
    })
}

#[cfg(feature = "cloud")]
fn unusable(error: &orkee_core::auth::AuthError) -> Tokens {
    use orkee_core::diagnostic::Diagnostic;
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let what = causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"));
    Tokens { problem: Some(Problem { what, hint: error.hint(), mended_by: None }), mended: None }
}

pub(super) fn show(cx: &Context, tokens: &Tokens) -> Result<(), CliError> {
    if let Some(Problem { what, hint, .. }) = &tokens.problem {
        cx.out.line(format_args!("{} {}", cx.out.mark(false), text::line(what)))?;
        if let Some(hint) = hint {
            cx.out.note(format_args!("hint: {}", text::line(hint)));
        }
    }
    match &tokens.mended {
        Some(mended) => cx.out.done(format_args!("Mended: {}", text::line(mended))),
        None => Ok(()),
    }
}

pub(super) fn view(problem: Problem) -> View {
    View { tenant: None, id: None, problem: problem.what, mended_by: problem.mended_by.map(str::to_owned) }
}

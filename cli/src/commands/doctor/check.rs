//! One line of `orkee doctor`: what was looked at, how it is, and what to do.

use orkee_core::diagnostic::Diagnostic;
use serde::Serialize;

use crate::context::Context;
use crate::failure::CliError;
use crate::output::{Paint, text};

/// The command that mends what loses nothing by it.
pub(super) const FIX: &str = "orkee doctor --fix";

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// Works, and deserves a look.
    Warning,
    Failed,
    /// Was not looked at; the message says why.
    Skipped,
}

/// What was found at one thing.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// `--fix` has made it so.
    pub(super) fixed: bool,
    /// For a project or a webhook: whose it is.
    #[serde(skip)]
    pub(super) tenant: Option<String>,
    /// Which one it is.
    #[serde(skip)]
    pub(super) id: Option<String>,
    /// The command that makes it right.
    #[serde(skip)]
    pub(super) mended_by: Option<String>,
}

impl Check {
    fn new(name: &'static str, state: State, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { name, state, message, hint: None, fixed: false, tenant: None, id: None, mended_by: None }
    }

    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, State::Ok, message)
    }

    pub(super) fn warning(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, State::Warning, message)
    }

    pub(super) fn failed(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, State::Failed, message)
    }

    pub(super) fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, message)
    }

    /// Was wrong, and `--fix` made it right.
    pub(super) fn mended(name: &'static str, message: impl Into<String>) -> Self {
        Self { fixed: true, ..Self::new(name, State::Ok, message) }
    }

    /// An error, with what caused it.
    pub(super) fn error(name: &'static str, error: &(dyn Diagnostic + Send + Sync)) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let told = causes.fold(error.to_string(), |told, cause| {
            let cause = without_quotes(&cause.to_string());
            // A wrapper that only repeats what it wraps adds nothing.
            if told.contains(&cause) { told } else { format!("{told}: {cause}") }
        });
        Self { hint: error.hint(), ..Self::failed(name, told) }
    }

    /// What to do.
    pub(super) fn hint(self, hint: impl Into<Option<String>>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// `--fix` makes it right, without losing anything.
    pub(super) fn fixable(self, hint: impl Into<String>) -> Self {
        Self { mended_by: Some(FIX.to_owned()), ..self.hint(hint.into()) }
    }

    /// Shows the line, and below it what to do. What is fine is not said under `-q`.
    pub(super) fn show(&self, cx: &Context) -> Result<(), CliError> {
        let message = text::line(&self.message);
        let mark = match self.state {
            State::Ok => {
                let mended = if self.fixed { "Mended: " } else { "" };
                cx.out.done(format_args!("{mended}{message}"))?;
                return self.show_hint(cx);
            }
            State::Skipped if !cx.out.tells() => return Ok(()),
            State::Skipped => cx.out.paint(Paint::Dim, "-"),
            State::Warning => cx.out.paint(Paint::Cause, "!"),
            State::Failed => cx.out.mark(false),
        };
        cx.out.line(format_args!("{mark} {message}"))?;
        self.show_hint(cx)
    }

    fn show_hint(&self, cx: &Context) -> Result<(), CliError> {
        let is_told = !matches!(self.state, State::Ok | State::Skipped) || cx.out.tells();
        let Some(hint) = self.hint.as_ref().filter(|_| is_told) else { return Ok(()) };
        cx.out.line(format_args!("  {}: {}", cx.out.paint(Paint::Hint, "hint"), text::line(hint)))
    }
}

/// An error in a line: without the lines of a file that it quotes, which stand behind a bar.
fn without_quotes(error: &str) -> String {
    let is_quote =
        |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    let lines: Vec<&str> = error.lines().filter(|line| !is_quote(line)).map(str::trim).collect();
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_quotes_a_file_is_told_in_a_line_without_the_quote() {
        let error = "TOML parse error at line 1, column 5\n  |\n1 | a = maybe\n  |     ^^^^^\nstring values must be quoted\n";
        assert_eq!(
            without_quotes(error),
            "TOML parse error at line 1, column 5: string values must be quoted"
        );
        assert_eq!(without_quotes("no such file"), "no such file");
    }
}

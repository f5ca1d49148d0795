//! The one place that shows errors: `error[CODE]: …`, `caused by: …`, `hint: …`, or the same as JSON.

use orkee_core::diagnostic::{Diagnostic, Kind};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, Paint, text};

/// What an error says, taken apart.
#[derive(Debug, Serialize)]
struct Report {
    code: String,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    request_id: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    error: &'a Report,
}

/// Shows the failure and gives the exit code of its kind.
pub(crate) fn failure(out: &Output, failure: &Failure) -> u8 {
    let error = failure.diagnostic();
    let report = Report::new(error);
    tracing::debug!(target: "orkee::cli", code = report.code, message = report.message, "failed");
    show(out, &report, None);
    error.kind().exit_code()
}

/// Shows that clap refused the arguments, in the same shape.
pub(crate) fn refused_arguments(out: &Output, error: &clap::Error, command: &str) -> u8 {
    let (report, usage) = Report::of_clap(&error.render().to_string(), command);
    show(out, &report, usage.as_deref());
    Kind::Usage.exit_code()
}

/// An error and its causes, where there is room for a line alone.
#[cfg(feature = "cloud")]
pub(crate) fn in_a_line(failure: &Failure) -> String {
    let Report { message, causes, .. } = Report::new(failure.diagnostic());
    text::line(&std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": "))
}

/// An error's code, and what is said of it, a line each: the message, its causes, and what to do.
pub(crate) fn in_lines(failure: &Failure) -> (String, Vec<String>) {
    let Report { code, message, causes, hint, .. } = Report::new(failure.diagnostic());
    let causes = causes.into_iter().map(|cause| format!("caused by: {cause}"));
    let lines = std::iter::once(message).chain(causes).chain(hint.map(|hint| format!("hint: {hint}")));
    (code, lines.flat_map(|block| block.lines().map(text::spelled).collect::<Vec<_>>()).collect())
}

fn show(out: &Output, report: &Report, usage: Option<&str>) {
    if out.is_json() && out.document(&Document { error: report }).is_ok() && out.finish().is_ok() {
        return;
    }
    out.error_line(format_args!(
        "{}: {}",
        out.err_paint(Paint::Error, &format!("error[{}]", report.code)),
        report.message
    ));
    for cause in &report.causes {
        out.error_line(format_args!("{}: {cause}", out.err_paint(Paint::Cause, "caused by")));
    }
    if let Some(id) = &report.request_id {
        out.error_line(format_args!("{}: {id}", out.err_paint(Paint::Cause, "request id")));
    }
    if let Some(hint) = &report.hint {
        out.error_line(format_args!("{}: {hint}", out.err_paint(Paint::Hint, "hint")));
    }
    if let Some(usage) = usage {
        out.error_line(format_args!("\n{usage}"));
    }
}

impl Report {
    fn new(error: &(dyn Diagnostic + Send + Sync)) -> Self {
        let message = text::block(&error.to_string());
        let mut causes: Vec<String> = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            let said = text::block(cause.to_string().trim_end());
            // A wrapper that only repeats what it wraps adds nothing.
            if !said.is_empty() && !causes.last().unwrap_or(&message).ends_with(&said) {
                causes.push(said);
            }
            source = cause.source();
        }
        Self {
            code: error.code().to_owned(),
            message,
            causes,
            hint: error.hint().map(|h| text::block(&h)),
            request_id: error.request_id().map(text::line),
        }
    }

    /// Takes apart what clap wrote of `command`: `error: …`, tips, usage.
    fn of_clap(rendered: &str, command: &str) -> (Self, Option<String>) {
        let mut message = Vec::new();
        let mut tips = Vec::new();
        let mut usage = Vec::new();
        for line in rendered.lines() {
            let trimmed = line.trim();
            if let Some(tip) = trimmed.strip_prefix("tip: ") {
                tips.push(text::line(tip));
            } else if trimmed.starts_with("Usage: ") || !usage.is_empty() {
                if !trimmed.starts_with("For more information") {
                    usage.push(text::line(line));
                }
            } else if !trimmed.is_empty() && !trimmed.starts_with("For more information") {
                message.push(text::line(trimmed.strip_prefix("error: ").unwrap_or(trimmed)));
            }
        }
        let usage = usage.join("\n").trim_end().to_owned();
        let hint = if tips.is_empty() { format!("run `{command} --help`") } else { tips.join("; ") };
        let report = Self {
            code: "E-CLI-001".to_owned(),
            message: message.join(" "),
            causes: Vec::new(),
            hint: Some(hint),
            request_id: None,
        };
        (report, Some(usage).filter(|u| !u.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn refused(args: &[&str]) -> (Report, Option<String>) {
        let error = crate::args::Cli::command().try_get_matches_from(args).unwrap_err();
        Report::of_clap(&error.render().to_string(), "orkee projects list")
    }

    #[test]
    fn a_mistyped_flag_is_told_with_the_right_one_as_hint() {
        let (report, usage) = refused(&["orkee", "projects", "list", "--statsu", "building"]);
        assert!(report.message.contains("--statsu"), "{report:?}");
        assert!(report.hint.as_deref().unwrap_or("").contains("--status"), "{report:?}");
        assert!(usage.is_some());
    }

    #[test]
    fn a_wrong_value_is_told_with_the_possible_ones() {
        let (report, _) = refused(&["orkee", "projects", "list", "--status", "bulding"]);
        assert!(report.message.contains("bulding") && report.message.contains("planning"), "{report:?}");
    }
}

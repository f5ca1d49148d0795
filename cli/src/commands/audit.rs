//! `orkee audit`

mod verify;

use jiff::Timestamp;
use orkee_core::store::{AuditAction, AuditRow};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::moment;
use crate::output::table::Table;
use crate::output::{Paint, text};

/// Show who did what with sign-ins, providers and webhooks, and how it ended
///
/// Signing in and out, refreshed and refused tokens, providers and what they were granted, what a provider asked for and may not,
/// webhooks and what was done with them, keys and the lock of this device, syncs, restores, what was undone, and what
/// `orkee doctor --fix` mended: each leaves a row on this device, the newest first here. Each tenant has rows of its own.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee audit                      the newest rows
  orkee audit --since '2 days ago' --limit 500
  orkee audit --action login,logout,refresh
  orkee audit verify               look whether rows were changed or taken out"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Option<Command>,
    /// Nothing from before: 2026-01-31, 2026-01-31T09:30 (UTC), or '2h ago'
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Of these actions alone: login, sync, provider-grant and so on, with commas
    #[arg(long, value_name = "ACTION", value_delimiter = ',', value_parser = action)]
    action: Vec<AuditAction>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Verify(verify::Verify),
}

#[derive(Serialize)]
struct Document<'a> {
    entries: Vec<RowView<'a>>,
    /// There are older ones.
    more: bool,
}

#[derive(Serialize)]
struct RowView<'a> {
    number: u64,
    at: &'a str,
    tenant: Option<&'a str>,
    who: Option<&'a str>,
    action: &'a str,
    subject: Option<&'a str>,
    outcome: &'a str,
    code: Option<&'a str>,
    provider: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> RowView<'a> {
    fn of(row: &'a AuditRow, tenant: &'a str) -> Self {
        Self {
            number: row.number,
            at: &row.at,
            tenant: Some(tenant).filter(|tenant| !tenant.is_empty()),
            who: row.who.as_deref(),
            action: &row.action,
            subject: row.subject.as_deref(),
            outcome: &row.outcome,
            code: row.code.as_deref(),
            provider: row.provider.as_deref(),
            request_id: row.request_id.as_deref(),
        }
    }
}

impl Audit {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if let Some(Command::Verify(command)) = self.command {
            return command.run(cx);
        }
        let since = self.since.as_deref().map(since).transpose()?;
        let mut rows = cx.store()?.audit(since, &self.action, self.limit + 1)?;
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        if cx.out.is_json() {
            let tenant = cx.settings()?.tenant()?.value;
            let entries = rows.iter().map(|row| RowView::of(row, &tenant)).collect();
            cx.out.document(&Document { entries, more })?;
        } else {
            let is_all = since.is_none() && self.action.is_empty();
            if rows.is_empty() {
                cx.out.note(if is_all {
                    "The audit trail has no rows yet."
                } else {
                    "The audit trail has no such rows."
                });
                return Ok(Exit::DONE);
            }
            show(cx, &rows, more, self.limit)?;
        }
        Ok(Exit::DONE)
    }
}

/// An action by its word. One that is none is told with all that there are.
fn action(word: &str) -> Result<AuditAction, String> {
    let found = AuditAction::ALL.iter().find(|action| action.as_str() == word.trim());
    found.copied().ok_or_else(|| {
        let all: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        format!("there are {}", all.join(", "))
    })
}

fn since(text: &str) -> Result<Timestamp, CliError> {
    moment::parse(text, Timestamp::now())
        .map_err(|why| CliError::usage(format!("--since does not take {text:?}"), why))
}

fn show(cx: &Context, rows: &[AuditRow], more: bool, limit: u32) -> Result<(), Failure> {
    let mut table = Table::new(&["AT", "ACTION", "OUTCOME", "WHO", "ABOUT", "REQUEST"]);
    for row in rows {
        let about = [&row.provider, &row.subject].into_iter().flatten();
        let about = about.map(|part| text::line(part)).collect::<Vec<_>>().join(" ");
        let code = row.code.as_ref().map(|code| format!(" ({})", text::line(code)));
        table.row(vec![
            text::minute(&row.at),
            text::line(&row.action),
            format!("{}{}", text::line(&row.outcome), code.unwrap_or_default()),
            text::line(row.who.as_deref().unwrap_or("this device")),
            about,
            text::line(row.request_id.as_deref().unwrap_or("–")),
        ]);
    }
    cx.out.table(&table)?;
    if more {
        let command = format!("orkee audit --limit {}", limit.saturating_mul(10).min(100_000));
        cx.out.note(format_args!("There are older ones: {}", cx.out.err_paint(Paint::Hint, &command)));
    }
    Ok(())
}

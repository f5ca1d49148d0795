//! `audit`: the audit trail, oldest first.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orkee_core::clock::rfc3339;
use serde_json::json;

use super::token::lifetime;
use super::{CommandError, Data};
use crate::storage::Audit as _;
use crate::storage::sqlite::Sqlite;
use crate::storage::{AuditQuery, AuditRow};

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    data: Data,
    /// What happened in this team alone.
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// What happened since: a time such as 2026-01-31T12:00:00Z, a date in UTC, or how long ago, such as 7d.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let storage = Sqlite::open(&self.data.folder)?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut written = Ok(());
        let query = AuditQuery { team: self.team.as_deref(), since: self.since };
        storage.audit(query, &mut |row| {
            let line = if self.json { in_json(&row) } else { in_words(&row) };
            written = writeln!(out, "{line}");
            written.is_ok()
        })?;
        written.and_then(|()| out.flush()).map_err(CommandError::io("stdout cannot be written"))
    }
}

fn in_json(row: &AuditRow) -> String {
    let AuditRow { at, by, deed } = row;
    json!({
        "at": rfc3339(*at),
        "tenant": by.tenant,
        "team": by.team,
        "account": by.account,
        "device": by.device,
        "device_name": by.device_name,
        "action": deed.action,
        "subject": deed.subject,
        "outcome": deed.outcome,
        "request_id": by.request_id,
    })
    .to_string()
}

/// What people chose is shown without its control characters: it must not move the cursor of whoever reads it.
fn in_words(row: &AuditRow) -> String {
    let AuditRow { at, by, deed } = row;
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    // Whoever runs the server sends no requests.
    let nobody = if by.request_id.is_some() { "(unknown)" } else { "(server)" };
    let who = by.account.clone().unwrap_or_else(|| nobody.to_owned());
    let (team, device, subject) = (word(&by.team), word(&by.device_name), word(&deed.subject));
    let (at, action, outcome, id) = (rfc3339(*at), &deed.action, &deed.outcome, word(&by.request_id));
    let line = format!("{at}  {team}  {who}  {device}  {action}  {subject}  {outcome}  {id}");
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<Date>() {
        let start = date.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        return Ok(start.timestamp());
    }
    let ago = lifetime(text).map_err(|_| {
        "write a time such as 2026-01-31T12:00:00Z, a date, or how long ago, such as 7d".to_owned()
    })?;
    Timestamp::now().checked_sub(ago).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_nobody_knows_whom_is_not_told_as_the_servers() {
        let deed =
            crate::storage::Deed { action: "sign-in".into(), subject: None, outcome: "refused".into() };
        let mut row = AuditRow { at: Timestamp::UNIX_EPOCH, by: crate::storage::Witness::default(), deed };
        assert!(in_words(&row).contains("(server)"));
        row.by.request_id = Some("r".to_owned());
        let told = in_words(&row);
        assert!(told.contains("(unknown)") && !told.contains("(server)"), "{told}");
    }

    #[test]
    fn a_time_is_a_moment_a_date_or_how_long_ago() {
        assert_eq!(since("2026-01-31T12:00:00Z").unwrap().to_string(), "2026-01-31T12:00:00Z");
        assert_eq!(since("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert!(since("7d").unwrap() < Timestamp::now());
        for bad in ["", "yesterday", "7"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}

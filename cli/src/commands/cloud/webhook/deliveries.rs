//! `orkee cloud webhook deliveries`

use jiff::Timestamp;
use serde::Serialize;

use super::error::WebhookError;
use super::place::{self, Delivery, Place, Query};
use super::view::{self, DeliveryView};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::moment;

/// Show what was sent, what came of it, and what waits
///
/// The newest first, each with its newest attempt; --json has all attempts. Kept for 30 days.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook deliveries
  orkee cloud webhook deliveries ep_0a1B2c3D4e5F6g7H --failed --since 1d
  orkee cloud webhook deliveries --json --limit 500")]
pub(crate) struct Deliveries {
    /// Of this webhook alone: its id or URL; the id of one that was removed, too
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Only those that have not arrived: they are tried again, or were given up
    #[arg(long)]
    failed: bool,
    /// Nothing from before: 1d, 2026-01-31, 2026-01-31T09:30 (UTC)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Those of this device alone; asks no server
    #[arg(long)]
    local: bool,
}

#[derive(Serialize)]
struct Document {
    deliveries: Vec<DeliveryView>,
}

impl Deliveries {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let query = Query {
            endpoint: None,
            id: None,
            since: self.since.as_deref().map(since).transpose()?,
            failed: self.failed,
            limit: self.limit,
        };
        let deliveries = match &self.id {
            Some(id) => of_webhook(cx, id, self.local, query)?,
            None => everywhere(&place::all(cx, self.local)?, &query)?,
        };
        if cx.out.is_json() {
            cx.out.document(&Document { deliveries: deliveries.iter().map(DeliveryView::of).collect() })?;
        } else if deliveries.is_empty() {
            let is_all = self.id.is_none() && self.since.is_none() && !self.failed;
            cx.out.note(if is_all {
                "There are no deliveries yet."
            } else {
                "There are no such deliveries."
            });
        } else {
            view::deliveries(cx, &deliveries)?;
        }
        Ok(Exit::DONE)
    }
}

/// Those of one webhook. One that was removed is in no list any more, but what was sent to it is; only its id says which one it was.
fn of_webhook(cx: &Context, meant: &str, local: bool, query: Query) -> Result<Vec<Delivery>, Failure> {
    let places = place::all(cx, local)?;
    if let Some((place, webhook)) = place::among(&places, meant)? {
        return place.deliveries(&Query { endpoint: Some(webhook.id), ..query });
    }
    if !meant.starts_with("ep_") {
        return Err(WebhookError::unknown(cx, meant).into());
    }
    let query = Query { endpoint: Some(meant.to_owned()), ..query };
    let found = everywhere(&places, &query)?;
    let any = Query { since: None, failed: false, limit: 1, ..query };
    match found.is_empty() && everywhere(&places, &any)?.is_empty() {
        true => Err(WebhookError::unknown(cx, meant).into()),
        false => Ok(found),
    }
}

/// Those of all places, the newest first.
pub(super) fn everywhere(places: &[Box<dyn Place + '_>], query: &Query) -> Result<Vec<Delivery>, Failure> {
    let mut all: Vec<Delivery> = Vec::new();
    for place in places {
        all.extend(place.deliveries(query)?);
    }
    all.sort_by(|a, b| b.at.cmp(&a.at));
    all.truncate(query.limit as usize);
    Ok(all)
}

/// Reads `--since`.
pub(super) fn since(text: &str) -> Result<Timestamp, CliError> {
    moment::parse(text, Timestamp::now())
        .map_err(|why| CliError::usage(format!("--since does not take {text:?}"), why))
}

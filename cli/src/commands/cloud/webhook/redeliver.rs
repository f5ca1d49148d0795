//! `orkee cloud webhook redeliver`

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::deliveries::{everywhere, since};
use super::error::WebhookError;
use super::place::{self, Delivery, Place, Query};
use super::view::{self, DeliveryView};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::prompt;

/// Deliveries that one command sends again.
const MOST: u32 = 10_000;

/// Send events once more, with the same id and the same bytes
///
/// A receiver that keeps the ids it has seen notices that it has had one. The time and the signature are new.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook redeliver msg_2Lml4xKWbrcM3Za9jFtAvOqY
  orkee cloud webhook redeliver --failed --since 1d --dry-run
  orkee cloud webhook redeliver --failed --since '2026-01-31 09:30' --yes")]
pub(crate) struct Redeliver {
    /// The events, as `webhook deliveries` names them
    #[arg(value_name = "MSG", required_unless_present = "failed", conflicts_with = "failed")]
    ids: Vec<String>,
    /// All that have not arrived: they were given up, or wait to be tried again
    #[arg(long, requires = "since")]
    failed: bool,
    /// Of --failed, nothing from before: 1d, 2026-01-31, 2026-01-31T09:30 (UTC)
    #[arg(long, value_name = "TIME", requires = "failed")]
    since: Option<String>,
    /// Only to this webhook: its id or URL
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Those of this device alone; asks no server
    #[arg(long)]
    local: bool,
    /// Only tell what would be sent
    #[arg(long)]
    dry_run: bool,
    /// Do not ask where it is more than one
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Document {
    /// How many will be sent again.
    redelivered: u64,
    dry_run: bool,
    deliveries: Vec<DeliveryView>,
}

impl Redeliver {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let places = place::all(cx, self.local)?;
        let deliveries = self.meant(cx, &places)?;
        if !self.dry_run && deliveries.len() > 1 {
            let question = format!("Send {} deliveries again?", deliveries.len());
            prompt::must_confirm(cx, self.yes, &question)?;
        }
        let sent = if self.dry_run { 0 } else { send(&places, &deliveries)? };
        if cx.out.is_json() {
            let deliveries = deliveries.iter().map(DeliveryView::of).collect();
            cx.out.document(&Document { redelivered: sent, dry_run: self.dry_run, deliveries })?;
        } else if deliveries.is_empty() {
            cx.out.note("There are no such deliveries.");
        } else if self.dry_run {
            view::deliveries(cx, &deliveries)?;
            cx.out.note(format_args!("{} would be sent again", count(deliveries.len() as u64)));
        } else {
            cx.out.done(format_args!("{} to be sent again", count(sent)))?;
        }
        Ok(Exit::DONE)
    }

    /// The deliveries that the arguments name, as far as their webhooks are there and on.
    fn meant(&self, cx: &Context, places: &[Box<dyn Place + '_>]) -> Result<Vec<Delivery>, Failure> {
        let mut on = BTreeSet::new();
        for place in places {
            let webhooks = place.all()?.into_iter().filter(|webhook| webhook.disabled_because.is_none());
            on.extend(webhooks.map(|webhook| webhook.id));
        }
        let to = self.to.as_deref().map(|to| place::find_to_change(cx, to)).transpose()?;
        let to = to.map(|(_, webhook)| webhook.id);
        let mut query = Query { endpoint: to, limit: MOST, ..Query::default() };
        if let Some(text) = &self.since {
            (query.since, query.failed) = (Some(since(text)?), true);
            let mut found = everywhere(places, &query)?;
            found.retain(|delivery| on.contains(&delivery.endpoint));
            return Ok(found);
        }
        let mut meant = Vec::new();
        for id in &self.ids {
            query.id = Some(id.clone());
            let mut of_event = everywhere(places, &query)?;
            if of_event.is_empty() {
                return Err(WebhookError::NoEvent(id.clone()).into());
            }
            of_event.retain(|delivery| on.contains(&delivery.endpoint));
            if of_event.is_empty() {
                return Err(WebhookError::NobodyToSendTo(id.clone()).into());
            }
            meant.extend(of_event);
        }
        Ok(meant)
    }
}

/// Has them sent again, webhook by webhook.
fn send(places: &[Box<dyn Place + '_>], deliveries: &[Delivery]) -> Result<u64, Failure> {
    let mut sent = 0;
    for place in places {
        let mut of_webhook: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for delivery in deliveries.iter().filter(|delivery| delivery.place == place.name()) {
            of_webhook.entry(&delivery.endpoint).or_default().push(delivery.id.clone());
        }
        for (webhook, ids) in of_webhook {
            sent += place.redeliver(webhook, &ids)?;
        }
    }
    Ok(sent)
}

fn count(n: u64) -> String {
    if n == 1 { "1 delivery".to_owned() } else { format!("{n} deliveries") }
}

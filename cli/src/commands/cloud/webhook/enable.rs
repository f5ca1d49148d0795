//! `orkee cloud webhook enable`

use orkee_core::store::AuditAction;
use serde::Serialize;

use super::view::{self, WebhookView};
use super::{place, trail};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::text;

/// Send events to a webhook again
///
/// What waited when it was switched off is sent only with --replay. What happened while it was off is not: it was kept for nobody.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook enable ep_0a1B2c3D4e5F6g7H
  orkee cloud webhook enable ep_0a1B2c3D4e5F6g7H --replay   send what was cancelled when it was switched off, too")]
pub(crate) struct Enable {
    /// Its id or URL
    #[arg(value_name = "ID")]
    id: String,
    /// Send what waited when it was switched off, too
    #[arg(long)]
    replay: bool,
}

#[derive(Serialize)]
struct Document {
    webhook: WebhookView,
    /// How many deliveries go on; null where the account's server does not say.
    replayed: Option<u64>,
}

impl Enable {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let (place, mut webhook) = place::find_to_change(cx, &self.id)?;
        let done = place.enable(&webhook, self.replay);
        let about = (webhook.id.as_str(), webhook.url.as_str());
        let replayed = trail::ended(cx, &*place, AuditAction::EnableWebhook, about, done)?;
        webhook.disabled_because = None;
        let more = replayed.filter(|_| self.replay).map(|count| format!("; {count} that waited go on"));
        let (id, url) = (text::line(&webhook.id), view::url(&webhook));
        cx.out.done(format_args!("{id} {url} is on{}", more.unwrap_or_default()))?;
        if cx.out.is_json() {
            cx.out.document(&Document { webhook: WebhookView::of(&webhook), replayed })?;
        }
        Ok(Exit::DONE)
    }
}

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
/// What happened while it was off is not sent, unless you say --replay.
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
    replayed: bool,
}

impl Enable {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let (place, mut webhook) = place::find_to_change(cx, &self.id)?;
        let done = place.enable(&webhook, self.replay);
        trail::ended(cx, &*place, AuditAction::EnableWebhook, (&webhook.id, &webhook.url), done)?;
        webhook.disabled_because = None;
        cx.out.done(format_args!("{} {} is on", text::line(&webhook.id), view::url(&webhook)))?;
        if cx.out.is_json() {
            cx.out.document(&Document { webhook: WebhookView::of(&webhook), replayed: self.replay })?;
        }
        Ok(Exit::DONE)
    }
}

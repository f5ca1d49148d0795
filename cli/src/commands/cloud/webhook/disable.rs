//! `orkee cloud webhook disable`

use orkee_core::store::AuditAction;
use serde::Serialize;

use super::view::{self, WebhookView};
use super::{here, place, trail};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::text;

/// Send no more events to a webhook, and cancel what waits
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook disable ep_0a1B2c3D4e5F6g7H
  orkee cloud webhook disable https://example.com/hook")]
pub(crate) struct Disable {
    /// Its id or URL
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Serialize)]
struct Document {
    webhook: WebhookView,
}

impl Disable {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let (place, mut webhook) = place::find_to_change(cx, &self.id)?;
        let done = place.disable(&webhook);
        trail::ended(cx, &*place, AuditAction::DisableWebhook, (&webhook.id, &webhook.url), done)?;
        webhook.disabled_because.get_or_insert_with(|| here::BY_HAND.to_owned());
        cx.out.done(format_args!(
            "{} {} is off; what waited is cancelled",
            text::line(&webhook.id),
            view::url(&webhook)
        ))?;
        if cx.out.is_json() {
            cx.out.document(&Document { webhook: WebhookView::of(&webhook) })?;
        }
        Ok(Exit::DONE)
    }
}

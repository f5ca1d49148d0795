//! `orkee cloud webhook show`

use serde::Serialize;

use super::place::{self, Webhook};
use super::view::{self, WebhookView};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::text;

/// Show everything about a webhook but its secrets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook show ep_0a1B2c3D4e5F6g7H
  orkee cloud webhook show https://example.com/hook --json")]
pub(crate) struct Show {
    /// Its id or URL
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Serialize)]
struct Document {
    webhook: WebhookView,
}

impl Show {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let (_, webhook) = place::find(cx, &self.id)?;
        match cx.out.is_json() {
            true => cx.out.document(&Document { webhook: WebhookView::of(&webhook) })?,
            false => print(cx, &webhook)?,
        }
        Ok(Exit::DONE)
    }
}

fn print(cx: &Context, webhook: &Webhook) -> Result<(), CliError> {
    let reach = &webhook.reach;
    let line = |name: &str, value: &str| cx.out.line(format_args!("{name:<12} {value}"));
    line("Webhook", &text::line(&webhook.id))?;
    line("URL", &view::url(webhook))?;
    line("Place", &format!("{}: {}", webhook.place.as_str(), webhook.place.sender()))?;
    line("Events", &view::events(webhook))?;
    line("State", &view::state(webhook))?;
    if let Some(description) = &webhook.description {
        line("For", &text::spelled(description))?;
    }
    line("Sent by", &text::line(&webhook.dispatcher))?;
    line("Order", if webhook.ordered { "strict: each after the one before" } else { "as they come" })?;
    if let Some(at) = &webhook.created_at {
        line("Added", &text::minute(at))?;
    }
    if !reach.headers.is_empty() {
        line("Headers", &text::line(&reach.headers.join(", ")))?;
    }
    if !reach.private.is_empty() {
        line("May reach", &text::line(&reach.private.join(", ")))?;
    }
    if reach.loopback {
        line("Insecure", "http to this machine is let through")?;
    }
    if reach.own_authority {
        line("Trusts", "an authority of its own, beside the system's")?;
    }
    Ok(())
}

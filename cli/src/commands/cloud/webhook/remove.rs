//! `orkee cloud webhook remove`

use orkee_core::store::AuditAction;
use serde::Serialize;

use super::error::WebhookError;
use super::place::Webhook;
use super::{place, trail, view};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::text;
use crate::prompt;

/// Take a webhook away, with its secret, and cancel what waits
///
/// Asks for its host or id, so that no other is taken away by mistake.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook remove ep_0a1B2c3D4e5F6g7H
  orkee cloud webhook remove https://example.com/hook --yes")]
pub(crate) struct Remove {
    /// Its id or URL
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    removed: &'a str,
}

impl Remove {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let (place, webhook) = place::find_to_change(cx, &self.id)?;
        if !self.yes {
            confirm(cx, &webhook)?;
        }
        let done = place.remove(&webhook);
        trail::ended(cx, &*place, AuditAction::RemoveWebhook, (&webhook.id, &webhook.url), done)?;
        let id = text::line(&webhook.id);
        cx.out.done(format_args!("{id} {} is gone; what waited is cancelled", view::url(&webhook)))?;
        if cx.out.is_json() {
            cx.out.document(&Document { removed: &webhook.id })?;
        }
        Ok(Exit::DONE)
    }
}

fn confirm(cx: &Context, webhook: &Webhook) -> Result<(), Failure> {
    let (id, host) = (text::line(&webhook.id), view::host(&webhook.url));
    let question = format!("Type {host} or {id} to remove it");
    if !prompt::possible(cx) {
        return Err(CliError::NobodyToAsk { question, hint: "add --yes to go ahead".to_owned() }.into());
    }
    match prompt::line(cx, &question, None)? {
        typed if typed == id || typed.eq_ignore_ascii_case(&host) => Ok(()),
        _ => Err(WebhookError::OtherName.into()),
    }
}

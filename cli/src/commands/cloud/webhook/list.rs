//! `orkee cloud webhook list`

use serde::Serialize;

use super::place::{self, Webhook};
use super::view::{self, WebhookView};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// List the webhooks of this device and of the account
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook list
  orkee cloud webhook list --local --json")]
pub(crate) struct List {
    /// Those of this device alone; asks no server
    #[arg(long)]
    local: bool,
}

#[derive(Serialize)]
struct Document {
    webhooks: Vec<WebhookView>,
}

impl List {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let mut webhooks: Vec<Webhook> = Vec::new();
        for place in place::all(cx, self.local)? {
            webhooks.extend(place.all()?);
        }
        if cx.out.is_json() {
            cx.out.document(&Document { webhooks: webhooks.iter().map(WebhookView::of).collect() })?;
        } else if webhooks.is_empty() {
            cx.out.note("There are no webhooks.");
        } else {
            view::table(cx, &webhooks)?;
        }
        Ok(Exit::DONE)
    }
}

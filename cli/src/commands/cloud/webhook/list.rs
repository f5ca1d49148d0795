//! `orkee cloud webhook list`

use serde::Serialize;

use super::account::Account;
use super::here::Here;
use super::place::{Place, Webhook};
use super::view::{self, WebhookView};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

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
        let mut webhooks = Here::open(cx)?.all()?;
        let of_account = if self.local { Ok(Vec::new()) } else { of_account(cx) };
        // What is here is here, whatever a server says.
        let failed = of_account.map(|more| webhooks.extend(more)).err();
        if cx.out.is_json() {
            if let Some(failed) = failed {
                return Err(failed);
            }
            cx.out.document(&Document { webhooks: webhooks.iter().map(WebhookView::of).collect() })?;
            return Ok(Exit::DONE);
        }
        match webhooks.is_empty() {
            true if failed.is_none() => cx.out.note("There are no webhooks."),
            true => {}
            false => view::table(cx, &webhooks)?,
        }
        failed.map_or(Ok(Exit::DONE), Err)
    }
}

fn of_account(cx: &Context) -> Result<Vec<Webhook>, Failure> {
    Account::if_there(cx)?.map_or_else(|| Ok(Vec::new()), |account| account.all())
}

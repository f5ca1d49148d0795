//! `orkee cloud key unseal`

use orkee_core::seal::keys::{KeyError, Keys};
use orkee_core::seal::{Document, Epochs};
use orkee_core::store::AuditAction;
use orkee_core::sync::SyncLock;

use super::desk::Desk;
use super::error::{KeyCommandError, was_refused};
use super::{changing, trail};
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::prompt;

/// Take the account back to projects that its server can read
///
/// Sends all of them again, as they are. Each device follows with its next sync. The key stays, so that what is still sealed can be read,
/// and `orkee cloud key init` seals the account with it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key unseal
  orkee cloud key unseal --yes")]
pub(crate) struct Unseal {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Unseal {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        if cloud.choice.requires_encryption() {
            let tenant = cloud.tenant.clone().unwrap_or_default();
            return Err(KeyCommandError::Required(tenant).into());
        }
        cx.store()?.must_be_open()?;
        let lock = SyncLock::acquire(cx.home()?)?;
        let question =
            format!("Let {} and its server read this account's projects again?", cloud.choice.name());
        prompt::must_confirm(cx, self.yes, &question)?;
        let unsealed = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            let remote = connection.remote().await?;
            let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
            unseal(&desk).await
        });
        let keys = trail::ended(cx, &cloud, AuditAction::UnsealAccount, "", unsealed)?;
        drop(lock);
        changing::over(cx, &keys, self.yes)
    }
}

async fn unseal(desk: &Desk<'_>) -> Result<Keys, Failure> {
    let keys = desk.keys()?;
    if !keys.standing().has_key {
        let there = desk.fetch().await?;
        return Err(if there.is_some() { KeyCommandError::NotHere } else { KeyCommandError::NoKey }.into());
    }
    let before = keys.reseal_to()?;
    let plain = |document: &Document, epochs: &Epochs| {
        // Before the account goes by it: broken off after that, the next sync goes on.
        keys.set_reseal_to(Some(0))?;
        Ok(document.seals().then(|| document.unsealed(epochs)).transpose().map_err(KeyError::from)?)
    };
    let changed = desk.change(&keys, plain).await;
    if changed.as_ref().is_err_and(was_refused) {
        keys.set_reseal_to(before)?;
    }
    changed?;
    Ok(keys)
}

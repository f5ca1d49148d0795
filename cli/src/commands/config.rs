//! `orkee config`

mod get;
mod list;
mod set;
mod unset;
mod view;

use orkee_core::settings::{ConfigKey, Settings};
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee config list --origin           every setting, and where its value comes from
  orkee config set history.days 90     into config.toml
  orkee help env                       the settings, explained";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Get(get::Get),
    Set(set::Set),
    Unset(unset::Unset),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::List(command) => command.run(cx),
            Self::Get(command) => command.run(cx),
            Self::Set(command) => command.run(cx),
            Self::Unset(command) => command.run(cx),
        }
    }
}

/// The settings as they are now, after a change too: with what `.env` of this folder decides, where that counts.
fn settings(cx: &Context) -> Result<Settings, Failure> {
    #[cfg_attr(not(feature = "cloud"), expect(unused_mut, reason = "without sync a folder decides nothing"))]
    let mut settings = Settings::load(cx.home()?)?;
    #[cfg(feature = "cloud")]
    {
        let folder = cx.folder()?;
        if folder != cx.home()?.root() {
            settings.read_folder(&folder);
        }
    }
    Ok(settings)
}

/// Notes in the audit trail which key was changed, not to what: for the tenant before and the one after, where these are two.
fn note(cx: &Context, settings: [&Settings; 2], key: &ConfigKey) -> Result<(), Failure> {
    // A tenant that cannot be is no reason not to change it.
    let mut tenants =
        settings.map(|settings| settings.tenant().map(|tenant| tenant.value).unwrap_or_default()).to_vec();
    tenants.dedup();
    for tenant in tenants {
        let entry = AuditEntry::new(tenant, AuditAction::ChangeConfig, AuditOutcome::Done);
        cx.trail()?.note(&AuditEntry { subject: Some(key.to_string()), ..entry });
    }
    Ok(())
}

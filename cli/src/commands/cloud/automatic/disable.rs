//! `orkee cloud disable`

use orkee_core::settings::Key;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use serde::Serialize;

use super::enable::{differs, set};
use super::error::AutoError;
use super::service::{self, Found, Service};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Sync only when asked from now on: stops the service and takes it away
///
/// Sets cloud.auto_sync to false in config.toml. A service that was edited, or is another home folder's, is left alone unless --force.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud disable
  orkee cloud disable --dry-run   show what would be changed and run")]
pub(crate) struct Disable {
    /// Show what would be changed and run; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the service away even where it was edited, or is another home folder's
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Document {
    dry_run: bool,
    /// None: there was no service.
    removed: Option<String>,
    commands: Vec<Vec<String>>,
}

impl Disable {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let service = Service::of(cx.home()?)?;
        if !self.dry_run {
            // Whatever becomes of the service: no command starts a sync from here on.
            let key = Key::AutoSync.config().unwrap_or_default().join(".");
            set(cx, &[(key, "false".to_owned())])?;
            cx.note(AuditEntry::new("", AuditAction::DisableAutoSync, AuditOutcome::Done))?;
        }
        let installed = match &service {
            None => None,
            Some(service) => match service.found()? {
                Found::Nothing => None,
                Found::Other(old) if !self.force => {
                    differs(cx, &old, &service.text);
                    let (path, command) = (service.path.clone(), "disable");
                    return Err(AutoError::OtherService { path, command }.into());
                }
                Found::Ours | Found::Other(_) => Some(service),
            },
        };
        let commands = installed.map(Service::stopping).unwrap_or_default();
        if let Some(service) = installed.filter(|_| !self.dry_run) {
            // Where no session answers there is nothing that runs, and the description goes all the same.
            if service.is_possible() {
                service.stop()?;
            }
            service.remove()?;
            if service.is_possible() {
                service.after_removal().iter().try_for_each(|command| service::run(command))?;
            }
        }
        let removed = installed.map(|service| service.path.display().to_string());
        if cx.out.is_json() {
            cx.out.document(&Document { dry_run: self.dry_run, removed, commands })?;
            return Ok(Exit::DONE);
        }
        if self.dry_run {
            cx.out.line("Would set cloud.auto_sync to false in config.toml")?;
            for command in commands {
                cx.out.line(format_args!("Would run {}", command.join(" ")))?;
            }
            if let Some(removed) = removed {
                cx.out.line(format_args!("Would remove {removed}"))?;
            }
            return Ok(Exit::DONE);
        }
        cx.out.done("Automatic sync is off: cloud.auto_sync = false in config.toml")?;
        match removed {
            Some(removed) => cx.out.done(format_args!("The service is stopped and gone: {removed}"))?,
            None => cx.out.note("There was no service."),
        }
        Ok(Exit::DONE)
    }
}

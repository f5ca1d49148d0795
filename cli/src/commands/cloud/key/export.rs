//! `orkee cloud key export`

use std::path::PathBuf;

use orkee_core::seal::keys::{Exported, Keys};
use orkee_core::store::AuditAction;
use serde::Serialize;

use super::desk::Desk;
use super::error::KeyCommandError;
use super::init::stretched;
use super::trail;
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::prompt;

/// Write the account's key into a file that a passphrase opens
///
/// For a place of your own: whoever has the file and its passphrase reads the account's projects. `orkee cloud key recover --file` takes it.
/// A later `orkee cloud key rotate` makes it a key of the past.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key export --out orkee-key.json
  orkee cloud key export > /media/stick/orkee-key.json
  orkee cloud key export --plain --yes --out orkee-key.json   without a passphrase: whoever has it, has the key")]
pub(crate) struct Export {
    /// Write into this file, which only you can read; it must not exist
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Seal it by no passphrase
    #[arg(long)]
    plain: bool,
    /// Do not ask
    #[arg(short, long, requires = "plain")]
    yes: bool,
}

#[derive(Serialize)]
struct Output {
    file: String,
}

impl Export {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        cx.store()?.must_be_open()?;
        if self.plain {
            let question = "Write the key so that whoever has the file reads the account's projects?";
            prompt::must_confirm(cx, self.yes, question)?;
        }
        if let Some(path) = self.out.as_ref().filter(|path| path.exists()) {
            return Err(KeyCommandError::FileThere(path.clone()).into());
        }
        let (keys, account) = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            let remote = connection.remote().await?;
            let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
            Ok((desk.keys()?, remote))
        })?;
        let what = if self.plain { "plain" } else { "sealed by a passphrase" };
        let written = self.write(cx, &keys, &account);
        trail::ended(cx, &cloud, AuditAction::ExportKey, what, written)?;
        Ok(Exit::DONE)
    }

    fn write(&self, cx: &Context, keys: &Keys, account: &str) -> Result<(), Failure> {
        let epochs = keys.epochs().ok_or(KeyCommandError::NotHere)?;
        let passphrase = if self.plain { None } else { Some(stretched(cx)?) };
        let text = Exported::new(&epochs, account, passphrase.as_ref())?.to_text();
        let Some(path) = &self.out else {
            return Ok(cx.out.bytes(text.as_bytes())?);
        };
        let unwritable = |source| CliError::WriteFile { path: path.clone(), source };
        if !orkee_core::file::create(path, text.as_bytes()).map_err(unwritable)? {
            return Err(KeyCommandError::FileThere(path.clone()).into());
        }
        if cx.out.is_json() {
            return Ok(cx.out.document(&Output { file: path.display().to_string() })?);
        }
        Ok(cx.out.done(format_args!("The account's key is in {}", path.display()))?)
    }
}

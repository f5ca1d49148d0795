//! `orkee cloud key`: end-to-end encryption. One file a command.

mod at_rest;
mod changing;
mod desk;
mod error;
mod export;
mod init;
mod lock;
mod recover;
mod revoked;
mod rotate;
mod show;
mod shown;
mod trail;
mod typed;
mod unlock;
mod unseal;
mod verify;

pub(in crate::commands) use at_rest::AtRest;
pub(super) use desk::{Desk, change_over};
pub(super) use revoked::{Lost, ShutOut, elsewhere, shut_out, shut_out_beside};
pub(super) use show::Sealing;

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud key init      seal the account's projects, and be shown its recovery phrase
  orkee cloud key recover   give another device the key, with the phrase
  orkee cloud key show      whether the account is sealed, and who has its key";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Init(init::Init),
    Show(show::Show),
    Verify(verify::Verify),
    Rotate(rotate::Rotate),
    Recover(recover::Recover),
    Export(export::Export),
    Unseal(unseal::Unseal),
    Lock(lock::Lock),
    Unlock(unlock::Unlock),
}

impl Command {
    /// Whether it does something that a sync may wait for, and does not only show.
    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::Show(_) | Self::Verify(_) | Self::Export(_))
    }

    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Init(command) => command.run(cx),
            Self::Show(command) => command.run(cx),
            Self::Verify(command) => command.run(cx),
            Self::Rotate(command) => command.run(cx),
            Self::Recover(command) => command.run(cx),
            Self::Export(command) => command.run(cx),
            Self::Unseal(command) => command.run(cx),
            Self::Lock(command) => command.run(cx),
            Self::Unlock(command) => command.run(cx),
        }
    }
}

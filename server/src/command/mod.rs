//! The command line.
//!
//! Each command opens the storage by itself, so that accounts can be made beside a running server.

mod audit;
mod prune;
mod serve;
mod team;
mod tenant;
mod token;
mod user;
mod webhook;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use orkee_core::event::EventError;
use thiserror::Error;

use crate::storage::{Account, Accounts, StorageError};
use crate::webhooks::OptionsError;

/// The Orkee Cloud API, self-hostable.
#[derive(Debug, Parser)]
#[command(name = "orkee-server", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the sign-in pages.
    Serve(serve::Serve),
    /// Manage accounts.
    #[command(subcommand)]
    User(user::User),
    /// Manage API tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// Manage teams, whose members share their projects.
    #[command(subcommand)]
    Team(team::Team),
    /// Show who did what: each write of a team's projects, and each change of who is in a team.
    Audit(audit::Audit),
    /// Manage tenants: companies whose people sign in at identity providers of their own.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// See where the events of accounts and teams are sent, and switch a webhook off.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Drop tombstones of deleted projects now. Devices that stayed away for longer list everything anew.
    Prune(prune::Prune),
}

/// Where the server keeps its data.
#[derive(Debug, Args)]
struct Data {
    /// The folder with the server's data; made if it is missing.
    #[arg(long = "data", value_name = "DIR", env = "ORKEE_SERVER_DATA")]
    folder: PathBuf,
}

/// Why a command failed.
#[derive(Debug, Error)]
enum CommandError {
    /// The command line cannot be carried out as it stands.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// There is nobody of that name.
    #[error("there is no account for {0}")]
    NoAccount(String),
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Password(String),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The HTTP client cannot be made.
    #[error("identity providers cannot be asked")]
    Net(#[from] orkee_core::net::NetError),
    /// Webhooks cannot be sent as the flags say.
    #[error(transparent)]
    Webhooks(#[from] OptionsError),
    /// The system failed.
    #[error("{doing}")]
    Io {
        doing: String,
        #[source]
        source: std::io::Error,
    },
}

impl CommandError {
    fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::NoAccount(email) => Some(format!("run `orkee-server user add {email} --data DIR`")),
            Self::Storage(StorageError::AccountDisabled(email)) => {
                Some(format!("orkee-server user enable {email}"))
            }
            Self::Storage(StorageError::Event(EventError::NoEndpoint { .. })) => {
                Some("orkee-server webhook list shows those there are".to_owned())
            }
            Self::Storage(StorageError::Newer { .. }) => {
                Some("start the newer orkee-server again".to_owned())
            }
            _ => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::NoAccount(_) | Self::Webhooks(_) => 2,
            Self::Storage(StorageError::AccountDisabled(_)) => 2,
            Self::Storage(StorageError::Event(EventError::NoEndpoint { .. })) => 2,
            _ => 1,
        }
    }
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::User(user) => user.run(),
        Command::Token(token) => token.run(),
        Command::Team(team) => team.run(),
        Command::Audit(audit) => audit.run(),
        Command::Tenant(tenant) => tenant.run(),
        Command::Webhook(webhook) => webhook.run(),
        Command::Prune(prune) => prune.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// The one place that tells an error to a person. A closed stderr is no reason to fail differently.
fn report(error: &CommandError) {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!("  caused by: {source}\n"));
        cause = source.source();
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// One line on stdout.
fn print(line: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(CommandError::io("stdout cannot be written"))
}

/// An email address as accounts are known by.
fn email(text: &str) -> Result<String, String> {
    crate::oauth::email(text).ok_or_else(|| "that is not an email address".to_owned())
}

/// The account of an address.
fn account(storage: &(impl Accounts + ?Sized), email: &str) -> Result<Account, CommandError> {
    let found = storage.account_by_email(email)?;
    found.map(|(account, _)| account).ok_or_else(|| CommandError::NoAccount(email.to_owned()))
}

//! `user`: an account, its password read from stdin; and who may not sign in any more.

use std::io::{IsTerminal, Read, Write};

use clap::Subcommand;
use jiff::Timestamp;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::{CommandError, Data, account, email, print};
use crate::password;
use crate::storage::sqlite::Sqlite;
use crate::storage::{Accounts, Deed, NewAccount, Witness, together};

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Make an account. The password is read from stdin.
    Add {
        /// The email address to sign in with.
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        data: Data,
        /// What the account is called where plans are shown.
        #[arg(long, default_value = "Pro Plan")]
        plan: String,
    },
    /// Disable an account: it is signed out everywhere at once, and cannot sign in. What it wrote stays.
    Disable {
        /// Whose account.
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        data: Data,
    },
    /// Let a disabled account sign in again.
    Enable {
        /// Whose account.
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        data: Data,
    },
}

impl User {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add { email, data, plan } => add(&Sqlite::open(&data.folder)?, &email, &plan),
            Self::Disable { email, data } => {
                set_disabled(&Sqlite::open(&data.folder)?, &email, Some(Timestamp::now()))
            }
            Self::Enable { email, data } => set_disabled(&Sqlite::open(&data.folder)?, &email, None),
        }
    }
}

fn add(storage: &Sqlite, email: &str, plan: &str) -> Result<(), CommandError> {
    let hash = password::hash(&read_password()?).map_err(|e| CommandError::Password(e.to_string()))?;
    let new = NewAccount { email, password: Some(&hash), plan };
    let account = storage.create_account(&new, Timestamp::now())?;
    print(&format!("added {} ({})", account.email, account.plan))
}

fn set_disabled(storage: &Sqlite, email: &str, disabled: Option<Timestamp>) -> Result<(), CommandError> {
    let account = account(storage, email)?;
    let action = if disabled.is_some() { "disable-account" } else { "enable-account" };
    let deed =
        Deed { action: action.to_owned(), subject: Some(account.email.clone()), outcome: "done".to_owned() };
    together(storage, |storage| {
        storage.set_disabled(account.key, disabled)?;
        storage.note(&Witness::default(), &deed, Timestamp::now())
    })?;
    print(&format!("{} is {}", account.email, if disabled.is_some() { "disabled" } else { "enabled" }))
}

/// All of stdin, without the line end; from a terminal one line, unseen.
fn read_password() -> Result<String, CommandError> {
    let unread = || CommandError::io("stdin cannot be read");
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        std::io::stderr().write_all(b"Password: ").map_err(CommandError::io("stderr cannot be written"))?;
        unseen(|| std::io::stdin().read_line(&mut text)).map_err(unread())?;
    } else {
        let limit = password::MAX_LEN as u64 + 3;
        std::io::stdin().take(limit).read_to_string(&mut text).map_err(unread())?;
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.len() > password::MAX_LEN || text.contains('\n') {
        return Err(CommandError::usage(
            format!(
                "the password on stdin is empty, longer than {} bytes, or more than one line",
                password::MAX_LEN
            ),
            "pipe it in: printf %s \"$PASSWORD\" | orkee-server user add …",
        ));
    }
    Ok(text.to_owned())
}

/// Reads from the terminal while it shows nothing of what is typed.
fn unseen<T>(read: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    let before = tcgetattr(std::io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes -= LocalModes::ECHO;
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
    let done = read();
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &before)?;
    std::io::stderr().write_all(b"\n")?;
    done
}

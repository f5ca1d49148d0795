//! What opens an account's key: a recovery phrase, a passphrase. It is typed unseen, or stands on standard input; it is never part of
//! a command line or of the environment, which other programs can read.

use std::io::IsTerminal;

use orkee_core::net::Secret;

use super::error::KeyCommandError;
use crate::commands::cloud::{piped, unseen};
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::prompt;

/// A passphrase protects the key where the document that it opens lies with a server: shorter ones are found by trying.
const SHORTEST: usize = 12;

/// A recovery phrase: all that stands on standard input, or what the person types.
pub(super) fn phrase(cx: &Context) -> Result<Secret, Failure> {
    asked(cx, "Recovery phrase (24 words)", || {
        Ok(Secret::new(piped::all("the recovery phrase")?.expose().trim()))
    })
}

/// A passphrase that exists: a line of standard input, or what the person types.
pub(super) fn passphrase(cx: &Context) -> Result<Secret, Failure> {
    asked(cx, "Passphrase", || piped::line("the passphrase"))
}

/// A passphrase that is to be good from now on; a person types it twice.
pub(super) fn new_passphrase(cx: &Context) -> Result<Secret, Failure> {
    let first = passphrase(cx)?;
    if first.expose().chars().count() < SHORTEST {
        return Err(KeyCommandError::WeakPassphrase { shortest: SHORTEST }.into());
    }
    if is_typed() && unseen::line(cx, "The same again")?.expose() != first.expose() {
        return Err(KeyCommandError::Mistyped.into());
    }
    Ok(first)
}

fn is_typed() -> bool {
    std::io::stdin().is_terminal()
}

fn asked(
    cx: &Context,
    question: &str,
    piped: impl FnOnce() -> Result<Secret, Failure>,
) -> Result<Secret, Failure> {
    if is_typed() {
        if !prompt::possible(cx) {
            let hint = "give it on standard input".to_owned();
            return Err(CliError::NobodyToAsk { question: question.to_owned(), hint }.into());
        }
        return unseen::line(cx, question);
    }
    let given = piped()?;
    if given.expose().is_empty() {
        return Err(KeyCommandError::NothingGiven { what: question.to_lowercase() }.into());
    }
    Ok(given)
}

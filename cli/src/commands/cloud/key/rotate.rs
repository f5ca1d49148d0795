//! `orkee cloud key rotate`

use orkee_core::seal::keys::{KeyError, Keys};
use orkee_core::seal::passphrase::Stretched;
use orkee_core::seal::{Document, Epochs, Phrase, Recipient, RecipientKind};
use orkee_core::store::AuditAction;
use orkee_core::sync::SyncLock;

use super::desk::Desk;
use super::error::{KeyCommandError, was_refused};
use super::init::stretched;
use super::{changing, shown, trail};
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Begin a new epoch of the account's key
///
/// What is sent from now on is sealed under a new key, which every device gets with its next sync. It costs as much as there are devices,
/// however many projects there are: those stay as they are until they change, or until --reseal sends all of them again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key rotate                     a key that nobody has seen yet
  orkee cloud key rotate --phrase            and another recovery phrase; the old one opens nothing new
  orkee cloud key rotate --without laptop    a device that has the key, and is not to be given the next
  orkee cloud key rotate --reseal            seal everything that the cloud has anew")]
pub(crate) struct Rotate {
    /// Send all projects again, sealed under the new key, and accept nothing older after that
    #[arg(long)]
    reseal: bool,
    /// Make another recovery phrase
    #[arg(long)]
    phrase: bool,
    /// Let a passphrase open the key from now on, or another one (asked for, or a line of standard input)
    #[arg(long, conflicts_with = "no_passphrase")]
    passphrase: bool,
    /// Let no passphrase open the key from now on
    #[arg(long)]
    no_passphrase: bool,
    /// Leave out one who has the key, as `orkee cloud key show` names it; can be given again
    #[arg(long, value_name = "RECIPIENT")]
    without: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Rotate {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        cx.store()?.must_be_open()?;
        let lock = SyncLock::acquire(cx.home()?)?;
        let passphrase = if self.passphrase { Some(stretched(cx)?) } else { None };
        let rotated = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            let remote = connection.remote().await?;
            let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
            self.rotate(&desk, passphrase.as_ref()).await
        });
        let keys = trail::ended(cx, &cloud, AuditAction::RotateKey, &self.without.join(", "), rotated)?;
        shown::phrase(cx, &keys, self.yes)?;
        cx.out.done(format_args!("Epoch {} has begun", keys.standing().epoch))?;
        drop(lock);
        if self.reseal {
            return changing::over(cx, &keys, self.yes);
        }
        if cx.out.is_json() {
            shown::document(cx, &keys, None)?;
        }
        Ok(Exit::DONE)
    }

    async fn rotate(&self, desk: &Desk<'_>, passphrase: Option<&Stretched>) -> Result<Keys, Failure> {
        let keys = desk.keys()?;
        let standing = keys.standing();
        if !standing.has_key {
            let there = desk.fetch().await?;
            return Err(
                if there.is_some() { KeyCommandError::NotHere } else { KeyCommandError::NoKey }.into()
            );
        }
        if !standing.seals {
            return Err(KeyCommandError::NoKey.into());
        }
        let (unseen, resealed) = (keys.phrase()?, keys.reseal_to()?);
        let phrase = self.phrase.then(Phrase::generate);
        let own = keys.recipient()?;
        let now = desk.joiner().await?.at;
        let next = |document: &Document, epochs: &Epochs| {
            let mut left = document.clone();
            for name in &self.without {
                let leaves = named(&left, name)?;
                if leaves.key == own || leaves.kind == RecipientKind::Recovery {
                    return Err(KeyCommandError::StaysIn(name.clone()).into());
                }
                left = left.without(epochs, &leaves.id).map_err(KeyError::from)?;
            }
            if self.no_passphrase {
                left = left.without(epochs, RecipientKind::Passphrase.name()).map_err(KeyError::from)?;
            }
            let (mut next, epochs) = left.next_epoch(epochs).map_err(KeyError::from)?;
            // Before the account goes by it: broken off after that, it can still be shown, and gone on with.
            if let Some(phrase) = &phrase {
                keys.set_phrase(Some(phrase))?;
            }
            if self.reseal {
                keys.set_reseal_to(Some(next.epoch()))?;
            }
            let phrase = phrase.as_ref().map(|phrase| Recipient::recovery(&epochs, phrase, &now));
            let passphrase = passphrase.map(|stretched| Recipient::passphrase(&epochs, stretched, &now));
            for recipient in phrase.into_iter().chain(passphrase) {
                next = next.with_recipient(&epochs, recipient).map_err(KeyError::from)?;
            }
            Ok(Some(next))
        };
        let changed = desk.change(&keys, next).await;
        if changed.as_ref().is_err_and(was_refused) {
            keys.set_phrase(unseen.as_ref())?;
            keys.set_reseal_to(resealed)?;
        }
        changed?;
        Ok(keys)
    }
}

/// The recipient that a person means: by its id, or by its name where no other has that.
fn named(document: &Document, name: &str) -> Result<Recipient, KeyCommandError> {
    let all = document.recipients();
    if let Some(exact) = all.iter().find(|one| one.id == name || one.device.as_deref() == Some(name)) {
        return Ok(exact.clone());
    }
    let mut by_name = all.iter().filter(|one| one.name.as_deref() == Some(name));
    match (by_name.next(), by_name.next()) {
        (Some(one), None) => Ok(one.clone()),
        _ => Err(KeyCommandError::NoRecipient(name.to_owned())),
    }
}

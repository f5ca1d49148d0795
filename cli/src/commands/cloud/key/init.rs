//! `orkee cloud key init`

use orkee_core::seal::keys::account::Put;
use orkee_core::seal::keys::{Fresh, Keeping, KeyError, Keys, read};
use orkee_core::seal::passphrase::{Params, Stretched};
use orkee_core::seal::{Document, Epochs, Recipient, RecipientKind};
use orkee_core::store::{AuditAction, Store};
use orkee_core::sync::SyncLock;

use super::desk::Desk;
use super::error::KeyCommandError;
use super::{changing, lock, recover, shown, trail, typed};
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::prompt;

/// Make the account's key, and seal all its projects with it
///
/// From then on neither the server nor the provider can read them. Shows a recovery phrase of 24 words, once: each further device is
/// given the key with it, and without it and without a device that has the key nobody can read the projects that the cloud has. What is
/// on your devices stays as it is.
///
/// If it is broken off, run it again: it goes on, and --passphrase and --keyring hold for the key that it made.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key init
  orkee cloud key init --passphrase   a passphrase opens the key, too
  orkee cloud key init --yes --json   the phrase as `phrase`, for a password manager's command")]
pub(crate) struct Init {
    /// Let a passphrase open the key, too (asked for, or a line of standard input)
    #[arg(long)]
    passphrase: bool,
    /// Keep the key of this device in the keyring of the operating system
    #[arg(long)]
    keyring: bool,
    /// Make a key though this account was sealed before, under one that no device has any more
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Init {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let mut store = cx.store()?;
        store.must_be_open()?;
        let lock = SyncLock::acquire(cx.home()?)?;
        let made = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            let remote = connection.remote().await?;
            let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
            let tenant = cloud.tenant.as_deref().unwrap_or_default();
            self.found(cx, &desk, tenant, known_document(&store, &remote)?).await
        });
        let keys = trail::ended(cx, &cloud, AuditAction::InitKey, "", made)?;
        if store.space_state()?.0.document > Some(keys.standing().number) {
            recover::anew(&mut store)?;
        }
        lock::admit(cx, &mut store)?;
        drop(store);
        shown::phrase(cx, &keys, self.yes)?;
        drop(lock);
        changing::over(cx, &keys, self.yes)
    }

    /// Asks what has to be asked before the account is sealed: whether it is to be, and for a passphrase.
    fn agreed(&self, cx: &Context) -> Result<Option<Stretched>, Failure> {
        let question = "Seal this account's projects, so that nobody reads them without its key?";
        prompt::must_confirm(cx, self.yes, question)?;
        if self.passphrase { Ok(Some(stretched(cx)?)) } else { Ok(None) }
    }

    /// Makes the key, or goes on with the one that was made here before, until the account has it.
    /// `known`: the document that the account had when this device last met it.
    async fn found(
        &self,
        cx: &Context,
        desk: &Desk<'_>,
        tenant: &str,
        known: Option<u64>,
    ) -> Result<Keys, Failure> {
        let keys = desk.keys()?;
        if let Some(document) = keys.document() {
            return match document.seals() {
                true if keys.phrase()?.is_some() => self.going_on(cx, desk, keys).await,
                true => Err(has_key(&document, true)),
                false => self.seal_again(cx, desk, keys).await,
            };
        }
        let there = desk.fetch().await?;
        if let Some(stored) = &there {
            return self.going_on(cx, desk, settle(desk, &keys, &stored.envelope)?).await;
        }
        if keys.is_unconfirmed() {
            return self.going_on(cx, desk, keys).await;
        }
        if known.is_some() && !self.force {
            return Err(KeyCommandError::WasSealed.into());
        }
        let passphrase = self.agreed(cx)?;
        let fresh = Fresh::found(tenant, &desk.joiner().await?, passphrase.as_ref())?;
        let keeping = if self.keyring { Keeping::Keyring } else { Keeping::File };
        bring(desk, desk.file.keep(&fresh, keeping)?).await
    }

    /// The key was made by an attempt that was broken off. What is asked for now holds for that one: where it is to be kept, and a
    /// passphrase in the place of any that was given then.
    async fn going_on(&self, cx: &Context, desk: &Desk<'_>, keys: Keys) -> Result<Keys, Failure> {
        let passphrase = if self.passphrase { Some(stretched(cx)?) } else { None };
        let keys = self.kept_as_asked(desk, keys)?;
        let keys = if keys.is_unconfirmed() { bring(desk, keys).await? } else { keys };
        let Some(passphrase) = passphrase else {
            self.tell_of_before(cx, &keys);
            return Ok(keys);
        };
        let now = desk.joiner().await?.at;
        let with =
            |document: &Document, epochs: &Epochs| Ok(Some(opened_by(document, epochs, &passphrase, &now)?));
        desk.change(&keys, with).await?;
        Ok(keys)
    }

    /// A passphrase that was given to the attempt of before opens the key, though none is asked for now.
    fn tell_of_before(&self, cx: &Context, keys: &Keys) {
        let is_passphrase = |one: &Recipient| one.kind == RecipientKind::Passphrase;
        if keys.document().is_some_and(|document| document.recipients().iter().any(is_passphrase)) {
            cx.out.note(
                "The passphrase that was given before opens the key, too; to end that: orkee cloud key rotate --no-passphrase",
            );
        }
    }

    /// A key that is here already is kept in the keyring from now on, if that is asked for.
    fn kept_as_asked(&self, desk: &Desk<'_>, keys: Keys) -> Result<Keys, Failure> {
        if !self.keyring {
            return Ok(keys);
        }
        desk.file.keep_in(Keeping::Keyring)?;
        desk.keys()
    }

    /// The account went back to plain records, and keeps its key.
    async fn seal_again(&self, cx: &Context, desk: &Desk<'_>, keys: Keys) -> Result<Keys, Failure> {
        let passphrase = self.agreed(cx)?;
        let keys = self.kept_as_asked(desk, keys)?;
        let now = desk.joiner().await?.at;
        let again = |document: &Document, epochs: &Epochs| {
            if document.seals() {
                return Ok(None);
            }
            let next = document.sealed_again(epochs).map_err(KeyError::from)?;
            Ok(Some(match &passphrase {
                Some(passphrase) => opened_by(&next, epochs, passphrase, &now)?,
                None => next,
            }))
        };
        desk.change(&keys, again).await?;
        cx.out.note("The account's key is the one that it had, and so is its recovery phrase.");
        Ok(keys)
    }
}

/// The key document that this device met last in the account, which had one then.
fn known_document(store: &Store, remote: &str) -> Result<Option<u64>, Failure> {
    let state = store.space_state()?.0;
    Ok(state.document.filter(|number| *number > 0 && state.remote.as_deref() == Some(remote)))
}

/// The document with a passphrase, in the place of any other, that opens the key.
fn opened_by(
    document: &Document,
    epochs: &Epochs,
    passphrase: &Stretched,
    now: &str,
) -> Result<Document, Failure> {
    let recipient = Recipient::passphrase(epochs, passphrase, now);
    Ok(document.with_recipient(epochs, recipient).map_err(KeyError::from)?)
}

/// A new passphrase, with as much work to it as this machine does in about a second.
pub(super) fn stretched(cx: &Context) -> Result<Stretched, Failure> {
    let passphrase = typed::new_passphrase(cx)?;
    Ok(Params::calibrate().stretch(passphrase.expose())?)
}

/// Gives the account a key that it does not have yet.
async fn bring(desk: &Desk<'_>, keys: Keys) -> Result<Keys, Failure> {
    let envelope = desk.envelope(&keys.made()?);
    match desk.put(None, &envelope).await? {
        Put::Taken => {
            keys.meet(&envelope)?;
            Ok(keys)
        }
        Put::Overtaken(Some(stored)) => settle(desk, &keys, &stored.envelope),
        Put::Overtaken(None) => Err(KeyCommandError::Contended.into()),
        Put::Refused(why) => {
            desk.file.remove().map_err(KeyError::from)?;
            Err(KeyCommandError::NotTaken(why).into())
        }
    }
}

/// The account has a key: ours, from an attempt whose answer was lost, or another device's. Then ours is nothing, and goes.
fn settle(desk: &Desk<'_>, keys: &Keys, envelope: &[u8]) -> Result<Keys, Failure> {
    let there = read(envelope)?;
    if keys.is_unconfirmed() && keys.made()?.id() == there.id() {
        keys.meet(envelope)?;
        return desk.keys();
    }
    if keys.is_unconfirmed() {
        desk.file.remove().map_err(KeyError::from)?;
    }
    Err(has_key(&there, false))
}

fn has_key(document: &Document, is_here: bool) -> Failure {
    let made = document.made();
    KeyCommandError::HasKey { at: made.at.clone(), by: made.device.clone(), is_here }.into()
}

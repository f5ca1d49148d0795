//! `orkee cloud key recover`

use std::path::PathBuf;
use std::str::FromStr;

use orkee_core::net::Secret;
use orkee_core::seal::keys::{Exported, Fresh, Keeping, KeyError, KeyFileError, Keys, read};
use orkee_core::seal::{Document, Epochs, Phrase, RecipientKind};
use orkee_core::store::{AuditAction, Durability, Store};
use orkee_core::sync::SyncLock;
use orkee_core::sync::provider::Stored;
use serde::Serialize;

use super::desk::{Desk, Set, Turn};
use super::error::{KeyCommandError, does_not_open};
use super::shown::KeyView;
use super::{lock, trail, typed};
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};

/// Give this device the account's key
///
/// With the recovery phrase, which is asked for, or read from standard input. This makes no key: an account that has none is left as it
/// is. A phrase of another account is refused before anything is kept or sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key recover
  pass show orkee | orkee cloud key recover      the 24 words on standard input
  orkee cloud key recover --file orkee-key.json  with a file of `orkee cloud key export`")]
pub(crate) struct Recover {
    /// With the account's passphrase instead of the recovery phrase
    #[arg(long, conflicts_with = "file")]
    passphrase: bool,
    /// With an exported key; asks for its passphrase
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Keep the key of this device in the keyring of the operating system
    #[arg(long)]
    keyring: bool,
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    key: Option<KeyView>,
    sealed: bool,
}

/// What opens the account's key.
enum Opener {
    Phrase(Phrase),
    Passphrase(Secret),
    Keys(Epochs),
}

impl Recover {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let mut store = cx.store()?;
        store.must_be_open()?;
        let opener = self.opener(cx)?;
        let _lock = SyncLock::acquire(cx.home()?)?;
        let keeping = if self.keyring { Keeping::Keyring } else { Keeping::File };
        let joined = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            let remote = connection.remote().await?;
            let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
            // What is kept and cannot be used is told; a key of another account, or one that nothing opens any more, is replaced.
            let (before, is_other) = match Keys::open(&desk.file) {
                Ok(before) => (before, false),
                Err(KeyError::OtherKey | KeyError::File(KeyFileError::LockGone { .. })) => {
                    (Keys::none(), true)
                }
                Err(error) => return Err(error.into()),
            };
            if is_other {
                anew(&mut store)?;
            }
            join(cx, &mut store, &desk, &before, &opener, keeping).await
        });
        let keys = trail::ended(cx, &cloud, AuditAction::RecoverKey, opener.kind(), joined)?;
        lock::admit(cx, &mut store)?;
        let (key, sealed) = (KeyView::of(&keys), keys.standing().seals);
        if cx.out.is_json() {
            cx.out.document(&Output { key, sealed })?;
            return Ok(Exit::DONE);
        }
        let line = key.map(|key| key.line()).unwrap_or_default();
        cx.out.done(format_args!("This device has the account's key: {line}"))?;
        cx.out.note("Go on with: orkee cloud sync");
        Ok(Exit::DONE)
    }

    fn opener(&self, cx: &Context) -> Result<Opener, Failure> {
        if let Some(path) = &self.file {
            let unreadable = |source| CliError::ReadFile { path: path.clone(), source };
            let text = Secret::new(std::fs::read_to_string(path).map_err(unreadable)?);
            let exported = Exported::parse(text.expose())?;
            let passphrase = match exported.is_sealed() {
                true => typed::passphrase(cx)?,
                false => Secret::new(""),
            };
            return Ok(Opener::Keys(exported.open(passphrase.expose())?));
        }
        Ok(match self.passphrase {
            true => Opener::Passphrase(typed::passphrase(cx)?),
            false => Opener::Phrase(Phrase::from_str(typed::phrase(cx)?.expose())?),
        })
    }
}

impl Opener {
    fn kind(&self) -> &'static str {
        match self {
            Self::Phrase(_) => "recovery phrase",
            Self::Passphrase(_) => "passphrase",
            Self::Keys(_) => "file",
        }
    }

    /// The account's keys, as the document has them.
    fn open(&self, document: &Document) -> Result<Epochs, Failure> {
        let opened = match self {
            Self::Phrase(phrase) => document.open(&phrase.recipient()),
            Self::Passphrase(passphrase) => {
                let of_passphrase =
                    document.recipients().iter().find(|one| one.kind == RecipientKind::Passphrase);
                let Some(params) = of_passphrase.and_then(|one| one.stretch.as_ref()) else {
                    return Err(KeyCommandError::NoPassphrase.into());
                };
                document.open(&params.stretch(passphrase.expose())?.recipient())
            }
            Self::Keys(epochs) => document.follow(epochs, None),
        };
        opened.map_err(|error| does_not_open(self.kind(), error))
    }
}

/// Whether these keys go on from those that were held.
pub(super) fn begins(held: &Epochs, opened: &Epochs) -> bool {
    held.id() == opened.id() && opened.keys().starts_with(held.keys())
}

/// What was sent is sealed under a key that nobody else has: it goes again. Noted before that key is replaced.
pub(super) fn anew(store: &mut Store) -> Result<(), Failure> {
    store.write(Durability::Full, |tx| tx.seal_anew())?;
    Ok(())
}

/// Opens the account's key and adds this device to it. What is kept is kept before the account is told.
async fn join(
    cx: &Context,
    store: &mut Store,
    desk: &Desk<'_>,
    before: &Keys,
    opener: &Opener,
    keeping: Keeping,
) -> Result<Keys, Failure> {
    let own = before.recipient().ok();
    let mut epochs: Option<Epochs> = None;
    let turn = async |there: Option<&Stored>| {
        let stored = there.ok_or(KeyCommandError::NoKey)?;
        let document = read(&stored.envelope)?;
        let known = before.document().filter(|known| known.id() == document.id());
        if known.as_ref().is_some_and(|known| document.is_laxer_than(known)) {
            cx.out.warn(
                "the account takes records again that the key of this device had shut out: was it put back to an earlier state?",
            );
        }
        if let Some(have) = known.map(|known| known.number()).filter(|have| *have > document.number()) {
            // Older keys would take the place of newer ones.
            return Err(KeyError::RolledBack { have, got: document.number() }.into());
        }
        // A passphrase is stretched once; what came since follows from the key that it opened.
        let opened = match epochs.take() {
            Some(epochs) if epochs.current().0 == document.epoch() => epochs,
            _ => opener.open(&document)?,
        };
        let is_known = own.is_some_and(|own| document.recipients().iter().any(|one| one.key == own));
        if is_known && before.epochs().as_ref() == Some(&opened) {
            return Ok(Turn::Done(desk.keys()?));
        }
        if before.epochs().is_some_and(|held| !begins(&held, &opened)) {
            anew(store)?;
        }
        let fresh = Fresh::join_with(&document, opened.clone(), &desk.joiner().await?, own)?;
        epochs = Some(opened);
        let keys = desk.file.keep(&fresh, keeping)?;
        Ok(Turn::Put(desk.envelope(fresh.document()), keys))
    };
    match desk.set(turn).await? {
        Set::Done(keys) => Ok(keys),
        Set::Taken(keys, envelope) => {
            keys.meet(&envelope)?;
            Ok(keys)
        }
        Set::Refused(keys, why) => {
            let and_so = "the next new epoch of the key will not be for this device";
            cx.out.warn(format_args!("the account did not take this device in: {why}; {and_so}"));
            Ok(keys)
        }
    }
}

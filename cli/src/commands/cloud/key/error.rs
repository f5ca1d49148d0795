//! Errors of the key commands themselves.

use std::path::PathBuf;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::seal::DocumentError;
use orkee_core::seal::keys::KeyError;
use thiserror::Error;

use crate::failure::Failure;

/// Why a key command did nothing.
#[derive(Debug, Error)]
pub(super) enum KeyCommandError {
    /// `key init` where the account has a key.
    #[error("this account has a key since {at}, made on {by}")]
    HasKey {
        /// When.
        at: String,
        /// On which device.
        by: String,
        /// It is on this device, too.
        is_here: bool,
    },
    /// `key init` where the account had a key, of which it shows nothing any more.
    #[error(
        "this account was sealed when this device last met it, and the cloud shows no key document any more"
    )]
    WasSealed,
    /// Any other command where it has none.
    #[error("this account has no key: its projects are not sealed")]
    NoKey,
    /// The account has a key, and this device has not.
    #[error("the account's key is not on this device")]
    NotHere,
    /// A key of a phrase or passphrase that is another's.
    #[error("this {what} does not open the key of this account")]
    DoesNotOpen {
        /// `recovery phrase`, `passphrase` or `file`.
        what: &'static str,
    },
    /// `--passphrase`, where there is none.
    #[error("this account's key has no passphrase")]
    NoPassphrase,
    /// Another device writes the document all the time.
    #[error("the account's key document was changed by another device in the same moment, again and again")]
    Contended,
    /// The backend does not take the document.
    #[error("the account's key document was not taken: {0}")]
    NotTaken(String),
    /// Nobody by that name.
    #[error("nothing named {0:?} has this account's key")]
    NoRecipient(String),
    /// Without it nobody could go on.
    #[error("{0:?} cannot be left out: it is this device, or the recovery phrase")]
    StaysIn(String),
    /// It could be found by trying.
    #[error("a passphrase needs at least {shortest} characters")]
    WeakPassphrase {
        /// So many.
        shortest: usize,
    },
    /// The second was another than the first.
    #[error("the two were not the same")]
    Mistyped,
    /// Standard input was empty.
    #[error("there is no {what} on standard input")]
    NothingGiven {
        /// What was wanted.
        what: String,
    },
    /// A file is in the way.
    #[error("there is a file {} already", .0.display())]
    FileThere(PathBuf),
    /// Nobody read what was shown.
    #[error("the recovery phrase was shown to nobody: standard output was closed")]
    PhraseNotTaken,
    /// The tenant wants its projects sealed.
    #[error("the policy of the tenant `{0}` requires end-to-end encryption")]
    Required(String),
}

/// What a document that was not opened says of what was to open it. One that was tampered with is no reason to throw a phrase away.
pub(super) fn does_not_open(what: &'static str, error: DocumentError) -> Failure {
    match error {
        DocumentError::NoRecipient | DocumentError::OtherKey { .. } => {
            KeyCommandError::DoesNotOpen { what }.into()
        }
        DocumentError::Changed => KeyError::Tampered.into(),
        error => error.into(),
    }
}

/// Whether the account goes on as it was, for sure.
pub(super) fn was_refused(failure: &Failure) -> bool {
    let code = failure.diagnostic().code();
    [KeyCommandError::NotTaken(String::new()), KeyCommandError::Contended]
        .iter()
        .any(|one| one.code() == code)
}

impl Diagnostic for KeyCommandError {
    fn code(&self) -> &'static str {
        match self {
            Self::HasKey { .. } => "E-KEY-040",
            Self::WasSealed => "E-KEY-029",
            Self::NoKey => "E-KEY-041",
            Self::NotHere => "E-KEY-020",
            Self::DoesNotOpen { .. } | Self::NoPassphrase => "E-KEY-042",
            Self::Contended => "E-KEY-043",
            Self::NotTaken(_) => "E-KEY-044",
            Self::NoRecipient(_) | Self::StaysIn(_) => "E-KEY-045",
            Self::WeakPassphrase { .. } | Self::Mistyped | Self::NothingGiven { .. } => "E-KEY-046",
            Self::FileThere(_) => "E-KEY-047",
            Self::Required(_) => "E-KEY-048",
            Self::PhraseNotTaken => "E-KEY-049",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::HasKey { .. } | Self::WasSealed | Self::Contended => Kind::Conflict,
            Self::PhraseNotTaken => Kind::Failed,
            Self::NotHere
            | Self::DoesNotOpen { .. }
            | Self::NoPassphrase
            | Self::NotTaken(_)
            | Self::Required(_) => Kind::Auth,
            Self::NoKey
            | Self::NoRecipient(_)
            | Self::StaysIn(_)
            | Self::WeakPassphrase { .. }
            | Self::Mistyped
            | Self::NothingGiven { .. }
            | Self::FileThere(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::HasKey { is_here: true, .. } => {
                "it is on this device: see `orkee cloud key show`; for a passphrase: `orkee cloud key rotate --passphrase`".to_owned()
            }
            Self::HasKey { .. } | Self::NotHere => {
                "run `orkee cloud key recover` with the account's recovery phrase; nothing was sent"
                    .to_owned()
            }
            Self::WasSealed => {
                "nothing was kept or sent; if the cloud has lost it, a device that has the key brings it back: `orkee cloud sync --force` there; if no device has it any more: `orkee cloud key init --force`"
                    .to_owned()
            }
            Self::NoKey => "`orkee cloud key init` makes one".to_owned(),
            Self::DoesNotOpen { .. } => {
                "nothing was kept or sent; look whose it is, and try again".to_owned()
            }
            Self::NoPassphrase => "use the recovery phrase: `orkee cloud key recover`".to_owned(),
            Self::Contended => "nothing was changed; run the command again".to_owned(),
            Self::NotTaken(_) => "nothing was changed; in a team, one who may write has to do it".to_owned(),
            Self::NoRecipient(_) => "`orkee cloud key show` lists who has it".to_owned(),
            Self::StaysIn(_) => {
                "run it on another device; for another recovery phrase: `orkee cloud key rotate --phrase`"
                    .to_owned()
            }
            Self::WeakPassphrase { .. } => {
                "several words are good; whoever has the cloud's copy can try passphrases at leisure"
                    .to_owned()
            }
            Self::Mistyped | Self::NothingGiven { .. } => {
                "nothing was changed; run the command again".to_owned()
            }
            Self::FileThere(_) => "name another, or remove it".to_owned(),
            Self::PhraseNotTaken => {
                "it is kept on this device until it is: run `orkee cloud key init` to see it".to_owned()
            }
            Self::Required(_) => "ask the company's administrator".to_owned(),
        })
    }
}

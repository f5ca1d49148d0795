//! Key files that are not sound, or that others can read, and what is locked on this device.

use orkee_core::diagnostic::Diagnostic;
use orkee_core::seal::keys::{KeyError, KeyFile, KeyFileError, Keys};

use super::Examined;
use crate::commands::cloud::key::AtRest;
use crate::context::Context;
use crate::failure::Failure;

/// Reads every key file of this device, and what its lock says. Changes nothing.
pub(super) fn examine(cx: &Context) -> Result<Examined, Failure> {
    let mut examined = Examined::default();
    let lock = AtRest::of(&cx.store()?)?;
    examined.notes.extend(lock.as_ref().map(|lock| format!("locked on this device: {}", lock.line())));
    for file in KeyFile::all(cx.home()?) {
        match Keys::open(&file) {
            // As it should be.
            Err(KeyError::File(KeyFileError::Locked)) if lock.is_some() => {}
            Err(error) => {
                let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
                let what = causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"));
                examined.problems.push((what, error.hint()));
            }
            Ok(keys) if keys.is_unconfirmed() => {
                let path = file.path();
                examined.notes.push(format!(
                    "the key in {} was made here, and its account may not have it yet: `orkee cloud key init` goes on",
                    path.display()
                ));
            }
            Ok(_) => {}
        }
    }
    Ok(examined)
}

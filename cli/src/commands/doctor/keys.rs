//! Key files that are not sound, or that others can read, and what is locked on this device.

use orkee_core::seal::keys::{KeyError, KeyFile, KeyFileError, Keys};

use super::check::Check;
use crate::commands::cloud::key::AtRest;
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "keys";

/// Reads every key file of this device, and what its lock says. Changes nothing.
pub(super) fn examine(cx: &Context, settings_are_readable: bool) -> Result<Vec<Check>, Failure> {
    let lock = match cx.store() {
        Ok(store) if settings_are_readable => AtRest::of(&store)?,
        // Told where the settings and the database are looked at.
        _ => None,
    };
    let mut checks: Vec<Check> = Vec::new();
    checks
        .extend(lock.as_ref().map(|lock| Check::ok(NAME, format!("locked on this device: {}", lock.line()))));
    let mut sound = 0;
    for file in KeyFile::all(cx.home()?) {
        match Keys::open(&file) {
            // As it should be.
            Err(KeyError::File(KeyFileError::Locked)) if lock.is_some() => {}
            Err(error) => checks.push(Check::error(NAME, &error)),
            Ok(keys) if keys.is_unconfirmed() => {
                let message = format!(
                    "the key in {} was made here, and its account may not have it yet",
                    file.path().display()
                );
                checks.push(Check::warning(NAME, message).hint("`orkee cloud key init` goes on".to_owned()));
            }
            Ok(_) => sound += 1,
        }
    }
    if sound > 0 {
        let keys = if sound == 1 { "key" } else { "keys" };
        checks.push(Check::ok(NAME, format!("The keys of sealed accounts are sound: {sound} {keys}")));
    }
    Ok(checks)
}

//! Keys that come to a device whose projects are locked: they are sealed under its lock from the first byte on.

use orkee_core::seal::keys::{Fresh, Keeping, KeyFile, Keys};
use orkee_core::store::Store;

use super::lock;
use crate::context::Context;
use crate::failure::Failure;

/// Keeps keys where the person wants them, and never readable in a file of a device that has a lock.
pub(super) fn keep(cx: &Context, file: &KeyFile, fresh: &Fresh, keeping: Keeping) -> Result<Keys, Failure> {
    let store = cx.store()?;
    store.must_be_open()?;
    let standing = store.lock_standing()?.filter(|standing| !standing.fields.is_empty());
    let found = standing.map(|standing| lock::runtime().find(&standing.id)).transpose()?.flatten();
    Ok(match found {
        Some((key, _)) if keeping == Keeping::File => file.keep_locked(fresh, &key)?,
        _ => file.keep(fresh, keeping)?,
    })
}

/// Lets the recovery phrase of the account whose key has come open the device's lock, too.
pub(super) fn admit(cx: &Context, store: &mut Store) -> Result<(), Failure> {
    let Some(standing) = store.lock_standing()? else { return Ok(()) };
    match lock::runtime().find(&standing.id)? {
        Some((key, _)) => lock::admit_phrases(cx, store, &standing, &key),
        None => Ok(()),
    }
}

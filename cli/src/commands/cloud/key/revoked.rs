//! What becomes of an account's key when one of its devices is signed out: a new epoch, which that device is given no key of.

use orkee_core::seal::keys::{KeyError, read};
use orkee_core::seal::{Document, Epochs, Recipient};
use orkee_core::store::AuditAction;
use orkee_core::sync::SyncLock;

use super::desk::Desk;
use super::trail;
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::Failure;

/// What was done about it.
pub(crate) enum ShutOut {
    /// The account is plain, or the device never had the key.
    NotNeeded,
    /// A new epoch has begun without it.
    Begun(u32),
    /// The key is not on this device, which can begin none.
    NotHere,
}

/// Shuts a device out of the account's key, after it was signed out.
pub(crate) fn shut_out(cx: &Context, cloud: &Cloud, device: &str) -> Result<ShutOut, Failure> {
    let _lock = SyncLock::acquire(cx.home()?)?;
    let done = surroundings::run(async {
        let mut connection = Connection::open(cx, cloud).await?;
        connection.enter_team().await?;
        let remote = connection.remote().await?;
        let desk = Desk::at(cx, cloud, &connection, &remote).await?;
        begin(&desk, device).await
    });
    match done {
        Ok(ShutOut::NotNeeded) => Ok(ShutOut::NotNeeded),
        done => trail::ended(cx, cloud, AuditAction::RotateKey, device, done),
    }
}

async fn begin(desk: &Desk<'_>, device: &str) -> Result<ShutOut, Failure> {
    let Some(there) = desk.fetch().await? else { return Ok(ShutOut::NotNeeded) };
    let has_it = |document: &Document| of_device(document, device).next().is_some();
    let document = read(&there.envelope)?;
    if !document.seals() || !has_it(&document) {
        return Ok(ShutOut::NotNeeded);
    }
    let keys = desk.keys()?;
    if !keys.standing().has_key {
        return Ok(ShutOut::NotHere);
    }
    let next = |document: &Document, epochs: &Epochs| {
        if !has_it(document) {
            return Ok(None);
        }
        let mut left = document.clone();
        for one in of_device(document, device) {
            left = left.without(epochs, &one.id).map_err(KeyError::from)?;
        }
        Ok(Some(left.next_epoch(epochs).map_err(KeyError::from)?.0))
    };
    desk.change(&keys, next).await?;
    Ok(ShutOut::Begun(keys.standing().epoch))
}

fn of_device<'a>(document: &'a Document, device: &'a str) -> impl Iterator<Item = &'a Recipient> {
    document.recipients().iter().filter(move |one| one.device.as_deref() == Some(device))
}

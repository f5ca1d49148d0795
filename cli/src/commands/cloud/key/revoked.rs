//! What becomes of an account's key when one of its devices is signed out: a new epoch, which that device is given no key of.

use orkee_core::diagnostic::Kind;
use orkee_core::seal::keys::{KeyError, KeyFile, read};
use orkee_core::seal::{Document, Epochs, Recipient, RecipientKey, RecipientKind};
use orkee_core::store::AuditAction;

use super::desk::Desk;
use super::trail;
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::Failure;

/// What was done about it.
pub(crate) enum ShutOut {
    /// The account is plain, or the device has no key of it.
    NotNeeded,
    /// A new epoch has begun without it.
    Begun(u32),
    /// The key is not on this device, which can begin none.
    NotHere,
}

/// The device that is to be shut out.
pub(crate) struct Lost<'a> {
    /// What the provider calls it, or called it.
    pub(crate) id: &'a str,
    /// Its name, where the provider knows it still.
    pub(crate) name: Option<&'a str>,
    /// It is this one, which another has to shut out.
    pub(crate) is_this: bool,
    /// Devices that are signed in.
    pub(crate) signed_in: &'a [String],
}

/// Shuts a device out of the account's key. Whoever calls it holds the lock of syncs.
pub(crate) fn shut_out(cx: &Context, cloud: &Cloud, lost: &Lost<'_>) -> Result<ShutOut, Failure> {
    let done = surroundings::run(async {
        let mut connection = Connection::open(cx, cloud).await?;
        connection.enter_team().await?;
        let remote = connection.remote().await?;
        let desk = Desk::at(cx, cloud, &connection, &remote).await?;
        begin(&desk, lost).await
    });
    match done {
        Ok(ShutOut::NotNeeded) => Ok(ShutOut::NotNeeded),
        done => trail::ended(cx, cloud, AuditAction::RotateKey, lost.id, done),
    }
}

/// Shuts it out of the key of the sign-in's other projects as well, its own or its team's, if that key is here and the lost device is
/// given the next one. Where, and the epoch that began. Where that is not possible, [`elsewhere`] goes on naming it.
pub(crate) fn shut_out_beside(
    cx: &Context,
    cloud: &Cloud,
    lost: &Lost<'_>,
) -> Result<Option<(String, u32)>, Failure> {
    // Whether it is given the next key there is known there alone.
    if lost.is_this || KeyFile::all(cx.home()?).is_empty() {
        return Ok(None);
    }
    let done = surroundings::run(async {
        let mut connection = Connection::open_beside(cx, cloud).await?;
        connection.enter_team().await?;
        let remote = connection.remote().await?;
        let desk = Desk::at(cx, cloud, &connection, &remote).await?;
        match desk.keys()?.standing().has_key {
            true => Ok((begin(&desk, lost).await?, remote)),
            false => Ok((ShutOut::NotNeeded, remote)),
        }
    });
    match done {
        Ok((ShutOut::Begun(epoch), remote)) => {
            trail::ended(cx, cloud, AuditAction::RotateKey, lost.id, Ok(()))?;
            Ok(Some((remote, epoch)))
        }
        Err(failure) if failure.diagnostic().kind() == Kind::Interrupted => Err(failure),
        // No team, no right to write there, no network: the person is told which command does it.
        Ok(_) | Err(_) => Ok(None),
    }
}

async fn begin(desk: &Desk<'_>, lost: &Lost<'_>) -> Result<ShutOut, Failure> {
    let keys = desk.keys()?;
    if lost.is_this || !keys.standing().has_key {
        // Nobody vouches for what it says; it is a hint for the person at most.
        let there = desk.fetch().await?.map(|there| read(&there.envelope)).transpose()?;
        let has_it = there.is_some_and(|there| there.seals() && lost.of(&there, None).next().is_some());
        return Ok(if has_it { ShutOut::NotHere } else { ShutOut::NotNeeded });
    }
    let own = keys.recipient()?;
    let next = |document: &Document, epochs: &Epochs| {
        let mut left = document.clone();
        for one in lost.of(document, Some(own)) {
            left = left.without(epochs, &one.id).map_err(KeyError::from)?;
        }
        if !document.seals() || left == *document {
            return Ok(None);
        }
        Ok(Some(left.next_epoch(epochs).map_err(KeyError::from)?.0))
    };
    Ok(match desk.change(&keys, next).await? {
        Some(next) => ShutOut::Begun(next.epoch()),
        None => ShutOut::NotNeeded,
    })
}

/// Other accounts and teams whose key is on this device, and which give the next one to the lost device, too: where, and what it is
/// called there.
pub(crate) fn elsewhere(cx: &Context, lost: &Lost<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut places = Vec::new();
    if lost.is_this {
        return Ok(places);
    }
    for file in KeyFile::all(cx.home()?) {
        // One that cannot be read is told of where it is used.
        let (Ok(Some(document)), Ok(Some(place))) = (file.document(), file.account()) else { continue };
        if document.seals() {
            places.extend(lost.of(&document, None).map(|one| (place.clone(), one.id.clone())));
        }
    }
    Ok(places)
}

impl Lost<'_> {
    /// Its recipients, but for this device: those that the provider's name of it is noted with. Each sign-in is another device to a
    /// provider; where no recipient has this one, it got the key with an earlier one, and is told by its name.
    fn of<'a>(
        &'a self,
        document: &'a Document,
        own: Option<RecipientKey>,
    ) -> impl Iterator<Item = &'a Recipient> {
        let devices = move || {
            let others = document.recipients().iter().filter(move |one| Some(one.key) != own);
            others.filter(|one| one.kind == RecipientKind::Device)
        };
        let is_named = devices().any(|one| is_noted(one, self.id));
        devices().filter(move |one| match is_named {
            true => is_noted(one, self.id),
            false => self.name.is_some() && one.name.as_deref() == self.name && self.is_gone(one),
        })
    }

    /// Whether the sign-in with which it got the key is no more.
    fn is_gone(&self, one: &Recipient) -> bool {
        one.device.is_some() && !self.signed_in.iter().any(|id| is_noted(one, id))
    }
}

/// Whether the provider calls it so. A document holds at least [`CUT`] characters of that.
fn is_noted(one: &Recipient, id: &str) -> bool {
    let is_cut = |noted: &str| noted.chars().count() >= CUT && id.starts_with(noted);
    one.device.as_deref().is_some_and(|noted| noted == id || is_cut(noted))
}

const CUT: usize = 50;

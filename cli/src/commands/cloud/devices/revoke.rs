//! `orkee cloud devices revoke`

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::event::{EventKind, NewEvent};
use orkee_core::plugin::Device;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use orkee_core::sync::SyncLock;
use serde::Serialize;
use thiserror::Error;

use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::key::{Lost, ShutOut, elsewhere, shut_out, shut_out_beside};
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;
use crate::prompt;

/// Sign a device out: its tokens are worthless at once
///
/// What it has stays on it; it is only cut off from the server. To use it again, sign in there again. If the account is sealed, a new epoch
/// of its key begins, which that device is not given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud devices revoke grt_2f9c
  orkee cloud devices revoke grt_2f9c --yes")]
pub(super) struct Revoke {
    /// The device, as `orkee cloud devices` names it
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    revoked: &'a str,
    name: &'a str,
    /// It was this device.
    current: bool,
    /// The epoch of the account's key that began without it; none: it had no key of the account's.
    key_epoch: Option<u32>,
    /// The same of the sign-in's other projects, its own or its team's.
    other_key_epoch: Option<u32>,
}

impl Revoke {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let devices = surroundings::run(async {
            let connection = Connection::open(cx, &cloud).await?;
            Ok(connection.provider.devices().await?)
        })?;
        let signed_in: Vec<String> = devices.iter().map(|device| device.id.clone()).collect();
        let Some(device) = devices.into_iter().find(|device| device.id == self.id) else {
            return self.signed_out_before(cx, &cloud, &signed_in);
        };
        let name = text::line(&device.name);
        let question = match device.current {
            true => format!("{name} is this device: you will be signed out here. Go on?"),
            false => format!("Sign out {name}?"),
        };
        prompt::must_confirm(cx, self.yes, &question)?;
        let lock = SyncLock::acquire(cx.home()?)?;
        // Before it is signed out: broken off in between, the command finds the device again.
        let lost =
            Lost { id: &device.id, name: Some(&device.name), is_this: device.current, signed_in: &signed_in };
        let shut_out = shut_out(cx, &cloud, &lost);
        let beside = shut_out_beside(cx, &cloud, &lost);
        drop(lock);
        // Whatever fails after this: the epochs that began have begun.
        let key_epoch = match &shut_out {
            Ok(shut_out) => self.tell(cx, shut_out)?,
            Err(_) => None,
        };
        let beside = beside.inspect_err(|_| unsaid(cx, [key_epoch, None]))?;
        let other_key_epoch = tell_of_beside(cx, beside)?;
        let ended = surroundings::run(async {
            let connection = Connection::open(cx, &cloud).await?;
            Ok(connection.provider.revoke_device(&device.id).await?)
        });
        note(cx, &cloud, &device, ended.as_ref().err())?;
        if ended.is_err() || (shut_out.is_err() && !device.current) {
            unsaid(cx, [key_epoch, other_key_epoch]);
        }
        ended?;
        cx.out.done(format_args!("{name} is signed out"))?;
        // This device is cut off, whatever becomes of the key.
        if let Err(failure) = shut_out
            && !device.current
        {
            self.may_have_the_key(cx);
            return Err(failure);
        }
        warn_of_others(cx, &lost)?;
        if device.current {
            cx.out.warn("this was the device that you use; to go on with it: orkee cloud login");
        }
        if cx.out.is_json() {
            let Device { id, name, current, .. } = &device;
            cx.out.document(&Document {
                revoked: id,
                name,
                current: *current,
                key_epoch,
                other_key_epoch,
            })?;
        }
        Ok(Exit::DONE)
    }

    /// It is signed out, but the account's key may still be wrapped for it.
    fn signed_out_before(&self, cx: &Context, cloud: &Cloud, signed_in: &[String]) -> CommandResult {
        let lost = Lost { id: &self.id, name: None, is_this: false, signed_in };
        let lock = SyncLock::acquire(cx.home()?)?;
        let shut_out = shut_out(cx, cloud, &lost)?;
        let beside = shut_out_beside(cx, cloud, &lost);
        drop(lock);
        let key_epoch = self.tell(cx, &shut_out)?;
        let beside = beside.inspect_err(|_| unsaid(cx, [key_epoch, None]))?;
        let other_key_epoch = tell_of_beside(cx, beside)?;
        warn_of_others(cx, &lost)?;
        if key_epoch.is_none() && other_key_epoch.is_none() {
            return Err(NoDevice(self.id.clone()).into());
        }
        if cx.out.is_json() {
            let (revoked, name) = (self.id.as_str(), "");
            cx.out.document(&Document { revoked, name, current: false, key_epoch, other_key_epoch })?;
        }
        Ok(Exit::DONE)
    }

    /// The epoch that began, if one did.
    fn tell(&self, cx: &Context, shut_out: &ShutOut) -> Result<Option<u32>, Failure> {
        match shut_out {
            ShutOut::NotNeeded => {}
            ShutOut::Begun(epoch) => {
                cx.out.done(format_args!(
                    "Epoch {epoch} of the account's key has begun without it: what is sent from now on it cannot read"
                ))?;
                return Ok(Some(*epoch));
            }
            ShutOut::NotHere => cx.out.warn(format_args!(
                "it has the account's key; on another device that has it, too, run `orkee cloud key rotate --without {}`",
                text::line(&self.id)
            )),
        }
        Ok(None)
    }

    fn may_have_the_key(&self, cx: &Context) {
        cx.out.warn(format_args!(
            "it may still be given the account's key: run `orkee cloud devices revoke {}` again, or `orkee cloud key rotate`",
            text::line(&self.id)
        ));
    }
}

/// Epochs that began, where an error takes the place of the document that would have said so.
fn unsaid(cx: &Context, [own, other]: [Option<u32>; 2]) {
    if !cx.out.is_json() {
        return;
    }
    for (epoch, whose) in [(own, "the account's key"), (other, "the key of the sign-in's other projects")] {
        if let Some(epoch) = epoch {
            cx.out.warn(format_args!("epoch {epoch} of {whose} has begun without it all the same"));
        }
    }
}

/// The epoch that began for the sign-in's other projects.
fn tell_of_beside(cx: &Context, beside: Option<(String, u32)>) -> Result<Option<u32>, Failure> {
    let Some((place, epoch)) = beside else { return Ok(None) };
    cx.out
        .done(format_args!("Epoch {epoch} of the key of {} has begun without it, too", text::line(&place)))?;
    Ok(Some(epoch))
}

/// Epochs began where this sign-in leads. What else the device has a key of is shut to it by a command each.
fn warn_of_others(cx: &Context, lost: &Lost<'_>) -> Result<(), Failure> {
    for (place, recipient) in elsewhere(cx, lost)? {
        let (place, recipient) = (text::line(&place), text::line(&recipient));
        cx.out.warn(format_args!(
            "it still gets the key of {place}; there, run `orkee cloud key rotate --without {recipient}`"
        ));
    }
    Ok(())
}

fn note(cx: &Context, cloud: &Cloud, device: &Device, failure: Option<&Failure>) -> Result<(), Failure> {
    let error = failure.map(Failure::diagnostic);
    let outcome = match error.map(Diagnostic::kind) {
        None => AuditOutcome::Done,
        Some(Kind::Auth) => AuditOutcome::Denied,
        Some(_) => AuditOutcome::Failed,
    };
    let entry = AuditEntry {
        who: cloud.who(),
        subject: Some(format!("{} ({})", device.id, device.name)),
        code: error.map(|error| error.code().to_owned()),
        provider: Some(cloud.choice.name().to_owned()),
        request_id: cloud.http.newest_request_id(),
        ..AuditEntry::new("", AuditAction::RevokeDevice, outcome)
    };
    if error.is_some() {
        return cx.note(entry);
    }
    let Device { id, name, platform, .. } = device;
    cx.note_and_tell(
        entry,
        &NewEvent::of_device(EventKind::DeviceRevoked, Some(id), name, platform.as_deref()),
    )
}

/// The account has no such device.
#[derive(Debug, Error)]
#[error("there is no device {0:?} among those that are signed in")]
struct NoDevice(String);

impl Diagnostic for NoDevice {
    fn code(&self) -> &'static str {
        "E-AUTH-060"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("run `orkee cloud devices`".to_owned())
    }
}

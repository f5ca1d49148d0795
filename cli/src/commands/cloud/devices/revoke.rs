//! `orkee cloud devices revoke`

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::event::{EventKind, NewEvent};
use orkee_core::plugin::Device;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use serde::Serialize;
use thiserror::Error;

use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::key::{ShutOut, shut_out};
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
}

impl Revoke {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let device = surroundings::run(async {
            let connection = Connection::open(cx, &cloud).await?;
            let mut devices = connection.provider.devices().await?.into_iter();
            Ok(devices.find(|device| device.id == self.id).ok_or(NoDevice(self.id.clone()))?)
        })?;
        let name = text::line(&device.name);
        let question = match device.current {
            true => format!("{name} is this device: you will be signed out here. Go on?"),
            false => format!("Sign out {name}?"),
        };
        prompt::must_confirm(cx, self.yes, &question)?;
        let ended = surroundings::run(async {
            let connection = Connection::open(cx, &cloud).await?;
            Ok(connection.provider.revoke_device(&device.id).await?)
        });
        note(cx, &cloud, &device, ended.as_ref().err())?;
        ended?;
        cx.out.done(format_args!("{name} is signed out"))?;
        let shut_out = if device.current { ShutOut::NotNeeded } else { shut_out(cx, &cloud, &device.id)? };
        match &shut_out {
            ShutOut::NotNeeded => {}
            ShutOut::Begun(epoch) => cx.out.done(format_args!(
                "Epoch {epoch} of the account's key has begun without it: what is sent from now on it cannot read"
            ))?,
            ShutOut::NotHere => cx.out.warn(format_args!(
                "it has the account's key, which is not on this device; on one that has it, run `orkee cloud key rotate --without {}`",
                text::line(&device.id)
            )),
        }
        if device.current {
            cx.out.warn("this was the device that you use; to go on with it: orkee cloud login");
        }
        if cx.out.is_json() {
            let Device { id, name, current, .. } = &device;
            let key_epoch = match shut_out {
                ShutOut::Begun(epoch) => Some(epoch),
                ShutOut::NotNeeded | ShutOut::NotHere => None,
            };
            cx.out.document(&Document { revoked: id, name, current: *current, key_epoch })?;
        }
        Ok(Exit::DONE)
    }
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

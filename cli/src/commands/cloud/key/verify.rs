//! `orkee cloud key verify`

use std::str::FromStr;

use orkee_core::seal::keys::{KeyError, Keys, Met};
use orkee_core::seal::{Document, Phrase, RecipientKind};
use serde::Serialize;

use super::desk::Desk;
use super::error::{KeyCommandError, does_not_open};
use super::recover::begins;
use super::shown::KeyView;
use super::typed;
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;

/// See whether the recovery phrase that you wrote down is the right one, and the key of this device, too
///
/// Changes nothing. With --device the phrase is not asked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key verify            asks for the phrase, or reads it from standard input
  orkee cloud key verify --device   the key of this device alone")]
pub(crate) struct Verify {
    /// Look at the key of this device alone
    #[arg(long)]
    device: bool,
}

#[derive(Serialize)]
struct Output {
    /// Whether the phrase opens the account's key; none: it was not asked for.
    phrase: Option<bool>,
    /// Whether the key of this device is the account's; none: it has none.
    device: Option<bool>,
    #[serde(flatten)]
    key: Option<KeyView>,
    /// Devices that have the key and are not signed in any more.
    not_signed_in: Vec<String>,
}

impl Verify {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let phrase = match self.device {
            true => None,
            false => Some(Phrase::from_str(typed::phrase(cx)?.expose())?),
        };
        let (keys, document, strangers) = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            let remote = connection.remote().await?;
            let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
            let there = desk.fetch().await?.ok_or(KeyCommandError::NoKey)?;
            let document = orkee_core::seal::keys::read(&there.envelope)?;
            let keys = desk.keys()?;
            if keys.standing().has_key
                && let Met::Older(got) = keys.compare(&there.envelope)?
            {
                return Err(KeyError::RolledBack { have: keys.standing().number, got }.into());
            }
            let devices = connection.provider.devices().await.ok();
            let strangers = strangers(&document, devices.as_deref());
            Ok((keys, document, strangers))
        })?;
        if let Some(phrase) = &phrase {
            opens(&document, phrase, &keys)?;
        }
        let device = keys.standing().has_key.then(|| is_recipient(&document, &keys)).transpose()?;
        report(cx, &keys, phrase.is_some(), device, strangers)?;
        Ok(Exit::DONE)
    }
}

/// Whether the phrase opens the account's key, and that is the one that is here.
fn opens(document: &Document, phrase: &Phrase, keys: &Keys) -> Result<(), Failure> {
    let opened = document.open(&phrase.recipient());
    let epochs = opened.map_err(|error| does_not_open("recovery phrase", error))?;
    match keys.epochs() {
        Some(held) if !begins(&held, &epochs) => Err(KeyError::OtherKey.into()),
        _ => Ok(()),
    }
}

fn is_recipient(document: &Document, keys: &Keys) -> Result<bool, Failure> {
    let own = keys.recipient()?;
    Ok(document.recipients().iter().any(|one| one.key == own))
}

/// Devices that have the key though the account's list of devices does not have them.
fn strangers(document: &Document, devices: Option<&[orkee_core::plugin::Device]>) -> Vec<String> {
    let Some(devices) = devices else { return Vec::new() };
    let is_gone = |id: &str| devices.iter().all(|device| device.id != id);
    let of_devices = document.recipients().iter().filter(|one| one.kind == RecipientKind::Device);
    let gone = of_devices.filter(|one| one.device.as_deref().is_some_and(is_gone));
    gone.map(|one| one.id.clone()).collect()
}

fn report(
    cx: &Context,
    keys: &Keys,
    is_phrase: bool,
    device: Option<bool>,
    not_signed_in: Vec<String>,
) -> Result<(), Failure> {
    let key = KeyView::of(keys);
    if cx.out.is_json() {
        return Ok(cx.out.document(&Output {
            phrase: is_phrase.then_some(true),
            device,
            key,
            not_signed_in,
        })?);
    }
    if is_phrase {
        cx.out.done("The recovery phrase opens this account's key")?;
    }
    match (device, key) {
        (Some(true), Some(key)) => {
            cx.out.done(format_args!("The key of this device is the account's: {}", key.line()))?
        }
        (Some(false), Some(_)) => cx.out.warn(
            "this device holds the key, but is not among those that get the next one; run `orkee cloud key recover`",
        ),
        _ => cx.out.note("The key is not on this device: orkee cloud key recover"),
    }
    for id in not_signed_in {
        let id = text::line(&id);
        cx.out.warn(format_args!(
            "{id} has the key and is signed in no more; to shut it out: orkee cloud key rotate --without {id}"
        ));
    }
    Ok(())
}

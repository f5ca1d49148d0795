//! `orkee cloud key unlock`

use jiff::{SignedDuration, Span, Timestamp};
use orkee_core::clock::rfc3339;
use orkee_core::seal::Phrase;
use orkee_core::seal::lock::{Holders, LockError, Until};
use orkee_core::store::{AuditAction, LockStage};
use serde::Serialize;

use super::{lock, trail, typed};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Open what is locked on this device, for a while
///
/// The lock key is kept in XDG_RUNTIME_DIR, which is memory and ends with your session, and never on a disk. A passphrase that was
/// forgotten is made up for by the recovery phrase of an account whose key was here: then choose another one with
/// `orkee cloud key lock --new-passphrase`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key unlock                  for 8 hours
  orkee cloud key unlock --for 20m
  orkee cloud key unlock --until-logout
  orkee cloud key unlock --phrase         with the recovery phrase of your account")]
pub(crate) struct Unlock {
    /// For how long, such as 20m or 8h; 30 days at most
    #[arg(long = "for", value_name = "TIME", default_value = "8h", value_parser = duration)]
    time: SignedDuration,
    /// Until your session on this machine ends
    #[arg(long, conflicts_with = "time")]
    until_logout: bool,
    /// With the recovery phrase of an account instead of the passphrase
    #[arg(long)]
    phrase: bool,
}

#[derive(Serialize)]
struct Document {
    unlocked: bool,
    /// RFC 3339; null: until the session ends.
    until: Option<String>,
}

/// A span of time as a person types it.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "write it as 20m, 8h or 2d".to_owned())?;
    let time = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "write it as 20m, 8h or 2d".to_owned())?;
    match time.as_secs() {
        1..=2_592_000 => Ok(time),
        _ => Err("a second at least, and 30 days at most".to_owned()),
    }
}

impl Unlock {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let subject = if self.phrase { "with a recovery phrase" } else { "" };
        trail::of_device(cx, AuditAction::UnlockDevice, subject, self.open(cx))
    }

    fn open(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let standing = store.lock_standing()?.ok_or(LockError::NotLocked)?;
        let runtime = lock::runtime();
        // Before a passphrase is asked for that could not be used.
        runtime.check()?;
        let (holders, id) = (Holders::parse(&standing.keys)?, lock::id(&standing)?);
        let key = if self.phrase {
            if !holders.has_phrase() {
                return Err(LockError::NoPhrase.into());
            }
            let phrase: Phrase = typed::phrase(cx)?.expose().parse()?;
            holders.open_with_phrase(id, &phrase)?
        } else {
            holders.open_with_passphrase(id, typed::passphrase(cx)?.expose())?
        };
        lock::admit_phrases(cx, &mut store, &standing, &key)?;
        if standing.stage != LockStage::Done {
            match lock::finish(cx, &mut store, &key) {
                // It was coming off.
                Ok(changed) if store.lock_standing()?.is_none() => return lock::taken_off(cx, changed),
                Ok(_) => {}
                // A disk that is full is no reason to keep its owner out.
                Err(error) => {
                    cx.out.warn(format_args!(
                        "locking was not finished, and is not yet: {}",
                        error.diagnostic()
                    ));
                }
            }
        }
        let until = match self.until_logout {
            true => Until::Logout,
            false => Until::Time(Timestamp::now().saturating_add(self.time).unwrap_or(Timestamp::MAX)),
        };
        runtime.keep(&key, until)?;
        let until = match until {
            Until::Time(at) => Some(rfc3339(at)),
            Until::Logout => None,
        };
        if cx.out.is_json() {
            cx.out.document(&Document { unlocked: true, until })?;
        } else {
            let until = until.as_deref().unwrap_or("your session ends");
            cx.out.done(format_args!("Unlocked until {until}"))?;
            cx.out.note("To end it: orkee cloud key lock");
        }
        Ok(Exit::DONE)
    }
}

//! `orkee cloud key lock`

use std::sync::Arc;

use orkee_core::clock::SystemClock;
use orkee_core::seal::keys::KeyFile;
use orkee_core::seal::lock::{Holders, LockError, LockKey, Runtime};
use orkee_core::seal::passphrase::Params;
use orkee_core::seal::{KeyId, RecipientKey};
use orkee_core::store::{AuditAction, LockStage, LockStanding, Store};
use serde::Serialize;

use super::{trail, typed};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Seal what your projects say on this device, so that nobody who only has its files reads it
///
/// The first time it asks for a passphrase. From then on the chosen fields (setting lock.fields) are sealed in the database, with all
/// their older values, and so are the account's keys on this device; no plain byte of them stays in the files. Names, status, priority,
/// rank and tags stay readable, for lists. While it is locked, projects can be listed and shown, without what is sealed; what would
/// change them or needs their text is refused. `orkee cloud key unlock` opens them for a while, and `key lock` ends that.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key lock
  orkee cloud key lock --new-passphrase   another passphrase, while it is unlocked
  orkee cloud key lock --off              nothing is sealed on this device any more")]
pub(crate) struct Lock {
    /// Take the lock off: everything stands readable in the files again
    #[arg(long, conflicts_with = "new_passphrase")]
    off: bool,
    /// Ask for another passphrase; wants it to be unlocked
    #[arg(long)]
    new_passphrase: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    locked: bool,
    fields: Vec<&'a str>,
    /// Texts in the database that were given another form.
    changed: u64,
}

impl Lock {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let (off, anew) = (self.off, self.new_passphrase);
        let done = self.change(cx);
        let subject = if anew {
            "another passphrase"
        } else if off {
            "taken off"
        } else {
            ""
        };
        // `--off` opens what was sealed, for good.
        let action = if off { AuditAction::UnlockDevice } else { AuditAction::LockDevice };
        trail::of_device(cx, action, subject, done)
    }

    fn change(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let standing = store.lock_standing()?;
        // The key goes first of all: whatever fails after that, nobody else has it any more.
        let (known, forgotten) = match &standing {
            Some(standing) => (unlocked(standing), runtime().forget(&standing.id)),
            None => (None, Ok(false)),
        };
        if self.off {
            return self.take_off(cx, &mut store, standing, known);
        }
        let fields = cx.settings()?.lock_fields()?;
        let changed = match &standing {
            None => self.put_on(cx, &mut store, &fields)?,
            Some(standing) => self.lock_again(cx, &mut store, (standing, known), &fields)?,
        };
        forgotten?;
        tell_of_edits(cx)?;
        if cx.out.is_json() {
            cx.out.document(&Document { locked: true, fields, changed })?;
        } else {
            cx.out.done(format_args!("Locked: {}", fields.join(", ")))?;
            cx.out.note("To read and change them: orkee cloud key unlock");
        }
        Ok(Exit::DONE)
    }

    fn put_on(&self, cx: &Context, store: &mut Store, fields: &[&str]) -> Result<u64, Failure> {
        if let Err(error) = runtime().check() {
            let only =
                "until that is mended nothing but `orkee cloud key lock --off` opens what is locked here";
            cx.out.warn(format_args!("{error}; {only}"));
        }
        let passphrase = typed::new_passphrase(cx)?;
        let key = LockKey::generate();
        let phrases = phrases(cx)?;
        let holders = Holders::new(&key, passphrase.expose(), &Params::calibrate(), &phrases)?;
        store.use_lock_keys(Arc::new(key.clone()));
        store.put_lock(&key.id().to_string(), fields, &holders.to_text()?)?;
        if !holders.has_phrase() {
            cx.out.warn(
                "no account's key is on this device: if you forget the passphrase, nothing opens what is locked here",
            );
        }
        finish(cx, store, &key)
    }

    /// What is not as it should be is made so: other fields, a lock that was broken off, key files that came later.
    fn lock_again(
        &self,
        cx: &Context,
        store: &mut Store,
        (standing, known): (&LockStanding, Option<LockKey>),
        fields: &[&str],
    ) -> Result<u64, Failure> {
        // Of one that cannot be read `finish` tells.
        let plain = KeyFile::all(cx.home()?).iter().any(|file| file.is_plain().unwrap_or(true));
        let is_as_wanted = standing.fields == fields && standing.stage != LockStage::Sweeping && !plain;
        if is_as_wanted && !self.new_passphrase {
            if let Some(key) = &known {
                admit_phrases(cx, store, standing, key)?;
            }
            if standing.stage == LockStage::Wiping {
                store.wipe()?;
            }
            return Ok(0);
        }
        let key = key(cx, standing, known)?;
        store.use_lock_keys(Arc::new(key.clone()));
        if self.new_passphrase {
            store.must_be_sound()?;
        }
        let mut holders = Holders::parse(&standing.keys)?;
        let mut is_changed = holders.admit(&key, &phrases(cx)?)?;
        if self.new_passphrase {
            let passphrase = typed::new_passphrase(cx)?;
            holders = holders.with_passphrase(&key, passphrase.expose(), &Params::calibrate())?;
            is_changed = true;
        }
        if is_changed {
            store.seal_lock_for(&standing.id, &holders.to_text()?)?;
        }
        store.change_lock(fields)?;
        finish(cx, store, &key)
    }

    fn take_off(
        self,
        cx: &Context,
        store: &mut Store,
        standing: Option<LockStanding>,
        known: Option<LockKey>,
    ) -> CommandResult {
        let standing = standing.ok_or(LockError::NotLocked)?;
        let key = key(cx, &standing, known)?;
        store.use_lock_keys(Arc::new(key.clone()));
        // First, so that a key file that is written from here on is written plain.
        store.change_lock(&[])?;
        let changed = finish(cx, store, &key)?;
        taken_off(cx, changed)
    }
}

/// Tells that there is no lock any more.
pub(super) fn taken_off(cx: &Context, changed: u64) -> CommandResult {
    if cx.out.is_json() {
        cx.out.document(&Document { locked: false, fields: Vec::new(), changed })?;
    } else {
        cx.out.done("Nothing is sealed on this device any more")?;
    }
    Ok(Exit::DONE)
}

/// Where the key is while the projects are unlocked.
pub(super) fn runtime() -> Runtime {
    Runtime::from_env(Arc::new(SystemClock))
}

/// Seals what is not sealed yet, and takes what it was out of the files; where the lock is coming off, opens it.
pub(super) fn finish(cx: &Context, store: &mut Store, key: &LockKey) -> Result<u64, Failure> {
    store.use_lock_keys(Arc::new(key.clone()));
    let is_coming_off = store.lock_standing()?.is_some_and(|standing| standing.fields.is_empty());
    for file in KeyFile::all(cx.home()?) {
        if is_coming_off {
            // Before the sweep ends: with the lock the last is gone that opens them.
            file.unlock_with(key)?;
        } else if let Err(error) = file.lock_with(key) {
            // What is wrong with it keeps nobody from the projects.
            cx.out.warn(format_args!("a key file was not locked: {error}"));
        }
    }
    let swept = store.sweep()?;
    if store.lock_standing()?.is_some_and(|standing| standing.stage == LockStage::Wiping) {
        store.wipe()?;
    }
    Ok(swept.texts)
}

/// Lets the recovery phrase of an account whose key has just come open the device's lock, too.
pub(super) fn admit(cx: &Context, store: &mut Store) -> Result<(), Failure> {
    let Some(standing) = store.lock_standing()? else { return Ok(()) };
    match runtime().find(&standing.id)? {
        Some((key, _)) => admit_phrases(cx, store, &standing, &key),
        None => Ok(()),
    }
}

/// Lets the recovery phrases open it of accounts whose keys came here since it was locked.
pub(super) fn admit_phrases(
    cx: &Context,
    store: &mut Store,
    standing: &LockStanding,
    key: &LockKey,
) -> Result<(), Failure> {
    let mut holders = Holders::parse(&standing.keys)?;
    if holders.admit(key, &phrases(cx)?)? {
        store.seal_lock_for(&standing.id, &holders.to_text()?)?;
    }
    Ok(())
}

/// The recovery phrases of the accounts whose keys are on this device. Of what cannot be read there is none; `doctor` tells of it.
fn phrases(cx: &Context) -> Result<Vec<(KeyId, RecipientKey)>, Failure> {
    let files = KeyFile::all(cx.home()?);
    Ok(files.iter().filter_map(|file| file.recovery().ok().flatten()).collect())
}

/// Names texts of edits that were broken off: they are nobody's but the person's, and stay readable.
fn tell_of_edits(cx: &Context) -> Result<(), Failure> {
    let folder = cx.home()?.root().join("edit");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    for file in files {
        cx.out.warn(format_args!("an edit that was not finished stays readable: {}", file.path().display()));
    }
    Ok(())
}

/// The lock key, where it is unlocked.
fn unlocked(standing: &LockStanding) -> Option<LockKey> {
    Some(runtime().find(&standing.id).ok()??.0)
}

/// The lock key: the one that was unlocked, else the person is asked.
fn key(cx: &Context, standing: &LockStanding, known: Option<LockKey>) -> Result<LockKey, Failure> {
    if let Some(key) = known {
        return Ok(key);
    }
    let passphrase = typed::passphrase(cx)?;
    let id = id(standing)?;
    Ok(Holders::parse(&standing.keys)?.open_with_passphrase(id, passphrase.expose())?)
}

/// The lock key's name.
pub(super) fn id(standing: &LockStanding) -> Result<KeyId, Failure> {
    let what = || "the lock key has no name".to_owned();
    let parsed = standing.id.parse();
    Ok(parsed.map_err(|_| orkee_core::store::StoreError::Damaged { what: what() })?)
}

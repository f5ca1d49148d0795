//! `orkee cloud key lock`

use std::sync::Arc;

use orkee_core::clock::SystemClock;
use orkee_core::seal::RecipientKey;
use orkee_core::seal::keys::KeyFile;
use orkee_core::seal::lock::{Holders, LockError, LockKey, Runtime};
use orkee_core::seal::passphrase::Params;
use orkee_core::store::{LockStage, LockStanding, Store};
use serde::Serialize;

use super::typed;
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
        let mut store = cx.store()?;
        let standing = store.lock_standing()?;
        if self.off {
            return self.take_off(cx, &mut store, standing);
        }
        let fields = cx.settings()?.lock_fields()?;
        let changed = match standing {
            None => self.put_on(cx, &mut store, &fields)?,
            Some(standing) => self.lock_again(cx, &mut store, &standing, &fields)?,
        };
        if let Some(standing) = store.lock_standing()? {
            runtime().forget(&standing.id)?;
        }
        if cx.out.is_json() {
            cx.out.document(&Document { locked: true, fields, changed })?;
        } else {
            cx.out.done(format_args!("Locked: {}", fields.join(", ")))?;
            cx.out.note("To read and change them: orkee cloud key unlock");
        }
        Ok(Exit::DONE)
    }

    fn put_on(&self, cx: &Context, store: &mut Store, fields: &[&str]) -> Result<u64, Failure> {
        let passphrase = typed::new_passphrase(cx)?;
        let key = LockKey::generate();
        let phrases = phrases(cx)?;
        let holders = Holders::new(&key, passphrase.expose(), &Params::calibrate(), &phrases)?;
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
        standing: &LockStanding,
        fields: &[&str],
    ) -> Result<u64, Failure> {
        let mut plain = false;
        for file in KeyFile::all(cx.home()?) {
            plain |= file.is_plain()?;
        }
        let is_as_wanted = standing.fields == fields && standing.stage != LockStage::Sweeping && !plain;
        if is_as_wanted && !self.new_passphrase {
            if let Ok(Some((key, _))) = runtime().find(&standing.id) {
                admit_phrases(cx, store, standing, &key)?;
            }
            if standing.stage == LockStage::Wiping {
                store.wipe()?;
            }
            return Ok(0);
        }
        let key = key(cx, standing)?;
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
        store.use_lock_keys(Arc::new(key.clone()));
        store.change_lock(fields)?;
        finish(cx, store, &key)
    }

    fn take_off(self, cx: &Context, store: &mut Store, standing: Option<LockStanding>) -> CommandResult {
        let standing = standing.ok_or(LockError::NotLocked)?;
        let key = key(cx, &standing)?;
        store.use_lock_keys(Arc::new(key.clone()));
        // First, so that a key file that is written from here on is written plain.
        store.change_lock(&[])?;
        let changed = finish(cx, store, &key)?;
        runtime().forget(&standing.id)?;
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
        // Before the sweep ends: with the lock the last that opens them is gone.
        if is_coming_off { file.unlock_with(key) } else { file.lock_with(key) }?;
    }
    let swept = store.sweep()?;
    if store.lock_standing()?.is_some_and(|standing| standing.stage == LockStage::Wiping) {
        store.wipe()?;
    }
    Ok(swept.texts)
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

/// The recovery phrases of the accounts whose keys are on this device.
fn phrases(cx: &Context) -> Result<Vec<RecipientKey>, Failure> {
    let mut found = Vec::new();
    for file in KeyFile::all(cx.home()?) {
        found.extend(file.recovery()?);
    }
    Ok(found)
}

/// The lock key: the one that is unlocked, else the person is asked.
fn key(cx: &Context, standing: &LockStanding) -> Result<LockKey, Failure> {
    if let Ok(Some((key, _))) = runtime().find(&standing.id) {
        return Ok(key);
    }
    let passphrase = typed::passphrase(cx)?;
    let id = id(standing)?;
    Ok(Holders::parse(&standing.keys)?.open_with_passphrase(id, passphrase.expose())?)
}

/// The lock key's name.
pub(super) fn id(standing: &LockStanding) -> Result<orkee_core::seal::KeyId, Failure> {
    let what = || "the lock key has no name".to_owned();
    let parsed = standing.id.parse();
    Ok(parsed.map_err(|_| orkee_core::store::StoreError::Damaged { what: what() })?)
}

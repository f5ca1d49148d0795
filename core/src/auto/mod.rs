//! Syncs that nobody typed: when there is one, and what all processes of a home folder know of the last ones.
//!
//! Nothing here syncs, and nothing waits: [`Changes`] notices what was written on this device, [`Pause`] is how long all processes
//! stay quiet after a failure, [`Plan`] says when a watcher's next sync is, [`Started`] what began the last one. Processes, terminals
//! and signals are the command line's.

mod changes;
mod pause;
mod place;
mod plan;
mod settings;
mod started;

pub use changes::{Changes, ChangesError, Look, Waiting};
pub use pause::{Ended, Failed, Pause};
pub use place::Place;
pub use plan::{Because, Plan, Wake};
pub use settings::AutoSync;
pub use started::{Started, Starts};

use std::io;

use crate::home::Home;
use crate::lock::{FileLock, Note};

/// Held by the one watcher of a home folder.
#[derive(Debug)]
pub struct WatchLock(FileLock);

/// A watcher that is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    /// Its process.
    pub pid: Option<u32>,
    /// The key of its place.
    place: String,
}

impl Watching {
    /// Whether it does for this place all that somebody there could: it has the same projects, backend and kind of sign-in.
    pub fn is_of(&self, place: &Place) -> bool {
        self.place == place.key()
    }

    /// Whether it watches this tenant's projects, wherever it sends them.
    pub fn watches(&self, tenant: &str) -> bool {
        Place::tenant_of(&self.place) == tenant
    }
}

impl WatchLock {
    /// Takes the lock for a watcher of this place, or says who holds it.
    pub fn acquire(home: &Home, place: &Place) -> io::Result<Result<Self, Note>> {
        let taken = FileLock::acquire(&home.watch_lock(), &place.key())?;
        Ok(taken.map(Self))
    }

    /// The watcher watches this place from here on.
    pub fn turn_to(&mut self, place: &Place) {
        self.0.sign(&place.key());
    }

    /// The watcher of this home folder, if there is one.
    pub fn holder(home: &Home) -> Option<Watching> {
        let holder = Note::of(&home.watch_lock())?;
        Some(Watching { pid: holder.pid, place: holder.purpose })
    }
}

/// Held by a sync in the background that waits for the one at work, and has not looked at the store yet.
#[derive(Debug)]
pub struct NextLock {
    _lock: FileLock,
}

impl NextLock {
    /// Takes it for this place. None: one of the same place waits already. That of another place with the same name is waited for.
    pub fn take(home: &Home, place: &Place) -> io::Result<Option<Self>> {
        let (path, key) = (home.background_next_lock(&place.tenant), place.key());
        match FileLock::acquire(&path, &key)? {
            Ok(lock) => Ok(Some(Self { _lock: lock })),
            Err(holder) if holder.purpose == key => Ok(None),
            Err(_) => FileLock::wait(&path, &key).map(|lock| Some(Self { _lock: lock })),
        }
    }

    /// Whether one of this place waits.
    pub fn is_held(home: &Home, place: &Place) -> bool {
        let holder = Note::of(&home.background_next_lock(&place.tenant));
        holder.is_some_and(|holder| holder.purpose == place.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d10_who_cares_for_one_place_cares_for_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        let place = |tenant: &str, has_token| Place {
            tenant: tenant.to_owned(),
            api: "https://api.example".to_owned(),
            has_token,
        };
        let (ours, given, acme) = (place("", false), place("", true), place("acme", false));
        let mut watcher = WatchLock::acquire(&home, &ours).unwrap().unwrap();
        let watching = || WatchLock::holder(&home).unwrap();
        assert_eq!([&ours, &given, &acme].map(|place| watching().is_of(place)), [true, false, false]);
        assert!(watching().watches("") && !watching().watches("acme"));
        watcher.turn_to(&acme);
        assert_eq!([&ours, &given, &acme].map(|place| watching().is_of(place)), [false, false, true]);
        assert!(WatchLock::acquire(&home, &ours).unwrap().is_err(), "a home folder has one watcher");

        let _next = NextLock::take(&home, &ours).unwrap().unwrap();
        assert!(NextLock::take(&home, &ours).unwrap().is_none());
        assert_eq!([&ours, &given, &acme].map(|place| NextLock::is_held(&home, place)), [true, false, false]);
        assert!(NextLock::take(&home, &acme).unwrap().is_some());
    }
}

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
use std::path::PathBuf;

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

/// Held by a sync in the background that waits for the one at work, and has not looked at the store yet. Each place has a file of its
/// own: whoever finds it held knows by that alone that one of this place waits, whether the holder could write its note or not.
#[derive(Debug)]
pub struct NextLock {
    _lock: FileLock,
}

impl NextLock {
    /// Takes it for this place. None: one of this place waits already.
    pub fn take(home: &Home, place: &Place) -> io::Result<Option<Self>> {
        let taken = FileLock::acquire(&Self::path(home, place), &place.key())?;
        Ok(taken.ok().map(|lock| Self { _lock: lock }))
    }

    /// Whether one of this place waits.
    pub fn is_held(home: &Home, place: &Place) -> bool {
        Note::of(&Self::path(home, place)).is_some()
    }

    fn path(home: &Home, place: &Place) -> PathBuf {
        home.background_next_lock(&place.file_name())
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
    }

    #[test]
    fn d10_of_each_place_one_waits_and_the_others_go_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        let place = |tenant: &str, api: &str, has_token| Place {
            tenant: tenant.to_owned(),
            api: api.to_owned(),
            has_token,
        };
        let (here, other) = ("https://api.example", "https://api2.example");
        let places = [
            place("", here, false),
            place("", here, true),
            place("", other, false),
            place("acme", here, false),
            place("acme", here, true),
            place("ac/me", here, false),
            place("ac_me", here, false),
        ];
        // Nobody of any place blocks here, however many of another wait: this thread holds one lock of each.
        let take = |place| (0..10).filter_map(|_| NextLock::take(&home, place).unwrap()).collect::<Vec<_>>();
        let mut waiting: Vec<_> = places.iter().map(take).collect();
        assert_eq!(waiting.iter().map(Vec::len).collect::<Vec<_>>(), [1; 7]);
        assert!(places.iter().all(|place| NextLock::is_held(&home, place)));
        drop(waiting.remove(0));
        let held: Vec<_> = places.iter().map(|place| NextLock::is_held(&home, place)).collect();
        assert_eq!(held, [false, true, true, true, true, true, true]);
        // A full disk took no note.
        std::fs::write(NextLock::path(&home, &places[1]), "").unwrap();
        assert!(NextLock::is_held(&home, &places[1]));
        assert!(NextLock::take(&home, &places[1]).unwrap().is_none());
        assert!(NextLock::take(&home, &places[0]).unwrap().is_some());
    }
}

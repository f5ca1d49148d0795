//! A writer's turn: taken by making the folder of the next commit, which is given once.
//!
//! It is not given while the commit before is under way. Whoever takes it writes first what it is about to do, so that others find
//! its records should it not come back; and ends it with the list of what it wrote. A turn that is not ended counts as over after
//! a while: the holder has stopped long before, or notices that it is late.

use orkee_provider_sdk::{Failure, Head, send_all};

use crate::commits::{Log, listed};
use crate::dav;
use crate::place::{PER_SHELF, Place};
use crate::record;
use crate::waiting::{TURNS, Watch, pause};

/// The right to write, alone.
pub(crate) struct Turn<'a> {
    place: &'a Place,
    pub(crate) number: u64,
    /// When it was taken, by the server's clock.
    taken: u64,
    watch: Watch,
}

impl<'a> Turn<'a> {
    /// Takes the turn after the newest commit of `log`, or after those that come meanwhile.
    pub(crate) fn take(place: &'a Place, log: &Log) -> Result<Self, Failure> {
        let patience = Watch::start();
        let (mut last, mut waits) = (log.last(), log.is_under_way());
        loop {
            if !waits && let Some(turn) = Self::attempt(place, last + 1)? {
                return Ok(turn);
            }
            if patience.elapsed() >= TURNS.patience {
                return Err(Failure::Busy(Some(5000)));
            }
            if waits {
                pause();
            }
            let log = Log::look(place, 0, last.saturating_sub(1), true)?;
            (last, waits) = (log.last().max(last), log.is_under_way());
        }
    }

    /// None if somebody else has it.
    fn attempt(place: &'a Place, number: u64) -> Result<Option<Self>, Failure> {
        // Told from the request on: it may be that the answer takes its time.
        let watch = Watch::start();
        let mut reply = dav::make(&place.turn(number)).send()?;
        if matches!(reply.status, 404 | 409) {
            dav::ensure(&[place.log_shelf(number / PER_SHELF)])?;
            reply = dav::make(&place.turn(number)).send()?;
        }
        match reply.status {
            201 => {
                let taken = dav::date(&reply)?;
                Ok(Some(Self { place, number, taken, watch }))
            }
            // The standard's word for a folder that is there. Under a race some say otherwise; then a look decides.
            405 => Ok(None),
            _ => match Log::look(place, 0, number - 1, true)?.get(number) {
                Some(_) => Ok(None),
                None => Err(dav::failure(&reply, "make a folder")),
            },
        }
    }

    /// Tells what is about to be written.
    pub(crate) fn announce<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<(), Failure> {
        let reply = dav::put(&self.place.intent(self.number), listed(names)).send()?;
        if dav::is_done(&reply) { Ok(()) } else { Err(dav::failure(&reply, "write a file")) }
    }

    /// Whether there is time for a further portion.
    pub(crate) fn has_time(&self) -> bool {
        self.watch.elapsed() < TURNS.hold
    }

    /// Ends it. Fails if it took so long that others may have gone on without it: what it wrote is then told again, by whoever
    /// sends it again.
    pub(crate) fn end<'n>(self, names: impl Iterator<Item = &'n str>) -> Result<Head, Failure> {
        let tag = record::fresh()?;
        let list = dav::put(&self.place.done(self.number, &tag), listed(names));
        let reply = send_all([list]).pop().unwrap_or_else(|| Err(Failure::Http("no answer".to_owned())))?;
        if !dav::is_done(&reply) {
            return Err(dav::failure(&reply, "write a file"));
        }
        if dav::date(&reply)?.saturating_sub(self.taken) >= TURNS.expiry {
            return Err(Failure::Busy(None));
        }
        Ok(Head { number: self.number, tag })
    }
}

//! Requests that wait until a space has a new commit: how many there may be, and who wakes them.
//!
//! A commit of this process wakes them at once. What other processes do (a second server over the same database, `team remove`,
//! `user disable`), and what ends a sign-in, is seen when they look again, which each does every [`LOOK`].

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::storage::{AccountKey, SpaceKey};

/// Where they wait.
pub(crate) const WAIT: &str = "/v1/changes/wait";
/// How often a waiting request looks for what nobody told it.
pub(crate) const LOOK: Duration = Duration::from_millis(1500);
/// Waiting requests of one device.
pub(crate) const OF_A_DEVICE: usize = 8;
/// Of an account, over all its devices: one alone leaves room for the others.
pub(crate) const OF_AN_ACCOUNT: usize = 64;
/// Of all. Half of the connections: the other half is for those who have something to say. Once they are taken, an account that has
/// less than its share of them is let in for the oldest request of the account that has most.
const OF_ALL: usize = 512;

/// A sign-in: the account and its grant.
type Grant = (AccountKey, String);

/// All requests that wait.
pub(crate) struct Waits {
    waiting: Mutex<Waiting>,
    stopping: watch::Receiver<bool>,
}

#[derive(Default)]
struct Waiting {
    all: usize,
    /// How many have ever waited: the number of the last one.
    last: u64,
    /// Those of an account, the oldest first.
    accounts: HashMap<AccountKey, BTreeMap<u64, Place>>,
    grants: HashMap<Grant, usize>,
    spaces: HashMap<SpaceKey, (Arc<Notify>, usize)>,
}

/// What one that waits has taken.
struct Place {
    space: SpaceKey,
    grant: Grant,
    given_away: Arc<Notify>,
}

/// Why a request may not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The device has [`OF_A_DEVICE`] already.
    Device,
    /// Its account has [`OF_AN_ACCOUNT`] already.
    Account,
    /// The server has as many as it takes.
    Server,
}

/// A request that waits. Dropping it, as when the client goes away, makes room for another.
pub(crate) struct Wait {
    waits: Arc<Waits>,
    account: AccountKey,
    number: u64,
    commits: Arc<Notify>,
    given_away: Arc<Notify>,
}

impl Waits {
    /// Nobody waits any longer once `stopping` says so.
    pub(crate) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { waiting: Mutex::default(), stopping }
    }

    /// Lets one more request wait for commits of a space.
    pub(crate) fn enter(self: &Arc<Self>, space: SpaceKey, grant: Grant) -> Result<Wait, Full> {
        let mut waiting = self.lock();
        if waiting.grants.get(&grant).is_some_and(|count| *count >= OF_A_DEVICE) {
            return Err(Full::Device);
        }
        let account = grant.0;
        let has = waiting.accounts.get(&account).map_or(0, BTreeMap::len);
        if has >= OF_AN_ACCOUNT {
            return Err(Full::Account);
        }
        if waiting.all >= OF_ALL && !waiting.give_way_to(account, has) {
            return Err(Full::Server);
        }
        waiting.last += 1;
        let number = waiting.last;
        waiting.all += 1;
        *waiting.grants.entry(grant.clone()).or_default() += 1;
        let (commits, count) = waiting.spaces.entry(space).or_default();
        *count += 1;
        let commits = Arc::clone(commits);
        let given_away = Arc::new(Notify::new());
        let place = Place { space, grant, given_away: Arc::clone(&given_away) };
        waiting.accounts.entry(account).or_default().insert(number, place);
        Ok(Wait { waits: Arc::clone(self), account, number, commits, given_away })
    }

    /// There is a new commit in a space.
    pub(crate) fn wake(&self, space: SpaceKey) {
        if let Some((commits, _)) = self.lock().spaces.get(&space) {
            commits.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Makes room for an account that has so many, if that is less than its share. Whether there is room now.
    fn give_way_to(&mut self, account: AccountKey, has: usize) -> bool {
        let accounts = self.accounts.len() + usize::from(!self.accounts.contains_key(&account));
        if has >= OF_ALL / accounts.max(1) {
            return false;
        }
        let most = self.accounts.iter().max_by_key(|(_, waiting)| waiting.len());
        let Some((most, oldest)) = most.and_then(|(key, waiting)| Some((*key, *waiting.keys().next()?)))
        else {
            return false;
        };
        if let Some(place) = self.leave(most, oldest) {
            place.given_away.notify_one();
        }
        true
    }

    /// One waits no longer. None: it had its place taken already.
    fn leave(&mut self, account: AccountKey, number: u64) -> Option<Place> {
        let waiting = self.accounts.get_mut(&account)?;
        let place = waiting.remove(&number)?;
        if waiting.is_empty() {
            self.accounts.remove(&account);
        }
        self.all -= 1;
        one_less(&mut self.grants, &place.grant);
        if let Some((_, count)) = self.spaces.get_mut(&place.space) {
            *count -= 1;
            if *count == 0 {
                self.spaces.remove(&place.space);
            }
        }
        Some(place)
    }
}

impl Wait {
    /// Resolves at the space's next commit from this call on, polled or not.
    pub(crate) fn commit(&self) -> impl Future<Output = ()> {
        let commits = Arc::clone(&self.commits);
        commits.notified_owned()
    }

    /// Resolves when its place was given to an account that had less than its share.
    pub(crate) async fn given_away(&self) {
        self.given_away.notified().await;
    }

    /// Resolves when the server is to stop.
    pub(crate) async fn stop(&self) {
        let mut stopping = self.waits.stopping.clone();
        // The sender goes when the server is gone.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        drop(self.waits.lock().leave(self.account, self.number));
    }
}

/// What counts nothing any more is forgotten.
fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(n: usize) -> Grant {
        grant_of(1, n)
    }

    fn grant_of(account: i64, n: usize) -> Grant {
        (AccountKey(account), format!("g{n}"))
    }

    fn waits() -> (watch::Sender<bool>, Arc<Waits>) {
        let (stop, stopping) = watch::channel(false);
        (stop, Arc::new(Waits::new(stopping)))
    }

    #[test]
    fn a_device_and_an_account_and_a_server_have_their_share_and_who_goes_makes_room() {
        let (_stop, waits) = waits();
        let mut all: Vec<Wait> =
            (0..OF_A_DEVICE).map(|_| waits.enter(SpaceKey(1), grant(0)).unwrap()).collect();
        assert_eq!(waits.enter(SpaceKey(2), grant(0)).err(), Some(Full::Device));
        all.pop();
        all.push(waits.enter(SpaceKey(2), grant(0)).unwrap());
        all.extend((OF_A_DEVICE..OF_AN_ACCOUNT).map(|n| waits.enter(SpaceKey(1), grant(n)).unwrap()));
        assert_eq!(waits.enter(SpaceKey(2), grant(9999)).err(), Some(Full::Account));
        all.pop();
        all.push(waits.enter(SpaceKey(2), grant(9999)).unwrap());
        for account in (2..).take(OF_ALL / OF_AN_ACCOUNT - 1) {
            let grant = |n| grant_of(account, n);
            all.extend((0..OF_AN_ACCOUNT).map(|n| waits.enter(SpaceKey(1), grant(n)).unwrap()));
        }
        assert_eq!(waits.lock().all, OF_ALL);
        drop(all);
        let waiting = waits.lock();
        assert_eq!((waiting.all, waiting.accounts.len(), waiting.grants.len()), (0, 0, 0));
        assert!(waiting.spaces.is_empty());
    }

    #[tokio::test]
    async fn an_account_with_less_than_its_share_of_a_full_server_is_let_in_for_the_oldest_of_whoever_has_most()
     {
        let (_stop, waits) = waits();
        let all: Vec<Wait> = (0..OF_ALL)
            .map(|n| {
                waits.enter(SpaceKey(1), grant_of(i64::try_from(n / OF_AN_ACCOUNT).unwrap(), n)).unwrap()
            })
            .collect();
        let share = OF_ALL / (OF_ALL / OF_AN_ACCOUNT + 1);
        let enter = |n: usize| waits.enter(SpaceKey(2), grant_of(99, n));
        let ours: Vec<Wait> = (0..share).map(|n| enter(n).unwrap()).collect();
        assert_eq!(enter(share).err(), Some(Full::Server), "more than its share");
        let has: Vec<usize> = {
            let waiting = waits.lock();
            assert_eq!((waiting.all, waiting.spaces[&SpaceKey(2)].1), (OF_ALL, share));
            waiting.accounts.values().map(BTreeMap::len).collect()
        };
        assert!(has.iter().all(|has| (share..=share + 1).contains(has)), "{has:?}");
        assert!(
            waits.enter(SpaceKey(1), grant_of(0, 9999)).is_err(),
            "nobody takes back what is above the share"
        );
        let now = Duration::ZERO;
        let mut given_away = 0;
        for wait in &all {
            given_away += usize::from(tokio::time::timeout(now, wait.given_away()).await.is_ok());
        }
        assert_eq!(given_away, share);
        assert!(tokio::time::timeout(now, all[0].given_away()).await.is_err(), "said once");
        for wait in &ours {
            assert!(tokio::time::timeout(now, wait.given_away()).await.is_err());
        }
        drop(all);
        assert_eq!(waits.lock().all, share);
        drop(ours);
        let waiting = waits.lock();
        assert_eq!((waiting.all, waiting.accounts.len(), waiting.grants.len()), (0, 0, 0));
    }

    #[tokio::test]
    async fn a_commit_wakes_all_who_wait_for_its_space_even_before_they_are_polled_and_nobody_else() {
        let (_stop, waits) = waits();
        let [one, two, other] =
            [(1, 1), (1, 2), (2, 3)].map(|(space, n)| waits.enter(SpaceKey(space), grant(n)).unwrap());
        let (woken, also, not) = (one.commit(), two.commit(), other.commit());
        waits.wake(SpaceKey(1));
        waits.wake(SpaceKey(3));
        tokio::join!(woken, also);
        assert!(tokio::time::timeout(Duration::from_millis(20), not).await.is_err());
        assert!(tokio::time::timeout(Duration::from_millis(20), one.commit()).await.is_err());
    }

    #[tokio::test]
    async fn whoever_waits_is_told_to_stop_also_afterwards() {
        let (stop, waits) = waits();
        let wait = waits.enter(SpaceKey(1), grant(1)).unwrap();
        stop.send_replace(true);
        wait.stop().await;
        waits.enter(SpaceKey(1), grant(2)).unwrap().stop().await;
    }
}

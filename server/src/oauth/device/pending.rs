//! The devices that wait for a person.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{INTERVAL, UserCode};
use crate::http::caller::Address;
use crate::secret::{Secret, SecretHash};
use crate::storage::DeviceName;

/// Devices that wait at the same time, for all and for one address, or network of addresses that have one owner.
const MOST: usize = 10_000;
const MOST_OF_ADDRESS: usize = 20;
/// What `slow_down` adds, for good.
const SLOWER: SignedDuration = SignedDuration::from_secs(5);
/// A question may come this much too early: clocks and networks are not exact.
const EARLY: SignedDuration = SignedDuration::from_millis(500);
/// A device is told for so long that its code expired; after that it is unknown.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// Devices that wait, by the hash of the code that they ask with.
pub(crate) struct Pending {
    lifetime: SignedDuration,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    devices: HashMap<SecretHash, Entry>,
    /// Codes that can still be typed.
    codes: HashMap<UserCode, SecretHash>,
}

struct Entry {
    code: UserCode,
    asking: Asking,
    /// What its address is counted with.
    network: String,
    expires: Timestamp,
    interval: SignedDuration,
    polled: Option<Timestamp>,
    state: State,
    /// The browser that was last shown who asks: it alone may decide.
    shown_to: Option<SecretHash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody has decided.
    Open,
    /// Somebody has approved, and it is being written down.
    Claimed,
    Approved,
    Declined,
}

/// Who asks, for the person to see.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) device: DeviceName,
    pub(crate) address: String,
    pub(crate) at: Timestamp,
}

/// What a device is told when it begins.
pub(super) struct Begun {
    pub(super) device_code: Secret,
    pub(super) user_code: UserCode,
}

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Approve,
    Decline,
}

/// An approval that has to be written down before the device is told.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) device_code: SecretHash,
    pub(super) device: DeviceName,
    pub(super) expires: Timestamp,
}

/// How it stands for a device that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Unknown,
    Open,
    TooSoon,
    Expired,
    Declined,
    Approved,
}

impl Pending {
    /// Codes are good for so long.
    pub(crate) fn new(lifetime: SignedDuration) -> Self {
        Self { lifetime, waiting: Mutex::default() }
    }

    pub(super) fn lifetime(&self) -> SignedDuration {
        self.lifetime
    }

    /// A further device. None: too many wait already.
    pub(super) fn begin(&self, device: DeviceName, address: &Address, now: Timestamp) -> Option<Begun> {
        let mut waiting = self.lock();
        waiting.forget(now);
        if !waiting.has_room(&address.network) {
            waiting.forget_decided(now);
        }
        if !waiting.has_room(&address.network) {
            return None;
        }
        let mut code = UserCode::random();
        while waiting.codes.contains_key(&code) {
            code = UserCode::random();
        }
        let secret = Secret::new("");
        let asking = Asking { device, address: address.text.clone(), at: now };
        let entry = Entry {
            code: code.clone(),
            asking,
            network: address.network.clone(),
            expires: now + self.lifetime,
            interval: INTERVAL,
            polled: None,
            state: State::Open,
            shown_to: None,
        };
        waiting.codes.insert(code.clone(), secret.hash());
        waiting.devices.insert(secret.hash(), entry);
        Some(Begun { device_code: secret, user_code: code })
    }

    /// The device that shows a code and waits, for this browser to show.
    pub(super) fn show(&self, code: &UserCode, browser: SecretHash, now: Timestamp) -> Option<Asking> {
        let mut waiting = self.lock();
        let device_code = *waiting.codes.get(code)?;
        let entry = waiting.devices.get_mut(&device_code).filter(|entry| entry.expires > now)?;
        entry.shown_to = Some(browser);
        Some(entry.asking.clone())
    }

    /// Takes a code out of use. None: nothing waits with it that this browser was shown. An approval counts once it is
    /// [confirmed](Self::confirm).
    pub(super) fn decide(
        &self,
        code: &UserCode,
        browser: SecretHash,
        decision: Decision,
        now: Timestamp,
    ) -> Option<Claim> {
        let mut waiting = self.lock();
        let device_code = *waiting.codes.get(code)?;
        let may_decide = |entry: &&mut Entry| entry.expires > now && entry.shown_to == Some(browser);
        let entry = waiting.devices.get_mut(&device_code).filter(may_decide)?;
        entry.state = match decision {
            Decision::Approve => State::Claimed,
            Decision::Decline => State::Declined,
        };
        let claim = Claim { device_code, device: entry.asking.device.clone(), expires: entry.expires };
        waiting.codes.remove(code);
        Some(claim)
    }

    /// The approval was written down.
    pub(super) fn confirm(&self, device_code: SecretHash) {
        self.settle(device_code, State::Approved);
    }

    /// The approval does not count: whoever gave it may not any more.
    pub(super) fn withdraw(&self, device_code: SecretHash) {
        self.settle(device_code, State::Declined);
    }

    fn settle(&self, device_code: SecretHash, state: State) {
        if let Some(entry) = self.lock().devices.get_mut(&device_code) {
            entry.state = state;
        }
    }

    /// A device asks.
    pub(super) fn poll(&self, device_code: SecretHash, now: Timestamp) -> Standing {
        let mut waiting = self.lock();
        let Some(entry) = waiting.devices.get_mut(&device_code) else { return Standing::Unknown };
        let too_soon = entry.polled.is_some_and(|at| now.duration_since(at) < entry.interval - EARLY);
        entry.polled = Some(now);
        match entry.state {
            State::Declined => Standing::Declined,
            _ if entry.expires <= now => Standing::Expired,
            State::Approved => Standing::Approved,
            State::Open | State::Claimed if too_soon => {
                entry.interval += SLOWER;
                Standing::TooSoon
            }
            State::Open | State::Claimed => Standing::Open,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn has_room(&self, network: &str) -> bool {
        let of_network = self.devices.values().filter(|entry| entry.network == network).count();
        self.devices.len() < MOST && of_network < MOST_OF_ADDRESS
    }

    /// Where room is scarce, only those are kept who wait: of the others no more is lost than why they wait in vain, and an
    /// approval is in the storage.
    fn forget_decided(&mut self, now: Timestamp) {
        let waits =
            |entry: &Entry| matches!(entry.state, State::Open | State::Claimed) && entry.expires > now;
        self.devices.retain(|_, entry| waits(entry));
        self.forget(now);
    }

    fn forget(&mut self, now: Timestamp) {
        self.devices.retain(|_, entry| entry.expires + REMEMBERED > now);
        let devices = &self.devices;
        self.codes.retain(|code, device| {
            devices.get(device).is_some_and(|entry| entry.code == *code && entry.expires > now)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + n).unwrap()
    }

    fn browser() -> SecretHash {
        SecretHash::of("the browser that typed the code")
    }

    fn from(ip: &str) -> Address {
        Address::from(ip.parse::<IpAddr>().unwrap())
    }

    fn begun(pending: &Pending) -> Begun {
        pending.begin(DeviceName::default(), &from("192.0.2.1"), second(0)).unwrap()
    }

    #[test]
    fn a_device_that_asks_too_soon_is_slowed_down_for_good() {
        let pending = Pending::new(LIFETIME);
        let device = begun(&pending).device_code.hash();
        let asked = |n| pending.poll(device, second(n));
        assert_eq!([asked(5), asked(10)], [Standing::Open, Standing::Open]);
        assert_eq!(asked(12), Standing::TooSoon, "five seconds had not passed");
        assert_eq!(asked(20), Standing::TooSoon, "now it is ten");
        assert_eq!(asked(34), Standing::TooSoon, "now it is fifteen");
        assert_eq!(asked(54), Standing::Open);
    }

    #[test]
    fn a_code_is_decided_once() {
        let pending = Pending::new(LIFETIME);
        let Begun { device_code, user_code } = begun(&pending);
        pending.show(&user_code, browser(), second(1)).unwrap();
        let claim = pending.decide(&user_code, browser(), Decision::Approve, second(1)).unwrap();
        assert_eq!(claim.device_code, device_code.hash());
        assert_eq!(pending.poll(device_code.hash(), second(1)), Standing::Open, "it is not written down yet");
        pending.confirm(claim.device_code);
        assert_eq!(pending.poll(device_code.hash(), second(2)), Standing::Approved);
        assert!(pending.decide(&user_code, browser(), Decision::Decline, second(3)).is_none());
        assert!(pending.show(&user_code, browser(), second(3)).is_none());
    }

    #[test]
    fn a_device_is_told_that_an_approval_does_not_count() {
        let pending = Pending::new(LIFETIME);
        let Begun { device_code, user_code } = begun(&pending);
        pending.show(&user_code, browser(), second(1)).unwrap();
        let claim = pending.decide(&user_code, browser(), Decision::Approve, second(1)).unwrap();
        pending.withdraw(claim.device_code);
        assert_eq!(pending.poll(device_code.hash(), second(2)), Standing::Declined);
    }

    #[test]
    fn only_the_browser_that_was_shown_who_asks_decides() {
        let pending = Pending::new(LIFETIME);
        let Begun { device_code, user_code } = begun(&pending);
        let decide = |browser| pending.decide(&user_code, browser, Decision::Decline, second(1)).is_some();
        assert!(!decide(browser()), "it was shown nothing");
        pending.show(&user_code, browser(), second(1)).unwrap();
        assert!(!decide(SecretHash::of("another browser")));
        assert_eq!(pending.poll(device_code.hash(), second(1)), Standing::Open);
        assert!(decide(browser()), "a decision that did not count leaves the code good");
    }

    #[test]
    fn a_device_is_told_of_a_no_and_of_an_end_for_a_while() {
        let pending = Pending::new(LIFETIME);
        let (declined, expired) = (begun(&pending), begun(&pending));
        for code in [&declined.user_code, &expired.user_code] {
            pending.show(code, browser(), second(1)).unwrap();
        }
        pending.decide(&declined.user_code, browser(), Decision::Decline, second(1)).unwrap();
        assert_eq!(pending.poll(declined.device_code.hash(), second(700)), Standing::Declined);
        assert_eq!(pending.poll(expired.device_code.hash(), second(600)), Standing::Expired);
        assert!(pending.show(&expired.user_code, browser(), second(600)).is_none());
        assert!(pending.decide(&expired.user_code, browser(), Decision::Approve, second(600)).is_none());
        pending.begin(DeviceName::default(), &from("192.0.2.1"), second(1201)).unwrap();
        assert_eq!(pending.poll(expired.device_code.hash(), second(1201)), Standing::Unknown);
    }

    #[test]
    fn one_address_cannot_fill_the_list() {
        let pending = Pending::new(LIFETIME);
        let begin = |ip, n| pending.begin(DeviceName::default(), &from(ip), second(n)).is_some();
        assert!((0..MOST_OF_ADDRESS).all(|_| begin("192.0.2.1", 0)));
        assert!(!begin("192.0.2.1", 0) && begin("192.0.2.2", 0));
        assert!(begin("192.0.2.1", 600), "what has ended counts no more");
    }

    #[test]
    fn the_addresses_of_one_network_are_one_address() {
        let pending = Pending::new(LIFETIME);
        let begin = |ip: &str| pending.begin(DeviceName::default(), &from(ip), second(0)).is_some();
        assert!((0..MOST_OF_ADDRESS).all(|n| begin(&format!("2001:db8:0:1::{n:x}"))));
        assert!(!begin("2001:db8:0:1:ffff::1") && begin("2001:db8:0:2::1"));
    }

    #[test]
    fn devices_that_wait_for_nothing_any_more_make_room() {
        let pending = Pending::new(LIFETIME);
        let begun: Vec<Begun> = (0..MOST_OF_ADDRESS).map(|_| begun(&pending)).collect();
        let begin = || pending.begin(DeviceName::default(), &from("192.0.2.1"), second(2)).is_some();
        for (device, decision) in begun.iter().zip([Decision::Decline, Decision::Approve]) {
            pending.show(&device.user_code, browser(), second(1)).unwrap();
            pending.decide(&device.user_code, browser(), decision, second(1)).unwrap();
        }
        assert!(begin(), "the one that was declined");
        assert!(!begin(), "an approval that is being written down is not forgotten");
        pending.confirm(begun[1].device_code.hash());
        assert!(begin() && !begin());
        assert_eq!(pending.poll(begun[2].device_code.hash(), second(5)), Standing::Open);
    }
}

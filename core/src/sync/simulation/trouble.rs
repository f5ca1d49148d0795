//! What happens next in a schedule, and how often.

use rand::Rng;
use rand::rngs::SmallRng;

#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// A sync goes on.
    None,
    Person,
    Kill,
    /// A request of a process that died arrives.
    Orphan,
    Lag,
    /// The backend begins, or ends, to refuse a record.
    Refuse,
    /// A device is asked to try again what was set aside.
    Retry,
    BackUp,
    Restore,
    /// A home folder is copied to another device.
    Copy,
    /// What a store knows of the other side is damaged.
    Damage,
    Prune,
    BackUpBackend,
    RestoreBackend,
    /// Somebody makes, rotates or gives up the account's key.
    Key,
    /// A person gives up what was set aside.
    Drop,
}

type Weights = [(u32, Trouble); 16];

const USUAL: Weights = [
    (540, Trouble::None),
    (300, Trouble::Person),
    (40, Trouble::Kill),
    (30, Trouble::Orphan),
    (20, Trouble::Lag),
    (6, Trouble::Refuse),
    (6, Trouble::Retry),
    (20, Trouble::BackUp),
    (10, Trouble::Restore),
    (4, Trouble::Copy),
    (4, Trouble::Damage),
    (20, Trouble::Prune),
    (10, Trouble::BackUpBackend),
    (4, Trouble::RestoreBackend),
    (40, Trouble::Key),
    (20, Trouble::Drop),
];

/// Whatever goes wrong goes wrong more often.
const ROUGH: Weights = [
    (360, Trouble::None),
    (240, Trouble::Person),
    (90, Trouble::Kill),
    (50, Trouble::Orphan),
    (60, Trouble::Lag),
    (10, Trouble::Refuse),
    (10, Trouble::Retry),
    (40, Trouble::BackUp),
    (25, Trouble::Restore),
    (15, Trouble::Copy),
    (10, Trouble::Damage),
    (60, Trouble::Prune),
    (50, Trouble::BackUpBackend),
    (30, Trouble::RestoreBackend),
    (60, Trouble::Key),
    (30, Trouble::Drop),
];

/// One record, nothing deleted, no disk lost, but answers.
const NARROW: Weights = [
    (400, Trouble::None),
    (300, Trouble::Person),
    (150, Trouble::Kill),
    (100, Trouble::Orphan),
    (20, Trouble::Lag),
    (0, Trouble::Refuse),
    (0, Trouble::Retry),
    (0, Trouble::BackUp),
    (0, Trouble::Restore),
    (0, Trouble::Copy),
    (0, Trouble::Damage),
    (0, Trouble::Prune),
    (0, Trouble::BackUpBackend),
    (0, Trouble::RestoreBackend),
    (60, Trouble::Key),
    (30, Trouble::Drop),
];

/// What kind of schedule it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Times {
    Usual,
    Rough,
    Narrow,
}

impl Times {
    pub(super) fn next(self, rng: &mut SmallRng) -> Trouble {
        let weights = match self {
            Self::Usual => USUAL,
            Self::Rough => ROUGH,
            Self::Narrow => NARROW,
        };
        let mut at = rng.random_range(0..weights.iter().map(|(weight, _)| weight).sum());
        let found = weights.iter().find(|(weight, _)| {
            let is_it = at < *weight;
            at = at.saturating_sub(*weight);
            is_it
        });
        found.map_or(Trouble::None, |(_, what)| *what)
    }
}

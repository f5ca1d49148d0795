//! Deliveries: events on their way to endpoints. Each function belongs into a transaction of a [`Ledger`](super::Ledger).
//!
//! A delivery is `pending` until it is settled: `delivered`, `dead` (given up) or `cancelled`. Who is about to send one holds a *lease* on it
//! for a while; when that ends without a word, another may send it. The schedule is not here: whoever settles an attempt says
//! when the next one is due.

mod again;
mod claim;
mod list;
mod prune;
mod pull;
mod settle;

use std::fmt;

/// Why a delivery is given up where there are more than may wait.
pub(super) use super::outbox::TOO_MANY;
pub use again::{Cancelled, MOST_AGAIN, Which, cancel, matching, redeliver, replay};
pub use claim::{Claim, Claimed, claim, due_count, has_due, next_due, release};
pub use list::{Attempted, Delivery, Page, Query, list};
pub use prune::{Kept, Pruned, is_old};
pub use pull::{Waiting, take, waiting};
pub use settle::{Ended, Next, Record, Settled, Settlement, settle};

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It is tried, now or later.
    Pending,
    /// The endpoint has it.
    Delivered,
    /// It was given up.
    Dead,
    /// Its endpoint was disabled or removed.
    Cancelled,
}

impl State {
    /// The word for it, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Delivered, Self::Dead, Self::Cancelled];
        all.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! What is amiss with webhooks of this device, for `doctor` and `status`.

use jiff::{SignedDuration, Timestamp};

use super::here::BY_HAND;
use super::view;
use crate::output::text;

/// What fails for so long may pass: three attempts are made in it.
const PASSING: SignedDuration = SignedDuration::from_hours(1);

/// Something about webhooks of this device that somebody should know.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Nothing is sent there.
    Off {
        /// Its id.
        id: String,
        /// Where nothing is sent.
        url: String,
        /// Why.
        because: String,
    },
    /// Nothing arrives there.
    Failing {
        /// Its id.
        id: String,
        /// Where nothing arrives.
        url: String,
        /// Since when.
        since: Timestamp,
    },
    /// It collects what nobody fetches.
    Unheard {
        /// Its id.
        id: String,
    },
    /// Deliveries should have been sent long ago.
    Overdue {
        /// How many.
        deliveries: u64,
    },
}

impl Trouble {
    /// Whether somebody has to do something: not where a person wanted it so, nor yet where the schedule may still mend it.
    pub(crate) fn is_grave(&self) -> bool {
        match self {
            Self::Off { because, .. } => because != BY_HAND,
            Self::Failing { since, .. } => Timestamp::now().duration_since(*since) > PASSING,
            // The end of any command takes it away.
            Self::Unheard { .. } => false,
            Self::Overdue { .. } => true,
        }
    }

    /// Whether it is a webhook that is off.
    pub(crate) fn is_off(&self) -> bool {
        matches!(self, Self::Off { .. })
    }

    /// Whether it is a webhook that nothing arrives at.
    pub(crate) fn is_failing(&self) -> bool {
        matches!(self, Self::Failing { .. })
    }

    /// What it is, and what to do.
    pub(crate) fn told(&self) -> (String, String) {
        match self {
            Self::Off { id, url, because } => (
                format!("the webhook {id} ({url}) is off: {}", text::spelled(because)),
                format!(
                    "once its receiver is right: `orkee cloud webhook enable {id}`; else `orkee cloud webhook remove {id}`"
                ),
            ),
            Self::Failing { id, url, since } => (
                format!(
                    "nothing has arrived at the webhook {id} ({url}) since {}",
                    text::minute(&view::at(*since))
                ),
                format!(
                    "see `orkee cloud webhook deliveries {id} --failed`; try it: `orkee cloud webhook test {id}`"
                ),
            ),
            Self::Unheard { id } => (
                format!(
                    "nobody fetches from the webhook {id} any more: its `listen` was killed; it is taken away"
                ),
                format!("`orkee cloud webhook remove {id}`, if it stays"),
            ),
            Self::Overdue { deliveries } => (
                format!("{deliveries} webhook deliveries should have been sent more than ten minutes ago"),
                "send them: `orkee cloud webhook drain`".to_owned(),
            ),
        }
    }
}

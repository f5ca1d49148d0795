//! What the server has to do with webhooks besides keeping them: how endpoints may be reached, who sends to them, and who pulls.

mod keeping;
mod look_ups;
mod options;
mod pulls;
mod sender;

use std::time::Duration;

use orkee_core::event::Access;
use tokio::sync::watch;

use crate::http::rate::RateLimiter;
use crate::storage::AccountKey;

pub(crate) use keeping::keep;
pub(crate) use look_ups::LookUps;
pub(crate) use options::{Options, OptionsError};
pub(crate) use pulls::Pulls;
pub(crate) use sender::Sender;

/// Tests that an account may have sent in a minute: each is a request to an address of its choice.
const TESTS: u32 = 20;
/// Endpoints that an account may add in [`ADDING`]: each is a name to be looked up, of its choice.
const ADDED: u32 = 60;
const ADDING: Duration = Duration::from_secs(5 * 60);

/// What the API needs to know of webhooks.
pub(crate) struct Hooks {
    /// How whoever runs the server lets endpoints be reached.
    pub(crate) access: Access,
    /// The dispatchers that there are.
    pub(crate) dispatchers: Vec<String>,
    /// Changes with each attempt that was made.
    pub(crate) attempts: watch::Receiver<u64>,
    /// Who pulls events.
    pub(crate) pulls: Pulls,
    /// Test events, by account.
    pub(crate) tests: RateLimiter<AccountKey>,
    /// Endpoints that are added, by account.
    pub(crate) adding: RateLimiter<AccountKey>,
    /// Where those lead.
    pub(crate) look_ups: LookUps,
}

impl Hooks {
    /// Nobody pulls yet.
    pub(crate) fn new(access: Access, dispatchers: Vec<String>, attempts: watch::Receiver<u64>) -> Self {
        let tests = RateLimiter::new(TESTS, Duration::from_secs(60));
        let (adding, look_ups) = (RateLimiter::new(ADDED, ADDING), LookUps::default());
        Self { access, dispatchers, attempts, pulls: Pulls::default(), tests, adding, look_ups }
    }
}

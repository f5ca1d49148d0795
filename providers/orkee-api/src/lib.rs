//! What the providers for Orkee's API share: `orkee-cloud` and `enterprise` are faces of it.
//!
//! It speaks `POST /v1/sync` in the framed form of `orkee-wire`, so that no envelope is parsed or copied twice, and plain JSON
//! for what people ask. It keeps nothing between calls. Sign-in, compression, addresses and limits are the host's.

mod answer;
mod api;
mod deliveries;
mod exchange;
mod face;
mod people;
mod team;
mod watch;
mod webhooks;

use orkee_provider_sdk::account::Profile;
use orkee_provider_sdk::devices::Device;
use orkee_provider_sdk::listing::Page;
use orkee_provider_sdk::team::Standing;
use orkee_provider_sdk::webhook_deliveries::{self as past, Attempt, EndpointState, PulledEvent, Query};
use orkee_provider_sdk::webhooks::{Endpoint, Registration};
use orkee_provider_sdk::{Answer, Cursor, Description, Exchange, Failure, Limits, SignIn};
use orkee_wire::{MAX_BODY_BYTES, MAX_MUTATIONS, MAX_PAGE, MAX_RECORD_BYTES};

/// Of a request's body, what is left for its head.
const HEAD_BYTES: u64 = 512 << 10;

/// What a provider that speaks to this API says of itself.
pub fn describe(id: &str, name: &str, version: &str) -> Description {
    Description {
        id: id.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        sign_in: SignIn::Login,
        limits: Limits {
            max_mutations: MAX_MUTATIONS,
            max_bytes: MAX_BODY_BYTES - HEAD_BYTES,
            max_record_bytes: MAX_RECORD_BYTES,
            max_page: MAX_PAGE,
        },
    }
}

/// The API, and what every request to it says.
#[derive(Debug, Default)]
pub struct Api {
    /// Which tenant is meant: the header `orkee-tenant`.
    pub tenant: Option<String>,
}

impl Api {
    /// Carries out an exchange.
    ///
    /// # Errors
    ///
    /// What the API refused, in its words; what the host said where it was not reached; or that a reply is none.
    pub fn exchange(&self, exchange: &Exchange) -> Result<Answer, Failure> {
        exchange::exchange(self, exchange)
    }

    /// Whose account it is.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn whoami(&self) -> Result<Profile, Failure> {
        people::whoami(self)
    }

    /// A page of what the server lists.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn browse(&self, after: Option<&str>, limit: u32) -> Result<Page, Failure> {
        people::browse(self, after, limit)
    }

    /// The devices that are signed in.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn devices(&self) -> Result<Vec<Device>, Failure> {
        people::devices(self)
    }

    /// Signs a device out.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn revoke(&self, id: &str) -> Result<(), Failure> {
        people::revoke(self, id)
    }

    /// Whether something came after the cursor, as soon as it did or when the time is over.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`]; [`Failure::Unsuitable`] where the server is of a version that does not wait.
    pub fn wait(&self, cursor: &Cursor, wait_ms: u32) -> Result<bool, Failure> {
        watch::wait(self, cursor, wait_ms)
    }

    /// The team that the account is in.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn team(&self) -> Result<Standing, Failure> {
        team::show(self)
    }

    /// Invites somebody into the team.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn invite(&self, email: &str, role: &str) -> Result<(), Failure> {
        team::invite(self, email, role)
    }

    /// Gives a member of the team another role.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn set_role(&self, email: &str, role: &str) -> Result<(), Failure> {
        team::set_role(self, email, role)
    }

    /// Takes a member out of the team.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn remove(&self, email: &str) -> Result<(), Failure> {
        team::remove(self, email)
    }

    /// Joins a team that invited the account.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn join(&self, team: &str) -> Result<(), Failure> {
        team::join(self, team)
    }

    /// Leaves the team.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn leave(&self) -> Result<(), Failure> {
        team::leave(self)
    }

    /// The endpoints that the server sends events to.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn webhooks(&self) -> Result<Vec<Endpoint>, Failure> {
        webhooks::enumerate(self)
    }

    /// How they stand.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn webhook_states(&self) -> Result<Vec<EndpointState>, Failure> {
        webhooks::states(self)
    }

    /// Makes an endpoint known.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn register_webhook(&self, registration: Registration) -> Result<Endpoint, Failure> {
        webhooks::register(self, registration)
    }

    /// Makes an endpoint known on terms.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn register_webhook_with(&self, registration: past::Registration) -> Result<String, Failure> {
        webhooks::register_with(self, registration)
    }

    /// Switches an endpoint on.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn enable_webhook(&self, id: &str, replay: bool) -> Result<(), Failure> {
        webhooks::enable(self, id, replay)
    }

    /// Switches an endpoint off.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn disable_webhook(&self, id: &str) -> Result<(), Failure> {
        webhooks::disable(self, id)
    }

    /// Gives an endpoint another secret, beside which the one before signs for as long as this.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn rotate_webhook(&self, id: &str, secret: &str, overlap_seconds: u64) -> Result<(), Failure> {
        webhooks::rotate(self, id, secret, overlap_seconds)
    }

    /// Takes an endpoint away.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn remove_webhook(&self, id: &str) -> Result<(), Failure> {
        webhooks::remove(self, id)
    }

    /// A page of deliveries.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn deliveries(&self, query: &Query) -> Result<past::Page, Failure> {
        deliveries::deliveries(self, query)
    }

    /// Has a test event sent.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn test_webhook(&self, id: &str) -> Result<Attempt, Failure> {
        deliveries::test(self, id)
    }

    /// Has events sent again.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn redeliver(&self, endpoint: Option<&str>, ids: &[String]) -> Result<u32, Failure> {
        deliveries::redeliver(self, endpoint, ids)
    }

    /// Takes events instead of having them sent.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn pull(&self, endpoint: &str, taken: &[String], limit: u32) -> Result<Vec<PulledEvent>, Failure> {
        deliveries::pull(self, endpoint, taken, limit)
    }
}

//! What the providers for Orkee's API share: `orkee-cloud` and `enterprise` are faces of it.
//!
//! It speaks `POST /v1/sync` in the framed form of `orkee-wire`, so that no envelope is parsed or copied twice, and plain JSON
//! for what people ask. It keeps nothing between calls. Sign-in, compression, addresses and limits are the host's.

mod answer;
mod api;
mod exchange;
mod face;
mod people;
mod team;

use orkee_provider_sdk::account::Profile;
use orkee_provider_sdk::devices::Device;
use orkee_provider_sdk::listing::Page;
use orkee_provider_sdk::team::{Role, Standing};
use orkee_provider_sdk::{Answer, Description, Exchange, Failure, Limits, SignIn};
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
    pub fn invite(&self, email: &str, role: Role) -> Result<(), Failure> {
        team::invite(self, email, role)
    }

    /// Gives a member of the team another role.
    ///
    /// # Errors
    ///
    /// As for [`Api::exchange`].
    pub fn set_role(&self, email: &str, role: Role) -> Result<(), Failure> {
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
}

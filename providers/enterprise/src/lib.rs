//! The provider for a tenant: a company that an Orkee server knows by name, with identity providers and a policy of its own.
//!
//! What it carries, and how, is as with `orkee-cloud` (`providers/orkee-api`). Every request names the tenant, so that the
//! server knows whose identity provider issued a token that is none of its own. Finding the tenant, signing in and keeping to the
//! policy is the host's work: a component could not be trusted with it.

use orkee_provider_api::{Api, describe};
use orkee_provider_sdk::account::{Account, Profile};
use orkee_provider_sdk::devices::{Device, Devices};
use orkee_provider_sdk::listing::{Listing, Page};
use orkee_provider_sdk::team::{Role, Standing, Team};
use orkee_provider_sdk::{Answer, Description, Exchange, Failure, Provider, option};

/// The provider.
pub struct Enterprise;

impl Provider for Enterprise {
    fn describe() -> Description {
        describe("enterprise", "Orkee Enterprise", env!("CARGO_PKG_VERSION"))
    }

    fn exchange(exchange: Exchange) -> Result<Answer, Failure> {
        api().exchange(&exchange)
    }
}

impl Account for Enterprise {
    fn whoami() -> Result<Profile, Failure> {
        api().whoami()
    }
}

impl Listing for Enterprise {
    fn browse(after: Option<String>, limit: u32) -> Result<Page, Failure> {
        api().browse(after.as_deref(), limit)
    }
}

impl Devices for Enterprise {
    fn enumerate() -> Result<Vec<Device>, Failure> {
        api().devices()
    }

    fn revoke(id: String) -> Result<(), Failure> {
        api().revoke(&id)
    }
}

impl Team for Enterprise {
    fn show() -> Result<Standing, Failure> {
        api().team()
    }

    fn invite(email: String, role: Role) -> Result<(), Failure> {
        api().invite(&email, role)
    }

    fn set_role(email: String, role: Role) -> Result<(), Failure> {
        api().set_role(&email, role)
    }

    fn remove(email: String) -> Result<(), Failure> {
        api().remove(&email)
    }

    fn join(team: String) -> Result<(), Failure> {
        api().join(&team)
    }

    fn leave() -> Result<(), Failure> {
        api().leave()
    }
}

/// The API for the tenant that the host names.
fn api() -> Api {
    Api { tenant: option("tenant") }
}

orkee_provider_sdk::export!(Enterprise: account, listing, devices, team);

//! The provider for Orkee Cloud and for a self-hosted `orkee-server`: a face of `providers/orkee-api`, which does the work.

use orkee_provider_api::{Api, describe};
use orkee_provider_sdk::account::{Account, Profile};
use orkee_provider_sdk::devices::{Device, Devices};
use orkee_provider_sdk::listing::{Listing, Page};
use orkee_provider_sdk::team::{Role, Standing, Team};
use orkee_provider_sdk::{Answer, Description, Exchange, Failure, Provider};

/// The provider.
pub struct OrkeeCloud;

impl Provider for OrkeeCloud {
    fn describe() -> Description {
        describe("orkee-cloud", "Orkee Cloud", env!("CARGO_PKG_VERSION"))
    }

    fn exchange(exchange: Exchange) -> Result<Answer, Failure> {
        api().exchange(&exchange)
    }
}

impl Account for OrkeeCloud {
    fn whoami() -> Result<Profile, Failure> {
        api().whoami()
    }
}

impl Listing for OrkeeCloud {
    fn browse(after: Option<String>, limit: u32) -> Result<Page, Failure> {
        api().browse(after.as_deref(), limit)
    }
}

impl Devices for OrkeeCloud {
    fn enumerate() -> Result<Vec<Device>, Failure> {
        api().devices()
    }

    fn revoke(id: String) -> Result<(), Failure> {
        api().revoke(&id)
    }
}

impl Team for OrkeeCloud {
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

fn api() -> Api {
    Api::default()
}

orkee_provider_sdk::export!(OrkeeCloud: account, listing, devices, team);

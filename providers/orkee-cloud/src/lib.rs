//! The provider for Orkee Cloud and for a self-hosted `orkee-server`.
//!
//! It speaks `POST /v1/sync` in the framed form of `orkee-wire`, so that no envelope is parsed or copied twice, and plain JSON
//! for what people ask. It keeps nothing between calls. Sign-in, compression, addresses and limits are the host's.

mod answer;
mod api;
mod exchange;
mod people;
mod team;

use orkee_provider_sdk::account::{Account, Profile};
use orkee_provider_sdk::devices::{Device, Devices};
use orkee_provider_sdk::listing::{Listing, Page};
use orkee_provider_sdk::team::{Role, Standing, Team};
use orkee_provider_sdk::{Answer, Description, Exchange, Failure, Limits, Provider, SignIn};
use orkee_wire::{MAX_BODY_BYTES, MAX_MUTATIONS, MAX_PAGE, MAX_RECORD_BYTES};

/// Of a request's body, what is left for its head.
const HEAD_BYTES: u64 = 512 << 10;

/// The provider.
pub struct OrkeeCloud;

impl Provider for OrkeeCloud {
    fn describe() -> Description {
        Description {
            id: "orkee-cloud".to_owned(),
            name: "Orkee Cloud".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sign_in: SignIn::Login,
            limits: Limits {
                max_mutations: MAX_MUTATIONS,
                max_bytes: MAX_BODY_BYTES - HEAD_BYTES,
                max_record_bytes: MAX_RECORD_BYTES,
                max_page: MAX_PAGE,
            },
        }
    }

    fn exchange(exchange: Exchange) -> Result<Answer, Failure> {
        exchange::exchange(&exchange)
    }
}

impl Account for OrkeeCloud {
    fn whoami() -> Result<Profile, Failure> {
        people::whoami()
    }
}

impl Listing for OrkeeCloud {
    fn browse(after: Option<String>, limit: u32) -> Result<Page, Failure> {
        people::browse(after.as_deref(), limit)
    }
}

impl Devices for OrkeeCloud {
    fn enumerate() -> Result<Vec<Device>, Failure> {
        people::devices()
    }

    fn revoke(id: String) -> Result<(), Failure> {
        people::revoke(&id)
    }
}

impl Team for OrkeeCloud {
    fn show() -> Result<Standing, Failure> {
        team::show()
    }

    fn invite(email: String, role: Role) -> Result<(), Failure> {
        team::invite(&email, role)
    }

    fn set_role(email: String, role: Role) -> Result<(), Failure> {
        team::set_role(&email, role)
    }

    fn remove(email: String) -> Result<(), Failure> {
        team::remove(&email)
    }

    fn join(team: String) -> Result<(), Failure> {
        team::join(&team)
    }

    fn leave() -> Result<(), Failure> {
        team::leave()
    }
}

orkee_provider_sdk::export!(OrkeeCloud: account, listing, devices, team);

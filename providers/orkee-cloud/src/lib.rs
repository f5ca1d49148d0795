//! The provider for Orkee Cloud and for a self-hosted `orkee-server`.
//!
//! It speaks `POST /v1/sync` in the framed form of `orkee-wire`, so that no envelope is parsed or copied twice, and plain JSON
//! for what people ask. It keeps nothing between calls. Sign-in, compression, addresses and limits are the host's.

mod answer;
mod api;
mod contract;
mod exchange;
mod people;

use contract::exports::orkee::sync::{account, devices, listing, provider};
use contract::orkee::sync::types::{Answer, Failure, Request};
use orkee_wire::{MAX_BODY_BYTES, MAX_MUTATIONS, MAX_PAGE, MAX_RECORD_BYTES};

/// Of a request's body, what is left for its head.
const HEAD_BYTES: u64 = 512 << 10;

struct OrkeeCloud;

impl provider::Guest for OrkeeCloud {
    fn describe() -> provider::Description {
        provider::Description {
            id: "orkee-cloud".to_owned(),
            name: "Orkee Cloud".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sign_in: provider::SignIn::Login,
            limits: provider::Limits {
                max_mutations: MAX_MUTATIONS,
                max_bytes: MAX_BODY_BYTES - HEAD_BYTES,
                max_record_bytes: MAX_RECORD_BYTES,
                max_page: MAX_PAGE,
            },
        }
    }

    fn exchange(request: Request) -> Result<Answer, Failure> {
        exchange::exchange(&request)
    }
}

impl account::Guest for OrkeeCloud {
    fn whoami() -> Result<account::Profile, Failure> {
        people::whoami()
    }
}

impl listing::Guest for OrkeeCloud {
    fn browse(after: Option<String>, limit: u32) -> Result<listing::Page, Failure> {
        people::browse(after.as_deref(), limit)
    }
}

impl devices::Guest for OrkeeCloud {
    fn enumerate() -> Result<Vec<devices::Device>, Failure> {
        people::devices()
    }

    fn revoke(id: String) -> Result<(), Failure> {
        people::revoke(&id)
    }
}

#[allow(unsafe_code, reason = "the generated entry points of the component")]
mod exports {
    super::contract::export!(OrkeeCloud with_types_in super::contract);
    use super::OrkeeCloud;
}

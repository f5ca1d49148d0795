//! The provider for Orkee Cloud and for a self-hosted `orkee-server`.
//!
//! It translates `exchange` into one framed `POST /v1/sync` and back. Envelopes pass through as raw bytes: this component
//! neither reads nor checks them. It keeps nothing between calls.

mod call;
mod exchange;
mod people;

/// The types that `wit/` describes.
#[allow(missing_docs, reason = "generated; documented in wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "cloud-provider" });
}

use bindings::exports::orkee::sync::account::{Guest as Account, Profile};
use bindings::exports::orkee::sync::devices::{Device, Guest as Devices};
use bindings::exports::orkee::sync::listing::{Guest as Listing, Page};
use bindings::exports::orkee::sync::provider::{Description, Guest as Provider, Limits, SignIn};
use bindings::orkee::sync::types::{Answer, Failure, Request};

struct Cloud;

impl Provider for Cloud {
    fn describe() -> Description {
        Description {
            id: "orkee-cloud".to_owned(),
            name: "Orkee Cloud".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sign_in: SignIn::Oauth,
            limits: Limits {
                max_mutations: orkee_wire::MAX_MUTATIONS,
                max_bytes: orkee_wire::MAX_BODY_BYTES / 2,
                max_record_bytes: orkee_wire::MAX_RECORD_BYTES,
                max_page: orkee_wire::MAX_PAGE,
            },
        }
    }

    fn exchange(request: Request) -> Result<Answer, Failure> {
        exchange::exchange(&request)
    }
}

impl Account for Cloud {
    fn whoami() -> Result<Profile, Failure> {
        people::whoami()
    }
}

impl Listing for Cloud {
    fn browse(after: Option<String>, limit: u32) -> Result<Page, Failure> {
        people::browse(after.as_deref(), limit)
    }
}

impl Devices for Cloud {
    fn enumerate() -> Result<Vec<Device>, Failure> {
        people::devices()
    }
}

bindings::export!(Cloud with_types_in bindings);

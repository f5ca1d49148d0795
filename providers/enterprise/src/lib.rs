//! The provider for a tenant: a company that an Orkee server knows by name, with identity providers and a policy of its own.
//!
//! What it carries, and how, is as with `orkee-cloud` (`providers/orkee-api`). Every request names the tenant, so that the
//! server knows whose identity provider issued a token that is none of its own. Finding the tenant, signing in and keeping to the
//! policy is the host's work: a component could not be trusted with it.

use orkee_provider_api::Api;
use orkee_provider_sdk::option;

/// The API for the tenant that the host names.
fn api() -> Api {
    Api { tenant: option("tenant") }
}

orkee_provider_api::face!(Enterprise, "enterprise", "Orkee Enterprise", api);

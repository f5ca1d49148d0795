//! Companies that an API knows by name: who signs their people in, and what their policy demands of this program.
//!
//! The API publishes a description of each tenant, which anybody may read. It decides where people are sent to sign in and
//! where projects may go, so it is believed only as far as the API's own origin reaches: read without redirects, from
//! https or this machine, at most 64 KiB of it, and refused as a whole where a part that matters makes no sense. What this
//! version does not know is ignored, unless it is a demand that it could not meet.

mod description;
mod error;
mod kept;
mod policy;
mod sso;

pub use description::{IdentityProvider, Tenant, TokenUse};
pub use error::TenantError;
pub use kept::Asking;
pub use policy::{Allowed, Encryption, Policy, Running};
pub use sso::Sso;

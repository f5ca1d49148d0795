//! Tenants: companies whose people sign in at identity providers of their own.
//!
//! An administrator describes a tenant in a file ([`file`]); clients read the public part of it ([`document`]). A token of an
//! identity provider is verified ([`proof`]) with keys that the provider itself publishes ([`issuers`]), and lets its subject
//! in ([`admission`]): the account is made when it is first needed, and its role follows the provider's groups. What this
//! server gives afterwards, and what it refuses, stands in `oauth::exchange` and `http::caller`.

pub(crate) mod admission;
pub(crate) mod document;
pub(crate) mod file;
pub(crate) mod issuers;
pub(crate) mod proof;
mod seen;
pub(crate) mod settings;

pub(crate) use admission::{Denied, admit, known};
pub(crate) use issuers::Issuers;
pub(crate) use proof::{Proof, Unproved};
pub(crate) use seen::Seen;
pub(crate) use settings::{IdentityProvider, Settings, TokenUse};

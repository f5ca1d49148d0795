#![doc = include_str!("../README.md")]

#[allow(missing_docs)]
#[doc(hidden)]
pub mod contract;
mod date;
pub mod dispatcher;
mod encoding;
mod export;
mod failure;
mod host;
mod memory;
mod option;
mod paging;
#[cfg(not(target_family = "wasm"))]
pub mod rehearsal;
mod request;
mod response;

pub use contract::exports::orkee::sync::provider::{Description, Guest as Provider, Limits, SignIn};
pub use contract::orkee::sync::credentials::Credential;
pub use contract::orkee::sync::http::Error as HttpError;
pub use contract::orkee::sync::types::{
    Answer, Change, Cursor, Failure, Head, Mutation, Outcome, RejectReason, Rejection, Reply as Page,
    Request as Exchange, Span, Stored,
};
pub use date::{http_date, rfc3339};
pub use encoding::{base64_decoded, base64_encoded, percent_decoded, percent_encoded};
pub use host::credentials;
pub use memory::{forget, recall, remember};
pub use option::{option, required};
pub use paging::{Changes, OwnCommits};
pub use request::{Request, send_all, try_send_all};
pub use response::{Response, json};

/// The optional part `account`: whose account this is.
pub mod account {
    pub use crate::contract::account::exports::orkee::sync::account::{Guest as Account, Profile};
}

/// The optional part `listing`: the backend's own listing, for people.
pub mod listing {
    pub use crate::contract::listing::exports::orkee::sync::listing::{Entry, Guest as Listing, Page};
}

/// The optional part `devices`: the devices that are signed in.
pub mod devices {
    pub use crate::contract::devices::exports::orkee::sync::devices::{Device, Guest as Devices};
}

/// The optional part `watch`: learning soon that others wrote.
pub mod watch {
    pub use crate::contract::watch::exports::orkee::sync::watch::Guest as Watch;
}

/// The optional part `team`: a team with which the account shares its records.
pub mod team {
    pub use crate::contract::team::exports::orkee::sync::team::{
        Guest as Team, Invitation, Member, Membership, Standing,
    };
}

/// The optional part `webhooks`: the backend sends events to endpoints of the user's.
pub mod webhooks {
    pub use crate::contract::webhooks::exports::orkee::sync::webhooks::{
        Endpoint, Guest as Webhooks, Registration,
    };
}

/// The optional part `webhook-deliveries`: what the backend knows of its deliveries.
pub mod webhook_deliveries {
    pub use crate::contract::webhook_deliveries::exports::orkee::sync::webhook_deliveries::{
        Attempt, Delivery, EndpointState, Guest as WebhookDeliveries, Page, PulledEvent, Query, Registration,
        Terms,
    };
}

/// Writes a line to Orkee's log, for the person who looks for a cause.
pub fn debug(message: &str) {
    host::write(contract::orkee::sync::log::Level::Debug, message);
}

/// Writes a line to Orkee's log that the user should see.
pub fn warn(message: &str) {
    host::write(contract::orkee::sync::log::Level::Warn, message);
}

//! The provider for S3 and for stores that speak its protocol: a bucket, and below an optional prefix the layout of
//! `orkee-provider-objects`.
//!
//! Addresses are in path style, below the API URL that the user set. Requests are signed by the host, which holds the keys. A store
//! that ignores conditions is found out at its first use, and refused.

mod address;
mod answer;
mod client;
mod refusal;
#[cfg(test)]
mod tests;

use client::Client;
use orkee_provider_objects::{LIMITS, exchange, probe};
use orkee_provider_sdk::listing::{Entry, Listing, Page};
use orkee_provider_sdk::{
    Answer, Description, Exchange, Failure, Provider, SignIn, credentials, recall, remember,
};

/// What is remembered: the place that was found to honour conditions.
const PROBED: &str = "honours-conditions";

struct S3;

impl Provider for S3 {
    fn describe() -> Description {
        Description {
            id: "s3".to_owned(),
            name: "S3".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sign_in: SignIn::Login,
            limits: LIMITS,
        }
    }

    fn exchange(request: Exchange) -> Result<Answer, Failure> {
        let mut client = Client::of_options()?;
        let place = format!("{} {}", audience(), client.place());
        if recall::<String>(PROBED).as_deref() != Some(&place) {
            probe(&mut client)?;
            remember(PROBED, &place);
        }
        exchange(&mut client, &request)
    }
}

impl Listing for S3 {
    fn browse(after: Option<String>, limit: u32) -> Result<Page, Failure> {
        let mut client = Client::of_options()?;
        let page = client.records(after.as_deref(), limit)?;
        let next = if page.more { page.entries.last().map(|entry| entry.key.clone()) } else { None };
        let entry = |entry: orkee_provider_objects::Entry| Entry {
            id: entry.key.trim_start_matches("r/").to_owned(),
            name: None,
            status: None,
            updated_at: None,
            bytes: entry.size,
        };
        Ok(Page { entries: page.entries.into_iter().map(entry).collect(), next })
    }
}

/// The origin that this provider's requests go to.
fn audience() -> String {
    let mut credentials = credentials().into_iter();
    credentials.find(|credential| credential.name == "login").map(|login| login.audience).unwrap_or_default()
}

orkee_provider_sdk::export!(S3: listing);

//! Webhooks of an account: the server sends them, whether a device is on or not. Who is told, what arrives, and what becomes of what
//! does not.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of one test")]

mod delivery;
mod reach;
mod sign;
mod who;

use std::time::Duration;

use jiff::Timestamp;
use orkee_core::event::verify::{self, VerifyingKey};
use orkee_core::net::Secret;
use orkee_tests::account_sender::Account;
use orkee_tests::receiver::Received;
use orkee_tests::wait;
use serde_json::Value;

/// Another secret than that of all endpoints.
pub const OTHER: &str = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytd2ViaG9va3MhISE=";
/// Twenty-four hours.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// A receiver's check, with these secrets.
pub fn fits(received: &Received, secrets: &[&str]) -> bool {
    let keys: Vec<VerifyingKey> =
        secrets.iter().map(|secret| VerifyingKey::parse("k", &Secret::new(*secret)).unwrap()).collect();
    let header = |name| received.header(name).unwrap();
    let parts = verify::Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    verify::verify(&keys, &parts, &received.body, Timestamp::now()).is_ok()
}

/// The events that came, in their order.
pub fn kinds(received: &[Received]) -> Vec<String> {
    received.iter().map(|one| one.json()["event"].as_str().unwrap().to_owned()).collect()
}

/// The only delivery to an endpoint, once it says this of itself.
#[track_caller]
pub fn settled(account: &Account, endpoint: &str, state: &str) -> Value {
    wait::until(&format!("a delivery that is {state}"), || {
        let deliveries = account.deliveries(&format!("endpoint={endpoint}"));
        deliveries.into_iter().find(|delivery| delivery["state"] == state)
    })
}

/// The attempts at an endpoint's only delivery, once there are so many.
#[track_caller]
pub fn attempts(account: &Account, endpoint: &str, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} attempts"), || {
        let deliveries = account.deliveries(&format!("endpoint={endpoint}"));
        let attempts = deliveries.first()?["attempts"].as_array()?.clone();
        Some(attempts).filter(|attempts| attempts.len() >= count)
    })
}

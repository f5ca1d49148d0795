//! Looks for a secret in all that a guest can reach. The setting `yranac` is the secret, backwards.

use crate::network;
use crate::orkee::sync::{credentials, settings, state};

pub fn search() -> String {
    let canary: String = settings::get("yranac").unwrap_or_default().chars().rev().collect();
    let mut seen = Vec::new();
    seen.extend(std::env::vars().map(|(name, value)| format!("{name}={value}")));
    seen.extend(std::env::args());
    seen.extend(credentials::enumerate().iter().map(|c| format!("{c:?}")));
    for name in ["token", "login", "auth", "secret", "ORKEE_CLOUD_TOKEN", "credential"] {
        seen.extend(settings::get(name));
        seen.extend(state::get(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    }
    seen.push(match network::attempt() {
        Ok(reply) => format!("{:?} {}", reply.headers, String::from_utf8_lossy(&reply.body)),
        Err(error) => format!("{error:?}"),
    });
    match seen.iter().find(|text| text.contains(&canary)) {
        Some(text) => format!("found in {text}"),
        None => format!("not found in {} places", seen.len()),
    }
}

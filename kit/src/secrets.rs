//! Whether the login's secret stands anywhere but where the host puts it: in requests, in what a provider returned, in its log.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use orkee_core::net::{Redactor, Secret};

/// The secrets of a run, and the places where one was found.
#[derive(Debug)]
pub(crate) struct Secrets {
    wanted: Vec<Redactor>,
    found: Mutex<BTreeSet<&'static str>>,
}

impl Secrets {
    /// Looks for each secret; of one that has two parts, such as a user name and a password, for the second.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let part = |secret: &Secret| match secret.expose().split_once(':') {
            Some((_, second)) => Redactor::new(&Secret::new(second)),
            None => Redactor::new(secret),
        };
        Self { wanted: secrets.into_iter().map(part).collect(), found: Mutex::default() }
    }

    pub(crate) fn look_at_request(&self, target: &str, headers: &HeaderMap, body: &[u8]) {
        self.look("the address of a request", target.as_bytes());
        self.look("the body of a request", body);
        for (_, value) in headers.iter().filter(|(name, _)| **name != AUTHORIZATION) {
            self.look("a header of a request", value.as_bytes());
        }
    }

    pub(crate) fn look(&self, place: &'static str, bytes: &[u8]) {
        if self.wanted.iter().any(|secret| secret.finds_in(bytes)) {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        }
    }

    /// Where one was found.
    pub(crate) fn places(&self) -> Vec<&'static str> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_anywhere_but_in_its_own_header() {
        let secrets = Secrets::new([&Secret::new("me:a-long-password")]);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "a-long-password".parse().unwrap());
        secrets.look_at_request("/me", &headers, b"me");
        assert!(secrets.places().is_empty());
        headers.insert("x-note", "a-long-password".parse().unwrap());
        secrets.look_at_request("/?p=a-long-password", &headers, b"");
        assert_eq!(secrets.places(), ["a header of a request", "the address of a request"]);
    }
}

//! What a backend, or a proxy before it, says instead of an answer.

use std::time::Duration;

use orkee_core::sync::provider::Failure;

use super::trouble::{Trouble, endure};
use crate::bench::Bench;
use crate::finding::Finding;
use crate::proxy::{Canned, Way};

const WAIT: Duration = Duration::from_secs(7);
const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html");
const AFTER: (&str, &str) = ("retry-after", "7");

fn answer(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str) -> Trouble {
    let way = Way::Answer(Canned { status, headers, body });
    Trouble { lasts: true, ..Trouble::passing(way) }
}

pub(super) async fn sign_in(bench: &Bench<'_>) -> Finding {
    let refused = answer(401, &[JSON, ("www-authenticate", "Bearer")], "{\"error\":\"unauthorized\"}");
    let expected = "the failure `auth-required`";
    let trouble = Trouble { expected, allows: |error| error.failure == Failure::Auth, ..refused };
    endure(bench, &trouble).await
}

pub(super) async fn forbidden(bench: &Bench<'_>) -> Finding {
    let refused = answer(403, &[JSON], "{\"error\":\"forbidden\"}");
    let expected = "the failure `forbidden`, or `rejected` for a record alone";
    let allows = |error: &orkee_core::sync::provider::ProviderError| error.failure == Failure::Forbidden;
    endure(bench, &Trouble { expected, allows, may_reject: true, ..refused }).await
}

pub(super) async fn busy(bench: &Bench<'_>) -> Finding {
    let told = answer(429, &[JSON, AFTER], "{\"error\":\"busy\"}");
    let expected = "the failure `busy` with the 7 s of `Retry-After`";
    let trouble = Trouble { expected, allows: |error| error.failure == Failure::Busy(Some(WAIT)), ..told };
    endure(bench, &trouble).await?;
    let silent = answer(429, &[HTML], "<h1>Too Many Requests</h1>");
    let expected = "the failure `busy`, without a wait";
    endure(bench, &Trouble { expected, allows: |error| error.failure == Failure::Busy(None), ..silent }).await
}

pub(super) async fn backend(bench: &Bench<'_>) -> Finding {
    for (status, headers, body) in [
        (500, &[JSON][..], "{\"error\":\"internal\"}"),
        (502, &[HTML], "<h1>Bad Gateway</h1>"),
        (503, &[HTML, AFTER], "<h1>Service Unavailable</h1>"),
        (504, &[], ""),
    ] {
        let expected = "the failure `backend`, or `busy`";
        let allows = |error: &orkee_core::sync::provider::ProviderError| {
            matches!(error.failure, Failure::Backend | Failure::Busy(_))
        };
        endure(bench, &Trouble { expected, allows, ..answer(status, headers, body) }).await?;
    }
    Ok(())
}

pub(super) async fn foreign_words(bench: &Bench<'_>) -> Finding {
    for (status, headers, body) in [
        (409, &[HTML][..], "<html><body>409 Conflict</body></html>"),
        (410, &[HTML], "<html><body>410 Gone</body></html>"),
        (410, &[], ""),
    ] {
        let trouble = Trouble {
            expected: "a failure: these are a proxy's words, not the backend's",
            // Whether it is tried again is not this check's matter.
            allows: |_| true,
            ..answer(status, headers, body)
        };
        endure(bench, &trouble).await?;
    }
    Ok(())
}

//! Whether the sign-in is there and lasts, as far as this device knows, and whether the keyring that holds it answers.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use orkee_core::auth::{AuthError, SecretStore};
use orkee_core::keyring;

use super::check::Check;
use crate::commands::cloud::examined::{Examined, Here, SignIn};

const NAME: &str = "sign-in";
/// What ends within this time is told beforehand.
const SOON: SignedDuration = SignedDuration::from_hours(24);
const SIGN_IN: &str = "orkee cloud login";

/// Asks no server.
pub(super) fn examine(examined: &Examined) -> Vec<Check> {
    let mut checks = Vec::new();
    if examined.store == SecretStore::Keyring {
        checks.push(match keyring::get("orkee doctor") {
            Ok(_) => Check::ok("keyring", "The keyring answers"),
            Err(error) => Check::error("keyring", &AuthError::from(error)),
        });
    }
    checks.push(match &examined.sign_in {
        SignIn::NotNeeded => {
            Check::ok(NAME, format!("The provider `{}` needs no sign-in", examined.provider))
        }
        SignIn::Environment(variable) => {
            Check::ok(NAME, format!("The token of {variable} is used, which is not renewed"))
        }
        SignIn::Here(here) => told(here, Timestamp::now()),
        SignIn::No(error @ AuthError::NotSignedIn { .. }) => Check::skipped(NAME, format!("{error}"))
            .hint(format!("`{SIGN_IN}` signs in; everything on this device works without")),
        SignIn::No(error) => Check::error(NAME, error),
    });
    checks
}

fn told(here: &Here, now: Timestamp) -> Check {
    let Here { who, expires_at, is_renewed, ends_at } = here;
    let at = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    if let Some(ends) = ends_at.filter(|ends| ends.duration_since(now) < SOON) {
        let message = format!("the sign-in as {who} ends at {}", at(ends));
        return Check::warning(NAME, message).hint(format!("sign in anew: `{SIGN_IN}`"));
    }
    match (expires_at, is_renewed) {
        (Some(expires), false) if *expires <= now => {
            Check::failed(NAME, format!("the sign-in as {who} expired at {}", at(*expires)))
                .hint(format!("run `{SIGN_IN}`"))
        }
        (Some(expires), false) if expires.duration_since(now) < SOON => Check::warning(
            NAME,
            format!("the sign-in as {who} expires at {}, and cannot be renewed", at(*expires)),
        )
        .hint(format!("run `{SIGN_IN}` before")),
        (Some(expires), true) => {
            let token =
                if *expires <= now { "is renewed with the next request" } else { "is renewed by itself" };
            Check::ok(NAME, format!("Signed in as {who}; the token of {} {token}", at(*expires)))
        }
        (Some(expires), false) => Check::ok(NAME, format!("Signed in as {who}, until {}", at(*expires))),
        (None, _) => Check::ok(NAME, format!("Signed in as {who}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn what_has_expired_is_told_by_whether_it_is_renewed() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let hours = SignedDuration::from_hours;
        let here = |expires: Option<i64>, is_renewed, ends: Option<i64>| Here {
            who: "ann".to_owned(),
            expires_at: expires.map(|n| now + hours(n)),
            is_renewed,
            ends_at: ends.map(|n| now + hours(n)),
        };
        for (sign_in, state) in [
            (here(Some(-1), false, None), State::Failed),
            (here(Some(2), false, None), State::Warning),
            (here(Some(48), false, None), State::Ok),
            (here(Some(-1), true, None), State::Ok),
            (here(Some(1), true, Some(2)), State::Warning),
            (here(None, false, None), State::Ok),
        ] {
            let check = told(&sign_in, now);
            assert_eq!(check.state, state, "{}", check.message);
        }
    }
}

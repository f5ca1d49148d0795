//! The conformance kit against the stores that people have: S3 (moto) and WebDAV (Apache), through the providers that Orkee ships.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Mutex;

use orkee_kit::ALL;
use orkee_tests::dav::{Dav, PASSWORD, USER};
use orkee_tests::guests;
use orkee_tests::home::{Home, finish};
use orkee_tests::moto::Moto;

/// What cannot be shown: no stranger can make a store forget, it knows neither accounts nor devices, and tells nobody of a change.
const NOT_CHECKED: [&str; 7] =
    ["expired", "expired-listing", "new-epoch", "account", "devices", "watch-wakes", "watch-rests"];
/// Checks in which request after request fails, so that a writer cannot even say that it gave up.
const TROUBLE: [&str; 6] =
    ["sign-in-refused", "forbidden", "busy", "backend-fails", "html-page", "foreign-words"];

/// As many are under way at once: most of a check is waiting, for the end of a turn or of a request.
const AT_ONCE: usize = 3;

/// Does checks, each in a place of its own: what one left there would make the listings of the next ones long.
struct Trial<'a> {
    component: Vec<u8>,
    backend: &'a str,
    login: &'a str,
    /// The option that says where the records are.
    place: &'static str,
    options: &'a [&'a str],
    /// Besides [`NOT_CHECKED`].
    not_checked: &'static [&'static str],
}

impl Trial<'_> {
    fn passes<'c>(&self, checks: impl Iterator<Item = &'c str>) {
        let home = Home::new();
        home.file("provider.wasm", &self.component);
        let mut checks = checks;
        // Compiles it, which the others then need not.
        checks.by_ref().take(1).for_each(|check| self.passes_one(&home, check));
        let rest = Mutex::new(checks.collect::<Vec<_>>());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let Some(check) = rest.lock().unwrap().pop() else { return };
                        self.passes_one(&home, check);
                    }
                });
            }
        });
    }

    fn passes_one(&self, home: &Home, check: &str) {
        let place = format!("{}={check}", self.place);
        let mut command = home.command(["cloud", "provider", "test", "--json", "--login-from-stdin"]);
        command.arg(home.path("provider.wasm"));
        command.args(["--backend", self.backend, "--check", check, "--option", &place]);
        command.args(self.options.iter().flat_map(|option| ["--option", option]));
        let ran = finish(command, self.login.as_bytes());
        let report = ran.json();
        let cannot = NOT_CHECKED.contains(&check) || self.not_checked.contains(&check);
        let expected = if cannot { "not-checked" } else { "passed" };
        assert_eq!(report["checks"][0]["result"], expected, "{ran}");
    }
}

fn all() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|check| check.id)
}

#[test]
fn p47_the_provider_for_s3_passes_with_a_real_store() {
    let store = Moto::start();
    let bucket = format!("bucket={}", store.bucket);
    let trial = Trial {
        component: guests::shipped("s3", "orkee-provider-s3", &[]),
        backend: &store.url,
        login: &store.keys,
        place: "prefix",
        options: &[&bucket, "region=eu-central-1"],
        not_checked: &[],
    };
    trial.passes(all());
}

/// The provider for WebDAV, with or without a feature, does these checks with a server of its own.
fn webdav_passes(features: &[&str], checks: impl Iterator<Item = &'static str>) {
    let Some(server) = Dav::apache() else { return };
    let login = format!("{USER}:{PASSWORD}");
    let trial = Trial {
        component: guests::shipped("webdav", "orkee-provider-webdav", features),
        backend: &server.url,
        login: &login,
        place: "folder",
        options: &[],
        not_checked: &["browse"],
    };
    trial.passes(checks);
}

#[test]
fn p47_the_provider_for_webdav_passes_with_a_real_server() {
    webdav_passes(&[], all().filter(|check| !TROUBLE.contains(check)));
}

#[test]
fn p47_the_provider_for_webdav_passes_with_a_real_server_while_requests_fail() {
    // The same code, with turns that end after seconds where nobody ended them.
    webdav_passes(&["quick-turns"], TROUBLE.into_iter());
}

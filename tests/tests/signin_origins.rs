//! Which sign-in is used where, and that none goes anywhere else: environments, the token of the environment, signing out.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use orkee_tests::binaries;
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::mock::{Mock, Request};
use orkee_tests::rotating::{FIRST, Rotating, no_projects, unauthorized};
use orkee_tests::server::Server;

/// Commands that send a token.
const SENDERS: [&[&str]; 6] = [
    &["cloud", "list"],
    &["cloud", "list", "--show-devices"],
    &["cloud", "sync"],
    &["cloud", "restore", "--yes"],
    &["cloud", "token"],
    &["cloud", "login", "--refresh-token"],
];

/// A command that speaks to this API.
fn at(device: &Device, api: &str, args: &[&str]) -> Ran {
    let mut command = device.orkee(args);
    command.env("ORKEE_CLOUD_API_URL", api);
    finish(command, &[])
}

#[test]
fn a47_a_token_goes_to_no_other_origin_than_its_own() {
    let (own, other) = (Rotating::start(), Rotating::start());
    let by_name = own.server.url.replace("127.0.0.1", "localhost");
    let device = Device::new(&own.server.url);
    for section in ["orkee_cloud", "environments.stage"] {
        for expires_in in [3600, -10] {
            let text = device.section("orkee_access_0", expires_in, Some(FIRST));
            device.write_auth(&text.replace("orkee_cloud", section));
            let before = device.auth_toml();
            for elsewhere in [&other.server.url, &by_name, "https://127.0.0.1:1"] {
                for args in SENDERS {
                    at(&device, elsewhere, args)
                        .exits(4)
                        .says("the sign-in is for")
                        .says("orkee cloud login");
                }
                let status = at(&device, elsewhere, &["cloud", "status"]).exits(4);
                assert!(status.stdout.contains("the sign-in is for"), "{status}");
                let logout = at(&device, elsewhere, &["cloud", "logout"]).success();
                assert!(logout.stdout.contains("Not logged in"), "{logout}");
            }
            assert_eq!(device.auth_toml(), before);
        }
        assert_eq!((own.server.connections(), other.server.connections()), (0, 0));
    }
    device.run(&["cloud", "list"]).success();
}

#[test]
fn a47_each_login_speaks_to_its_own_api_and_its_own_issuer() {
    let (default, stage) = (Rotating::start(), Rotating::start());
    let (api, issuer) = (api(), Mock::authorization_server(|_| None));
    let device = Device::new(&default.server.url);
    let of = |server: &str, name: &str, refresh: &str| {
        let text = device.section("orkee_old", -10, Some(refresh));
        text.replace(&default.server.url, server).replace("orkee_cloud", name)
    };
    let apart = of(&api.url, "environments.apart", "orkee_refresh_apart")
        .replace(&format!("issuer = \"{}\"", api.url), &format!("issuer = \"{}\"", issuer.url));
    device.write_auth(&format!(
        "{}\n{}\n{apart}",
        of(&default.server.url, "orkee_cloud", FIRST),
        of(&stage.server.url, "environments.stage", FIRST),
    ));
    for url in [&default.server.url, &stage.server.url, &api.url] {
        at(&device, url, &["cloud", "list"]).success();
    }
    assert_eq!((default.refreshes(), stage.refreshes()), (1, 1));

    // Where they are not the same, the API sees no refresh token, and the issuer no access token.
    let has = |requests: &[Request], secret: &str| format!("{requests:?}").contains(secret);
    assert!(has(&issuer.requests(), "orkee_refresh_apart") && has(&api.requests(), "Bearer orkee_access_1"));
    assert!(!has(&api.requests(), "orkee_refresh_") && !has(&issuer.requests(), "orkee_access_"));
    assert!(!has(&default.server.requests(), "apart") && !has(&stage.server.requests(), "apart"));
    let auth = device.auth_toml().unwrap();
    for section in ["[orkee_cloud]", "[environments.stage]", "[environments.apart]"] {
        assert!(auth.contains(section), "{auth}");
    }
}

/// An API that takes what its issuer gives, and is none itself.
fn api() -> Mock {
    Mock::start(|request| match request.header("authorization") {
        Some("Bearer orkee_access_1") => no_projects(),
        _ => unauthorized(),
    })
}

#[test]
fn a47_what_is_left_of_an_ended_login_hides_no_good_one_and_is_what_logout_removes() {
    let (one, two) = (Rotating::start(), Rotating::start());
    let device = Device::new(&one.server.url);
    let good = device.section("orkee_access_0", 3600, Some(FIRST));
    let ended = format!("[environments.stage]\napi_url = \"{0}\"\nissuer = \"{0}\"\n", two.server.url);
    device.write_auth(&format!("{good}\n{ended}"));
    at(&device, &two.server.url, &["cloud", "list"]).fails(4, "E-AUTH-001");
    at(&device, &two.server.url, &["cloud", "logout"]).success();
    let left = device.auth_toml().unwrap();
    assert!(left.contains("[orkee_cloud]") && !left.contains("environments"), "{left}");
    assert_eq!(one.server.connections(), 0, "the other login is not signed out of");

    let ended = ended.replace(&two.server.url, &one.server.url).replace("environments.stage", "orkee_cloud");
    device.write_auth(&format!("{ended}\n{}", good.replace("orkee_cloud", "environments.stage")));
    device.run(&["cloud", "list"]).success();
}

#[test]
fn a45_a_file_that_cannot_be_written_is_told_before_the_server_is() {
    let server = Rotating::start();
    let device = Device::new(&server.server.url);
    let section = device.section("orkee_access_0", 3600, Some(FIRST));
    device.write_auth(&format!("{section}\n{}", section.replace("orkee_cloud", "environments.stage")));
    let before = device.auth_toml();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" cloud logout"])
        .arg(binaries::orkee())
        .env_clear();
    shell.envs(device.orkee(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    finish(shell, &[]).fails(7, "E-AUTH-022");
    assert!(server.server.requests_for("/oauth/revoke").is_empty());
    assert_eq!(device.auth_toml(), before);
    device.run(&["cloud", "logout"]).success();
    assert_eq!(server.server.requests_for("/oauth/revoke").len(), 2);
}

/// A command with this in a variable.
fn with(device: &Device, variable: &str, value: impl AsRef<OsStr>, args: &[&str]) -> Ran {
    let mut command = device.orkee(args);
    command.env(variable, value);
    finish(command, b"")
}

const READERS: [&[&str]; 9] = [
    &["cloud", "token"],
    &["cloud", "token", "--json"],
    &["cloud", "list"],
    &["cloud", "sync"],
    &["cloud", "status"],
    &["cloud", "status", "--offline"],
    &["cloud", "logout"],
    &["cloud", "login", "--with-token"],
    &["cloud", "login", "--browser"],
];

#[test]
fn a59_a_token_that_could_not_be_one_is_refused_by_every_command_and_not_repeated() {
    let server = Rotating::start();
    let device = Device::new(&server.server.url);
    device.write_auth(&device.section("orkee_access_0", 3600, Some(FIRST)));
    let before = device.auth_toml();
    let file = device.path("token");
    for bad in [
        &b"can ary"[..],
        b" canary",
        b"canary ",
        b"\tcanary",
        b"canary\n",
        b"canary\r\n",
        b"can\nary",
        b"canary\r",
        b"can\xc3\xa9ary",
        b"can\xffary",
        b"can\x1b[31mary",
        b" ",
        b"\n",
    ] {
        let refused = |ran: Ran, variable: &str| {
            let ran = ran.exits(2);
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(told.contains(variable) && told.contains("hint"), "{bad:?}: {ran}");
            assert!(
                !["canary", "ary\n", "can ", "\u{1b}"].iter().any(|part| told.contains(part)),
                "{bad:?}: {ran}"
            );
        };
        for args in READERS {
            refused(with(&device, "ORKEE_CLOUD_TOKEN", OsStr::from_bytes(bad), args), "ORKEE_CLOUD_TOKEN");
        }
        // A file of one line ends with a line break.
        if !matches!(bad, b"canary\n" | b"canary\r\n") {
            std::fs::write(&file, bad).unwrap();
            let ran = with(&device, "ORKEE_CLOUD_TOKEN_FILE", &file, &["cloud", "token"]);
            refused(ran, "ORKEE_CLOUD_TOKEN_FILE");
        }
    }
    assert_eq!(server.server.connections(), 0);
    assert_eq!(device.auth_toml(), before);
}

#[test]
fn a59_an_empty_token_counts_as_unset() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let token = server.token();
    for args in [&["cloud", "token"][..], &["cloud", "list"], &["cloud", "sync"]] {
        with(&device, "ORKEE_CLOUD_TOKEN", "", args).fails(4, "E-AUTH-001");
    }
    // Then comes the file that the other variable names, and then the sign-in of this machine.
    let file = device.path("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let mut command = device.orkee(&["cloud", "status"]);
    command.env("ORKEE_CLOUD_TOKEN", "").env("ORKEE_CLOUD_TOKEN_FILE", &file);
    let status = finish(command, &[]).success();
    assert!(status.stdout.contains("Token from: ORKEE_CLOUD_TOKEN_FILE"), "{status}");
    device.login(&server.person());
    for variable in ["ORKEE_CLOUD_TOKEN", "ORKEE_CLOUD_TOKEN_FILE"] {
        let status = with(&device, variable, "", &["cloud", "status"]).success();
        assert!(status.stdout.contains("Token from: auth.toml, [orkee_cloud]"), "{status}");
        let logout = with(&device, variable, "", &["cloud", "logout"]).success();
        assert!(!logout.stderr.contains("still set"), "{logout}");
        device.login(&server.person());
    }
    assert!(!device.auth_toml().unwrap().contains(&token));
}

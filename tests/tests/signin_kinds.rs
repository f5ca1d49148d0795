//! Signing in to providers that need something else than OAuth: a token, a user name and password, an access key.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;

use orkee_tests::canary::Canaries;
use orkee_tests::guests;
use orkee_tests::home::finish;
use orkee_tests::mock::{Answer, Mock, Request};
use orkee_tests::tenants::TenantDevice;
use orkee_tests::terminal::Terminal;

const PASSWORD: &str = "canary-pass word-41c7";
const TOKEN: &str = "canary_token_8812aa";
/// `alice:canary-pass word-41c7`
const BASIC: &str = "Basic YWxpY2U6Y2FuYXJ5LXBhc3Mgd29yZC00MWM3";

/// A backend that takes one `Authorization` alone.
fn backend(authorization: &'static str) -> Mock {
    Mock::start(move |request| match request.header("authorization") == Some(authorization) {
        true => Answer::empty(200),
        false => Answer::empty(401),
    })
}

fn manifest(name: &str, kind: &str) -> String {
    let options = ["do", "credential", "url"].map(|option| format!("[options.{option}]\n")).concat();
    format!("name = \"{name}\"\nversion = \"1\"\n[login]\nkind = \"{kind}\"\n{options}")
}

/// The tenant `nas`, whose provider asks the server once for each exchange.
fn config(provider: &str, url: &str) -> String {
    format!(
        "[tenants.nas]\nprovider = \"{provider}\"\napi_url = \"{url}\"\n[tenants.nas.options]\ndo = \"ask\"\ncredential = \"login\"\n"
    )
}

fn device(kind: &str, server: &Mock) -> TenantDevice {
    let device = TenantDevice::new(&config("notes", &server.url));
    device.install(guests::rogue(), &manifest("notes", kind));
    device
}

const LOGIN: &[&str] = &["cloud", "login", "--with-token"];
const SYNC: &[&str] = &["cloud", "sync"];

#[test]
fn a_password_is_tried_kept_with_its_kind_and_sent_as_it_should_be() {
    let server = backend(BASIC);
    let device = device("password", &server);
    device.run("nas", SYNC).fails(4, "E-AUTH-001");
    assert_eq!(server.connections(), 0);
    let ran = device.feed("nas", &[LOGIN, &["--json"]].concat(), &format!("alice:{PASSWORD}\n")).success();
    assert_eq!(ran.json()["account"], "alice");
    let file = device.home().join("auth.toml");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let section =
        "[tenants.nas]\nkind = \"password\"\nprovider = \"notes\"\ntoken = \"alice:canary-pass word-41c7\"\n";
    assert!(device.auth_toml().contains(section), "{}", device.auth_toml());
    device.run("nas", SYNC).success();

    let status = device.run("nas", &["cloud", "status"]).success();
    for line in [
        "✓ Authenticated with notes at http://",
        "✓ Account: alice\n",
        "Signed in with: the password of alice (from auth.toml, [tenants.nas])",
    ] {
        assert!(status.stdout.contains(line), "{status}");
    }
    let json = device.json("nas", &["cloud", "status"]);
    assert_eq!((&json["sign_in"], &json["account"]), (&"password".into(), &"alice".into()));
    assert!(server.requests().iter().all(|request| request.header("authorization") == Some(BASIC)));

    device.run("nas", &["cloud", "token"]).fails(2, "E-AUTH-007");
    device.run("nas", &["cloud", "login", "--refresh-token"]).fails(4, "E-AUTH-001");
    let seen = server.connections();
    let ran = device.run("nas", &["cloud", "logout"]).success();
    ran.says("removed from this machine").says("nothing is to be revoked");
    assert_eq!(server.connections(), seen, "nobody is told");
    assert_eq!(device.auth_toml(), "");
    device.run("nas", SYNC).fails(4, "E-AUTH-001");
}

#[test]
fn a_token_that_was_pasted_is_sent_as_a_bearer_token() {
    let server = backend("Bearer canary_token_8812aa");
    let device = device("token", &server);
    device.feed("nas", LOGIN, TOKEN).success();
    device.run("nas", SYNC).success();
    assert_eq!(device.run("nas", &["cloud", "token"]).success().stdout.trim(), TOKEN);
    let status = device.run("nas", &["cloud", "status"]).success();
    assert!(status.stdout.contains("Signed in with: a token (from auth.toml"), "{status}");
}

#[test]
fn an_access_key_signs_for_the_region_that_is_set_and_its_secret_is_never_sent() {
    let server = Mock::start(|request| match request.header("authorization") {
        Some(signed) if signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/") => Answer::empty(200),
        _ => Answer::empty(401),
    });
    let device = TenantDevice::new(&(config("notes", &server.url) + "region = \"eu-central-1\"\n"));
    let keys = manifest("notes", "aws-keys\"\nservice = \"s3");
    device.install(guests::rogue(), &format!("{keys}[options.region]\ndefault = \"us-east-1\"\n"));
    device.feed("nas", LOGIN, "AKIAEXAMPLE").fails(2, "E-AUTH-006").says("ID:SECRET");
    device.feed("nas", LOGIN, "AKIAOTHER:canary_key_5510").exits(4).says("refused the access key AKIAOTHER");
    device.feed("nas", LOGIN, "AKIAEXAMPLE:canary_key_5510").success().says("as AKIAEXAMPLE");
    let canaries = Canaries(vec!["canary_key_5510"]);
    let ran = canaries.are_not_printed(device.run("nas", &["cloud", "status"]).success());
    assert!(ran.stdout.contains("Signed in with: the access key AKIAEXAMPLE (from auth.toml"), "{ran}");
    device.run("nas", &["cloud", "token"]).fails(2, "E-AUTH-007");
    for request in server.requests() {
        let signed = request.header("authorization").unwrap();
        assert!(signed.contains("/eu-central-1/s3/aws4_request"), "{signed}");
        canaries.are_not_in("a request", format!("{request:?}").as_bytes());
    }
    canaries.are_not_in_files(&device.home());
}

#[test]
fn what_the_backend_refuses_is_not_kept_and_the_sign_in_of_before_stays() {
    let server = backend(BASIC);
    let device = device("password", &server);
    let wrong = device.feed("nas", LOGIN, "alice:wrong-canary").exits(4);
    let wrong = wrong.says("`notes` sent a sign-in that was refused").says("refused the password of alice");
    assert!(wrong.stderr.contains("orkee cloud login") && !wrong.stderr.contains("no sign-in"), "{wrong}");
    assert_eq!(device.auth_toml(), "");
    device.feed("nas", LOGIN, &format!("alice:{PASSWORD}")).success();
    let before = device.auth_toml();
    device.feed("nas", LOGIN, "alice:wrong-canary").exits(4);
    assert_eq!(device.auth_toml(), before);
    for no_form in ["alice", ":x", "alice:", ""] {
        device.feed("nas", LOGIN, no_form).fails(2, "E-AUTH-006");
    }
    device.feed("nas", LOGIN, "alice:a\nb").fails(2, "E-CLI-001").says("more than one line");
    assert_eq!(device.auth_toml(), before);
    device.run("nas", SYNC).success();
}

#[test]
fn p16_a_secret_that_is_refused_later_is_sent_once_and_leads_to_a_sign_in() {
    let server = backend(BASIC);
    let device = device("password", &server);
    device.feed("nas", LOGIN, &format!("alice:{PASSWORD}")).success();
    let other = backend("Basic other");
    // The same place to the device; what answers there now takes another password.
    let port = |mock: &Mock| mock.url.rsplit_once(':').unwrap().1.to_owned();
    let auth = device.auth_toml().replace(&port(&server), &port(&other));
    std::fs::write(device.home().join("auth.toml"), &auth).unwrap();
    device.configure(&config("notes", &other.url));
    let ran = device.run("nas", SYNC).exits(4);
    ran.says("refused the password of alice").says("hint: run `orkee cloud login`");
    assert_eq!(other.connections(), 1, "no refresh, no second try");
    assert_eq!(device.auth_toml(), auth, "it may be right again");
}

#[test]
fn p15a_a_sign_in_is_for_the_provider_and_the_kind_that_it_was_made_for() {
    let server = backend(BASIC);
    let device = device("password", &server);
    device.feed("nas", LOGIN, &format!("alice:{PASSWORD}")).success();
    let seen = server.requests().len();
    device.install(guests::rogue(), &manifest("files", "password"));
    device.configure(&config("files", &server.url));
    let refused = device.run("nas", SYNC).fails(4, "E-AUTH-003");
    refused.says("a user name and password for the provider `notes`").says("orkee cloud login");
    device.configure(&format!("[tenants.nas]\nprovider = \"orkee-cloud\"\napi_url = \"{}\"\n", server.url));
    device.run("nas", SYNC).fails(4, "E-AUTH-003");
    // Whether it knows the tenant is all that it was asked, by the provider for Orkee's own API.
    for request in server.requests().split_off(seen) {
        assert_eq!(request.target, "/.well-known/orkee-tenant/nas");
        assert_eq!(request.header("authorization"), None);
    }
    let status = device.run("nas", &["cloud", "status"]).exits(4);
    assert!(status.stdout.contains("✗ Not authenticated"), "{status}");
    device.run("nas", &["cloud", "logout"]).success();
    assert_eq!(device.auth_toml(), "");
}

#[test]
fn a_file_that_was_edited_into_nonsense_sends_nothing() {
    let server = backend(BASIC);
    let device = device("password", &server);
    device.feed("nas", LOGIN, &format!("alice:{PASSWORD}")).success();
    let (good, seen) = (device.auth_toml(), server.connections());
    for (from, to) in [
        ("\"password\"", "\"pasword\""),
        ("\"password\"", "\"token\""),
        ("\"password\"", "7"),
        ("kind = \"password\"\n", ""),
        ("alice:", "alice"),
    ] {
        std::fs::write(device.home().join("auth.toml"), good.replace(from, to)).unwrap();
        let ran = device.run("nas", SYNC).exits(4);
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
    assert_eq!(server.connections(), seen);
}

#[test]
fn a_person_types_a_password_that_nobody_sees() {
    let server = backend(BASIC);
    let device = device("password", &server);
    let mut terminal = Terminal::open(device.orkee("nas", &["cloud", "login"]), 100);
    let modes = terminal.modes();
    terminal.answer("User name", "alice\n");
    terminal.wait_for("Password");
    // A slip, taken back.
    terminal.answer("Password", "canary-pass wx\u{7f}ord-41c7\n");
    let (status, seen) = terminal.finish();
    assert!(status.success(), "{seen}");
    assert!(!seen.contains("canary-pass"), "{seen}");
    assert!(seen.contains("Signed in to 127.0.0.1") && seen.contains("as alice"), "{seen}");
    assert!(device.auth_toml().contains(PASSWORD));

    let mut terminal = Terminal::open(device.orkee("nas", &["cloud", "login"]), 100);
    terminal.answer("User name", "alice\n");
    terminal.answer("Password", "canary\u{3}");
    let after = orkee_tests::wait::until("the end", || (!terminal.is_running()).then(|| terminal.modes()));
    assert_eq!(after, modes, "the terminal is as it was");
    let (status, seen) = terminal.finish();
    assert_eq!(status.code(), Some(130), "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
    let ran = device
        .run("nas", &["cloud", "login"])
        .fails(4, "E-AUTH-014")
        .says("| orkee cloud login --with-token`");
    assert!(!ran.stderr.contains("ORKEE_CLOUD_TOKEN") && !ran.stderr.contains("browser"), "{ran}");
    device.run("nas", &["cloud", "login", "--device"]).fails(4, "E-AUTH-019");
}

#[test]
fn a_token_of_the_environment_is_for_an_installed_provider_that_was_granted_it() {
    let server = backend("Bearer canary_token_8812aa");
    let device = device("token", &server);
    let sync = |url: &str| {
        let mut command = device.orkee("nas", SYNC);
        command.env("ORKEE_CLOUD_TOKEN", TOKEN).env("ORKEE_CLOUD_API_URL", url);
        finish(command, &[])
    };
    let grant = |what: &str| device.run("nas", &["cloud", "provider", what, "notes", "--env-token"]);
    assert!(grant("grant").success().stdout.contains("may now stand for the login of notes"));
    let grants = device.run("nas", &["cloud", "provider", "grants", "notes"]).success();
    assert!(grants.stdout.contains("uses ORKEE_CLOUD_TOKEN"), "{grants}");
    let ran = sync(&server.url);
    assert!(server.connections() > 0, "{ran}");
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer canary_token_8812aa"));
    let before = server.connections();
    assert!(grant("revoke").success().stdout.contains("may no longer stand for the login of notes"));
    sync(&server.url).fails(4, "E-AUTH-001").says("ORKEE_CLOUD_TOKEN is left aside");
    assert_eq!(server.connections(), before);
}

#[test]
fn a_token_of_the_environment_is_not_for_another_server_nor_for_an_installed_provider() {
    let (mine, server) = (backend("Bearer canary_token_8812aa"), backend("Bearer canary_token_8812aa"));
    let device = device("token", &server);
    let general = format!("[cloud]\napi_url = \"{}\"\n", mine.url);
    let sync = |url: Option<&str>| {
        let mut command = device.orkee("nas", SYNC);
        command.env("ORKEE_CLOUD_TOKEN", TOKEN).envs(url.map(|url| ("ORKEE_CLOUD_API_URL", url)));
        finish(command, &[])
    };
    // Not part of Orkee, even at the very server that the token is for.
    for url in [None, Some(server.url.as_str())] {
        sync(url)
            .fails(4, "E-AUTH-001")
            .says("ORKEE_CLOUD_TOKEN is left aside: the provider `notes` is not part of Orkee");
    }
    assert_eq!(server.connections(), 0);
    // Part of Orkee, but at another server.
    let tenant = format!("[tenants.nas]\nprovider = \"orkee-cloud\"\napi_url = \"{}\"\n", server.url);
    device.configure(&(general + &tenant));
    sync(None)
        .fails(4, "E-AUTH-001")
        .says("ORKEE_CLOUD_TOKEN is left aside: it is for the server of ORKEE_CLOUD_API_URL");
    // Whether it knows the tenant is all that it was asked.
    let asks = |request: &Request| request.target == "/.well-known/orkee-tenant/nas";
    assert!(server.requests().iter().all(|one| asks(one) && one.header("authorization").is_none()));
    assert_eq!(mine.connections(), 0);
    let ran = sync(Some(&server.url));
    let requests = server.requests();
    let sent = requests.iter().find(|one| !asks(one)).unwrap_or_else(|| panic!("{ran}"));
    assert_eq!(sent.header("authorization"), Some("Bearer canary_token_8812aa"));
}

#[test]
fn p15a_an_installed_provider_signs_in_at_the_issuer_that_its_manifest_names_and_sends_the_token_to_its_api_alone()
 {
    let issuer = Mock::authorization_server(|_| None);
    let api = backend("Bearer orkee_access_1");
    let login = format!(
        "kind = \"oauth\"\nissuer = \"{}\"\nclient-id = \"orkee-notes\"\nscopes = [\"notes.read\", \"notes.write\"]",
        issuer.url
    );
    let device = TenantDevice::new(&config("notes", &api.url));
    device.install(guests::rogue(), &manifest("notes", "oauth").replace("kind = \"oauth\"", &login));
    let login = device.begin_login("nas");
    assert!(login.authorize().as_str().starts_with(&issuer.url));
    assert_eq!(login.parameter("client_id"), "orkee-notes");
    assert_eq!(login.parameter("scope"), "notes.read notes.write");
    let answer = [("code", "a"), ("state", &*login.parameter("state")), ("iss", &issuer.url)];
    orkee_tests::http::get(&login.callback(&answer), &[]).unwrap();
    orkee_tests::http::get(&login.callback(&[]).join("/done").unwrap(), &[]).unwrap();
    login.finish().success();
    device.run("nas", SYNC).success();
    assert!(
        api.requests().iter().all(|request| request.header("authorization") == Some("Bearer orkee_access_1"))
    );
    assert!(issuer.requests().iter().all(|request| request.header("authorization").is_none()));

    // The same client asks for the next one, and takes it back.
    device.run("nas", &["cloud", "login", "--refresh-token"]).success();
    let asked = issuer.requests_for("/oauth/token");
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.field("client_id").as_deref() == Some("orkee-notes")));
    device.run("nas", &["cloud", "logout"]).success();
    let revoked = issuer.requests_for("/oauth/revoke");
    assert!(revoked.iter().all(|request| request.field("client_id").as_deref() == Some("orkee-notes")));
    assert_eq!(revoked.len(), 2);

    // A sign-in of another issuer is none.
    let elsewhere =
        "[tenants.nas]\nprovider = \"notes\"\ntoken = \"orkee_access_1\"\nissuer = \"http://127.0.0.1:9\"\n";
    std::fs::write(device.home().join("auth.toml"), format!("{elsewhere}api_url = \"{}\"\n", api.url))
        .unwrap();
    let seen = api.connections();
    device.run("nas", SYNC).exits(4);
    assert_eq!(api.connections(), seen);
}

#[test]
fn a55_passwords_and_pasted_tokens_leave_no_secret_anywhere_however_loud() {
    let canaries = Canaries(vec![PASSWORD, TOKEN]);
    for (kind, secret, authorization) in [
        ("password", format!("alice:{PASSWORD}"), BASIC),
        ("token", TOKEN.to_owned(), "Bearer canary_token_8812aa"),
    ] {
        let server = backend(authorization);
        let device = device(kind, &server);
        let loud = |args: &[&str], input: &str| {
            let mut command = device.orkee("nas", args);
            command.arg("-vvv").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
            let ran = finish(command, input.as_bytes());
            assert!(ran.code.is_some_and(|code| code < 100), "{ran}");
            canaries.are_not_in_files(&device.home());
            canaries.are_not_printed(ran)
        };
        loud(LOGIN, &secret).success();
        for args in [SYNC, &["cloud", "status"], &["cloud", "status", "--json"], &["cloud", "list"]] {
            loud(args, "");
        }
        // What is refused, or of a wrong form, is not repeated either.
        loud(LOGIN, &format!("x{secret}")).exits(4);
        loud(LOGIN, &format!("{secret}\nx")).exits(2);
        loud(&["cloud", "login", "--refresh-token"], "").exits(4);
        loud(&["cloud", "logout"], "").success();
        let mut command = device.orkee("nas", &["cloud", "login", "--with-token"]);
        command.env("ORKEE_CLOUD_TOKEN", &secret);
        canaries.are_not_printed(finish(command, b"wrong:wrong"));
        let mut terminal = Terminal::open(device.orkee("nas", &["cloud", "login", "-vvv"]), 100);
        if kind == "password" {
            terminal.answer("User name", "alice\n");
        }
        let (question, secret) = if kind == "password" { ("Password", PASSWORD) } else { ("Token", TOKEN) };
        terminal.answer(question, &format!("{secret}\n"));
        let (status, seen) = terminal.finish();
        assert!(status.success(), "{seen}");
        canaries.are_not_in("the terminal", seen.as_bytes());
        canaries.are_not_in_files(&device.home());
    }
}

#[test]
fn p15a_a_provider_that_is_removed_takes_its_logins_with_it() {
    let server = backend(BASIC);
    let device = device("password", &server);
    device.feed("nas", LOGIN, &format!("alice:{PASSWORD}")).success();
    let file = device.home().join("auth.toml");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains(PASSWORD));
    // Another of its logins, which is bound to a key.
    let thumbprint = "k".repeat(43);
    let bound = format!(
        "{kept}\n[tenants.bound]\nprovider = \"notes\"\ntoken = \"t\"\napi_url = \"{0}\"\nbound_to = \"{thumbprint}\"\n",
        server.url
    );
    std::fs::write(&file, bound).unwrap();
    let key = device.home().join(format!("auth-{thumbprint}.key"));
    std::fs::write(&key, "a key").unwrap();
    let ran = device.run("", &["cloud", "provider", "remove", "notes", "--yes"]).success();
    assert!(ran.stderr.contains("was removed from this machine"), "{ran}");
    assert!(!file.exists() && !key.exists());
    // Another one of the same name finds nothing.
    device.install(guests::rogue(), &manifest("notes", "password"));
    device.run("nas", SYNC).exits(4);
}

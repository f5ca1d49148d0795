//! The audit trail, as the commands of a device write it.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::home::{Home, finish};
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::provider;
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;
use serde_json::Value;
use std::collections::HashSet;

const ACCESS: &str = "orkee_canary_access_3f9c1b";
const REFRESH: &str = "orkee_refresh_canary_77ab02";

/// The rows of a document of `orkee audit --json`, the oldest first.
fn entries(document: &Value) -> Vec<Value> {
    document["entries"].as_array().unwrap().iter().rev().cloned().collect()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("no {key} in {row}"))
}

/// What was done and how it ended, a line each.
fn told(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {}", text(row, "action"), text(row, "outcome"))).collect()
}

/// The secrets that the token file holds now.
fn secrets(device: &Device) -> Vec<&'static str> {
    let file = device.auth_toml().unwrap();
    let lines = file.lines().filter(|line| line.starts_with("token") || line.starts_with("refresh_token"));
    let secrets = lines.map(|line| &*line.split('"').nth(1).unwrap().to_owned().leak());
    secrets.collect()
}

#[test]
fn a60_who_did_what_when_how_it_ended_and_the_request_id_are_kept_and_no_token() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.add("shop");
    device.login(&server.person());
    let mut canaries = Canaries(secrets(&device));
    device.sync();
    device.run(&["cloud", "login", "--refresh-token"]).success();
    canaries.0.extend(secrets(&device));
    finish(device.orkee(&["cloud", "login", "--with-token"]), b"orkee_canary_wrong_9d21").exits(4);
    canaries.0.push("orkee_canary_wrong_9d21");
    assert!(canaries.0.len() >= 5, "{:?}", canaries.0);
    device.run(&["cloud", "logout"]).success();

    let shown = canaries.are_not_printed(device.run(&["audit", "--json"]).success());
    let rows = entries(&shown.json());
    assert_eq!(told(&rows), ["login done", "sync done", "refresh done", "login denied", "logout done"]);
    let log = std::fs::read_to_string(server.data().join("log")).unwrap();
    for row in &rows {
        let at: jiff::Timestamp = text(row, "at").parse().unwrap();
        assert!(at.duration_since(jiff::Timestamp::now()).as_secs().abs() < 600, "{row}");
        let whose = if row["outcome"] == "denied" { "orkee_cloud" } else { "john@example.com" };
        assert_eq!(text(row, "who"), whose, "{row}");
        assert!(log.contains(text(row, "request_id")), "{row} is not in the server's log");
    }
    assert_eq!(rows[3]["code"], "E-AUTH-001", "{}", rows[3]);
    assert!(text(&rows[1], "subject").starts_with("1 pushed, 0 pulled"), "{}", rows[1]);

    let ran = canaries.are_not_printed(device.run(&["audit", "-vvv"]).success());
    assert!(ran.stdout.contains("logout") && ran.stdout.contains("john@example.com"), "{ran}");
    canaries.are_not_printed(device.run(&["projects", "export", "--format", "json", "-vvv"]).success());
    canaries.are_not_in_files(&device.home());
    device.run(&["audit", "verify"]).success();
}

#[test]
fn a60_a_refresh_that_the_server_refuses_is_kept_as_denied() {
    let server = Mock::authorization_server(|request| {
        let refused = serde_json::json!({"error": "invalid_grant", "error_description": REFRESH});
        (request.target == "/oauth/token").then(|| Answer::json(400, &refused))
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section(ACCESS, -10, Some(REFRESH)));
    device.run(&["cloud", "token"]).fails(4, "E-AUTH-001");
    let rows = entries(&device.json(&["audit"]));
    assert_eq!(told(&rows), ["refresh denied"]);
    assert_eq!((&rows[0]["code"], &rows[0]["who"]), (&"E-AUTH-001".into(), &"orkee_cloud".into()));
    let asked = server.requests_for("/oauth/token");
    assert_eq!(asked[0].header("x-request-id"), Some(text(&rows[0], "request_id")));
    Canaries(vec![ACCESS, REFRESH]).are_not_in_files(&device.home());
}

#[test]
fn a60_a_refresh_that_fails_before_anything_is_sent_is_kept_as_failed() {
    let server = Mock::authorization_server(|request| {
        request.target.starts_with("/.well-known/").then(|| Answer::empty(503))
    });
    let device = Device::new(&server.url);
    let section = device.section(ACCESS, -10, Some(REFRESH));
    device.write_auth(&section);
    device.run(&["cloud", "token"]).fails(6, "E-AUTH-018");
    device.write_auth(&format!("{section}bound_to = \"{}\"\n", "k".repeat(43)));
    device.run(&["cloud", "token"]).fails(4, "E-AUTH-070");
    let rows = entries(&device.json(&["audit"]));
    assert_eq!(told(&rows), ["refresh failed", "refresh failed"]);
    let codes: HashSet<_> = rows.iter().map(|row| text(row, "code")).collect();
    assert_eq!(codes, HashSet::from(["E-AUTH-018", "E-AUTH-070"]));
    assert_eq!(server.requests_for("/oauth/token").len(), 0);
}

fn manifest(name: &str) -> String {
    let options =
        ["do", "credential", "url", "header", "yranac"].map(|option| format!("[options.{option}]\n"));
    format!("name = \"{name}\"\nversion = \"1\"\n[login]\nkind = \"oauth\"\n{}", options.concat())
}

/// The tenant `nas`, whose hostile provider does what `more` says, signed in with marked tokens.
fn hostile(api: &Mock, more: &str) -> TenantDevice {
    let device = TenantDevice::new("");
    let table = "[tenants.nas]\nprovider = \"notes\"\n";
    device.configure(&format!("{table}api_url = \"{}\"\n[tenants.nas.options]\n{more}", api.url));
    device.install(guests::rogue(), &manifest("notes"));
    let tokens = format!("token = \"{ACCESS}\"\nrefresh_token = \"{REFRESH}\"\n");
    let servers = format!("issuer = \"{0}\"\napi_url = \"{0}\"\n", api.url);
    std::fs::write(device.home().join("auth.toml"), format!("{table}{tokens}{servers}")).unwrap();
    device
}

/// What the guest left as its position in the sync: what it found out.
fn found(device: &TenantDevice) -> String {
    let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    let sql = "SELECT position FROM spaces WHERE tenant = 'nas'";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a58_a_provider_that_looks_for_the_refresh_token_finds_it_nowhere() {
    let api = Mock::authorization_server(|_| Some(Answer::empty(200)));
    for secret in [ACCESS, REFRESH] {
        let yranac: String = secret.chars().rev().collect();
        let options =
            format!("do = \"search-for-the-canary\"\ncredential = \"login\"\nyranac = \"{yranac}\"\n");
        let device = hostile(&api, &options);
        device.run("nas", &["cloud", "sync"]).success();
        assert!(found(&device).starts_with("not found in "), "{}", found(&device));
        let secrets = Canaries(vec![ACCESS, REFRESH]);
        secrets.are_not_in_files(&device.home());
    }
    // The access token goes to the API, and the refresh token nowhere at all.
    let bearer = format!("Bearer {ACCESS}");
    let requests = api.requests();
    assert!(requests.iter().any(|request| request.header("authorization") == Some(&bearer)));
    Canaries(vec![REFRESH]).are_not_in("the requests", format!("{requests:?}").as_bytes());
}

#[test]
fn a58_a_request_to_an_origin_that_was_not_granted_is_an_error_and_an_audit_row() {
    let (api, evil) = (Mock::start(|_| Answer::empty(200)), Mock::start(|_| Answer::empty(200)));
    let options = |url: &str| format!("do = \"ask\"\ncredential = \"login\"\nurl = \"{url}\"\n");
    let device = hostile(&api, &options(&format!("{}/steal", evil.url)));
    let ran = device.run("nas", &["cloud", "sync"]);
    assert!(ran.code != Some(0) && ran.stderr.contains("may not reach"), "{ran}");
    assert!(ran.stderr.contains(&evil.url), "{ran}");
    assert_eq!((evil.connections(), api.connections()), (0, 0));

    // A host that was granted gets no credential of another one.
    let grant = ["cloud", "provider", "grant", "notes", &evil.url, "--private-network"];
    device.run("nas", &grant).success();
    let ran = device.run("nas", &["cloud", "sync"]);
    assert!(ran.code != Some(0), "{ran}");
    assert_eq!(evil.connections(), 0);

    let rows = entries(&device.json("nas", &["audit"]));
    let told = told(&rows);
    assert_eq!(
        told,
        ["provider-request denied", &told[1], "provider-grant done", "provider-request denied", &told[4]]
    );
    assert!(told[1].starts_with("sync ") && told[4] == told[1], "{told:?}");
    for (row, code) in [(&rows[0], "E-PLUGIN-020"), (&rows[3], "E-PLUGIN-021")] {
        assert_eq!(text(row, "subject"), evil.url, "{row}");
        assert_eq!(text(row, "provider"), "notes", "{row}");
        assert_eq!(text(row, "tenant"), "nas", "{row}");
        assert_eq!(text(row, "code"), code, "{row}");
        assert_eq!(text(row, "who"), "tenants.nas", "{row}");
    }
    assert_eq!(text(&rows[2], "subject"), evil.url);
    Canaries(vec![ACCESS, REFRESH]).are_not_in_files(&device.home());
}

#[test]
fn a58_a_provider_that_asks_without_end_fills_no_trail() {
    let api = Mock::start(|_| Answer::empty(200));
    let device = hostile(&api, "do = \"send-without-end\"\nurl = \"https://evil.example\"\n");
    assert_ne!(device.run("nas", &["cloud", "sync"]).code, Some(0));
    let rows = entries(&device.json("nas", &["audit"]));
    assert_eq!(told(&rows), ["provider-request denied", "sync failed"]);
}

#[test]
fn p51_each_tenant_has_audit_rows_of_its_own() {
    let servers = [Server::start(), Server::start()];
    let [mine, acme] = &servers;
    let tenant = format!("[tenants.acme]\nprovider = \"orkee-cloud\"\napi_url = \"{}\"\n", acme.url);
    let device = TenantDevice::new(&format!("[cloud]\napi_url = \"{}\"\n{tenant}", mine.url));
    for (tenant, server) in [("", mine), ("acme", acme), ("", mine)] {
        device.feed(tenant, &["cloud", "login", "--with-token"], &server.token()).success();
        device.run(tenant, &["cloud", "sync"]).success();
    }
    device.run("", &["cloud", "logout", "--tenant", "acme"]).success();
    let rows = |tenant: &str| entries(&device.json(tenant, &["audit"]));
    assert_eq!(told(&rows("")), ["login done", "sync done", "login done", "sync done"]);
    assert_eq!(told(&rows("acme")), ["login done", "sync done", "logout done"]);
    assert!(rows("").iter().all(|row| row["tenant"].is_null()));
    assert!(rows("acme").iter().all(|row| row["tenant"] == "acme"));
    let authority = |server: &Server| server.url.trim_start_matches("http://").to_owned();
    assert_eq!(text(&rows("")[0], "subject"), authority(mine));
    assert_eq!(text(&rows("acme")[0], "subject"), authority(acme));
    let trails = device.json("", &["audit", "verify"])["trails"].clone();
    let tenants: Vec<_> = trails.as_array().unwrap().iter().map(|trail| trail["tenant"].clone()).collect();
    assert_eq!(tenants, [Value::Null, "acme".into()]);
}

#[test]
fn what_is_done_with_providers_leaves_rows() {
    let home = Home::new();
    let first = provider::file(&home, "one.wasm", &guests::manifest("notes", "1", ""));
    provider::install(&home, &first);
    let second = provider::file(&home, "two.wasm", &guests::manifest("notes", "2", ""));
    let second = second.to_str().unwrap();
    provider::run(&home, &["update", "notes", second]).exits(2);
    provider::run(&home, &["update", "notes", second, "--yes"]).success();
    provider::run(&home, &["rollback", "notes"]).success();
    provider::run(&home, &["grant", "notes", "https://a.example"]).success();
    provider::run(&home, &["grant", "notes", "https://a.example"]).success();
    provider::run(&home, &["revoke", "notes"]).success();
    provider::run(&home, &["remove", "notes", "--yes"]).success();
    let rows = entries(&home.json(["audit"]));
    let expected = [
        ("provider-install", "done", "1, sha256 "),
        ("provider-update", "denied", "2, sha256 "),
        ("provider-update", "done", "2, sha256 "),
        ("provider-rollback", "done", "1, sha256 "),
        ("provider-grant", "done", "https://a.example"),
        ("provider-revoke", "done", "https://a.example"),
        ("provider-remove", "done", "0 sign-ins"),
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, (action, outcome, subject)) in rows.iter().zip(expected) {
        assert_eq!((text(row, "action"), text(row, "outcome")), (action, outcome));
        assert!(text(row, "subject").starts_with(subject), "{row}");
        assert_eq!(text(row, "provider"), "notes", "{row}");
    }
}

/// A device with three rows.
fn with_rows() -> Home {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &guests::manifest("notes", "1", "")));
    provider::run(&home, &["grant", "notes", "https://a.example"]).success();
    provider::run(&home, &["revoke", "notes"]).success();
    home
}

#[test]
fn verify_finds_rows_that_were_changed_or_taken_out_and_so_does_doctor() {
    let home = with_rows();
    let ran = home.run(["audit", "verify"]).success();
    assert!(ran.stdout.contains("as they were written: 3"), "{ran}");
    let verified = home.json(["audit", "verify"]);
    assert_eq!(verified["intact"], true);
    assert_eq!(verified["trails"][0]["newest"], 3);
    home.run(["doctor"]).success();
    for (sql, says) in [
        ("UPDATE audit SET subject = 'https://b.example' WHERE number = 2", "row 2"),
        ("DELETE FROM audit WHERE number = 3", "missing: row 3"),
    ] {
        let database = rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();
        database.execute(sql, []).unwrap();
        drop(database);
        let ran = home.run(["audit", "verify"]).exits(1).says("hint: ");
        assert!(ran.stdout.contains(says), "{ran}");
        assert_eq!(home.run(["audit", "verify", "--json"]).exits(1).json()["intact"], false);
        let ran = home.run(["doctor"]).exits(1).shows("orkee audit verify");
        assert!(ran.stdout.contains(says), "{ran}");
    }
}

#[test]
fn rows_are_shown_newest_first_from_a_moment_on_and_no_more_than_asked_for() {
    let home = with_rows();
    let document = home.json(["audit", "--limit", "2"]);
    assert_eq!(document["more"], true);
    let numbers: Vec<_> =
        document["entries"].as_array().unwrap().iter().map(|row| row["number"].clone()).collect();
    assert_eq!(numbers, [3, 2]);
    let ran = home.run(["audit", "--limit", "2"]).success().says("--limit 20");
    assert_eq!(ran.stdout.lines().count(), 2, "{ran}");
    assert!(ran.stdout.contains("this device"), "{ran}");
    assert_eq!(home.json(["audit", "--since", "1h ago"])["entries"].as_array().unwrap().len(), 3);
    let nothing = home.run(["audit", "--since", "1 second ago", "--json"]).success().json();
    assert!(nothing["entries"].as_array().unwrap().len() <= 3);
    home.run(["audit", "--since", "soon"]).fails(2, "E-CLI-001");
    home.run(["audit", "--limit", "0"]).exits(2);
}

#[test]
fn c77_d45_undo_locks_and_what_doctor_mended_leave_rows_and_so_does_what_was_refused() {
    let server = Server::start();
    let mut device = Home::new();
    let runtime = device.folder("runtime");
    std::fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    device.set("ORKEE_CLOUD_API_URL", &server.url).set("ORKEE_CLOUD_TOKEN", server.token());
    device.set("XDG_RUNTIME_DIR", &runtime).set("ORKEE_PASSPHRASE", "orkee_canary_phrase one two");
    let id = device.add("shop");
    device.run(["cloud", "sync"]).success();
    let file = device.file("export.json", device.ok(["projects", "export"]));
    device.run(["projects", "edit", &id, "--description", "new"]).success();
    let import = ["projects", "import", file.to_str().unwrap(), "--on-conflict", "replace"];
    device.run(import).success();
    device.run(["undo"]).success();
    std::fs::write(device.orkee().join(".orkee-0123456789abcdef.part"), "").unwrap();
    device.run(["doctor", "--fix"]).success();
    let rows = entries(&device.json(["audit"]));
    assert_eq!(told(&rows), ["sync done", "undo done", "doctor-fix done"]);
    assert_eq!(text(&rows[1], "subject"), "projects import: 1 project");
    device.run(["cloud", "key", "unlock"]).exits(2);
    let rows = entries(&device.json(["audit"]));
    let last = rows.last().unwrap();
    assert_eq!((text(last, "action"), text(last, "outcome")), ("key-unlock", "failed"), "{last}");
    Canaries(vec!["orkee_canary_phrase"]).are_not_in_files(&device.orkee());
    device.run(["audit", "verify"]).success();
}

#[test]
fn d46_rows_of_some_actions_alone_are_shown_and_a_word_that_is_none_is_told_with_all_that_there_are() {
    let home = with_rows();
    let of = |actions: &str| told(&entries(&home.json(["audit", "--action", actions])));
    assert_eq!(of("provider-grant"), ["provider-grant done"]);
    assert_eq!(of("provider-install,provider-revoke"), ["provider-install done", "provider-revoke done"]);
    assert_eq!(of("login"), Vec::<String>::new());
    let limited = home.json(["audit", "--action", "provider-install", "--limit", "1"]);
    assert_eq!(limited["more"], false, "what is not shown does not count: {limited}");
    let ran = home.run(["audit", "--action", "longin"]).exits(2).says("longin").says("provider-grant");
    assert_eq!(ran.stdout, "");
}

#[test]
fn c78_d47_rows_that_were_changed_put_in_or_taken_away_are_noticed_at_the_end_by_a_hash_that_was_kept() {
    let home = with_rows();
    let newest = home.json(["audit", "verify"])["trails"][0]["hash"].as_str().unwrap().to_owned();
    let verify = |hash: &str| home.run(["audit", "verify", "--json", "--hash", hash]);
    assert_eq!(verify(&newest).success().json()["hash_found"], true);
    provider::run(&home, &["grant", "notes", "https://b.example"]).success();
    assert_eq!(verify(&newest).success().json()["hash_found"], true, "it is in the middle by now");
    let database = || rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();

    let row = "INSERT INTO audit (tenant, number, at, action, outcome, hash) \
               VALUES ('', 9, '2026-01-01T00:00:00Z', 'login', 'done', zeroblob(32))";
    database().execute(row, []).unwrap();
    let ran = home.run(["audit", "verify"]).exits(1);
    assert!(ran.stdout.contains("never written: ") || ran.stdout.contains("missing: "), "{ran}");
    database().execute("DELETE FROM audit WHERE number = 9", []).unwrap();
    home.run(["audit", "verify"]).success();

    // Whoever takes the newest rows away, and sets the end back, is seen by nobody but who kept a hash.
    let cut = "DELETE FROM audit WHERE number > 2; \
               UPDATE audit_chains SET newest = 2, hash = (SELECT hash FROM audit WHERE number = 2)";
    database().execute_batch(cut).unwrap();
    home.run(["audit", "verify"]).success();
    let found = verify(&newest).exits(1).json();
    assert_eq!((&found["intact"], &found["hash_found"]), (&false.into(), &false.into()));
    let ran = home.run(["audit", "verify", "--hash", &newest]).exits(1);
    assert!(ran.stdout.contains("No row has the hash that was written down"), "{ran}");
    for nonsense in ["", "5f0c", &"g".repeat(64), &"é".repeat(32)] {
        home.run(["audit", "verify", "--hash", nonsense]).exits(2);
    }
}

#[test]
fn a_build_without_cloud_shows_and_verifies_the_trail() {
    let home = with_rows();
    for args in [&["audit"][..], &["audit", "verify"], &["doctor"]] {
        let mut command = std::process::Command::new(orkee_tests::binaries::path("orkee-local"));
        home.settle(command.args(args));
        let ran = finish(command, &[]).success();
        assert!(!ran.stdout.is_empty(), "{ran}");
    }
}

#[test]
fn c77_a_trail_that_cannot_be_written_fails_no_command_and_is_told() {
    let home = with_rows();
    let database = rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ran = provider::run(&home, &["grant", "notes", "https://a.example"]).success();
    let ran = ran.says("not written into the audit trail: ");
    assert!(ran.stdout.contains("may now reach"), "{ran}");
    drop(database);
    assert_eq!(entries(&home.json(["audit"])).len(), 3);
}

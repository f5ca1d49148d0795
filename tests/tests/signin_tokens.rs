//! Tokens after the sign-in: refreshed once, by one process, and never lost to somebody else's failure; handed back at logout.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::mock::{Answer, Mock, Request, metadata, tokens};
use orkee_tests::op::Op;
use orkee_tests::server::Server;
use orkee_tests::wait;
use rustix::process::{Pid, Signal, kill_process};

/// A server whose refresh tokens are good once, and which forgets everything when one comes twice.
fn rotating() -> Mock {
    let good = Arc::new(Mutex::new(Some("orkee_refresh_0".to_owned())));
    let issued = AtomicUsize::new(1);
    Mock::authorization_server(move |request| {
        if request.target == "/v1/projects" || request.target.starts_with("/v1/projects?") {
            let fresh =
                request.header("authorization").is_some_and(|a| a.starts_with("Bearer orkee_access_"));
            return Some(if fresh { no_projects() } else { unauthorized() });
        }
        if request.target != "/oauth/token" {
            return None;
        }
        let mut good = good.lock().unwrap();
        if request.field("refresh_token") != *good {
            *good = None;
            return Some(invalid_grant());
        }
        let n = issued.fetch_add(1, Ordering::SeqCst);
        *good = Some(format!("orkee_refresh_{n}"));
        Some(Answer::json(200, &tokens(n)))
    })
}

fn no_projects() -> Answer {
    Answer::json(200, &serde_json::json!({"projects": [], "next": null}))
}

fn unauthorized() -> Answer {
    let error = serde_json::json!({"code": "unauthorized", "message": "sign in", "request_id": "r"});
    Answer::json(401, &serde_json::json!({ "error": error }))
}

fn invalid_grant() -> Answer {
    Answer::json(400, &serde_json::json!({"error": "invalid_grant"}))
}

fn refreshes(server: &Mock) -> usize {
    server.requests_for("/oauth/token").len()
}

/// A server that answers the token endpoint so, and is correct otherwise.
fn token_endpoint(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Mock {
    Mock::authorization_server(move |request| (request.target == "/oauth/token").then(|| answer(request)))
}

fn start(device: &Device, args: &[&str]) -> Child {
    device.orkee(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a33_odd_lifetimes_are_taken_and_an_absent_one_leaves_it_to_the_server() {
    for odd in [serde_json::Value::Null, 0.into(), (-5).into(), "soon".into(), 1_000_000_000_000_i64.into()] {
        let server = token_endpoint(move |_| {
            let mut reply = tokens(1);
            reply["expires_in"] = odd.clone();
            Answer::json(200, &reply)
        });
        let device = Device::new(&server.url);
        device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
        assert_eq!(device.run(&["cloud", "token"]).success().stdout, "orkee_access_1\n");
        assert!(!device.auth_toml().unwrap().contains("expires_at"));
        assert_eq!(device.run(&["cloud", "token"]).success().stdout, "orkee_access_1\n");
        assert_eq!(refreshes(&server), 1);
    }
}

#[test]
fn a34_twenty_processes_refresh_once() {
    let server = rotating();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", 60, Some("orkee_refresh_0")));
    let running: Vec<Child> = (0..20).map(|_| start(&device, &["cloud", "list"])).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(refreshes(&server), 1);
}

#[test]
fn a34_a_provider_that_ends_the_login_at_reuse_sees_one_refresh() {
    let op = Op::with_token_ttl(60);
    let device = Device::new(&op.url);
    device.login(&op.person());
    let before = op.token_requests();
    let running: Vec<Child> = (0..8).map(|_| start(&device, &["cloud", "token"])).collect();
    let printed: Vec<String> = running
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    // A token that lives for 60 s is renewed by each process that does not find it brought by another a moment ago; what matters is
    // that none of them spent a refresh token twice, so that the login still stands.
    assert!(printed.iter().all(|token| token.len() > 10), "{printed:?}");
    assert!(op.token_requests() > before);
    device.run(&["cloud", "login", "--refresh-token"]).success();
}

#[test]
fn a_token_that_the_api_refuses_is_refreshed_once_and_used() {
    let server = rotating();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_revoked", 3600, Some("orkee_refresh_0")));
    device.run(&["cloud", "list"]).success();
    assert_eq!(refreshes(&server), 1);
    device.run(&["cloud", "list"]).success();
    assert_eq!(refreshes(&server), 1);
}

#[test]
fn a35_a_lock_that_a_stopped_process_holds_is_waited_for_and_then_given_up_by_name() {
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let server = token_endpoint(move |_| {
        // Nothing is answered before the test ends.
        let _ = held.lock().unwrap().recv();
        Answer::empty(503)
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
    let mut holder = start(&device, &["cloud", "token"]);
    wait::until("the refresh", || (refreshes(&server) == 1).then_some(()));
    kill_process(Pid::from_child(&holder), Signal::STOP).unwrap();

    let ran = device.run(&["cloud", "token"]).fails(7, "E-AUTH-023");
    let name = format!("process {}", holder.id());
    assert_eq!(ran.stderr.matches(&format!("waiting for {name}")).count(), 1, "{ran}");
    ran.says(&format!("locked by {name}"));
    assert_eq!(refreshes(&server), 1);
    holder.kill().unwrap();
    holder.wait().unwrap();
    drop(gate);
}

#[test]
fn a36_a_token_that_a_sibling_brought_meanwhile_is_used_without_a_request() {
    let server = rotating();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
    let lock = File::create(device.home().join("auth.lock")).unwrap();
    lock.lock().unwrap();
    let mut child = start(&device, &["cloud", "token"]);
    let mut told = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut told).unwrap();
    assert!(told.contains("waiting for another process"), "{told}");
    device.write_auth(&device.section("orkee_access_9", 3600, Some("orkee_refresh_9")));
    drop(lock);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "orkee_access_9\n");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a37_a_login_that_the_server_ended_loses_its_tokens_and_keeps_the_rest() {
    let server = token_endpoint(|_| invalid_grant());
    let device = Device::new(&server.url);
    let section = device.section("orkee_old", -10, Some("orkee_refresh_0"));
    device.write_auth(&format!("{section}account = \"john@example.com\"\n"));
    device.run(&["cloud", "token"]).fails(4, "E-AUTH-001").says("orkee cloud login");
    let left = device.auth_toml().unwrap();
    assert!(!left.contains("orkee_old") && !left.contains("orkee_refresh_0"), "{left}");
    assert!(left.contains("account = \"john@example.com\"") && left.contains("issuer = "), "{left}");
    device.run(&["cloud", "token"]).fails(4, "E-AUTH-001");
    assert_eq!(refreshes(&server), 1);
}

#[test]
fn a37_failures_of_the_server_or_on_the_way_leave_the_login_as_it_is() {
    for status in [500, 502, 503, 429] {
        let server =
            token_endpoint(move |_| Answer::json(status, &serde_json::json!({"error": "invalid_grant"})));
        let device = Device::new(&server.url);
        device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
        let before = device.auth_toml();
        device.run(&["cloud", "token"]).exits(6).says(&status.to_string());
        assert_eq!(device.auth_toml(), before);
    }
    let nobody = Device::new("http://127.0.0.1:1");
    nobody.write_auth(&nobody.section("orkee_old", -10, Some("orkee_refresh_0")));
    let before = nobody.auth_toml();
    nobody.run(&["cloud", "token"]).exits(6);
    assert_eq!(nobody.auth_toml(), before);
}

#[test]
fn a37_a_refresh_token_that_somebody_put_there_meanwhile_is_tried_before_giving_up() {
    let device_cell: Arc<Mutex<Option<(std::path::PathBuf, String)>>> = Arc::default();
    let cell = Arc::clone(&device_cell);
    let server = token_endpoint(move |request| {
        if request.field("refresh_token").as_deref() == Some("orkee_refresh_new") {
            return Answer::json(200, &tokens(7));
        }
        let (path, text) = cell.lock().unwrap().clone().unwrap();
        std::fs::write(path, text).unwrap();
        invalid_grant()
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_old")));
    let put = device.section("orkee_old", -10, Some("orkee_refresh_new"));
    *device_cell.lock().unwrap() = Some((device.home().join("auth.toml"), put));
    assert_eq!(device.run(&["cloud", "token"]).success().stdout, "orkee_access_7\n");
    assert_eq!(refreshes(&server), 2);
}

#[test]
fn a38_a_reply_without_a_refresh_token_keeps_the_old_one_and_one_with_it_replaces_it() {
    let server = token_endpoint(|request| {
        let old = request.field("refresh_token").unwrap();
        let mut reply = tokens(2);
        if old == "orkee_refresh_0" {
            reply.as_object_mut().unwrap().remove("refresh_token");
        }
        Answer::json(200, &reply)
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
    device.run(&["cloud", "token"]).success();
    let kept = device.auth_toml().unwrap();
    assert!(kept.contains("orkee_refresh_0") && kept.contains("orkee_access_2"), "{kept}");

    device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_1")));
    device.run(&["cloud", "token"]).success();
    let replaced = device.auth_toml().unwrap();
    assert!(replaced.contains("orkee_refresh_2") && !replaced.contains("orkee_refresh_1"), "{replaced}");
}

#[test]
fn a39_a_refresh_that_was_killed_leaves_a_whole_file_and_is_told() {
    let (arrived, arrival) = std::sync::mpsc::channel();
    let calls = AtomicUsize::new(0);
    let server = token_endpoint(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            // The token is spent; the answer never comes.
            arrived.send(()).unwrap();
            std::thread::park();
        }
        invalid_grant()
    });
    let device = Device::new(&server.url);
    let section = device.section("orkee_old", -10, Some("orkee_refresh_0"));
    device.write_auth(&section);
    let mut child = start(&device, &["cloud", "token"]);
    arrival.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(device.auth_toml().unwrap(), section);
    device.run(&["cloud", "token"]).fails(4, "E-AUTH-004").says("interrupted at").says("orkee cloud login");
    assert!(!device.files().iter().any(|name| name.ends_with(".new")), "{:?}", device.files());
}

#[test]
fn a40_a_folder_that_cannot_be_written_stops_the_refresh_before_it_is_sent() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        // Permissions do not stop root: a folder in the place of the new file does.
        let server = rotating();
        let device = Device::new(&server.url);
        device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
        std::fs::create_dir(device.home().join("auth.toml.new")).unwrap();
        device.run(&["cloud", "token"]).fails(7, "E-AUTH-022");
        assert_eq!(refreshes(&server), 0);
        return;
    }
    let server = rotating();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
    std::fs::set_permissions(device.home(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let ran = device.run(&["cloud", "token"]);
    std::fs::set_permissions(device.home(), std::fs::Permissions::from_mode(0o700)).unwrap();
    ran.fails(7, "E-AUTH-022");
    assert_eq!(refreshes(&server), 0);
}

#[test]
fn a45_logout_hands_both_tokens_back_and_forgets_them() {
    let server = Mock::authorization_server(|_| None);
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_access", 3600, Some("orkee_refresh")));
    device.run(&["cloud", "logout"]).success();
    let revoked: Vec<_> =
        server.requests_for("/oauth/revoke").iter().map(|request| request.field("token").unwrap()).collect();
    assert_eq!(revoked, ["orkee_refresh", "orkee_access"]);
    assert_eq!(device.auth_toml(), None);
    let again = device.run(&["cloud", "logout"]).success();
    assert!(again.stdout.contains("Not logged in"), "{again}");
}

#[test]
fn a45_logout_removes_its_own_section_alone() {
    let server = Mock::authorization_server(|_| None);
    let device = Device::new(&server.url);
    let section = device.section("orkee_access", 3600, Some("orkee_refresh"));
    device.write_auth(&format!("# mine\n{section}\n[tenants.acme]\ntoken = \"theirs\"\n"));
    device.run(&["cloud", "logout"]).success();
    let left = device.auth_toml().unwrap();
    assert!(left.contains("[tenants.acme]\ntoken = \"theirs\"") && !left.contains("orkee_access"), "{left}");
    assert_eq!(device.auth_mode(), 0o600);
    device.run(&["cloud", "logout", "--all"]).success();
    assert_eq!(device.auth_toml(), None);
}

#[test]
fn a45_logout_works_without_the_server_and_says_so() {
    let device = Device::new("http://127.0.0.1:1");
    device.write_auth(&device.section("orkee_access", 3600, Some("orkee_refresh")));
    let mut command = device.orkee(&["cloud", "logout"]);
    command.env("ORKEE_CLOUD_TOKEN", "orkee_environment");
    let ran = finish(command, &[]).success().says("warning").says("ORKEE_CLOUD_TOKEN is still set");
    assert!(!ran.stderr.contains("orkee_environment"), "{ran}");
    assert_eq!(device.auth_toml(), None);
}

#[test]
fn a45_after_logout_the_real_servers_take_the_old_tokens_no_more() {
    let op = Op::start();
    let server = Server::start();
    for (url, person) in [(&op.url, op.person()), (&server.url, server.person())] {
        let device = Device::new(url);
        device.login(&person);
        let old = device.auth_toml().unwrap();
        device.run(&["cloud", "status"]).success();
        device.run(&["cloud", "logout"]).success();
        device.write_auth(&old);
        device.run(&["cloud", "status"]).exits(4);
        device.run(&["cloud", "login", "--refresh-token"]).exits(4);
    }
}

#[test]
fn a46_a_refresh_without_a_refresh_token_names_login() {
    let server = rotating();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", 3600, None));
    device.run(&["cloud", "login", "--refresh-token"]).fails(4, "E-AUTH-001").says("orkee cloud login");
    assert_eq!(refreshes(&server), 0);
}

#[test]
fn a47_environments_have_sections_of_their_own_and_a_token_stays_with_its_origin() {
    let (one, two) = (Mock::authorization_server(|_| None), Mock::authorization_server(|_| None));
    let device = Device::new(&one.url);
    let sign_in = |args: &[&str], url: &str| {
        let mut command = device.orkee(&["cloud", "login"]);
        command.args(args).env("ORKEE_CLOUD_API_URL", url);
        let login = device.begin(command);
        let answer = [("code", "a"), ("state", &*login.parameter("state")), ("iss", url)];
        orkee_tests::http::get(&login.callback(&answer), &[]).unwrap();
        orkee_tests::http::get(&login.callback(&[]).join("/done").unwrap(), &[]).unwrap();
        login.finish().success();
    };
    sign_in(&[], &one.url);
    sign_in(&["--env", "development"], &two.url);
    let text = device.auth_toml().unwrap();
    assert!(text.contains("[orkee_cloud]") && text.contains("[environments.development]"), "{text}");
    for url in [&one.url, &two.url] {
        assert!(text.contains(&format!("issuer = \"{url}\"")), "{text}");
        let mut command = device.orkee(&["cloud", "token"]);
        command.env("ORKEE_CLOUD_API_URL", url);
        finish(command, &[]).success();
    }
    let mut command = device.orkee(&["cloud", "token"]);
    command.env("ORKEE_CLOUD_API_URL", "http://127.0.0.1:1");
    finish(command, &[]).fails(4, "E-AUTH-003");
    assert_eq!(metadata(&one.url)["issuer"], one.url.as_str());
}

#[test]
fn a59_a_token_of_the_environment_wins_is_said_and_is_never_written() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let with = |token: &str, args: &[&str]| {
        let mut command = device.orkee(args);
        command.env("ORKEE_CLOUD_TOKEN", token);
        finish(command, &[])
    };
    let token = server.token();
    let status = with(&token, &["cloud", "status"]).success().says("using the token of ORKEE_CLOUD_TOKEN");
    assert!(status.stdout.contains("✓ Account: john@example.com"), "{status}");
    assert!(status.stdout.contains("Token from: ORKEE_CLOUD_TOKEN"), "{status}");
    assert_eq!(device.auth_toml(), None);
    with("", &["cloud", "token"]).fails(4, "E-AUTH-001");
    for bad in ["canary\nx", "can ary", " canary"] {
        let ran = with(bad, &["cloud", "status"]).exits(2);
        assert!(!ran.stderr.contains("canary") && !ran.stderr.contains("can ary"), "{ran}");
    }
    with("orkee_canary", &["cloud", "list"]).exits(4);
}

#[test]
fn a_token_on_standard_input_is_kept_once_the_server_took_it() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let ran = finish(device.orkee(&["cloud", "login", "--with-token"]), b"orkee_wrong\n");
    ran.exits(4);
    assert_eq!(device.auth_toml(), None);
    let token = format!("{}\n", server.token());
    let ran = finish(device.orkee(&["cloud", "login", "--with-token", "--json"]), token.as_bytes()).success();
    assert_eq!(ran.json()["account"], "john@example.com");
    assert!(device.auth_toml().unwrap().contains(token.trim()));
    assert_eq!(device.auth_mode(), 0o600);
    device.run(&["cloud", "status"]).success();
}

//! No secret in anything that is printed, logged, stored beside the token file or handed to another process.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::mock::{Answer, Mock, Request};
use orkee_tests::{binaries, trace};
use rustix::process::{Pid, Signal, kill_process};

const ACCESS: &str = "orkee_canary_access_3f9c1b";
const REFRESH: &str = "orkee_refresh_canary_77ab02";

fn canaries_of_a_login() -> Canaries {
    Canaries(vec![ACCESS, REFRESH])
}

#[track_caller]
fn is_clean(what: &str, bytes: &[u8]) {
    canaries_of_a_login().are_not_in(what, bytes);
}

#[track_caller]
fn files_are_clean(folder: &Path) {
    canaries_of_a_login().are_not_in_files(folder);
}

#[track_caller]
fn ran_clean(ran: Ran) -> Ran {
    canaries_of_a_login().are_not_printed(ran)
}

/// A command that says all it can.
fn loud(device: &Device, args: &[&str]) -> Command {
    let mut command = device.orkee(args);
    command.arg("-vvv").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    command
}

fn canaries(with: serde_json::Value) -> serde_json::Value {
    let mut reply =
        serde_json::json!({"access_token": ACCESS, "token_type": "Bearer", "refresh_token": REFRESH});
    reply.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    reply
}

fn server(token: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Mock {
    Mock::authorization_server(move |request| (request.target == "/oauth/token").then(|| token(request)))
}

#[test]
fn a55_a_login_a_sync_and_a_logout_leave_no_secret_anywhere_however_loud() {
    let server = server(|_| Answer::json(200, &canaries(serde_json::json!({"expires_in": 3600}))));
    let device = Device::new(&server.url);
    finish(device.orkee(&["projects", "add", "--name", "shop"]), &[]).success();
    let login = device.begin(loud(&device, &["cloud", "login"]));
    let answer = [("code", "a"), ("state", &*login.parameter("state")), ("iss", &server.url)];
    orkee_tests::http::get(&login.callback(&answer), &[]).unwrap();
    orkee_tests::http::get(&login.callback(&[]).join("/done").unwrap(), &[]).unwrap();
    ran_clean(login.finish().success());
    assert!(device.auth_toml().unwrap().contains(ACCESS));
    for args in [
        &["cloud", "status"][..],
        &["cloud", "status", "--json"],
        &["cloud", "list"],
        &["cloud", "sync"],
        &["cloud", "login", "--refresh-token"],
        &["projects", "export"],
        &["cloud", "logout"],
    ] {
        let ran = finish(loud(&device, args), &[]);
        assert!(ran.code.is_some_and(|code| code < 100), "{ran}");
        ran_clean(ran);
        files_are_clean(&device.home());
    }
}

#[test]
fn a55_errors_about_tokens_do_not_repeat_them() {
    type Reply = fn() -> Answer;
    let replies: [(&str, Reply); 8] = [
        ("a wrong type", || Answer::json(200, &canaries(serde_json::json!({"token_type": 5})))),
        ("no type", || {
            Answer::json(200, &serde_json::json!({"access_token": ACCESS, "refresh_token": REFRESH}))
        }),
        ("cut off", || Answer {
            body: format!("{{\"access_token\": \"{ACCESS}\", \"refr"),
            ..Answer::json(200, &().into())
        }),
        ("not JSON", || Answer {
            status: 200,
            headers: vec![("Content-Type", "text/html".to_owned())],
            body: ACCESS.to_owned(),
        }),
        ("an odd content type", || Answer {
            status: 200,
            headers: vec![("Content-Type", ACCESS.to_owned())],
            body: "{}".to_owned(),
        }),
        ("a line break in the token", || {
            Answer::json(
                200,
                &serde_json::json!({"access_token": format!("{ACCESS}\n"), "token_type": "Bearer"}),
            )
        }),
        ("an error that is no error", || Answer::json(400, &serde_json::json!({"error": [ACCESS]}))),
        ("a server's failure", || Answer { status: 500, headers: vec![], body: ACCESS.to_owned() }),
    ];
    for (what, reply) in replies {
        let server = server(move |_| reply());
        let device = Device::new(&server.url);
        device.write_auth(&device.section("orkee_old", -10, Some(REFRESH)));
        for json in [false, true] {
            let mut command = loud(&device, &["cloud", "token"]);
            if json {
                command.arg("--json");
            }
            let ran = ran_clean(finish(command, &[]));
            assert!(matches!(ran.code, Some(4 | 6)), "{what}: {ran}");
        }
        files_are_clean(&device.home());
    }
}

#[test]
fn a55_tokens_that_are_handed_in_are_not_repeated_when_they_are_refused() {
    let server = Mock::start(|_| {
        let error = serde_json::json!({"code": "unauthorized", "message": format!("not {ACCESS}"), "request_id": "r"});
        Answer::json(401, &serde_json::json!({ "error": error }))
    });
    let device = Device::new(&server.url);
    for args in [&["cloud", "list"][..], &["cloud", "sync"], &["cloud", "status"]] {
        let mut command = loud(&device, args);
        command.env("ORKEE_CLOUD_TOKEN", ACCESS);
        ran_clean(finish(command, &[]).exits(4));
    }
    let given = format!("{ACCESS}\nx");
    ran_clean(finish(loud(&device, &["cloud", "login", "--with-token"]), given.as_bytes()).exits(2));
    ran_clean(finish(loud(&device, &["cloud", "login", "--with-token"]), ACCESS.as_bytes()).exits(4));
    files_are_clean(&device.home());
}

#[test]
fn a56_neither_a_childs_environment_nor_a_command_line_holds_a_secret() {
    let server = server(|_| Answer::json(200, &canaries(serde_json::json!({}))));
    let device = Device::new(&server.url);
    device.write_auth(&device.section(ACCESS, 3600, Some(REFRESH)));
    let mut command = device.orkee(&["cloud", "login"]);
    command.env("ORKEE_CLOUD_TOKEN", ACCESS);
    let mut login = device.begin(command);
    let environment = login.environment.to_string();
    assert!(environment.contains("ORKEE_HOME"), "{environment}");
    assert!(!environment.contains("ORKEE_CLOUD_TOKEN"), "{environment}");
    is_clean("the browser's environment", environment.as_bytes());
    is_clean("the authorize URL", login.authorize().as_str().as_bytes());
    let command_line = std::fs::read(format!("/proc/{}/cmdline", login.child.id())).unwrap();
    is_clean("the command line", &command_line);
    login.child.kill().unwrap();
}

#[test]
fn a57_a_process_with_tokens_leaves_no_core_and_cannot_be_watched() {
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = server(move |_| {
        let _ = held.lock().unwrap().recv();
        Answer::empty(503)
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some(REFRESH)));
    let mut child = device.orkee(&["cloud", "token"]).spawn().unwrap();
    orkee_tests::wait::until("the refresh", || {
        (!server.requests_for("/oauth/token").is_empty()).then_some(())
    });
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"]);
    // The kernel hands what belongs to a process that is not dumpable to root.
    let owner = std::os::unix::fs::MetadataExt::uid(
        &std::fs::metadata(format!("/proc/{}/environ", child.id())).unwrap(),
    );
    assert_eq!(owner, 0);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(gate);
}

/// A user whose processes are not root's. None where this test is run by one already.
const NOBODY: u32 = 65534;

/// `orkee cloud token` in the middle of a refresh that never ends, by a user who is not root.
fn refreshing_as_nobody(device: &Device, server: &Mock) -> Child {
    device.write_auth(&device.section("orkee_old", -10, Some(REFRESH)));
    // Where nobody may look, nobody finds the program either.
    let program = device.path("orkee");
    std::fs::copy(binaries::orkee(), &program).unwrap();
    let like = device.orkee(&["cloud", "token"]);
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -c unlimited; exec \"$0\" cloud token"]).arg(&program).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(device.path("")).stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        let own = |path: &Path| std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        let home = device.home();
        [&device.path(""), &home, &home.join("auth.toml"), &program].into_iter().for_each(|path| own(path));
    }
    let child = as_nobody(&mut command).spawn().unwrap();
    let asked = || (!server.requests_for("/oauth/token").is_empty()).then_some(());
    orkee_tests::wait::until("the refresh", asked);
    child
}

fn as_nobody(command: &mut Command) -> &mut Command {
    match rustix::process::geteuid().is_root() {
        true => command.uid(NOBODY).gid(NOBODY),
        false => command,
    }
}

/// A server whose token endpoint says nothing until the sender is dropped.
fn silent() -> (std::sync::mpsc::Sender<()>, Mock) {
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = server(move |_| {
        let _ = held.lock().unwrap().recv();
        Answer::empty(503)
    });
    (gate, server)
}

#[test]
fn a57_a_crash_leaves_no_core_file_where_others_leave_one() {
    let (gate, server) = silent();
    let device = Device::new(&server.url);
    let mut child = refreshing_as_nobody(&device, &server);
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
    let names = || std::fs::read_dir(device.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(
        !names().any(|name| name.to_string_lossy().contains("core")),
        "{:?}",
        names().collect::<Vec<_>>()
    );
    // Whether the same system dumps a process that does not forbid it.
    let mut other = Command::new("bash");
    other.args(["-c", "ulimit -c unlimited; kill -ABRT $$"]).current_dir(device.path(""));
    if !as_nobody(&mut other).status().unwrap().core_dumped() {
        println!("this system leaves no core files at all");
    }
    drop(gate);
}

#[test]
fn a57_no_process_of_the_same_user_may_attach_or_look_inside() {
    let (gate, server) = silent();
    let device = Device::new(&server.url);
    let mut child = refreshing_as_nobody(&device, &server);
    let mut open = as_nobody(Command::new("sleep").arg("600")).spawn().unwrap();
    let reads = |pid: u32, file: &str| {
        let output = as_nobody(Command::new("cat").arg(format!("/proc/{pid}/{file}"))).output().unwrap();
        output.status.success()
    };
    for file in ["environ", "maps", "auxv"] {
        assert!(reads(open.id(), file) && !reads(child.id(), file), "{file}");
    }
    let attaches = |pid: u32| {
        let mut strace = Command::new("timeout");
        strace.args(["-s", "INT", "2", "strace", "-o", "/dev/null", "-p", &pid.to_string()]);
        String::from_utf8(as_nobody(&mut strace).output().unwrap().stderr).unwrap()
    };
    if trace::is_there() && attaches(open.id()).contains("attached") {
        let said = attaches(child.id());
        assert!(said.contains("not permitted") && !said.contains("attached"), "{said}");
    } else {
        println!("no process may attach to any other here: only that none can look inside was checked");
    }
    for process in [&mut child, &mut open] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    drop(gate);
}

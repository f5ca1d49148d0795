//! No secret in anything that any command says or leaves behind, whatever the server answers, however loud the command is.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::home::{Ran, finish};
use orkee_tests::mock::{Answer, Mock, Request};
use orkee_tests::tenants::TenantDevice;
use orkee_tests::{binaries, wait};

const ACCESS: &str = "orkee_canary_access_3f9c1b";
const REFRESH: &str = "orkee_refresh_canary_77ab02";
/// What the server hands out in the place of the refresh token.
const NEXT: &str = "orkee_refresh_canary_0c41d8";

fn canaries() -> Canaries {
    Canaries(vec![ACCESS, REFRESH, NEXT])
}

/// Every command, with arguments with which it does something. `token` prints the token, which is what it is for.
const COMMANDS: &[&str] = &[
    "audit",
    "audit verify",
    "cloud conflicts",
    "cloud conflicts resolve shop --local",
    "cloud devices",
    "cloud devices revoke x --yes",
    "cloud list --show-devices",
    "cloud login --refresh-token",
    "cloud parked",
    "cloud parked retry",
    "cloud provider dev",
    "cloud provider grant notes https://a.example",
    "cloud provider grants",
    "cloud provider info orkee-cloud",
    "cloud provider install nowhere.wasm --yes",
    "cloud provider list",
    "cloud provider logs",
    "cloud provider new notes --lang rust --bad",
    "cloud provider pack",
    "cloud provider practice --bad",
    "cloud provider remove notes --yes",
    "cloud provider revoke notes",
    "cloud provider rollback notes",
    "cloud provider test nowhere",
    "cloud provider update notes",
    "cloud restore --yes",
    "cloud status",
    "cloud sync",
    "cloud team invite ben@example.com",
    "cloud team join acme",
    "cloud team leave --yes",
    "cloud team remove ben@example.com --yes",
    "cloud team role ben@example.com member",
    "cloud team show",
    "cloud token",
    "completions bash",
    "doctor --fix",
    "help auth",
    "projects add --name another",
    "projects delete another --yes",
    "projects edit shop --description new",
    "projects export",
    "projects history shop",
    "projects import nowhere.json",
    "projects list",
    "projects locate shop .",
    "projects restore another",
    "projects revert shop 1",
    "projects scan .",
    "projects show shop",
    "undo --list",
    "cloud logout",
];

/// The words of every command that has none below it, as the help pages list them.
fn leaves(device: &Device, words: &[String]) -> BTreeSet<String> {
    let args: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
    let page = device.run(&args).success().stdout;
    let list = page.split_once("Commands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap());
    let names =
        list.unwrap_or_default().lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    let own = || BTreeSet::from([words.join(" ")]);
    let below = names.iter().flat_map(|name| leaves(device, &[words, &[(*name).to_owned()]].concat()));
    let mut all: BTreeSet<String> = below.collect();
    if names.is_empty() {
        all.extend(own());
    }
    all
}

#[test]
fn a55_the_commands_that_are_looked_at_are_all_that_there_are() {
    let device = Device::new("http://127.0.0.1:9");
    let known = leaves(&device, &[]);
    assert!(known.len() > 30, "{known:?}");
    let missing: Vec<_> = known
        .iter()
        .filter(|leaf| !COMMANDS.iter().any(|command| format!("{command} ").starts_with(&format!("{leaf} "))))
        .collect();
    assert!(missing.is_empty(), "not looked at: {missing:?}");
}

/// Signed in with marked tokens, of which the access token has expired where `expires_in` is negative.
fn device(server: &Mock, expires_in: i64) -> Device {
    let device = Device::new(&server.url);
    device.run(&["projects", "add", "--name", "shop"]).success();
    device.write_auth(&device.section(ACCESS, expires_in, Some(REFRESH)));
    device
}

/// All that a command says at its loudest; its JSON logs are in the home folder.
fn loud(device: &Device, command: &str, json: bool) -> Ran {
    let words: Vec<&str> = command.split(' ').collect();
    let mut run = device.orkee(&words);
    run.arg("-vvv").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    if json {
        run.arg("--json");
    }
    finish(run, &[])
}

/// Runs every command, and looks into all that it says and leaves behind.
fn look_everywhere(what: &str, server: &Mock, expires_in: i64) {
    let device = device(server, expires_in);
    for command in COMMANDS {
        for json in [false, true] {
            let ran = loud(&device, command, json);
            assert!(ran.code.is_some_and(|code| code < 100), "{what}: {ran}");
            assert!(!ran.stderr.contains("panicked at"), "{what}: {ran}");
            if *command == "cloud token" {
                canaries().are_not_in(what, ran.stderr.as_bytes());
            } else {
                canaries().are_not_printed(ran);
            }
        }
    }
    canaries().are_not_in_files(&device.home());
    canaries().are_not_in("the log", &std::fs::read(device.home().join("logs/orkee.log")).unwrap());
}

/// An authorization server whose tokens are marked, and an API that answers with `api`.
fn server(api: fn(&Request) -> Answer) -> Mock {
    Mock::authorization_server(move |request| match request.target.as_str() {
        "/oauth/token" => {
            let reply = serde_json::json!({
                "access_token": ACCESS, "token_type": "Bearer", "refresh_token": NEXT, "expires_in": 3600,
            });
            Some(Answer::json(200, &reply))
        }
        target if target.starts_with("/v1/") => Some(api(request)),
        _ => None,
    })
}

/// What the client sent, back to it.
fn reflect(request: &Request) -> String {
    format!("{:?} {} {ACCESS} {REFRESH}", request.headers, request.body)
}

#[test]
fn a55_no_command_tells_a_secret_when_the_server_refuses_it() {
    let refusing = server(|request| {
        let error = serde_json::json!({"code": ACCESS, "message": reflect(request), "request_id": REFRESH});
        Answer::json(401, &serde_json::json!({ "error": error }))
    });
    look_everywhere("refused", &refusing, 3600);
}

#[test]
fn a55_no_command_tells_a_secret_when_the_server_fails_and_repeats_it() {
    let failing = server(|request| Answer { status: 500, headers: vec![], body: reflect(request) });
    look_everywhere("failed", &failing, -10);
}

#[test]
fn a55_no_command_tells_a_secret_when_the_token_reply_makes_no_sense() {
    let malformed = Mock::authorization_server(|request| {
        (request.target == "/oauth/token").then(|| Answer {
            status: 200,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: format!("{{\"access_token\": \"{ACCESS}\", \"refresh_token\": [\"{REFRESH}\"], \"expires_in\": {{\"{NEXT}\": 1"),
        })
    });
    look_everywhere("malformed", &malformed, -10);
}

#[test]
fn a55_no_command_tells_a_secret_of_a_token_file_that_is_broken() {
    let server = Mock::authorization_server(|_| None);
    let device = device(&server, 3600);
    device.write_auth(&format!("[orkee_cloud]\ntoken = \"{ACCESS}\nrefresh_token = \"{REFRESH}\"\n"));
    for command in COMMANDS {
        canaries().are_not_printed(loud(&device, command, true));
    }
    canaries().are_not_in_files(&device.home());
}

#[test]
fn a55_a_provider_that_panics_takes_no_secret_along() {
    let api = Mock::start(|_| Answer::empty(200));
    let device = TenantDevice::new(&format!(
        "[tenants.nas]\nprovider = \"notes\"\napi_url = \"{}\"\n[tenants.nas.options]\ndo = \"panic\"\n",
        api.url
    ));
    device.install(
        guests::rogue(),
        "name = \"notes\"\nversion = \"1\"\n[login]\nkind = \"token\"\n[options.do]\n",
    );
    let section = "[tenants.nas]\nkind = \"token\"\nprovider = \"notes\"\n";
    let auth = format!("{section}token = \"{ACCESS}\"\napi_url = \"{0}\"\nissuer = \"{0}\"\n", api.url);
    std::fs::write(device.home().join("auth.toml"), auth).unwrap();
    let mut command = device.orkee("nas", &["cloud", "sync", "-vvv"]);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let ran = canaries().are_not_printed(finish(command, &[]));
    assert!(ran.code != Some(0) && ran.stderr.contains("alert"), "{ran}");
    canaries().are_not_in_files(&device.home());
}

/// Whether a crash of a program that protects itself from nothing would leave a file here.
fn leaves_cores(folder: &Path) -> bool {
    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -c unlimited && sleep 60 & sleep 0.2; kill -ABRT $!; wait $!"]);
    let _ = shell.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    std::fs::read_dir(folder).unwrap().count() > 0
}

#[test]
fn a55_a_crash_in_the_middle_of_a_refresh_leaves_no_file_with_a_secret() {
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = Mock::authorization_server(move |request| {
        (request.target == "/oauth/token").then(|| {
            let _ = held.lock().unwrap().recv();
            Answer::empty(503)
        })
    });
    let device = device(&server, -10);
    let place = device.path("place");
    std::fs::create_dir(&place).unwrap();
    if !leaves_cores(&place) {
        eprintln!("not checked against a core file: this machine keeps none in the current folder");
    }
    let place = device.path("own place");
    std::fs::create_dir(&place).unwrap();
    let orkee = device.orkee(&["cloud", "token", "-vvv"]);
    let mut shell = Command::new("bash");
    shell
        .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
        .arg(binaries::orkee())
        .args(orkee.get_args());
    shell.env_clear().current_dir(&place).env("RUST_LOG", "trace");
    shell.envs(orkee.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait::until("the refresh", || (!server.requests_for("/oauth/token").is_empty()).then_some(()));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-ABRT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(gate);
    assert_eq!(output.status.code(), None, "a signal ended it");
    canaries().are_not_in("standard error", &output.stderr);
    canaries().are_not_in("standard output", &output.stdout);
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "a file was left where it ran");
    canaries().are_not_in_files(&device.home());
}

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

/// `whsec_` and base64 of a secret that webhooks are signed with.
const SIGNING: &str = "whsec_b3JrZWVfY2FuYXJ5X3NpZ25pbmdfMjRfYnl0ZXM=";
/// What goes along with each event, as a secret between the two.
const HEADER: &str = "orkee_canary_header_5d2e";
/// Whoever has the path of a chat's URL can write there.
const CHAT: &str = "orkee_canary_path";

/// What the store keeps, and nothing else may have.
fn of_webhooks() -> Canaries {
    Canaries(vec![SIGNING, "orkee_canary_signing", HEADER])
}

/// Keeps webhooks whose secrets are marked: one that nobody listens at, and a chat, which is off.
fn add_webhooks(device: &Device) {
    let url = "http://127.0.0.1:59/hook";
    let header = format!("X-Key: {HEADER}");
    let flags = ["--local", "--allow-insecure-loopback", "--secret-from-stdin", "--header", &header];
    let add = [&["cloud", "webhook", "add", url], &flags[..]].concat();
    of_webhooks().are_not_printed(finish(device.orkee(&add), SIGNING.as_bytes()).success());
    let chat = format!("https://hooks.slack.com/services/{CHAT}");
    let add = ["cloud", "webhook", "add", "-", "--local", "--dispatcher", "slack"];
    finish(device.orkee(&add), chat.as_bytes()).success();
    device.run(&["cloud", "webhook", "disable", &chat]).success();
}

/// Every command, with arguments with which it does something. `token` prints the token, which is what it is for.
const COMMANDS: &[&str] = &[
    "audit",
    "audit verify",
    "cloud conflicts",
    "cloud conflicts resolve shop --local",
    "cloud devices",
    "cloud devices revoke x --yes",
    "cloud disable --dry-run",
    "cloud enable --dry-run",
    "cloud key export --plain --yes --out key.json",
    "cloud key init --yes",
    "cloud key lock",
    "cloud key recover",
    "cloud key rotate",
    "cloud key show",
    "cloud key unlock",
    "cloud key unseal --yes",
    "cloud key verify --device",
    "cloud list --show-devices",
    "cloud login --refresh-token",
    "cloud parked",
    "cloud parked drop Ab12Cd34 --yes",
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
    "cloud watch --listen",
    "cloud webhook add https://example.com/account",
    "cloud webhook add https://example.com/hook --local --secret-file webhook.secret",
    "cloud webhook deliveries",
    "cloud webhook disable http://127.0.0.1:59/hook",
    "cloud webhook drain",
    "cloud webhook enable http://127.0.0.1:59/hook",
    "cloud webhook list",
    "cloud webhook list --local",
    "cloud webhook listen --forward-to nowhere",
    "cloud webhook redeliver --failed --since 1d --yes",
    "cloud webhook show http://127.0.0.1:59/hook",
    "cloud webhook show https://hooks.slack.com/services/orkee_canary_path",
    "cloud webhook test http://127.0.0.1:59/hook",
    "cloud webhook verify --secret-file nowhere",
    "cloud webhook rotate-secret http://127.0.0.1:59/hook --overlap 0s --secret-file rotated.secret",
    "cloud webhook remove http://127.0.0.1:59/hook --yes",
    "completions bash",
    "config get ORKEE_CLOUD_TOKEN",
    "config list --origin",
    "config set history.days 90",
    "config unset history.days",
    "doctor --fix",
    "help auth",
    "man cloud login",
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
    "ui",
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
    // What is due is sent by the command that is for it, and by nothing that outlives the test.
    run.env("ORKEE_WEBHOOK_DRAIN", "off");
    if json {
        run.arg("--json");
    }
    finish(run, &[])
}

/// Runs every command, and looks into all that it says and leaves behind.
fn look_everywhere(what: &str, server: &Mock, expires_in: i64) {
    let device = device(server, expires_in);
    add_webhooks(&device);
    for command in COMMANDS {
        for json in [false, true] {
            let ran = of_webhooks().are_not_printed(loud(&device, command, json));
            // Who names the path knows it.
            if !command.contains(CHAT) {
                Canaries(vec![CHAT]).are_not_in(what, format!("{ran}").as_bytes());
            }
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
    let log = std::fs::read(device.home().join("logs/orkee.log")).unwrap();
    canaries().are_not_in("the log", &log);
    of_webhooks().are_not_in("the log", &log);
    Canaries(vec![CHAT]).are_not_in("the log", &log);
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
fn a60_w03_exports_logs_and_audit_rows_have_no_secret_of_a_webhook() {
    let server = server(|_| Answer::empty(404));
    let device = device(&server, 3600);
    add_webhooks(&device);
    // What waits for a webhook that is switched off is cancelled, which is logged.
    loud(&device, "projects add --name another", false);
    let url = "http://127.0.0.1:59/hook";
    for command in ["test", "show", "rotate-secret", "disable", "enable", "remove"] {
        let more: &[&str] = match command {
            "rotate-secret" => &["--secret-file", "rotated.secret"],
            "remove" => &["--yes"],
            _ => &[],
        };
        let ran = loud(&device, &[&["cloud", "webhook", command, url], more].concat().join(" "), true);
        assert!(command == "test" || ran.code == Some(0), "{ran}");
    }
    let rotated: &'static str =
        std::fs::read_to_string(device.path("rotated.secret")).unwrap().trim().to_owned().leak();
    let told = Canaries(vec![SIGNING, "orkee_canary_signing", HEADER, CHAT, rotated]);
    for command in ["projects export", "audit --json", "audit verify", "cloud webhook list --local --json"] {
        let words: Vec<&str> = command.split(' ').collect();
        told.are_not_printed(device.run(&words).success());
    }
    told.are_not_in("the log", &std::fs::read(device.home().join("logs/orkee.log")).unwrap());
    let rows = device.json(&["audit"])["entries"].take();
    let of = |action: &str| rows.as_array().unwrap().iter().filter(|row| row["action"] == action).count();
    assert_eq!((of("webhook-add"), of("webhook-rotate-secret"), of("webhook-remove")), (2, 1, 1), "{rows}");
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

//! Every example of every command, typed as it stands, on a device where what it names is there.
//!
//! Each is run in a copy of one prepared device, so that none is helped or hindered by the one before it. What an example names and
//! what a test cannot have, such as somebody's host, stands for what the test has: see [`Scene::typed`]. What changes an account
//! or is about several people is typed in the modules below, one example after the other.

mod keys;
mod person;
mod providers;
mod teams;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orkee_tests::home::{Ran, finish};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use orkee_tests::{binaries, folder, guests};
use serde_json::Value;

use super::grammar;

/// Examples that the modules below type: what begins so.
const BELOW: [&str; 6] = [
    "orkee cloud key",
    "orkee cloud team",
    "orkee cloud provider dev",
    "orkee cloud provider test",
    "orkee cloud provider pack",
    "orkee cloud provider install ~/src/notes",
];

/// Whether an example is typed in a module below.
fn is_below(example: &str) -> bool {
    BELOW.iter().any(|start| example.contains(start))
}

/// What a person answers who is asked.
const ANSWERS: [(&str, &[(&str, &str)]); 16] = [
    ("orkee projects add   ", &[("Name", "\n"), ("Description", "Sells things\n")]),
    ("orkee projects add", &[("Description", "Sells things\n")]),
    ("orkee projects delete shop", &[("Delete shop", "y\n")]),
    ("orkee projects scan ~/code", &[("code", "n\n")]),
    ("orkee projects scan .", &[]),
    ("orkee cloud conflicts resolve Ab12Cd34   ", &[("Keep which?", "m\n")]),
    ("orkee cloud devices revoke grt_2f9c", &[("[y/N]", "y\n")]),
    ("orkee cloud restore", &[("[y/N]", "y\n")]),
    ("orkee cloud parked drop", &[("[y/N]", "y\n")]),
    ("orkee cloud webhook remove ep_", &[("Type", "ep_0a1B2c3D4e5F6g7H\n")]),
    ("orkee cloud provider remove notes", &[("[y/N]", "y\n")]),
    ("orkee cloud provider grant notes", &[("[y/N]", "y\n")]),
    ("orkee cloud provider install", &[("[y/N]", "y\n")]),
    ("orkee cloud provider update", &[]),
    ("orkee ui", &[("shop", "q")]),
    ("EDITOR=hx orkee ui", &[("shop", "q")]),
];

/// These go on until Ctrl-C.
const GO_ON: [&str; 4] = ["webhook listen", "webhook drain --watch", "provider practice", "cloud watch"];

/// A prepared device and what it speaks to.
struct Scene {
    server: Server,
    receiver: Receiver,
    /// The person's own folder, `.orkee` in it.
    home: tempfile::TempDir,
    programs: tempfile::TempDir,
    names: BTreeMap<&'static str, String>,
}

impl Scene {
    fn prepare() -> Self {
        let mut scene = Self {
            server: Server::tireless(),
            receiver: Receiver::start(),
            home: tempfile::tempdir().unwrap(),
            programs: tempfile::tempdir().unwrap(),
            names: BTreeMap::new(),
        };
        scene.programs();
        scene.files();
        scene.projects();
        scene.webhooks();
        scene
    }

    /// Programs of other people that examples pipe from and to.
    fn programs(&self) {
        let program = |name: &str, text: &str| {
            let path = self.programs.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        program("pass", "echo whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        program("pbpaste", "echo https://example.com/slack");
        program("curl", "exit 0");
        // The sessions that services are started in.
        program("systemctl", "exit 0");
        program("launchctl", "exit 0");
        std::os::unix::fs::symlink(binaries::orkee(), self.programs.path().join("orkee")).unwrap();
    }

    fn files(&self) {
        let put = |name: &str, content: &[u8]| {
            let path = self.home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        for name in
            ["code/shop", "code/site", "src", "keys", "zsh", ".config/elvish", ".config/fish/completions"]
        {
            fs::create_dir_all(self.home.path().join(name)).unwrap();
        }
        fs::create_dir_all(self.home.path().join(".local/share/bash-completion/completions")).unwrap();
        fs::create_dir_all(self.home.path().join("code/shop/.git")).unwrap();
        put("code/shop/.git/config", b"[remote \"origin\"]\n\turl = https://github.com/acme/shop.git\n");
        put("code/shop/.git/HEAD", b"ref: refs/heads/main\n");
        put("projects.json", br#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"imported"}]}"#);
        put("projects.ndjson", br#"{"id":"AAAAAAAA","name":"imported"}"#);
        put("notes.wasm", &guests::packed(&guests::manifest("notes", "1.3.0", "[login]\nkind = \"token\"")));
        put("older.wasm", &guests::packed(&guests::manifest("notes", "1.2.0", "[login]\nkind = \"token\"")));
    }

    /// A project with a history, a restore point, and a conflict; signed in and in step.
    fn projects(&mut self) {
        let token = self.server.token();
        fs::write(self.home.path().join("token"), &token).unwrap();
        self.ok("orkee cloud login", "");
        self.ok("orkee projects import -", r#"{"version":1,"projects":[{"id":"Ab12Cd34","name":"start","status":"building"},{"id":"Zz12Cd34","name":"old"}]}"#);
        for status in ["review", "launched", "building"] {
            self.ok(&format!("orkee projects edit Ab12Cd34 --status {status}"), "");
        }
        for text in ["a", "b", "c"] {
            let import = format!(
                r#"{{"version":1,"projects":[{{"id":"Ab12Cd34","name":"start","description":"{text}"}}]}}"#
            );
            self.ok("orkee projects import - --on-conflict merge", &import);
        }
        self.ok("orkee cloud sync", "");
        self.ok("orkee cloud provider install older.wasm --yes", "");
        self.ok("orkee cloud provider update notes notes.wasm --yes", "");
        fs::create_dir_all(self.home.path().join("backup")).unwrap();
        fs::copy(self.home.path().join(".orkee/orkee.db"), self.home.path().join("backup/orkee.db")).unwrap();
        // Another device of the same person, which changes the same field.
        let other = tempfile::tempdir().unwrap();
        let elsewhere = |line: &str| finish(self.shell(other.path(), line), &[]).success();
        elsewhere("orkee cloud login");
        elsewhere("orkee cloud sync");
        elsewhere("orkee projects edit Ab12Cd34 --name store");
        elsewhere("orkee cloud sync");
        self.ok("orkee projects edit Ab12Cd34 --name shop", "");
        let ran = finish(self.shell(self.home.path(), "orkee cloud sync"), &[]);
        assert_eq!(ran.code, Some(5), "no conflict: {ran}");
    }

    fn webhooks(&mut self) {
        let url = self.receiver.always("/hook", Behaviour::status(200));
        let added = self.json(&format!("orkee cloud webhook add {url} --local --allow-insecure-loopback"));
        let id = added["webhook"]["id"].as_str().unwrap().to_owned();
        self.ok("orkee projects edit old --status review", "");
        self.ok("orkee cloud webhook drain", "");
        let sent = self.json("orkee cloud webhook deliveries");
        let message = sent["deliveries"][0]["id"].as_str().unwrap().to_owned();
        let received = self.receiver.wait_for(1);
        let headers: String = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .iter()
            .map(|name| format!("{name}: {}\n", received[0].header(name).unwrap()))
            .collect();
        fs::write(self.home.path().join("headers.txt"), headers).unwrap();
        fs::write(self.home.path().join("body"), &received[0].body).unwrap();
        let secret = added["webhook"]["secret"].as_str().unwrap();
        fs::write(self.home.path().join("secret"), secret).unwrap();
        fs::write(self.programs.path().join("pass"), format!("#!/bin/sh\necho {secret}\n")).unwrap();
        let header = |name: &str| received[0].header(name).unwrap().to_owned();
        let trails = self.json("orkee audit verify");
        self.names.insert("5f0c…", trails["trails"][0]["hash"].as_str().unwrap().to_owned());
        self.names.insert("ep_0a1B2c3D4e5F6g7H", id);
        self.names.insert("msg_2Lml4xKWbrcM3Za9jFtAvOqY", message);
        self.names.insert("--id msg_…", format!("--id {}", header("webhook-id")));
        self.names.insert("1649367553", header("webhook-timestamp"));
        self.names.insert("--signature v1,…", format!("--signature {}", header("webhook-signature")));
        self.names.insert("http://127.0.0.1:3000/hook", url);
        self.receiver.always("/other", Behaviour::status(200));
    }

    /// The example as it is typed here.
    fn typed(&self, example: &str) -> String {
        let mut typed = example.to_owned();
        for (name, here) in &self.names {
            typed = typed.replace(name, here);
        }
        let url = &self.names["http://127.0.0.1:3000/hook"];
        if typed.contains("webhook test") {
            // The one that is not added yet.
            typed = typed.replace(url, &url.replace("/hook", "/other"));
        }
        if typed.contains("webhook add") {
            // The account's server would look the host's name up.
            if !typed.contains("--local") {
                typed = typed.replace("webhook add", "webhook add --local");
            }
        } else if typed.contains("webhook") {
            typed = typed.replace("https://example.com/hook", url);
        }
        typed = typed.replace("https://example.com/notes-1.2.0.wasm", "notes.wasm");
        typed = typed.replace("https://example.com/notes-1.3.0.wasm", "notes.wasm");
        typed.replace("/media/stick", ".")
    }

    fn shell(&self, home: &Path, line: &str) -> Command {
        let mut bash = Command::new("bash");
        let path = std::env::var("PATH").unwrap_or_default();
        bash.arg("-c")
            .arg(format!("set -o pipefail; fpath=(none ~/zsh); {line}"))
            .current_dir(home)
            .env_clear()
            .env("PATH", format!("{}:{path}", self.programs.path().display()))
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            // Where a whole screen is drawn it has to be one that can be.
            .env("TERM", if line.contains("orkee ui") { "xterm" } else { "dumb" })
            .env("EDITOR", "true")
            .env("PAGER", "cat")
            .env("MANPAGER", "cat")
            .env("ORKEE_CLOUD_API_URL", &self.server.url)
            .env("ORKEE_WEBHOOK_DRAIN", "off")
            .env("BROWSER", binaries::path("fake-browser"))
            .env("FAKE_BROWSER_EMAIL", self.server.person().email)
            .env("FAKE_BROWSER_PASSWORD", self.server.person().password)
            .stdin(Stdio::null());
        bash
    }

    #[track_caller]
    fn ok(&self, line: &str, input: &str) -> Ran {
        finish(self.shell(self.home.path(), line), input.as_bytes()).success()
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        self.ok(&format!("{line} --json"), "").json()
    }

    /// Runs an example; why it did not do what it says, otherwise.
    fn run(&self, command: &str, example: &str) -> Result<(), String> {
        let here = tempfile::tempdir().unwrap();
        folder::replace(here.path(), self.home.path());
        let typed = self.set_the_scene(here.path(), command, &self.typed(example));
        let said =
            |code: Option<i32>, seen: &str| format!("{example}\n  typed: {typed}\n  exit {code:?}\n{seen}");
        if GO_ON.iter().any(|name| example.contains(name)) {
            let mut terminal = Terminal::open(self.shell(here.path(), &format!("exec {typed}")), 100);
            thread::sleep(Duration::from_secs(2));
            if !terminal.is_running() {
                let (status, seen) = terminal.finish();
                return Err(said(status.code(), &seen));
            }
            terminal.interrupt();
            let (status, seen) = terminal.finish();
            // One that has not begun to listen for it yet ends of it, as a shell tells it.
            return if matches!(status.code(), Some(0 | 130)) || status.signal() == Some(2) {
                Ok(())
            } else {
                Err(said(status.code(), &seen))
            };
        }
        let answers = ANSWERS.iter().filter(|_| !example.contains("--yes") && !example.contains("--dry-run"));
        let answers = answers
            .filter(|(start, _)| format!("{example}   ").starts_with(start))
            .map(|(_, answers)| *answers)
            .next();
        let (code, seen) = match answers {
            Some(answers) => self.at_terminal(here.path(), &typed, answers),
            None => {
                let ran = finish(self.shell(here.path(), &typed), &[]);
                (ran.code, format!("{}{}", ran.stdout, ran.stderr))
            }
        };
        let declined = answers.is_some_and(|answers| answers.iter().any(|(_, answer)| *answer == "n\n"));
        match code {
            Some(0) => Ok(()),
            Some(1) if declined => Ok(()),
            // A sync that meets the conflict says so; the conflict is part of the scene.
            Some(5) if example.contains("cloud sync") || example.contains("cloud restore") => Ok(()),
            code => Err(said(code, &seen)),
        }
    }

    fn at_terminal(&self, home: &Path, typed: &str, answers: &[(&str, &str)]) -> (Option<i32>, String) {
        let mut terminal = Terminal::open(self.shell(home, typed), 100);
        for (question, answer) in answers {
            if terminal.asks(question) {
                terminal.answer(question, &self.typed(answer));
            }
        }
        let until = Instant::now() + Duration::from_secs(60);
        while terminal.is_running() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        if terminal.is_running() {
            let _ = terminal.child.kill();
        }
        let (status, seen) = terminal.finish();
        (status.code(), seen)
    }

    /// What an example needs that others must not have, and what is typed then.
    fn set_the_scene(&self, home: &Path, command: &str, typed: &str) -> String {
        let before = |line: &str| finish(self.shell(home, line), &[]);
        let sign_in_anew = || before("rm -f .orkee/auth*; orkee cloud login").success();
        match command {
            "orkee projects restore" => drop(before("orkee projects delete Ab12Cd34 --yes").success()),
            "orkee cloud provider revoke" => {
                before("orkee cloud provider grant notes https://files.example.com").success();
                before("orkee cloud provider grant notes --env-token").success();
            }
            _ if typed.contains("parked drop") => {
                let database = rusqlite::Connection::open(home.join(".orkee/orkee.db")).unwrap();
                let sql = "INSERT INTO unreadable (space, id, revision, envelope, reason) \
                           SELECT space, id, 'r', ?, 'it cannot be read' FROM records WHERE id = 'Ab12Cd34'";
                assert_eq!(database.execute(sql, [&b"no version"[..]]).unwrap(), 1);
            }
            // The sign-in of the others stays.
            _ if typed.contains("cloud login") => drop(before("rm -f .orkee/auth*")),
            _ if typed.contains("cloud logout") => drop(sign_in_anew()),
            _ if typed.contains("devices revoke") => {
                let lost = tempfile::tempdir().unwrap();
                folder::replace(lost.path(), home);
                let there = |line: &str| finish(self.shell(lost.path(), line), &[]).success();
                there("rm -f .orkee/auth*; orkee cloud login");
                let devices = there("orkee cloud devices --json").json();
                let devices = devices["devices"].as_array().unwrap();
                let device = devices.iter().find(|device| device["current"] == true).unwrap();
                return typed.replace("grt_2f9c", device["id"].as_str().unwrap());
            }
            _ => {}
        }
        typed.to_owned()
    }
}

#[test]
fn s02_every_example_of_every_command_does_what_it_says() {
    let scene = Scene::prepare();
    let examples: Vec<(String, String)> = grammar::commands()
        .iter()
        .flat_map(|command| {
            command
                .examples()
                .into_iter()
                .map(|example| (command.name().to_owned(), example))
                .collect::<Vec<_>>()
        })
        .filter(|(_, example)| !is_below(example))
        .collect();
    assert!(examples.len() > 150, "{}", examples.len());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((command, example)) = examples.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = scene.run(command, example) {
                failed.lock().unwrap().push(why);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), examples.len(), failed.join("\n"));
}

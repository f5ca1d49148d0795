//! The real `orkee-server`, with one account.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use url::Url;

use crate::browser::Person;
use crate::home::{Ran, finish};
use crate::http::authority;
use crate::{binaries, wait};

const FREE_PORT: &str = "127.0.0.1:0";
/// A test may ask more often than any person.
const MANY_REQUESTS: &[&str] = &["--rate-limit", "1000000"];
const EMAIL: &str = "john@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// A server at work, on a free port and a folder of its own.
pub struct Server {
    /// Its public URL: API and issuer.
    pub url: String,
    data: tempfile::TempDir,
    child: Child,
}

impl Server {
    /// Starts it.
    pub fn start() -> Self {
        Self::with_args(&[])
    }

    /// Starts one that lets itself be asked as often as anybody likes.
    pub fn tireless() -> Self {
        Self::with_args(MANY_REQUESTS)
    }

    /// Starts it with further arguments of `serve`.
    pub fn with_args(args: &[&str]) -> Self {
        Self::fresh(args, None)
    }

    /// Starts it behind something that ends TLS at this URL. It trusts the authorities of this file, and no others.
    pub fn behind(url: &str, authorities: &Path) -> Self {
        let of_webhooks = authorities.to_str().unwrap();
        Self::fresh(&["--public-url", url, "--webhook-ca-file", of_webhooks], Some(authorities))
    }

    fn fresh(args: &[&str], authorities: Option<&Path>) -> Self {
        let data = tempfile::tempdir().unwrap();
        add_account(data.path(), EMAIL);
        let (child, url) = serve(data.path(), FREE_PORT, args, authorities).unwrap();
        Self { url, data, child }
    }

    /// Starts it again, on another free port, with what its folder holds now.
    pub fn start_again(&mut self) {
        self.stop();
        (self.child, self.url) = serve(self.data.path(), FREE_PORT, &[], None).unwrap();
    }

    /// Ends it at once and starts it again at the same address, with what its folder holds now.
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    /// After [`stop`](Self::stop): starts it again at the same address. Waits where somebody took its port in between.
    pub fn resume(&mut self) {
        self.resume_with(&[]);
    }

    /// After [`stop`](Self::stop): the same, with these further arguments.
    pub fn resume_with(&mut self, args: &[&str]) {
        let url = Url::parse(&self.url).unwrap();
        let args = [MANY_REQUESTS, args].concat();
        let started = || serve(self.data.path(), &authority(&url), &args, None);
        self.child = wait::until("the server's port", started).0;
    }

    /// Asks it to stop, as whoever runs it does, and waits for its end. How it ended, and how long that took.
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        (self.child.wait().unwrap().code(), asked.elapsed())
    }

    /// A further account, and an API token for it.
    pub fn account(&self, email: &str) -> String {
        add_account(self.data.path(), email);
        self.token_for(email)
    }

    /// `orkee-server ARGS --data DIR`, beside the server that runs.
    pub fn command(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(binaries::path("orkee-server"));
        command.args(args).arg("--data").arg(self.data.path()).stdin(Stdio::null());
        finish(command, &[])
    }

    /// Has it forget which projects were ever deleted.
    pub fn prune(&self) {
        let mut prune = Command::new(binaries::path("orkee-server"));
        let status = prune.args(["prune", "--older-than", "0", "--data"]).arg(self.data.path()).status();
        assert!(status.unwrap().success(), "orkee-server prune");
    }

    /// Who has the account.
    pub fn person(&self) -> Person {
        Person::new(EMAIL, PASSWORD)
    }

    /// An API token for the account.
    pub fn token(&self) -> String {
        self.token_for(EMAIL)
    }

    fn token_for(&self, email: &str) -> String {
        let mut command = Command::new(binaries::path("orkee-server"));
        let output =
            command.args(["token", "create", email, "--data"]).arg(self.data.path()).output().unwrap();
        assert!(output.status.success(), "orkee-server token create");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Its folder.
    pub fn data(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// Ends it at once; what comes is refused.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn add_account(data: &Path, email: &str) {
    let mut add = Command::new(binaries::path("orkee-server"))
        .args(["user", "add", email, "--plan", "Pro Plan", "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    add.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(add.wait().unwrap().success(), "orkee-server user add");
}

/// The process, and the URL that it told; none if it ended instead.
fn serve(data: &Path, listen: &str, args: &[&str], authorities: Option<&Path>) -> Option<(Child, String)> {
    let mut child = Command::new(binaries::path("orkee-server"))
        .args(["serve", "--listen", listen, "--data"])
        .arg(data)
        .args(args)
        .envs(authorities.map(|file| ("SSL_CERT_FILE", file)))
        .stdout(Stdio::piped())
        .stderr(File::options().create(true).append(true).open(data.join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        let _ = child.wait();
        return None;
    }
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
    let url = ready["url"].as_str().unwrap().trim_end_matches('/').to_owned();
    Some((child, url))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

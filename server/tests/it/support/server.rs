//! The program itself.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Client, Request, Response};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A data folder, and commands over it.
pub(crate) struct Home {
    folder: TempDir,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) client: Client,
    child: Child,
    log: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// With an account for ann@example.com, and a server on it.
    pub(crate) fn with_ann(args: &[&str]) -> (Self, Server) {
        let home = Self::new();
        home.add_user("ann@example.com");
        let server = home.serve(args);
        (home, server)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a command on the data folder, with this on its stdin.
    pub(crate) fn run(&self, args: &[&str], stdin: &str) -> Output {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments does not wait for its input.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orkee-server"));
        command.args(args).arg("--data").arg(self.data()).env_remove("RUST_LOG");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub(crate) fn add_user(&self, email: &str) {
        let output = self.run(&["user", "add", email], PASSWORD);
        assert!(output.status.success(), "{output:?}");
    }

    /// An API token for an account.
    #[track_caller]
    pub(crate) fn token(&self, email: &str) -> String {
        let output = self.run(&["token", "create", email], "");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// All that the servers of this home have logged.
    #[track_caller]
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts a server on a free port. It logs all that it has to say.
    #[track_caller]
    pub(crate) fn serve(&self, args: &[&str]) -> Server {
        let all = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = self.command(&all);
        let mut child = command.env("RUST_LOG", "orkee_server=trace,info").stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        let url = ready["url"].as_str().unwrap().to_owned();
        let address = url.strip_prefix("http://").unwrap().to_owned();
        Server { url, client: Client { address }, child, log: self.log_file() }
    }

    /// Copies the data folder aside.
    pub(crate) fn save(&self) {
        replace(&self.data(), &self.folder.path().join("copy"));
    }

    /// Puts the copy back.
    pub(crate) fn put_back(&self) {
        replace(&self.folder.path().join("copy"), &self.data());
    }
}

impl Server {
    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.client.send(request)
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }

    /// Ends it with no chance to say goodbye.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

fn replace(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

//! A keyring as a desktop has it: gnome-keyring on a message bus of its own, with `orkee-keyring` to speak to it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::wait;

/// How the helper says that there is no such entry.
const NO_ENTRY: i32 = 3;

/// An unlocked keyring. It ends with its owner.
pub struct Keyring {
    /// What `DBUS_SESSION_BUS_ADDRESS` has to be.
    pub bus: String,
    _folder: tempfile::TempDir,
    children: Vec<Child>,
}

/// The folder of the built `orkee-keyring`, built on first use.
pub fn helper() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let test = std::env::current_exe().unwrap();
        let target = test.ancestors().nth(3).unwrap().join("tmp").join("keyring");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--target-dir"]).arg(&target);
        cargo.arg("--manifest-path").arg(root.join("keyring/Cargo.toml"));
        let output = cargo.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "orkee-keyring does not build:\n{said}");
        target.join("debug")
    })
}

impl Keyring {
    /// Starts one. None where this machine has no such programs.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let mut keyring = Self { bus: address.trim().to_owned(), _folder: folder, children: vec![bus] };
        let daemon = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &keyring.bus)
            .env("HOME", keyring._folder.path())
            .env("XDG_DATA_HOME", keyring._folder.path())
            .env("XDG_RUNTIME_DIR", keyring._folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut daemon = daemon.ok()?;
        daemon.stdin.take().unwrap().write_all(b"a password").unwrap();
        keyring.children.push(daemon);
        wait::until("the keyring", || (keyring.run(&["get", "nothing"]).0 == Some(NO_ENTRY)).then_some(()));
        Some(keyring)
    }

    /// What an entry holds.
    pub fn entry(&self, name: &str) -> Option<String> {
        let (code, said) = self.run(&["get", name]);
        (code == Some(0)).then_some(said)
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(helper().join("orkee-keyring"));
        command.args(args).env("DBUS_SESSION_BUS_ADDRESS", &self.bus).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

//! A receiver of webhooks that others wrote: the program `webhook` of the Debian package of that name, which checks signatures by
//! itself and runs a command for each delivery that has a right one.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::wait;

/// The program at work, on a port of its own and without the system's configuration. It ends with its owner.
pub struct Hooks {
    /// Where events go.
    pub url: String,
    folder: tempfile::TempDir,
    child: Child,
}

impl Hooks {
    /// One that has this secret; none where the program is not installed. A run that calls itself a complete one (`CI=true`) has to have
    /// it.
    pub fn start(secret: &str) -> Option<Self> {
        let found = Command::new("webhook").arg("-version").stdout(Stdio::null()).status();
        let is_there = found.is_ok_and(|status| status.success());
        let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(is_there || !must, "webhook is not there, and CI=true");
        if !is_there {
            println!("webhook (Debian: webhook) is not there: not checked");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (command, seen) = (folder.path().join("command"), folder.path().join("seen"));
        fs::write(&command, format!("#!/bin/sh\nprintf '%s|' \"$@\" >> '{}'\n", seen.display())).unwrap();
        fs::set_permissions(&command, fs::Permissions::from_mode(0o700)).unwrap();
        let signature = json!({"source": "header", "name": "X-Hub-Signature-256"});
        let hooks = json!([{
            "id": "orkee",
            "execute-command": command,
            "include-command-output-in-response": true,
            "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": secret, "parameter": signature}},
            "pass-arguments-to-command": [
                {"source": "header", "name": "X-Hub-Delivery"},
                {"source": "payload", "name": "type"},
                {"source": "payload", "name": "data.name"},
            ],
        }]);
        fs::write(folder.path().join("hooks.json"), hooks.to_string()).unwrap();
        let (child, port) = wait::until("webhook", || serve(&folder.path().join("hooks.json")));
        Some(Self { url: format!("http://127.0.0.1:{port}/hooks/orkee"), folder, child })
    }

    /// What the command was given, each time that it ran: the delivery's id, the event, and the project's name.
    pub fn seen(&self) -> Vec<[String; 3]> {
        let seen = fs::read_to_string(self.folder.path().join("seen")).unwrap_or_default();
        let words: Vec<_> = seen.split_terminator('|').map(str::to_owned).collect();
        words.chunks_exact(3).map(|run| [run[0].clone(), run[1].clone(), run[2].clone()]).collect()
    }
}

/// The program at a free port; none: somebody took that port first.
fn serve(hooks: &Path) -> Option<(Child, u16)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new("webhook")
        .args(["-ip", "127.0.0.1", "-port", &port.to_string(), "-hooks"])
        .arg(hooks)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait::until("its port, or its end", || {
        let has_ended = child.try_wait().unwrap().is_some();
        (has_ended || wait::is_listened_at(port)).then_some(())
    });
    child.try_wait().unwrap().is_none().then_some((child, port))
}

impl Drop for Hooks {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

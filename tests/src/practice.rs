//! `orkee cloud provider practice` at work, as a program of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use url::Url;

/// The practice backend. It ends with its owner, however that ends.
pub struct Practice {
    /// Where it listens.
    pub url: Url,
    child: Child,
}

impl Practice {
    /// Starts the command, and waits until it accepts connections.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        Self { url: Url::parse(said["url"].as_str().unwrap()).unwrap(), child }
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

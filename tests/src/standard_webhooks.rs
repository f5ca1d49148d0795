//! Receivers in other languages: the public libraries that verify Standard Webhooks, npm's and PyPI's `standardwebhooks`.

use std::process::{Command, Stdio};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::home::finish;
use crate::{npm, python};

const FOLDER: &str = "standard-webhooks";

/// A delivery as it would be shown to a library.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The receiver's secret.
    pub secret: String,
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`
    pub timestamp: String,
    /// `webhook-signature`
    pub signature: String,
    /// The raw body.
    pub body: Vec<u8>,
}

/// A library.
#[derive(Debug, Clone, Copy)]
pub enum Library {
    /// npm's.
    JavaScript,
    /// PyPI's.
    Python,
}

impl Library {
    /// What it finds wrong with each of them; none: it verified.
    pub fn verdicts(self, shown: &[Shown]) -> Vec<Option<String>> {
        let mut command = self.command();
        command.stdin(Stdio::piped());
        let shown: Vec<_> = shown.iter().map(document).collect();
        let ran = finish(command, json!(shown).to_string().as_bytes());
        let verdicts: Vec<Option<String>> =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{self:?}: {ran}"));
        assert_eq!(verdicts.len(), shown.len());
        verdicts
    }

    fn command(self) -> Command {
        let folder = npm::installed(FOLDER);
        let mut command = match self {
            Self::JavaScript => Command::new("node"),
            Self::Python => Command::new(python::with(FOLDER)),
        };
        let program = if matches!(self, Self::JavaScript) { "verify.mjs" } else { "verify.py" };
        command.arg(program).current_dir(folder);
        command
    }
}

fn document(shown: &Shown) -> Value {
    let headers = json!({
        "webhook-id": shown.id,
        "webhook-timestamp": shown.timestamp,
        "webhook-signature": shown.signature,
    });
    json!({"secret": shown.secret, "headers": headers, "body": BASE64_STANDARD.encode(&shown.body)})
}

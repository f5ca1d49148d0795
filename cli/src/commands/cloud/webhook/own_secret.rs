//! A webhook's secret: made or taken in, and shown once.

use std::path::{Path, PathBuf};

use orkee_core::event::WebhookSecret;
use orkee_core::net::Secret;
use serde::Serialize;

use super::error::WebhookError;
use super::place::Webhook;
use super::view::WebhookView;
use crate::commands::cloud::piped;
use crate::context::Context;
use crate::failure::{CliError, Failure};

/// Where a secret comes from and goes to.
#[derive(Debug, clap::Args)]
pub(super) struct SecretArgs {
    /// Write the new secret into this file, which only you can read, and show it nowhere
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Take the secret from standard input (whsec_…) instead of making one
    #[arg(long, conflicts_with = "secret_file")]
    secret_from_stdin: bool,
}

/// A secret that is good once the webhook has it.
pub(super) struct Fresh {
    pub(super) secret: WebhookSecret,
    /// To whom it is told.
    told: Told,
}

enum Told {
    /// It was theirs.
    Nobody,
    /// Standard output.
    Person,
    File(PathBuf),
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    webhook: WithSecret<'a>,
}

#[derive(Serialize)]
struct WithSecret<'a> {
    #[serde(flatten)]
    webhook: WebhookView,
    /// The one time that it is told; none where a file has it, or it was handed in.
    secret: Option<&'a str>,
    secret_file: Option<String>,
}

impl SecretArgs {
    pub(super) fn is_from_stdin(&self) -> bool {
        self.secret_from_stdin
    }

    /// Makes it or takes it in. Where a file is to have it, it has it already: one that could not be written down is never used.
    pub(super) fn fresh(&self) -> Result<Fresh, Failure> {
        if self.secret_from_stdin {
            return Ok(Fresh {
                secret: WebhookSecret::import(line_from_stdin()?.expose())?,
                told: Told::Nobody,
            });
        }
        let secret = WebhookSecret::generate();
        let Some(path) = &self.secret_file else { return Ok(Fresh { secret, told: Told::Person }) };
        write(path, &secret)?;
        Ok(Fresh { secret, told: Told::File(path.clone()) })
    }
}

fn write(path: &Path, secret: &WebhookSecret) -> Result<(), Failure> {
    let content = Secret::new(format!("{}\n", secret.secret().expose()));
    let unwritable = |source| CliError::WriteFile { path: path.to_owned(), source };
    match orkee_core::file::create(path, content.expose().as_bytes()).map_err(unwritable)? {
        true => Ok(()),
        false => Err(WebhookError::FileThere(path.to_owned()).into()),
    }
}

/// What stands on standard input, without what a shell adds.
pub(super) fn line_from_stdin() -> Result<Secret, Failure> {
    let given = piped::trimmed("what is asked for")?;
    if given.expose().is_empty() { Err(WebhookError::NoInput.into()) } else { Ok(given) }
}

impl Fresh {
    /// Takes back what was written where it came to nothing.
    pub(super) fn or_forget<T>(&self, done: Result<T, Failure>) -> Result<T, Failure> {
        if let (Err(_), Told::File(path)) = (&done, &self.told) {
            // It is the secret of nothing. That it stays behind harms nobody.
            let _ = std::fs::remove_file(path);
        }
        done
    }

    /// Whether it is told here, and nowhere else.
    pub(super) fn is_shown(&self) -> bool {
        matches!(self.told, Told::Person)
    }

    /// What a script is told of a webhook that has this secret.
    pub(super) fn document(&self, webhook: &Webhook) -> Document<'_> {
        let secret = self.is_shown().then(|| self.secret.secret().expose());
        let secret_file = match &self.told {
            Told::File(path) => Some(path.display().to_string()),
            Told::Nobody | Told::Person => None,
        };
        Document { webhook: WithSecret { webhook: WebhookView::of(webhook), secret, secret_file } }
    }

    /// What a person is told, the one time that they are: on standard output, where `-q` leaves it.
    pub(super) fn tell(&self, cx: &Context) -> Result<(), CliError> {
        match &self.told {
            Told::Nobody => {}
            Told::Person => {
                cx.out.line(self.secret.secret().expose())?;
                cx.out.note("This secret is shown this once: give it to the receiver, which checks signatures with it.");
            }
            Told::File(path) => cx.out.note(format_args!("Its secret is in {}", path.display())),
        }
        Ok(())
    }
}

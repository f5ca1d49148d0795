//! The flags that say how a receiver is reached, and what becomes of them.

use std::path::{Path, PathBuf};

use orkee_core::event::Access;
use orkee_core::net::Secret;

use super::error::WebhookError;
use crate::failure::{CliError, Failure};
use crate::output::text;

/// How a receiver is reached, beyond what any is.
#[derive(Debug, Default, clap::Args)]
pub(super) struct AccessArgs {
    /// Trust the certificates of this authority too (PEM); only with --local
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Let it be in this private network, such as 10.1.0.0/16; only with --local
    #[arg(long, value_name = "CIDR")]
    allow_private: Vec<String>,
    /// Let it be http to this machine, for development
    #[arg(long)]
    allow_insecure_loopback: bool,
}

impl AccessArgs {
    pub(super) fn access(&self) -> Result<Access, Failure> {
        let network = |text: &String| {
            text.trim().parse().map_err(|_| WebhookError::Network { text: text::line(text) })
        };
        Ok(Access {
            loopback: self.allow_insecure_loopback,
            private: self.allow_private.iter().map(network).collect::<Result<_, _>>()?,
            ca: self.ca_file.as_deref().map(read).transpose()?,
        })
    }

    /// The first of its flags that the account's server cannot be given.
    pub(super) fn only_here(&self) -> Option<&'static str> {
        if self.ca_file.is_some() {
            return Some("--ca-file");
        }
        (!self.allow_private.is_empty()).then_some("--allow-private")
    }
}

/// Headers of its own. What is in them may be a secret: it can be kept out of the process list, in a file.
#[derive(Debug, Default, clap::Args)]
pub(super) struct HeaderArgs {
    /// Send this header along, kept as a secret; only with --local
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Send the headers of this file along, one a line; only with --local
    #[arg(long, value_name = "FILE")]
    header_file: Option<PathBuf>,
}

impl HeaderArgs {
    pub(super) fn headers(&self) -> Result<Vec<(String, Secret)>, Failure> {
        let file = Secret::new(self.header_file.as_deref().map(read).transpose()?.unwrap_or_default());
        let lines = file.expose().lines().filter(|line| !line.trim().is_empty());
        Ok(self.header.iter().map(String::as_str).chain(lines).map(header).collect::<Result<_, _>>()?)
    }

    /// The first of its flags that is given.
    pub(super) fn only_here(&self) -> Option<&'static str> {
        if !self.header.is_empty() {
            return Some("--header");
        }
        self.header_file.is_some().then_some("--header-file")
    }
}

/// Takes `Name: value` apart. The value is in no error.
fn header(line: &str) -> Result<(String, Secret), WebhookError> {
    let (name, value) =
        line.split_once(':').ok_or(WebhookError::Header { what: "colon", text: "a header".to_owned() })?;
    let (name, value) = (name.trim(), value.trim_matches([' ', '\t']));
    match (name, value) {
        ("", _) => Err(WebhookError::Header { what: "name", text: "a header".to_owned() }),
        (name, "") => Err(WebhookError::Header { what: "value", text: text::line(name) }),
        (name, value) => Ok((name.to_owned(), Secret::new(value))),
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|source| CliError::ReadFile { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w34_a_header_has_a_name_and_a_value_and_its_value_is_in_no_error() {
        let (name, value) = header("X-Team:  blue ").unwrap();
        assert_eq!((name.as_str(), value.expose()), ("X-Team", "blue"));
        for line in ["orkee_canary", ": orkee_canary", "X-Team:", "  "] {
            let refused = header(line).unwrap_err().to_string();
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn w34_a_line_end_in_a_header_is_left_for_the_rules_to_refuse() {
        let (_, value) = header("X-Team: blue\r\nHost: b.example").unwrap();
        assert_eq!(value.expose(), "blue\r\nHost: b.example");
    }
}

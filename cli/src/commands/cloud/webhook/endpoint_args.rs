//! The flags that say how a receiver is reached, and what becomes of them.

use std::path::{Path, PathBuf};

use orkee_core::event::{Access, rules};
use orkee_core::net::Secret;

use crate::failure::{CliError, Failure};

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
        let private = self.allow_private.iter().map(|text| rules::network(text));
        let private = private.collect::<Result<_, _>>()?;
        let ca = self.ca_file.as_deref().map(read).transpose()?;
        ca.as_deref().map(rules::check_authorities).transpose()?;
        Ok(Access { loopback: self.allow_insecure_loopback, private, ca })
    }

    /// The first of its flags that the account's server cannot be given.
    pub(super) fn only_here(&self) -> Option<&'static str> {
        if self.ca_file.is_some() {
            return Some("--ca-file");
        }
        (!self.allow_private.is_empty()).then_some("--allow-private")
    }

    /// The first of its flags that is given.
    pub(super) fn any(&self) -> Option<&'static str> {
        self.only_here().or_else(|| self.allow_insecure_loopback.then_some("--allow-insecure-loopback"))
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
        let headers = self.header.iter().map(String::as_str).chain(lines);
        let headers: Vec<_> =
            headers.map(|line| rules::header(&Secret::new(line))).collect::<Result<_, _>>()?;
        rules::check_headers(&headers)?;
        Ok(headers)
    }

    /// The first of its flags that is given.
    pub(super) fn only_here(&self) -> Option<&'static str> {
        if !self.header.is_empty() {
            return Some("--header");
        }
        self.header_file.is_some().then_some("--header-file")
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|source| CliError::ReadFile { path: path.to_owned(), source })
}

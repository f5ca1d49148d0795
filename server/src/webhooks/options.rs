//! What whoever runs the server says of webhooks. Endpoints are their owners', but the network that the server stands in is not.

use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use orkee_core::event::Access;
use orkee_core::event::rules::{self, RuleError};
use orkee_core::net::{Courier, CourierOptions, EndpointProxy, EndpointProxyError, Secret};
use thiserror::Error;

/// How endpoints may be reached.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Let webhooks lead into this private network, over https, such as 10.1.0.0/16. Where a cloud's machines find what they sign
    /// in with stays closed whatever is named. May be given several times.
    #[arg(long = "webhook-allow-private", value_name = "CIDR", value_parser = network)]
    private: Vec<IpNet>,
    /// Let webhooks lead to this machine, over plain http, too: for development.
    #[arg(long = "webhook-allow-loopback")]
    loopback: bool,
    /// Trust the authorities of this file (PEM) beside the system's where webhooks are delivered.
    #[arg(long = "webhook-ca-file", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Deliver webhooks through this proxy. It resolves the names then, and what it lets through is its own matter. A user name and
    /// password stand in the environment alone. The environment's HTTPS_PROXY is not used for webhooks.
    #[arg(
        long = "webhook-proxy",
        value_name = "URL",
        env = "ORKEE_SERVER_WEBHOOK_PROXY",
        hide_env_values = true
    )]
    proxy: Option<String>,
}

/// The server cannot send webhooks as it was told to.
#[derive(Debug, Error)]
pub(crate) enum OptionsError {
    /// The authorities cannot be read.
    #[error("the file {path} of --webhook-ca-file cannot be read")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// They are none.
    #[error("the file {path} of --webhook-ca-file cannot be used")]
    Authorities {
        path: String,
        #[source]
        source: RuleError,
    },
    /// The proxy is none.
    #[error(transparent)]
    Proxy(#[from] EndpointProxyError),
}

impl Options {
    /// How every endpoint may be reached.
    pub(crate) fn access(&self) -> Result<Access, OptionsError> {
        let ca = self.ca.as_deref().map(authorities).transpose()?;
        Ok(Access { loopback: self.loopback, private: self.private.clone(), ca })
    }

    /// What takes the requests there.
    pub(crate) fn courier(&self) -> Result<Courier, OptionsError> {
        let proxy = self.proxy.as_ref().map(|url| EndpointProxy::parse(&Secret::new(url))).transpose()?;
        let user_agent = concat!("orkee-server/", env!("CARGO_PKG_VERSION")).to_owned();
        Ok(Courier::new(CourierOptions { proxy, user_agent, ..CourierOptions::default() }))
    }

    /// In words, for the audit trail. None: nothing but the internet was allowed.
    pub(crate) fn told(&self) -> Option<String> {
        let loopback = self.loopback.then(|| "this machine".to_owned());
        let told: Vec<String> = self.private.iter().map(ToString::to_string).chain(loopback).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

fn authorities(path: &Path) -> Result<String, OptionsError> {
    let shown = || path.display().to_string();
    let pem = std::fs::read_to_string(path).map_err(|source| OptionsError::Read { path: shown(), source })?;
    rules::check_authorities(&pem)
        .map_err(|source| OptionsError::Authorities { path: shown(), source })
        .map(|()| pem)
}

fn network(text: &str) -> Result<IpNet, String> {
    rules::network(text).map_err(|error| error.to_string())
}

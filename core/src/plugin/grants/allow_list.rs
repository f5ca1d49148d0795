//! Which origins a plugin may reach: entries that the user granted, and the rule that compares an origin with them.

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

use crate::net::{Origin, Reach, Scheme};

/// One granted entry: `https://host[:port]` or `https://*.example.com`, which covers subdomains and not the domain itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    scheme: Scheme,
    host: PatternHost,
    port: u16,
    network: Network,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternHost {
    Exact(Host<String>),
    /// The domain below which the hosts lie, without a leading dot.
    Below(String),
}

/// Where an entry's hosts may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The internet. Needs https.
    Public,
    /// Also private networks and this machine, over http too: a grant of its own, which the user is asked for in these words.
    Private,
}

/// An entry that is not of the grammar.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` {reason}")]
pub struct PatternError {
    /// What was written, less any password.
    pub given: String,
    /// What is wrong with it.
    pub reason: &'static str,
    /// How it should be written, where that is plain.
    pub corrected: Option<String>,
}

impl HostPattern {
    /// Reads an entry.
    pub fn parse(text: &str, network: Network) -> Result<Self, PatternError> {
        Grammar { given: text.trim(), network }.read()
    }

    /// Where its hosts may lie.
    pub fn network(&self) -> Network {
        self.network
    }

    /// Whether everything that `other` lets reach can be reached by this too.
    pub fn includes(&self, other: &Self) -> bool {
        let below =
            |domain: &str, name: &str| name.strip_suffix(domain).is_some_and(|labels| labels.ends_with('.'));
        let host = match (&self.host, &other.host) {
            (PatternHost::Below(domain), PatternHost::Exact(Host::Domain(name))) => below(domain, name),
            (PatternHost::Below(domain), PatternHost::Below(inner)) => {
                domain == inner || below(domain, inner)
            }
            (this, that) => this == that,
        };
        let network = self.network == other.network || self.network == Network::Private;
        host && network && self.scheme == other.scheme && self.port == other.port
    }

    /// Whether an origin is covered. Addresses are the resolver's matter.
    fn covers(&self, origin: &Origin) -> bool {
        let host = match &self.host {
            PatternHost::Exact(host) => origin.host() == host,
            PatternHost::Below(domain) => origin
                .name()
                .and_then(|name| name.strip_suffix(domain.as_str()))
                .and_then(|labels| labels.strip_suffix('.'))
                .is_some_and(|labels| !labels.is_empty()),
        };
        host && origin.scheme() == self.scheme && origin.port() == self.port
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        match &self.host {
            PatternHost::Exact(host) => write!(f, "{host}")?,
            PatternHost::Below(domain) => write!(f, "*.{domain}")?,
        }
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// Why an entry is refused whose hosts may not be private.
const PRIVATE: &str = "lies in a private network, which needs a private-network grant";

impl PatternError {
    /// Whether the entry is right where private networks are granted.
    pub(in crate::plugin) fn is_private(&self) -> bool {
        self.reason == PRIVATE
    }
}

/// An entry while it is read.
struct Grammar<'a> {
    given: &'a str,
    network: Network,
}

impl Grammar<'_> {
    fn read(&self) -> Result<HostPattern, PatternError> {
        let Some((scheme, rest)) = self.given.split_once("://") else {
            return Err(self.wrong("has no scheme", self.with_scheme(self.given)));
        };
        let wildcard = rest.strip_prefix("*.");
        if wildcard.unwrap_or(rest).contains('*') {
            let corrected = rest
                .strip_prefix('*')
                .filter(|r| r.contains('.') && !r.contains('*'))
                .map(|r| format!("*.{}", r.trim_start_matches('.')));
            return Err(self.wrong(
                "has a `*` that does not stand for all subdomains",
                corrected.and_then(|c| self.with_scheme(&c)),
            ));
        }
        let url = self.url(scheme, wildcard.unwrap_or(rest), wildcard.is_some())?;
        let origin = Origin::of(&url).map_err(|_| self.wrong("is no origin", None))?;
        if self.network == Network::Public && wildcard.is_none() && origin.is_private() {
            return Err(self.wrong(PRIVATE, None));
        }
        if origin.scheme() == Scheme::Http && self.network == Network::Public {
            let corrected = self.with_scheme(rest);
            return Err(self.wrong("is plain http, which needs a private-network grant", corrected));
        }
        let host = match (wildcard, origin.host()) {
            (None, host) => PatternHost::Exact(host.clone()),
            (Some(_), Host::Domain(domain)) if domain.contains('.') => PatternHost::Below(domain.clone()),
            (Some(_), Host::Domain(_)) => {
                return Err(self.wrong("covers every host below a whole top-level domain", None));
            }
            (Some(_), host) => {
                let exact = format!("{}://{host}", origin.scheme().as_str());
                return Err(self.wrong("has a `*` before an address", Some(exact)));
            }
        };
        Ok(HostPattern { scheme: origin.scheme(), host, port: origin.port(), network: self.network })
    }

    /// Scheme, host and port as a URL; anything more is refused with what is left without it.
    fn url(&self, scheme: &str, authority: &str, wildcard: bool) -> Result<Url, PatternError> {
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
            return Err(self.wrong("has another scheme than https or http", self.with_scheme(authority)));
        }
        let url =
            Url::parse(&format!("{scheme}://{authority}")).map_err(|_| self.wrong("is not a URL", None))?;
        let bare = Origin::of(&without_userinfo(&url)).ok().map(|origin| {
            let star = if wildcard { "*." } else { "" };
            format!("{}://{star}{}", origin.scheme().as_str(), origin.authority())
        });
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.wrong("has a user name or password", bare));
        }
        let rest = &url[url::Position::BeforePath..];
        if !matches!(rest, "" | "/") || authority.contains(['\\', '?', '#']) {
            return Err(self.wrong("has a path, and a grant covers a whole host", bare));
        }
        Ok(url)
    }

    /// `https://` before what is left of the entry, if that is an entry then.
    fn with_scheme(&self, rest: &str) -> Option<String> {
        let fixed = format!("https://{rest}");
        let grammar = Grammar { given: &fixed, network: self.network };
        match grammar.read() {
            Ok(pattern) => Some(pattern.to_string()),
            Err(error) => error.corrected,
        }
    }

    fn wrong(&self, reason: &'static str, corrected: Option<String>) -> PatternError {
        let given = match self.given.rsplit_once('@') {
            Some((_, host)) => format!("…@{host}"),
            None => self.given.chars().take(200).collect(),
        };
        PatternError { given, reason, corrected }
    }
}

fn without_userinfo(url: &Url) -> Url {
    let mut bare = url.clone();
    // Fails only for URLs that cannot have a host, which `Origin::of` refuses anyway.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare
}

/// What may be dialled for an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed, within this reach.
    Allowed(Reach),
    /// No entry covers the origin.
    NotGranted,
}

/// The entries of a grant.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    /// The API URL's origin, which the user named.
    api: Option<Origin>,
    entries: Vec<HostPattern>,
}

impl AllowList {
    /// Nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The API URL's origin, wherever it lies: the user named it.
    pub fn with_api(mut self, origin: Origin) -> Self {
        self.api = Some(origin);
        self
    }

    /// One entry more.
    pub fn with(mut self, entry: HostPattern) -> Self {
        self.entries.push(entry);
        self
    }

    /// The entries, as they are written.
    pub fn entries(&self) -> impl Iterator<Item = String> + '_ {
        self.api.iter().map(Origin::to_string).chain(self.entries.iter().map(HostPattern::to_string))
    }

    /// Whether an origin may be asked.
    pub fn check(&self, origin: &Origin) -> Verdict {
        if self.api.as_ref() == Some(origin) {
            return Verdict::Allowed(Reach::named_by_user(origin));
        }
        let mut covering = self.entries.iter().filter(|entry| entry.covers(origin)).peekable();
        if covering.peek().is_none() {
            return Verdict::NotGranted;
        }
        if covering.any(|entry| entry.network == Network::Private) {
            return Verdict::Allowed(Reach::Any);
        }
        Verdict::Allowed(Reach::Public)
    }
}

#[cfg(test)]
#[path = "allow_list_tests.rs"]
mod tests;

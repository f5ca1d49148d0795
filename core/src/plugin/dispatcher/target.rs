//! Where a delivery goes: one URL, and the one origin that its dispatcher may reach.

use thiserror::Error;
use url::Url;

use crate::net::{ApiUrl, Origin, OriginError};
use crate::plugin::grants::{AllowList, Grants, HostPattern, Network, PatternError};

/// A checked endpoint.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    base: ApiUrl,
    entry: HostPattern,
}

/// What is wrong with an endpoint's URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Not a URL, another scheme, a user name or password.
    #[error("the endpoint's URL cannot be used: {0}")]
    Origin(#[from] OriginError),
    /// Plain http, without a private network that it would be for.
    #[error("the endpoint cannot be used: {0}")]
    Entry(#[from] PatternError),
}

impl Target {
    /// Checks a URL. With [`Network::Public`] it is https, and no private address is dialled, whatever its name leads to.
    pub fn parse(text: &str, network: Network) -> Result<Self, TargetError> {
        let mut url = Url::parse(text.trim()).map_err(|_| OriginError::Malformed)?;
        url.set_fragment(None);
        let origin = Origin::of(&url)?;
        let entry = HostPattern::parse(&origin.to_string(), network)?;
        let base = ApiUrl::at(&origin).ok_or(OriginError::Malformed)?;
        Ok(Self { url, base, entry })
    }

    /// The one origin that requests may go to.
    pub fn origin(&self) -> &Origin {
        self.base.origin()
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(super) fn grants(&self) -> Grants {
        Grants { hosts: AllowList::nothing().with(self.entry.clone()), ..Grants::nothing() }
    }

    /// What the dispatcher's relative URLs are resolved against.
    pub(super) fn base(&self) -> &ApiUrl {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_private_networks() {
        assert!(Target::parse("https://hooks.example.com/a?b#c", Network::Public).is_ok());
        assert!(Target::parse("http://hooks.example.com/", Network::Public).is_err());
        assert!(Target::parse("http://10.0.0.1/", Network::Private).is_ok());
        assert!(matches!(
            Target::parse("https://me:pw@hooks.example.com", Network::Public),
            Err(TargetError::Origin(OriginError::Userinfo))
        ));
    }
}

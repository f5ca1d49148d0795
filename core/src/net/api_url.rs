//! The API URL that the user set, or the default: checked once, before any name is resolved.

use std::fmt;

use thiserror::Error;
use url::Url;

use super::origin::{Origin, OriginError, Scheme};
use crate::diagnostic::{Diagnostic, Kind};

/// A checked API URL: https, or http to loopback; no userinfo, query or fragment. It may have a path, below which the API lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl {
    origin: Origin,
    url: Url,
}

/// What is wrong with an API URL. The URL itself is shown only where it cannot hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiUrlError {
    /// Not a URL, another scheme, userinfo.
    #[error("the API URL cannot be used: {0}")]
    Origin(#[from] OriginError),
    /// A query or a fragment.
    #[error("the API URL cannot be used: it has a query or a fragment")]
    Extra,
    /// Plain http to another machine.
    #[error("the API URL cannot be used: plain http to `{host}` would send the sign-in unencrypted")]
    Plain {
        /// The host.
        host: String,
    },
}

impl Diagnostic for ApiUrlError {
    fn code(&self) -> &'static str {
        "E-NET-010"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Plain { host } => {
                format!("write `https://{host}`; http is for 127.0.0.1, [::1] and localhost")
            }
            _ => "set ORKEE_CLOUD_API_URL to a URL such as `https://api.orkee.ai`".to_owned(),
        })
    }
}

impl ApiUrl {
    /// Checks a URL. Resolves nothing.
    pub fn parse(text: &str) -> Result<Self, ApiUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| OriginError::Malformed)?;
        let origin = Origin::of(&url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ApiUrlError::Extra);
        }
        if origin.scheme() == Scheme::Http && !origin.is_loopback() {
            return Err(ApiUrlError::Plain { host: origin.host().to_string() });
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { origin, url })
    }

    /// An origin that is no API, and gets no sign-in: plain http is its user's choice.
    #[cfg_attr(not(feature = "plugin"), allow(dead_code, reason = "of plugins alone"))]
    pub(crate) fn at(origin: &Origin) -> Option<Self> {
        let url = Url::parse(&origin.to_string()).ok()?;
        Some(Self { origin: origin.clone(), url })
    }

    /// Its origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The URL of `path`, which begins with `/`, below this one. None if it would leave this origin.
    pub fn join(&self, path: &str) -> Option<Url> {
        if !path.starts_with('/') || path.starts_with("//") || path.contains('\\') {
            return None;
        }
        let url = Url::parse(&format!("{}{path}", self.url.as_str().trim_end_matches('/'))).ok()?;
        (Origin::of(&url).as_ref() == Ok(&self.origin)).then_some(url)
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a30_plain_http_is_for_loopback_alone() {
        for good in [
            "http://127.0.0.1",
            "http://127.0.0.1:4000/",
            "http://[::1]:1",
            "http://localhost:3000",
            "https://api.orkee.ai",
        ] {
            assert!(ApiUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.test",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "http://10.0.0.1",
        ] {
            assert!(matches!(ApiUrl::parse(bad), Err(ApiUrlError::Plain { .. })), "{bad}");
        }
    }

    #[test]
    fn a30_userinfo_is_refused_and_not_repeated() {
        for bad in ["http://user@127.0.0.1", "https://user:canary@api.orkee.ai", "http://127.0.0.1@evil.test"]
        {
            let error = ApiUrl::parse(bad).unwrap_err();
            assert_eq!(error, ApiUrlError::Origin(OriginError::Userinfo), "{bad}");
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn paths_are_joined_below_the_api_url_and_cannot_leave_it() {
        let api = ApiUrl::parse("https://host.example/orkee/").unwrap();
        assert_eq!(api.join("/v1/sync?a=b").unwrap().as_str(), "https://host.example/orkee/v1/sync?a=b");
        assert_eq!(api.to_string(), "https://host.example/orkee");
        let root = ApiUrl::parse("http://127.0.0.1:80").unwrap();
        assert_eq!(root.join("/health").unwrap().as_str(), "http://127.0.0.1/health");
        for bad in ["v1", "//evil.test/", "/\\evil.test", "\\\\evil.test", "@evil.test", ".evil.test", ""] {
            assert_eq!(root.join(bad), None, "{bad}");
        }
    }
}

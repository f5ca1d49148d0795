//! A component from an https URL.
//!
//! No credential goes along. A redirect is followed to https alone, a few times. The host that the user typed may lie anywhere;
//! one that a server sends us to has to be on the internet, so that no server can make this machine ask its neighbours.

use std::time::Duration;

use http::StatusCode;
use http::header::LOCATION;
use thiserror::Error;
use url::Url;

use crate::diagnostic::{Diagnostic, Kind};
use crate::net::{Http, NetError, Origin, OriginError, Reach, Reply, Scheme};
use crate::plugin::error::PluginError;
use crate::plugin::limits::Limits;
use crate::plugin::text::clean;

const MAX_REDIRECTS: usize = 5;
/// For the largest component over a slow line.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A component that did not come.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// No https URL that can be asked. The URL is not repeated, for it may hold a password.
    #[error("the URL cannot be used: {0}")]
    Url(#[from] OriginError),
    /// Plain http, or something else.
    #[error("a component is taken over https alone, and this is {0}")]
    NotHttps(String),
    /// Sent on and on.
    #[error("{0} sends from one URL to the next, more than {MAX_REDIRECTS} times")]
    Redirects(Origin),
    /// Sent to where nothing is taken from.
    #[error("{origin} sends to {to}, and a component is taken over https alone")]
    Redirect {
        /// Who sends.
        origin: Origin,
        /// The scheme that it sends to, or what is wrong.
        to: String,
    },
    /// No component there.
    #[error("{origin} answered {status}")]
    Status {
        /// Who.
        origin: Origin,
        /// What.
        status: StatusCode,
    },
    /// It is too large.
    #[error(transparent)]
    TooLarge(PluginError),
    /// No answer.
    #[error(transparent)]
    Net(#[from] NetError),
}

impl Diagnostic for DownloadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::NotHttps(_) => "E-PLUGIN-048",
            Self::Redirects(_) | Self::Redirect { .. } | Self::Status { .. } => "E-PLUGIN-049",
            Self::TooLarge(error) => error.code(),
            Self::Net(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Url(_) | Self::NotHttps(_) => Kind::Usage,
            Self::Redirects(_) | Self::Redirect { .. } | Self::Status { .. } => Kind::Network,
            Self::TooLarge(error) => error.kind(),
            Self::Net(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        let elsewhere = "fetch the file by other means and install that";
        match self {
            Self::Url(_) | Self::NotHttps(_) => Some(
                "write it as `https://host/path/file.wasm`, or fetch the file and install that".to_owned(),
            ),
            Self::Redirects(_) | Self::Redirect { .. } | Self::Status { .. } => {
                Some(format!("check the URL, or {elsewhere}"))
            }
            Self::TooLarge(error) => error.hint(),
            // Their own hints are about the API's host, which has no part in this.
            Self::Net(NetError::Unreachable { .. } | NetError::Broken { .. } | NetError::TooLarge { .. }) => {
                Some(format!("check the URL and the connection, or {elsewhere}"))
            }
            Self::Net(error) => error.hint().or_else(|| Some(elsewhere.to_owned())),
        }
    }
}

/// Fetches the file behind a URL, unless it is larger than a component may be.
pub async fn download(http: &Http, url: &str) -> Result<Vec<u8>, DownloadError> {
    let mut url = Url::parse(url.trim()).map_err(|_| OriginError::Malformed)?;
    if url.scheme() != Scheme::Https.as_str() {
        return Err(DownloadError::NotHttps(url.scheme().to_owned()));
    }
    let named = Origin::of(&url)?;
    for _ in 0..=MAX_REDIRECTS {
        let origin = Origin::of(&url)?;
        let reach = if origin == named { Reach::named_by_user(&origin) } else { Reach::Public };
        let reply = ask(http, &url, &origin, reach).await?;
        match reply.status {
            StatusCode::OK => return Ok(reply.body.to_vec()),
            status if status.is_redirection() => url = sent_to(&url, &origin, &reply)?,
            status => return Err(DownloadError::Status { origin, status }),
        }
    }
    Err(DownloadError::Redirects(named))
}

async fn ask(http: &Http, url: &Url, origin: &Origin, reach: Reach) -> Result<Reply, DownloadError> {
    let limit = Limits::default().component;
    let request = http.client(reach)?.get(url.clone()).timeout(TIMEOUT).build();
    let request = request.map_err(|error| NetError::sort(error, origin))?;
    http.exchange(origin, reach, request, limit).await.map_err(|error| match error {
        NetError::TooLarge { .. } => {
            let shown = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
            let plugin = clean(shown, 80);
            DownloadError::TooLarge(PluginError::TooLarge { plugin, limit })
        }
        other => other.into(),
    })
}

fn sent_to(url: &Url, origin: &Origin, reply: &Reply) -> Result<Url, DownloadError> {
    let wrong = |to: &str| DownloadError::Redirect { origin: origin.clone(), to: to.to_owned() };
    let location = reply.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let to = url.join(location.ok_or_else(|| wrong("nowhere"))?).map_err(|_| wrong("no URL"))?;
    match Origin::of(&to) {
        Ok(next) if next.scheme() == Scheme::Https => Ok(to),
        Ok(next) => Err(wrong(next.scheme().as_str())),
        Err(_) => Err(wrong("another kind of URL")),
    }
}

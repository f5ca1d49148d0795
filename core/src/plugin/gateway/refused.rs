//! Requests that were not sent because the plugin may not make them, for who keeps account of that.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::SendError;
use crate::diagnostic::Diagnostic;
use crate::net::{ApiUrl, Origin};

/// A request that was refused, or whose reply was withheld. Nothing in it is the plugin's own words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedRequest {
    /// Where it was to go; none where that cannot be told.
    pub origin: Option<String>,
    /// The code of the error.
    pub code: &'static str,
}

/// Hears of refused requests.
pub type Refusals = Arc<dyn Fn(RefusedRequest) + Send + Sync>;

/// Whoever hears of them, if anybody does.
#[derive(Clone, Default)]
pub(in crate::plugin) struct Witness(pub(in crate::plugin) Option<Refusals>);

impl Witness {
    /// Tells of an error if it is a refusal. `url` is what the plugin asked for.
    pub(super) fn see(&self, error: &SendError, api: &ApiUrl, url: &str) {
        let Some(tell) = &self.0 else { return };
        let origin = match error {
            SendError::Denied { origin, .. } | SendError::Withheld { origin } => Some(origin.to_string()),
            SendError::Invalid { .. } if url.starts_with('/') => Some(api.origin().to_string()),
            SendError::Invalid { .. } => {
                Url::parse(url).ok().and_then(|url| Origin::of(&url).ok()).map(|origin| origin.to_string())
            }
            _ => return,
        };
        tell(RefusedRequest { origin, code: error.code() });
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({})", if self.0.is_some() { "somebody" } else { "nobody" })
    }
}

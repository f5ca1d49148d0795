//! What the user granted a plugin: origins to reach and credentials to name. Pure data; the chokepoint asks it.

mod allow_list;

use std::collections::BTreeMap;

pub use allow_list::{AllowList, HostPattern, Network, PatternError, Verdict};

use crate::net::{ApiUrl, LOGIN, Origin};

/// What a plugin may reach and name.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Origins.
    pub hosts: AllowList,
    /// Names of credentials, each with the one origin that it is sent to.
    pub credentials: BTreeMap<String, Origin>,
}

impl Grants {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A built-in provider's: the API URL and the sign-in for it.
    pub fn built_in(api_url: &ApiUrl) -> Self {
        let origin = api_url.origin().clone();
        Self {
            hosts: AllowList::nothing().with_api(origin.clone()),
            credentials: [(LOGIN.to_owned(), origin)].into(),
        }
    }
}

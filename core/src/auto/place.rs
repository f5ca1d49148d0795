//! Whose projects are synced, where to, and as whom: what is known of one place says nothing of another.

use sha2::{Digest, Sha256};

/// As the settings of a process say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tenant; empty: the personal space.
    pub tenant: String,
    /// The API's address.
    pub api: String,
    /// A token is given beside what is signed in with: it may hold where that does not, and the other way round.
    pub has_token: bool,
}

impl Place {
    /// One line that no other place has. The tenant comes first, up to the first space.
    pub(super) fn key(&self) -> String {
        let Self { tenant, api, has_token } = self;
        let token = if *has_token { " token" } else { "" };
        format!("{tenant} {api}{token}")
    }

    /// A name for files of this place, which no other place has, whatever its tenant and its address are made of.
    pub(super) fn file_name(&self) -> String {
        Sha256::digest(self.key())[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tenant of a [key](Self::key).
    pub(super) fn tenant_of(key: &str) -> &str {
        key.split(' ').next().unwrap_or_default()
    }
}

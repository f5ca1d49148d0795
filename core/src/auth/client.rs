//! Who this program is to an authorization server, and what it asks of it.

use crate::id;

/// The public client that this program is to a server that names no other.
const ID: &str = "orkee-cli";
/// All that a sync needs.
const SCOPE: &str = "sync";
/// Names a request in the server's log.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// A public client: it has no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// As the server knows it.
    pub id: String,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// What it calls its requests, for the server's log and the audit trail: one name for all of one sign-in, refresh or revocation.
    pub request_id: String,
}

impl Default for Client {
    fn default() -> Self {
        let request_id = format!("auth_{}", id::random(16));
        Self { id: ID.to_owned(), scopes: vec![SCOPE.to_owned()], request_id }
    }
}

impl Client {
    /// The client of a sign-in that was made before.
    pub(super) fn of(id: Option<&str>) -> Self {
        let usual = Self::default();
        Self { id: id.map_or(usual.id, str::to_owned), ..usual }
    }

    /// Its id, where it is not the usual one.
    pub(super) fn unusual_id(&self) -> Option<String> {
        Some(self.id.clone()).filter(|id| id != ID)
    }

    /// As a request has them.
    pub(super) fn scope(&self) -> String {
        self.scopes.join(" ")
    }
}

//! Asking an API for a tenant, and keeping what it said: for an hour nobody is asked again, and without a network the last answer
//! goes on being used, with its policy.

use std::fs;
use std::path::PathBuf;

use http::{Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::description::{Tenant, is_name};
use super::error::TenantError;
use crate::auth::endpoint::{self, Endpoint};
use crate::auth::{Auth, AuthError};
use crate::diagnostic::{Diagnostic, Kind};
use crate::net::ApiUrl;
use crate::{clock, file};

/// For so long an answer is not asked for again.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// A kept answer is the description and little more.
const MAX_KEPT: u64 = 128 << 10;

/// Whether the API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Not at all: what is kept has to do.
    Never,
    /// Where what is kept is old, or is nothing.
    IfOld,
    /// Whatever is kept.
    Always,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    api: String,
    /// RFC 3339.
    at: String,
    description: Box<RawValue>,
}

impl Auth {
    /// The tenant of this name at an API. None: it knows none.
    pub async fn tenant(
        &self,
        api: &ApiUrl,
        tenant: &str,
        asking: Asking,
    ) -> Result<Option<Tenant>, AuthError> {
        if !is_name(tenant) {
            return Ok(None);
        }
        let kept = self.kept_tenant(tenant).filter(|(kept, _)| kept.api == api.to_string());
        match (&kept, asking) {
            (Some((_, tenant)), Asking::Never) => return Ok(Some(tenant.clone())),
            (None, Asking::Never) => return Err(TenantError::NotAsked { tenant: tenant.to_owned() }.into()),
            (Some((kept, tenant)), Asking::IfOld) if self.is_young(&kept.at) => {
                return Ok(Some(tenant.clone()));
            }
            _ => {}
        }
        match (self.ask(api, tenant).await, kept) {
            (Err(error), Some((_, old))) if asking == Asking::IfOld && is_silence(&error) => {
                tracing::debug!(target: "orkee::cloud::auth", tenant, %error, "what was known of the tenant goes on being used");
                Ok(Some(old))
            }
            (asked, _) => asked,
        }
    }

    /// A tenant that some API is known to have, as it stands: one that this machine never used is none, and nobody is asked for
    /// it.
    pub async fn known_tenant(&self, tenant: &str, asking: Asking) -> Result<Option<Tenant>, AuthError> {
        let kept = self.kept_tenant(tenant).and_then(|(kept, _)| ApiUrl::parse(&kept.api).ok());
        match kept {
            Some(api) => self.tenant(&api, tenant, asking).await,
            None => Ok(None),
        }
    }

    async fn ask(&self, api: &ApiUrl, tenant: &str) -> Result<Option<Tenant>, AuthError> {
        let host = || api.origin().authority();
        let unusable = |reason: String| {
            AuthError::from(TenantError::Unusable { tenant: tenant.to_owned(), host: host(), reason })
        };
        let url = api.join(&format!("/.well-known/orkee-tenant/{tenant}"));
        let url = url.ok_or_else(|| unusable("its address cannot be used".to_owned()))?;
        let request =
            Request::get(url.as_str()).header(http::header::ACCEPT, "application/json").body(Vec::new());
        let request = request.map_err(|_| unusable("its address cannot be used".to_owned()))?;
        let reply = endpoint::send(&self.http, Endpoint::Tenant, &url, request).await?;
        match reply.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                self.forget_tenant(api, tenant);
                return Ok(None);
            }
            status => return Err(Endpoint::Tenant.answered(&url, format!("status {}", status.as_u16()))),
        }
        let found = Tenant::parse(reply.body(), api, tenant).map_err(unusable)?;
        self.keep_tenant(api, tenant, reply.body());
        Ok(Some(found))
    }

    fn is_young(&self, at: &str) -> bool {
        let Ok(at) = at.parse::<Timestamp>() else { return false };
        let age = self.clock.now().duration_since(at);
        // A clock that was put back says nothing of an age.
        (SignedDuration::ZERO..FRESH).contains(&age)
    }

    /// What is kept, checked as if it came anew: the file may be anybody's work.
    fn kept_tenant(&self, tenant: &str) -> Option<(Kept, Tenant)> {
        let path = self.kept_path(tenant).filter(|path| {
            fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_KEPT)
        })?;
        let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let api = ApiUrl::parse(&kept.api).ok()?;
        let found = Tenant::parse(kept.description.get().as_bytes(), &api, tenant).ok()?;
        Some((kept, found))
    }

    /// A disk that will not take it only means that it is asked again.
    fn keep_tenant(&self, api: &ApiUrl, tenant: &str, description: &[u8]) {
        let Some(path) = self.kept_path(tenant) else { return };
        let kept = || {
            let description = RawValue::from_string(String::from_utf8_lossy(description).into_owned())?;
            let kept = Kept { api: api.to_string(), at: clock::rfc3339(self.clock.now()), description };
            let json = serde_json::to_vec(&kept)?;
            path.parent().map_or(Ok(()), file::private_folder)?;
            file::replace(&path, &json)
        };
        if let Err(error) = kept() {
            tracing::debug!(target: "orkee::cloud::auth", tenant, %error, "cannot keep what the tenant is");
        }
    }

    /// The API says that it has no such tenant.
    fn forget_tenant(&self, api: &ApiUrl, tenant: &str) {
        let kept = self.kept_tenant(tenant).filter(|(kept, _)| kept.api == api.to_string());
        if let (Some(_), Some(path)) = (kept, self.kept_path(tenant)) {
            let _ = fs::remove_file(path);
        }
    }

    fn kept_path(&self, tenant: &str) -> Option<PathBuf> {
        is_name(tenant).then(|| self.root.join("tenants").join(format!("{tenant}.json")))
    }
}

/// Nobody answered, or nobody who could.
fn is_silence(error: &AuthError) -> bool {
    matches!(error.kind(), Kind::Network | Kind::Timeout)
}

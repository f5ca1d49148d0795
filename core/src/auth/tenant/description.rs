//! A tenant as its API describes it. Pure: bytes in, a checked description or a reason out.

use serde::Deserialize;
use serde_json::Value;

use super::policy::{self, Policy};
use crate::auth::error::plain;
use crate::net::{ApiUrl, Origin};

/// The version of the form.
const VERSION: u64 = 1;
/// Of an id, in characters.
const MAX_ID: usize = 64;
/// What every sign-in of OpenID Connect asks for.
const OPENID: &str = "openid";

/// A tenant, as far as this program has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// As the person names it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where its projects are.
    pub api: ApiUrl,
    /// The authorization server of that API.
    pub issuer: ApiUrl,
    /// Who signs its people in. None: the authorization server itself.
    pub identity_providers: Vec<IdentityProvider>,
    /// What it demands.
    pub policy: Policy,
}

/// A company's own sign-in: an OpenID Connect issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// As the person names it.
    pub id: String,
    /// For people.
    pub name: String,
    /// The issuer.
    pub issuer: ApiUrl,
    /// Who this program is to it.
    pub client_id: String,
    /// What is asked of it; `openid` among them.
    pub scopes: Vec<String>,
    /// For whom its access token is to be.
    pub audience: Option<String>,
    /// What becomes of its tokens.
    pub token: TokenUse,
}

impl IdentityProvider {
    /// How it is asked for an access token for its audience: as a resource (RFC 8707) where that is a URL, and in the older way
    /// that some know alone.
    pub(in crate::auth) fn audience_parameters(&self) -> Vec<(&'static str, String)> {
        let Some(audience) = &self.audience else { return Vec::new() };
        let resource = url::Url::parse(audience).is_ok().then(|| ("resource", audience.clone()));
        resource.into_iter().chain([("audience", audience.clone())]).collect()
    }
}

/// What becomes of the tokens of an identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenUse {
    /// The ID token is exchanged for a token of the API's authorization server (RFC 8693).
    #[default]
    Exchange,
    /// The access token goes to the API itself.
    Direct,
}

#[derive(Deserialize)]
struct Document {
    version: u64,
    tenant: String,
    name: Option<String>,
    api_url: String,
    issuer: String,
    #[serde(default)]
    identity_providers: Vec<Provider>,
    policy: Option<policy::Document>,
}

#[derive(Deserialize)]
struct Provider {
    id: String,
    name: Option<String>,
    issuer: String,
    client_id: String,
    #[serde(default)]
    scopes: Vec<String>,
    audience: Option<String>,
    token: Option<Value>,
}

/// Whether a tenant can have this name at an API: it is a part of a path there.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.')
}

impl Tenant {
    /// The description that `asked` gave of `tenant`.
    pub(super) fn parse(bytes: &[u8], asked: &ApiUrl, tenant: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|error| of_json(&error))?;
        if document.version != VERSION {
            return Err(format!(
                "it is of version {}, which this version of orkee does not know",
                document.version
            ));
        }
        if document.tenant != tenant {
            return Err(format!("it is the one of the tenant `{}`", plain(&document.tenant)));
        }
        let policy = document.policy.unwrap_or_default().check()?;
        let identity_providers = document
            .identity_providers
            .into_iter()
            .map(|provider| provider.check(asked))
            .collect::<Result<Vec<_>, _>>()?;
        for (at, provider) in identity_providers.iter().enumerate() {
            if identity_providers[..at].iter().any(|earlier| earlier.id == provider.id) {
                return Err(format!("two identity providers are called `{}`", provider.id));
            }
        }
        Ok(Self {
            id: tenant.to_owned(),
            name: document
                .name
                .as_deref()
                .map(plain)
                .filter(|name| !name.is_empty())
                .unwrap_or(tenant.to_owned()),
            api: api(asked, url("api_url", &document.api_url, asked)?, &policy)?,
            issuer: url("issuer", &document.issuer, asked)?,
            identity_providers,
            policy,
        })
    }
}

/// The API that is used: the one that was asked, or another that the policy allows.
fn api(asked: &ApiUrl, named: ApiUrl, policy: &Policy) -> Result<ApiUrl, String> {
    if named.origin() == asked.origin() {
        return Ok(asked.clone());
    }
    let is_allowed =
        |origin: &Origin| policy.api_origins.as_ref().is_some_and(|origins| origins.contains(origin));
    match is_allowed(named.origin()) {
        true => Ok(named),
        false => Err(format!(
            "its api_url is {}, which is neither the host that was asked nor one of its policy",
            named
        )),
    }
}

impl Provider {
    fn check(self, asked: &ApiUrl) -> Result<IdentityProvider, String> {
        if !is_name(&self.id) {
            return Err(format!("`{}` is no name of an identity provider", plain(&self.id)));
        }
        let of = |what: &str| format!("{what} of the identity provider `{}`", self.id);
        let is_plain = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
        if !is_plain(&self.client_id) {
            return Err(format!("the {} is empty or has control characters", of("client_id")));
        }
        if let Some(scope) =
            self.scopes.iter().find(|scope| !is_plain(scope) || scope.contains(char::is_whitespace))
        {
            return Err(format!("`{}` is no scope, which the {} have", plain(scope), of("scopes")));
        }
        if self.audience.as_deref().is_some_and(|audience| !is_plain(audience)) {
            return Err(format!("the {} is empty or has control characters", of("audience")));
        }
        let token = match self.token.clone() {
            None | Some(Value::Null) => TokenUse::default(),
            Some(value) => serde_json::from_value(value)
                .map_err(|_| format!("the {} is neither `exchange` nor `direct`", of("token")))?,
        };
        let issuer = url(&of("issuer"), &self.issuer, asked)?;
        let mut scopes = self.scopes;
        if !scopes.iter().any(|scope| scope == OPENID) {
            scopes.insert(0, OPENID.to_owned());
        }
        let name = self.name.as_deref().map(plain).filter(|name| !name.is_empty()).unwrap_or(self.id.clone());
        Ok(IdentityProvider {
            id: self.id,
            name,
            issuer,
            client_id: self.client_id,
            scopes,
            audience: self.audience,
            token,
        })
    }
}

/// https, or this machine where the API is on it.
fn url(what: &str, text: &str, asked: &ApiUrl) -> Result<ApiUrl, String> {
    let insecure = || format!("the {what}, `{}`, is not a secure URL", plain(text));
    let url = ApiUrl::parse(text).map_err(|_| insecure())?;
    let is_secure = url.origin().scheme() == crate::net::Scheme::Https || asked.origin().is_loopback();
    is_secure.then_some(url).ok_or_else(insecure)
}

/// What serde_json says, without what it quotes of the text.
fn of_json(error: &serde_json::Error) -> String {
    match error.is_data() {
        true => format!(
            "it lacks a part, or one is of another form (line {}, column {})",
            error.line(),
            error.column()
        ),
        false => format!("it is no JSON (line {}, column {})", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> ApiUrl {
        ApiUrl::parse("https://api.example.com/orkee").unwrap()
    }

    fn with(change: impl FnOnce(&mut Value)) -> Result<Tenant, String> {
        let mut document = json!({
            "version": 1, "tenant": "acme", "name": "Acme Inc.", "api_url": "https://api.example.com",
            "issuer": "https://api.example.com", "later": {"unknown": true},
            "identity_providers": [{
                "id": "okta", "name": "Okta", "issuer": "https://acme.okta.example", "client_id": "0oa1",
                "scopes": ["email"], "audience": null, "token": "exchange", "unknown": 1,
            }],
            "policy": {"unknown": [1]},
        });
        change(&mut document);
        Tenant::parse(document.to_string().as_bytes(), &asked(), "acme")
    }

    #[test]
    fn a_good_description_is_taken_and_unknown_keys_are_ignored() {
        let tenant = with(|_| ()).unwrap();
        assert_eq!((tenant.name.as_str(), &tenant.api), ("Acme Inc.", &asked()));
        let okta = &tenant.identity_providers[0];
        assert_eq!(okta.scopes, ["openid", "email"]);
        assert_eq!((okta.token, okta.audience.as_deref()), (TokenUse::Exchange, None));
        assert_eq!(tenant.policy, Policy::default());
        let least = with(|d| {
            *d = json!({"version": 1, "tenant": "acme", "api_url": "https://api.example.com/", "issuer": "https://id.example.com"});
        });
        let least = least.unwrap();
        assert_eq!((least.name.as_str(), least.identity_providers.len()), ("acme", 0));
    }

    #[test]
    fn what_matters_and_makes_no_sense_is_refused_with_the_reason() {
        let first = |d: &mut Value, key: &str, value: Value| d["identity_providers"][0][key] = value;
        type Change = Box<dyn FnOnce(&mut Value)>;
        let wrong: Vec<(Change, &str)> = vec![
            (Box::new(|d| *d = json!([1])), "lacks a part"),
            (Box::new(|d| d["version"] = 2.into()), "version 2"),
            (Box::new(|d| d["tenant"] = "beta\u{1b}[2J".into()), "the one of the tenant `beta[2J`"),
            (
                Box::new(|d| d["api_url"] = "http://api.example.com".into()),
                "api_url, `http://api.example.com`, is not a secure",
            ),
            (Box::new(|d| d["api_url"] = "https://evil.example".into()), "neither the host that was asked"),
            (
                Box::new(|d| d["issuer"] = "http://127.0.0.1:1".into()),
                "issuer, `http://127.0.0.1:1`, is not a secure",
            ),
            (
                Box::new(move |d| first(d, "issuer", "http://okta.example".into())),
                "issuer of the identity provider `okta`",
            ),
            (Box::new(move |d| first(d, "issuer", "https://u:p@okta.example".into())), "not a secure URL"),
            (Box::new(move |d| first(d, "id", "ok ta".into())), "`ok ta` is no name"),
            (Box::new(move |d| first(d, "client_id", " ".into())), "client_id"),
            (Box::new(move |d| first(d, "scopes", json!(["a b"]))), "`a b` is no scope"),
            (Box::new(move |d| first(d, "token", "steal".into())), "neither `exchange` nor `direct`"),
            (
                Box::new(|d| {
                    let twice = d["identity_providers"][0].clone();
                    d["identity_providers"] = json!([twice.clone(), twice]);
                }),
                "two identity providers are called `okta`",
            ),
            (Box::new(|d| d["policy"] = json!({"encryption": "double"})), "encryption"),
        ];
        for (change, reason) in wrong {
            let error = with(change).unwrap_err();
            assert!(error.contains(reason), "{error} / {reason}");
        }
        assert!(Tenant::parse(b"<html>", &asked(), "acme").unwrap_err().contains("no JSON (line 1"));
    }

    #[test]
    fn another_api_is_used_only_where_the_policy_allows_it() {
        let tenant = with(|d| {
            d["api_url"] = "https://eu.example.com".into();
            d["policy"] = json!({"api_origins": ["https://eu.example.com"]});
        });
        assert_eq!(tenant.unwrap().api.to_string(), "https://eu.example.com");
    }

    #[test]
    fn names_that_no_path_could_hold_are_no_names_of_tenants() {
        for good in ["acme", "acme-1_x.y"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "..", ".acme", "a/b", "acme corp", "é", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

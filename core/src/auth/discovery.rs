//! What the authorization server says of itself (RFC 8414), believed only as far as it cannot lead the sign-in elsewhere.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::client::{Client, REQUEST_ID};
use super::endpoint::{self, Endpoint};
use super::error::{AuthError, plain};
use crate::net::{ApiUrl, Http, Origin, ProofKey, Scheme};

/// A server that this sign-in can be done with.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    /// Who this program is to it.
    pub(super) client: Client,
    /// As the server writes it, to be found again in its answers.
    pub(super) issuer: String,
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) revocation: Option<Url>,
    pub(super) device: Option<Url>,
    /// The server names itself in the answer to the browser (RFC 9207).
    pub(super) names_itself: bool,
    /// The server binds tokens to a key that it is shown a proof of (RFC 9449).
    pub(super) binds: bool,
    /// The key that proofs are made with: of the login that is under way, or that is refreshed.
    pub(super) key: Option<Arc<ProofKey>>,
    /// Where its keys are.
    pub(super) jwks: Option<Url>,
    /// The ways to a token that it offers. None: it does not say.
    pub(super) grants: Option<Vec<String>>,
}

/// Which standard the server keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standard {
    /// RFC 8414.
    Oauth,
    /// OpenID Connect Discovery: a company's identity provider. Some of those offer S256 and do not say so; the nonce of each
    /// attempt then proves what the challenge would.
    OpenId,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    jwks_uri: Option<String>,
    grant_types_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
}

/// Asks the issuer for its metadata and checks it.
pub(super) async fn discover(
    http: &Http,
    issuer: &ApiUrl,
    client: &Client,
    standard: Standard,
) -> Result<Metadata, AuthError> {
    let refuse = |reason: &str| AuthError::Metadata { issuer: issuer.to_string(), reason: reason.to_owned() };
    let mut found = None;
    for url in locations(issuer, standard).ok_or_else(|| refuse("its URL cannot be used"))? {
        let request = Request::get(url.as_str())
            .header(http::header::ACCEPT, "application/json")
            .header(REQUEST_ID, &client.request_id)
            .body(Vec::new());
        let request = request.map_err(|_| refuse("its URL cannot be used"))?;
        let reply = endpoint::send(http, Endpoint::Metadata, &url, request).await?;
        if reply.status() != StatusCode::NOT_FOUND {
            found = Some((url, reply));
            break;
        }
    }
    let (url, reply) = found.ok_or_else(|| refuse("it offers no OAuth sign-in"))?;
    let document = parse(&url, &reply)?;
    check(issuer, document, client.clone(), standard).map_err(|reason| refuse(&reason))
}

/// RFC 8414 puts the well-known part before the issuer's path, OpenID Connect Discovery after it.
fn locations(issuer: &ApiUrl, standard: Standard) -> Option<[Url; 2]> {
    let text = issuer.to_string();
    let path = Url::parse(&text).ok()?.path().trim_end_matches('/').to_owned();
    let root: Url = issuer.origin().to_string().parse().ok()?;
    let oauth = root.join(&format!("/.well-known/oauth-authorization-server{path}")).ok()?;
    let openid = issuer.join("/.well-known/openid-configuration")?;
    Some(match standard {
        Standard::Oauth => [oauth, openid],
        Standard::OpenId => [openid, oauth],
    })
}

fn parse(url: &Url, reply: &Response<Vec<u8>>) -> Result<Document, AuthError> {
    if reply.status() != StatusCode::OK {
        return Err(Endpoint::Metadata.answered(url, format!("status {}", reply.status().as_u16())));
    }
    serde_json::from_slice(reply.body()).map_err(|error| {
        Endpoint::Metadata.answered(
            url,
            format!("something that is no metadata (line {}, column {})", error.line(), error.column()),
        )
    })
}

fn check(
    issuer: &ApiUrl,
    document: Document,
    client: Client,
    standard: Standard,
) -> Result<Metadata, String> {
    if document.issuer.trim_end_matches('/') != issuer.to_string() {
        return Err(format!("it calls itself `{}`", plain(&document.issuer)));
    }
    let offers_s256 = match &document.code_challenge_methods_supported {
        Some(methods) => methods.iter().any(|method| method == "S256"),
        None => standard == Standard::OpenId,
    };
    if !offers_s256 {
        return Err("the server does not support PKCE S256".to_owned());
    }
    let endpoint = |name: &str, text: &str| {
        usable(issuer, text).ok_or_else(|| format!("its {name} is not a secure URL"))
    };
    let optional = |name: &str, text: Option<String>| text.map(|text| endpoint(name, &text)).transpose();
    Ok(Metadata {
        client,
        authorization: endpoint("authorization endpoint", &document.authorization_endpoint)?,
        token: endpoint("token endpoint", &document.token_endpoint)?,
        revocation: optional("revocation endpoint", document.revocation_endpoint)?,
        device: optional("device authorization endpoint", document.device_authorization_endpoint)?,
        jwks: optional("key set", document.jwks_uri)?,
        grants: document.grant_types_supported,
        binds: document.dpop_signing_alg_values_supported.iter().any(|algorithm| algorithm == "ES256"),
        key: None,
        names_itself: document.authorization_response_iss_parameter_supported,
        issuer: document.issuer,
    })
}

/// https, or http to loopback where the issuer itself is there.
fn usable(issuer: &ApiUrl, text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let origin = Origin::of(&url).ok()?;
    let plain_is_fine = issuer.origin().scheme() == Scheme::Http && origin.is_loopback();
    (url.fragment().is_none() && (origin.scheme() == Scheme::Https || plain_is_fine)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> ApiUrl {
        ApiUrl::parse("https://op.example/t").unwrap()
    }

    fn document(change: impl FnOnce(&mut serde_json::Value)) -> Document {
        let mut document = serde_json::json!({
            "issuer": "https://op.example/t",
            "authorization_endpoint": "https://op.example/auth",
            "token_endpoint": "https://op.example/token",
            "revocation_endpoint": "https://op.example/revoke",
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        change(&mut document);
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn metadata_is_looked_for_where_the_two_standards_put_it() {
        let [oauth, oidc] = locations(&issuer(), Standard::Oauth).unwrap();
        assert_eq!(oauth.as_str(), "https://op.example/.well-known/oauth-authorization-server/t");
        assert_eq!(oidc.as_str(), "https://op.example/t/.well-known/openid-configuration");
        let [oauth, _] = locations(&ApiUrl::parse("http://127.0.0.1:1").unwrap(), Standard::Oauth).unwrap();
        assert_eq!(oauth.as_str(), "http://127.0.0.1:1/.well-known/oauth-authorization-server");
    }

    #[test]
    fn good_metadata_is_taken() {
        let metadata = check(&issuer(), document(|_| ()), Client::default(), Standard::Oauth).unwrap();
        assert!(metadata.names_itself);
        assert_eq!(metadata.token.as_str(), "https://op.example/token");
    }

    #[test]
    fn a08_a_server_without_s256_is_refused() {
        for methods in [serde_json::json!(["plain"]), serde_json::json!([])] {
            let error = check(
                &issuer(),
                document(|d| d["code_challenge_methods_supported"] = methods),
                Client::default(),
                Standard::Oauth,
            )
            .unwrap_err();
            assert_eq!(error, "the server does not support PKCE S256");
        }
    }

    #[test]
    fn an_identity_provider_may_leave_s256_unsaid_but_not_deny_it() {
        let unsaid =
            || document(|d| drop(d.as_object_mut().unwrap().remove("code_challenge_methods_supported")));
        assert!(check(&issuer(), unsaid(), Client::default(), Standard::OpenId).is_ok());
        assert!(check(&issuer(), unsaid(), Client::default(), Standard::Oauth).is_err());
        let denied = document(|d| d["code_challenge_methods_supported"] = serde_json::json!(["plain"]));
        assert!(check(&issuer(), denied, Client::default(), Standard::OpenId).is_err());
        let [openid, _] = locations(&issuer(), Standard::OpenId).unwrap();
        assert_eq!(openid.as_str(), "https://op.example/t/.well-known/openid-configuration");
    }

    #[test]
    fn a13_another_issuer_or_an_unencrypted_endpoint_is_refused() {
        let other = check(
            &issuer(),
            document(|d| d["issuer"] = "https://evil.example/t\u{1b}[2J".into()),
            Client::default(),
            Standard::Oauth,
        )
        .unwrap_err();
        assert_eq!(other, "it calls itself `https://evil.example/t[2J`");
        for key in ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"] {
            for bad in [
                "http://op.example/x",
                "http://127.0.0.1/x",
                "javascript:alert(1)",
                "/x",
                "https://u@op.example/",
            ] {
                assert!(
                    check(&issuer(), document(|d| d[key] = bad.into()), Client::default(), Standard::Oauth)
                        .is_err(),
                    "{key} {bad}"
                );
            }
        }
    }

    #[test]
    fn an_issuer_on_loopback_may_have_its_endpoints_there() {
        let issuer = ApiUrl::parse("http://127.0.0.1:9").unwrap();
        let document = document(|d| {
            d["issuer"] = "http://127.0.0.1:9".into();
            d["token_endpoint"] = "http://127.0.0.1:9/token".into();
        });
        assert!(check(&issuer, document, Client::default(), Standard::Oauth).is_ok());
    }
}

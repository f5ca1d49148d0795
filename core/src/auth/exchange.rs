//! The token and revocation endpoints: a code, or a refresh token, for new tokens.
//!
//! What the server answers is never put into an error or a log: a malformed reply may hold the very token.

use std::borrow::Cow;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthorizationCode, ClientId, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::client::REQUEST_ID;
use super::discovery::Metadata;
use super::endpoint::{self, Endpoint};
use super::error::{AuthError, plain};
use crate::net::{Http, Secret};

/// What the token endpoint gave.
pub(super) struct Granted {
    pub(super) token: Secret,
    pub(super) refresh_token: Option<Secret>,
    /// In seconds; None where the server does not say, or says something that no clock can hold.
    lifetime: Option<i64>,
    /// It is bound to the key that the request proved to have.
    pub(super) bound: bool,
    /// Who signed in, as an identity provider says; nobody has checked it yet.
    pub(super) id_token: Option<Secret>,
    /// When the server says that it was.
    pub(super) at: Option<Timestamp>,
}

impl Granted {
    /// When the token expires, counted from the moment that it came.
    pub(super) fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        now.checked_add(SignedDuration::from_secs(self.lifetime?)).ok()
    }
}

/// The token endpoint gave nothing.
pub(super) enum Refusal {
    /// The code or the refresh token is no longer good (`invalid_grant`).
    Grant(String),
    /// Anything else; what was sent may still be good.
    Failed(AuthError),
}

/// The device that signs in, for the list of devices that the server keeps.
#[derive(Debug, Clone)]
pub struct Device {
    /// Such as the host's name.
    pub name: String,
    /// Such as `linux`.
    pub platform: String,
}

impl Device {
    /// The one that this runs on.
    pub fn this() -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { name, platform: std::env::consts::OS.to_owned() }
    }

    /// As the server's token endpoint takes it.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        vec![("device_name", self.name.clone()), ("device_platform", self.platform.clone())]
    }
}

/// Trades the code for tokens. `more` is sent along.
pub(super) async fn redeem_code(
    http: &Http,
    metadata: &Metadata,
    code: &Secret,
    verifier: PkceCodeVerifier,
    redirect: &RedirectUrl,
    more: &[(&'static str, String)],
) -> Result<Granted, Refusal> {
    let client = client(metadata);
    let mut request = client
        .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
        .set_pkce_verifier(verifier)
        .set_redirect_uri(Cow::Borrowed(redirect));
    for (name, value) in more {
        request = request.add_extra_param(*name, value.as_str());
    }
    let endpoint = TokenEndpoint::new(http, metadata);
    let granted = sort(metadata, request.request_async(&endpoint).await)?;
    Ok(Granted { at: endpoint.date(), ..granted })
}

/// Trades the refresh token for new tokens. It may be spent as soon as this sends.
pub(super) async fn refresh(
    http: &Http,
    metadata: &Metadata,
    refresh_token: &Secret,
) -> Result<Granted, Refusal> {
    let client = client(metadata);
    let token = RefreshToken::new(refresh_token.expose().to_owned());
    let request = client.exchange_refresh_token(&token);
    let endpoint = TokenEndpoint::new(http, metadata);
    sort(metadata, request.request_async(&endpoint).await)
}

/// What the token endpoint says of a device code.
pub(super) enum Polled {
    /// The person said yes.
    Granted(Granted),
    /// The person has not decided.
    Pending,
    /// The same, and it was asked too often.
    SlowDown,
}

/// Asks whether the person has typed the code of a device.
pub(super) async fn poll_device(
    http: &Http,
    metadata: &Metadata,
    device_code: &Secret,
    more: &[(&'static str, String)],
) -> Result<Polled, Refusal> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
        .append_pair("device_code", device_code.expose())
        .append_pair("client_id", &metadata.client.id)
        .extend_pairs(more)
        .finish();
    match ask_for_token(http, metadata, form).await? {
        Ok(granted) => Ok(Polled::Granted(granted)),
        Err(error) => match error.error().as_ref() {
            "authorization_pending" => Ok(Polled::Pending),
            "slow_down" => Ok(Polled::SlowDown),
            _ => Err(refusal(metadata, &error)),
        },
    }
}

/// Sends a form to the token endpoint; inside, what it refuses.
pub(super) async fn ask_for_token(
    http: &Http,
    metadata: &Metadata,
    form: String,
) -> Result<Result<Granted, BasicErrorResponse>, Refusal> {
    let answered = |what: &str| Refusal::Failed(Endpoint::Token.answered(&metadata.token, what));
    let request = Request::post(metadata.token.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .header(REQUEST_ID, &metadata.client.request_id)
        .body(form.into_bytes())
        .map_err(|_| answered("nothing: its URL cannot be used"))?;
    let key = metadata.key.as_deref();
    let reply = endpoint::send_proven(http, Endpoint::Token, &metadata.token, request, key).await;
    let reply = reply.map_err(Refusal::Failed)?;
    let no_reply = || answered("something that is no token reply");
    if !reply.status().is_success() {
        return Ok(Err(serde_json::from_slice(reply.body()).map_err(|_| no_reply())?));
    }
    let at = endpoint::date(&reply);
    let reply: Reply = serde_json::from_slice(reply.body()).map_err(|_| no_reply())?;
    Ok(Ok(Granted { at, ..granted(metadata, reply)? }))
}

/// Tells the server to forget a token (RFC 7009).
pub(super) async fn revoke(
    http: &Http,
    metadata: &Metadata,
    url: &Url,
    token: &Secret,
    hint: &str,
) -> Result<(), AuthError> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose())
        .append_pair("token_type_hint", hint)
        .append_pair("client_id", &metadata.client.id)
        .finish();
    let request = Request::post(url.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .header(REQUEST_ID, &metadata.client.request_id)
        .body(form.into_bytes())
        .map_err(|_| Endpoint::Revocation.answered(url, "nothing: its URL cannot be used"))?;
    let status = endpoint::send(http, Endpoint::Revocation, url, request).await?.status();
    if status.is_success() {
        return Ok(());
    }
    Err(Endpoint::Revocation.answered(url, format!("status {}", status.as_u16())))
}

type Client = oauth2::Client<
    BasicErrorResponse,
    Reply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn client(metadata: &Metadata) -> Client {
    oauth2::Client::new(ClientId::new(metadata.client.id.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token.clone()))
        .set_auth_type(oauth2::AuthType::RequestBody)
}

/// The one client, as the OAuth library wants it.
struct TokenEndpoint<'m> {
    http: Http,
    metadata: &'m Metadata,
    /// Of its answer.
    date: Mutex<Option<Timestamp>>,
}

impl<'m> TokenEndpoint<'m> {
    fn new(http: &Http, metadata: &'m Metadata) -> Self {
        Self { http: http.clone(), metadata, date: Mutex::default() }
    }

    fn date(self) -> Option<Timestamp> {
        self.date.into_inner().unwrap_or_default()
    }
}

impl<'c> AsyncHttpClient<'c> for TokenEndpoint<'_> {
    type Error = AuthError;
    type Future = BoxFuture<'c, Result<HttpResponse, AuthError>>;

    fn call(&'c self, mut request: HttpRequest) -> Self::Future {
        if let Ok(id) = HeaderValue::from_str(&self.metadata.client.request_id) {
            request.headers_mut().insert(REQUEST_ID, id);
        }
        Box::pin(async move {
            let Metadata { token, key, .. } = self.metadata;
            let reply =
                endpoint::send_proven(&self.http, Endpoint::Token, token, request, key.as_deref()).await?;
            if let Ok(mut date) = self.date.lock() {
                *date = endpoint::date(&reply);
            }
            Ok(reply)
        })
    }
}

fn sort(
    metadata: &Metadata,
    result: Result<Reply, RequestTokenError<AuthError, BasicErrorResponse>>,
) -> Result<Granted, Refusal> {
    match result {
        Ok(reply) => granted(metadata, reply),
        Err(RequestTokenError::Request(error)) => Err(Refusal::Failed(error)),
        Err(RequestTokenError::ServerResponse(response)) => Err(refusal(metadata, &response)),
        // Both hold, or quote, what the server sent.
        Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => Err(Refusal::Failed(
            Endpoint::Token.answered(&metadata.token, "something that is no token reply"),
        )),
    }
}

pub(super) fn refusal(metadata: &Metadata, response: &BasicErrorResponse) -> Refusal {
    let description = plain(response.error_description().map_or("", String::as_str));
    match response.error().as_ref() {
        "invalid_grant" => Refusal::Grant(description),
        "access_denied" => Refusal::Failed(AuthError::Declined { description }),
        "expired_token" => Refusal::Failed(AuthError::CodeExpired),
        error => Refusal::Failed(AuthError::Refused {
            host: endpoint::host(&metadata.token),
            error: plain(error),
            description,
        }),
    }
}

fn granted(metadata: &Metadata, reply: Reply) -> Result<Granted, Refusal> {
    if !is_known(&reply.token_type) {
        let error =
            Endpoint::Token.answered(&metadata.token, "a token of a type that nobody knows how to send");
        return Err(Refusal::Failed(error));
    }
    let token = Secret::new(reply.access_token.into_secret());
    let refresh_token = reply.refresh_token.map(|token| Secret::new(token.into_secret()));
    let cannot_be_sent = |token: &Secret| token.expose().is_empty() || token.bearer().is_none();
    if cannot_be_sent(&token) || refresh_token.as_ref().is_some_and(cannot_be_sent) {
        let error = Endpoint::Token.answered(&metadata.token, "a token that cannot be sent");
        return Err(Refusal::Failed(error));
    }
    let bound = reply.token_type.as_ref().eq_ignore_ascii_case("dpop");
    if bound && metadata.key.is_none() {
        let error = Endpoint::Token.answered(&metadata.token, "a token that is bound to nobody's key");
        return Err(Refusal::Failed(error));
    }
    let id_token = reply.id_token.map(|token| Secret::new(token.into_secret()));
    Ok(Granted { token, refresh_token, lifetime: reply.expires_in, bound, id_token, at: None })
}

/// A token whose type is not understood must not be used (RFC 6749 §7.1).
fn is_known(kind: &BasicTokenType) -> bool {
    // The library calls `Bearer` an extension of `bearer`; the standard makes no difference.
    ["bearer", "dpop"].iter().any(|known| kind.as_ref().eq_ignore_ascii_case(known))
}

/// A token reply, lenient in `expires_in`, which servers write in many ways.
#[derive(Debug, Deserialize, Serialize)]
struct Reply {
    access_token: AccessToken,
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<i64>,
    refresh_token: Option<RefreshToken>,
    /// The type keeps it out of what is printed.
    id_token: Option<AccessToken>,
    #[serde(skip)]
    scopes: Option<Vec<Scope>>,
}

impl TokenResponse for Reply {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.expires_in.and_then(|seconds| u64::try_from(seconds).ok()).map(std::time::Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

/// A positive number, also in a string. Anything else, a number beyond every machine's included, says nothing, and the server's 401
/// decides.
fn lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Box::<RawValue>::deserialize(deserializer)?;
    let seconds = value.get().trim_matches('"').trim().parse().ok();
    Ok(seconds.filter(|seconds| *seconds > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime_of(expires_in: serde_json::Value) -> Option<i64> {
        let reply =
            serde_json::json!({"access_token": "a", "token_type": "bearer", "expires_in": expires_in});
        serde_json::from_str::<Reply>(&reply.to_string()).unwrap().expires_in
    }

    #[test]
    fn a33_odd_lifetimes_are_taken_or_left_but_never_fatal() {
        assert_eq!(lifetime_of(3600.into()), Some(3600));
        assert_eq!(lifetime_of("3600".into()), Some(3600));
        for odd in [
            serde_json::json!(0),
            (-5).into(),
            "soon".into(),
            serde_json::Value::Null,
            1.5e300.into(),
            serde_json::json!([]),
        ] {
            assert_eq!(lifetime_of(odd.clone()), None, "{odd}");
        }
        let reply = r#"{"access_token": "a", "token_type": "Bearer"}"#;
        assert_eq!(serde_json::from_str::<Reply>(reply).unwrap().expires_in, None);
        let enormous = r#"{"access_token": "a", "expires_in": 1e400, "token_type": "Bearer"}"#;
        assert_eq!(serde_json::from_str::<Reply>(enormous).unwrap().expires_in, None);
    }

    #[test]
    fn a33_a_lifetime_that_no_clock_can_hold_is_unknown() {
        let now = Timestamp::UNIX_EPOCH;
        let granted = |lifetime| Granted {
            token: Secret::new("a"),
            refresh_token: None,
            lifetime,
            bound: false,
            id_token: None,
            at: None,
        };
        assert_eq!(granted(Some(60)).expires_at(now).unwrap().as_second(), 60);
        assert!(granted(Some(1_000_000_000_000)).expires_at(now).is_none());
        assert!(granted(Some(i64::MAX)).expires_at(now).is_none());
    }

    #[test]
    fn a_token_of_an_unknown_type_is_not_used() {
        let kind = |name: &str| {
            let reply = serde_json::json!({"access_token": "a", "token_type": name});
            is_known(&serde_json::from_str::<Reply>(&reply.to_string()).unwrap().token_type)
        };
        assert!(kind("Bearer") && kind("bearer") && kind("BEARER") && kind("DPoP"));
        assert!(!kind("mac") && !kind("N_A") && !kind(""));
    }

    #[test]
    fn a55_a_token_reply_does_not_print_its_tokens() {
        let reply = serde_json::json!({"access_token": "canary1", "token_type": "bearer", "refresh_token": "canary2", "id_token": "canary3"});
        let reply: Reply = serde_json::from_str(&reply.to_string()).unwrap();
        assert!(!format!("{reply:?}").contains("canary"));
    }
}

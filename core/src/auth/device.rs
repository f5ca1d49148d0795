//! Signing in on another device (RFC 8628): this one shows a code, the person types it elsewhere, and this one asks until that is done.

use std::time::Duration;

use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use tokio::time::sleep;
use url::Url;

use super::Auth;
use super::client::REQUEST_ID;
use super::discovery::{self, Metadata};
use super::endpoint::{self, Endpoint};
use super::error::{AuthError, plain};
use super::exchange::{self, Polled, Refusal};
use super::login::{LoginEvent, LoginRequest};
use super::section::Login;
use crate::net::{Http, Origin, Secret};

/// RFC 8628: where the server names none.
const DEFAULT_INTERVAL: u64 = 5;
const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// Where the server names no end, and at most.
const MAX_LIFETIME: u64 = 1800;
/// What `slow_down` adds, for good.
const SLOWER: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Reply {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Option<u64>,
    interval: Option<u64>,
}

/// A code that waits to be typed elsewhere.
struct Pending {
    device_code: Secret,
    interval: Duration,
    lifetime: Duration,
}

impl Auth {
    /// Signs in on another device. Dropping the future ends the attempt and leaves nothing behind.
    pub async fn login_on_device(
        &self,
        request: &LoginRequest,
        events: &(dyn Fn(LoginEvent) + Sync),
    ) -> Result<Login, AuthError> {
        self.read()?;
        let exchange = self.exchange_server(request).await?;
        let (issuer, client, standard) = (&request.issuer, &request.client, request.standard());
        let metadata = discovery::discover(&self.http, issuer, client, standard).await?;
        let metadata = metadata.with_new_key_for(request);
        self.with_code(request, &metadata, exchange.as_ref(), events).await
    }

    pub(super) async fn with_code(
        &self,
        request: &LoginRequest,
        metadata: &Metadata,
        exchange: Option<&Metadata>,
        events: &(dyn Fn(LoginEvent) + Sync),
    ) -> Result<Login, AuthError> {
        let Some(url) = &metadata.device else {
            let reason = "it offers no sign-in on another device".to_owned();
            return Err(AuthError::Metadata { issuer: metadata.issuer.clone(), reason });
        };
        let (pending, shown) = begin(&self.http, metadata, url, request).await?;
        events(shown);
        let patience = pending.lifetime.min(request.timeout);
        let asked = tokio::time::timeout(patience, pending.poll(&self.http, metadata, request)).await;
        let granted = asked.map_err(|_| AuthError::TimedOut { after: patience })??;
        self.keep_login(request, metadata, exchange, granted).await
    }
}

/// Asks for a code, and checks where the person would be sent with it.
async fn begin(
    http: &Http,
    metadata: &Metadata,
    url: &Url,
    login: &LoginRequest,
) -> Result<(Pending, LoginEvent), AuthError> {
    let unusable = |what: &str| Endpoint::Device.answered(url, what);
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &metadata.client.id)
        .append_pair("scope", &metadata.client.scope())
        // With the device, where it is the API's own server that asks the person: so that they see which one it is.
        .extend_pairs(login.parameters())
        .finish();
    let request = Request::post(url.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .header(REQUEST_ID, &metadata.client.request_id)
        .body(form.into_bytes())
        .map_err(|_| unusable("nothing: its URL cannot be used"))?;
    let answer = endpoint::send(http, Endpoint::Device, url, request).await?;
    if !answer.status().is_success() {
        return Err(unusable(&format!("status {}", answer.status().as_u16())));
    }
    let reply: Reply =
        serde_json::from_slice(answer.body()).map_err(|_| unusable("something that is no device code"))?;
    let address = trusted(metadata, &reply.verification_uri)
        .ok_or_else(|| unusable("an address on another host to type the code at, which is not shown"))?;
    let complete = reply.verification_uri_complete.and_then(|text| trusted(metadata, &text));
    let pending = Pending {
        device_code: Secret::new(reply.device_code),
        interval: Duration::from_secs(reply.interval.unwrap_or(DEFAULT_INTERVAL).max(1)).min(MAX_INTERVAL),
        lifetime: Duration::from_secs(reply.expires_in.unwrap_or(MAX_LIFETIME).min(MAX_LIFETIME)),
    };
    let shown = LoginEvent::TypeCode {
        host: endpoint::host(&metadata.authorization),
        address: address.to_string(),
        complete: complete.map(String::from),
        code: plain(&reply.user_code),
    };
    Ok((pending, shown))
}

/// A page of the server that was asked: its own origin, or https on the same host.
fn trusted(metadata: &Metadata, text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let (there, own) = (Origin::of(&url).ok()?, Origin::of(&metadata.authorization).ok()?);
    (there == own || (url.scheme() == "https" && there.host() == own.host())).then_some(url)
}

impl Pending {
    /// Asks, at the pace that the server wants, until the person has decided. A server that fails for a while is asked again, later.
    async fn poll(
        &self,
        http: &Http,
        metadata: &Metadata,
        request: &LoginRequest,
    ) -> Result<exchange::Granted, AuthError> {
        let more = request.parameters();
        let (mut interval, mut pause) = (self.interval, self.interval);
        loop {
            sleep(pause).await;
            match exchange::poll_device(http, metadata, &self.device_code, &more).await {
                Ok(Polled::Granted(granted)) => return Ok(granted),
                Ok(Polled::Pending) => pause = interval,
                Ok(Polled::SlowDown) => {
                    interval = (interval + SLOWER).min(MAX_INTERVAL);
                    pause = interval;
                }
                Err(Refusal::Failed(error @ (AuthError::Network(_) | AuthError::Answer { .. }))) => {
                    tracing::debug!(target: "orkee::cloud::auth", %error, "asking again later");
                    pause = (pause * 2).min(MAX_INTERVAL);
                }
                Err(Refusal::Failed(error)) => return Err(error),
                Err(Refusal::Grant(description)) => {
                    return Err(AuthError::CodeRefused {
                        host: endpoint::host(&metadata.token),
                        description,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a27_only_a_page_of_the_server_itself_is_shown() {
        let metadata = Metadata {
            client: crate::auth::client::Client::default(),
            issuer: "http://127.0.0.1:1".to_owned(),
            authorization: "http://127.0.0.1:1/auth".parse().unwrap(),
            token: "http://127.0.0.1:1/token".parse().unwrap(),
            revocation: None,
            device: None,
            jwks: None,
            grants: None,
            names_itself: true,
            binds: false,
            key: None,
        };
        assert!(trusted(&metadata, "http://127.0.0.1:1/device?x=1").is_some());
        assert!(trusted(&metadata, "https://127.0.0.1/device").is_some());
        for bad in [
            "http://127.0.0.1:2/device",
            "https://evil.example/",
            "javascript:alert(1)",
            "",
            "http://u@127.0.0.1:1/",
        ] {
            assert!(trusted(&metadata, bad).is_none(), "{bad}");
        }
    }
}

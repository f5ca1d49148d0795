//! The single way out: every request of every plugin passes [`Gateway::send`].
//!
//! Checked here, before a byte leaves: method, URL and headers, the allow-list, the credential's audience. Enforced below, in
//! `net`: the addresses that a name may lead to, and that no redirect is followed. A reply that repeats a secret which was
//! attached is withheld. Nothing in here knows of WASM.

mod aws;
mod challenge;
mod hidden;
mod refused;
mod reply;
mod request;

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue, StatusCode};
use thiserror::Error;

use super::dispatcher::{Errand, Request};
use super::grants::{Attach, Credential, Grants, Verdict};
use super::text::clean;
use crate::clock::{Clock, SystemClock};
use crate::diagnostic::{Diagnostic, Kind};
use crate::id;
use crate::net::{
    ApiUrl, CredentialError, CredentialSource, Http, NetError, Origin, PROOF, ProofKey, Proven, Reach,
    Redactor, Reply, Secret,
};

use challenge::Challenge;
pub(super) use hidden::Hidden;
pub(super) use refused::Witness;
pub use refused::{Refusals, RefusedRequest};
use request::Checked;
pub(super) use request::Outgoing;

/// Names a request in the server's log and in ours.
const REQUEST_ID: &str = "x-request-id";
/// Bodies below this are not worth compressing.
const COMPRESS_FROM: usize = 256;
const COMPRESSION_LEVEL: i32 = 3;

/// What a plugin's requests are checked against and sent with.
#[derive(Clone)]
pub(super) struct Gateway {
    /// The plugin's name, for messages.
    pub plugin: String,
    /// What relative URLs are resolved against.
    pub api_url: ApiUrl,
    /// What the user granted.
    pub grants: Grants,
    /// The largest body of a reply, before and after decompression.
    pub reply_body: u64,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// Who takes the requests there.
    pub way: Way,
    /// Where secrets come from.
    pub credentials: Arc<dyn CredentialSource>,
    /// What this call's guest must not see, besides credentials.
    pub(super) hidden: Hidden,
    /// Who hears of what was refused.
    pub(super) witness: Witness,
}

/// Who takes requests to their servers.
#[derive(Clone)]
pub(super) enum Way {
    /// The clients of this process.
    Clients(Http),
    /// One delivery's courier, to its endpoint.
    Endpoint(Box<Errand>),
}

/// A secret as it is sent.
struct Attached<'a> {
    attach: &'a Attach,
    secret: &'a Secret,
    /// What it is bound to.
    key: Option<&'a ProofKey>,
}

/// A reply as the plugin gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incoming {
    /// Its status; redirects included, which nobody has followed.
    pub status: u16,
    /// Its headers, less those that are the host's business.
    pub headers: Vec<(String, String)>,
    /// Its body, decompressed.
    pub body: Vec<u8>,
    /// What the server calls the request.
    pub request_id: Option<String>,
    /// What the person has to do before the server allows such a request, where it says that. Not the plugin's business.
    pub remedy: Option<String>,
}

/// A request that was not sent, or whose reply is not handed over.
#[derive(Debug, Error)]
pub enum SendError {
    /// No grant covers the origin.
    #[error("the plugin `{plugin}` may not reach {origin}{because}")]
    Denied {
        /// Which plugin.
        plugin: String,
        /// Where it wanted to go.
        origin: Origin,
        /// What is special about it.
        because: &'static str,
        /// The command that would allow it.
        command: String,
    },
    /// The host does not send such a request.
    #[error("the plugin `{plugin}` made a request that is not sent: {what}")]
    Invalid {
        /// Which plugin.
        plugin: String,
        /// What is wrong.
        what: String,
    },
    /// Nobody is signed in.
    #[error("not signed in to {audience}")]
    SignedOut {
        /// What the credential is for.
        audience: Origin,
    },
    /// Signed in, but the secret cannot be had.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The secret was sent, the server refused it, and there is no other.
    #[error(transparent)]
    Refused(CredentialError),
    /// The network's fault, or the server's.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The reply's body is larger than the plugin may receive.
    #[error("{origin} answered more than {limit} bytes")]
    TooLarge {
        /// Who answered.
        origin: Origin,
        /// The limit.
        limit: u64,
    },
    /// The replies to requests that were sent together are larger than the plugin may receive at once.
    #[error("the replies to one group of requests have more than {limit} bytes")]
    TooMuch {
        /// The limit.
        limit: u64,
    },
    /// The reply cannot be decoded.
    #[error("{origin} answered a body that cannot be decoded")]
    Encoding {
        /// Who answered.
        origin: Origin,
    },
    /// The reply held an attached secret.
    #[error("{origin} repeated the sign-in in its reply, which is therefore withheld")]
    Withheld {
        /// Who answered.
        origin: Origin,
    },
}

impl Diagnostic for SendError {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "E-PLUGIN-020",
            Self::Invalid { .. } => "E-PLUGIN-021",
            Self::SignedOut { .. } => "E-AUTH-001",
            Self::Credential(error) | Self::Refused(error) => error.code(),
            Self::Net(error) => error.code(),
            Self::TooLarge { .. } | Self::TooMuch { .. } => "E-NET-005",
            Self::Encoding { .. } => "E-NET-004",
            Self::Withheld { .. } => "E-PLUGIN-022",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Denied { .. } => Kind::Usage,
            Self::Invalid { .. } => Kind::Failed,
            Self::SignedOut { .. } => Kind::Auth,
            Self::Credential(error) | Self::Refused(error) => error.kind(),
            Self::Net(error) => error.kind(),
            Self::TooLarge { .. } | Self::TooMuch { .. } | Self::Encoding { .. } | Self::Withheld { .. } => {
                Kind::Network
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Denied { command, .. } => Some(format!("if you trust it with this host, run `{command}`")),
            Self::SignedOut { .. } => Some("run `orkee cloud login`".to_owned()),
            Self::Credential(error) | Self::Refused(error) => error.hint(),
            Self::Net(error) => error.hint(),
            _ => None,
        }
    }
}

impl Gateway {
    /// Sends one request and reads its reply. A 401 to an attached credential is tried once more with a refreshed one.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, SendError> {
        let url = outgoing.url.clone();
        let sent = self.dispatch(outgoing).await;
        if let Err(error) = &sent {
            self.witness.see(error, &self.api_url, &url);
        }
        sent
    }

    async fn dispatch(&self, outgoing: Outgoing) -> Result<Incoming, SendError> {
        let checked = self.check(self.as_signed(outgoing))?;
        let reach = self.permit(&checked.origin)?;
        let Some(name) = checked.credential.clone() else {
            let reply = self.attempt(&checked, reach, None).await?;
            return self.admit(reply, &checked.origin, &[]);
        };
        let credential = self.credential(&name, &checked.origin)?;
        if credential.attach.signs() {
            self.check_unsigned(&checked)?;
        }
        let audience = &credential.audience;
        let first = self.credentials.token(&name, audience).await?;
        let first = first.ok_or_else(|| SendError::SignedOut { audience: audience.clone() })?;
        let reply = self.proven(&name, &checked, reach, credential, &first).await?;
        let asks_for_more = Challenge::of(reply.status, &reply.headers).is_some();
        if reply.status != StatusCode::UNAUTHORIZED || asks_for_more {
            return self.admit_from(&name, reply, &checked.origin, &credential.attach.secrets(&[first]));
        }
        let second = self.credentials.refresh_after_401(&name, audience, &first).await;
        let Some(second) = second.map_err(SendError::Refused)? else {
            return self.admit(reply, &checked.origin, &credential.attach.secrets(&[first]));
        };
        let reply = self.proven(&name, &checked, reach, credential, &second).await?;
        self.admit_from(&name, reply, &checked.origin, &credential.attach.secrets(&[first, second]))
    }

    /// A signature is over the body as the server stores it, so such a request is not compressed; and no receiver of webhooks
    /// expects a body that is.
    fn as_signed(&self, outgoing: Outgoing) -> Outgoing {
        let credential = outgoing.credential.as_ref().and_then(|name| self.grants.credentials.get(name));
        let signs = credential.is_some_and(|credential| credential.attach.signs());
        let is_delivery = matches!(self.way, Way::Endpoint(_));
        Outgoing { compress: outgoing.compress && !signs && !is_delivery, ..outgoing }
    }

    /// Amazon's own headers change who may read an object, or copy another one: signed, they would be the user's word.
    fn check_unsigned(&self, checked: &Checked) -> Result<(), SendError> {
        match checked.headers.keys().find(|name| name.as_str().starts_with("x-amz-")) {
            Some(name) => {
                Err(self.invalid(format!("the header `{name}` of a signed request is the host's to set")))
            }
            None => Ok(()),
        }
    }

    /// How far the allow-list lets this origin be resolved.
    fn permit(&self, origin: &Origin) -> Result<Reach, SendError> {
        let denied = |because, flag| SendError::Denied {
            plugin: self.plugin.clone(),
            origin: origin.clone(),
            because,
            command: format!("orkee cloud provider grant {} {origin}{flag}", self.plugin),
        };
        match self.grants.hosts.check(origin) {
            Verdict::Allowed(reach) => Ok(reach),
            Verdict::NotGranted if origin.is_private() => {
                Err(denied(", a private address", " --private-network"))
            }
            Verdict::NotGranted if origin.scheme() == crate::net::Scheme::Http => {
                Err(denied(", which is plain http and was not granted", " --private-network"))
            }
            Verdict::NotGranted => Err(denied(", which was not granted", "")),
        }
    }

    /// The credential, which must be for the origin that is asked, over https or on this machine.
    fn credential(&self, name: &str, asked: &Origin) -> Result<&Credential, SendError> {
        let Some(credential) = self.grants.credentials.get(name) else {
            return Err(self.invalid(format!("it has no credential `{}`", clean(name, 50))));
        };
        let audience = &credential.audience;
        if audience != asked {
            return Err(self.invalid(format!("the credential `{name}` is for {audience}, not for {asked}")));
        }
        if asked.scheme() == crate::net::Scheme::Http && !asked.is_loopback() {
            return Err(self.invalid(format!("the credential `{name}` is not sent over plain http")));
        }
        Ok(credential)
    }

    /// Sends with a secret, and with the proof of the key that it is bound to. A server that wants its nonce in there gets it, once.
    async fn proven(
        &self,
        name: &str,
        checked: &Checked,
        reach: Reach,
        credential: &Credential,
        secret: &Secret,
    ) -> Result<Reply, SendError> {
        let key = self.credentials.bound_to(name, &credential.audience, secret).await?;
        let attached = Attached { attach: &credential.attach, secret, key: key.as_deref() };
        let reply = self.attempt(checked, reach, Some(&attached)).await?;
        if key.is_some() && reply.needs_nonce() {
            return self.attempt(checked, reach, Some(&attached)).await;
        }
        Ok(reply)
    }

    async fn attempt(
        &self,
        checked: &Checked,
        reach: Reach,
        attached: Option<&Attached<'_>>,
    ) -> Result<Reply, SendError> {
        let timeout = checked.timeout.map_or(self.timeout, |wanted| wanted.min(self.timeout));
        let sent = match &self.way {
            Way::Clients(http) => {
                let request = self.request(http, checked, reach, attached, timeout)?;
                http.exchange(&checked.origin, reach, request, self.reply_body).await
            }
            // A delivery has no credential, and the endpoint's own rules say how far it goes.
            Way::Endpoint(errand) => {
                let Checked { method, url, headers, body, .. } = checked;
                errand.send(Request { method, url, headers, body, timeout }, &checked.origin).await
            }
        };
        sent.map_err(|error| self.sort(error, &checked.origin))
    }

    fn request(
        &self,
        http: &Http,
        checked: &Checked,
        reach: Reach,
        attached: Option<&Attached<'_>>,
        timeout: Duration,
    ) -> Result<reqwest::Request, SendError> {
        let client = http.client(reach)?;
        let mut request =
            client.request(checked.method.clone(), checked.url.clone()).headers(checked.headers.clone());
        request = request.header(REQUEST_ID, format!("sync_{}", id::random(16)));
        request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("zstd"));
        if let Some(attached) = attached {
            let headers = self.authorize(http, checked, attached).ok_or_else(|| {
                self.invalid("the credential has a form in which it cannot be sent".to_owned())
            })?;
            request = request.headers(headers);
        }
        if checked.compressed {
            request = request.header(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        }
        request = request.timeout(timeout);
        if !checked.body.is_empty() {
            request = request.body(checked.body.clone());
        }
        Ok(request.build().map_err(|e| NetError::sort(e, &checked.origin))?)
    }

    /// A network error as the plugin's user needs it.
    fn sort(&self, error: NetError, origin: &Origin) -> SendError {
        match error {
            NetError::TooLarge { origin, limit } => SendError::TooLarge { origin, limit },
            NetError::Blocked(_) => SendError::Denied {
                plugin: self.plugin.clone(),
                origin: origin.clone(),
                because: ", which leads to a private address",
                command: match self.way {
                    Way::Clients(_) => {
                        format!("orkee cloud provider grant {} {origin} --private-network", self.plugin)
                    }
                    Way::Endpoint(_) => "orkee cloud webhook add --allow-private".to_owned(),
                },
            },
            error => SendError::Net(error),
        }
    }

    /// The same of a reply to a request with this credential, which may ask for another one.
    fn admit_from(
        &self,
        name: &str,
        reply: Reply,
        origin: &Origin,
        attached: &[Secret],
    ) -> Result<Incoming, SendError> {
        let challenge = Challenge::of(reply.status, &reply.headers);
        let incoming = self.admit(reply, origin, attached)?;
        let command = challenge.as_ref().and_then(|_| self.credentials.sign_in_command(name));
        let sso = self.credentials.offers_single_sign_on(name);
        let remedy = challenge.map(|challenge| challenge.hint(command.as_deref(), sso));
        Ok(Incoming { remedy, ..incoming })
    }

    /// Decodes a reply and withholds it if it repeats a secret.
    fn admit(&self, reply: Reply, origin: &Origin, attached: &[Secret]) -> Result<Incoming, SendError> {
        let incoming = reply::decode(reply, origin, self.reply_body)?;
        let reflected = attached.iter().chain(self.hidden.secrets()).map(Redactor::new).any(|secret| {
            secret.finds_in(&incoming.body)
                || incoming
                    .headers
                    .iter()
                    .any(|(name, value)| secret.finds_in_name(name) || secret.finds_in(value.as_bytes()))
        });
        if reflected {
            return Err(SendError::Withheld { origin: origin.clone() });
        }
        Ok(incoming)
    }

    /// The headers that carry the credential. None if it cannot be sent so.
    fn authorize(&self, http: &Http, checked: &Checked, attached: &Attached<'_>) -> Option<HeaderMap> {
        let Attached { attach, secret, key } = attached;
        let value = match (attach, key) {
            (Attach::Bearer, Some(key)) => {
                let nonce = http.nonce(&checked.origin);
                let proof = key.prove(&Proven {
                    method: &checked.method,
                    url: &checked.url,
                    token: Some(secret),
                    nonce: nonce.as_deref(),
                    at: SystemClock.now(),
                })?;
                return Some(HeaderMap::from_iter([(AUTHORIZATION, secret.dpop()?), (PROOF, proof)]));
            }
            (Attach::Bearer, None) => secret.bearer()?,
            (Attach::Basic, _) => secret.basic()?,
            (Attach::AwsSigV4 { service, region }, _) => {
                let request = aws::Unsigned {
                    method: &checked.method,
                    url: &checked.url,
                    headers: &checked.headers,
                    body: &checked.body,
                };
                return aws::sign(&request, &aws::Scope { service, region, at: SystemClock.now() }, secret);
            }
        };
        Some(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }

    fn invalid(&self, what: String) -> SendError {
        SendError::Invalid { plugin: self.plugin.clone(), what }
    }
}

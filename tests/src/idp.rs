//! A company's identity provider that signs whatever a test wants signed.
//!
//! It publishes its discovery document and its keys, and has no pages: a test takes a token from it and brings it wherever it
//! is to be brought.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::mock::{Answer, Mock, Request};

/// The client that its ID tokens are for.
pub const CLIENT: &str = "client-of-acme";
/// The audience that its access tokens are for.
pub const AUDIENCE: &str = "https://api.acme.example";

/// Where its documents are.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Where its keys are.
pub const KEYS: &str = "/keys";

/// The provider at work.
pub struct Idp {
    /// What it was asked.
    pub mock: Mock,
    keys: Arc<Mutex<Keys>>,
}

struct Keys {
    current: EcdsaKeyPair,
    number: u32,
}

impl Default for Idp {
    fn default() -> Self {
        Self::start()
    }
}

impl Idp {
    /// Starts it.
    pub fn start() -> Self {
        Self::answering(|_, _| None)
    }

    /// Starts one that answers some requests in a way of its own; it is told its URL.
    pub fn answering(answer: impl Fn(&str, &Request) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let keys = Arc::new(Mutex::new(Keys { current: key(), number: 1 }));
        let published = Arc::clone(&keys);
        let mock = Mock::start_with(|url| {
            let url = url.to_owned();
            move |request: &Request| {
                answer(&url, request).unwrap_or_else(|| match request.target.as_str() {
                    DISCOVERY => Answer::json(200, &discovery(&url)),
                    KEYS => Answer::json(200, &published.lock().unwrap().public()),
                    _ => Answer::empty(404),
                })
            }
        });
        Self { mock, keys }
    }

    /// Its issuer.
    pub fn url(&self) -> &str {
        &self.mock.url
    }

    /// How often it was asked for its keys.
    pub fn key_requests(&self) -> usize {
        self.mock.requests_for(KEYS).len()
    }

    /// Withdraws its key and signs with another one from now on.
    pub fn rotate(&self) {
        let mut keys = self.keys.lock().unwrap();
        *keys = Keys { current: key(), number: keys.number + 1 };
    }

    /// The claims of an ID token for `email`, who signed in just now and is in these groups.
    pub fn claims(&self, email: &str, groups: &[&str]) -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": self.url(), "sub": format!("subject of {email}"), "aud": CLIENT, "iat": now, "exp": now + 600,
            "nonce": "n", "jti": orkee_core::id::random(12), "email": email, "email_verified": true, "groups": groups,
        })
    }

    /// The claims of an access token for the same.
    pub fn access_claims(&self, email: &str, groups: &[&str]) -> Value {
        let mut claims = self.claims(email, groups);
        claims["aud"] = AUDIENCE.into();
        claims["client_id"] = CLIENT.into();
        claims.as_object_mut().unwrap().remove("nonce");
        claims
    }

    /// A good ID token.
    pub fn id_token(&self, email: &str, groups: &[&str]) -> String {
        self.sign(&self.claims(email, groups))
    }

    /// A good access token.
    pub fn access_token(&self, email: &str, groups: &[&str]) -> String {
        self.sign_as("at+jwt", &self.access_claims(email, groups))
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as("JWT", claims)
    }

    /// A token of this type.
    pub fn sign_as(&self, kind: &str, claims: &Value) -> String {
        let id = self.keys.lock().unwrap().name();
        self.sign_with(&json!({ "alg": "ES256", "typ": kind, "kid": id }), claims)
    }

    /// A token with this header, signed with the provider's key whatever the header says.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let keys = self.keys.lock().unwrap();
        signed(header, claims, |message| {
            keys.current.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
        })
    }

    /// The name of its key.
    pub fn key_name(&self) -> String {
        self.keys.lock().unwrap().name()
    }

    /// The point that its public key is, which everybody knows.
    pub fn public_point(&self) -> Vec<u8> {
        self.keys.lock().unwrap().current.public_key().as_ref().to_vec()
    }
}

impl Keys {
    fn name(&self) -> String {
        format!("key-{}", self.number)
    }

    fn public(&self) -> Value {
        let point = self.current.public_key().as_ref();
        let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
        let key = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.name(), "x": x, "y": y });
        json!({ "keys": [{ "kty": "RSA", "use": "enc", "kid": "other", "n": "AQ", "e": "AQAB" }, key] })
    }
}

/// A good discovery document for an issuer.
pub fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}{KEYS}"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

/// A token of these parts, whoever signs it.
pub fn signed(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let signature = encoded(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

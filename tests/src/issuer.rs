//! An OpenID Connect issuer that says what a test wants said: its ID tokens are right but for what the test changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::mock::{Answer, Mock, Request};

/// The client that it knows.
pub const CLIENT: &str = "orkee-acme";
/// The access token that it gives.
pub const ACCESS_TOKEN: &str = "idp_access_token";

/// What a token request is about to be answered with.
pub struct Draft {
    /// The ID token's header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// Who signs it.
    pub signer: Signer,
    /// What the reply has beside it.
    pub reply: Value,
    /// So many seconds the issuer's clock is ahead of the test's.
    pub ahead: i64,
}

/// Who signs an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The issuer.
    Issuer,
    /// Somebody else, under the issuer's name.
    Stranger,
    /// Anybody who has seen the issuer's public key: an HMAC of it.
    PublicKey,
    /// Nobody.
    Nobody,
    /// The reply has no ID token.
    Absent,
}

/// It at work. Whoever is its browser gives the nonce of the authorize URL as the code.
pub struct Issuer {
    /// Its URL.
    pub url: String,
    /// What it was asked.
    pub mock: Mock,
}

impl Issuer {
    /// Starts one whose tokens are as `change` leaves them.
    pub fn start(change: impl Fn(&mut Draft) + Send + Sync + 'static) -> Self {
        Self::scripted(change, |_| None)
    }

    /// The same, where `answer` decides some answers by itself.
    pub fn scripted(
        change: impl Fn(&mut Draft) + Send + Sync + 'static,
        answer: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let keys = Arc::new([Key::new(), Key::new()]);
        let mock = Mock::start_with(|url| {
            let url = url.to_owned();
            move |request: &Request| answer(request).unwrap_or_else(|| respond(&url, &keys, &change, request))
        });
        Self { url: mock.url.clone(), mock }
    }

    /// One that publishes its key only when it is asked for the `n`th time.
    pub fn with_a_late_key(n: usize) -> Self {
        let asked = AtomicUsize::new(0);
        Self::scripted(
            |_| (),
            move |request| {
                let early = request.target == "/keys" && asked.fetch_add(1, Ordering::SeqCst) + 1 < n;
                early.then(|| Answer::json(200, &json!({"keys": [Key::new().public("old")]})))
            },
        )
    }
}

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    fn public(&self, kid: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": x, "y": y})
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn respond(url: &str, keys: &[Key; 2], change: &dyn Fn(&mut Draft), request: &Request) -> Answer {
    match request.target.split('?').next().unwrap_or_default() {
        "/.well-known/openid-configuration" => Answer::json(200, &configuration(url)),
        "/keys" => Answer::json(200, &json!({"keys": [keys[0].public("k1")]})),
        "/token" => {
            let mut draft = draft(url, &request.field("code").unwrap_or_default());
            change(&mut draft);
            grant(draft, keys)
        }
        _ => Answer::empty(404),
    }
}

/// Good metadata of OpenID Connect Discovery.
pub fn configuration(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "code_challenge_methods_supported": ["S256"],
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

fn draft(url: &str, nonce: &str) -> Draft {
    let now = jiff::Timestamp::now().as_second();
    let hash = digest::digest(&digest::SHA256, ACCESS_TOKEN.as_bytes());
    Draft {
        header: json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}),
        claims: json!({
            "iss": url, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300, "nonce": nonce,
            "at_hash": encode(&hash.as_ref()[..16]), "email": "john@acme.example",
        }),
        signer: Signer::Issuer,
        reply: json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600}),
        ahead: 0,
    }
}

fn grant(draft: Draft, keys: &[Key; 2]) -> Answer {
    let Draft { header, mut claims, signer, mut reply, ahead } = draft;
    for time in ["iat", "exp"] {
        if let Some(at) = claims[time].as_i64() {
            claims[time] = (at + ahead).into();
        }
    }
    let message =
        format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let sign = |key: &Key| encode(key.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref());
    let signature = match signer {
        Signer::Issuer => sign(&keys[0]),
        Signer::Stranger => sign(&keys[1]),
        Signer::PublicKey => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, keys[0].0.public_key().as_ref());
            encode(hmac::sign(&key, message.as_bytes()).as_ref())
        }
        Signer::Nobody | Signer::Absent => String::new(),
    };
    if signer != Signer::Absent {
        reply["id_token"] = format!("{message}.{signature}").into();
    }
    let mut answer = Answer::json(200, &reply);
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
    answer.headers.push(("Date", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    answer
}

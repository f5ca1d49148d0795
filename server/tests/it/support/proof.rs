//! A device's key, and the proofs that it makes (DPoP).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Client, Request, Response};

/// A key.
pub(crate) struct Key(EcdsaKeyPair);

impl Key {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    /// A proof for one request.
    fn proof(&self, method: &str, url: &str, token: Option<&str>, nonce: Option<&str>) -> String {
        let point = self.0.public_key().as_ref();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])});
        let mut id = [0; 16];
        SystemRandom::new().fill(&mut id).unwrap();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({"jti": encode(&id), "htm": method, "htu": url, "iat": at});
        if let Some(token) = token {
            claims["ath"] = encode(&Sha256::digest(token)).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let signed = format!("{}.{}", part(&head), part(&claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature.as_ref()))
    }

    /// Sends a form to the token endpoint, with the nonce that is asked for.
    #[track_caller]
    pub(crate) fn token(&self, client: &Client, fields: &[(&str, &str)]) -> Response {
        let url = format!("http://{}/oauth/token", client.address);
        let send = |nonce: Option<&str>| {
            let proof = self.proof("POST", &url, None, nonce);
            client.send(&Request::form("/oauth/token", fields).header("dpop", &proof))
        };
        let first = send(None);
        send(Some(first.header("dpop-nonce").expect("a nonce")))
    }

    /// Asks for something of the API with a token, and a nonce that was told before.
    #[track_caller]
    pub(crate) fn get(&self, client: &Client, target: &str, token: &str, nonce: &str) -> Response {
        let url = format!("http://{}{target}", client.address);
        let proof = self.proof("GET", &url, Some(token), Some(nonce));
        let request = Request::get(target).header("authorization", &format!("DPoP {token}"));
        client.send(&request.header("dpop", &proof))
    }
}

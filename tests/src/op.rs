//! An OpenID provider that others wrote and certified: npm's `oidc-provider`, run by node.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::Url;

use crate::browser::Person;
use crate::{npm, wait};

/// The provider at work. It ends with its owner, however that ends.
pub struct Op {
    /// Its issuer, and the API's URL.
    pub url: String,
    child: Child,
    requests: Arc<Mutex<Vec<(String, String)>>>,
    proofs: Arc<Mutex<Vec<Proof>>>,
}

/// A request, and the proof of a key that came with it.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// The header `DPoP`.
    pub text: String,
}

impl Proof {
    /// What the proof says.
    pub fn claims(&self) -> serde_json::Value {
        let payload = self.text.split('.').nth(1).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }
}

impl Op {
    /// Starts it on a free port, with tokens that live for an hour.
    pub fn start() -> Self {
        Self::with_token_ttl(3600)
    }

    /// Starts it with tokens that live this many seconds.
    pub fn with_token_ttl(seconds: u64) -> Self {
        Self::with(&[("OP_TOKEN_TTL", &seconds.to_string())])
    }

    /// Starts it so that it binds tokens to keys, and wants its nonce in each proof.
    pub fn binding() -> Self {
        Self::with(&[("OP_DPOP", "1")])
    }

    /// Starts the identity provider of a company, whose people are all in these groups.
    pub fn of_company(groups: &str) -> Self {
        Self::with(&[("OP_COMPANY", groups)])
    }

    /// Starts it with these variables, which `op.mjs` explains.
    pub fn with(variables: &[(&str, &str)]) -> Self {
        let folder = npm::installed("op");
        let mut child = Command::new("node")
            .arg("op.mjs")
            .current_dir(&folder)
            .envs(variables.iter().copied())
            .env("NODE_ENV", "test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is needed for the sign-in tests");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let proofs = Arc::new(Mutex::new(Vec::new()));
        let proven = Arc::clone(&proofs);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(line) = serde_json::from_str::<serde_json::Value>(&line) else {
                    continue;
                };
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                if let Some(proof) = line["proof"].as_str() {
                    let proof = Proof { method: text("method"), path: text("path"), text: proof.to_owned() };
                    proven.lock().unwrap().push(proof);
                }
                seen.lock().unwrap().push((text("method"), text("path")));
            }
        });
        Self { url: first["url"].as_str().unwrap().to_owned(), child, requests, proofs }
    }

    /// The proofs that came so far, in order.
    pub fn proofs(&self) -> Vec<Proof> {
        self.count("GET", "/");
        self.proofs.lock().unwrap().clone()
    }

    /// Somebody with an account.
    pub fn person(&self) -> Person {
        Person::new("john@example.com", "any")
    }

    /// How many token requests came so far.
    pub fn token_requests(&self) -> usize {
        self.count("POST", "/token")
    }

    /// How many such requests came so far. Everything that was sent before is counted: it asks the provider something itself, and
    /// waits until that is seen.
    pub fn count(&self, method: &str, path: &str) -> usize {
        static MARKS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let mark = format!("/mark/{}", MARKS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        crate::http::get(&Url::parse(&format!("{}{mark}", self.url)).unwrap(), &[]).unwrap();
        wait::until("the mark", || {
            self.requests.lock().unwrap().iter().any(|(_, p)| *p == mark).then_some(())
        });
        self.requests.lock().unwrap().iter().filter(|(m, p)| m == method && p == path).count()
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Signed requests, and the provider for S3 against servers that answer what a test tells them to. A real store is in `tests/`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use orkee_core::net::{CredentialError, CredentialSource, Origin, Secret};
use orkee_core::plugin::{Attach, WasmProvider};
use orkee_core::sync::provider::{Answer as Answered, Failure, Mutation, Provider, ProviderError, Request};

use crate::guests;
use crate::rig::{Rig, alive, found};
use crate::server::{Answer, Seen, Server, reply};

const SECRET: &str = "canary/key+of+forty+characters+0123456789";
const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

/// An access key with its secret.
struct Keys;

impl CredentialSource for Keys {
    fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
        true
    }

    fn token<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async { Ok(Some(Secret::new(format!("AKIAEXAMPLE:{SECRET}")))) })
    }

    fn refresh_after_401<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async { Ok(None) })
    }
}

async fn open(server: &Server, component: &[u8], settings: &[(&str, &str)]) -> WasmProvider {
    let mut rig = Rig::new(&server.url);
    for credential in rig.grants.credentials.values_mut() {
        credential.attach = Attach::AwsSigV4 { service: "s3".to_owned(), region: String::new() };
    }
    rig.grants = rig.grants.clone().in_region("eu-test-1");
    rig.open_with(component, settings, Arc::new(Keys)).await.unwrap()
}

async fn rogue(server: &Server, settings: &[(&str, &str)]) -> String {
    let mut settings = settings.to_vec();
    settings.extend([("do", "send"), ("credential", "login")]);
    found(&open(server, guests::rogue(), &settings).await).await.unwrap()
}

/// What the provider says to a first exchange with one record.
async fn exchange(server: &Server) -> Result<Answered, ProviderError> {
    let provider = open(server, guests::s3(), &[("bucket", "b"), ("prefix", "p")]).await;
    let mutation = Mutation { id: "aaaaaaaa".to_owned(), guard: None, envelope: b"envelope".to_vec() };
    let request = Request { mutations: vec![mutation], limit: 5, ..Request::default() };
    alive(provider.exchange(request)).await
}

#[tokio::test]
async fn p15_a_request_is_signed_by_the_host_and_the_key_is_never_on_the_wire() {
    let server = Server::start(|_| reply(200, &[], b"hello")).await;
    let big = "x".repeat(1000);
    rogue(&server, &[("method", "PUT"), ("url", "/b/k?x=1"), ("body", &big), ("header", "if-match=\"1\"")])
        .await;
    let seen = server.seen().remove(0);
    let authorization = seen.header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/eu-test-1/s3/aws4_request"), "{authorization}");
    assert!(
        authorization.contains("SignedHeaders=host;if-match;x-amz-content-sha256;x-amz-date"),
        "{authorization}"
    );
    assert!(seen.header("x-amz-date").is_some() && seen.header("content-encoding").is_none());
    assert_eq!(seen.body, big.as_bytes(), "what was signed is what was sent");
    assert!(!seen.head.contains(SECRET));
}

#[tokio::test]
async fn p15a_a_reply_that_repeats_the_secret_key_is_withheld() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/key" => reply(200, &[], format!("your key is {SECRET}").as_bytes()),
        "/header" => reply(200, &[("x-echo", SECRET)], b""),
        _ => reply(200, &[], seen.header("authorization").unwrap().as_bytes()),
    })
    .await;
    for url in ["/key", "/header"] {
        assert_eq!(rogue(&server, &[("url", url)]).await, "Error::Withheld", "{url}");
    }
    // A signature is no secret: stores repeat it when they explain why they refuse it.
    assert!(rogue(&server, &[("url", "/mirror")]).await.contains("AWS4-HMAC-SHA256"));
}

/// A store that takes every write, whatever its condition is.
fn careless() -> impl Fn(&Seen) -> Answer + Send + Sync {
    let objects = Mutex::new(BTreeMap::<String, Vec<u8>>::new());
    move |seen| {
        let mut objects = objects.lock().unwrap();
        match seen.method.as_str() {
            "PUT" => {
                objects.insert(seen.target.clone(), seen.body.clone());
                reply(200, &[("etag", &format!("\"{}\"", objects.len())), DATE], b"")
            }
            "DELETE" => {
                objects.remove(&seen.target);
                reply(204, &[DATE], b"")
            }
            _ => reply(404, &[DATE], b"<Error><Code>NoSuchKey</Code></Error>"),
        }
    }
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused_before_anything_is_written() {
    let server = Server::start(careless()).await;
    let error = exchange(&server).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unsuitable, "{error:?}");
    assert!(error.message.contains("ignores conditions"), "{}", error.message);
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.target.starts_with("/b/p/probe/")), "{seen:?}");
    assert_eq!(seen.last().unwrap().method, "DELETE", "it is left clean");
}

#[tokio::test]
async fn what_a_store_says_of_a_refusal_reaches_the_user() {
    let cases = [
        (404, "NoSuchBucket", Failure::Unsuitable, "there is no bucket `b`"),
        (403, "RequestTimeTooSkewed", Failure::Unsuitable, "clock"),
        (403, "SignatureDoesNotMatch", Failure::Auth, "secret key"),
        (403, "AccessDenied", Failure::Forbidden, "may not read and write"),
        (501, "NotImplemented", Failure::Unsuitable, "no conditions"),
        (503, "SlowDown", Failure::Busy(None), ""),
    ];
    for (status, code, failure, words) in cases {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
        let server = Server::start(move |_| reply(status, &[DATE], body.as_bytes())).await;
        let error = exchange(&server).await.unwrap_err();
        assert_eq!(error.failure, failure, "{code}: {error:?}");
        assert!(error.message.contains(words), "{code}: {}", error.message);
    }
}

#[tokio::test]
async fn a_missing_bucket_option_is_named() {
    let server = Server::start(|_| reply(200, &[], b"")).await;
    let provider = open(&server, guests::s3(), &[]).await;
    let error = alive(provider.exchange(Request { limit: 5, ..Request::default() })).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unsuitable);
    assert!(error.message.contains("`bucket`"), "{}", error.message);
    assert!(server.seen().is_empty());
}

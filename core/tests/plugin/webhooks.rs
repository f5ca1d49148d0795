//! The optional part in which a backend sends events itself: what it learns of the secret, and what the provider does not.

use std::sync::{Arc, Mutex};

use orkee_core::net::Secret;
use orkee_core::plugin::{AllowList, Endpoint, Grants, HostPattern, Network, PartError, Registration};

use crate::guests;
use crate::rig::{CANARY, Rig};
use crate::server::{Answer, Seen, Server, reply};

const SECRET: &str = "whsec_Y2FuYXJ5LXNlY3JldC1vZi13ZWJob29rcyE=";

fn body(seen: &Seen) -> String {
    let bytes = match seen.header("content-encoding") {
        Some(_) => zstd::bulk::decompress(&seen.body, 1 << 20).unwrap(),
        None => seen.body.clone(),
    };
    String::from_utf8(bytes).unwrap()
}

async fn register(rig: &Rig, url: &str, settings: &[(&str, &str)]) -> Result<Endpoint, PartError> {
    let terces: String = SECRET.chars().rev().collect();
    let settings = [&[("terces", terces.as_str())], settings].concat();
    let provider = rig.open(guests::webhooks(), &settings).await.unwrap();
    provider.register_webhook(Registration::to(url), &Secret::new(SECRET)).await
}

/// How it ended, for a registration that is not taken.
async fn refused(rig: &Rig, settings: &[(&str, &str)]) -> String {
    register(rig, "https://a.example/", settings).await.unwrap_err().to_string()
}

/// A backend that takes everything.
async fn backend() -> Server {
    Server::start(|_| reply(200, &[], b"{}")).await
}

#[tokio::test]
async fn p15_the_backend_learns_the_secret_and_the_provider_does_not() {
    let server = backend().await;
    let rig = Rig::new(&server.url);
    for url in ["https://a.example/".to_owned(), format!("https://a.example/{}", "long/".repeat(100))] {
        let endpoint = register(&rig, &url, &[]).await.unwrap();
        assert_eq!((endpoint.id.as_str(), endpoint.url.as_str()), ("e1", url.as_str()));
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
        assert_eq!(body(&seen), format!(r#"{{"url":"{url}","events":[],"secret":"{SECRET}"}}"#));
    }
    assert!(server.seen()[1].header("content-encoding").is_some(), "the second is compressed");
    let provider = rig.open(guests::webhooks(), &[]).await.unwrap();
    let fresh = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytd2ViaG9va3M=";
    provider.rotate_webhook_secret("e1", &Secret::new(fresh)).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!((seen.target.as_str(), body(&seen).as_str()), ("/webhooks/e1/secret", fresh));
}

#[tokio::test]
async fn p15_a_request_without_the_sign_in_carries_the_reference_alone() {
    let server = backend().await;
    let rig = Rig::new(&server.url);
    for way in ["forget-the-credential", "put-it-into-the-url"] {
        register(&rig, "https://a.example/", &[("do", way)]).await.unwrap();
        let seen = server.seen().pop().unwrap();
        let sent = if way == "put-it-into-the-url" { seen.head.clone() } else { body(&seen) };
        assert!(sent.contains("orkee-secret-") && !sent.contains(SECRET), "{sent}");
    }
    let elsewhere = backend().await;
    let granted = HostPattern::parse(&elsewhere.url, Network::Private).unwrap();
    let hosts: AllowList = rig.grants.hosts.clone().with(granted);
    let rig = Rig { grants: Grants { hosts, ..rig.grants.clone() }, ..rig };
    let told = refused(&rig, &[("do", "go-elsewhere"), ("url", &elsewhere.url)]).await;
    assert!(told.contains("the credential `login` is for"), "{told}");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn p15a_a_reply_that_repeats_the_secret_is_withheld() {
    let kept = Arc::new(Mutex::new(String::new()));
    let bare = SECRET.trim_start_matches("whsec_");
    for shown in [SECRET, bare] {
        let echo = Server::start(move |_| reply(200, &[], format!("it is {shown}").as_bytes())).await;
        assert!(refused(&Rig::new(&echo.url), &[]).await.ends_with("withheld"));
    }
    // Nor does it come out by another request, which could ask for it in pieces.
    let server = Server::start({
        let kept = Arc::clone(&kept);
        move |seen| -> Answer {
            match seen.target.as_str() {
                "/echo" => reply(200, &[], kept.lock().unwrap().as_bytes()),
                _ => {
                    *kept.lock().unwrap() = body(seen);
                    reply(200, &[], b"{}")
                }
            }
        }
    })
    .await;
    let told = refused(&Rig::new(&server.url), &[("do", "ask-again")]).await;
    assert!(told.contains("is the last of its call"), "{told}");
    assert_eq!(server.seen().len(), 1);
    assert!(kept.lock().unwrap().contains(SECRET));
}

/// The search itself works: what the host did not hide is found.
#[tokio::test]
async fn p15_what_is_no_secret_of_the_hosts_is_found() {
    let server = Server::start(|_| reply(200, &[], b"it is whsec_another")).await;
    let rig = Rig::new(&server.url);
    let terces: String = "whsec_another".chars().rev().collect();
    let provider = rig.open(guests::webhooks(), &[("terces", &terces)]).await.unwrap();
    let to = Registration::to("https://a.example/");
    let error = provider.register_webhook(to, &Secret::new(SECRET)).await.unwrap_err();
    assert!(error.to_string().contains("found in the reply"), "{error}");
}

#[tokio::test]
async fn endpoints_are_listed_switched_and_removed() {
    let server = backend().await;
    let provider = Rig::new(&server.url).open(guests::webhooks(), &[]).await.unwrap();
    let endpoints = provider.webhooks().await.unwrap();
    let urls: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect();
    assert_eq!(urls, ["https://a.example/", "https://b.example/"], "without what a terminal would obey");
    provider.set_webhook_enabled("e1", false).await.unwrap();
    provider.remove_webhook("e1").await.unwrap();
    let seen = server.seen();
    let asked: Vec<String> =
        seen.iter().map(|seen| format!("{} {} {}", seen.method, seen.target, body(seen))).collect();
    assert_eq!(asked, ["GET /webhooks ", "PATCH /webhooks/e1 {\"enabled\":false}", "DELETE /webhooks/e1 "]);
}

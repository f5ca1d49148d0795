//! The optional part in which a backend tells of its deliveries: the secret stays hidden there, too, and its word is held
//! within bounds.

use std::time::Duration;

use orkee_core::diagnostic::Diagnostic;
use orkee_core::net::Secret;
use orkee_core::plugin::{DeliveryQuery, PartError, Registration, Terms, WasmProvider};

use crate::guests;
use crate::rig::{CANARY, Rig};
use crate::server::{Server, reply};

const SECRET: &str = "whsec_Y2FuYXJ5LXNlY3JldC1vZi13ZWJob29rcyE=";

fn terms() -> Terms {
    Terms { dispatcher: "webhook".to_owned(), ordered: true, pulled: false }
}

fn query() -> DeliveryQuery {
    DeliveryQuery { after: Some("1".to_owned()), limit: 5, ..DeliveryQuery::default() }
}

/// A provider of these tests that does as `way` says.
async fn provider(rig: &Rig, way: &str) -> WasmProvider {
    let terces: String = SECRET.chars().rev().collect();
    rig.open(guests::webhooks(), &[("terces", &terces), ("do", way)]).await.unwrap()
}

#[track_caller]
fn broke<T: std::fmt::Debug>(answered: Result<T, PartError>, way: &str) {
    let error = answered.unwrap_err();
    let PartError::Failed(failed) = &error else { panic!("{way}: {error}") };
    let cause = failed.source.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("broke the contract"), "{way}: {error}: {cause}");
}

#[tokio::test]
async fn p15_a_secret_that_comes_with_terms_or_an_overlap_reaches_the_backend_alone() {
    let server = Server::start(|_| reply(200, &[], b"{}")).await;
    let rig = Rig::new(&server.url);
    let provider = provider(&rig, "").await;
    let secret = Secret::new(SECRET);
    let id = provider.register_with(Registration::to("https://a.example/"), terms(), &secret).await.unwrap();
    assert_eq!(id, "e1", "without what a terminal would obey");
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
    let sent = String::from_utf8(seen.body).unwrap();
    let terms = r#"{"dispatcher":"webhook","ordered":true,"pulled":false}"#;
    assert_eq!(sent, format!(r#"{{"url":"https://a.example/","terms":{terms},"secret":"{SECRET}"}}"#));
    provider.rotate_with("e1", &secret, Duration::from_secs(86_400)).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.target, "/webhooks/e1/secret?overlap=86400");
    assert_eq!(seen.body, SECRET.as_bytes());
    provider.enable_with("e1", true).await.unwrap();
    assert_eq!(server.seen().pop().unwrap().target, "/webhooks/e1/enable?replay=true");
}

#[tokio::test]
async fn what_a_backend_tells_of_its_deliveries_is_fit_to_be_shown() {
    let rig = Rig::offline();
    let provider = provider(&rig, "").await;
    assert!(provider.tells_deliveries());
    let states = provider.endpoint_states().await.unwrap();
    assert_eq!(states[0].disabled_because.as_deref(), Some("gone"), "{states:?}");
    let page = provider.deliveries(&query()).await.unwrap();
    let attempt = &page.deliveries[0].attempts[0];
    assert_eq!((attempt.class.as_str(), attempt.request_id.as_deref()), ("server_error", Some("req 1")));
    assert_eq!(attempt.reply.as_ref().map(String::len), Some(1024), "two bytes a letter");
    assert_eq!(page.next.as_deref(), Some("2"));
    assert_eq!(provider.test_endpoint("e1").await.unwrap(), *attempt);
    assert_eq!(provider.redeliver(None, &["msg_1".to_owned()]).await.unwrap(), 1);
    let events = provider.pull("e1", &[], 5).await.unwrap();
    assert_eq!((events[0].id.as_str(), events[0].body.len()), ("msg_1", 40_000));
}

#[tokio::test]
async fn what_no_backend_may_tell_of_its_deliveries_is_refused() {
    let server = Server::start(|_| reply(200, &[], b"{}")).await;
    let rig = Rig::new(&server.url);
    let ways = ["dotted-id", "odd-event", "odd-state", "too-many-attempts", "too-many", "stay", "huge-mark"];
    for way in ways.into_iter().chain(["empty-page"]) {
        broke(provider(&rig, way).await.deliveries(&query()).await, way);
    }
    for way in ["dotted-id", "odd-event", "too-many", "huge-body"] {
        broke(provider(&rig, way).await.pull("e1", &[], 5).await, way);
    }
    broke(provider(&rig, "too-many").await.endpoint_states().await, "too-many");
    for way in ["name-nothing", "name-unseen"] {
        let to = Registration::to("https://a.example/");
        broke(provider(&rig, way).await.register_with(to, terms(), &Secret::new(SECRET)).await, way);
    }
}

#[tokio::test]
async fn p04_a_provider_that_tells_of_no_deliveries_says_so() {
    let provider = Rig::offline().open(guests::plain(), &[]).await.unwrap();
    assert!(!provider.tells_deliveries());
    let error = provider.deliveries(&query()).await.unwrap_err();
    assert_eq!(error.to_string(), "the provider `fixture` cannot tell of deliveries");
    assert_eq!(error.kind().exit_code(), 2);
    let to = Registration::to("https://a.example/");
    let register = provider.register_with(to, terms(), &Secret::new(SECRET)).await;
    assert!(matches!(register, Err(PartError::Absent(_))));
    assert!(matches!(provider.endpoint_states().await, Err(PartError::Absent(_))));
    assert!(matches!(provider.pull("e", &[], 1).await, Err(PartError::Absent(_))));
}

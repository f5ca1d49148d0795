//! The provider that Orkee ships, and the webhooks of the API that it speaks to.

use orkee_core::diagnostic::Diagnostic;
use orkee_core::net::Secret;
use orkee_core::plugin::{DeliveryQuery, PartError, Registration, Terms, WasmProvider};
use orkee_core::sync::provider::Failure;

use crate::guests;
use crate::rig::{CANARY, Rig};
use crate::server::{self, Seen, Server, reply};

const SECRET: &str = "whsec_Y2FuYXJ5LXNlY3JldC1vZi13ZWJob29rcyE=";
const JSON: (&str, &str) = ("content-type", "application/json");

fn api(seen: &Seen) -> server::Answer {
    let webhook = r#"{"id":"ep_1","url":"https://a.example/","events":["sync.failed"],"description":null,"enabled":false,
        "created_at":"t","dispatcher":"slack","ordered":true,"pulled":false,"disabled_because":"gone","failing_since":null,"rotating_until":null}"#;
    match (seen.method.as_str(), seen.target.as_str()) {
        ("POST", "/v1/webhooks") => reply(200, &[JSON], webhook.as_bytes()),
        ("GET", "/v1/webhooks") => reply(200, &[JSON], format!("{{\"webhooks\":[{webhook}]}}").as_bytes()),
        ("POST", "/v1/webhooks/redeliver") => reply(200, &[JSON], br#"{"count":7}"#),
        ("POST", "/v1/webhooks/ep_1/pull") => reply(
            200,
            &[JSON],
            br#"{"events":[{"id":"msg_1","event":"sync.failed","body":"{\"a\": \"\u00e9\"}"}]}"#,
        ),
        ("GET", _) => reply(200, &[JSON], br#"{"deliveries":[],"next":null}"#),
        ("DELETE", _) => reply(204, &[], b""),
        _ => reply(
            422,
            &[JSON],
            br#"{"error":{"code":"refused-url","message":"10.0.0.1 is a private address","request_id":"r"}}"#,
        ),
    }
}

async fn provider(server: &Server) -> WasmProvider {
    Rig::new(&server.url).open(guests::orkee_cloud(), &[]).await.unwrap()
}

#[tokio::test]
async fn p15_a_webhooks_secret_reaches_the_api_and_an_endpoint_comes_back_in_two_parts() {
    let server = Server::start(api).await;
    let provider = provider(&server).await;
    assert!(provider.tells_deliveries());
    let terms = Terms { dispatcher: "slack".to_owned(), ordered: true, pulled: false };
    let to = Registration::to("https://a.example/");
    let id = provider.register_with(to, terms, &Secret::new(SECRET)).await.unwrap();
    assert_eq!(id, "ep_1");
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
    let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!((sent["secret"].as_str(), sent["dispatcher"].as_str()), (Some(SECRET), Some("slack")));
    let (endpoints, states) = (provider.webhooks().await.unwrap(), provider.endpoint_states().await.unwrap());
    assert_eq!((endpoints[0].id.as_str(), endpoints[0].enabled), ("ep_1", false));
    assert_eq!((states[0].endpoint.as_str(), states[0].disabled_because.as_deref()), ("ep_1", Some("gone")));
    assert!(states[0].terms.ordered);
    provider.remove_webhook("ep/1").await.unwrap();
    assert_eq!(server.seen().pop().unwrap().target, "/v1/webhooks/ep%2F1");
}

#[tokio::test]
async fn what_is_asked_of_deliveries_is_asked_in_the_apis_words() {
    let server = Server::start(api).await;
    let provider = provider(&server).await;
    let query = DeliveryQuery {
        endpoint: Some("ep_1".to_owned()),
        since: Some("2026-01-02T03:04:05+00:00".to_owned()),
        failed: true,
        limit: 7,
        ..DeliveryQuery::default()
    };
    assert!(provider.deliveries(&query).await.unwrap().deliveries.is_empty());
    let target = server.seen().pop().unwrap().target;
    let wanted =
        "/v1/webhooks/deliveries?limit=7&endpoint=ep_1&since=2026-01-02T03%3A04%3A05%2B00%3A00&failed=true";
    assert_eq!(target, wanted);
    let events = provider.pull("ep_1", &["msg_0".to_owned()], 5).await.unwrap();
    assert_eq!((events[0].id.as_str(), events[0].body.as_slice()), ("msg_1", "{\"a\": \"é\"}".as_bytes()));
    let ids: Vec<String> = (0..1500).map(|n| format!("msg_{n}")).collect();
    let asked = server.seen().len();
    assert_eq!(provider.redeliver(None, &ids).await.unwrap(), 14, "a thousand at a time");
    assert_eq!(server.seen().len() - asked, 2);
}

#[tokio::test]
async fn what_the_api_refuses_is_the_persons_to_mend_and_told_in_its_words() {
    let server = Server::start(api).await;
    let error = provider(&server).await.test_endpoint("ep_1").await.unwrap_err();
    let PartError::Failed(failed) = &error else { panic!("{error}") };
    assert_eq!((failed.failure, error.kind().exit_code()), (Failure::Refused, 2));
    assert!(error.to_string().contains("10.0.0.1 is a private address"), "{error}");
}

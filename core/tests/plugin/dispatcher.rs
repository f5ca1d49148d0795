//! A webhook dispatcher: what it sends, what it is told of keys, and what it may not.

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
use orkee_core::net::{Courier, CourierOptions, Secret};
use orkee_core::plugin::{
    Access, Algorithm, Attempt, Class, Delivered, Delivery, DispatcherSetup, Limits, PluginError, SigningKey,
    Target, WasmDispatcher,
};
use ring::{hmac, signature};

use crate::guests;
use crate::rig::{Rig, alive};
use crate::server::{Server, reply};

const BODY: &[u8] = br#"{"event":"project.updated"}"#;
const KEY: [u8; 32] = *b"canary-key-of-thirty-two-bytes!!";

fn keys() -> Vec<SigningKey> {
    let encoded = STANDARD.encode(KEY);
    let key = |name: &str, algorithm, prefix: &str| {
        SigningKey::new(name, algorithm, &Secret::new(format!("{prefix}{encoded}"))).unwrap()
    };
    vec![key("new", Algorithm::HmacSha256, "whsec_"), key("ed", Algorithm::Ed25519, "whsk_")]
}

fn delivery(url: &str) -> Delivery {
    Delivery {
        id: "msg_1".to_owned(),
        event: "project.updated".to_owned(),
        timestamp: 1_649_367_553,
        attempt: 1,
        target: Target::parse(url, &loopback()).unwrap(),
        body: BODY.to_vec(),
        keys: keys(),
        headers: Vec::new(),
    }
}

/// For development: this machine, over plain http too.
fn loopback() -> Access {
    Access { loopback: true, ..Access::default() }
}

async fn dispatcher(rig: &Rig, settings: &[(&str, &str)]) -> Result<WasmDispatcher, PluginError> {
    let plugin = rig.host.load("fixture", guests::dispatcher(), rig.limits.component).unwrap();
    let setup = DispatcherSetup {
        tenant: None,
        limits: rig.limits.clone(),
        state_folder: rig.home.path().to_owned(),
        settings: settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        courier: Courier::new(CourierOptions::default()),
    };
    WasmDispatcher::open(&plugin, setup).await
}

async fn delivered(delivery: Delivery, settings: &[(&str, &str)]) -> Result<Attempt, PluginError> {
    Ok(both(delivery, settings).await?.attempt)
}

/// What the dispatcher says and what the host saw.
async fn both(delivery: Delivery, settings: &[(&str, &str)]) -> Result<Delivered, PluginError> {
    let dispatcher = dispatcher(&Rig::offline(), settings).await.unwrap();
    alive(dispatcher.deliver(delivery)).await
}

/// The reason of an attempt that failed.
async fn reason(delivery: Delivery, settings: &[(&str, &str)]) -> String {
    match delivered(delivery, settings).await.unwrap() {
        Attempt::Failed { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_delivery_arrives_signed_with_each_key_of_its_endpoint() {
    let server = Server::start(|_| reply(204, &[], b"")).await;
    let url = format!("{}/hook?for=me", server.url);
    assert_eq!(delivered(delivery(&url), &[]).await.unwrap(), Attempt::Delivered { status: 204 });
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str(), seen.body.as_slice()),
        ("POST", "/hook?for=me", BODY)
    );
    let [id, time, signatures] =
        ["id", "timestamp", "signature"].map(|h| seen.header(&format!("webhook-{h}")).unwrap());
    let signed = [format!("{id}.{time}.").as_bytes(), BODY].concat();
    let signatures: Vec<_> = signatures.split(' ').map(|s| s.split_once(',').unwrap()).collect();
    let [("v1", shared), ("v1a", public)] = signatures[..] else { panic!("{signatures:?}") };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &KEY), &signed, &STANDARD.decode(shared).unwrap())
        .unwrap();
    let pair = signature::Ed25519KeyPair::from_seed_unchecked(&KEY).unwrap();
    let public_key =
        signature::UnparsedPublicKey::new(&signature::ED25519, signature::KeyPair::public_key(&pair));
    public_key.verify(&signed, &STANDARD.decode(public).unwrap()).unwrap();
}

#[tokio::test]
async fn what_the_receiver_answers_is_what_became_of_the_attempt() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/gone" => reply(410, &[], b""),
        "/busy" => reply(429, &[("retry-after", "7")], b""),
        _ => reply(302, &[("location", "/elsewhere")], b""),
    })
    .await;
    let attempt = |path: &str| delivered(delivery(&format!("{}{path}", server.url)), &[]);
    assert_eq!(attempt("/gone").await.unwrap(), Attempt::Gone);
    let wait = Some(std::time::Duration::from_secs(7));
    let reason = "the receiver answered 429".to_owned();
    assert_eq!(attempt("/busy").await.unwrap(), Attempt::Failed { status: Some(429), reason, wait });
    let moved = attempt("/moved").await.unwrap();
    assert!(matches!(moved, Attempt::Failed { status: Some(302), .. }), "{moved:?}");
    assert_eq!(server.seen().len(), 3, "no redirect is followed");
}

#[tokio::test]
async fn p10_a_dispatcher_reaches_the_endpoints_origin_and_nothing_else() {
    let (endpoint, elsewhere) =
        (Server::start(|_| reply(200, &[], b"")).await, Server::start(|_| reply(200, &[], b"")).await);
    let told = reason(delivery(&endpoint.url), &[("do", "go-elsewhere"), ("url", &elsewhere.url)]).await;
    assert!(told.contains("Denied"), "{told}");
    assert_eq!(elsewhere.connections(), 0);
    let own = delivered(delivery(&endpoint.url), &[("do", "go-elsewhere"), ("url", "/other-path")]).await;
    assert_eq!(own.unwrap(), Attempt::Delivered { status: 200 });
}

#[tokio::test]
async fn p12_a_public_endpoint_does_not_lead_into_the_private_network() {
    let server = Server::start(|_| reply(200, &[], b"")).await;
    let port = server.url.rsplit(':').next().unwrap();
    for address in ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.1]", "localhost"] {
        let refused = Target::parse(&format!("https://{address}:{port}/"), &Access::default()).unwrap_err();
        assert!(refused.to_string().starts_with("the endpoint"), "{refused}");
    }
    // A name is looked at when it is dialled, and this one leads to another address than was named.
    let access = Access { private: vec!["127.0.0.2/32".parse().unwrap()], ..Access::default() };
    let target = Target::parse(&format!("https://localhost:{port}/"), &access).unwrap();
    let delivered = both(Delivery { target, ..delivery(&server.url) }, &[]).await.unwrap();
    assert_eq!(delivered.class(), Class::BlockedAddress, "{delivered:?}");
    let Attempt::Failed { reason, .. } = delivered.attempt else { panic!("it is a failure") };
    assert!(reason.contains("Denied") && reason.contains("private address"), "{reason}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p15_a_dispatcher_has_no_sign_in_and_no_key_but_the_endpoints() {
    let server = Server::start(|_| reply(200, &[], b"")).await;
    let told = reason(delivery(&server.url), &[("do", "ask-for-the-login")]).await;
    assert!(told.contains("it has no credential `login`"), "{told}");
    let told = reason(delivery(&server.url), &[("do", "sign-with-another-key")]).await;
    assert_eq!(told, "Err(Error::UnknownKey)");
    let told =
        reason(Delivery { keys: Vec::new(), ..delivery(&server.url) }, &[("do", "sign-with-another-key")])
            .await;
    assert_eq!(told, "Err(Error::UnknownKey)");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p15a_a_receiver_that_repeats_the_key_is_not_heard() {
    for shown in [format!("whsec_{}", STANDARD.encode(KEY)), STANDARD.encode(KEY)] {
        let server = Server::start(move |_| reply(200, &[], shown.as_bytes())).await;
        assert_eq!(reason(delivery(&server.url), &[]).await, "Error::Withheld");
    }
}

#[tokio::test]
async fn a_dispatcher_that_tells_of_a_reply_that_never_came_broke_the_contract() {
    let server = Server::start(|_| reply(200, &[], b"")).await;
    let error = delivered(delivery(&server.url), &[("do", "boast")]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plugin `fixture` broke the contract: it tells of a reply with status 200, and there was none"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p22_a_receiver_that_says_nothing_ends_the_attempt_and_not_the_dispatcher() {
    let server = Server::start(|_| crate::server::Answer::Silence).await;
    let limits = Limits { wall_clock: std::time::Duration::from_millis(1000), ..Limits::default() };
    let dispatcher = dispatcher(&Rig { limits, ..Rig::offline() }, &[]).await.unwrap();
    let Delivered { attempt, transport } = alive(dispatcher.deliver(delivery(&server.url))).await.unwrap();
    assert!(matches!(&attempt, Attempt::Failed { reason, .. } if reason == "Error::Timeout"), "{attempt:?}");
    assert_eq!(transport.class, Class::Timeout);
}

#[tokio::test]
async fn p35_describe_makes_no_request() {
    let opened = dispatcher(&Rig::offline(), &[("do", "ask-at-once")]).await.unwrap();
    let description = opened.description();
    assert_eq!(
        (description.id.as_str(), description.name.as_str()),
        ("standard-webhooks", "Standard Webhooks")
    );
}

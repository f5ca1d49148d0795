//! P10 to P17: what a guest's requests may and may not do.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use orkee_core::diagnostic::Diagnostic;
use orkee_core::plugin::{AllowList, Grants, HostPattern, Network, SendError};
use orkee_core::sync::provider::Failure;

use crate::rig::{CANARY, FRESH, Rig, Tokens};
use crate::server::{Answer, Seen, Server, reply};

async fn hello() -> Server {
    Server::start(|_| reply(200, &[], b"hello")).await
}

/// Sends back whatever was sent.
fn mirror(seen: &Seen) -> Answer {
    match seen.target.as_str() {
        "/header" => reply(200, &[("x-echo", seen.header("authorization").unwrap_or_default())], b""),
        "/packed" => reply(
            200,
            &[("content-encoding", "zstd")],
            &zstd::bulk::compress(seen.head.as_bytes(), 3).unwrap(),
        ),
        _ => reply(200, &[], seen.head.as_bytes()),
    }
}

#[tokio::test]
async fn p10_without_a_grant_no_packet_leaves_and_the_error_says_what_would_help() {
    let (home, elsewhere) = (hello().await, hello().await);
    let rig = Rig::new(&home.url);
    let url = format!("{}/x", elsewhere.url);
    let error = rig.rogue(&[("do", "send-and-fail"), ("url", &url)]).await.unwrap_err();
    assert_eq!(error.failure, Failure::Plugin);
    let command = format!("orkee cloud provider grant fixture {} --private-network", elsewhere.url);
    assert!(error.hint().unwrap().contains(&command), "{:?}", error.hint());
    assert!(matches!(error.source.unwrap().downcast_ref(), Some(SendError::Denied { .. })));
    let told = rig.rogue(&[("do", "send"), ("url", &url)]).await.unwrap();
    assert!(told.contains("Denied") && told.contains(&elsewhere.url), "{told}");
    let nothing = Rig { grants: Grants::nothing(), ..Rig::new(&home.url) };
    assert!(nothing.rogue(&[("do", "send")]).await.unwrap().contains("Denied"));
    assert_eq!((home.connections(), elsewhere.connections()), (0, 0));
}

#[tokio::test]
async fn p12_a_name_that_leads_to_this_machine_is_not_dialled_unless_granted() {
    let server = hello().await;
    let port = server.url.rsplit(':').next().unwrap();
    let url = format!("https://localhost:{port}/");
    let grant = |network| {
        let hosts =
            AllowList::nothing().with(HostPattern::parse(url.trim_end_matches('/'), network).unwrap());
        Grants { hosts, ..Grants::nothing() }
    };
    let public = Rig { grants: grant(Network::Public), ..Rig::offline() };
    let told = public.rogue(&[("do", "send"), ("url", &url)]).await.unwrap();
    assert!(told.contains("Denied") && told.contains("leads to a private address"), "{told}");
    assert_eq!(server.connections(), 0);
    let private = Rig { grants: grant(Network::Private), ..Rig::offline() };
    let told = private.rogue(&[("do", "send"), ("url", &url)]).await.unwrap();
    assert!(told.contains("Unreachable"), "{told}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn p13_a_redirect_is_answered_and_not_followed() {
    let elsewhere = hello().await;
    let to = format!("{}/stolen", elsewhere.url);
    let server = Server::start(move |_| reply(307, &[("location", &to)], b"")).await;
    let told = Rig::new(&server.url).rogue(&[("do", "send"), ("credential", "login")]).await.unwrap();
    assert!(told.starts_with("status 307") && told.contains("/stolen"), "{told}");
    assert_eq!((server.seen().len(), elsewhere.connections()), (1, 0));
}

#[tokio::test]
async fn p14_a_header_of_the_hosts_is_refused_before_a_byte_is_sent() {
    let server = hello().await;
    let rig = Rig::new(&server.url);
    for header in
        ["Authorization=x", "cookie=x", "Host=evil", "proxy-authorization=x", "content-length=1", "Upgrade=x"]
    {
        let told = rig.rogue(&[("do", "send"), ("header", header)]).await.unwrap();
        assert!(told.contains("Invalid") && told.contains("the host's to set"), "{told}");
    }
    assert_eq!(server.connections(), 0);
    rig.rogue(&[("do", "send"), ("header", "x-mine=1")]).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!((seen.header("x-mine"), seen.header("accept-encoding")), (Some("1"), Some("zstd")));
    assert!(seen.header("x-request-id").unwrap().starts_with("sync_"));
    assert_eq!((seen.header("cookie"), seen.header("referer")), (None, None));
}

#[tokio::test]
async fn p15_a_credential_is_attached_for_its_own_origin_alone() {
    let (home, elsewhere) = (hello().await, hello().await);
    let rig = Rig::new(&home.url);
    rig.rogue(&[("do", "send"), ("credential", "login")]).await.unwrap();
    assert_eq!(home.seen()[0].header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
    rig.rogue(&[("do", "send")]).await.unwrap();
    assert_eq!(home.seen()[1].header("authorization"), None);
    let granted = HostPattern::parse(&elsewhere.url, Network::Private).unwrap();
    let grants = Grants { hosts: rig.grants.hosts.clone().with(granted), ..rig.grants.clone() };
    let rig = Rig { grants, ..rig };
    let told = rig.rogue(&[("do", "send"), ("credential", "login"), ("url", &elsewhere.url)]).await.unwrap();
    assert!(told.contains("Invalid") && told.contains("the credential `login` is for"), "{told}");
    let told = rig.rogue(&[("do", "send"), ("credential", "env-token")]).await.unwrap();
    assert!(told.contains("it has no credential `env-token`"), "{told}");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn p15_a_guest_that_searches_everything_finds_no_secret() {
    let yranac: String = CANARY.chars().rev().collect();
    for path in ["/", "/header", "/packed", "/plain"] {
        let server = Server::start(mirror).await;
        let settings =
            [("do", "search-for-the-canary"), ("yranac", &yranac), ("url", path), ("credential", "login")];
        let found = Rig::new(&server.url).rogue(&settings).await.unwrap();
        assert!(found.starts_with("not found in"), "{found}");
        // The search itself works: what is not a secret of the host's is found.
        let settings = [
            ("do", "search-for-the-canary"),
            ("yranac", &yranac),
            ("url", path),
            ("header", &format!("x-a={CANARY}")),
        ];
        let found = Rig::new(&server.url).rogue(&settings).await.unwrap();
        assert_eq!(found.starts_with("found in"), path != "/header", "{found}");
    }
}

#[tokio::test]
async fn p15a_a_reply_that_repeats_the_secret_is_withheld() {
    let server = Server::start(mirror).await;
    let rig = Rig::new(&server.url);
    for path in ["/", "/header", "/packed"] {
        let told = rig.rogue(&[("do", "send"), ("credential", "login"), ("url", path)]).await.unwrap();
        assert_eq!(told, "Error::Withheld", "{path}");
    }
    let error = rig.rogue(&[("do", "send-and-fail"), ("credential", "login")]).await.unwrap_err();
    assert!(matches!(error.source.unwrap().downcast_ref(), Some(SendError::Withheld { .. })));
}

#[tokio::test]
async fn p15a_trace_is_not_sent() {
    let server = Server::start(mirror).await;
    for method in ["TRACE", "CONNECT", "trace"] {
        let told = Rig::new(&server.url).rogue(&[("do", "send"), ("method", method)]).await.unwrap();
        assert!(told.contains("Invalid"), "{told}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p16_without_a_sign_in_no_byte_is_sent() {
    let server = hello().await;
    let rig = Rig { credentials: Arc::new(Tokens::signed_out()), ..Rig::new(&server.url) };
    let error = rig.rogue(&[("do", "send-and-fail"), ("credential", "login")]).await.unwrap_err();
    assert_eq!(error.failure, Failure::Auth);
    assert_eq!(error.hint().unwrap(), "run `orkee cloud login`");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p16_a_401_leads_to_one_refresh_and_one_retry() {
    let fresh = format!("Bearer {FRESH}");
    let server = Server::start(move |seen| match seen.header("authorization") == Some(&fresh) {
        true => reply(200, &[], b"welcome"),
        false => reply(401, &[], b""),
    })
    .await;
    let rig = Rig::new(&server.url);
    let told = rig
        .rogue(&[("do", "send"), ("credential", "login"), ("method", "POST"), ("body", "again")])
        .await
        .unwrap();
    assert!(told.contains("welcome"), "{told}");
    assert_eq!((server.seen().len(), rig.credentials.refreshes.load(SeqCst)), (2, 1));
    assert!(server.seen().iter().all(|seen| seen.body == b"again"));
}

#[tokio::test]
async fn p16_a_second_401_is_the_answer() {
    let server = Server::start(|_| reply(401, &[], b"no")).await;
    for (credentials, requests) in [(Tokens::signed_in(), 2), (Tokens::without_refresh(), 3)] {
        let rig = Rig { credentials: Arc::new(credentials), ..Rig::new(&server.url) };
        let told = rig.rogue(&[("do", "send"), ("credential", "login")]).await.unwrap();
        assert!(told.starts_with("status 401"), "{told}");
        assert_eq!(server.seen().len(), requests);
    }
}

#[tokio::test]
async fn p17_a_tenants_state_is_not_anothers() {
    let personal = Rig::offline();
    let rig = |tenant: &str| Rig {
        tenant: Some(tenant.to_owned()),
        home: tempfile::tempdir().unwrap(),
        ..Rig::offline()
    };
    let acme = Rig { home: personal.home, ..rig("acme") };
    assert_eq!(acme.rogue(&[("do", "remember"), ("memory", "acme's")]).await.unwrap(), "nothing");
    let beta = Rig { home: acme.home, ..rig("beta") };
    assert_eq!(beta.rogue(&[("do", "remember"), ("memory", "beta's")]).await.unwrap(), "nothing");
    let acme = Rig { home: beta.home, ..rig("acme") };
    assert_eq!(acme.rogue(&[("do", "remember")]).await.unwrap(), "acme's");
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = hello().await;
    let rig = Rig::new(&server.url);
    for _ in 0..3 {
        rig.rogue(&[("do", "send-twice")]).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (6, 1));
}

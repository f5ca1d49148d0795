//! `http.send-all`: several requests at once, each of them under the rules of one.

use std::sync::Arc;

use orkee_core::plugin::{AllowList, Grants, HostPattern, Limit, Limits, Network};
use tokio::sync::Barrier;

use crate::rig::{CANARY, Rig};
use crate::server::{Answer, Server, reply};

/// What of one group is under way at once.
const AT_ONCE: usize = 8;

fn urls(count: usize) -> String {
    (0..count).map(|n| format!("/{n}")).collect::<Vec<_>>().join(" ")
}

async fn sent(rig: &Rig, urls: &str, more: &[(&str, &str)]) -> Vec<String> {
    let settings = [&[("do", "send-all"), ("urls", urls)], more].concat();
    rig.rogue(&settings).await.unwrap().split(" / ").map(str::to_owned).collect()
}

#[tokio::test]
async fn several_requests_are_under_way_at_once_and_no_more() {
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let server = Server::start(move |seen| {
        let Answer::Bytes(bytes) = reply(200, &[], seen.target.as_bytes()) else { unreachable!() };
        Answer::Together(Arc::clone(&barrier), bytes)
    })
    .await;
    // Were fewer under way, none would be answered.
    let told = sent(&Rig::new(&server.url), &urls(2 * AT_ONCE), &[]).await;
    assert_eq!(told, (0..2 * AT_ONCE).map(|n| format!("200 /{n}")).collect::<Vec<_>>());
    assert_eq!(server.connections(), AT_ONCE);
}

#[tokio::test]
async fn replies_come_in_the_order_of_the_requests_whichever_is_answered_first() {
    let last = Arc::new(tokio::sync::Notify::new());
    let server = Server::start(move |seen| {
        let answer = reply(200, &[], seen.target.as_bytes());
        match (seen.target.as_str(), answer) {
            ("/0", Answer::Bytes(bytes)) => Answer::Late(Arc::clone(&last), bytes),
            (target, answer) => {
                if target == "/4" {
                    last.notify_one();
                }
                answer
            }
        }
    })
    .await;
    let told = sent(&Rig::new(&server.url), &urls(5), &[]).await;
    assert_eq!(told, ["200 /0", "200 /1", "200 /2", "200 /3", "200 /4"]);
}

#[tokio::test]
async fn p24_each_request_of_a_group_counts_as_a_host_call_before_any_is_sent() {
    let server = Server::start(|_| reply(200, &[], b"")).await;
    let error = Rig::new(&server.url).stopped(&[("do", "send-all"), ("urls", "/"), ("times", "1000")]).await;
    assert_eq!(error.limit(), Some(Limit::HostCalls(1000)));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p23_each_body_has_an_eighth_of_the_limit_and_all_have_it_together() {
    const EIGHTH: usize = 64 << 10;
    let server = Server::start(|seen| {
        let length = if seen.target == "/large" { EIGHTH + 1 } else { EIGHTH };
        reply(200, &[], &vec![b'x'; length])
    })
    .await;
    let limits = Limits { reply_body: 8 * EIGHTH as u64, ..Limits::default() };
    let rig = Rig { limits, ..Rig::new(&server.url) };
    assert_eq!(
        sent(&rig, "/fits /large /fits", &[]).await,
        ["65536 bytes", "Error::TooLarge(65536)", "65536 bytes"]
    );
    let nine = sent(&rig, &urls(9), &[]).await;
    assert_eq!(nine[..8], vec!["65536 bytes"; 8]);
    assert_eq!(nine[8], "Error::TooLarge(524288)");
    // One request alone has all of it.
    let told = rig.rogue(&[("do", "send"), ("url", "/large")]).await.unwrap();
    assert!(told.contains("bytes 65537"), "{told}");
}

#[tokio::test]
async fn p10_p13_p14_one_request_that_fails_fails_no_other() {
    let elsewhere = Server::start(|_| reply(200, &[], b"stolen")).await;
    let to = format!("{}/stolen", elsewhere.url);
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/cut" => Answer::Cut(Vec::new()),
        "/away" => reply(307, &[("location", &to)], b"away"),
        "/broken" => reply(500, &[], b"broken"),
        _ => reply(200, &[], b"fine"),
    })
    .await;
    let denied = format!("{}/x", elsewhere.url);
    let list = format!("/a {denied} /cut no-url /away /broken /b");
    let told = sent(&Rig::new(&server.url), &list, &[]).await;
    assert_eq!((told[0].as_str(), told[6].as_str()), ("200 fine", "200 fine"));
    assert!(told[1].contains("Denied") && told[1].contains("orkee cloud provider grant fixture"), "{told:?}");
    assert!(told[2].contains("Broken"), "{told:?}");
    assert!(told[3].contains("Invalid"), "{told:?}");
    assert_eq!((told[4].as_str(), told[5].as_str()), ("307 away", "500 broken"));
    assert_eq!(elsewhere.connections(), 0);
    let before = server.seen().len();
    let told = sent(&Rig::new(&server.url), "/a /b", &[("header", "authorization=x")]).await;
    assert!(told.iter().all(|told| told.contains("the host's to set")), "{told:?}");
    assert_eq!(server.seen().len(), before);
}

#[tokio::test]
async fn p15_the_sign_in_goes_to_its_own_origin_alone_in_a_group_too() {
    let bearer = format!("Bearer {CANARY}");
    let server = Server::start(move |seen| {
        let signed_in = seen.header("authorization") == Some(&bearer);
        match seen.target.as_str() {
            "/echo" => reply(200, &[], seen.head.as_bytes()),
            _ => reply(200, &[], if signed_in { b"signed in" } else { b"a stranger" }),
        }
    })
    .await;
    let elsewhere = Server::start(|seen| reply(200, &[], seen.head.as_bytes())).await;
    let rig = Rig::new(&server.url);
    let granted = HostPattern::parse(&elsewhere.url, Network::Private).unwrap();
    let hosts: AllowList = rig.grants.hosts.clone().with(granted);
    let rig = Rig { grants: Grants { hosts, ..rig.grants.clone() }, ..rig };
    let list = format!("/a {}/b /echo /c", elsewhere.url);
    let told = sent(&rig, &list, &[("credential", "login")]).await;
    assert_eq!(
        (told[0].as_str(), told[2].as_str(), told[3].as_str()),
        ("200 signed in", "Error::Withheld", "200 signed in")
    );
    assert!(told[1].contains("the credential `login` is for"), "{told:?}");
    assert_eq!(elsewhere.connections(), 0);
}

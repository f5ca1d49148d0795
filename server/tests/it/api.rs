//! What every address does, and the small ones.

use crate::support::device::project;
use crate::support::{Device, Home, Request};

#[test]
fn health_is_for_everybody() {
    let (_home, server) = Home::with_ann(&[]);
    let response = server.send(&Request::get("/health"));
    assert_eq!((response.status, response.json()["status"].as_str()), (200, Some("ok")));
}

#[test]
fn every_reply_has_a_request_id_and_the_clients_own_where_it_is_one() {
    let (_home, server) = Home::with_ann(&[]);
    let id = |sent: Option<&str>| {
        let request = Request::get("/v1/account");
        let request = sent.map_or(request.clone(), |id| request.header("x-request-id", id));
        let response = server.send(&request);
        let id = response.header("x-request-id").unwrap().to_owned();
        assert_eq!(response.json()["error"]["request_id"], id);
        id
    };
    assert_eq!(id(Some("sync_ab-12")), "sync_ab-12");
    let long = "a".repeat(65);
    for bad in [Some("with space"), Some("<script>"), Some(""), Some(long.as_str()), None] {
        assert!(id(bad).starts_with("req_"), "{bad:?}");
    }
    assert_ne!(id(None), id(None));
}

#[test]
fn every_reply_forbids_framing_sniffing_referrers_and_stores() {
    let (_home, server) = Home::with_ann(&[]);
    for target in ["/health", "/v1/account", "/nothing", "/oauth/authorize"] {
        let response = server.send(&Request::get(target));
        let policy = response.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{target}"
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{target}");
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"), "{target}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{target}");
    }
}

#[test]
fn unknown_addresses_and_methods_are_told_apart() {
    let (_home, server) = Home::with_ann(&[]);
    let missing = server.send(&Request::get("/v1/nothing"));
    assert_eq!((missing.status, missing.code().as_str()), (404, "not-found"));
    let wrong = server.send(&Request::new("DELETE", "/v1/account"));
    assert_eq!((wrong.status, wrong.code().as_str()), (405, "method-not-allowed"));
    assert!(wrong.header("allow").unwrap().contains("GET"), "{wrong:?}");
    let head = server.send(&Request::new("HEAD", "/health"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    let head = server.send(&Request::new("HEAD", "/v1/account"));
    assert_eq!((head.status, head.body.len()), (401, 0));
}

#[test]
fn a_request_without_a_good_token_is_challenged() {
    let (home, server) = Home::with_ann(&[]);
    let bare = server.send(&Request::get("/v1/account"));
    assert_eq!((bare.status, bare.code().as_str()), (401, "unauthorized"));
    assert_eq!(bare.header("www-authenticate"), Some("Bearer realm=\"orkee\""));
    for header in ["Bearer orkee_wrong", "Bearer ", "Bearer", "Basic b3JrZWU6b3JrZWU=", "Bearer a b"] {
        let response = server.send(&Request::get("/v1/account").header("authorization", header));
        assert_eq!(response.status, 401, "{header}");
    }
    let bad = server.send(&Request::get("/v1/account").bearer("orkee_wrong"));
    assert!(bad.header("www-authenticate").unwrap().contains("invalid_token"));
    let token = home.token("ann@example.com");
    let good = server.send(&Request::get("/v1/account").header("authorization", &format!("bearer {token}")));
    assert_eq!(good.status, 200, "the scheme's case does not matter");
}

#[test]
fn the_account_is_the_tokens_own() {
    let (home, server) = Home::with_ann(&[]);
    let added = home.run(&["user", "add", "Bob@Example.com", "--plan", "Team"], "another password");
    assert!(added.status.success());
    let bob = server.send(&Request::get("/v1/account").bearer(&home.token("bob@example.com"))).json();
    assert_eq!((bob["email"].as_str(), bob["plan"].as_str()), (Some("bob@example.com"), Some("Team")));
    let ann = server.send(&Request::get("/v1/account").bearer(&home.token("ann@example.com"))).json();
    assert_eq!(ann["plan"], "Pro Plan");
    assert_ne!(ann["id"], bob["id"]);
}

#[test]
fn devices_are_listed_and_one_can_be_signed_out() {
    let (home, server) = Home::with_ann(&[]);
    let (one, two) = (home.token("ann@example.com"), home.token("ann@example.com"));
    home.add_user("bob@example.com");
    let bob = home.token("bob@example.com");
    let list =
        |token: &str| server.send(&Request::get("/v1/devices").bearer(token)).json()["devices"].clone();
    list(&two);
    let devices = list(&one);
    assert_eq!(devices.as_array().unwrap().len(), 2);
    let other = devices.as_array().unwrap().iter().find(|d| d["current"] == false).unwrap();
    let target = format!("/v1/devices/{}", other["id"].as_str().unwrap());
    assert_eq!(server.send(&Request::new("DELETE", target.clone()).bearer(&bob)).status, 404);
    assert_eq!(server.send(&Request::new("DELETE", target.clone()).bearer(&one)).status, 204);
    assert_eq!(server.send(&Request::get("/v1/account").bearer(&two)).status, 401);
    assert_eq!(server.send(&Request::new("DELETE", target).bearer(&one)).status, 404);
}

#[test]
fn projects_are_paged_without_the_deleted_ones() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let mut device = Device::new(&server.client, &token);
    let ids: Vec<String> = (0..5).map(|n| format!("project{n}")).collect();
    for id in &ids {
        device.write(id, None, &project(id, id));
    }
    device.write("project2", Some("3"), &crate::support::device::envelope("laptop", 2, None));
    let (mut after, mut seen, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page =
            server.send(&Request::get(format!("/v1/projects?limit=2&after={after}")).bearer(&token)).json();
        let projects = page["projects"].as_array().unwrap().clone();
        seen.extend(projects.into_iter().map(|project| project["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["project0", "project1", "project3", "project4"]);
    assert_eq!(pages, 2);
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "after=x",
        "after=-1",
        "after=9223372036854775808",
        "limit=1&limit=2",
    ] {
        let response = server.send(&Request::get(format!("/v1/projects?{bad}")).bearer(&token));
        assert_eq!((response.status, response.code().as_str()), (400, "invalid-request"), "{bad}");
    }
}

#[test]
fn a_page_of_projects_is_packed_where_that_is_accepted() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let mut device = Device::new(&server.client, &token);
    device.write("project0", None, &project("project0", &"long ".repeat(400)));
    let request = Request::get("/v1/projects").bearer(&token);
    let plain = server.send(&request);
    assert_eq!(plain.header("content-encoding"), None);
    let packed = server.send(&request.header("accept-encoding", "gzip, zstd"));
    assert_eq!(packed.header("content-encoding"), Some("zstd"));
    assert!(packed.body.len() * 2 < plain.body.len());
    assert_eq!(zstd::bulk::decompress(&packed.body, 1 << 20).unwrap(), plain.body);
}

//! Sign-in by OAuth, and what attackers try.

use serde_json::Value;

use crate::support::browser::{
    REDIRECT, VERIFIER, authorize, challenge, parameter, parameters, redeem, refresh, tokens,
};
use crate::support::{Browser, Client, Home, Request};

fn account_status(client: &Client, tokens: &Value) -> u16 {
    client.send(&Request::get("/v1/account").bearer(tokens["access_token"].as_str().unwrap())).status
}

fn oauth_error(response: &crate::support::Response) -> (u16, String) {
    (response.status, response.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn refused() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[test]
fn the_metadata_says_what_the_server_does() {
    let (_home, server) = Home::with_ann(&[]);
    let metadata = server.send(&Request::get("/.well-known/oauth-authorization-server")).json();
    assert_eq!(metadata["issuer"], server.url);
    for (key, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("revocation_endpoint", "/oauth/revoke"),
    ] {
        assert_eq!(metadata[key], format!("{}{path}", server.url));
    }
    assert_eq!(metadata["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], serde_json::json!(["none"]));
    assert_eq!(metadata.get("dpop_signing_alg_values_supported"), None, "it is off unless it was asked for");
}

#[test]
fn a49_a_server_that_binds_sign_ins_says_so_and_wants_proofs() {
    let (_home, server) = Home::with_ann(&["--dpop", "required"]);
    let metadata = server.send(&Request::get("/.well-known/oauth-authorization-server")).json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], serde_json::json!(["ES256"]));
    let location = Browser::new(&server.client).decide(&authorize(&[]), "approve");
    let code = parameter(&location, "code").unwrap();
    let bare = redeem(&server.client, &code, &[]);
    assert_eq!(oauth_error(&bare), (400, "invalid_dpop_proof".to_owned()));
    let fields = [("grant_type", "authorization_code"), ("client_id", "orkee-cli"), ("code", code.as_str())];
    let broken = server.send(&Request::form("/oauth/token", &fields).header("dpop", "a.b.c"));
    assert_eq!(oauth_error(&broken), (400, "invalid_dpop_proof".to_owned()));
    assert!(broken.header("dpop-nonce").is_some_and(|nonce| nonce.len() > 20));
    assert_eq!(server.send(&Request::get("/v1/account")).status, 401);
}

#[test]
fn a_person_signs_a_device_in() {
    let (_home, server) = Home::with_ann(&[]);
    let target =
        authorize(&[("device_name", "Ann's laptop"), ("redirect_uri", "http://[::1]:40000/callback")]);
    let location = Browser::new(&server.client).decide(&target, "approve");
    assert!(location.starts_with("http://[::1]:40000/callback?"), "{location}");
    assert_eq!(parameter(&location, "state").as_deref(), Some("state-1"));
    assert_eq!(parameter(&location, "iss").as_deref(), Some(server.url.as_str()));
    let code = parameter(&location, "code").unwrap();
    let changes = [("redirect_uri", "http://[::1]:40000/callback"), ("device_platform", "linux")];
    let response = redeem(&server.client, &code, &changes);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let tokens = response.json();
    assert!(tokens["access_token"].as_str().unwrap().starts_with("orkee_"));
    assert!(tokens["refresh_token"].as_str().unwrap().starts_with("orkee_refresh_"));
    let said = [&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]];
    assert_eq!(said, [&Value::from("Bearer"), &Value::from(3600), &Value::from("sync")]);
    let token = tokens["access_token"].as_str().unwrap();
    let devices = server.send(&Request::get("/v1/devices").bearer(token)).json();
    let device = &devices["devices"][0];
    assert_eq!([&device["name"], &device["platform"]], ["Ann's laptop", "linux"]);
    assert_eq!(device["current"], true);
}

#[test]
fn declining_tells_the_client_and_gives_no_code() {
    let (_home, server) = Home::with_ann(&[]);
    for decision in ["deny", "", "approve "] {
        let location = Browser::new(&server.client).decide(&authorize(&[]), decision);
        assert_eq!(parameter(&location, "error").as_deref(), Some("access_denied"), "{decision:?}");
        assert_eq!(parameter(&location, "state").as_deref(), Some("state-1"));
        assert_eq!(parameter(&location, "iss"), Some(server.url.clone()));
        assert_eq!(parameter(&location, "code"), None);
    }
}

#[test]
fn a_client_without_pkce_is_told_so_at_its_redirect() {
    let (_home, server) = Home::with_ann(&[]);
    for (changes, error) in [
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("scope", "sync admin")], "invalid_scope"),
    ] {
        let response = server.send(&Request::get(authorize(&changes)));
        assert_eq!(response.status, 303, "{changes:?}");
        let location = response.header("location").unwrap();
        assert!(location.starts_with(REDIRECT), "{location}");
        assert_eq!(parameter(location, "error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(parameter(location, "state").as_deref(), Some("state-1"));
        assert_eq!(parameter(location, "iss"), Some(server.url.clone()));
    }
}

#[test]
fn nobody_is_sent_to_an_address_that_is_not_on_their_own_computer() {
    let (_home, server) = Home::with_ann(&[]);
    for changes in [
        vec![("redirect_uri", "https://evil.test/callback")],
        vec![("redirect_uri", "http://localhost:5555/callback")],
        vec![("redirect_uri", "http://127.0.0.1:5555/other")],
        vec![("redirect_uri", "http://127.0.0.1.evil.test:5555/callback")],
        vec![("redirect_uri", "")],
        vec![("client_id", "other")],
        vec![("client_id", "")],
    ] {
        let response = server.send(&Request::get(authorize(&changes)));
        assert_eq!((response.status, response.header("location")), (400, None), "{changes:?}");
        assert!(!response.text().contains("evil.test"));
    }
    let twice = format!("{}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback", authorize(&[]));
    assert_eq!(server.send(&Request::get(twice)).status, 400);
}

#[test]
fn a_code_is_good_once_and_its_replay_ends_what_it_began() {
    let (_home, server) = Home::with_ann(&[]);
    let location = Browser::new(&server.client).decide(&authorize(&[]), "approve");
    let code = parameter(&location, "code").unwrap();
    let tokens = redeem(&server.client, &code, &[]).json();
    assert_eq!(account_status(&server.client, &tokens), 200);
    assert_eq!(oauth_error(&redeem(&server.client, &code, &[])), refused());
    assert_eq!(account_status(&server.client, &tokens), 401);
    let late = refresh(&server.client, tokens["refresh_token"].as_str().unwrap());
    assert_eq!(oauth_error(&late), refused());
}

#[test]
fn a_code_needs_its_verifier_its_redirect_and_its_client() {
    let (_home, server) = Home::with_ann(&[]);
    let other = "a-verifier-of-another-sign-in-0123456789-0123456789";
    for (changes, status, error) in [
        (("code_verifier", other), 400, "invalid_grant"),
        (("code_verifier", ""), 400, "invalid_request"),
        (("redirect_uri", "http://127.0.0.1:5556/callback"), 400, "invalid_grant"),
        (("redirect_uri", ""), 400, "invalid_request"),
        (("client_id", "other"), 401, "invalid_client"),
        (("client_id", ""), 401, "invalid_client"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("grant_type", ""), 400, "invalid_request"),
        (("code", "never-made"), 400, "invalid_grant"),
    ] {
        let location = Browser::new(&server.client).decide(&authorize(&[]), "approve");
        let code = parameter(&location, "code").unwrap();
        let response = redeem(&server.client, &code, &[changes]);
        assert_eq!(oauth_error(&response), (status, error.to_owned()), "{changes:?}");
    }
    let doubled =
        [("code", "a"), ("code", "b"), ("grant_type", "authorization_code"), ("client_id", "orkee-cli")];
    let response = server.send(&Request::form("/oauth/token", &doubled));
    assert_eq!(oauth_error(&response), (400, "invalid_request".to_owned()));
}

#[test]
fn the_challenge_itself_is_no_verifier() {
    let (_home, server) = Home::with_ann(&[]);
    let location = Browser::new(&server.client).decide(&authorize(&[]), "approve");
    let code = parameter(&location, "code").unwrap();
    let response = redeem(&server.client, &code, &[("code_verifier", &challenge(VERIFIER))]);
    assert_eq!(oauth_error(&response), refused());
}

#[test]
fn a_refresh_rotates_and_the_spent_token_ends_the_family() {
    let (_home, server) = Home::with_ann(&[]);
    let first = tokens(&server.client);
    let bystander = tokens(&server.client);
    let token = |tokens: &Value| tokens["refresh_token"].as_str().unwrap().to_owned();
    let second = refresh(&server.client, &token(&first)).json();
    assert_ne!(token(&first), token(&second));
    assert_eq!(account_status(&server.client, &second), 200);
    let third = refresh(&server.client, &token(&second)).json();
    assert_eq!(oauth_error(&refresh(&server.client, &token(&first))), refused());
    assert_eq!(oauth_error(&refresh(&server.client, &token(&third))), refused());
    assert_eq!([&first, &second, &third].map(|tokens| account_status(&server.client, tokens)), [401; 3]);
    assert_eq!(account_status(&server.client, &bystander), 200);
    assert_eq!(oauth_error(&refresh(&server.client, "")), (400, "invalid_request".to_owned()));
}

#[test]
fn access_tokens_last_as_long_as_the_server_was_told() {
    let (_home, server) = Home::with_ann(&["--access-lifetime", "60"]);
    assert_eq!(tokens(&server.client)["expires_in"], 60);
}

#[test]
fn revocation_always_answers_the_same() {
    let (_home, server) = Home::with_ann(&[]);
    let signed_in = tokens(&server.client);
    let revoke = |token: &str, hint: &str| {
        let fields = [("token", token), ("token_type_hint", hint), ("client_id", "orkee-cli")];
        let response = server.send(&Request::form("/oauth/revoke", &fields));
        (response.status, response.body.len())
    };
    assert_eq!(revoke("never made", "refresh_token"), (200, 0));
    assert_eq!(account_status(&server.client, &signed_in), 200);
    assert_eq!(revoke(signed_in["refresh_token"].as_str().unwrap(), "access_token"), (200, 0));
    assert_eq!(account_status(&server.client, &signed_in), 401);
    assert_eq!(revoke(signed_in["refresh_token"].as_str().unwrap(), "refresh_token"), (200, 0));
    let without = server.send(&Request::form("/oauth/revoke", &[("client_id", "orkee-cli")]));
    assert_eq!(oauth_error(&without), (400, "invalid_request".to_owned()));
}

#[test]
fn a_state_of_any_kind_comes_back_as_it_was() {
    let (_home, server) = Home::with_ann(&[]);
    let state = "a b&c=d#e\"<f>'%00é+/";
    let location = Browser::new(&server.client).decide(&authorize(&[("state", state)]), "approve");
    assert_eq!(parameter(&location, "state").as_deref(), Some(state));
    let names: Vec<String> = parameters(&location).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["code", "state", "iss"]);
}

//! Sign-ins that are bound to a key, and those that are not where they have to be.

use serde_json::Value;

use crate::support::browser::{authorize, parameter, redeem_fields, refresh, tokens};
use crate::support::proof::Key;
use crate::support::{Browser, Home, Request, Response, Server};

/// Signs a device in with a key; its token reply.
fn bound_tokens(server: &Server, key: &Key) -> Value {
    let location = Browser::new(&server.client).decide(&authorize(&[]), "approve");
    let code = parameter(&location, "code").unwrap();
    let reply = key.token(&server.client, &redeem_fields(&code, &[]));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["token_type"], "DPoP");
    reply.json()
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

fn account(server: &Server, token: &str) -> Response {
    server.send(&Request::get("/v1/account").bearer(token))
}

/// A nonce of the server's.
fn nonce(server: &Server, key: &Key, token: &str) -> String {
    key.get(&server.client, "/v1/account", token, "none").header("dpop-nonce").unwrap().to_owned()
}

#[test]
fn a_bound_sign_in_is_good_with_its_key_alone() {
    let (_home, server) = Home::with_ann(&["--dpop", "offered"]);
    let (key, other) = (Key::new(), Key::new());
    let tokens = bound_tokens(&server, &key);
    let token = text(&tokens, "access_token");
    let nonce = nonce(&server, &key, token);
    assert_eq!(key.get(&server.client, "/v1/account", token, &nonce).status, 200);
    let stolen = other.get(&server.client, "/v1/account", token, &nonce);
    assert_eq!(stolen.status, 401);
    assert!(stolen.text().contains("another key"), "{}", stolen.text());
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")),
        ("client_id", "orkee-cli"),
    ];
    let stolen = other.token(&server.client, &fields);
    assert_eq!((stolen.status, &stolen.json()["error"]), (400, &"invalid_grant".into()));
    assert_eq!(key.token(&server.client, &fields).status, 200, "whoever lacks the key did not spend it");
}

#[test]
fn proofs_are_counted_with_their_account_before_they_are_looked_at() {
    let (home, server) = Home::with_ann(&["--dpop", "offered", "--rate-limit", "4"]);
    home.add_user("bob@example.com");
    let (key, other) = (Key::new(), Key::new());
    let tokens = bound_tokens(&server, &key);
    let token = text(&tokens, "access_token");
    let nonce = nonce(&server, &key, token);
    let refused = (0..8).map(|_| other.get(&server.client, "/v1/account", token, &nonce));
    let refused: Vec<u16> = refused.map(|reply| reply.status).collect();
    assert!(refused[0] == 401 && refused.contains(&429), "{refused:?}");
    assert_eq!(account(&server, &home.token("bob@example.com")).status, 200);
}

#[test]
fn where_it_is_required_a_sign_in_of_before_is_not_good_without_a_key() {
    let (home, server) = Home::with_ann(&[]);
    let before = tokens(&server.client);
    let api = home.token("ann@example.com");
    assert_eq!(account(&server, text(&before, "access_token")).status, 200);
    server.stop();

    let server = home.serve(&["--dpop", "required"]);
    let refused = account(&server, text(&before, "access_token"));
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().starts_with("DPoP "), "{:?}", refused.text());
    assert!(refused.text().contains("bound to no key"), "{}", refused.text());
    let description = |token: &str| {
        let reply = refresh(&server.client, token).json();
        assert_eq!(reply["error"], "invalid_grant");
        reply["error_description"].as_str().unwrap().to_owned()
    };
    assert!(description(text(&before, "refresh_token")).contains("bound to no key"));
    assert!(description("orkee_refresh_of_nobody").contains("unknown"), "not that it lacks a key");
    assert_eq!(account(&server, &api).status, 200, "an API token is no sign-in");
    let key = Key::new();
    bound_tokens(&server, &key);
    server.stop();

    let server = home.serve(&["--dpop", "offered"]);
    assert_eq!(account(&server, text(&before, "access_token")).status, 200, "it was not revoked");
}

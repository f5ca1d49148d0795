//! Sign-ins that are bound to a key of the device (DPoP): what is kept, what is sent, and what a thief of the tokens gets.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use orkee_tests::browser::Browser;
use orkee_tests::device::Device;
use orkee_tests::http::{self, Reply};
use orkee_tests::mock::{Answer, Mock, tokens};
use orkee_tests::op::Op;
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use url::Url;

/// The files of keys in the home folder.
fn keys(device: &Device) -> Vec<PathBuf> {
    let names = device.files().into_iter().filter(|name| name.ends_with(".key"));
    names.map(|name| device.home().join(name)).collect()
}

/// A value of the default login in `auth.toml`.
fn value(device: &Device, key: &str) -> Option<String> {
    let text = device.auth_toml()?;
    let (_, rest) = text.split_once(&format!("\n{key} = \""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// What the API answers to whoever has the token alone.
fn with_token(server: &Server, scheme: &str, token: &str) -> Reply {
    let url: Url = format!("{}/v1/account", server.url).parse().unwrap();
    http::get(&url, &[("Authorization", &format!("{scheme} {token}"))]).unwrap()
}

#[test]
fn a49_a_login_is_bound_to_a_key_of_its_own_that_goes_with_it() {
    let server = Server::with_args(&["--dpop", "offered"]);
    let device = Device::new(&server.url);
    device.login(&server.person()).says("john@example.com");
    let [key] = &keys(&device)[..] else { panic!("{:?}", device.files()) };
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let thumbprint = value(&device, "bound_to").unwrap();
    assert_eq!(key.file_name().unwrap().to_str(), Some(format!("auth-{thumbprint}.key").as_str()));
    device.add("one");
    let synced = device.sync();
    assert_eq!(synced["pushed"], 1, "{synced}");

    let before = value(&device, "token");
    device.run(&["cloud", "login", "--refresh-token"]).success();
    assert_ne!(value(&device, "token"), before);
    assert_eq!(value(&device, "bound_to").as_ref(), Some(&thumbprint), "the key stays");
    device.run(&["cloud", "status"]).success();

    device.login(&server.person());
    let [second] = &keys(&device)[..] else { panic!("{:?}", device.files()) };
    assert_ne!(second, key, "another login, another key");
    device.run(&["cloud", "logout"]).success();
    assert_eq!(keys(&device), Vec::<PathBuf>::new());
}

#[test]
fn a49_doctor_looks_after_the_keys_of_logins() {
    let server = Server::with_args(&["--dpop", "offered"]);
    let device = Device::new(&server.url);
    device.login(&server.person());
    device.run(&["doctor"]).success();
    let [key] = &keys(&device)[..] else { panic!("{:?}", device.files()) };
    let mode = |mode| std::fs::set_permissions(key, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let left = device.home().join(format!("auth-{}.key", "k".repeat(43)));
    std::fs::write(&left, "a key").unwrap();
    let ran = device.run(&["doctor"]).exits(1);
    let readable = format!("other users can read {} (mode 644)", key.display());
    let unnamed = format!("{} is a key that no sign-in is bound to", left.display());
    assert!(ran.stdout.contains(&readable) && ran.stdout.contains(&unnamed), "{ran}");
    assert!(left.exists(), "nothing is changed unasked");

    let mended = device.json(&["doctor", "--fix"]);
    assert_eq!(mended["mended"].as_array().unwrap().len(), 2, "{mended}");
    assert_eq!(keys(&device), std::slice::from_ref(key));
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    device.run(&["doctor"]).success();
    device.run(&["cloud", "status"]).success();
}

#[test]
fn a49_stolen_tokens_are_of_no_use_without_the_key() {
    let server = Server::with_args(&["--dpop", "offered"]);
    let device = Device::new(&server.url);
    device.login(&server.person());
    let token = value(&device, "token").unwrap();
    device.run(&["cloud", "token"]).success().says("bound to a key of this device");
    for scheme in ["Bearer", "DPoP"] {
        let reply = with_token(&server, scheme, &token);
        assert_eq!(reply.status, 401, "{scheme}: {}", reply.text());
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("DPoP ") && challenge.contains("algs=\"ES256\""), "{challenge}");
    }
    let refresh = value(&device, "refresh_token").unwrap();
    let form = format!("grant_type=refresh_token&client_id=orkee-cli&refresh_token={refresh}");
    let url: Url = format!("{}/oauth/token", server.url).parse().unwrap();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = http::send("POST", &url, &headers, form.as_bytes()).unwrap();
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_grant")));

    // A device that has all but the key, or another device's key, has nothing.
    let thief = device.copy();
    let stolen = keys(&thief).pop().unwrap();
    std::fs::remove_file(&stolen).unwrap();
    let no_key = "is bound to is missing or damaged";
    thief.run(&["cloud", "list"]).exits(4).says(no_key).says("orkee cloud login");
    let other = Device::new(&server.url);
    other.login(&server.person());
    std::fs::copy(keys(&other).pop().unwrap(), &stolen).unwrap();
    thief.run(&["cloud", "list"]).exits(4).says(no_key);
    thief.run(&["cloud", "login", "--refresh-token"]).fails(4, "E-AUTH-070").says(no_key);
    device.run(&["cloud", "login", "--refresh-token"]).success();
    device.run(&["cloud", "status"]).success();
}

#[test]
fn a49_a_server_may_require_it_and_api_tokens_stay_bearer_tokens() {
    let server = Server::with_args(&["--dpop", "required"]);
    assert_eq!(with_token(&server, "Bearer", &server.token()).status, 200);
    Device::with_token(&server.url, &server.token()).run(&["cloud", "status"]).success();
    let device = Device::new(&server.url);
    let mut terminal = Terminal::open(device.orkee(&["cloud", "login", "--device"]), 200);
    let screen = terminal.wait_for("or open ").to_owned();
    let code = screen.split_once("type the code ").unwrap().1.split_whitespace().next().unwrap();
    let address: Url = format!("{}/device", server.url).parse().unwrap();
    Browser::default().sign_in(&address, &server.person().typing(code)).unwrap();
    let (status, screen) = terminal.finish();
    assert!(status.success(), "{screen}");
    assert_eq!(keys(&device).len(), 1);
    device.run(&["cloud", "status"]).success();
}

#[test]
fn a49_without_the_offer_tokens_are_bearer_tokens_and_there_is_no_key() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.login(&server.person());
    assert_eq!(value(&device, "bound_to"), None);
    assert_eq!(keys(&device), Vec::<PathBuf>::new());
    assert_eq!(with_token(&server, "Bearer", &value(&device, "token").unwrap()).status, 200);
}

#[test]
fn a49_each_request_has_its_own_proof_and_a_nonce_that_is_asked_for_is_sent_once_more() {
    let op = Op::binding();
    let device = Device::new(&op.url);
    device.login(&op.person()).says("john@example.com");
    device.run(&["cloud", "status"]).success();
    device.run(&["cloud", "login", "--refresh-token"]).success();
    let proofs = op.proofs();
    let claims: Vec<_> = proofs.iter().map(|proof| proof.claims()).collect();
    for (proof, claims) in proofs.iter().zip(&claims) {
        assert_eq!(claims["htm"], proof.method, "{proof:?}");
        assert_eq!(claims["htu"], format!("{}{}", op.url, proof.path), "{proof:?}");
        assert_eq!(claims["ath"].is_string(), proof.path == "/v1/account", "{claims}");
    }
    let ids: HashSet<_> = claims.iter().map(|claims| claims["jti"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), proofs.len(), "no proof is sent twice");
    // Each run learns the nonce anew: a proof without it, which is refused, and one with it.
    let at_token: Vec<_> = proofs.iter().zip(&claims).filter(|(proof, _)| proof.path == "/token").collect();
    let nonces: Vec<bool> = at_token.iter().map(|(_, claims)| claims["nonce"].is_string()).collect();
    assert_eq!(nonces, [false, true, false, true], "{at_token:?}");
    assert_eq!(op.count("POST", "/token"), 4);
    let [key] = &keys(&device)[..] else { panic!("{:?}", device.files()) };
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a49_a_server_that_renews_with_a_bearer_token_goes_on_getting_proofs_for_the_refresh_token() {
    let renewals = AtomicUsize::new(0);
    let lax = Mock::authorization_server(move |request| match request.target.as_str() {
        // The refresh token is bound all the time: without a proof it is refused.
        "/oauth/token" if request.header("dpop").is_none() => {
            Some(Answer::json(400, &serde_json::json!({"error": "invalid_grant"})))
        }
        "/oauth/token" => Some(Answer::json(200, &tokens(renewals.fetch_add(1, Ordering::SeqCst) + 1))),
        _ => None,
    });
    let server = Server::with_args(&["--dpop", "offered"]);
    let origin = Device::new(&server.url);
    origin.login(&server.person());
    let device = Device::new(&lax.url);
    device.write_auth(&origin.auth_toml().unwrap().replace(&server.url, &lax.url));
    let [key] = &keys(&origin)[..] else { panic!("{:?}", origin.files()) };
    let here = device.home().join(key.file_name().unwrap());
    std::fs::copy(key, &here).unwrap();
    let thumbprint = value(&device, "bound_to");

    for n in 1..=2 {
        device.run(&["cloud", "login", "--refresh-token"]).success();
        assert_eq!(value(&device, "token"), Some(format!("orkee_access_{n}")));
        assert_eq!(value(&device, "bound_to"), thumbprint);
        assert_eq!(value(&device, "token_type").as_deref(), Some("Bearer"));
        assert!(here.exists());
    }
    let token = device.run(&["cloud", "token"]).success();
    assert!(!token.stderr.contains("bound to a key"), "{token}");
    let _ = device.run(&["cloud", "status"]);
    let sent = lax.requests_for("/v1/account");
    assert!(!sent.is_empty());
    for request in sent {
        assert_eq!(request.header("authorization"), Some("Bearer orkee_access_2"));
        assert_eq!(request.header("dpop"), None);
    }
    device.run(&["cloud", "logout"]).success();
    assert_eq!(keys(&device), Vec::<PathBuf>::new());
}

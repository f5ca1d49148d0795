//! Tokens of an identity provider that are not good, or older than others, and providers whose documents are not good, at the
//! real server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orkee_tests::http::Reply;
use orkee_tests::idp::{CLIENT, DISCOVERY, Idp, KEYS, discovery, signed};
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::tenancy::{EXCHANGE, GROUPS, Tenancy, oauth_error, settings};
use orkee_tests::wait;
use ring::hmac;
use serde_json::{Value, json};

const ANN: &str = "ann@acme.example";
const TEAM: &[&str] = &["engineering"];

/// A change of claims, and what the refusal says of it.
type Flaw = (&'static str, fn(&mut Value), &'static str);

fn shift(claims: &mut Value, name: &str, seconds: i64) {
    let now = claims["iat"].as_i64().unwrap();
    claims[name] = (now + seconds).into();
}

#[track_caller]
fn is_refused(reply: &Reply, what: &str, says: &str) {
    assert_eq!(oauth_error(reply), (400, "invalid_grant".to_owned()), "{what}: {}", reply.text());
    let description = reply.json()["error_description"].as_str().unwrap().to_owned();
    assert!(description.contains(says), "{what}: {description}");
}

const FLAWS: &[Flaw] = &[
    (
        "another issuer",
        |c| c["iss"] = "https://evil.example".into(),
        "none of the tenant's identity providers",
    ),
    ("an issuer that is no text", |c| c["iss"] = 7.into(), "no `iss`"),
    ("no audience", |c| c["aud"] = Value::Null, "no `aud`"),
    ("another client", |c| c["aud"] = "another".into(), "`aud` names another client"),
    ("several audiences without azp", |c| c["aud"] = json!([CLIENT, "another"]), "no `azp`"),
    ("another authorized party", |c| c["azp"] = "another".into(), "`azp` names another client"),
    ("expired", |c| shift(c, "exp", -61), "expired"),
    ("no expiry", |c| c["exp"] = Value::Null, "no `exp`"),
    ("an expiry that is no time", |c| c["exp"] = "never".into(), "`exp` is not of the form"),
    ("not yet", |c| shift(c, "nbf", 120), "`nbf` lies in the future"),
    ("issued in the future", |c| shift(c, "iat", 120), "`iat` lies in the future"),
    ("never issued", |c| c["iat"] = Value::Null, "no `iat`"),
    ("nobody", |c| c["sub"] = Value::Null, "no `sub`"),
    ("an empty subject", |c| c["sub"] = "".into(), "`sub` is not of the form"),
    ("a logout token", |c| c["events"] = json!({}), "another kind"),
];

#[test]
fn each_check_of_an_id_token_refuses_by_itself() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    for (what, change, says) in FLAWS {
        let mut claims = idp.claims(ANN, TEAM);
        change(&mut claims);
        is_refused(&tenancy.exchange(&idp.sign(&claims)), what, says);
    }
    let access = idp.sign_as("at+jwt", &idp.claims(ANN, TEAM));
    is_refused(&tenancy.exchange(&access), "an access token", "another kind");
    assert_eq!(tenancy.admin(&["tenant", "members", "acme"]).stdout, "", "nobody was let in");
    tenancy.sign_in(&idp, ANN, TEAM);
    let mut skewed = idp.claims(ANN, TEAM);
    shift(&mut skewed, "exp", -50);
    assert_eq!(tenancy.exchange(&idp.sign(&skewed)).status, 200, "clocks differ");
}

#[test]
fn a_token_that_is_not_signed_by_the_issuers_key_is_refused() {
    let idp = Idp::start();
    let stranger = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let (claims, key) = (idp.claims(ANN, TEAM), idp.key_name());
    let header = |alg: &str| json!({ "alg": alg, "typ": "JWT", "kid": key });
    let unsigned = signed(&header("none"), &claims, |_| Vec::new());
    is_refused(&tenancy.exchange(&unsigned), "alg none", "`none`, which is not accepted");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &idp.public_point());
    let hmac = signed(&header("HS256"), &claims, |message| hmac::sign(&secret, message).as_ref().to_vec());
    is_refused(&tenancy.exchange(&hmac), "an HMAC of the public key", "`HS256`, which is not accepted");
    let foreign = stranger.sign_with(&header("ES256"), &claims);
    is_refused(&tenancy.exchange(&foreign), "somebody else's key", "signature is wrong");
    let confused = idp.sign_with(&header("RS256"), &claims);
    is_refused(&tenancy.exchange(&confused), "another algorithm with the key's name", "none of the issuer's");
    let mut own_key = header("ES256");
    own_key["kid"] = "evil".into();
    own_key["jku"] = format!("{}{KEYS}", stranger.url()).into();
    is_refused(
        &tenancy.exchange(&stranger.sign_with(&own_key, &claims)),
        "a key that it brings",
        "none of the issuer's",
    );
    assert_eq!(stranger.mock.requests().len(), 0, "a token does not say where keys are");
    let good = idp.sign(&claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let forged = signed(&header("ES256"), &json!({ "sub": "x" }), |_| Vec::new());
    let forged = format!("{}.{signature}", forged.rsplit_once('.').unwrap().0);
    let long = "a".repeat(15_000);
    for (what, token) in [
        ("other claims under a good signature", forged.as_str()),
        ("no signature", &format!("{message}.")),
        ("two parts", message),
        ("an access token of this server", "orkee_abc"),
        ("a long text", &long),
        ("control characters", "a.\u{0}\u{1b}.c"),
    ] {
        is_refused(&tenancy.exchange(token), what, "the ID token is refused");
    }
    assert_eq!(tenancy.exchange(&good).status, 200, "the good one is good");
}

#[test]
fn a_request_that_is_no_exchange_is_told_so() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let token = idp.id_token(ANN, TEAM);
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    for (change, status, error) in [
        (("audience", "other"), 400, "invalid_target"),
        (("audience", ""), 400, "invalid_request"),
        (("subject_token", ""), 400, "invalid_request"),
        (("subject_token_type", ""), 400, "invalid_request"),
        (("subject_token_type", access_token), 400, "invalid_request"),
        (("requested_token_type", "urn:ietf:params:oauth:token-type:saml2"), 400, "invalid_request"),
        (("actor_token", "x"), 400, "invalid_request"),
        (("scope", "admin"), 400, "invalid_scope"),
        (("client_id", "other"), 401, "invalid_client"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
    ] {
        let reply = tenancy.exchange_with(&token, &[change]);
        assert_eq!(oauth_error(&reply), (status, error.to_owned()), "{change:?}");
    }
    let twice = tenancy.exchange_with(&token, &[("x", "y"), ("audience", "acme"), ("audience", "other")]);
    assert_eq!(oauth_error(&twice), (400, "invalid_request".to_owned()));
    let least = [
        ("requested_token_type", access_token),
        ("scope", ""),
        ("device_name", ""),
        ("grant_type", EXCHANGE),
    ];
    assert_eq!(tenancy.exchange_with(&token, &least).status, 200);
}

/// A provider that answers one of its addresses in a bad way, and what the server says of it.
fn bad_provider(at: &'static str, says: &str, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) {
    let idp = Idp::answering(move |url, request| (request.target == at).then(|| answer(url)));
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let reply = tenancy.exchange(&idp.id_token(ANN, TEAM));
    assert_eq!(oauth_error(&reply), (503, "temporarily_unavailable".to_owned()), "{says}");
    assert!(reply.text().contains(says), "{says}: {}", reply.text());
    let asked = idp.mock.requests_for(at).len();
    assert_eq!(tenancy.exchange(&idp.id_token(ANN, TEAM)).status, 503);
    assert_eq!(idp.mock.requests_for(at).len(), asked, "{says}: it is left alone for a while");
}

#[test]
fn a_provider_whose_documents_are_bad_lets_nobody_in() {
    let other = Arc::new(Mock::start(|_| Answer::json(200, &json!({ "keys": [] }))));
    let elsewhere = other.url.clone();
    let text = |body: &str| Answer { status: 200, headers: Vec::new(), body: body.to_owned() };
    let large = || Answer { status: 200, headers: Vec::new(), body: " ".repeat(50 << 20) };
    let changed = |key: &'static str, value: Value| {
        move |url: &str| {
            let mut document = discovery(url);
            document[key] = value.clone();
            Answer::json(200, &document)
        }
    };
    bad_provider(KEYS, "more than", move |_| large());
    bad_provider(DISCOVERY, "more than", move |_| large());
    let place = elsewhere.clone();
    bad_provider(KEYS, "redirect", move |_| Answer::redirect(302, &place));
    let place = elsewhere.clone();
    bad_provider(DISCOVERY, "redirect", move |_| Answer::redirect(307, &place));
    bad_provider(KEYS, "no keys that can be used", move |_| text("<html>"));
    bad_provider(KEYS, "no keys that can be used", |_| {
        Answer::json(200, &json!({ "keys": [{ "kty": "oct", "k": "AA" }] }))
    });
    bad_provider(DISCOVERY, "discovery document is none", move |_| text("[]"));
    bad_provider(DISCOVERY, "another issuer's", changed("issuer", "https://evil.example".into()));
    bad_provider(DISCOVERY, "not loopback", changed("jwks_uri", "http://192.0.2.1/keys".into()));
    bad_provider(DISCOVERY, "not secure", changed("jwks_uri", "file:///etc/passwd".into()));
    bad_provider(DISCOVERY, "no URL", changed("jwks_uri", "keys".into()));
    bad_provider(KEYS, "status 500", |_| Answer::empty(500));
    bad_provider(DISCOVERY, "status 404", |_| Answer::empty(404));
    assert_eq!(other.connections(), 0, "nothing was followed");
}

#[test]
fn a_provider_that_is_down_is_asked_again_later() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let idp = Idp::answering(move |_, _| is_down.load(Ordering::SeqCst).then(|| Answer::empty(502)));
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let token = idp.id_token(ANN, TEAM);
    assert_eq!(tenancy.exchange(&token).status, 503);
    down.store(false, Ordering::SeqCst);
    // Whoever asks too often meanwhile is told so; the token itself is not spent by it.
    wait::until("the pause", || (tenancy.exchange(&token).status == 200).then_some(()));
}

#[test]
fn keys_are_kept_and_fetched_once_more_for_one_that_is_not_known() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    for _ in 0..3 {
        tenancy.sign_in(&idp, ANN, TEAM);
    }
    assert_eq!(idp.key_requests(), 1);
    let old = idp.id_token(ANN, TEAM);
    idp.rotate();
    tenancy.sign_in(&idp, ANN, TEAM);
    assert_eq!(idp.key_requests(), 2, "a new key is found");
    is_refused(&tenancy.exchange(&old), "a withdrawn key", "none of the issuer's");
    for n in 0..5 {
        let header = json!({ "alg": "ES256", "kid": format!("made up {n}") });
        let reply = tenancy.exchange(&idp.sign_with(&header, &idp.claims(ANN, TEAM)));
        is_refused(&reply, "a key that nobody has", "none of the issuer's");
    }
    assert_eq!(idp.key_requests(), 2, "and no more within a minute");
    tenancy.sign_in(&idp, ANN, TEAM);
}

#[test]
fn each_check_of_an_access_token_refuses_by_itself() {
    let idp = Idp::start();
    let tenancy = Tenancy::direct(&idp, GROUPS);
    let flaws: &[Flaw] = &[
        ("another audience", |c| c["aud"] = CLIENT.into(), "`aud` names another"),
        ("another issuer", |c| c["iss"] = "https://evil.example".into(), "none of the tenant's"),
        ("expired", |c| shift(c, "exp", -61), "expired"),
        ("not yet", |c| shift(c, "nbf", 120), "`nbf`"),
        ("never issued", |c| c["iat"] = Value::Null, "no `iat`"),
        ("nobody", |c| c["sub"] = Value::Null, "no `sub`"),
        ("an ID token", |c| c["nonce"] = "n".into(), "another kind"),
        ("bound to a key", |c| c["cnf"] = json!({ "jkt": "x" }), "bound to a key"),
    ];
    for (what, change, says) in flaws {
        let mut claims = idp.access_claims(ANN, TEAM);
        change(&mut claims);
        let reply = tenancy.account_direct(&idp.sign_as("at+jwt", &claims));
        assert_eq!(reply.status, 401, "{what}: {}", reply.text());
        assert!(reply.text().contains(says), "{what}: {}", reply.text());
        assert!(reply.header("www-authenticate").unwrap().contains("invalid_token"), "{what}");
    }
    let good = idp.access_token(ANN, TEAM);
    for headers in [&[][..], &[("orkee-tenant", "other")]] {
        assert_eq!(tenancy.get("/v1/account", &good, headers).status, 401, "{headers:?}");
    }
    let logout = idp.sign_as("logout+jwt", &idp.access_claims(ANN, TEAM));
    assert_eq!(tenancy.account_direct(&logout).status, 401);
    let unmapped = tenancy.account_direct(&idp.access_token(ANN, &[]));
    assert_eq!((unmapped.status, &unmapped.json()["error"]["code"]), (403, &json!("not-admitted")));
    assert_eq!(tenancy.admin(&["tenant", "members", "acme"]).stdout, "", "nobody was let in");
    assert_eq!(tenancy.account_direct(&good).status, 200);
    let exchanged = tenancy.exchange(&idp.id_token(ANN, TEAM));
    assert_eq!(oauth_error(&exchanged), (400, "invalid_request".to_owned()), "{}", exchanged.text());
}

#[test]
fn a_tenant_that_exchanges_takes_no_access_token_of_its_provider() {
    let idp = Idp::start();
    let tenancy = Tenancy::with_settings(&settings(idp.url(), CLIENT, GROUPS));
    let mut claims = idp.access_claims(ANN, TEAM);
    for audience in [CLIENT, "https://api.acme.example"] {
        claims["aud"] = audience.into();
        for kind in ["at+jwt", "JWT"] {
            assert_eq!(tenancy.account_direct(&idp.sign_as(kind, &claims)).status, 401);
        }
    }
    assert_eq!(tenancy.account_direct(&idp.id_token(ANN, TEAM)).status, 401);
}

#[test]
fn refused_exchanges_of_the_providers_tokens_are_in_the_audit_trail_once_and_all_are_counted_by_address() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let mut expired = idp.claims(ANN, TEAM);
    shift(&mut expired, "exp", -600);
    tenancy.exchange(&idp.sign(&expired));
    let token = idp.id_token(ANN, TEAM);
    for token in [&token, &token, &token, &Idp::start().id_token(ANN, TEAM)] {
        tenancy.exchange(token);
    }
    let audit = tenancy.audit();
    let outcomes: Vec<_> = audit.iter().filter(|row| row[1] == "sign-in").map(|row| &row[3]).collect();
    assert_eq!(
        outcomes,
        [
            "refused: the ID token is refused: it has expired",
            "done",
            "refused: the ID token was exchanged before"
        ]
    );
    assert!(audit.iter().all(|row| row.iter().all(|cell| !cell.contains(&token))));
    let rows = audit.len();
    // A slow machine guesses hardly faster than it is allowed to again.
    let limited = (0..5000).map(|_| tenancy.exchange("x")).find(|reply| reply.status == 429);
    assert!(limited.expect("somebody who guesses is stopped").header("retry-after").is_some());
    assert_eq!(tenancy.audit().len(), rows, "what anybody can send is for the log");
}

fn is_error(error: &str) -> (u16, String) {
    (400, error.to_owned())
}

/// Claims of a token that was issued so many seconds ago.
fn aged(mut claims: Value, seconds: i64) -> Value {
    claims["iat"] = (claims["iat"].as_i64().unwrap() - seconds).into();
    claims
}

#[test]
fn an_older_token_that_was_never_exchanged_brings_no_role_and_no_membership_back() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let kept = |seconds| idp.sign(&aged(idp.claims("ann@acme.example", &["admins"]), seconds));
    let people = || tenancy.admin(&["tenant", "members", "acme"]).success().stdout;
    assert_eq!(tenancy.exchange(&kept(90)).status, 200);
    assert_eq!(people(), "ann@acme.example\towner\n");
    let demoted = idp.sign(&aged(idp.claims("ann@acme.example", &["visitors"]), 40));
    assert_eq!(tenancy.exchange(&demoted).status, 200);
    let older = tenancy.exchange(&kept(60));
    assert_eq!(older.status, 200, "it is another sign-in of hers: {}", older.text());
    assert_eq!(people(), "ann@acme.example\tread-only\n", "but says no more what she may");
    assert_eq!(
        oauth_error(&tenancy.exchange(&idp.id_token("ann@acme.example", &[]))),
        is_error("access_denied")
    );
    assert_eq!(oauth_error(&tenancy.exchange(&kept(20))), is_error("access_denied"));
    assert_eq!(people(), "ann@acme.example\tno member\n");
    let again = idp.sign(&aged(idp.claims("ann@acme.example", &["engineering"]), -5));
    assert_eq!(tenancy.exchange(&again).status, 200, "a newer one does");
    assert_eq!(people(), "ann@acme.example\tmember\n");
}

#[test]
fn requests_with_an_older_access_token_do_not_flip_the_role() {
    let idp = Idp::start();
    let tenancy = Tenancy::direct(&idp, GROUPS);
    let token = |groups: &[&str], seconds| {
        idp.sign_as("at+jwt", &aged(idp.access_claims("ann@acme.example", groups), seconds))
    };
    let (old, new) = (token(&["admins"], 60), token(&["visitors"], 20));
    for token in [&old, &new, &old, &new, &old] {
        assert_eq!(tenancy.account_direct(token).status, 200);
    }
    let people = || tenancy.admin(&["tenant", "members", "acme"]).success().stdout;
    assert_eq!(people(), "ann@acme.example\tread-only\n");
    assert_eq!(tenancy.account_direct(&token(&[], 0)).status, 403);
    assert_eq!(tenancy.account_direct(&old).status, 403, "who was put out is out with older tokens, too");
    assert_eq!(people(), "ann@acme.example\tno member\n");
    let roles: Vec<_> = tenancy.audit().into_iter().filter(|row| row[1] == "set-role").collect();
    assert_eq!(roles.len(), 2, "{roles:?}");
}

#[test]
fn a_token_of_before_a_removal_does_not_take_an_account_that_waits_for_somebody_new() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let old = idp.sign(&aged(idp.claims("ann@acme.example", &["admins"]), 60));
    tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    tenancy.admin(&["tenant", "remove-member", "acme", "ann@acme.example"]).success();
    tenancy.admin(&["tenant", "allow", "acme", "ann@acme.example", "--new-identity"]).success();
    assert_eq!(oauth_error(&tenancy.exchange(&old)), is_error("invalid_grant"));
    let mut heir = aged(idp.claims("ann@acme.example", &["visitors"]), -5);
    heir["sub"] = "somebody new".into();
    assert_eq!(tenancy.exchange(&idp.sign(&heir)).status, 200, "it waits still");
}

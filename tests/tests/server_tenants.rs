//! A company's tenant on the real server: signing in through its identity provider, roles, removal, policy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use orkee_tests::browser::{Browser, Person};
use orkee_tests::http;
use orkee_tests::idp::{AUDIENCE, CLIENT, Idp};
use orkee_tests::op::Op;
use orkee_tests::tenancy::{GROUPS, Tenancy, access, oauth_error, settings};
use orkee_tests::wait;
use orkee_wire::Outcome;
use serde_json::{Value, json};
use url::Url;

const VERIFIER: &str = "a-verifier-that-is-long-enough-for-everybody-0123456789";
const CHALLENGE: &str = "PHM9a-qxpUltWoI3ziazj5vvI-plRkZSHJ-T5lnalQo";

fn refused(error: &str) -> (u16, String) {
    (400, error.to_owned())
}

fn member(row: &[String; 4]) -> [&str; 4] {
    [&row[0], &row[1], &row[2], &row[3]]
}

/// Signs John in at a real identity provider; what its token endpoint gives.
fn sign_in_at(op: &Op, resource: Option<&str>) -> Value {
    let redirect = "http://127.0.0.1:4000/callback";
    let mut authorize = Url::parse(&format!("{}/auth", op.url)).unwrap();
    authorize.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "orkee-acme"),
        ("redirect_uri", redirect),
        ("scope", if resource.is_some() { "openid email groups sync" } else { "openid email groups" }),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    if let Some(resource) = resource {
        authorize.query_pairs_mut().append_pair("resource", resource);
    }
    let john = Person::new("john@acme.example", "any");
    let callback = Browser::default().sign_in_up_to_callback(&authorize, &john).unwrap();
    let code =
        callback.query_pairs().find(|(name, _)| name == "code").unwrap_or_else(|| panic!("{callback}")).1;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([
        ("grant_type", "authorization_code"),
        ("client_id", "orkee-acme"),
        ("redirect_uri", redirect),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ]);
    let url = Url::parse(&format!("{}/token", op.url)).unwrap();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = http::send("POST", &url, &headers, form.finish().as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[test]
fn somebody_signs_in_with_a_real_identity_provider_and_is_in_the_tenants_team() {
    let op = Op::of_company("engineering");
    let tenancy = Tenancy::with_settings(&settings(&op.url, "orkee-acme", GROUPS));
    let given = sign_in_at(&op, None);
    let tokens = tenancy.exchange(given["id_token"].as_str().unwrap());
    assert_eq!((tokens.status, tokens.header("cache-control")), (200, Some("no-store")), "{}", tokens.text());
    let tokens = tokens.json();
    assert_eq!(tokens["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!([&tokens["token_type"], &tokens["expires_in"]], [&json!("Bearer"), &json!(3600)]);
    let account = tenancy.get("/v1/account", access(&tokens), &[("orkee-tenant", "acme")]).json();
    assert_eq!([&account["email"], &account["plan"]], ["john@acme.example", "Acme Inc."]);
    let devices = tenancy.get("/v1/devices", access(&tokens), &[]).json();
    assert_eq!(devices["devices"][0]["name"], "laptop");
    let pushed = tenancy.push(access(&tokens), "team", &[("aaaaaaaa", br#"{"id":"aaaaaaaa","name":"x"}"#)]);
    assert!(matches!(pushed[..], [Outcome::Accepted { .. }]), "{pushed:?}");
    let renewed = tenancy.refresh(&tokens).json();
    assert_eq!(tenancy.account_status(&renewed), 200);
    let people = tenancy.admin(&["tenant", "members", "acme"]).success();
    assert_eq!(people.stdout, "john@acme.example\tmember\n");
    let audit = tenancy.audit();
    assert!(
        audit.iter().any(|row| member(row) == ["john@acme.example", "sign-in", "okta", "done"]),
        "{audit:?}"
    );
}

#[test]
fn somebody_uses_the_access_token_of_a_real_identity_provider() {
    let op = Op::of_company("visitors");
    let usage = format!("token = \"direct\"\naudience = \"{AUDIENCE}\"\n{GROUPS}");
    let tenancy = Tenancy::with_settings(&settings(&op.url, "orkee-acme", &usage));
    let given = sign_in_at(&op, Some(AUDIENCE));
    let token = given["access_token"].as_str().unwrap();
    let account = tenancy.account_direct(token);
    assert_eq!(account.status, 200, "{}", account.text());
    assert_eq!(account.json()["email"], "john@acme.example");
    let pushed = tenancy.push(token, "team", &[("aaaaaaaa", b"{}")]);
    assert!(matches!(&pushed[..], [Outcome::Rejected { reason, .. }] if reason == "forbidden"), "{pushed:?}");
    assert_eq!(tenancy.account_direct(given["id_token"].as_str().unwrap()).status, 401);
    let signed_in = |row: &&[String; 4]| member(row) == ["john@acme.example", "sign-in", "okta", "done"];
    assert_eq!(tenancy.audit().iter().filter(signed_in).count(), 1, "once for all requests of a token");
}

#[test]
fn the_document_says_what_a_client_needs_and_nothing_of_groups() {
    let idp = Idp::start();
    let rest = format!(
        "scopes = [\"openid\", \"email\", \"groups\"]\n{GROUPS}[policy]\nencryption = \"optional\"\n\
         sign_in_lifetime = 28800\nproviders = [{{ name = \"enterprise\" }}]\napi_origins = [\"https://api.acme.example\"]\n"
    );
    let tenancy = Tenancy::exchanging(&idp, &rest);
    let document = http::get(&tenancy.url("/.well-known/orkee-tenant/acme"), &[]).unwrap();
    let expected = json!({
        "version": 1, "tenant": "acme", "name": "Acme Inc.",
        "api_url": tenancy.server.url, "issuer": tenancy.server.url,
        "identity_providers": [{
            "id": "okta", "name": "Okta", "issuer": idp.url(), "client_id": CLIENT,
            "scopes": ["openid", "email", "groups"], "audience": null, "token": "exchange",
        }],
        "policy": {
            "providers": [{ "name": "enterprise" }], "encryption": "optional", "sign_in_lifetime": 28800,
            "api_origins": ["https://api.acme.example"],
        },
    });
    assert_eq!(document.json(), expected);
    for name in ["other", "ACME", "acme%00", "%2e%2e%2facme"] {
        let unknown = http::get(&tenancy.url(&format!("/.well-known/orkee-tenant/{name}")), &[]).unwrap();
        assert_eq!(
            (unknown.status, &unknown.json()["error"]["code"]),
            (404, &json!("unknown-tenant")),
            "{name}"
        );
    }
    let metadata = http::get(&tenancy.url("/.well-known/oauth-authorization-server"), &[]).unwrap().json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!(orkee_tests::tenancy::EXCHANGE)), "{metadata}");
}

#[test]
fn the_settings_that_the_readme_shows_are_good_as_printed() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let printed = readme.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let tenancy = Tenancy::with_settings(printed);
    let document = http::get(&tenancy.url("/.well-known/orkee-tenant/acme"), &[]).unwrap().json();
    assert_eq!(document["identity_providers"].as_array().unwrap().len(), 2);
    for part in ["providers", "encryption", "sign_in_lifetime", "api_origins"] {
        assert!(!document["policy"][part].is_null(), "{part} in {document}");
    }
    assert_eq!(document["policy"]["encryption"], "optional", "devices cannot seal: no other would sync");
    let shown = tenancy.admin(&["tenant", "show", "acme"]).success().stdout;
    assert!(
        shown.contains("https://acme.okta.com") && shown.contains("group engineering\tmember"),
        "{shown}"
    );
}

#[test]
fn bad_settings_are_refused_with_their_line_and_the_good_ones_stay() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let bad =
        settings(idp.url(), CLIENT, &GROUPS.replace("visitors\" = \"read-only", "visitors\" = \"admin"));
    tenancy.set(&bad).exits(2).says("line 11: a role is owner, member or read-only");
    tenancy.set(&format!("nmae = \"x\"\n{bad}")).exits(2).says("line 1: unknown field `nmae`");
    let missing = tenancy.server.data().join("missing.toml");
    tenancy
        .admin(&["tenant", "set", "acme", "--file", missing.to_str().unwrap()])
        .exits(1)
        .says("cannot be read");
    tenancy.admin(&["tenant", "set", "Acme!", "--file", "x"]).exits(2).says("lower case");
    tenancy.admin(&["tenant", "show", "other"]).exits(2).says("there is no tenant other");
    tenancy.sign_in(&idp, "ann@acme.example", &["visitors"]);
}

#[test]
fn an_id_token_is_exchanged_once_however_many_ask() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let token = idp.id_token("ann@acme.example", &["engineering"]);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| tenancy.exchange(&token).status)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(oauth_error(&tenancy.exchange(&token)), refused("invalid_grant"));
    let mut nameless = idp.claims("ann@acme.example", &["engineering"]);
    nameless.as_object_mut().unwrap().remove("jti");
    let nameless = idp.sign(&nameless);
    let statuses = [tenancy.exchange(&nameless).status, tenancy.exchange(&nameless).status];
    assert_eq!(statuses, [200, 400], "without a jti the token itself is told apart");
}

#[test]
fn a_stale_token_that_comes_back_does_not_bring_an_old_role_back() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let as_admin = idp.id_token("ann@acme.example", &["admins"]);
    assert_eq!(tenancy.exchange(&as_admin).status, 200);
    tenancy.sign_in(&idp, "ann@acme.example", &["visitors"]);
    assert_eq!(oauth_error(&tenancy.exchange(&as_admin)), refused("invalid_grant"));
    assert_eq!(tenancy.admin(&["tenant", "members", "acme"]).stdout, "ann@acme.example\tread-only\n");
}

#[test]
fn the_audit_trail_tells_when_a_token_that_was_let_in_is_refused() {
    let idp = Idp::start();
    let tenancy = Tenancy::direct(&idp, GROUPS);
    let token = idp.access_token("ann@acme.example", &["engineering"]);
    assert_eq!(tenancy.account_direct(&token).status, 200);
    tenancy.admin(&["tenant", "remove-member", "acme", "ann@acme.example"]).success();
    for _ in 0..2 {
        assert_eq!(tenancy.account_direct(&token).status, 401);
    }
    let told: Vec<_> = tenancy.audit().into_iter().filter(|row| row[1] == "sign-in").collect();
    let outcomes: Vec<&str> = told.iter().map(|row| row[3].as_str()).collect();
    let refused =
        "refused: ann@acme.example was removed from the tenant: whoever runs it can let them in again";
    assert_eq!(outcomes, ["done", refused]);
}

#[test]
fn a_role_follows_the_groups_of_each_sign_in() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    for (groups, role) in [
        (&["engineering"][..], "member"),
        (&["visitors", "admins"], "owner"),
        (&["visitors", "x"], "read-only"),
    ] {
        tenancy.sign_in(&idp, "ann@acme.example", groups);
        let people = tenancy.admin(&["tenant", "members", "acme"]).stdout;
        assert_eq!(people, format!("ann@acme.example\t{role}\n"));
    }
    let tokens = tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    let denied = tenancy.exchange(&idp.id_token("ann@acme.example", &["Engineering"]));
    assert_eq!(oauth_error(&denied), refused("access_denied"));
    assert!(denied.text().contains("none of the groups"), "{}", denied.text());
    assert_eq!(tenancy.account_status(&tokens), 401, "what they were let in for has ended");
    assert_eq!(
        oauth_error(&tenancy.exchange(&idp.id_token("new@acme.example", &[]))),
        refused("access_denied")
    );
    tenancy
        .set(&settings(idp.url(), CLIENT, GROUPS).replacen('\n', "\ndefault_role = \"read-only\"\n", 1))
        .success();
    tenancy.sign_in(&idp, "new@acme.example", &[]);
    let audit = tenancy.audit();
    let told = |row: [&str; 4]| audit.iter().any(|found| member(found) == row);
    assert!(told(["ann@acme.example", "set-role", "ann@acme.example", "owner"]), "{audit:?}");
    assert!(told(["ann@acme.example", "remove-member", "ann@acme.example", "no group of theirs is mapped"]));
}

#[test]
fn a_removed_member_is_out_at_the_next_request_until_an_administrator_lets_them_in() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let ann = tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    let bob = tenancy.sign_in(&idp, "bob@acme.example", &["engineering"]);
    let before = idp.id_token("ann@acme.example", &["engineering"]);
    assert_eq!(tenancy.account_status(&ann), 200);
    tenancy.admin(&["tenant", "remove-member", "acme", "ann@acme.example"]).success();
    assert_eq!(tenancy.account_status(&ann), 401);
    assert_eq!(oauth_error(&tenancy.refresh(&ann)), refused("invalid_grant"));
    let again = tenancy.exchange(&idp.id_token("ann@acme.example", &["engineering"]));
    assert_eq!(oauth_error(&again), refused("access_denied"));
    assert!(again.text().contains("removed"), "{}", again.text());
    assert_eq!(tenancy.account_status(&bob), 200);
    let people = tenancy.admin(&["tenant", "members", "acme"]).stdout;
    assert_eq!(people, "ann@acme.example\tremoved\nbob@acme.example\tmember\n");
    tenancy.admin(&["tenant", "allow", "acme", "ann@acme.example"]).success();
    assert_eq!(tenancy.account_status(&ann), 401, "what was revoked stays so");
    assert_eq!(oauth_error(&tenancy.exchange(&before)), refused("invalid_grant"), "and so do older tokens");
    let mut later = idp.claims("ann@acme.example", &["engineering"]);
    later["iat"] = (later["iat"].as_i64().unwrap() + 5).into();
    assert_eq!(tenancy.exchange(&idp.sign(&later)).status, 200);
    let audit = tenancy.audit();
    for row in [
        ["-", "remove-member", "ann@acme.example", "done"],
        ["-", "allow-member", "ann@acme.example", "done"],
    ] {
        assert!(audit.iter().any(|found| member(found) == row), "{row:?} in {audit:?}");
    }
    assert!(audit.iter().any(|row| row[1] == "sign-in" && row[3].contains("was removed")), "{audit:?}");
    tenancy
        .admin(&["tenant", "remove-member", "acme", "x@acme.example"])
        .exits(2)
        .says("nobody of tenant acme");
}

#[test]
fn a_removed_members_access_token_of_the_identity_provider_is_dead_as_well() {
    let idp = Idp::start();
    let tenancy = Tenancy::direct(&idp, GROUPS);
    let token = idp.access_token("ann@acme.example", &["engineering"]);
    assert_eq!(tenancy.account_direct(&token).status, 200);
    tenancy.admin(&["tenant", "remove-member", "acme", "ann@acme.example"]).success();
    let refused = tenancy.account_direct(&token);
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"));
    tenancy.admin(&["tenant", "allow", "acme", "ann@acme.example"]).success();
    assert_eq!(tenancy.account_direct(&token).status, 401, "it was issued before");
    let mut later = idp.access_claims("ann@acme.example", &["engineering"]);
    later["iat"] = (later["iat"].as_i64().unwrap() + 5).into();
    assert_eq!(tenancy.account_direct(&idp.sign_as("at+jwt", &later)).status, 200);
}

#[test]
fn an_account_is_found_by_its_subject_and_an_address_has_to_be_verified() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let exchange = |change: &dyn Fn(&mut Value)| {
        let mut claims = idp.claims("ann@acme.example", &["engineering"]);
        change(&mut claims);
        tenancy.exchange(&idp.sign(&claims))
    };
    for unverified in [json!(false), Value::Null, json!("false"), json!(1)] {
        let reply = exchange(&|claims| claims["email_verified"] = unverified.clone());
        assert_eq!(oauth_error(&reply), refused("access_denied"), "{unverified}");
    }
    let first = exchange(&|_| ()).json();
    let id = |tokens: &Value| tenancy.get("/v1/account", access(tokens), &[]).json()["id"].clone();
    let moved = exchange(&|claims| claims["email"] = "Ann@New.example".into()).json();
    assert_eq!(id(&first), id(&moved));
    let account = tenancy.get("/v1/account", access(&first), &[]).json();
    assert_eq!(account["email"], "ann@new.example", "it follows the provider");
    let known = id(&first);
    let thief = exchange(&|claims| {
        claims["sub"] = "somebody else".into();
        claims["email"] = "ann@new.example".into();
    });
    assert_eq!(oauth_error(&thief), refused("access_denied"), "an address makes nobody somebody else");
    assert!(thief.text().contains("another person"), "{}", thief.text());
    tenancy.admin(&["tenant", "allow", "acme", "ann@new.example", "--new-identity"]).success();
    assert_eq!(tenancy.account_status(&first), 401, "whoever had it is signed out");
    let heir = exchange(&|claims| {
        claims["sub"] = "somebody new".into();
        claims["email"] = "ann@new.example".into();
    });
    assert_eq!(heir.status, 200, "{}", heir.text());
    assert_eq!(
        tenancy.get("/v1/account", access(&heir.json()), &[]).json()["id"],
        known,
        "with all that is theirs"
    );
    let former = exchange(&|claims| claims["email"] = "ann@new.example".into());
    assert_eq!(oauth_error(&former), refused("access_denied"), "and the former owner has it no more");
    let first = heir.json();
    let unnamed = exchange(&|claims| {
        claims["sub"] = "somebody new".into();
        claims["email"] = Value::Null;
    });
    let unnamed = unnamed.json();
    assert_eq!(id(&unnamed), id(&first), "who is known needs no address");
    tenancy.set(&settings(idp.url(), CLIENT, &format!("trust_email = true\n{GROUPS}"))).success();
    let trusted = exchange(&|claims| {
        claims["sub"] = "bob".into();
        claims["email"] = "bob@acme.example".into();
        claims.as_object_mut().unwrap().remove("email_verified");
    });
    assert_eq!(trusted.status, 200, "{}", trusted.text());
}

#[test]
fn a_sign_in_ends_when_the_tenants_lifetime_is_over_and_refreshing_does_not_prolong_it() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, &format!("{GROUPS}[policy]\nsign_in_lifetime = 60\n"));
    let at_age = |age: i64| {
        let mut claims = idp.claims("ann@acme.example", &["engineering"]);
        claims["iat"] = (claims["iat"].as_i64().unwrap() - age).into();
        tenancy.exchange(&idp.sign(&claims))
    };
    assert_eq!(oauth_error(&at_age(61)), refused("invalid_grant"));
    let tokens = at_age(56).json();
    assert!((1..=4).contains(&tokens["expires_in"].as_i64().unwrap()), "{tokens}");
    let renewed = tenancy.refresh(&tokens);
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    let renewed = renewed.json();
    assert!((0..=4).contains(&renewed["expires_in"].as_i64().unwrap()), "{renewed}");
    wait::until("the end", || (tenancy.account_status(&renewed) == 401).then_some(()));
    assert_eq!(oauth_error(&tenancy.refresh(&renewed)), refused("invalid_grant"));
}

#[test]
fn a_shorter_lifetime_holds_for_those_who_are_signed_in() {
    let idp = Idp::start();
    let rest = |lifetime: u32| format!("{GROUPS}[policy]\nsign_in_lifetime = {lifetime}\n");
    let tenancy = Tenancy::exchanging(&idp, &rest(3600));
    let mut claims = idp.claims("ann@acme.example", &["engineering"]);
    claims["iat"] = (claims["iat"].as_i64().unwrap() - 100).into();
    let tokens = tenancy.exchange(&idp.sign(&claims)).json();
    assert_eq!(tenancy.account_status(&tokens), 200);
    tenancy.set(&settings(idp.url(), CLIENT, &rest(60))).success();
    assert_eq!(tenancy.account_status(&tokens), 401);
    let over = tenancy.refresh(&tokens);
    assert_eq!(oauth_error(&over), refused("invalid_grant"));
    assert!(over.text().contains("sign in again"), "{}", over.text());
    tenancy.set(&settings(idp.url(), CLIENT, &rest(3600))).success();
    assert_eq!(tenancy.refresh(&tokens).status, 200, "nothing was lost by it");
}

#[test]
fn k64_where_encryption_is_required_only_sealed_records_are_taken() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, &format!("{GROUPS}[policy]\nencryption = \"required\"\n"));
    let tokens = tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    let plain: &[u8] = br#"{"id":"aaaaaaaa","name":"x"}"#;
    for space in ["personal", "team"] {
        let outcomes =
            tenancy.push(access(&tokens), space, &[("aaaaaaaa", plain), ("bbbbbbbb", b"\xa7ork\x01sealed")]);
        let [Outcome::Rejected { reason, message }, Outcome::Accepted { .. }] = &outcomes[..] else {
            panic!("{space}: {outcomes:?}");
        };
        assert_eq!(reason, "forbidden");
        assert_eq!(message, "tenant acme requires encryption, and this is not encrypted");
    }
    let long = format!("name: {}é secret", "x".repeat(57));
    let unsealed: [&[u8]; 9] = [
        br#" {"id":"dddddddd","name":"x"}"#,
        br#"{"id":"dddddddd","name":"x"}."#,
        b"{\x01",
        b"name: secret",
        long.as_bytes(),
        "\u{feff}{}".as_bytes(),
        b"\x01binary",
        b"\xa7or",
        b"\x28\xb5\x2f\xfd\x04\x00",
    ];
    for payload in unsealed {
        let outcomes = tenancy.push(access(&tokens), "personal", &[("dddddddd", payload)]);
        let told = String::from_utf8_lossy(payload);
        assert!(matches!(outcomes[..], [Outcome::Rejected { .. }]), "{told} is not sealed: {outcomes:?}");
    }
    let bearer = format!("Bearer {}", access(&tokens));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let backup = http::send("POST", &tenancy.url("/v1/backup"), &headers, b"plain").unwrap();
    assert_eq!((backup.status, &backup.json()["error"]["code"]), (403, &json!("sealed")));
    let ends = br#"{"keys":1,"number":1,"seals":false,"epoch":1,"floor":0}"#;
    let seals = br#"{"keys":1,"number":1,"seals":true,"epoch":1,"floor":0}"#;
    let outcomes = tenancy.push(access(&tokens), "personal", &[("00orkee0", ends)]);
    assert!(matches!(outcomes[..], [Outcome::Rejected { .. }]), "{outcomes:?}");
    let outcomes = tenancy.push(access(&tokens), "team", &[("00orkee0", seals)]);
    assert!(matches!(outcomes[..], [Outcome::Accepted { .. }]), "{outcomes:?}");
    let body = br#"{"projects":[{"id":"cccccccc","name":"y"}]}"#;
    let published = http::send("POST", &tenancy.url("/v1/sync"), &headers, body).unwrap();
    assert_eq!((published.status, &published.json()["error"]["code"]), (403, &json!("sealed")));
    let audit = tenancy.audit();
    let refusals =
        audit.iter().filter(|row| row[1] == "write" && row[3].starts_with("refused: not encrypted"));
    assert_eq!(refusals.count(), 4 + unsealed.len(), "{audit:?}");
    tenancy.set(&settings(idp.url(), CLIENT, GROUPS)).success();
    let outcomes = tenancy.push(access(&tokens), "personal", &[("aaaaaaaa", plain)]);
    assert!(matches!(outcomes[..], [Outcome::Accepted { .. }]), "{outcomes:?}");
}

#[test]
fn a_token_is_of_its_own_tenant_alone() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let john = tenancy.server.token();
    let tokens = tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    for (token, tenant, status) in [
        (access(&tokens), "acme", 200),
        (access(&tokens), "other", 403),
        (access(&tokens), "", 403),
        (john.as_str(), "acme", 403),
    ] {
        let reply = tenancy.get("/v1/account", token, &[("orkee-tenant", tenant)]);
        assert_eq!(reply.status, status, "{tenant}: {}", reply.text());
    }
    let twice =
        tenancy.get("/v1/account", access(&tokens), &[("orkee-tenant", "acme"), ("orkee-tenant", "acme")]);
    assert_eq!(twice.status, 400);
}

#[test]
fn a_removed_tenant_is_gone_with_all_that_is_its_own() {
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let tokens = tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    let listed = tenancy.admin(&["tenant", "list"]).success().stdout;
    assert_eq!(listed, "acme\tAcme Inc.\t1 members\n");
    tenancy.admin(&["tenant", "remove", "acme"]).exits(2).says("1 accounts").says("--yes");
    assert_eq!(tenancy.account_status(&tokens), 200);
    tenancy.admin(&["tenant", "remove", "acme", "--yes"]).success();
    assert_eq!(tenancy.account_status(&tokens), 401);
    assert_eq!(
        oauth_error(&tenancy.exchange(&idp.id_token("ann@acme.example", &["admins"]))),
        refused("invalid_target")
    );
    assert_eq!(tenancy.admin(&["tenant", "list"]).success().stdout, "");
    assert_eq!(tenancy.get("/v1/account", &tenancy.server.token(), &[]).status, 200, "others stay");
}

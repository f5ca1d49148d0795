//! Signing in through a company's identity provider: what it is asked, which ID tokens prove who signed in, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::canary::Canaries;
use orkee_tests::company::{self, Api, Member, come_back};
use orkee_tests::home::finish;
use orkee_tests::issuer::{ACCESS_TOKEN, Draft, Issuer, Signer, configuration};
use orkee_tests::mock::{self, Answer};
use orkee_tests::terminal::Terminal;
use serde_json::{Value, json};

fn right(_: &mut Draft) {}

/// Nothing was signed in, and nobody was asked to exchange anything.
#[track_caller]
fn nothing_happened(api: &Api, member: &Member) {
    assert_eq!(api.exchanges().len(), 0);
    assert_eq!(member.auth_toml(), "");
}

#[test]
fn a48_a_sign_in_at_the_identity_provider_is_exchanged_for_the_tenants_own_token() {
    let issuer = Issuer::start(right);
    let (api, member) = company::with_issuer(&issuer);
    let login = member.device.begin(member.orkee(&["cloud", "login", "--sso"]));
    assert!(login.authorize().as_str().starts_with(&format!("{}/authorize?", issuer.url)));
    for (name, value) in [
        ("client_id", "orkee-acme"),
        ("scope", "openid email groups"),
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("audience", ""),
    ] {
        assert_eq!(login.parameter(name), value, "{name}");
    }
    assert!(login.parameter("nonce").len() >= 43);
    come_back(&login);
    login.finish().success().says("as john@acme.example");

    let [exchange] = api.exchanges().try_into().unwrap();
    let field = |name: &str| exchange.field(name).unwrap_or_default();
    assert_eq!(field("subject_token").split('.').count(), 3);
    assert_eq!(field("subject_token_type"), "urn:ietf:params:oauth:token-type:id_token");
    assert_eq!([field("audience"), field("client_id"), field("scope")], ["acme", "orkee-cli", "sync"]);
    assert!(!field("device_name").is_empty());
    let [redeemed] = issuer.mock.requests_for("/token").try_into().unwrap();
    assert_eq!(
        (redeemed.field("device_name"), redeemed.field("client_id")),
        (None, Some("orkee-acme".into()))
    );

    let kept = member.auth_toml();
    for line in [
        "[tenants.acme]\nprovider = \"enterprise\"\ntoken = \"orkee_access_1\"\n",
        "refresh_token = \"orkee_refresh_1\"\n",
        &format!("issuer = \"{}\"\nidentity_provider = \"okta\"\nsigned_in_at = \"2", api.mock.url),
    ] {
        assert!(kept.contains(line), "{kept}");
    }
    assert!(!kept.contains("client_id") && !kept.contains("ends_at"), "{kept}");
    assert_eq!(member.device.auth_mode(), 0o600);
    let asked = api.mock.requests_for("/v1/account");
    assert!(asked.iter().all(|request| request.header("orkee-tenant") == Some("acme")), "{asked:?}");
    assert!(api.mock.requests().iter().all(|request| !format!("{request:?}").contains(ACCESS_TOKEN)));
}

#[test]
fn a48_an_id_token_that_fails_one_check_signs_nobody_in() {
    type Change = fn(&mut Draft);
    let wrong: &[(&str, Change)] = &[
        ("`iss` is another issuer", |d| d.claims["iss"] = "http://127.0.0.1:1".into()),
        ("`aud` names another client", |d| d.claims["aud"] = "another".into()),
        ("has no `azp`", |d| d.claims["aud"] = json!(["orkee-acme", "another"])),
        ("`azp` names another client", |d| d.claims["azp"] = "another".into()),
        ("has expired", |d| d.claims["exp"] = (d.claims["iat"].as_i64().unwrap() - 300).into()),
        ("`iat` lies in the future", |d| d.claims["iat"] = (d.claims["iat"].as_i64().unwrap() + 300).into()),
        ("too long ago", |d| d.claims["iat"] = (d.claims["iat"].as_i64().unwrap() - 3600).into()),
        ("`nonce` is not the one of this sign-in", |d| d.claims["nonce"] = "another".into()),
        ("`nonce` is not the one of this sign-in", |d| {
            drop(d.claims.as_object_mut().unwrap().remove("nonce"))
        }),
        ("`at_hash` is not of the access token", |d| d.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into()),
        ("has no `exp`", |d| d.claims["exp"] = Value::Null),
        ("its `sub` is not of the form", |d| d.claims["sub"] = "".into()),
        ("its signature is wrong", |d| d.signer = Signer::Stranger),
        ("its key is none of the issuer's", |d| d.header["kid"] = "another".into()),
        ("signed with `none`, which is not accepted", |d| {
            d.header = json!({"alg": "none"});
            d.signer = Signer::Nobody;
        }),
        ("signed with `HS256`, which is not accepted", |d| {
            d.header["alg"] = "HS256".into();
            d.signer = Signer::PublicKey;
        }),
        ("its signature is wrong", |d| d.signer = Signer::Nobody),
        ("a token of another kind", |d| d.header["typ"] = "at+jwt".into()),
        ("there is none", |d| d.signer = Signer::Absent),
    ];
    for (reason, change) in wrong {
        let issuer = Issuer::start(*change);
        let (api, member) = company::with_issuer(&issuer);
        let ran = member.login().fails(4, "E-AUTH-034").says(reason);
        assert!(ran.stdout.is_empty() && !ran.stderr.contains(ACCESS_TOKEN), "{ran}");
        nothing_happened(&api, &member);
    }
}

#[test]
fn a48_for_a_key_that_is_not_known_the_keys_are_asked_for_once_more() {
    for (late, signs_in) in [(2, true), (3, false)] {
        let issuer = Issuer::with_a_late_key(late);
        let (api, member) = company::with_issuer(&issuer);
        let ran = member.login();
        assert_eq!(issuer.mock.requests_for("/keys").len(), 2);
        if signs_in {
            ran.success();
        } else {
            ran.fails(4, "E-AUTH-034").says("none of the issuer's");
            nothing_happened(&api, &member);
        }
    }
}

#[test]
fn a48_a_clock_that_is_two_hours_off_does_not_keep_anybody_out() {
    for ahead in [7200, -7200] {
        let issuer = Issuer::start(move |draft| draft.ahead = ahead);
        let (_api, member) = company::with_issuer(&issuer);
        member.login().success();
    }
}

#[test]
fn a48_where_the_tenant_says_so_the_issuers_access_token_goes_to_the_api_itself() {
    let issuer = Issuer::start(|draft| draft.reply["refresh_token"] = "idp_refresh_token".into());
    let api = Api::start(&[("okta", &issuer.url)], |description| {
        description["identity_providers"][0]["token"] = "direct".into();
        description["identity_providers"][0]["audience"] = "https://api.example.com".into();
    });
    let member = Member::new(&api.mock.url);
    let login = member.device.begin(member.orkee(&["cloud", "login", "--sso"]));
    for name in ["audience", "resource"] {
        assert_eq!(login.parameter(name), "https://api.example.com");
    }
    come_back(&login);
    login.finish().success();
    assert_eq!(api.exchanges().len(), 0);
    let kept = member.auth_toml();
    for line in [
        &format!("token = \"{ACCESS_TOKEN}\"\n"),
        "client_id = \"orkee-acme\"\n",
        &format!("issuer = \"{}\"\nidentity_provider = \"okta\"\n", issuer.url),
    ] {
        assert!(kept.contains(line), "{kept}");
    }
    let asked = api.mock.requests_for("/v1/account").pop().unwrap();
    let bearer = format!("Bearer {ACCESS_TOKEN}");
    assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
    assert_eq!(asked.header("orkee-tenant"), Some("acme"));

    // It is the issuer that renews it.
    member.run(&["cloud", "login", "--refresh-token"]).success();
    let renewed = issuer.mock.requests_for("/token").pop().unwrap();
    assert_eq!(renewed.field("refresh_token").as_deref(), Some("idp_refresh_token"));
    assert_eq!(renewed.field("client_id").as_deref(), Some("orkee-acme"));
    assert!(member.auth_toml().contains("identity_provider = \"okta\""));
}

#[test]
fn the_identity_provider_is_the_one_that_is_set_and_has_to_be_one_of_the_tenants() {
    let (okta, azure) = (Issuer::start(right), Issuer::start(right));
    let api = Api::start(&[("okta", &okta.url), ("azure", &azure.url)], |_| ());
    let member = Member::new(&api.mock.url);
    let with = |provider: &str| {
        let mut command = member.orkee(&["cloud", "login", "--sso"]);
        command.env("ORKEE_CLOUD_SSO_PROVIDER", provider);
        command
    };
    let unsaid = member.run(&["cloud", "login", "--sso"]).fails(2, "E-AUTH-033");
    drop(unsaid.says("ORKEE_CLOUD_SSO_PROVIDER").says("okta, azure"));
    let unlisted = finish(with("ping"), &[]).fails(2, "E-AUTH-032");
    drop(unlisted.says("`ping`").says("okta, azure"));
    assert_eq!(okta.mock.connections() + azure.mock.connections(), 0);
    nothing_happened(&api, &member);

    let login = member.device.begin(with("azure"));
    assert!(login.authorize().as_str().starts_with(&azure.url));
    come_back(&login);
    login.finish().success();
    assert!(member.auth_toml().contains("identity_provider = \"azure\""));
    assert_eq!(okta.mock.connections(), 0);
}

#[test]
fn a_person_at_a_terminal_is_asked_which_of_several_identity_providers() {
    let (okta, azure) = (Issuer::start(right), Issuer::start(right));
    let api = Api::start(&[("okta", &okta.url), ("azure", &azure.url)], |_| ());
    let member = Member::new(&api.mock.url);
    let mut terminal = Terminal::open(member.orkee(&["cloud", "login", "--sso", "--no-browser"]), 400);
    terminal.answer("Who signs you in to Acme Inc.?", "2\r");
    assert!(terminal.wait_for(&format!("{}/authorize", azure.url)).contains("1 = okta, 2 = azure"));
    terminal.interrupt();
    terminal.finish();
    assert_eq!(okta.mock.connections(), 0);
}

#[test]
fn a55_neither_the_id_token_nor_the_issuers_access_token_is_in_any_output_or_file() {
    let issuer = Issuer::start(right);
    let (api, member) = company::with_issuer(&issuer);
    let mut command = member.orkee(&["cloud", "login", "--sso", "-vvv"]);
    command.env("RUST_LOG", "trace");
    let login = member.device.begin(command);
    come_back(&login);
    let ran = login.finish().success();
    let id_token = api.exchanges()[0].field("subject_token").unwrap();
    let signature: &'static str = id_token.rsplit('.').next().unwrap().to_owned().leak();
    let canaries = Canaries(vec![ACCESS_TOKEN, signature]);
    canaries.are_not_printed(ran);
    canaries.are_not_in_files(&member.device.home());
    canaries.are_not_in("the token file", member.auth_toml().as_bytes());
}

#[test]
fn sso_without_a_tenant_says_what_to_set() {
    let issuer = Issuer::start(right);
    let (api, member) = company::with_issuer(&issuer);
    let ran = member.device.run(&["cloud", "login", "--sso"]).exits(2);
    drop(ran.says("set ORKEE_CLOUD_TENANT=NAME"));
    assert_eq!(api.mock.connections(), 0);
}

#[test]
fn a_tenant_without_identity_providers_signs_in_at_its_api_and_offers_no_sso() {
    let api = Api::start(&[], |_| ());
    let member = Member::new(&api.mock.url);
    member.run(&["cloud", "login", "--sso"]).fails(4, "E-AUTH-019").says("--sso");
    let login = member.device.begin(member.orkee(&["cloud", "login"]));
    assert!(login.authorize().as_str().starts_with(&format!("{}/oauth/authorize?", api.mock.url)));
    assert_eq!(login.parameter("nonce"), "");
}

#[test]
fn login_without_sso_does_the_same_for_a_tenant_with_an_identity_provider() {
    let issuer = Issuer::start(right);
    let (api, member) = company::with_issuer(&issuer);
    let login = member.device.begin(member.orkee(&["cloud", "login"]));
    come_back(&login);
    login.finish().success();
    assert_eq!(api.exchanges().len(), 1);
}

#[test]
fn what_the_exchange_is_refused_for_is_told_and_nothing_is_kept() {
    for (error, code, says) in [
        ("access_denied", "E-AUTH-036", "ask the tenant's administrator for access"),
        ("invalid_grant", "E-AUTH-035", "orkee cloud login --sso"),
        ("invalid_target", "E-AUTH-035", "orkee cloud login --sso"),
        ("unsupported_grant_type", "E-AUTH-035", "does not exchange"),
    ] {
        let issuer = Issuer::start(right);
        let api = Api::scripted(
            &[("okta", &issuer.url)],
            |_| (),
            move |_, request| {
                let refused = json!({"error": error, "error_description": "because\u{1b}[2J"});
                (request.target == "/oauth/token").then(|| Answer::json(400, &refused))
            },
        );
        let member = Member::new(&api.mock.url);
        let ran = member.login().fails(4, code).says(says);
        assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
        assert_eq!(member.auth_toml(), "");
    }
}

#[test]
fn a_server_that_exchanges_nothing_is_refused_before_a_browser_opens() {
    let issuer = Issuer::start(right);
    let api = Api::scripted(
        &[("okta", &issuer.url)],
        |_| (),
        |url, request| {
            let mut metadata = mock::metadata(url);
            metadata["grant_types_supported"] = json!(["authorization_code", "refresh_token"]);
            (request.target == "/.well-known/oauth-authorization-server")
                .then(|| Answer::json(200, &metadata))
        },
    );
    let member = Member::new(&api.mock.url);
    let login = member.device.begin(member.orkee(&["cloud", "login", "--sso"]));
    assert!(!login.opened_a_browser());
    login.finish().fails(4, "E-AUTH-035").says("does not exchange");
}

#[test]
fn an_identity_provider_that_is_not_what_the_tenant_says_is_refused_before_a_browser_opens() {
    type Change = fn(&mut Value);
    let wrong: &[(&str, Change)] = &[
        ("calls itself `http://127.0.0.1:1`", |c| c["issuer"] = "http://127.0.0.1:1".into()),
        ("authorization endpoint is not a secure URL", |c| {
            c["authorization_endpoint"] = "http://idp.example/authorize".into();
        }),
        ("key set is not a secure URL", |c| c["jwks_uri"] = "http://idp.example/keys".into()),
        ("PKCE S256", |c| c["code_challenge_methods_supported"] = json!(["plain"])),
    ];
    for (says, change) in wrong {
        let issuer = Issuer::scripted(right, move |request| {
            let url = format!("http://{}", request.header("host").unwrap());
            let mut metadata = configuration(&url);
            change(&mut metadata);
            (request.target == "/.well-known/openid-configuration").then(|| Answer::json(200, &metadata))
        });
        let (api, member) = company::with_issuer(&issuer);
        let login = member.device.begin(member.orkee(&["cloud", "login", "--sso"]));
        assert!(!login.opened_a_browser(), "{says}");
        login.finish().fails(4, "E-AUTH-017").says(says);
        nothing_happened(&api, &member);
    }
}

#[test]
fn a_renewed_token_keeps_who_signed_the_person_in_and_until_when() {
    let issuer = Issuer::start(right);
    let api = Api::start(&[("okta", &issuer.url)], |description| {
        description["policy"] = json!({"sign_in_lifetime": 7200});
    });
    let member = Member::new(&api.mock.url);
    member.login().success();
    let lines = |text: &str| -> Vec<String> {
        let about = ["identity_provider", "signed_in_at", "ends_at"];
        text.lines().filter(|line| about.iter().any(|key| line.starts_with(key))).map(str::to_owned).collect()
    };
    let before = lines(&member.auth_toml());
    assert_eq!(before.len(), 3);
    member.run(&["cloud", "login", "--refresh-token"]).success();
    assert_eq!(lines(&member.auth_toml()), before);
    let status = member.run(&["cloud", "status"]).success();
    assert!(status.stdout.contains("Signed in through: okta, until 20"), "{status}");
    let json = member.json(&["cloud", "status", "--offline"]);
    assert_eq!(json["identity_provider"], "okta");
    assert!(json["sign_in_ends_at"].as_str().unwrap().starts_with("20"));
}

#[test]
fn after_the_end_that_the_policy_sets_no_token_is_used_and_the_command_is_named() {
    let issuer = Issuer::start(right);
    let api = Api::start(&[("okta", &issuer.url)], |description| {
        description["policy"] = json!({"sign_in_lifetime": 3600});
    });
    let member = Member::new(&api.mock.url);
    member.login().success();
    let good = member.auth_toml();
    let ago = |hours: i64| format!("{:.0}", jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours));
    let set = |key: &str, value: Option<&str>| {
        let line = |line: &str| match (line.starts_with(key), value) {
            (false, _) => Some(line.to_owned()),
            (true, Some(value)) => Some(format!("{key} = \"{value}\"")),
            (true, None) => None,
        };
        let lines: Vec<String> = good.lines().filter_map(line).collect();
        member.device.write_auth(&(lines.join("\n") + "\n"));
    };
    let before = api.mock.requests_for("/v1/account").len();
    // The end as it was kept; the policy as it is now, for a longer one; and a beginning that nobody knows.
    for (key, value) in [("ends_at", Some(ago(1))), ("signed_in_at", Some(ago(2))), ("signed_in_at", None)] {
        set(key, value.as_deref());
        for args in [&["cloud", "sync"][..], &["cloud", "login", "--refresh-token"], &["cloud", "token"]] {
            member.run(args).fails(4, "E-AUTH-037").says("run `orkee cloud login --sso`");
        }
        for args in [&["cloud", "list"][..], &["cloud", "status"]] {
            member.run(args).exits(4).says("run `orkee cloud login --sso`");
        }
    }
    assert_eq!(api.mock.requests_for("/v1/account").len(), before);
    assert_eq!(api.mock.requests_for("/v1/sync").len(), 0);
    member.run(&["cloud", "logout"]).success();
    assert_eq!(member.auth_toml(), "");
    let nobody = member.run(&["cloud", "sync"]).fails(4, "E-AUTH-001");
    drop(nobody.says("run `orkee cloud login --sso`"));
}

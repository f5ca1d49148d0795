//! What an API says of a tenant: how it is asked and kept, which descriptions are refused, and that the policy in it holds.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::company::{Api, DESCRIPTION, Member};
use orkee_tests::guests;
use orkee_tests::home::finish;
use orkee_tests::issuer::Issuer;
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;
use serde_json::{Value, json};

fn issuer() -> Issuer {
    Issuer::start(|_| ())
}

/// An API that answers so when it is asked for the tenant.
fn answering(answer: Answer) -> Api {
    Api::scripted(&[], |_| (), move |_, request| (request.target == DESCRIPTION).then(|| answer.clone()))
}

fn kept(member: &Member) -> std::path::PathBuf {
    member.device.home().join("tenants/acme.json")
}

#[test]
fn p50_a_tenant_that_the_api_knows_loads_the_enterprise_provider_and_status_says_why() {
    let api = Api::start(&[], |_| ());
    let host = api.mock.url.trim_start_matches("http://").to_owned();
    let member = Member::new(&api.mock.url);
    let status = member.run(&["cloud", "status"]).exits(4);
    let line = format!("Provider: enterprise ({host} knows the tenant `acme`)");
    assert!(status.stdout.contains(&line), "{status}");
    assert!(
        status.stdout.contains("Tenant: acme (set by ORKEE_CLOUD_TENANT in the environment)"),
        "{status}"
    );

    let config = format!("[tenants.acme]\nprovider = \"enterprise\"\napi_url = \"{}\"\n", api.mock.url);
    let device = TenantDevice::new(&config);
    let status = device.run("acme", &["cloud", "status"]).exits(4);
    assert!(
        status.stdout.contains("Provider: enterprise ([tenants.acme] in config.toml names it)"),
        "{status}"
    );
}

#[test]
fn p50_a_tenant_that_the_api_does_not_know_is_refused_with_what_there_is() {
    let api = Api::start(&[], |_| ());
    let config = format!(
        "[cloud]\napi_url = \"{}\"\n[tenants.lost]\nprovider = \"enterprise\"\n[tenants.other]\nprovider = \"s3\"\n",
        api.mock.url
    );
    let device = TenantDevice::new(&config);
    device.install(guests::plain(), "name = \"notes\"\nversion = \"1\"\n");
    for tenant in ["beta", "lost", "no name at all"] {
        for args in [&["cloud", "sync"][..], &["cloud", "login", "--sso"], &["cloud", "status"]] {
            let ran = device.run(tenant, args).fails(2, "E-PLUGIN-011").says("knows no such tenant");
            ran.says("built in: orkee-cloud, enterprise")
                .says("installed: notes")
                .says("tenants in config.toml: lost");
        }
    }
    assert_eq!(device.auth_toml(), "");
    assert!(!device.home().join("tenants").exists());
    device.run("beta", &["projects", "list"]).success();
}

#[test]
fn p50_what_the_api_said_is_kept_for_an_hour_and_used_without_a_network() {
    let issuer = issuer();
    let down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_down = std::sync::Arc::clone(&down);
    let api = Api::scripted(
        &[("okta", &issuer.url)],
        |_| (),
        move |_, _| is_down.load(std::sync::atomic::Ordering::SeqCst).then(|| Answer::empty(503)),
    );
    let member = Member::new(&api.mock.url);
    member.run(&["cloud", "status", "--offline"]).fails(2, "E-AUTH-031");
    assert_eq!(api.mock.connections(), 0);
    member.login().success();
    assert_eq!(api.asked_for_the_tenant(), 1);
    for _ in 0..2 {
        member.run(&["cloud", "status"]).success();
    }
    assert_eq!(api.asked_for_the_tenant(), 1);

    let age = |minutes: i64| {
        let mut answer: Value = serde_json::from_slice(&std::fs::read(kept(&member)).unwrap()).unwrap();
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        answer["at"] = at.to_string().into();
        std::fs::write(kept(&member), answer.to_string()).unwrap();
    };
    age(59);
    member.run(&["cloud", "status"]).success();
    assert_eq!(api.asked_for_the_tenant(), 1);
    age(61);
    member.run(&["cloud", "status"]).success();
    assert_eq!(api.asked_for_the_tenant(), 2);

    age(600);
    down.store(true, std::sync::atomic::Ordering::SeqCst);
    let status = member.json(&["cloud", "status"]);
    assert_eq!((&status["provider"], &status["authenticated"]), (&"enterprise".into(), &true.into()));
    let connections = api.mock.connections();
    member.run(&["cloud", "status", "--offline"]).success();
    assert_eq!(api.mock.connections(), connections);
    member.run(&["cloud", "login", "--sso"]).fails(6, "E-AUTH-018");

    // What is no answer any more is none.
    std::fs::write(kept(&member), "{\"api\": 1}").unwrap();
    member.run(&["cloud", "status"]).fails(6, "E-AUTH-018");
}

#[test]
fn a_description_that_is_none_is_refused_and_opens_no_browser() {
    let elsewhere = Mock::start(|_| Answer::empty(500));
    let big =
        Answer { status: 200, headers: Vec::new(), body: format!("{{\"a\": \"{}\"}}", "x".repeat(50 << 20)) };
    let html = Answer { status: 200, headers: Vec::new(), body: "<html>canary</html>".to_owned() };
    for (answer, exit, says) in [
        (html, 4, "it is no JSON"),
        (Answer::json(200, &json!({"version": 1})), 4, "it lacks a part"),
        (big, 6, "65536"),
        (Answer::redirect(302, &format!("{}{DESCRIPTION}", elsewhere.url)), 6, "a redirect"),
        (Answer::empty(500), 6, "status 500"),
        (Answer::empty(403), 6, "status 403"),
    ] {
        let api = answering(answer);
        let member = Member::new(&api.mock.url);
        let login = member.device.begin(member.orkee(&["cloud", "login", "--sso"]));
        assert!(!login.opened_a_browser(), "{says}");
        let ran = login.finish().exits(exit).says(says);
        assert!(!ran.stderr.contains("canary"), "{ran}");
        assert!(!kept(&member).exists() && member.auth_toml().is_empty());
        member.run(&["cloud", "sync"]).exits(exit);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_description_that_leads_elsewhere_is_refused_and_nobody_is_asked() {
    let elsewhere = issuer();
    type Change = fn(&mut Value, &str);
    let wrong: &[(&str, Change)] = &[
        ("the tenant `beta`", |d, _| d["tenant"] = "beta".into()),
        ("api_url is http://127.0.0.1", |d, other| d["api_url"] = other.into()),
        ("not a secure URL", |d, _| d["issuer"] = "http://issuer.example".into()),
        ("not a secure URL", |d, _| d["identity_providers"][0]["issuer"] = "http://okta.example".into()),
        ("not a secure URL", |d, _| d["api_url"] = "http://api.example".into()),
        ("version 7", |d, _| d["version"] = 7.into()),
        ("the encryption `triple`", |d, _| d["policy"] = json!({"encryption": "triple"})),
    ];
    for (says, change) in wrong {
        let other = elsewhere.url.clone();
        let api = Api::start(&[("okta", &elsewhere.url)], move |described| change(described, &other));
        let member = Member::new(&api.mock.url);
        member.run(&["cloud", "login", "--sso"]).fails(4, "E-AUTH-030").says(says);
        member.run(&["cloud", "sync"]).fails(4, "E-AUTH-030");
        assert!(!kept(&member).exists());
    }
    assert_eq!(elsewhere.mock.connections(), 0);
}

#[test]
fn the_policy_decides_which_providers_carry_the_tenants_projects_and_by_which_bytes() {
    let manifest =
        "name = \"notes\"\nversion = \"1\"\ntenants = [\"acme\"]\napi-url = \"http://127.0.0.1:9\"\n";
    let device = TenantDevice::new("");
    device.install(guests::plain(), manifest);
    let listed = device.json("", &["cloud", "provider", "list"]);
    let all = listed["providers"].as_array().unwrap();
    let right = all.iter().find(|one| one["name"] == "notes").unwrap()["sha256"].as_str().unwrap().to_owned();

    for (providers, of_enterprise, of_notes) in [
        (json!([{"name": "enterprise"}]), None, Some("E-AUTH-040")),
        (json!([{"name": "notes"}]), Some("E-AUTH-040"), Some("E-AUTH-041")),
        (
            json!([{"name": "notes", "sha256": "0".repeat(64)}, {"name": "enterprise"}]),
            None,
            Some("E-AUTH-041"),
        ),
        (json!([{"name": "notes", "sha256": right}]), Some("E-AUTH-040"), None),
        (json!([{"name": "enterprise", "sha256": "0".repeat(64)}]), Some("E-AUTH-041"), Some("E-AUTH-040")),
        (json!([]), Some("E-AUTH-040"), Some("E-AUTH-040")),
    ] {
        let policy = json!({"providers": providers});
        let api = Api::start(&[], move |description| description["policy"] = policy.clone());
        let configure = |provider: &str| {
            let tenant = format!("[tenants.acme]\nprovider = \"{provider}\"\n");
            device.configure(&format!("[cloud]\napi_url = \"{}\"\n{tenant}", api.mock.url));
        };
        // The API is asked for the tenant; from then on its policy holds for whatever serves it.
        configure("enterprise");
        let ran = device.run("acme", &["cloud", "list"]);
        match of_enterprise {
            Some(code) => drop(ran.fails(2, code).says("acme")),
            None => drop(ran.fails(4, "E-AUTH-001")),
        }
        configure("notes");
        let ran = device.run("acme", &["cloud", "sync"]);
        match of_notes {
            Some(code) => drop(ran.fails(2, code).says("`notes`")),
            None => drop(ran.success()),
        }
    }
}

#[test]
fn the_policy_decides_where_the_tenants_projects_go() {
    let api = Api::start(&[], |description| {
        description["policy"] = json!({"api_origins": ["https://eu.example.com"]})
    });
    let member = Member::new(&api.mock.url);
    for args in [&["cloud", "login"][..], &["cloud", "list"]] {
        member.run(args).fails(2, "E-AUTH-042").says("it allows: https://eu.example.com");
    }
    assert_eq!(api.mock.requests().len(), api.asked_for_the_tenant());
}

#[test]
fn where_the_policy_requires_encryption_nothing_is_sent() {
    let issuer = issuer();
    let api = Api::start(&[("okta", &issuer.url)], |description| {
        description["policy"] = json!({"encryption": "required"});
    });
    let member = Member::new(&api.mock.url);
    member.login().success();
    member.run(&["projects", "add", "--name", "canary"]).success();
    let ran =
        member.run(&["cloud", "sync"]).fails(2, "E-AUTH-043").says("requires its projects to be encrypted");
    drop(ran.says("nothing was sent").says("orkee cloud key init"));
    member.run(&["cloud", "restore", "--yes"]).fails(2, "E-AUTH-043");
    assert_eq!(api.mock.requests_for("/v1/sync").len(), 0);
    assert!(api.mock.requests().iter().all(|request| !request.body.contains("canary")));
}

#[test]
fn the_policy_holds_for_the_built_in_provider_of_that_api_though_nothing_is_kept() {
    let api =
        Api::start(&[], |description| description["policy"] = json!({"providers": [{"name": "enterprise"}]}));
    let tenant = |url: &str| format!("[tenants.acme]\nprovider = \"orkee-cloud\"\napi_url = \"{url}\"\n");
    let device = TenantDevice::new(&tenant(&api.mock.url));
    for _ in 0..2 {
        device.run("acme", &["cloud", "list"]).fails(2, "E-AUTH-040").says("`orkee-cloud`");
        std::fs::remove_dir_all(device.home().join("tenants")).unwrap();
    }
    assert_eq!(api.mock.requests().len(), 2, "nothing else was sent");
    assert_eq!(api.asked_for_the_tenant(), 2);
    // What cannot be understood is no permission.
    let odd = Api::start(&[], |description| description["version"] = 7.into());
    device.configure(&tenant(&odd.mock.url));
    device.run("acme", &["cloud", "list"]).fails(4, "E-AUTH-030");
}

#[test]
fn a_server_without_tenants_is_used_and_no_other_api_is_asked() {
    let api = Api::start(&[], |description| description["policy"] = json!({"providers": []}));
    let server = Server::start();
    let device = TenantDevice::new(&format!(
        "[cloud]\napi_url = \"{}\"\n[tenants.acme]\nprovider = \"orkee-cloud\"\napi_url = \"{}\"\n",
        api.mock.url, server.url
    ));
    device.feed("acme", &["cloud", "login", "--with-token"], &server.token()).success();
    device.run("acme", &["cloud", "sync"]).success();
    assert_eq!(api.mock.connections(), 0);
}

#[test]
fn the_answer_kept_of_one_api_is_not_anothers() {
    let (one, other) = (Api::start(&[], |_| ()), Mock::start(|_| Answer::empty(404)));
    let member = Member::new(&one.mock.url);
    member.run(&["cloud", "status"]).exits(4);
    assert!(kept(&member).exists());
    let mut elsewhere = member.orkee(&["cloud", "status"]);
    elsewhere.env("ORKEE_CLOUD_API_URL", &other.url);
    finish(elsewhere, &[]).fails(2, "E-PLUGIN-011");
    assert!(kept(&member).exists());
    assert_eq!(other.requests().len(), 1);
}

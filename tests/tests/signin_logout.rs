//! Signing out of one tenant, or of everything: each at the server that issued the tokens.

#![allow(clippy::unwrap_used)]

use orkee_tests::canary::Canaries;
use orkee_tests::mock::Mock;
use orkee_tests::tenants::TenantDevice;

/// Signed in three times: in person, at an environment, and for the tenant `acme`.
fn device(servers: [&Mock; 3]) -> TenantDevice {
    let [mine, staging, acme] = servers.map(|server| server.url.clone());
    let device = TenantDevice::new(&format!(
        "[cloud]\napi_url = \"{mine}\"\n[environments.staging]\napi_url = \"{staging}\"\n\
         [tenants.acme]\nprovider = \"orkee-cloud\"\napi_url = \"{acme}\"\n"
    ));
    let section = |head: &str, name: &str, url: &str| {
        format!(
            "[{head}]\ntoken = \"orkee_access_{name}\"\nrefresh_token = \"orkee_refresh_{name}\"\n\
             issuer = \"{url}\"\napi_url = \"{url}\"\naccount = \"ada@{name}.example\"\n"
        )
    };
    let sections = [
        section("orkee_cloud", "mine", &mine),
        section("environments.staging", "staging", &staging),
        section("tenants.acme", "acme", &acme),
    ];
    std::fs::write(device.home().join("auth.toml"), sections.concat()).unwrap();
    device
}

/// The tokens that a server was told to forget.
fn revoked(server: &Mock) -> Vec<String> {
    server.requests_for("/oauth/revoke").iter().map(|request| request.field("token").unwrap()).collect()
}

fn both(name: &str) -> [String; 2] {
    [format!("orkee_refresh_{name}"), format!("orkee_access_{name}")]
}

fn server() -> Mock {
    Mock::authorization_server(|_| None)
}

#[test]
fn signing_out_of_a_tenant_revokes_its_tokens_at_its_server_and_leaves_the_rest() {
    let (mine, staging, acme) = (server(), server(), server());
    let device = device([&mine, &staging, &acme]);
    let before = device.auth_toml();
    for (wrong, hint) in
        [("acm", "hint: did you mean `--tenant acme`?"), ("beta", "hint: there are sign-ins of: acme")]
    {
        device.run("", &["cloud", "logout", "--tenant", wrong]).success().says(hint);
    }
    let nobody = device.run("", &["cloud", "logout", "--tenant", "beta"]).success();
    assert!(nobody.stdout.contains("Not logged in"), "{nobody}");
    assert_eq!(device.auth_toml(), before);

    let out = device.json("", &["cloud", "logout", "--tenant", "acme"]);
    assert_eq!(out["signed_out"].as_array().unwrap().len(), 1);
    assert_eq!(out["signed_out"][0]["revoked"], true);
    assert_eq!(revoked(&acme), both("acme"));
    assert_eq!((mine.connections(), staging.connections()), (0, 0));
    let left = device.auth_toml();
    assert!(left.contains("[orkee_cloud]") && left.contains("[environments.staging]"), "{left}");
    Canaries(vec!["orkee_access_acme", "orkee_refresh_acme"]).are_not_in("auth.toml", left.as_bytes());
    device.run("acme", &["cloud", "sync"]).fails(4, "E-AUTH-001");
    device.run("", &["cloud", "token"]).success();
}

#[test]
fn signing_out_of_everything_revokes_each_token_at_the_server_that_issued_it() {
    let (mine, staging, acme) = (server(), server(), server());
    let device = device([&mine, &staging, &acme]);
    let out = device.json("", &["cloud", "logout", "--all"]);
    let out = out["signed_out"].as_array().unwrap();
    assert_eq!(out.len(), 3, "{out:?}");
    assert!(out.iter().all(|entry| entry["revoked"] == true), "{out:?}");
    for (server, name) in [(&mine, "mine"), (&staging, "staging"), (&acme, "acme")] {
        assert_eq!(revoked(server), both(name));
    }
    assert!(!device.home().join("auth.toml").exists());
    let again = device.run("", &["cloud", "logout", "--all"]).success();
    assert!(again.stdout.contains("Not logged in"), "{again}");
    let who = |tenant: &str| {
        let rows = device.json(tenant, &["audit"])["entries"].clone();
        let rows = rows.as_array().unwrap().iter().map(|row| format!("{} {}", row["action"], row["who"]));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(who(""), ["\"logout\" \"ada@staging.example\"", "\"logout\" \"ada@mine.example\""]);
    assert_eq!(who("acme"), ["\"logout\" \"ada@acme.example\""]);
}

#[test]
fn a_server_that_is_down_keeps_no_sign_in_and_no_other_server_waits_for_it() {
    let (mine, acme) = (server(), server());
    let down = Mock::authorization_server(|request| {
        (request.target == "/oauth/revoke").then(|| orkee_tests::mock::Answer::empty(503))
    });
    let device = device([&mine, &down, &acme]);
    let ran = device.run("", &["cloud", "logout", "--all"]).success().says("was not told");
    assert_eq!(ran.stdout.matches("Signed out of").count(), 3, "{ran}");
    assert_eq!((revoked(&mine), revoked(&acme)), (both("mine").to_vec(), both("acme").to_vec()));
    assert!(!device.home().join("auth.toml").exists());
    let rows = device.json("", &["audit"])["entries"].clone();
    let partial = rows.as_array().unwrap().iter().find(|row| row["outcome"] == "partial").unwrap();
    assert_eq!((&partial["who"], &partial["code"]), (&"ada@staging.example".into(), &"E-AUTH-018".into()));
}

//! A company from end to end: the real server with its tenant, a certified OpenID provider that signs its people in, and their
//! devices.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use orkee_tests::binaries;
use orkee_tests::browser::Browser;
use orkee_tests::company::Member;
use orkee_tests::home::{Ran, finish};
use orkee_tests::issuer::CLIENT;
use orkee_tests::op::Op;
use orkee_tests::tenancy::{GROUPS, Tenancy, settings};
use url::Url;

/// A server whose tenant signs its people in at this provider.
fn company(op: &Op, provider: &str, rest: &str) -> Tenancy {
    let provider = format!("scopes = [\"openid\", \"email\", \"groups\"]\n{provider}");
    Tenancy::with_settings(&settings(&op.url, CLIENT, &format!("{provider}{GROUPS}{rest}")))
}

/// Has the person at this device sign in, in a browser.
fn as_person(mut command: Command, op: &Op) -> Command {
    let person = op.person();
    command
        .env("BROWSER", binaries::path("fake-browser"))
        .env("FAKE_BROWSER_EMAIL", &person.email)
        .env("FAKE_BROWSER_PASSWORD", &person.password);
    command
}

fn sign_in(member: &Member, op: &Op) -> Ran {
    finish(as_person(member.orkee(&["cloud", "login", "--sso"]), op), &[])
}

#[test]
fn the_published_block_signs_in_and_two_devices_sync_through_the_enterprise_provider() {
    let op = Op::of_company("engineering");
    let tenancy = company(&op, "", "");
    // As it is printed, but for the address.
    let block = format!(
        "export ORKEE_CLOUD_API_URL=\"{}\"\nexport ORKEE_CLOUD_TENANT=\"acme\"\nexport ORKEE_CLOUD_SSO_PROVIDER=\"okta\"\n\
         orkee cloud login --sso\n",
        tenancy.server.url
    );
    let [one, two] = [(); 2].map(|()| Member::new(&tenancy.server.url));
    for member in [&one, &two] {
        let by_hand = member.device.orkee(&[]);
        let mut shell = Command::new("bash");
        shell.args(["-ec", &block]).env_clear().current_dir(by_hand.get_current_dir().unwrap());
        for (name, value) in by_hand.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let folder = binaries::orkee().parent().unwrap().to_owned();
        let path = std::env::join_paths(
            [folder].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        shell.env("PATH", path.unwrap()).env_remove("ORKEE_CLOUD_API_URL").stdin(Stdio::null());
        finish(as_person(shell, &op), &[]).success().says("as john@example.com");
    }
    one.run(&["projects", "add", "--name", "ours"]).success();
    let pushed = one.json(&["cloud", "sync"]);
    assert_eq!((&pushed["pushed"], &pushed["pulled"]), (&1.into(), &0.into()));
    let pulled = two.json(&["cloud", "sync"]);
    assert_eq!((&pulled["pushed"], &pulled["pulled"]), (&0.into(), &1.into()));
    let export = |member: &Member| member.run(&["projects", "export"]).success().stdout;
    assert_eq!(export(&one), export(&two));
    // What the API said of the tenant is not asked for again.
    let nothing = two.json(&["cloud", "sync"]);
    assert_eq!((&nothing["round_trips"], &nothing["pushed"]), (&1.into(), &0.into()));

    let status = one.run(&["cloud", "status"]).success();
    let host = tenancy.server.url.trim_start_matches("http://");
    for line in [
        "✓ Account: john@example.com",
        &format!("Provider: enterprise ({host} knows the tenant `acme`)"),
        "Signed in through: okta",
        "Token from: auth.toml, [tenants.acme]",
    ] {
        assert!(status.stdout.contains(line), "{status}");
    }
    one.run(&["cloud", "login", "--refresh-token"]).success();
    one.run(&["cloud", "sync"]).success();
    // Whoever is removed is out at the next request, and is told the command.
    tenancy.admin(&["tenant", "remove-member", "acme", "john@example.com"]).success();
    one.run(&["cloud", "sync"]).exits(4).says("orkee cloud login --sso");
}

#[test]
fn a48_id_tokens_of_every_accepted_algorithm_sign_in() {
    for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
        let op = Op::with(&[("OP_COMPANY", "engineering"), ("OP_ALG", alg)]);
        let tenancy = company(&op, "", "");
        sign_in(&Member::new(&tenancy.server.url), &op).success().says("as john@example.com");
    }
}

#[test]
fn where_the_tenant_says_so_the_providers_access_token_is_all_there_is() {
    let op = Op::of_company("engineering");
    let tenancy = company(&op, "token = \"direct\"\naudience = \"https://api.acme.example\"\n", "");
    let [one, two] = [(); 2].map(|()| Member::new(&tenancy.server.url));
    for member in [&one, &two] {
        sign_in(member, &op).success().says("as john@example.com");
        assert!(member.auth_toml().contains(&format!("issuer = \"{}\"\n", op.url)), "{}", member.auth_toml());
    }
    one.run(&["projects", "add", "--name", "ours"]).success();
    one.run(&["cloud", "sync"]).success();
    assert_eq!(two.json(&["cloud", "sync"])["pulled"], 1);
    // The provider renews it.
    one.run(&["cloud", "login", "--refresh-token"]).success();
    one.run(&["cloud", "sync"]).success();
}

#[test]
fn a_code_that_is_typed_elsewhere_signs_in_through_the_identity_provider() {
    let op = Op::of_company("engineering");
    let tenancy = company(&op, "", "");
    let member = Member::new(&tenancy.server.url);
    let mut command = member.orkee(&["cloud", "login", "--sso", "--device"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut screen = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(screen.read_line(&mut line).unwrap() > 0, "no address was shown");
        if let Some(address) = line.trim().strip_prefix("or open ") {
            break Url::parse(address).unwrap();
        }
    };
    assert!(address.as_str().starts_with(&op.url), "{address}");
    Browser::default().sign_in(&address, &op.person()).unwrap();
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("as john@example.com"), "{rest}");
}

#[test]
fn somebody_in_no_group_of_the_tenants_is_told_whom_to_ask() {
    let op = Op::of_company("elsewhere");
    let tenancy = company(&op, "", "");
    let member = Member::new(&tenancy.server.url);
    let refused = sign_in(&member, &op).fails(4, "E-AUTH-036").says("may not use the tenant `acme`");
    drop(refused.says("ask the tenant's administrator for access"));
    assert_eq!(member.auth_toml(), "");
}

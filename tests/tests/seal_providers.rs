//! Two devices in step, end-to-end encrypted, through each provider: none of them knows of it, and what they talk to keeps nothing
//! that can be read.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

use orkee_tests::browser::Person;
use orkee_tests::company::Member;
use orkee_tests::dav::{self, Dav};
use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::home::{Ran, finish};
use orkee_tests::issuer::CLIENT;
use orkee_tests::moto::Moto;
use orkee_tests::op::Op;
use orkee_tests::practice::Practice;
use orkee_tests::sealing::{WORD, export, files, is_not_in, join, marked, seal};
use orkee_tests::server::Server;
use orkee_tests::tenancy::{GROUPS, Tenancy, settings};
use orkee_tests::tenants::TenantDevice;
use orkee_tests::{binaries, http};
use serde_json::{Value, json};
use url::Url;

const KEYS_ID: &str = orkee_wire::KEYS_ID;

/// A device of some tenant's, signed in.
type Signed<'a> = Box<dyn Fn(&[&str]) -> Command + 'a>;

fn run(device: &Signed<'_>, args: &[&str]) -> Ran {
    finish(device(args), &[])
}

#[track_caller]
fn json(device: &Signed<'_>, args: &[&str]) -> Value {
    run(device, &[args, &["--json"]].concat()).success().json()
}

#[track_caller]
fn sync(device: &Signed<'_>) {
    let ran = run(device, &["cloud", "sync"]);
    assert!(matches!(ran.code, Some(0 | 5)), "{ran}");
}

fn all(device: &Signed<'_>) -> String {
    run(device, &["projects", "export"]).success().stdout
}

/// One seals, the other joins; both change, delete and add; in the end both have the same, and whoever lists what the backend has is
/// told of the projects alone.
#[track_caller]
fn stay_in_step(a: &Signed<'_>, b: &Signed<'_>) {
    let ids = ["aaaaaaaa", "bbbbbbbb", "cccccccc"];
    finish(a(&["projects", "import", "-"]), export(&ids.map(|id| marked(id, "x"))).as_bytes()).success();
    let phrase = seal(a);
    sync(a);
    run(b, &["cloud", "sync"]).says("orkee cloud key recover");
    assert_eq!(
        json(b, &["projects", "list"])["projects"],
        json!([]),
        "nothing is taken in that cannot be read"
    );
    join(b, &phrase);
    sync(b);
    assert_eq!(all(a), all(b));
    assert!(all(b).contains(WORD));
    for (device, text) in [(a, "of a"), (b, "of b")] {
        run(device, &["projects", "edit", ids[0], "--description", &format!("{WORD} {text}")]).success();
        run(device, &["projects", "edit", ids[1], "--name", &format!("{WORD} renamed {text}")]).success();
    }
    run(b, &["projects", "delete", ids[2], "--yes"]).success();
    for device in [a, b, a, b] {
        sync(device);
    }
    assert_eq!(all(a), all(b));
    assert!(!all(a).contains(ids[2]) && !all(a).contains(KEYS_ID));
    let quiet = json(a, &["cloud", "sync"]);
    assert_eq!((&quiet["pushed"], &quiet["pulled"]), (&json!(0), &json!(0)), "{quiet}");
}

/// What `cloud list` tells: both projects, neither by its name, and no key document.
#[track_caller]
fn lists_projects_alone(device: &Signed<'_>) {
    let ran = run(device, &["cloud", "list", "--json"]).success();
    let listed = ran.json();
    let ids: Vec<&str> =
        listed["projects"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"aaaaaaaa") && ids.contains(&"bbbbbbbb") && !ids.contains(&KEYS_ID), "{ran}");
}

/// What a store keeps, by its names: records that are sealed, the key document, and nothing that can be read.
#[track_caller]
fn keeps_nothing_readable(kept: &[(String, Vec<u8>)]) {
    let has =
        |what: &[u8]| kept.iter().any(|(_, bytes)| bytes.windows(what.len()).any(|window| window == what));
    assert!(
        has(&orkee_wire::sealed::MAGIC) && has(b"\"seals\":true"),
        "it is looked at where records are kept"
    );
    for (name, bytes) in kept {
        is_not_in(name, bytes);
        is_not_in("a name", name.as_bytes());
    }
}

#[test]
fn k63_through_orkee_cloud() {
    let server = Server::start();
    let token = server.token();
    let (a, b) = (Device::with_token(&server.url, &token), Device::with_token(&server.url, &token));
    let (a, b): (Signed<'_>, Signed<'_>) = (Box::new(|args| a.orkee(args)), Box::new(|args| b.orkee(args)));
    stay_in_step(&a, &b);
    lists_projects_alone(&a);
    files(&server.data()).iter().for_each(|(name, bytes)| is_not_in(name, bytes));
    let bearer = format!("Bearer {token}");
    let url = Url::parse(&format!("{}/v1/projects", server.url)).unwrap();
    let listed = http::get(&url, &[("Authorization", &bearer)]).unwrap().json();
    assert_eq!(
        listed["projects"],
        json!([{"id": "aaaaaaaa", "sealed": true}, {"id": "bbbbbbbb", "sealed": true}])
    );
}

/// A server whose tenant signs its people in at this provider.
fn company(op: &Op, rest: &str) -> Tenancy {
    let provider = "scopes = [\"openid\", \"email\", \"groups\"]\n";
    Tenancy::with_settings(&settings(&op.url, CLIENT, &format!("{provider}{GROUPS}{rest}")))
}

fn member<'a>(member: &'a Member, person: &Person) -> Signed<'a> {
    let mut login = member.orkee(&["cloud", "login", "--sso"]);
    login
        .env("BROWSER", binaries::path("fake-browser"))
        .env("FAKE_BROWSER_EMAIL", &person.email)
        .env("FAKE_BROWSER_PASSWORD", &person.password);
    finish(login, &[]).success();
    Box::new(|args| member.orkee(args))
}

#[test]
fn k63_through_enterprise_behind_a_companys_sign_in() {
    let op = Op::of_company("engineering");
    let tenancy = company(&op, "");
    let [one, two] = [(); 2].map(|()| Member::new(&tenancy.server.url));
    let (a, b) = (member(&one, &op.person()), member(&two, &op.person()));
    stay_in_step(&a, &b);
    lists_projects_alone(&b);
    files(&tenancy.server.data()).iter().for_each(|(name, bytes)| is_not_in(name, bytes));
}

#[test]
fn k64_where_the_policy_requires_encryption_a_device_without_a_key_is_told_the_command_and_one_with_it_syncs()
{
    let op = Op::of_company("engineering");
    let tenancy = company(&op, "[policy]\nencryption = \"required\"\n");
    let [one, two] = [(); 2].map(|()| Member::new(&tenancy.server.url));
    let (a, b) = (member(&one, &op.person()), member(&two, &op.person()));
    run(&a, &["projects", "add", "--name", &format!("{WORD} plain")]).success();
    let refused = run(&a, &["cloud", "sync"]).says("orkee cloud key init");
    assert_ne!(refused.code, Some(0), "{refused}");
    files(&tenancy.server.data()).iter().for_each(|(name, bytes)| is_not_in(name, bytes));
    stay_in_step(&a, &b);
    let refused = run(&a, &["cloud", "key", "unseal", "--yes"]);
    assert!(!matches!(refused.code, Some(0)), "{refused}");
    files(&tenancy.server.data()).iter().for_each(|(name, bytes)| is_not_in(name, bytes));
}

const TENANT: &str = "mine";

fn tenant_device(device: &TenantDevice) -> Signed<'_> {
    Box::new(|args| device.orkee(TENANT, args))
}

fn signed_in(config: &str, login: &str) -> TenantDevice {
    let device = TenantDevice::new(config);
    device.feed(TENANT, &["cloud", "login", "--with-token"], login).success();
    device
}

#[test]
fn k63_through_a_bucket_of_s3() {
    let store = Moto::start();
    let config = format!(
        "[tenants.{TENANT}]\nprovider = \"s3\"\napi_url = \"{}\"\n\
         [tenants.{TENANT}.options]\nbucket = \"{}\"\nregion = \"eu-central-1\"\nprefix = \"team a\"\n",
        store.url, store.bucket
    );
    let (a, b) = (signed_in(&config, &store.keys), signed_in(&config, &store.keys));
    let (a, b) = (tenant_device(&a), tenant_device(&b));
    stay_in_step(&a, &b);
    lists_projects_alone(&b);
    keeps_nothing_readable(&store.objects().into_iter().collect::<Vec<_>>());
}

#[test]
fn k63_through_a_folder_of_webdav() {
    let Some(server) = Dav::apache() else { return };
    let config = format!("[tenants.{TENANT}]\nprovider = \"webdav\"\napi_url = \"{}\"\n", server.url);
    let login = format!("{}:{}\n", dav::USER, dav::PASSWORD);
    let (a, b) = (signed_in(&config, &login), signed_in(&config, &login));
    stay_in_step(&tenant_device(&a), &tenant_device(&b));
    keeps_nothing_readable(&files(&server.files()));
}

#[test]
fn k63_through_a_provider_that_somebody_else_wrote() {
    let host = Device::new("");
    let kept = host.path("kept.json");
    let practice = ["cloud", "provider", "practice", "--token", "practice", "--data", kept.to_str().unwrap()];
    let practice = Practice::start(host.orkee(&practice));
    let config = format!("[tenants.{TENANT}]\nprovider = \"practice\"\napi_url = \"{}\"\n", practice.url);
    let device = || {
        let device = TenantDevice::new(&config);
        let manifest = "name = \"practice\"\nversion = \"1\"\n[login]\nkind = \"token\"\n";
        device.install(guests::practice(), manifest);
        device.feed(TENANT, &["cloud", "login", "--with-token"], "practice").success();
        device
    };
    let (a, b) = (device(), device());
    stay_in_step(&tenant_device(&a), &tenant_device(&b));
    is_not_in("the backend's file", &std::fs::read(&kept).unwrap());
}

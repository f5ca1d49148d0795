//! `orkee config`: where a value comes from, and changing config.toml.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use orkee_tests::home::Home;
use serde_json::Value;

fn setting(home: &Home, key: &str) -> Value {
    home.json(["config", "get", key])["setting"].clone()
}

#[test]
fn s16_c50_config_says_where_a_value_comes_from_and_what_it_goes_before() {
    let mut home = Home::new();
    let told = |home: &Home| {
        let setting = setting(home, "history.days");
        (
            setting["value"].as_str().unwrap().to_owned(),
            setting["origin"]["kind"].as_str().unwrap().to_owned(),
        )
    };
    let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(told(&home), is("365", "default"));
    home.ok(["config", "set", "history.days", "90"]);
    assert_eq!(told(&home), is("90", "config"));
    fs::write(home.orkee().join(".env"), "ORKEE_HISTORY_DAYS=60\n").unwrap();
    assert_eq!(told(&home), is("60", "home-env"));
    home.set("ORKEE_HISTORY_DAYS", "30");
    assert_eq!(told(&home), is("30", "environment"));
    let ran = home.run(["config", "get", "ORKEE_HISTORY_DAYS", "--origin"]).success();
    assert_eq!(ran.stdout, "30\tORKEE_HISTORY_DAYS in the environment\n");
    for below in ["ORKEE_HISTORY_DAYS in the home folder's .env", "history.days in config.toml"] {
        assert!(ran.stderr.contains(below), "{ran}");
    }
    home.run(["config", "set", "history.days", "10"])
        .success()
        .says("ORKEE_HISTORY_DAYS in the environment goes before it");
    // A flag goes before all of them.
    home.set("CLICOLOR_FORCE", "1");
    assert!(home.ok(["help", "json", "--color", "always"]).len() <= home.ok(["help", "projects"]).len());
    assert!(home.ok(["help", "projects"]).contains('\u{1b}'));
    assert!(!home.ok(["help", "projects", "--color", "never"]).contains('\u{1b}'));
}

#[test]
fn s16_list_has_every_setting_environment_and_tenant_and_masks_what_is_secret() {
    let mut home = Home::new();
    home.add("shop");
    let text = "[environments.stage]\napi_url = \"https://stage.example.com\"\n[tenants.acme]\nprovider = \"s3\"\n\
                [tenants.acme.options]\nbucket = \"b\"\nsecret-key = \"hush\"\npassphrase = \"hush\"\naccess_key = \"hush\"\ncredential = \"hush\"\n[webhook]\nproxy = \"http://me:hush@proxy:1\"\n";
    fs::write(home.orkee().join("config.toml"), text).unwrap();
    home.set("ORKEE_CLOUD_TOKEN", "hush-token");
    let lists = [home.run(["config", "list", "--origin"]), home.run(["config", "list", "--json"])];
    for ran in lists {
        let ran = ran.success();
        assert!(!ran.stdout.contains("hush") && !ran.stderr.contains("hush"), "{ran}");
        for key in [
            "cloud.sync_interval",
            "environments.stage.api_url",
            "tenants.acme.options.bucket",
            "lock.fields",
        ] {
            assert!(ran.stdout.contains(key), "{key}: {ran}");
        }
    }
    assert_eq!(setting(&home, "ORKEE_CLOUD_TOKEN")["value"], "•••");
    assert_eq!(setting(&home, "webhook.proxy")["secret"], true);
    // What does not hold is told, and the rest is listed all the same.
    home.set("ORKEE_CLOUD_SYNC_INTERVAL", "soon");
    home.run(["config", "list"])
        .success()
        .says("cloud.sync_interval does not hold: it takes a number of seconds");
}

#[test]
fn s16_set_checks_writes_in_place_for_the_owner_alone_and_leaves_a_row_in_the_audit_trail() {
    let home = Home::new();
    home.add("shop");
    let path = home.orkee().join("config.toml");
    fs::write(&path, "# mine\n[history] # how long\ndays = 90 # days\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    home.ok(["config", "set", "history.days", "30"]);
    home.ok(["config", "set", "tenants.acme.provider", "s3"]);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "# mine\n[history] # how long\ndays = 30 # days\n\n[tenants.acme]\nprovider = \"s3\"\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    home.ok(["config", "unset", "history.days"]);
    assert!(!fs::read_to_string(&path).unwrap().contains("days = "));
    let trail = home.json(["audit"]);
    let rows: Vec<_> = trail["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["action"].as_str().unwrap(), row["subject"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            ("config-change", "history.days"),
            ("config-change", "tenants.acme.provider"),
            ("config-change", "history.days")
        ]
    );
}

#[test]
fn s16_what_a_setting_does_not_take_is_refused_by_name_and_nothing_is_written() {
    let home = Home::new();
    for (key, value, error, says) in [
        ("cloud.auto_sync", "perhaps", "E-CONFIG-009", "true or false"),
        ("cloud.sync_interval", "0", "E-CONFIG-009", "seconds"),
        ("cloud.sync_interval", "-1", "E-CONFIG-009", "seconds"),
        ("cloud.sync_interval", "1000000000000", "E-CONFIG-009", "seconds"),
        ("auth.store", "pocket", "E-CONFIG-009", "file or keyring"),
        ("history.days", "long", "E-CONFIG-009", "0 for no limit"),
        ("lock.fields", "name", "E-CONFIG-009", "description"),
        ("cloud.tenant", "a\nb", "E-CONFIG-009", "one line"),
        ("cloud.tenant", "", "E-CONFIG-009", "the name of a tenant"),
        ("cloud.tenant", "../x", "E-CONFIG-009", "the name of a tenant"),
        ("webhook.proxy", "nonsense", "E-CONFIG-009", "http://HOST:PORT"),
        ("tenants.acme.provider", "../../etc", "E-CONFIG-009", "the name of a provider"),
        ("tenants.acme.limits.memory", "lots", "E-CONFIG-009", "memory"),
        ("ORKEE_CLOUD_TOKEN", "secret", "E-CONFIG-010", "not kept in config.toml"),
        ("cloud", "x", "E-CONFIG-008", "no setting"),
        (
            "environments.production.api_url",
            "https://x.example.com",
            "E-CONFIG-009",
            "its address is cloud.api_url",
        ),
    ] {
        home.run(["config", "set", key, value]).fails(2, error).says(says);
    }
    assert!(!home.orkee().join("config.toml").exists());
    fs::create_dir_all(home.orkee()).unwrap();
    fs::write(home.orkee().join("config.toml"), "[history\n").unwrap();
    home.run(["config", "set", "history.days", "1"]).fails(2, "E-CONFIG-003");
    assert_eq!(fs::read_to_string(home.orkee().join("config.toml")).unwrap(), "[history\n");
}

#[test]
fn s16_two_that_set_at_once_lose_nothing() {
    let home = Home::new();
    home.add("shop");
    let set = |n: usize| {
        let key = format!("environments.e{n}.api_url");
        let mut command = home.command(["config", "set", &key, "https://e.example.com"]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..12).map(set).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    let text = fs::read_to_string(home.orkee().join("config.toml")).unwrap();
    assert_eq!(text.matches("api_url").count(), 12, "{text}");
}

//! Where settings come from, seen from outside.

#![allow(clippy::unwrap_used)]

use std::fs;

use orkee_tests::home::Home;

#[test]
fn c50_the_environment_goes_before_the_home_env_and_that_before_config() {
    // A tenant has projects of its own, so what `list` shows tells which tenant is meant.
    let mut home = Home::new();
    home.add("personal");
    let config = home.orkee().join("config.toml");
    fs::write(&config, "[cloud]\ntenant = \"of-config\"\n").unwrap();
    home.add("of config");
    fs::write(home.orkee().join(".env"), "ORKEE_CLOUD_TENANT=of-dotenv # a comment\n").unwrap();
    home.add("of dotenv");
    let seen = |home: &Home| home.projects().iter().map(|p| p["name"].to_string()).collect::<Vec<_>>();
    assert_eq!(seen(&home), ["\"of dotenv\""]);
    home.set("ORKEE_CLOUD_TENANT", "of-environment");
    assert_eq!(seen(&home), [] as [&str; 0]);
    home.add("of environment");
    assert_eq!(seen(&home), ["\"of environment\""]);
    // An empty variable is none.
    home.set("ORKEE_CLOUD_TENANT", "");
    assert_eq!(seen(&home), ["\"of dotenv\""]);
    fs::remove_file(home.orkee().join(".env")).unwrap();
    assert_eq!(seen(&home), ["\"of config\""]);
    fs::remove_file(config).unwrap();
    assert_eq!(seen(&home), ["\"personal\""]);
}

#[test]
fn c51_a_folders_env_moves_no_projects_and_is_named_where_it_could_have_mattered() {
    let home = Home::new();
    home.add("mine");
    home.file(".env", "ORKEE_CLOUD_TENANT=evil\nORKEE_CLOUD_API_URL=https://evil.example\nHTTPS_PROXY=x\nORKEE_CLOUD_AUTO_SYNC=false\n");
    assert_eq!(home.projects()[0]["name"], "mine");
    let ran = home.run(["cloud", "status", "--offline"]);
    if ran.stderr.contains("E-CLI-002") {
        eprintln!("SKIPPED in part: this orkee was built without cloud support");
        return;
    }
    let warning = ran.stderr.lines().find(|line| line.starts_with("warning: ")).unwrap_or_default();
    for name in ["ORKEE_CLOUD_TENANT", "ORKEE_CLOUD_API_URL", "HTTPS_PROXY"] {
        assert!(warning.contains(name), "{ran}");
    }
    assert!(!warning.contains("AUTO_SYNC") && !ran.stdout.contains("evil"), "{ran}");
}

#[test]
fn c51_a_folders_env_decides_automatic_sync_only_where_the_user_set_nothing() {
    let home = Home::new();
    home.add("mine");
    home.file(
        ".env",
        "ORKEE_CLOUD_AUTO_SYNC=true\nORKEE_CLOUD_SYNC_INTERVAL=1\nORKEE_CLOUD_SYNC_ON_UPDATE=true\n",
    );
    let holds = |key: &str| {
        let setting = home.json(["config", "get", key])["setting"].take();
        (
            setting["value"].as_str().unwrap().to_owned(),
            setting["origin"]["kind"].as_str().unwrap().to_owned(),
        )
    };
    let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    if home.run(["cloud", "status", "--offline"]).stderr.contains("E-CLI-002") {
        assert_eq!(holds("cloud.auto_sync"), is("false", "default"));
        eprintln!("SKIPPED in part: this orkee was built without cloud support");
        return;
    }
    assert_eq!(holds("cloud.auto_sync"), is("true", "folder-env"));
    assert_eq!(holds("cloud.sync_interval"), is("60", "folder-env"), "a minute at least");
    home.ok(["config", "set", "cloud.auto_sync", "false"]);
    assert_eq!(holds("cloud.auto_sync"), is("false", "config"));
    assert_eq!(holds("cloud.sync_on_update"), is("false", "default"), "who said no said it for all");
    home.ok(["config", "set", "cloud.sync_interval", "30"]);
    assert_eq!(holds("cloud.sync_interval"), is("30", "config"));
}

#[test]
fn nothing_is_logged_to_a_file_by_local_commands_and_rust_log_speaks_on_stderr() {
    let mut home = Home::new();
    home.add("shop");
    assert!(!home.orkee().join("logs").exists());
    home.set("RUST_LOG", "orkee=debug");
    home.run(["projects", "show", "nothing"]).exits(2).says("DEBUG").says("E-STORE-010");
    home.set("RUST_LOG", "][");
    home.run(["projects", "list"]).success().says("RUST_LOG");
}

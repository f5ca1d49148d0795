//! `orkee doctor` on one device: what it finds in the home folder, in the right order, and what `--fix` makes right.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::home::Home;
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::server::Server;
use orkee_tests::{namespace, provider};
use serde_json::Value;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// The checks of this name.
fn checks(document: &Value, name: &str) -> Vec<Value> {
    let all = document["checks"].as_array().unwrap().iter();
    all.filter(|check| check["name"] == name).cloned().collect()
}

/// The only check of this name.
#[track_caller]
fn check(document: &Value, name: &str) -> Value {
    let [check] = &checks(document, name)[..] else { panic!("{name} in {document:#}") };
    check.clone()
}

#[track_caller]
fn is(check: &Value, state: &str, message: &str) {
    assert_eq!(check["state"], state, "{check}");
    assert!(check["message"].as_str().unwrap().contains(message), "{check}");
    let has_hint = check["hint"].as_str().is_some_and(|hint| !hint.is_empty());
    assert!(has_hint || matches!(state, "ok" | "skipped"), "no word of what to do: {check}");
}

#[test]
fn s17_d50_each_thing_is_a_line_and_a_check_in_one_order_and_nothing_is_changed() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    device.add("shop");
    device.sync();
    let before = folder_of(&device.home());
    let document = device.json(&["doctor"]);
    assert_eq!(document["sound"], true, "{document:#}");
    let names: Vec<_> =
        document["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
    let expected = [
        "settings",
        "database",
        "audit",
        "files",
        "disk",
        "locks",
        "log",
        "cache",
        "automatic-sync",
        "sign-in",
        "tls",
        "server",
        "clock",
    ];
    assert_eq!(names, expected, "{document:#}");
    for check in document["checks"].as_array().unwrap() {
        let keys: Vec<_> = check.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["fixed", "hint", "message", "name", "state"], "{check}");
    }
    let ran = device.run(&["doctor"]).success();
    let lines: Vec<_> = ran.stdout.lines().filter(|line| !line.starts_with("  hint: ")).collect();
    assert_eq!(lines.len(), expected.len(), "{ran}");
    assert!(lines.iter().all(|line| line.starts_with("✓ ") || line.starts_with("- ")), "{ran}");
    assert_eq!(ran.stderr, "", "{ran}");
    let quiet = device.run(&["doctor", "-q"]).success();
    assert_eq!(quiet.stdout, "", "{quiet}");
    assert_eq!(folder_of(&device.home()), before, "it changes nothing");
}

/// Every file below a folder, with its permissions, and its content but for the database's shared memory.
fn folder_of(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(folder_of(&path));
        }
        let shared = path.extension().is_some_and(|end| end == "db-shm" || end == "db-wal");
        if path.is_file() && !shared {
            all.push((path.display().to_string(), mode(&path), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn d51_what_others_may_read_or_change_is_told_and_closed_when_told_to() {
    let home = Home::new();
    home.add("shop");
    let root = home.orkee();
    let (database, config) = (root.join("orkee.db"), root.join("config.toml"));
    fs::write(&config, "# mine\n").unwrap();
    set_mode(&config, 0o644);
    // Nobody gets as far as the file: worth a word, no more.
    let sheltered = check(&home.json(["doctor"]), "files");
    is(&sheltered, "warning", "config.toml");

    set_mode(&root, 0o755);
    set_mode(&database, 0o666);
    let ran = home.run(["doctor"]).exits(1);
    for told in [
        format!("! other users can look into {} (mode 755)", root.display()),
        format!("✗ other users can change {} (mode 666)", database.display()),
        format!("✗ other users can read {} (mode 644)", config.display()),
        "hint: run `orkee doctor --fix`".to_owned(),
    ] {
        assert!(ran.stdout.contains(&told), "{told}: {ran}");
    }
    assert_eq!((mode(&root), mode(&database)), (0o755, 0o666), "nothing is changed unasked");

    let mended = home.run(["doctor", "--fix", "--json"]).exits(0).json();
    assert_eq!(mended["mended"].as_array().unwrap().len(), 3, "{mended:#}");
    assert_eq!((mode(&root), mode(&database), mode(&config)), (0o700, 0o600, 0o600));
    is(&check(&home.json(["doctor"]), "files"), "ok", "yours alone");
    let rows = home.json(["audit"])["entries"].take();
    assert_eq!((&rows[0]["action"], &rows[0]["subject"]), (&"doctor-fix".into(), &"3 things".into()));
    assert_eq!(rows.as_array().unwrap().len(), 1, "what mends nothing leaves no row: {rows}");

    // In a folder that is not Orkee's alone, nothing of the others is touched.
    let photos = root.join("photos");
    fs::create_dir(&photos).unwrap();
    set_mode(&photos, 0o775);
    set_mode(&root, 0o755);
    let found = home.json(["doctor", "--fix"]);
    is(&check(&found, "files"), "warning", "and not all in it is Orkee's");
    assert_eq!((mode(&root), mode(&photos)), (0o755, 0o775));
    assert_eq!(found["mended"], serde_json::json!([]));
}

#[test]
fn d51_what_belongs_to_another_user_is_told_and_left_alone() {
    let home = Home::new();
    home.add("shop");
    let path = home.orkee().join("config.toml");
    fs::write(&path, "").unwrap();
    set_mode(&path, 0o600);
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        eprintln!("SKIPPED: only root can give a file away");
        return;
    }
    let found = home.run(["doctor", "--fix", "--json"]).exits(1).json();
    is(&check(&found, "files"), "failed", "belongs to another user (id 12345)");
    assert_eq!(found["mended"], serde_json::json!([]));
}

#[test]
fn d52_a_disk_that_is_as_good_as_full_is_told_and_the_rest_is_looked_at() {
    let home = Home::new();
    let disk = home.folder("disk");
    let mut like = home.command(["doctor"]);
    like.env("ORKEE_HOME", disk.join("home")).env("DISK", &disk);
    let script = "mount -t tmpfs -o size=4m none \"$DISK\"; umask 077; mkdir \"$DISK/home\"
        \"$ORKEE\" projects add --name shop >/dev/null
        \"$ORKEE\" doctor || echo \"exit $?\"
        head -c 100m /dev/zero > \"$DISK/all\" 2>/dev/null || true
        \"$ORKEE\" doctor --offline || echo \"exit $?\"";
    let Some(ran) = namespace::run(&like, script) else { return };
    let ran = ran.success();
    assert_eq!(ran.stdout.matches("✗ the disk is as good as full: ").count(), 2, "{ran}");
    assert_eq!(ran.stdout.matches("  hint: make room on the disk of ").count(), 2, "{ran}");
    // With nothing left at all, SQLite cannot even read.
    for told in ["✓ The database is sound: 1 project", "orkee.db: the disk is full", "✓ No lock is held"]
    {
        assert!(ran.stdout.contains(told), "{told}: {ran}");
    }
    assert_eq!(ran.stdout.matches("exit 1").count(), 2, "{ran}");
}

#[test]
fn d53_a_lock_is_told_with_its_holder_and_never_taken() {
    let home = Home::new();
    home.add("shop");
    is(&check(&home.json(["doctor"]), "locks"), "ok", "No lock is held");
    let path = home.orkee().join("sync.lock");
    let file = File::create(&path).unwrap();
    set_mode(&path, 0o600);
    file.lock().unwrap();
    let held = check(&home.json(["doctor"]), "locks");
    is(&held, "ok", &format!("process {} ", std::process::id()));
    is(&held, "ok", "syncs and holds sync.lock, for ");
    let ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 3600);
    file.set_modified(ago).unwrap();
    let held = check(&home.json(["doctor"]), "locks");
    is(&held, "warning", "holds sync.lock, for 3 h");
    assert!(held["hint"].as_str().unwrap().contains(&format!("kill {}", std::process::id())), "{held}");
    // Whoever holds it goes on holding it, and whoever wants it gets it afterwards.
    file.unlock().unwrap();
    is(&check(&home.json(["doctor"]), "locks"), "ok", "No lock is held");
}

#[test]
fn d54_compiled_code_that_does_not_match_is_removed_when_told_to_and_others_files_are_left() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    device.sync();
    let cache = device.home().join("cache");
    is(&check(&device.json(&["doctor"]), "cache"), "ok", "as they were written: 1 (");
    let compiled = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let compiled =
        compiled.filter(|path| path.extension().is_some_and(|end| end == "cwasm")).collect::<Vec<_>>();
    let [compiled] = &compiled[..] else { panic!("{compiled:?}") };
    let mut bytes = fs::read(compiled).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(compiled, &bytes).unwrap();
    fs::write(cache.join("notes.txt"), "mine").unwrap();
    set_mode(&cache.join("notes.txt"), 0o600);

    let found = device.json(&["doctor"]);
    let [altered, foreign] = &checks(&found, "cache")[..] else { panic!("{found:#}") };
    is(altered, "warning", "its content is not what was written");
    is(foreign, "warning", "notes.txt");
    assert!(compiled.exists());
    let mended = device.json(&["doctor", "--fix"]);
    assert_eq!(mended["mended"].as_array().unwrap().len(), 1, "{mended:#}");
    assert!(!compiled.exists());
    assert_eq!(fs::read(cache.join("notes.txt")).unwrap(), b"mine");
    device.sync();
    assert!(compiled.exists(), "it is compiled anew when it is needed");

    set_mode(&cache, 0o777);
    let found = device.run(&["doctor", "--json"]);
    is(&check(&found.json(), "cache"), "warning", "does not belong to this user alone");
}

#[test]
fn d55_what_killed_processes_left_unfinished_is_removed_when_told_to() {
    let home = Home::new();
    home.add("shop");
    let left = home.orkee().join(".orkee-0123456789abcdef.part");
    let busy = home.orkee().join(".orkee-0123456789abcdeX.part");
    let others = home.orkee().join("part");
    for path in [&left, &busy, &others] {
        fs::write(path, "half").unwrap();
        set_mode(path, 0o600);
    }
    let writing = File::open(&busy).unwrap();
    writing.lock().unwrap();
    is(&check(&home.json(["doctor"]), "leftovers"), "warning", "1 file that a killed process left");
    let mended = home.json(["doctor", "--fix"]);
    assert_eq!(mended["mended"].as_array().unwrap().len(), 1, "{mended:#}");
    assert_eq!((left.exists(), busy.exists(), others.exists()), (false, true, true));
}

#[test]
fn d56_settings_and_databases_that_cannot_be_read_keep_nothing_else_from_being_looked_at() {
    let home = Home::new();
    home.add("shop");
    let root = home.orkee();
    let config = root.join("config.toml");
    for (text, told) in [
        ("[cloud\n", "config.toml is not valid TOML: TOML parse error at line 1"),
        ("[cloud]\nsync_interval = 0\n", "cloud.sync_interval in config.toml"),
        ("[cloud]\nauto_sync = \"perhaps\"\n", "which is not true or false"),
    ] {
        fs::write(&config, text).unwrap();
        set_mode(&config, 0o600);
        let found = home.run(["doctor", "--json"]).exits(1).json();
        is(&checks(&found, "settings")[0], "failed", told);
        is(&check(&found, "database"), "ok", "1 project");
        is(&check(&found, "files"), "ok", "yours alone");
        let ran = home.run(["doctor"]).exits(1);
        assert!(!ran.stdout.contains(" | ") && !ran.stdout.contains("^"), "a line each: {ran}");
    }
    fs::remove_file(&config).unwrap();

    let database = rusqlite::Connection::open(root.join("orkee.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let found = home.run(["doctor", "--json"]).exits(1).json();
    is(&check(&found, "database"), "failed", "999");
    is(&check(&found, "disk"), "ok", "free");

    fs::write(root.join("orkee.db"), "a letter").unwrap();
    let found = home.run(["doctor", "--json"]).exits(1).json();
    is(&check(&found, "database"), "failed", "");
    assert_eq!(fs::read(root.join("orkee.db")).unwrap(), b"a letter");
}

#[test]
fn d57_a_log_that_cannot_be_written_is_told() {
    let home = Home::new();
    home.add("shop");
    is(&check(&home.json(["doctor"]), "log"), "ok", "No log yet");
    fs::write(home.orkee().join("logs"), "in its place").unwrap();
    set_mode(&home.orkee().join("logs"), 0o600);
    is(&check(&home.json(["doctor"]), "log"), "warning", "the log cannot be written");
    fs::remove_file(home.orkee().join("logs")).unwrap();
    symlink("/nowhere/at/all", home.orkee().join("logs")).unwrap();
    is(&check(&home.json(["doctor"]), "log"), "warning", "the log cannot be written");
}

#[test]
fn d58_a_sign_in_that_has_ended_or_lies_in_a_keyring_that_is_not_there_is_told() {
    let server = Mock::start(|_| Answer::json(200, &serde_json::json!({"status": "ok", "version": "1.2.3"})));
    let device = Device::new(&server.url);
    device.add("shop");
    is(&check(&device.json(&["doctor"]), "sign-in"), "skipped", "not signed in");
    assert_eq!(server.connections(), 0, "nothing shows that the server is in use");
    for (expires, refresh, state, told) in [
        (-60, None, "failed", "expired at "),
        (-60, Some("orkee_canary"), "ok", "is renewed with the next request"),
        (3600, None, "warning", "cannot be renewed"),
        (3600, Some("orkee_canary"), "ok", "is renewed by itself"),
    ] {
        device.write_auth(&device.section("orkee_canary", expires, refresh));
        let ran = device.run(&["doctor", "--json"]);
        assert!(!format!("{ran}").contains("canary"), "{ran}");
        is(&check(&ran.json(), "sign-in"), state, told);
    }
    let asked = server.requests();
    assert!(asked.iter().all(|request| request.target == "/health" && request.method == "GET"), "{asked:?}");
    assert!(asked.iter().all(|request| request.header("authorization").is_none()), "{asked:?}");

    let mut command = device.orkee(&["doctor", "--json"]);
    command.env("ORKEE_AUTH_STORE", "keyring").env("PATH", "/nowhere").env_remove("DBUS_SESSION_BUS_ADDRESS");
    let found = orkee_tests::home::finish(command, &[]).exits(1).json();
    is(&check(&found, "keyring"), "failed", "keyring");
}

#[test]
fn d59_a_provider_that_cannot_run_is_told_with_what_to_do() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &guests::manifest("notes", "1", "")));
    is(&check(&home.json(["doctor"]), "providers"), "ok", "as they were installed: 1 component");
    let grants = home.orkee().join("plugins/grants.toml");
    let good = fs::read_to_string(&grants).unwrap();
    fs::write(&grants, good.replace("sha256", "sha257")).unwrap();
    let found = home.run(["doctor", "--json"]).exits(1).json();
    is(&check(&found, "providers"), "failed", "grants.toml");
}

#[test]
fn d59a_automatic_syncs_are_told_with_their_watcher_their_service_and_why_they_wait() {
    let mut home = Home::new();
    home.add("shop");
    is(&check(&home.json(["doctor"]), "automatic-sync"), "ok", "is off");
    let run = home.orkee().join("run");
    fs::create_dir(&run).unwrap();
    set_mode(&run, 0o700);
    let write = |name: &str, text: &str| {
        fs::write(run.join(name), text).unwrap();
        set_mode(&run.join(name), 0o600);
    };
    let unit = home.path("systemd/user/orkee-sync.service");
    fs::create_dir_all(unit.parent().unwrap()).unwrap();
    home.set("XDG_CONFIG_HOME", home.path("")).set("ORKEE_CLOUD_AUTO_SYNC", "true");
    is(&check(&home.json(["doctor"]), "automatic-sync"), "ok", "on, with each command");
    fs::write(&unit, format!("Environment=ORKEE_HOME={}\n", home.orkee().display())).unwrap();
    is(&check(&home.json(["doctor"]), "automatic-sync"), "warning", "no watcher runs, though a service");
    fs::write(&unit, "Environment=ORKEE_HOME=/elsewhere\n").unwrap();
    is(&check(&home.json(["doctor"]), "automatic-sync"), "ok", "on, with each command");
    write("watch.lock", "");
    let watcher = File::open(run.join("watch.lock")).unwrap();
    watcher.lock().unwrap();
    let told = format!("a watcher runs (process {})", std::process::id());
    is(&check(&home.json(["doctor"]), "automatic-sync"), "ok", &told);

    let failed = serde_json::json!({"places": {" http://127.0.0.1:9": {
        "code": "E-NET-001", "message": "cannot reach http://127.0.0.1:9", "hint": "check the connection",
        "at": "2026-03-01T09:30:00Z", "failures": 3, "not_before": "2200-03-01T09:40:00Z", "needs_answer": false,
    }}});
    write("pause.json", &failed.to_string());
    let found = home.json(["doctor"]);
    let [_, waits] = &checks(&found, "automatic-sync")[..] else { panic!("{found:#}") };
    is(waits, "warning", "failed at 2026-03-01 09:30 UTC: cannot reach http://127.0.0.1:9 (E-NET-001)");
    is(waits, "warning", "no automatic one begins before 2200-03-01 09:40 UTC");
    write("pause.json", "{\"places\": half");
    let found = home.json(["doctor"]);
    is(&checks(&found, "automatic-sync")[1], "warning", "cannot be read");
    assert_eq!(home.json(["doctor", "--fix"])["mended"].as_array().unwrap().len(), 1);
    assert!(!run.join("pause.json").exists());
}

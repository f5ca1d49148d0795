//! Installing a provider: from where, what is shown and asked, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};

use orkee_core::plugin::pack;
use orkee_tests::guests::{self, manifest};
use orkee_tests::home::Home;
use orkee_tests::provider::{self, installed, run, the_one, words};
use orkee_tests::terminal::Terminal;
use orkee_tests::tls::{Page, TlsServer};
use serde_json::json;

/// A manifest that asks for something of everything.
const MUCH: &str = r#"
name = "notes"
version = "1.2.0"
description = "Keeps projects in Notes"
publisher = "Example GmbH"
hosts = ["https://api.example.com", "https://*.example.net"]
private-network = ["http://192.168.1.10:8080"]
tenants = ["acme"]
api-url = "https://api.example.com"

[login]
kind = "token"

[limits]
memory = "128 MiB"
cpu = "10 s"

[options.folder]
about = "Where projects are kept"
default = "Orkee"
place = true
"#;

fn at_terminal(home: &Home, args: &[&str]) -> Terminal {
    let mut command = home.command(words(args));
    command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    Terminal::open(command, 80)
}

/// What is left to see: without colours, and of each line what was written last.
fn plain(seen: &str) -> String {
    let mut text = String::new();
    let mut rest = seen;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |at| at + 1);
        rest = &after[end..];
    }
    text.push_str(rest);
    let line = |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn p40_c38_install_shows_what_it_would_allow_and_only_a_yes_installs() {
    let home = Home::new();
    let file = provider::file(&home, "notes.wasm", MUCH);
    for (answer, code) in [("\n", 1), ("n\n", 1), ("y\n", 0)] {
        let mut terminal = at_terminal(&home, &["install", file.to_str().unwrap()]);
        terminal.answer("[y/N]", answer);
        let (status, seen) = terminal.finish();
        let seen = plain(&seen);
        println!("{seen}");
        assert_eq!(status.code(), Some(code), "{seen}");
        for shown in [
            "notes 1.2.0",
            "Example GmbH",
            "nothing proves it",
            "https://api.example.com",
            "https://*.example.net",
            "http://192.168.1.10:8080 (in private networks, too)",
            "a token",
            "acme",
            "memory 128 MiB",
        ] {
            assert!(seen.contains(shown), "{shown:?} is not shown: {seen}");
        }
        assert!(seen.lines().all(|line| line.chars().count() <= 80), "{seen}");
        assert_eq!(installed(&home).len(), usize::from(code == 0));
    }
    let notes = the_one(&home);
    let sha256 = notes["sha256"].as_str().unwrap();
    assert_eq!(
        notes,
        json!({
            "name": "notes",
            "version": "1.2.0",
            "roles": ["provider"],
            "source": file,
            "sha256": sha256,
            "hosts": ["https://api.example.com", "https://*.example.net", "http://192.168.1.10:8080"],
            "credentials": [{"name": "login", "kind": "token"}],
            "active": false,
            "tenants": ["acme"],
            "contract": "orkee:sync 1.0.0",
            "runs": true,
        })
    );
    let component = home.orkee().join(format!("plugins/components/{sha256}.wasm"));
    assert_eq!(fs::read(component).unwrap(), fs::read(file).unwrap());
}

#[test]
fn p40_without_a_terminal_install_names_the_command_that_would_do_it() {
    let home = Home::new();
    let file = provider::file(&home, "my notes.wasm", &manifest("notes", "1", ""));
    let ran = run(&home, &["install", file.to_str().unwrap()]).fails(2, "E-CLI-003");
    assert!(ran.stderr.contains("May reach"), "a script's log shows what was asked: {ran}");
    assert!(installed(&home).is_empty());
    let typed = ran.stderr.split('`').nth(1).unwrap();
    assert!(typed.starts_with("orkee cloud provider install ") && typed.ends_with(" --yes"), "{typed}");
    let output = home.shell(&typed.replacen("orkee", "\"$ORKEE\"", 1)).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(the_one(&home)["name"], "notes");
}

#[test]
fn p40_install_compiles_so_that_no_later_command_has_to() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "notes.wasm", &manifest("notes", "1", "")));
    let compiled = || {
        let files = fs::read_dir(home.orkee().join("cache")).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
            .collect::<Vec<_>>()
    };
    assert_eq!(compiled().len(), 1);
    // The same file again finds the code, and is agreed to already.
    let ran = run(&home, &["install", "notes.wasm"]).success();
    assert!(ran.stdout.contains("is installed already"), "{ran}");
    assert_eq!(compiled().len(), 1);
}

#[test]
fn p40_a_folder_has_to_have_one_packed_component_and_nothing_is_built() {
    let home = Home::new();
    let author = home.folder("author");
    let build = format!(
        "{}\n[build]\ncommand = [\"touch\", \"built\"]\noutput = \"built\"\n",
        manifest("notes", "1", "")
    );
    home.file("author/provider.toml", build);
    let install = || run(&home, &["install", author.to_str().unwrap(), "--yes"]);
    install().fails(2, "E-CLI-001").says("provider pack");
    home.file("author/dist/README", "");
    install().fails(2, "E-CLI-001");
    home.file("author/dist/notes-1.wasm", guests::packed(&manifest("notes", "1", "")));
    install().success();
    assert_eq!(the_one(&home)["source"], author.to_str().unwrap());
    home.file("author/dist/notes-2.wasm", guests::packed(&manifest("notes", "2", "")));
    install().fails(2, "E-CLI-001").says("2 components");
    fs::remove_file(home.path("author/dist/notes-1.wasm")).unwrap();
    run(&home, &["update", "notes", "--yes"]).success();
    assert_eq!(the_one(&home)["version"], "2");
    assert!(!home.path("author/built").exists());
}

#[test]
fn p40_an_https_url_is_asked_once_and_without_any_credential() {
    let server = TlsServer::start();
    let mut home = Home::new();
    home.set("SSL_CERT_FILE", server.authority()).set("ORKEE_CLOUD_TOKEN", "orkee_canary_0123456789");
    let file = guests::packed(&manifest("notes", "1", ""));
    let to = server.put("/v1/notes.wasm", Page::Body(file.clone()));
    let url = server.put("/latest", Page::Redirect(to));
    run(&home, &["install", &url, "--yes"]).success();
    assert_eq!(the_one(&home)["source"], url.as_str());
    let sha256 = the_one(&home)["sha256"].as_str().unwrap().to_owned();
    assert_eq!(fs::read(home.orkee().join(format!("plugins/components/{sha256}.wasm"))).unwrap(), file);
    let asked = server.asked();
    let lines: Vec<_> = asked.iter().map(|head| head.lines().next().unwrap()).collect();
    assert_eq!(lines, ["GET /latest HTTP/1.1", "GET /v1/notes.wasm HTTP/1.1"]);
    for head in &asked {
        let head = head.to_lowercase();
        assert!(
            !head.contains("canary") && !head.contains("authorization") && !head.contains("cookie"),
            "{head}"
        );
        assert!(!head.contains("referer"), "{head}");
    }
}

#[test]
fn p40_a_url_that_cannot_be_trusted_installs_nothing() {
    let server = TlsServer::start();
    let other = TlsServer::start();
    let mut home = Home::new();
    let file = Page::Body(guests::packed(&manifest("notes", "1", "")));
    let good = server.put("/notes.wasm", file.clone());
    run(&home, &["install", &good, "--yes"]).fails(6, "E-NET-006");
    assert!(server.asked().is_empty(), "nobody trusts its certificate");
    home.set("SSL_CERT_FILE", server.authority());
    let plain = good.replace("https:", "http:");
    run(&home, &["install", &plain, "--yes"]).fails(2, "E-PLUGIN-048").says("https alone");
    run(&home, &["install", &good.replace("//", "//me:canary@"), "--yes"]).fails(2, "E-PLUGIN-048");
    let refused = [
        ("/down", Page::Redirect(plain), 6, "E-PLUGIN-049", "https alone"),
        ("/round", Page::Redirect("/round".to_owned()), 6, "E-PLUGIN-049", "more than 5 times"),
        ("/beside", Page::Redirect(other.put("/notes.wasm", file)), 2, "E-NET-007", "127.0.0.1"),
        ("/gone", Page::Status(404), 6, "E-PLUGIN-049", "404"),
        ("/endless", Page::Endless(64 << 20), 2, "E-PLUGIN-007", "larger than a component may be: 32 MiB"),
        ("/page", Page::Body(b"<html>".to_vec()), 2, "E-PLUGIN-002", "no WebAssembly"),
    ];
    for (path, page, code, error, says) in refused {
        run(&home, &["install", &server.put(path, page), "--yes"]).fails(code, error).says(says);
    }
    let nobody = run(&home, &["install", "https://127.0.0.1:9/notes.wasm", "--yes"]).fails(6, "E-NET-001");
    assert!(nobody.says("check the URL").stderr.contains("other means"));
    assert!(other.asked().is_empty(), "a redirect leads to no private address");
    assert!(installed(&home).is_empty());
    run(&home, &["install", &good, "--yes"]).success();
}

#[test]
fn p40_nothing_takes_the_name_of_what_is_part_of_orkee() {
    let home = Home::new();
    for name in ["orkee-cloud", "s3", "webdav", "enterprise"] {
        let file = provider::file(&home, "taken.wasm", &manifest(name, "9", ""));
        let ran = run(&home, &["install", file.to_str().unwrap(), "--yes"]).fails(2, "E-PLUGIN-043");
        assert!(ran.stderr.contains(name), "{ran}");
    }
    assert!(installed(&home).is_empty());
}

/// Compiled code, as Orkee keeps it behind a digest of its own.
fn compiled() -> Vec<u8> {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "notes.wasm", &manifest("notes", "1", "")));
    let mut files = fs::read_dir(home.orkee().join("cache")).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|extension| extension == "cwasm")).unwrap();
    fs::read(file).unwrap().split_off(32)
}

#[test]
fn p05_p26_what_is_no_provider_is_refused_in_words_of_its_own() {
    let home = Home::new();
    let whole = guests::packed(&manifest("notes", "1", ""));
    let zeros = home.file("zeros.wasm", "");
    File::options().write(true).open(&zeros).unwrap().set_len(1 << 30).unwrap();
    home.file("empty.wasm", "");
    home.file("blank.wasm", vec![0; 1 << 20]);
    let large = home.file("large.wasm", &whole);
    File::options().write(true).open(&large).unwrap().set_len((32 << 20) + 1).unwrap();
    home.file("core.wasm", b"\0asm\x01\0\0\0");
    home.file("compiled.wasm", compiled());
    home.file("script.wasm", "#!/bin/sh\ntouch ran\n");
    home.file("cut.wasm", &whole[..whole.len() / 2]);
    home.file("unpacked.wasm", guests::plain());
    home.file("nobody.wasm", pack(b"\0asm\x0d\0\x01\0", &manifest("nobody", "1", ""), None).unwrap());
    let cut = b"\0asm\x0d\0\x01\0\x04\x01\xff";
    home.file("broken.wasm", pack(cut, &manifest("broken", "1", ""), None).unwrap());
    for (name, code, error, says) in [
        ("zeros.wasm", 2, "E-PLUGIN-002", "`zeros.wasm` cannot be loaded: it is a file of zeros"),
        ("large.wasm", 2, "E-PLUGIN-007", "`large.wasm` is larger than a component may be: 32 MiB"),
        ("empty.wasm", 2, "E-PLUGIN-002", "an empty file"),
        ("blank.wasm", 2, "E-PLUGIN-002", "a file of zeros"),
        ("core.wasm", 2, "E-PLUGIN-002", "a core WebAssembly module"),
        ("compiled.wasm", 2, "E-PLUGIN-002", "compiled code"),
        ("script.wasm", 2, "E-PLUGIN-002", "no WebAssembly"),
        ("cut.wasm", 2, "E-PLUGIN-031", "no whole component"),
        ("unpacked.wasm", 2, "E-PLUGIN-031", "no manifest"),
        ("nobody.wasm", 2, "E-PLUGIN-002", "no sync provider"),
        ("broken.wasm", 2, "E-PLUGIN-005", "cannot be loaded"),
        ("not-there.wasm", 2, "E-PLUGIN-018", "not-there.wasm"),
        ("/dev/zero", 2, "E-PLUGIN-002", "no regular file"),
    ] {
        run(&home, &["install", name, "--yes"]).fails(code, error).says(says);
    }
    run(&home, &["install", "", "--yes"]).fails(2, "E-CLI-001").says("the source is empty");
    assert!(installed(&home).is_empty());
}

#[test]
fn p06_a_component_that_wants_more_than_there_is_is_refused_with_what_it_wants() {
    let home = Home::new();
    home.file("sockets.wasm", pack(guests::sockets(), &manifest("sockets", "1", ""), None).unwrap());
    let ran = run(&home, &["install", "sockets.wasm", "--yes"]).fails(2, "E-PLUGIN-004");
    assert!(ran.stderr.contains("wasi:sockets/"), "{ran}");
    assert!(installed(&home).is_empty());
}

#[test]
fn p05_a_component_that_does_not_fit_is_refused_when_it_is_to_be_installed() {
    let home = Home::new();
    let text = manifest("notes", "1", "");
    let other = pack(&guests::named(guests::plain(), &manifest("others", "1", "")), &text, None).unwrap();
    home.file("other.wasm", other);
    let ran = run(&home, &["install", "other.wasm", "--yes"]).fails(2, "E-PLUGIN-055");
    ran.says("calls itself `others`, and its manifest `notes`");
    // In a component of another edition, the case `none` of `sign-in` has another name.
    let mut edition = guests::named(guests::plain(), &text);
    let cases = b"\x04none\x05login";
    let at = edition.windows(cases.len()).enumerate().filter(|(_, found)| *found == cases).map(|(at, _)| at);
    let at: Vec<_> = at.collect();
    assert!(!at.is_empty(), "the enum is not there");
    at.iter().for_each(|at| edition[at + 1..at + 5].copy_from_slice(b"nope"));
    home.file("edition.wasm", pack(&edition, &text, None).unwrap());
    let ran = run(&home, &["install", "edition.wasm", "--yes"]).fails(2, "E-PLUGIN-055");
    ran.says("it says that it is built for orkee:sync 1.x and is not");
    home.file(
        "dispatcher.wasm",
        pack(guests::dispatcher(), &manifest("standard-webhooks", "1", ""), None).unwrap(),
    );
    let ran = run(&home, &["install", "dispatcher.wasm", "--yes"]).fails(2, "E-HOOK-034");
    ran.says("the component is a dispatcher").says("roles = [\"dispatcher\"]");
    assert!(installed(&home).is_empty());
}

#[test]
fn p41_the_same_component_again_is_granted_again_and_what_was_granted_by_hand_stays() {
    let home = Home::new();
    let text = manifest("notes", "2", "hosts = [\"https://a.example\"]\ntenants = [\"acme\"]");
    let file = provider::file(&home, "two  spaces/notes.wasm", &text);
    provider::install(&home, &file);
    assert_eq!(the_one(&home)["source"], json!(file));
    run(&home, &["revoke", "notes"]).success();
    run(&home, &["grant", "notes", "https://mine.example"]).success();
    fs::remove_dir_all(home.orkee().join("plugins/components")).unwrap();
    let ran = run(&home, &["update", "notes", "--yes"]).success();
    assert!(ran.stdout.contains("notes 2 is granted again") && !ran.stderr.contains("rollback"), "{ran}");
    assert_eq!(the_one(&home)["hosts"], json!(["https://a.example", "https://mine.example"]));
    // Another one that claims the same tenant is installed with a word about that, and without a command that would not work.
    let rival = provider::file(&home, "rival.wasm", &manifest("rival", "1", "tenants = [\"acme\"]"));
    let ran = run(&home, &["install", rival.to_str().unwrap(), "--yes"]).success();
    assert!(
        ran.stderr.contains("acme is claimed by notes already") && !ran.stderr.contains("To use it"),
        "{ran}"
    );
}

#[test]
fn p41_an_update_shows_the_sign_in_and_the_api_url_that_go() {
    let home = Home::new();
    let login = "api-url = \"https://old.example\"\n[login]\nkind = \"oauth\"\nissuer = \"https://id.example\"\nclient-id = \"c7\"\nscopes = [\"read\", \"write\"]";
    let file = provider::file(&home, "notes.wasm", &manifest("notes", "1", login));
    let ran = run(&home, &["install", file.to_str().unwrap(), "--yes"]).success();
    assert!(ran.stderr.contains("as the client c7 for read"), "{ran}");
    let file =
        provider::file(&home, "next.wasm", &manifest("notes", "2", "api-url = \"https://new.example\""));
    let ran = run(&home, &["install", file.to_str().unwrap(), "--yes"]).success();
    for shown in
        ["- in the browser", "- the API URL: https://old.example", "+ the API URL: https://new.example"]
    {
        assert!(ran.stderr.contains(shown), "{shown}: {ran}");
    }
    assert!(!ran.stderr.contains("+ none"), "{ran}");
}

#[test]
fn p42_a_manifest_that_is_not_understood_is_refused_with_what_was_meant() {
    let home = Home::new();
    // What `pack` refuses to pack, somebody may have packed by other means.
    let packed = |manifest: &str| {
        let section = [&[14], &b"orkee:manifest"[..], manifest.as_bytes()].concat();
        let length = [section.len() as u8 & 0x7f | 0x80, (section.len() >> 7) as u8];
        [&guests::named(guests::plain(), "name = \"notes\"")[..], &[0], &length, &section].concat()
    };
    for (more, says, hint) in [
        ("hots = [\"https://a.example\"]", "`hots`: there is no such key", "write `hosts`"),
        ("[login]\nkind = \"token\"\nisuer = \"x\"", "line 5, `login.isuer`", ""),
        ("hosts = [\"*\"]", "line 3, `hosts`", ""),
        ("hosts = [\"https://*example.com\"]", "`*`", "write `https://*.example.com`"),
        ("hosts = [\"https://a.example/path\"]", "a path", "write `https://a.example`"),
        ("hosts = [\"http://a.example\"]", "plain http", "write `https://a.example`"),
        ("[limits]\nmemory = \"9 GiB\"", "`limits.memory`", ""),
        ("name = 7", "line 3", ""),
    ] {
        home.file("odd.wasm", packed(&manifest("notes", "1", more)));
        let ran = run(&home, &["install", "odd.wasm", "--yes"]).exits(2);
        assert!(ran.stderr.starts_with("error[E-PLUGIN-030]: the manifest"), "{ran}");
        assert!(ran.stderr.contains(says) && ran.stderr.contains(hint), "{more}: {ran}");
    }
    home.file("even.wasm", packed(&manifest("notes", "1", "")));
    run(&home, &["install", "even.wasm", "--yes"]).success();
}

#[test]
fn p41_a_name_that_is_part_of_orkee_is_refused_before_anything_is_built() {
    let home = Home::new();
    run(&home, &["new", "s3", "--lang", "python"]).fails(2, "E-PLUGIN-043").says("give yours another name");
    assert!(!home.path("s3").exists());
    home.file(
        "mine/provider.toml",
        manifest("webdav", "1", "[build]\ncommand = [\"false\"]\noutput = \"x\""),
    );
    run(&home, &["pack", "mine"]).fails(2, "E-PLUGIN-043").says("give yours another name");
}

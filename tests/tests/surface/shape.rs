//! What may not change under a script: the keys of JSON, and what a code of an error means.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use orkee_tests::device::Device;
use orkee_tests::server::Server;
use serde_json::Value;

use super::golden;

/// Every key of a document with what it holds, a line each; what is in a list counts once.
fn keys(command: &str, at: &str, value: &Value, lines: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    lines.insert(format!("{command}\t{at}\t{kind}"));
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(command, &format!("{at}[]"), item, lines)),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| keys(command, &format!("{at}.{name}"), field, lines));
        }
        _ => {}
    }
}

/// A device in step with a server, on which a little has happened.
fn device(server: &Server) -> Device {
    let device = Device::with_token(&server.url, &server.token());
    device.import(r#"{"version":1,"projects":[{"id":"Ab12Cd34","name":"shop","description":"sells","status":"building","tags":["web"]}]}"#);
    device.sync();
    device.edit("Ab12Cd34", "--description", "sells more");
    device
}

#[test]
fn c22_the_keys_of_every_json_document_are_those_of_the_golden_file() {
    let server = Server::start();
    let device = device(&server);
    let hook = "https://hooks.example.com/a";
    let commands: &[&[&str]] = &[
        &["projects", "list"],
        &["projects", "show", "shop"],
        &["projects", "edit", "shop", "--add-tag", "x"],
        &["projects", "history", "shop"],
        &["projects", "locate", "shop", "."],
        &["projects", "export", "--output", "out.json"],
        &["projects", "import", "out.json", "--dry-run"],
        &["projects", "scan", ".", "--dry-run"],
        &["projects", "revert", "shop", "--to", "1"],
        &["projects", "delete", "shop", "--yes"],
        &["projects", "restore", "Ab12Cd34"],
        &["undo", "--list"],
        &["audit"],
        &["audit", "verify"],
        &["config", "list"],
        &["config", "get", "cloud.api_url"],
        &["config", "set", "history.days", "90"],
        &["config", "unset", "history.days"],
        &["help", "projects", "list"],
        &["completions", "bash"],
        &["doctor", "--offline"],
        &["cloud", "status"],
        &["cloud", "sync", "--dry-run"],
        &["cloud", "sync"],
        &["cloud", "list", "--show-devices"],
        &["cloud", "conflicts"],
        &["cloud", "parked"],
        &["cloud", "restore", "--dry-run"],
        &["cloud", "key", "show", "--offline"],
        &["cloud", "provider", "list"],
        &["cloud", "provider", "info", "s3"],
        &["cloud", "provider", "grants"],
        &["cloud", "webhook", "add", hook, "--local"],
        &["cloud", "webhook", "list", "--local"],
        &["cloud", "webhook", "show", hook],
        &["cloud", "webhook", "deliveries", "--local"],
        &["cloud", "webhook", "remove", hook, "--yes"],
    ];
    let mut now = BTreeSet::new();
    for args in commands {
        let document = device.run(&[*args, &["--json"]].concat()).success().json();
        let command =
            args.iter().take_while(|arg| !arg.starts_with('-')).copied().collect::<Vec<_>>().join(" ");
        keys(&command, "", &document, &mut now);
    }
    let error = device.run(&["projects", "show", "nothing", "--json"]).exits(2).json();
    keys("an error", "", &error, &mut now);
    let known = golden::read("json-keys.txt");
    let gone: Vec<&str> =
        known.lines().filter(|line| !now.contains(*line) && !line.ends_with("\tnull")).collect();
    assert!(
        gone.is_empty() || golden::is_refreshed(),
        "keys that scripts may rely on are gone, or hold something else: {gone:#?}"
    );
    golden::is("json-keys.txt", &now.iter().map(|line| format!("{line}\n")).collect::<String>());
}

/// The sources of what can fail, tests left out.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["cli/src", "core/src", "kit/src"].iter().map(|name| root.join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true if name != "tests" => folders.push(path),
                false if name.ends_with(".rs") && !name.contains("tests") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// The codes in a source, each with the errors that have it.
fn codes(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (at, _) in text.match_indices("\"E-") {
        let code: String =
            text[at + 1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        if code.len() < 7 || !code.ends_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let before = text[..at].trim_end();
        let names = found.entry(code).or_default();
        let Some(pattern) = before
            .strip_suffix("=>")
            .or_else(|| before.strip_suffix('{').and_then(|arm| arm.trim_end().strip_suffix("=>")))
        else {
            names.insert("itself".to_owned());
            continue;
        };
        // The pattern begins where the arm before it ended.
        let begin = pattern.rfind(" match ").max(pattern.rfind("\",")).unwrap_or(0);
        let arm = pattern[begin..].rsplit("=>").next().unwrap();
        // What stands behind the `if` of a pattern is none.
        for name in arm.split(" if ").next().unwrap().split("Self::").skip(1) {
            names.insert(name.chars().take_while(|c| c.is_alphanumeric()).collect());
        }
        if !arm.contains("Self::") {
            names.extend(paths(arm));
        }
        if matches!(arm.trim_start_matches(['"', ',']).trim(), "_" | "None") {
            names.insert("all others".to_owned());
        }
    }
    found
}

/// What a pattern names that is of another type: `Failure::Refused`.
fn paths(pattern: &str) -> impl Iterator<Item = String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    pattern.match_indices("::").filter_map(move |(at, _)| {
        let (before, after) = (&pattern[..at], &pattern[at + 2..]);
        let of = before.rsplit(|c| !is_word(c)).next()?;
        let name = after.split(|c| !is_word(c)).next()?;
        let is_variant = [of, name].iter().all(|word| word.starts_with(|c: char| c.is_uppercase()));
        is_variant.then(|| format!("{of}::{name}"))
    })
}

#[test]
fn c14_every_code_means_what_the_golden_file_says_and_one_thing_only() {
    let mut lines = BTreeSet::new();
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources() {
        for (code, names) in codes(&fs::read_to_string(&path).unwrap()) {
            // What a comment or a comparison names is none.
            if names.is_empty() {
                continue;
            }
            let names: Vec<String> = names.into_iter().collect();
            lines.insert(format!("{code}\t{}\n", names.join(" ")));
            files.entry(code).or_default().insert(path.display().to_string());
        }
    }
    assert!(files.len() > 200, "{}", files.len());
    golden::is("error-codes.txt", &lines.into_iter().collect::<String>());
}

use super::*;
use crate::plugin::manifest::Manifest;
use crate::plugin::package::PublisherKey;
use crate::plugin::registry::ComponentDigest;

const MUCH: &str = r#"
name = "notes"
version = "1.2.0"
description = "Says \"yes\" & more"
publisher = "Example GmbH"
roles = ["provider", "dispatcher"]
hosts = ["https://api.example.com", "https://*.example.net:8443"]
private-network = ["http://192.168.1.10:8080"]
tenants = ["acme", "a.b-c"]
api-url = "https://api.example.com/v1"

[limits]
memory = "128 MiB"
cpu = "1500 ms"
host-calls = 5000

[options.region]
about = "Where"
required = true

[options.bucket]
default = "orkee"
place = true
"#;

fn release(manifest: &str) -> Release {
    Release {
        granted: Manifest::parse(manifest).unwrap(),
        sha256: ComponentDigest::of(manifest.as_bytes()),
        source: "https://example.com/notes.wasm".to_owned(),
        installed: "2026-01-31T09:30:00.123Z".parse().unwrap(),
    }
}

#[test]
fn p41_what_is_written_is_read_again_whatever_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.toml");
    let logins = [
        "",
        "[login]\nkind = \"token\"",
        "[login]\nkind = \"password\"",
        "[login]\nkind = \"oauth\"",
        "[login]\nkind = \"oauth\"\nissuer = \"https://id.example\"\nclient-id = \"c\"\nscopes = [\"a\", \"b\"]",
        "[login]\nkind = \"aws-keys\"\nservice = \"s3\"",
    ];
    for login in logins {
        let key = PublisherKey::from_pem(PublisherKey::generate().unwrap().expose()).unwrap().public();
        let much = release(&format!("{MUCH}\n{login}"));
        let bare = release("name = \"bare\"\nversion = \"0\"");
        let plugins: Plugins = [
            Installed { key: Some(key), previous: Some(bare_as_notes()), current: much },
            Installed { key: None, previous: None, current: bare },
        ]
        .map(|installed| (installed.name().clone(), installed))
        .into();
        write(&path, &plugins).unwrap();
        assert_eq!(read(&path).unwrap(), plugins, "{}", fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn p41_a_source_is_read_exactly_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.toml");
    for source in [
        "/home/ada/two  spaces/notes.wasm".to_owned(),
        "/line\nbreak/\u{1b}[31m\u{202e}".to_owned(),
        "ü".repeat(2048),
    ] {
        let one = Release { source: source.clone(), ..release("name = \"notes\"\nversion = \"1\"") };
        let installed = Installed { key: None, previous: None, current: one };
        write(&path, &[(installed.name().clone(), installed)].into()).unwrap();
        assert_eq!(read(&path).unwrap().values().next().unwrap().current.source, source);
    }
}

#[test]
fn p41_a_grants_file_of_another_user_is_refused() {
    assert_eq!(check_owner(1000, 1000), Ok(()));
    assert_eq!(check_owner(1001, 1000), Err("it belongs to another user (uid 1001)".to_owned()));
}

fn bare_as_notes() -> Release {
    release("name = \"notes\"\nversion = \"0\"")
}

#[test]
fn p41_two_plugins_of_one_name_are_no_plugin() {
    let one = "[plugins.notes.current]\nversion = \"1\"\n";
    let error = parse(&format!("{one}{one}")).unwrap_err();
    assert!(error.what.contains("not TOML") && error.line == Some(3), "{error:?}");
    let error = parse("[plugins.Notes.current]\nversion = \"1\"\n").unwrap_err();
    assert!(error.what.contains("no name"), "{error:?}");
}

#[test]
fn p41_a_missing_value_is_told_with_where_it_would_be() {
    let error = parse("\n\n[plugins.notes.current]\nsource = \"x\"\n").unwrap_err();
    assert_eq!((error.key.as_str(), error.line), ("plugins.notes.current.sha256", Some(4)));
    let error = parse("[plugins.notes]\nkey = \"ed25519:abc\"\n").unwrap_err();
    assert_eq!((error.key.as_str(), error.line), ("plugins.notes.key", Some(2)));
}

#[test]
fn without_a_file_nothing_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(&folder.path().join("grants.toml")).unwrap().is_empty());
    assert!(read(&folder.path().join("not/there/grants.toml")).unwrap().is_empty());
    assert!(matches!(read(folder.path()), Err(RegistryError::Io { .. })));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[plugins\\.[a-z]{1,3}(\\.current)?\\]\n)?[a-z]{0,8} ?=? ?[\"\\[{]?.{0,40}") {
        let _ = parse(&text);
    }
}

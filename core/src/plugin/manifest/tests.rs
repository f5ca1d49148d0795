use super::*;

const WHOLE: &str = r#"
name = "notes"
version = "1.2.0"
description = "Keeps projects in Notes"
publisher = "Example GmbH"
hosts = ["https://api.example.com", "https://*.cdn.example.com"]
private-network = ["http://nas.local:5000"]
tenants = ["acme"]
api-url = "https://api.example.com/v1"

[login]
kind = "oauth"
issuer = "https://id.example.com"
client-id = "notes"
scopes = ["sync"]

[limits]
memory = "128 MiB"
host-calls = 5000

[options.folder]
about = "The folder's name"
default = "orkee"
place = true
"#;

fn refused(text: &str) -> ManifestError {
    Manifest::parse(text).unwrap_err()
}

/// The whole manifest with one line changed.
fn changed(from: &str, to: &str) -> ManifestError {
    assert!(WHOLE.contains(from), "{from}");
    refused(&WHOLE.replace(from, to))
}

#[test]
fn a_manifest_says_all_that_there_is_to_ask_for() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    let hosts: Vec<_> = manifest.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["https://api.example.com", "https://*.cdn.example.com", "http://nas.local:5000"]);
    assert_eq!(manifest.name.as_str(), "notes");
    assert!(
        matches!(&manifest.login, Some(LoginKind::Oauth { issuer: Some(i), .. }) if i.to_string() == "https://id.example.com")
    );
    assert_eq!(manifest.limits.memory, Some(128 << 20));
    assert_eq!(manifest.options["folder"].default.as_deref(), Some("orkee"));
    assert!(manifest.options["folder"].place);
}

#[test]
fn name_and_version_are_enough() {
    let manifest = Manifest::parse("name = \"a\"\nversion = \"1\"").unwrap();
    assert!(manifest.login.is_none() && manifest.hosts.is_empty() && manifest.options.is_empty());
}

#[test]
fn a_plugin_is_a_provider_unless_its_manifest_says_otherwise() {
    let roles = |line: &str| Manifest::parse(&format!("name = \"a\"\nversion = \"1\"\n{line}"));
    assert_eq!(roles("").unwrap().roles, Roles::Provider);
    assert_eq!(roles("roles = [\"dispatcher\"]").unwrap().roles, Roles::Dispatcher);
    assert_eq!(roles("roles = [\"dispatcher\", \"provider\"]").unwrap().roles, Roles::Both);
    assert_eq!(roles("roles = [\"dispacher\"]").unwrap_err().instead.as_deref(), Some("[\"dispatcher\"]"));
    assert!(roles("roles = []").unwrap_err().what.contains("at least one"));
    for asked in [
        "hosts = [\"https://a.example\"]",
        "tenants = [\"acme\"]",
        "api-url = \"https://a.example\"",
        "[login]\nkind = \"token\"",
    ] {
        let error = roles(&format!("roles = [\"dispatcher\"]\n{asked}")).unwrap_err();
        assert!(error.what.contains("signs in nowhere"), "{error}");
    }
}

#[test]
fn p42_an_unknown_key_is_an_error_with_a_suggestion() {
    for (from, to, key, line, instead) in [
        ("publisher", "publischer", "publischer", 5, Some("publisher")),
        ("hosts", "host", "host", 6, Some("hosts")),
        ("kind", "kynd", "login.kind", 12, None),
        ("issuer", "isuer", "login.isuer", 13, Some("issuer")),
        ("memory", "memmory", "limits.memmory", 18, Some("memory")),
        ("place", "plaze", "options.folder.plaze", 24, Some("place")),
        ("tenants", "zzz", "zzz", 8, None),
    ] {
        let error = changed(from, to);
        assert_eq!(error.key, key, "{error}");
        assert_eq!(error.line.unwrap_or(0), line, "{error}");
        assert_eq!(error.instead.as_deref(), instead, "{error}");
    }
}

#[test]
fn p11_a_host_outside_the_grammar_is_refused_with_the_corrected_one() {
    for (to, instead) in [
        ("\"*\"", None),
        ("\"https://*\"", None),
        ("\"https://*.com\"", None),
        ("\"https://api.example.com/path\"", Some("https://api.example.com")),
        ("\"http://api.example.com\"", Some("https://api.example.com")),
        ("\"api.example.com\"", Some("https://api.example.com")),
    ] {
        let error = changed("\"https://api.example.com\", \"https://*.cdn.example.com\"", to);
        assert_eq!((error.key.as_str(), error.line), ("hosts", Some(6)), "{error}");
        assert_eq!(error.instead.as_deref(), instead, "{error}");
    }
}

#[test]
fn what_is_no_manifest_is_refused_in_words_of_its_own() {
    for (text, words) in [
        ("", "`name`: it is missing"),
        ("name = \"a\"", "`version`: it is missing"),
        ("name = 7", "it has to be a text"),
        ("name = \"A\"\nversion = \"1\"", "is no name"),
        ("name = \"../up\"\nversion = \"1\"", "is no name"),
        ("name = \"components\"\nversion = \"1\"", "keeps for itself"),
        ("name = \"a\u{1b}[31m\"", "is not TOML"),
        ("name = \"a\\u001b[31m\"\nversion = \"1\"", "without control characters"),
        ("name = ", "line 1: it is not TOML"),
        ("name = \"a\"\nversion = \"1\"\nhosts = [1]", "a list of at most 64 texts"),
        ("name = \"a\"\nversion = \"1\"\nlogin = \"oauth\"", "it has to be a table"),
        ("name = \"a\"\nversion = \"1\"\n[login]\nkind = \"magic\"", "it has to be `oauth`, `token`"),
        (
            "name = \"a\"\nversion = \"1\"\n[login]\nkind = \"aws-keys\"\nservice = \"s3\"",
            "needs the option `region`",
        ),
        ("name = \"a\"\nversion = \"1\"\n[limits]\nmemory = \"9 GiB\"", "at most"),
        ("name = \"a\"\nversion = \"1\"\n[limits]\ncpu = \"soon\"", "such as `10 s`"),
        ("name = \"a\"\nversion = \"1\"\napi-url = \"http://api.example.com\"", "plain http"),
        ("name = \"a\"\nversion = \"1 – verified by Orkee\"", "at most 40 letters"),
        (
            "name = \"a\"\nversion = \"1\"\ntenants = [\"x;touch$IFS/tmp/y;\"]",
            "is no tenant that can be claimed",
        ),
        ("name = \"a\"\nversion = \"1\"\ntenants = [\"\u{430}cme\"]", "is no tenant that can be claimed"),
        (
            "name = \"a\"\nversion = \"1\"\n[login]\nkind = \"oauth\"\nissuer = \"https://api.orkee.ai\"",
            "a client id of its own",
        ),
        ("name = \"a\"\nversion = \"1\"\n[login]\nkind = \"aws-keys\"\nservice = \"sts\"", "for `s3` alone"),
        ("name = \"a\"\nversion = \"1\"\nenv-token = true", "there is none"),
        ("name = \"a\"\nversion = \"1\"\n[options.\"a b\"]", "no name of an option"),
    ] {
        let error = refused(text);
        assert!(error.to_string().contains(words), "{text}\n{error}");
    }
    assert!(refused(&"#".repeat(70_000)).to_string().contains("65536 bytes"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".*") {
        let _ = Manifest::parse(&text);
    }

    #[test]
    fn no_value_makes_the_reader_panic(key in "[a-z-]{1,12}", value in "(\"[^\"]*\"|[0-9]+|\\[\\]|\\{\\})") {
        let _ = Manifest::parse(&format!("name = \"a\"\nversion = \"1\"\n{key} = {value}"));
    }
}

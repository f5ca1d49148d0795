use super::*;

const GOOD: &str = r#"name = "Acme Inc."
default_role = "read-only"

[[identity_provider]]
id = "okta"
name = "Okta"
issuer = "https://acme.okta.example/"
client_id = "0oa1"
scopes = ["openid", "email", "groups"]

[[identity_provider]]
id = "entra"
name = "Entra"
issuer = "http://127.0.0.1:9"
client_id = "c"
audience = "https://api.example.com"
token = "direct"
groups_claim = "https://acme.example/groups"
trust_email = true

[groups]
"engineering" = "member"
"it admins" = "owner"

[policy]
encryption = "required"
sign_in_lifetime = 28800
api_origins = ["https://API.example.com:443"]
providers = [
    { name = "enterprise" },
    { name = "notes", sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
]
"#;

#[test]
fn a_complete_file_is_read_and_kept_as_json() {
    let settings = read(GOOD).unwrap();
    assert_eq!(settings.identity_providers[0].issuer, "https://acme.okta.example/", "letter for letter");
    assert_eq!(settings.identity_providers[0].token, TokenUse::Exchange);
    assert_eq!(settings.identity_providers[0].groups_claim, "groups");
    assert_eq!(settings.identity_providers[1].token, TokenUse::Direct);
    assert_eq!(settings.policy.api_origins.as_deref(), Some(&["https://api.example.com".to_owned()][..]));
    let kept = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&kept).unwrap(), settings);
}

#[test]
fn the_best_of_somebodys_groups_counts_and_those_without_one_get_the_default() {
    use crate::storage::Role;
    let mut settings = read(GOOD).unwrap();
    assert_eq!(settings.role(&["other", "it admins", "engineering"]), Some(Role::Owner));
    assert_eq!(settings.role(&["engineering"]), Some(Role::Member));
    assert_eq!(settings.role(&["Engineering"]), Some(Role::ReadOnly), "groups are told apart by case");
    settings.default_role = None;
    assert_eq!(settings.role(&[]), None);
}

/// A small file with one more line at the end of its provider, which is line 6.
fn with(line: &str) -> Result<Settings, Wrong> {
    read(&format!(
        "name = \"A\"\n[[identity_provider]]\nid = \"a\"\nname = \"A\"\nclient_id = \"c\"\n{line}\n"
    ))
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let issuer = "issuer = \"https://a.example\"";
    assert!(with(issuer).is_ok());
    for (line, at, what) in [
        ("issuer = \"http://a.example\"", 6, "plain http"),
        ("issuer = \"https://u:canary@a.example\"", 6, "user name"),
        ("issuer = \"https://a.example?x=1\"", 6, "query"),
        ("issuer = \"ldap://a.example\"", 6, "scheme"),
        ("issuer = \"\"", 6, "URL"),
        ("issuer = 7", 6, "string"),
        (&format!("{issuer}\nisuer = \"x\""), 7, "unknown field `isuer`"),
        (&format!("{issuer}\ntoken = \"magic\""), 7, "exchange"),
        (&format!("{issuer}\ntoken = \"direct\""), 3, "needs an audience"),
        (&format!("{issuer}\nscopes = [\"email\"]"), 7, "openid"),
        (&format!("{issuer}\nscopes = [\"openid\", \"a b\"]"), 7, "without spaces"),
        (&format!("{issuer}\naudience = \"a\\u0007\""), 7, "ASCII"),
        (&format!("{issuer}\n[groups]\n\n\"dev\" = \"admin\""), 9, "owner, member or read-only"),
        (&format!("{issuer}\n[groups]\n\"dev\" = 7"), 8, "string"),
        (&format!("{issuer}\n[policy]\nsign_in_lifetime = 59"), 8, "from 60"),
        (&format!("{issuer}\n[policy]\nsign_in_lifetime = -1"), 8, ""),
        (&format!("{issuer}\n[policy]\nsign_in_lifetime = \"8h\""), 8, "string"),
        (&format!("{issuer}\n[policy]\nencryption = \"yes\""), 8, "required"),
        (&format!("{issuer}\n[policy]\nencrypt = \"required\""), 8, "unknown field `encrypt`"),
        (&format!("{issuer}\n[policy]\napi_origins = [\"http://a.example\"]"), 8, "https://"),
        (&format!("{issuer}\n[policy]\napi_origins = []"), 8, "leave it out"),
        (&format!("{issuer}\n[policy]\nproviders = [{{ name = \"x\", sha256 = \"ABC\" }}]"), 8, "64 digits"),
        (&format!("{issuer}\n[policy]\nproviders = [{{ nmae = \"x\" }}]"), 8, "nmae"),
        (
            &format!(
                "{issuer}\n[[identity_provider]]\nid = \"a\"\nname = \"B\"\nissuer = \"https://b.example\"\nclient_id = \"c\""
            ),
            8,
            "this id",
        ),
        (
            &format!(
                "{issuer}\n[[identity_provider]]\nid = \"b\"\nname = \"B\"\nissuer = \"https://a.example\"\nclient_id = \"c\""
            ),
            10,
            "this issuer",
        ),
        ("issuer = ", 6, ""),
    ] {
        let wrong = with(line).unwrap_err();
        assert!(wrong.line == at && wrong.what.contains(what), "{line}: {wrong}");
        assert!(!wrong.to_string().contains("canary"));
    }
    for (text, what) in [
        ("", "name"),
        ("name = \"A\"", "identity_provider"),
        ("name = \"\"\n[[identity_provider]]", "id"),
        ("\u{0}", ""),
        ("[policy]\n[policy]", ""),
    ] {
        assert!(read(text).unwrap_err().what.contains(what), "{text}");
    }
    assert!(read(&" ".repeat(MAX_BYTES + 1)).unwrap_err().what.contains("bytes"));
    for id in ["", "A", "a b", "../x", "-a", &"a".repeat(33)] {
        let text = GOOD.replace("id = \"okta\"", &format!("id = {id:?}"));
        assert_eq!(read(&text).unwrap_err().line, 5, "{id}");
    }
}

#[test]
fn a_tenants_name_can_stand_in_an_address() {
    for good in ["acme", "acme-2.eu", "a_b", &"a".repeat(64)] {
        assert!(tenant_name(good).is_ok(), "{good}");
    }
    for bad in ["", "Acme", "-acme", ".acme", "a/b", "a b", "ä", "a%2f", &"a".repeat(65)] {
        assert!(tenant_name(bad).is_err(), "{bad}");
    }
}

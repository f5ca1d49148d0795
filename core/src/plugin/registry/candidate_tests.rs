use super::*;

fn manifest(more: &str) -> Manifest {
    Manifest::parse(&format!("name = \"notes\"\nversion = \"1\"\n{more}")).unwrap()
}

fn wider(old: &str, new: &str) -> bool {
    Difference::between(&manifest(old), &manifest(new)).is_wider()
}

#[test]
fn p41_less_or_the_same_passes_and_more_or_another_thing_does_not() {
    let token = "[login]\nkind = \"token\"";
    let issuer =
        |host: &str| format!("[login]\nkind = \"oauth\"\nissuer = \"https://{host}\"\nclient-id = \"notes\"");
    for (old, new, is_wider) in [
        ("", "", false),
        ("", "hosts = [\"https://a.example\"]", true),
        ("hosts = [\"https://a.example\"]", "", false),
        (
            "hosts = [\"https://*.a.example\"]",
            "hosts = [\"https://x.a.example\", \"https://*.y.a.example\"]",
            false,
        ),
        ("hosts = [\"https://*.a.example\"]", "hosts = [\"https://a.example\"]", true),
        ("hosts = [\"https://x.a.example\"]", "hosts = [\"https://*.a.example\"]", true),
        ("hosts = [\"https://*.a.example\"]", "hosts = [\"https://*.ba.example\"]", true),
        ("hosts = [\"https://a.example\"]", "hosts = [\"https://a.example:8443\"]", true),
        ("hosts = [\"https://a.example\"]", "private-network = [\"https://a.example\"]", true),
        ("private-network = [\"https://a.example\"]", "hosts = [\"https://a.example\"]", false),
        ("private-network = [\"https://a.example\"]", "private-network = [\"http://a.example\"]", true),
        ("tenants = [\"a\", \"b\"]", "tenants = [\"b\"]", false),
        ("tenants = [\"a\"]", "tenants = [\"b\"]", true),
        ("", token, true),
        (token, "", false),
        (token, &issuer("id.example"), true),
        (&issuer("id.example"), &issuer("id.example"), false),
        (&issuer("id.example"), &issuer("other.example"), true),
        ("", "api-url = \"https://a.example\"", true),
        ("api-url = \"https://a.example\"", "api-url = \"https://b.example\"", true),
        ("api-url = \"https://a.example\"", "", false),
        ("", "[limits]\nmemory = \"128 MiB\"", true),
        ("[limits]\nmemory = \"128 MiB\"", "[limits]\nmemory = \"100 MiB\"", false),
    ] {
        assert_eq!(wider(old, new), is_wider, "from {old:?} to {new:?}");
    }
}

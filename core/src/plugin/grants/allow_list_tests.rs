use proptest::prelude::*;

use super::*;

fn public(text: &str) -> Result<HostPattern, PatternError> {
    HostPattern::parse(text, Network::Public)
}

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

#[test]
fn p11_entries_of_the_grammar_are_read_and_shown_in_one_form() {
    for (given, shown) in [
        ("https://api.example.com", "https://api.example.com"),
        ("HTTPS://API.Example.com:443", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.example.com:8443", "https://*.example.com:8443"),
        ("https://1.1.1.1", "https://1.1.1.1"),
        ("https://[2606:4700::1111]:1", "https://[2606:4700::1111]:1"),
        (" https://bücher.example/ ", "https://xn--bcher-kva.example"),
    ] {
        assert_eq!(public(given).unwrap().to_string(), shown, "{given}");
    }
    assert_eq!(
        HostPattern::parse("http://nas.local:5005", Network::Private).unwrap().to_string(),
        "http://nas.local:5005"
    );
}

#[test]
fn p11_a_wrong_entry_is_refused_with_the_corrected_one() {
    for (given, corrected) in [
        ("example.com", Some("https://example.com")),
        ("*.example.com", Some("https://*.example.com")),
        ("*", None),
        ("https://*", None),
        ("https://*.com", None),
        ("https://*example.com", Some("https://*.example.com")),
        ("https://api.*.com", None),
        ("https://*.*.example.com", None),
        ("https://*.10.0.0.1", Some("https://10.0.0.1")),
        ("http://example.com", Some("https://example.com")),
        ("http://example.com:8080", Some("https://example.com:8080")),
        ("ftp://example.com", Some("https://example.com")),
        ("https://example.com/v1", Some("https://example.com")),
        ("https://*.example.com/v1", Some("https://*.example.com")),
        ("https://example.com?a=b", Some("https://example.com")),
        ("https://example.com#a", Some("https://example.com")),
        ("https://user@example.com", Some("https://example.com")),
        ("https://user:canary@example.com", Some("https://example.com")),
        ("https://", None),
        ("", None),
    ] {
        let error = public(given).unwrap_err();
        assert_eq!(error.corrected.as_deref(), corrected, "{given}: {error}");
        assert!(!error.to_string().contains("canary"));
    }
}

#[test]
fn p11_a_corrected_entry_is_a_right_one() {
    for given in [
        "example.com",
        "http://example.com",
        "https://user@example.com/x",
        "https://*example.com",
        "*.example.com",
    ] {
        let corrected = public(given).unwrap_err().corrected.unwrap();
        assert_eq!(public(&corrected).unwrap().to_string(), corrected);
    }
}

#[test]
fn p10_an_origin_is_allowed_by_scheme_host_and_port_together() {
    let list = AllowList::nothing()
        .with(public("https://api.example.com").unwrap())
        .with(public("https://*.b.example").unwrap());
    for (asked, allowed) in [
        ("https://api.example.com", true),
        ("https://api.example.com:8443", false),
        ("http://api.example.com", false),
        ("https://example.com", false),
        ("https://api.example.com.evil.test", false),
        ("https://evilapi.example.com", false),
        ("https://x.b.example", true),
        ("https://y.x.b.example", true),
        ("https://b.example", false),
        ("https://evilb.example", false),
        ("https://x.b.example.evil.test", false),
    ] {
        assert_eq!(list.check(&origin(asked)) == Verdict::Allowed(Reach::Public), allowed, "{asked}");
    }
    assert_eq!(AllowList::nothing().check(&origin("https://api.example.com")), Verdict::NotGranted);
}

#[test]
fn p12_a_private_address_needs_a_grant_that_says_so_or_is_the_api_url() {
    let literal = origin("https://10.0.0.1");
    let entry = HostPattern::parse("https://10.0.0.1", Network::Private).unwrap();
    assert_eq!(AllowList::nothing().with(entry).check(&literal), Verdict::Allowed(Reach::Any));
    assert_eq!(AllowList::nothing().with_api(literal.clone()).check(&literal), Verdict::Allowed(Reach::Any));
    for given in [
        "https://10.0.0.1",
        "http://192.168.1.20",
        "https://127.0.0.1:4500",
        "https://169.254.169.254",
        "https://[::ffff:169.254.169.254]",
    ] {
        let error = public(given).unwrap_err();
        assert!(error.reason.contains("private-network grant") && error.corrected.is_none(), "{error}");
    }
}

#[test]
fn p12_plain_http_to_the_api_url_stays_on_this_machine() {
    let api = origin("http://localhost:4000");
    assert_eq!(AllowList::nothing().with_api(api.clone()).check(&api), Verdict::Allowed(Reach::Loopback));
}

proptest! {
    #[test]
    fn p11_no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = public(&text);
        let _ = HostPattern::parse(&format!("https://{text}"), Network::Private);
    }

    #[test]
    fn p11_what_is_shown_is_read_back_as_the_same(
        label in "[a-z][a-z0-9]{0,8}", below in any::<bool>(), port in any::<Option<u16>>(), private in any::<bool>(),
    ) {
        let star = if below { "*." } else { "" };
        let port = port.map(|p| format!(":{p}")).unwrap_or_default();
        let network = if private { Network::Private } else { Network::Public };
        let pattern = HostPattern::parse(&format!("https://{star}{label}.example{port}"), network).unwrap();
        prop_assert_eq!(HostPattern::parse(&pattern.to_string(), network).unwrap(), pattern);
    }

    #[test]
    fn p10_a_wildcard_covers_only_hosts_that_end_in_its_domain(host in "[a-z.]{1,20}") {
        let list = AllowList::nothing().with(public("https://*.example.com").unwrap());
        if let Ok(asked) = format!("https://{host}").parse::<Origin>() {
            let allowed = list.check(&asked) != Verdict::NotGranted;
            prop_assert_eq!(allowed, asked.name().is_some_and(|n| n.ends_with(".example.com")));
        }
    }
}

//! Against the examples that Amazon publishes: those of S3's documentation, and those of the test suite for the signature.

use super::*;

const EXAMPLE_KEYS: &str = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SUITE_KEYS: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    given.iter().map(pair).collect()
}

fn authorization(method: Method, url: &str, given: &[(&'static str, &'static str)], body: &[u8]) -> String {
    let url = Url::parse(url).unwrap();
    let at = "2013-05-24T00:00:00Z".parse().unwrap();
    let request = Unsigned { method: &method, url: &url, headers: &headers(given), body };
    let scope = Scope { service: "s3", region: "us-east-1", at };
    let signed = sign(&request, &scope, &Secret::new(EXAMPLE_KEYS)).unwrap();
    assert_eq!(signed[&DATE], "20130524T000000Z");
    assert!(signed[&AUTHORIZATION].is_sensitive());
    signed[&AUTHORIZATION].to_str().unwrap().to_owned()
}

#[test]
fn the_examples_of_s3_are_signed_as_its_documentation_says() {
    let get = |path: &str, given: &[(&'static str, &'static str)]| {
        authorization(Method::GET, &format!("https://examplebucket.s3.amazonaws.com{path}"), given, b"")
    };
    assert_eq!(
        get("/test.txt", &[("range", "bytes=0-9")]),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    let lifecycle = get("/?lifecycle", &[]);
    assert!(lifecycle.ends_with("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
    for order in ["/?max-keys=2&prefix=J", "/?prefix=J&max-keys=2", "/?prefix=%4A&max-keys=2"] {
        let listed = get(order, &[]);
        assert!(listed.ends_with("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
    }
    for path in ["/test$file.text", "/test%24file.text"] {
        let url = format!("https://examplebucket.s3.amazonaws.com{path}");
        let given =
            [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        let put = authorization(Method::PUT, &url, &given, b"Welcome to Amazon S3.");
        assert!(put.ends_with("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"), "{put}");
    }
}

#[test]
fn the_test_suite_of_the_signature_is_passed() {
    let empty = hex::encode(Sha256::digest(b""));
    type Sent = &'static [(&'static str, &'static str)];
    let cases: [(&str, Sent, &str); 3] = [
        ("/", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "/?Param2=value2&Param1=value1",
            &[],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "/",
            &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
    ];
    for (path, given, signature) in cases {
        let url = Url::parse(&format!("https://example.amazonaws.com{path}")).unwrap();
        let mut sent = HeaderMap::new();
        for (name, value) in given {
            sent.append(*name, HeaderValue::from_static(value));
        }
        let request = Unsigned { method: &Method::GET, url: &url, headers: &sent, body: b"" };
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let scope = Scope { service: "service", region: "us-east-1", at };
        let mut all = sent.clone();
        all.insert(DATE, HeaderValue::from_static("20150830T123600Z"));
        let mut headers = canonical_headers(all.iter()).unwrap();
        headers.insert("host", host(&url).unwrap());
        let signed = scope.authorization(SUITE_KEYS.0, SUITE_KEYS.1, &request, &headers, &empty);
        assert!(signed.ends_with(signature), "{path} {given:?}: {signed}");
    }
}

#[test]
fn a_path_is_encoded_once_for_s3_and_twice_for_others() {
    assert_eq!(canonical_path("/a%20b/c'd/%zz/%e1%88%b4"), "/a%20b/c%27d/%25zz/%E1%88%B4");
    let url = Url::parse("https://a.example/a%20b").unwrap();
    let request = Unsigned { method: &Method::GET, url: &url, headers: &HeaderMap::new(), body: b"" };
    let path = |service| {
        let scope = Scope { service, region: "r", at: Timestamp::UNIX_EPOCH };
        scope.canonical(&request, &Headers::new(), "", "").lines().nth(1).unwrap().to_owned()
    };
    assert_eq!((path("s3").as_str(), path("execute-api").as_str()), ("/a%20b", "/a%2520b"));
}

#[test]
fn a_plugin_cannot_say_when_or_what_it_signs() {
    let url = "https://examplebucket.s3.amazonaws.com/?lifecycle";
    let given = [("x-amz-date", "20990101T000000Z"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    let signed = authorization(Method::GET, url, &given, b"");
    assert!(signed.ends_with("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

#[test]
fn a_host_has_its_port_where_the_client_sends_one() {
    let host = |url: &str| host(&Url::parse(url).unwrap()).unwrap();
    assert_eq!(host("https://a.example:443/"), "a.example");
    assert_eq!(host("http://127.0.0.1:5000/b"), "127.0.0.1:5000");
    assert_eq!(host("http://[::1]:5000/b"), "[::1]:5000");
}

#[test]
fn a_secret_of_another_form_signs_nothing() {
    let url = Url::parse("https://a.example/").unwrap();
    let request = Unsigned { method: &Method::GET, url: &url, headers: &HeaderMap::new(), body: b"" };
    let scope = Scope { service: "s3", region: "r", at: Timestamp::UNIX_EPOCH };
    assert!(sign(&request, &scope, &Secret::new("no-colon")).is_none());
    assert!(sign(&request, &scope, &Secret::new("a\nb:c")).is_none());
}

//! Where webhooks may lead.

use orkee_tests::account_sender::{AccountSender, SECRET};
use orkee_tests::proxy::{self, PASSWORD, Proxy};
use orkee_tests::receiver::{Behaviour, Receiver};
use serde_json::{Value, json};

use crate::attempts;

#[test]
fn w25_w26_a_webhook_that_leads_nowhere_public_is_refused_when_it_is_added() {
    let rig = AccountSender::with_args(&[]);
    for url in [
        "http://a.example/",
        "ftp://a.example/",
        "https://user@a.example/",
        "https://a.example/#x",
        "https://a.example:22/",
        "nonsense",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/",
        "https://metadata.google.internal/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://[fe80::1]/",
        "http://127.0.0.1:3000/",
    ] {
        let about = json!({ "url": url, "secret": SECRET });
        assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &about), (422, "refused-url".to_owned()), "{url}");
    }
    assert!(rig.ann.webhooks().is_empty());
}

#[test]
fn w28_what_may_not_be_reached_any_more_is_blocked_when_it_is_sent_to() {
    let receiver = Receiver::start();
    let mut rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(204)));
    rig.kill();
    // The one who runs the server thought better of it.
    rig.resume(&[]);
    rig.ann.write("aaaaaaaa", "one");
    let attempt = attempts(&rig.ann, &id, 1).remove(0);
    assert_eq!(
        (&attempt["class"], &attempt["status"]),
        (&json!("blocked_address"), &Value::Null),
        "{attempt}"
    );
    assert_eq!(receiver.connections(), 0, "no packet leaves");
}

#[test]
fn w35_a_private_network_is_reached_where_the_one_who_runs_the_server_says_so_and_metadata_never() {
    use orkee_tests::tls::Certificate;
    let receiver = Receiver::with_tls(Certificate::of("127.0.0.1"));
    let authority = receiver.authority();
    let rig = AccountSender::with_args(&[
        "--webhook-allow-private",
        "127.0.0.0/8",
        "--webhook-allow-private",
        "169.254.0.0/16",
        "--webhook-ca-file",
        authority.to_str().unwrap(),
    ]);
    let id =
        rig.ann.listen(&receiver.always("/hook", Behaviour::with_body(200, "CANARY of the private network")));
    let told = rig.ann.act(&id, "test", json!({}));
    assert_eq!((&told["class"], &told["status"]), (&json!("delivered"), &json!(200)), "{told}");
    assert!(
        told["reply"].is_null() && told["request_id"].is_null(),
        "whoever has an account would read it: {told}"
    );
    let kept = "SELECT count(*) FROM attempts WHERE reply IS NOT NULL AND length(reply) > 0";
    assert_eq!(rig.database().query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    assert!(told["tls"].as_str().is_some_and(|tls| tls.contains("1.3")), "{told}");
    let metadata = json!({ "url": "https://169.254.169.254/latest", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &metadata), (422, "refused-url".to_owned()));
    let private = json!({ "url": "https://10.0.0.1/", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &private), (422, "refused-url".to_owned()));
    let allowed = "- allow-webhook-targets - 127.0.0.0/8, 169.254.0.0/16".to_owned();
    assert!(rig.audit().contains(&allowed), "{:?}", rig.audit());
}

#[test]
fn nothing_is_looked_up_for_whoever_may_add_no_webhook_or_added_many_just_now() {
    let rig = AccountSender::with_args(&[]);
    let eve = rig.account("eve");
    let team = |args: &[&str]| drop(rig.server.command(&[&["team"], args].concat()).success());
    team(&["create", "acme", "--owner", &rig.ann.email]);
    team(&["add", "acme", &eve.email, "--role", "read-only"]);
    // Whether it is a webhook at all is looked at later.
    let refused = eve.in_team().refused("POST", "/v1/webhooks", &json!({ "url": 7 }));
    assert_eq!(refused, (403, "forbidden".to_owned()));
    let private = json!({ "url": "https://10.0.0.1/", "secret": SECRET });
    let answers: Vec<u16> = (0..61).map(|_| rig.ann.refused("POST", "/v1/webhooks", &private).0).collect();
    assert_eq!((&answers[..60], answers[60]), (&[422; 60][..], 429));
    assert_eq!(eve.refused("POST", "/v1/webhooks", &private).0, 422, "each account has its own");
}

#[test]
fn w29_a_server_sends_through_the_proxy_that_it_was_told_of() {
    if !proxy::is_there() {
        return;
    }
    let proxy = Proxy::start("refused.example.test");
    let rig = AccountSender::with_args(&["--webhook-proxy", &proxy.url(PASSWORD)]);
    let id = rig.ann.listen("https://refused.example.test/hook");
    let told = rig.ann.act(&id, "test", json!({}));
    assert_eq!((&told["class"], &told["status"]), (&json!("proxy"), &Value::Null), "{told}");
    assert_eq!(proxy.connects(), ["refused.example.test:443"]);
    // What is written as an address is judged here all the same.
    let private = json!({ "url": "https://10.0.0.1/", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &private), (422, "refused-url".to_owned()));
    assert!(!rig.log().contains(PASSWORD) && !rig.audit().join("\n").contains(PASSWORD));
}

use orkee_provider_sdk::dispatcher::FailedAttempt;
use orkee_provider_sdk::rehearsal::{Rehearsal, Sent};

use super::*;

const URL: &str = "https://discord.example/api/webhooks/1/x";

fn delivered(body: &str, check: impl Fn(&Sent) -> Response + 'static) -> Outcome {
    let delivery = Delivery {
        id: "msg_1".to_owned(),
        event: "project.created".to_owned(),
        timestamp: 1,
        attempt: 1,
        url: URL.to_owned(),
        body: body.as_bytes().to_vec(),
        keys: Vec::new(),
    };
    Rehearsal::new().backend(move |sent| Ok(check(sent))).run(|| Discord::deliver(delivery))
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

const CREATED: &str =
    r#"{"event":"project.created","project_id":"aaaaaaaa","data":{"name":"**a** @everyone <@1>"}}"#;

#[test]
fn an_event_is_a_sentence_that_calls_upon_nobody() {
    let outcome = delivered(CREATED, |sent| {
        assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", URL));
        let text = String::from_utf8(sent.body.clone()).unwrap();
        let expected = r#"{"content":"The project “\\*\\*a\\*\\* \\@everyone \\<\\@1\\>” was created","allowed_mentions":{"parse":[]},"flags":4}"#;
        assert_eq!(text, expected);
        reply(204, &[], "")
    });
    assert!(matches!(outcome, Outcome::Delivered(204)));
}

#[test]
fn the_wait_of_a_429_is_that_of_its_body_and_else_of_its_header() {
    let wait =
        |body: &'static str| match delivered(CREATED, move |_| reply(429, &[("retry-after", "9")], body)) {
            Outcome::Failed(FailedAttempt { status: Some(429), wait_ms, .. }) => wait_ms,
            other => panic!("{other:?}"),
        };
    assert_eq!(wait(r#"{"message":"slow down","retry_after":0.6501,"global":false}"#), Some(651));
    assert_eq!(wait(r#"{"retry_after":1e300}"#), Some(86_400_000));
    assert_eq!(wait(r#"{"retry_after":-1}"#), Some(0));
    assert_eq!(wait("<html>"), Some(9000));
}

#[test]
fn a_webhook_that_was_taken_away_is_gone_and_another_404_is_not() {
    let of = |body: &'static str| delivered(CREATED, move |_| reply(404, &[], body));
    assert!(matches!(of(r#"{"message":"Unknown Webhook","code":10015}"#), Outcome::Gone));
    assert!(matches!(of("{}"), Outcome::Failed(FailedAttempt { status: Some(404), .. })));
}

#[test]
fn a_message_has_no_more_characters_than_discord_takes() {
    // 400 characters of an error at most, each of them escaped.
    assert!(cut(&"\\_".repeat(400)).len() <= MAX_CONTENT);
    assert_eq!(cut(&"🚤".repeat(1500)).chars().count(), 1000);
    assert_eq!(cut("short"), "short");
}

//! Delivers events as messages to an incoming webhook of Slack, or of a chat that takes the same: Mattermost, Rocket.Chat, Zulip.
//!
//! Such an address is a secret in itself, and takes no signature.

use orkee_dispatcher_messages::sentence;
use orkee_provider_sdk::dispatcher::{self, Delivery, Description, Dispatcher, Outcome};
use orkee_provider_sdk::{HttpError, Request, Response, export_dispatcher};
use serde::Serialize;

struct Slack;

#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
    /// Marks in a name are no formatting.
    mrkdwn: bool,
    /// An address in a name is not fetched by the chat.
    unfurl_links: bool,
    unfurl_media: bool,
}

impl Dispatcher for Slack {
    fn describe() -> Description {
        Description { id: "slack".into(), name: "Slack".into(), version: env!("CARGO_PKG_VERSION").into() }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        let Some(text) = sentence(&delivery.body, escaped) else {
            return dispatcher::failed("the event is none that can be told in a sentence");
        };
        let message = Message { text: &text, mrkdwn: false, unfurl_links: false, unfurl_media: false };
        match Request::post(delivery.url).json(&message) {
            Ok(request) => outcome(request.try_send()),
            Err(error) => dispatcher::failed(format!("the message cannot be written: {error:?}")),
        }
    }
}

/// Slack's three characters; and no name calls upon anybody, also where the chat reads `@all` in plain text.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('@', "@\u{200b}")
}

/// A webhook that was taken away answers 404 with `no_service`: there is nothing to come back to.
fn outcome(reply: Result<Response, HttpError>) -> Outcome {
    match reply {
        Ok(reply) if reply.status == 404 && reply.body.trim_ascii() == b"no_service" => Outcome::Gone,
        reply => dispatcher::outcome(reply),
    }
}

export_dispatcher!(Slack);

#[cfg(test)]
mod tests {
    use orkee_provider_sdk::dispatcher::FailedAttempt;
    use orkee_provider_sdk::rehearsal::Rehearsal;

    use super::*;

    fn delivered(body: &str, status: u16, answer: &'static str) -> Outcome {
        let rehearsal = Rehearsal::new().backend(move |sent| {
            assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://hooks.example/T0/B0/x"));
            assert_eq!(sent.headers, [("content-type".to_owned(), "application/json".to_owned())]);
            let text = String::from_utf8(sent.body.clone()).unwrap();
            let expected = "{\"text\":\"The project “a &lt;!channel&gt; &amp; @\u{200b}here” was created\",\"mrkdwn\":false,\"unfurl_links\":false,\"unfurl_media\":false}";
            assert_eq!(text, expected);
            Ok(Response { status, headers: Vec::new(), body: answer.as_bytes().to_vec() })
        });
        let delivery = Delivery {
            id: "msg_1".to_owned(),
            event: "project.created".to_owned(),
            timestamp: 1,
            attempt: 1,
            url: "https://hooks.example/T0/B0/x".to_owned(),
            body: body.as_bytes().to_vec(),
            keys: Vec::new(),
        };
        rehearsal.run(|| Slack::deliver(delivery))
    }

    const CREATED: &str =
        r#"{"event":"project.created","project_id":"aaaaaaaa","data":{"name":"a <!channel> & @here"}}"#;

    #[test]
    fn an_event_is_a_sentence_that_calls_upon_nobody() {
        assert!(matches!(delivered(CREATED, 200, "ok"), Outcome::Delivered(200)));
    }

    #[test]
    fn a_webhook_that_was_taken_away_is_gone_and_another_404_is_not() {
        assert!(matches!(delivered(CREATED, 404, "no_service"), Outcome::Gone));
        let other = delivered(CREATED, 404, "no_team");
        assert!(matches!(other, Outcome::Failed(FailedAttempt { status: Some(404), .. })));
    }

    #[test]
    fn what_is_no_event_is_not_sent() {
        let none = delivered("[]", 200, "ok");
        assert!(matches!(none, Outcome::Failed(FailedAttempt { status: None, .. })));
    }
}

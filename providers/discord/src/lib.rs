//! Delivers events as messages to a webhook of a Discord channel.
//!
//! Such an address is a secret in itself, and takes no signature.

use orkee_dispatcher_messages::sentence;
use orkee_provider_sdk::dispatcher::{self, Delivery, Description, Dispatcher, Outcome};
use orkee_provider_sdk::{HttpError, Request, Response, export_dispatcher};
use serde::{Deserialize, Serialize};

/// Characters that a message may have.
const MAX_CONTENT: usize = 2000;
/// `SUPPRESS_EMBEDS`: an address in a name is not fetched by the chat.
const FLAGS: u32 = 1 << 2;
/// Discord's code for a webhook that was taken away.
const UNKNOWN_WEBHOOK: u32 = 10_015;
/// No wait that is worth the name is longer.
const MAX_WAIT_SECONDS: f64 = 86_400.0;

struct Discord;

#[derive(Serialize)]
struct Message<'a> {
    content: &'a str,
    allowed_mentions: Mentions,
    flags: u32,
}

/// None of them.
#[derive(Serialize)]
struct Mentions {
    parse: [&'static str; 0],
}

/// What Discord says where it takes no message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: Option<u32>,
    /// Seconds.
    retry_after: Option<f64>,
}

impl Dispatcher for Discord {
    fn describe() -> Description {
        Description {
            id: "discord".into(),
            name: "Discord".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        let Some(sentence) = sentence(&delivery.body, escaped) else {
            return dispatcher::failed("the event is none that can be told in a sentence");
        };
        let content = cut(&sentence);
        let message = Message { content, allowed_mentions: Mentions { parse: [] }, flags: FLAGS };
        match Request::post(delivery.url).json(&message) {
            Ok(request) => outcome(request.try_send()),
            Err(error) => dispatcher::failed(format!("the message cannot be written: {error:?}")),
        }
    }
}

/// What Discord's Markdown would read as formatting is what it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !"'\",./;=?".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// As much of it as a message may have. Discord counts as UTF-16 does.
fn cut(sentence: &str) -> &str {
    let mut room = MAX_CONTENT;
    let end = sentence.char_indices().find(|(_, c)| match room.checked_sub(c.len_utf16()) {
        Some(left) => {
            room = left;
            false
        }
        None => true,
    });
    &sentence[..end.map_or(sentence.len(), |(end, _)| end)]
}

/// Discord says in the body how long to wait, to the millisecond, and whether the webhook is there no more.
fn outcome(reply: Result<Response, HttpError>) -> Outcome {
    let refusal = match &reply {
        Ok(reply) if matches!(reply.status, 404 | 429) => reply.json().unwrap_or_default(),
        _ => Refusal::default(),
    };
    match (reply, refusal) {
        (Ok(Response { status: 404, .. }), Refusal { code: Some(UNKNOWN_WEBHOOK), .. }) => Outcome::Gone,
        (Ok(Response { status: 429, .. }), Refusal { retry_after: Some(seconds), .. }) => {
            let wait_ms = (seconds.clamp(0.0, MAX_WAIT_SECONDS) * 1000.0).ceil() as u64;
            dispatcher::refused(429, "the receiver answered 429", Some(wait_ms))
        }
        (reply, _) => dispatcher::outcome(reply),
    }
}

export_dispatcher!(Discord);

#[cfg(test)]
mod tests;

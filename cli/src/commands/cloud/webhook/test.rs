//! `orkee cloud webhook test`

use jiff::Timestamp;
use orkee_core::diagnostic::Kind;
use orkee_core::event::{self, Body, EventError, EventKind, WebhookSecret};
use orkee_core::id::SystemIds;
use orkee_core::plugin::{Algorithm, SigningKey, Target};
use serde::Serialize;

use super::endpoint_args::AccessArgs;
use super::error::WebhookError;
use super::here::SIGNING;
use super::place::{self, Attempt, Tested, Where};
use super::sender::{Message, Receiver, Sender};
use super::view::AttemptView;
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::{Paint, text};

/// Send `orkee.test` to a webhook, or to a URL that is none yet, now
///
/// Tells how the receiver answered. Exit 0 if it took the event: with a status of 2xx.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook test ep_0a1B2c3D4e5F6g7H
  orkee cloud webhook test https://example.com/hook     before it is added, or after
  orkee cloud webhook test http://127.0.0.1:3000/hook --allow-insecure-loopback")]
pub(crate) struct Test {
    /// Its id or URL, or any other URL
    #[arg(value_name = "URL|ID")]
    to: String,
    /// Of a URL that is no webhook: what sends; `webhook`, if nothing is said
    #[arg(long, value_name = "NAME")]
    dispatcher: Option<String>,
    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Serialize)]
struct Document<'a> {
    /// Null: it is none.
    webhook: Option<&'a str>,
    /// What the receiver saw as `webhook-id`.
    id: Option<&'a str>,
    #[serde(flatten)]
    attempt: AttemptView,
    /// What went wrong; null, too, where the server does not tell.
    reason: Option<&'a str>,
    /// What a URL that is no webhook was signed for with: it signs nothing else.
    secret: Option<&'a str>,
}

impl Test {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let found = place::find_if_there(cx, &self.to)?;
        let (webhook, tested, secret) = match found {
            Some((place, webhook)) => {
                self.says_nothing_else()?;
                let tested = place.test(&webhook)?;
                (Some(webhook), tested, None)
            }
            None if self.to.contains("://") => {
                let secret = WebhookSecret::generate();
                let receiver = Receiver {
                    url: self.to.clone(),
                    access: self.access.access()?,
                    keys: vec![key(&secret)?],
                    headers: Vec::new(),
                };
                let dispatcher = self.dispatcher.as_deref().unwrap_or(SIGNING);
                (None, send(cx, dispatcher, &receiver)?, Some(secret))
            }
            None => return Err(WebhookError::unknown(cx, &self.to).into()),
        };
        let secret = secret.as_ref().map(|secret| secret.secret().expose());
        if cx.out.is_json() {
            let attempt = AttemptView::of(&tested.attempt);
            let webhook = webhook.as_ref().map(|webhook| webhook.id.as_str());
            cx.out.document(&Document {
                webhook,
                id: tested.id.as_deref(),
                attempt,
                reason: tested.why.as_deref(),
                secret,
            })?;
        } else {
            let sender = webhook.as_ref().map_or(Where::Here, |webhook| webhook.place);
            tell(cx, sender, &tested, secret)?;
        }
        Ok(exit(&tested.attempt))
    }
}

impl Test {
    /// A webhook is sent to as it was added, whatever a flag says.
    fn says_nothing_else(&self) -> Result<(), WebhookError> {
        let dispatcher = self.dispatcher.is_some().then_some("--dispatcher");
        match dispatcher.or_else(|| self.access.any()) {
            Some(flag) => Err(WebhookError::NotOfWebhook { flag }),
            None => Ok(()),
        }
    }
}

/// Sends a test, by a dispatcher of this device.
pub(super) fn send(cx: &Context, dispatcher: &str, to: &Receiver) -> Result<Tested, Failure> {
    Target::parse(&to.url, &to.access)?;
    let (id, at) = (event::new_id(&SystemIds), Timestamp::now());
    let body = Body { kind: EventKind::Test, project: None, at, sequence: 0, count: None, data: None };
    let body = body.to_json().map_err(WebhookError::Body)?;
    let message = Message { id: id.clone(), event: EventKind::Test.as_str().to_owned(), body };
    let (attempt, why) =
        surroundings::run(async { Sender::open(cx, dispatcher).await?.send(to, message).await })?;
    Ok(Tested { id: Some(id), attempt, why })
}

/// What signs with a secret.
pub(super) fn key(secret: &WebhookSecret) -> Result<SigningKey, Failure> {
    let key = SigningKey::new("newest", Algorithm::HmacSha256, secret.secret());
    Ok(key.map_err(|error| EventError::Secret { why: error.why })?)
}

/// A receiver that could not be reached or did not take it is as any server that does not answer.
fn exit(attempt: &Attempt) -> Exit {
    match attempt.is_delivered() {
        true => Exit::DONE,
        false if attempt.class == "timeout" => Kind::Timeout.into(),
        false => Kind::Network.into(),
    }
}

fn tell(cx: &Context, sender: Where, tested: &Tested, secret: Option<&str>) -> Result<(), CliError> {
    let Tested { id, attempt, why } = tested;
    let mark = cx.out.mark(attempt.is_delivered());
    let status = attempt.status.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"));
    cx.out.line(format_args!(
        "{mark} {status}: {} in {} ms",
        text::line(&attempt.class),
        attempt.duration_ms
    ))?;
    let line = |name: &str, value: &str| cx.out.line(format_args!("{name:<11} {}", text::spelled(value)));
    line("TLS", attempt.tls.as_deref().unwrap_or("none"))?;
    line("Request id", attempt.request_id.as_deref().unwrap_or("none told"))?;
    if let Some(id) = id {
        line("Event", id)?;
    }
    if sender == Where::Account {
        line("Sent by", "the account's server")?;
    }
    if let Some(why) = why {
        line("Why", &format!("the receiver: {why}"))?;
    }
    if let Some(reply) = &attempt.reply {
        line("Reply", reply)?;
    }
    if let Some(secret) = secret {
        line("Secret", secret)?;
        cx.out.note("The secret was made for this one event, so that the receiver can check the signature.");
    }
    let check = "orkee cloud webhook verify --secret-file FILE --help";
    cx.out.note(format_args!(
        "A receiver that refuses the signature: {} says which part is wrong",
        cx.out.err_paint(Paint::Hint, check)
    ));
    if let Some(hint) = hint(attempt) {
        cx.out.note(format_args!("hint: {hint}"));
    }
    Ok(())
}

/// What to do about it.
fn hint(attempt: &Attempt) -> Option<&'static str> {
    Some(match attempt.class.as_str() {
        "delivered" => return None,
        "redirect" => "redirects are not followed: update the URL to where the receiver is now",
        "blocked_address" => {
            "the name leads to an address that is not of the public internet; with --local, `--allow-private CIDR` lets it through"
        }
        "tls" => "its certificate is refused; with --local, `--ca-file` trusts an authority of your own",
        "refused" | "dns" | "reset" => "nobody answers there: check the host and the port",
        "timeout" => "the receiver has 20 s: let it answer at once, and do its work after that",
        "gone" => "410 says that nobody is to send there any more: an event would switch the webhook off",
        _ => "see what the receiver has in its log",
    })
}

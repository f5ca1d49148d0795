//! Webhooks and deliveries as they are shown. No secret is in either; nor is the path of a URL that is one itself.

use orkee_core::clock;
use serde::Serialize;

use super::place::{Attempt, Delivery, Webhook};
use crate::context::Context;
use crate::failure::CliError;
use crate::output::table::Table;
use crate::output::text;

/// What lets everybody who knows its URL write there; what `webhook` sends is signed, and its URL is no secret.
const SIGNING: &str = "webhook";

/// Of an URL: all of it where it is no secret, else whose it is.
pub(super) fn url(webhook: &Webhook) -> String {
    cut(&webhook.url, &webhook.dispatcher)
}

/// The same, before there is a webhook.
pub(super) fn cut(url: &str, dispatcher: &str) -> String {
    if dispatcher == SIGNING {
        return text::spelled(url);
    }
    let scheme = url.split_once("://").map_or("https", |(scheme, _)| scheme);
    format!("{}://{}/…", text::line(scheme), host(url))
}

/// Host and port of a URL.
pub(super) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    text::line(authority.rsplit('@').next().unwrap_or_default())
}

/// A webhook, for scripts.
#[derive(Serialize)]
pub(super) struct WebhookView {
    id: String,
    /// `local` or `account`.
    place: &'static str,
    url: String,
    /// Empty: all.
    events: Vec<String>,
    description: Option<String>,
    dispatcher: String,
    ordered: bool,
    enabled: bool,
    disabled_because: Option<String>,
    failing_since: Option<String>,
    /// Until when the old secret is good beside the new one.
    rotating_until: Option<String>,
    created_at: Option<String>,
    /// The names of its own headers, in the order in which they are sent.
    headers: Vec<String>,
    /// The private networks that it may be reached in.
    allow_private: Vec<String>,
    /// Whether it may be reached by plain http on this machine.
    insecure_loopback: bool,
    /// Whether its own authority vouches for it, too.
    own_authority: bool,
}

impl WebhookView {
    pub(super) fn of(webhook: &Webhook) -> Self {
        let reach = webhook.reach.clone();
        Self {
            id: webhook.id.clone(),
            place: webhook.place.as_str(),
            url: url(webhook),
            events: webhook.events.clone(),
            description: webhook.description.clone(),
            dispatcher: webhook.dispatcher.clone(),
            ordered: webhook.ordered,
            enabled: webhook.disabled_because.is_none(),
            disabled_because: webhook.disabled_because.clone(),
            failing_since: webhook.failing_since.clone(),
            rotating_until: webhook.rotating_until.clone(),
            created_at: webhook.created_at.clone(),
            headers: reach.headers,
            allow_private: reach.private,
            insecure_loopback: reach.loopback,
            own_authority: reach.own_authority,
        }
    }
}

/// Which events it gets.
pub(super) fn events(webhook: &Webhook) -> String {
    match webhook.events.is_empty() {
        true => "all".to_owned(),
        false => text::line(&webhook.events.join(", ")),
    }
}

/// How it stands.
pub(super) fn state(webhook: &Webhook) -> String {
    if let Some(because) = &webhook.disabled_because {
        return format!("off: {}", text::spelled(because));
    }
    if let Some(since) = &webhook.failing_since {
        return format!("failing since {}", text::minute(since));
    }
    match &webhook.rotating_until {
        Some(until) => format!("on, two secrets until {}", text::minute(until)),
        None => "on".to_owned(),
    }
}

/// Webhooks, for people.
pub(super) fn table(cx: &Context, webhooks: &[Webhook]) -> Result<(), CliError> {
    let mut table = Table::new(&["ID", "PLACE", "URL", "EVENTS", "BY", "STATE"]);
    for webhook in webhooks {
        table.row(vec![
            text::line(&webhook.id),
            webhook.place.as_str().to_owned(),
            url(webhook),
            events(webhook),
            text::line(&webhook.dispatcher),
            state(webhook),
        ]);
    }
    cx.out.table(&table)
}

/// An attempt, for scripts.
#[derive(Serialize)]
pub(super) struct AttemptView {
    attempt: u32,
    at: String,
    status: Option<u16>,
    class: String,
    duration_ms: u64,
    tls: Option<String>,
    request_id: Option<String>,
    reply: Option<String>,
    next_retry_at: Option<String>,
}

impl AttemptView {
    pub(super) fn of(attempt: &Attempt) -> Self {
        Self {
            attempt: attempt.number,
            at: attempt.at.clone(),
            status: attempt.status,
            class: attempt.class.clone(),
            duration_ms: attempt.duration_ms,
            tls: attempt.tls.clone(),
            request_id: attempt.request_id.clone(),
            reply: attempt.reply.clone(),
            next_retry_at: attempt.next_retry_at.clone(),
        }
    }
}

/// A delivery, for scripts: the newest attempt, and all of them.
#[derive(Serialize)]
pub(super) struct DeliveryView {
    /// The event's, which the receiver sees as `webhook-id`.
    id: String,
    event: String,
    /// How many were made.
    attempt: u32,
    status: Option<u16>,
    class: Option<String>,
    /// When the newest attempt was made; before the first, when the event was.
    at: String,
    next_retry_at: Option<String>,
    duration_ms: Option<u64>,
    reply: Option<String>,
    webhook: String,
    place: &'static str,
    project_id: Option<String>,
    /// `pending`, `delivered`, `dead` or `cancelled`.
    state: String,
    reason: Option<String>,
    attempts: Vec<AttemptView>,
}

impl DeliveryView {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let newest = delivery.attempts.last();
        Self {
            id: delivery.id.clone(),
            event: delivery.event.clone(),
            attempt: newest.map_or(0, |attempt| attempt.number),
            status: newest.and_then(|attempt| attempt.status),
            class: newest.map(|attempt| attempt.class.clone()),
            at: newest.map_or_else(|| delivery.at.clone(), |attempt| attempt.at.clone()),
            next_retry_at: newest.and_then(|attempt| attempt.next_retry_at.clone()),
            duration_ms: newest.map(|attempt| attempt.duration_ms),
            reply: newest.and_then(|attempt| attempt.reply.clone()),
            webhook: delivery.endpoint.clone(),
            place: delivery.place.as_str(),
            project_id: delivery.project.clone(),
            state: delivery.state.clone(),
            reason: delivery.reason.clone(),
            attempts: delivery.attempts.iter().map(AttemptView::of).collect(),
        }
    }
}

/// Deliveries, for people, with what matters least at the end, where a narrow terminal has no room. What a receiver answered is
/// spelled out, so that nothing in it reaches the terminal.
pub(super) fn deliveries(cx: &Context, deliveries: &[Delivery]) -> Result<(), CliError> {
    let mut table = Table::new(&[
        "ID",
        "EVENT",
        "STATE",
        "ATTEMPT",
        "STATUS",
        "AT (UTC)",
        "TOOK",
        "NEXT (UTC)",
        "WEBHOOK",
        "REPLY",
    ]);
    for delivery in deliveries {
        let newest = delivery.attempts.last();
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        let state = match &delivery.reason {
            Some(reason) => format!("{}: {reason}", delivery.state),
            None => delivery.state.clone(),
        };
        let next = newest.and_then(|attempt| attempt.next_retry_at.as_deref());
        table.row(vec![
            text::line(&delivery.id),
            text::line(&delivery.event),
            text::spelled(&state),
            newest.map_or(0, |attempt| attempt.number).to_string(),
            or_dash(newest.map(status)),
            text::second(newest.map_or(&delivery.at, |attempt| &attempt.at)),
            or_dash(newest.map(|attempt| format!("{} ms", attempt.duration_ms))),
            or_dash(next.filter(|_| delivery.state == "pending").map(text::second)),
            text::line(&delivery.endpoint),
            or_dash(newest.and_then(|attempt| attempt.reply.as_deref()).map(text::spelled)),
        ]);
    }
    cx.out.table(&table)
}

/// The status and how it ended, in one word each.
fn status(attempt: &Attempt) -> String {
    let class = text::line(&attempt.class);
    attempt.status.map_or_else(|| class.clone(), |status| format!("{status} {class}"))
}

/// What a receiver answered, as text; none: nothing.
pub(super) fn reply(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// A time, for scripts.
pub(super) fn at(at: jiff::Timestamp) -> String {
    clock::rfc3339(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_chat_is_shown_without_its_path_which_is_a_secret() {
        assert_eq!(cut("https://hooks.slack.com/services/T/B/X", "slack"), "https://hooks.slack.com/…");
        assert_eq!(cut("https://discord.com/api/webhooks/1/x?y", "discord"), "https://discord.com/…");
        assert_eq!(cut("http://127.0.0.1:3000/slack", "slack"), "http://127.0.0.1:3000/…");
        assert_eq!(cut("https://a.example:8443/hook", "webhook"), "https://a.example:8443/hook");
    }

    #[test]
    fn the_host_of_a_url_is_what_stands_before_its_path() {
        assert_eq!(host("https://u:p@a.example:8443/x"), "a.example:8443");
        assert_eq!(host("http://[::1]:3000?x=/y"), "[::1]:3000");
        assert_eq!(host("a.example"), "a.example");
    }
}

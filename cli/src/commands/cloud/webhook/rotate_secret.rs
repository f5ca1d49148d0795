//! `orkee cloud webhook rotate-secret`

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use orkee_core::store::AuditAction;

use super::error::WebhookError;
use super::own_secret::{Fresh, SecretArgs};
use super::place::Webhook;
use super::{place, trail, view};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::text;

/// The longest that two secrets are good beside each other.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Give a webhook another secret
///
/// For as long as --overlap says each event has two signatures, one by each secret, so that the receiver can change over when it likes.
/// After that the old secret is wiped; until then there can be no third, but --overlap 0s always works, and ends every older secret at
/// once. Prints the new one, this once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook rotate-secret ep_0a1B2c3D4e5F6g7H
  orkee cloud webhook rotate-secret ep_0a1B2c3D4e5F6g7H --overlap 72h --secret-file new.secret
  orkee cloud webhook rotate-secret ep_0a1B2c3D4e5F6g7H --overlap 0s   the old one is known to others")]
pub(crate) struct RotateSecret {
    /// Its id or URL
    #[arg(value_name = "ID")]
    id: String,
    /// For how long the old secret signs, too
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: String,
    #[command(flatten)]
    secret: SecretArgs,
}

impl RotateSecret {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let overlap = overlap(&self.overlap)?;
        let (place, mut webhook) = place::find_to_change(cx, &self.id)?;
        let fresh = self.secret.fresh()?;
        let done = fresh.or_forget(place.rotate(&webhook, &fresh.secret, overlap));
        trail::ended(cx, &*place, AuditAction::RotateWebhook, (&webhook.id, &webhook.url), done)?;
        webhook.rotating_until = match overlap.is_zero() {
            true => None,
            false => Timestamp::now().checked_add(overlap).ok().map(view::at),
        };
        tell(cx, &webhook, &fresh)?;
        Ok(Exit::DONE)
    }
}

fn tell(cx: &Context, webhook: &Webhook, fresh: &Fresh) -> Result<(), CliError> {
    if cx.out.is_json() {
        return cx.out.document(&fresh.document(webhook));
    }
    let id = text::line(&webhook.id);
    match &webhook.rotating_until {
        None => cx.out.note(format_args!("{id} signs with another secret from now on")),
        Some(until) => cx.out.note(format_args!(
            "{id} signs with both secrets until {}, then with the new one alone",
            text::minute(until)
        )),
    }
    fresh.tell(cx)
}

/// Reads `--overlap`.
fn overlap(text: &str) -> Result<SignedDuration, WebhookError> {
    let refused = || WebhookError::Overlap { text: text::line(text) };
    let span: Span = text.trim().parse().map_err(|_| refused())?;
    let days = SpanRelativeTo::days_are_24_hours();
    let overlap = span.to_duration(days).map_err(|_| refused())?;
    (!overlap.is_negative() && overlap <= LONGEST).then_some(overlap).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w07_an_overlap_is_any_time_up_to_thirty_days() {
        assert_eq!(overlap("24h").unwrap(), SignedDuration::from_hours(24));
        assert_eq!(overlap("1d 30m").unwrap(), SignedDuration::from_mins(24 * 60 + 30));
        assert_eq!(overlap("0s").unwrap(), SignedDuration::ZERO);
        for text in ["", "24", "soon", "-1h", "31d", "1 month"] {
            assert!(overlap(text).is_err(), "{text}");
        }
    }
}

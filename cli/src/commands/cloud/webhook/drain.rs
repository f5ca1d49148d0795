//! `orkee cloud webhook drain`

use std::sync::Arc;

use jiff::Timestamp;
use orkee_core::clock::rfc3339;
use orkee_core::event::{
    self, Attempted, Class, Disabled, DrainOptions, Drained, Drainer, FileLedger, Until, note_disabled,
};
use serde::Serialize;

use super::super::surroundings;
use super::{detached, sender, view};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;

/// Send the webhook deliveries that are due
///
/// Every command that leaves some starts this by itself, in the background. Where that is switched off (ORKEE_WEBHOOK_DRAIN=off),
/// run it now and then. Several at once share the work.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook drain           send what is due now
  orkee cloud webhook drain --watch   go on until Ctrl-C, each attempt on a line

Exit 0 says that each attempt that was due was made and written, and not that its receiver took it: what failed is due again by the schedule.
`failed` and `given_up` of --json count those, and `orkee doctor` names a webhook that nothing arrives at.")]
pub(crate) struct Drain {
    /// Go on until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// What a command starts in the background
    #[arg(long, hide = true, conflicts_with = "watch")]
    detached: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    delivered: u64,
    failed: u64,
    given_up: u64,
    disabled: Vec<DisabledView<'a>>,
    next_due: Option<String>,
}

#[derive(Serialize)]
struct DisabledView<'a> {
    endpoint: &'a str,
    url: String,
    reason: &'a str,
}

impl<'a> DisabledView<'a> {
    fn of(disabled: &'a Disabled) -> Self {
        let Disabled { endpoint, why } = disabled;
        Self { endpoint: &endpoint.id, url: view::cut(&endpoint.url, &endpoint.dispatcher), reason: why }
    }
}

impl Drain {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if self.detached {
            return detached::run(cx);
        }
        let until = if self.watch { Until::Stopped } else { Until::Due };
        let tell = cx.out.teller();
        let drained =
            send(cx, until, move |attempt| tell(attempt.class == Class::Delivered, &line(attempt)))?;
        detached::tell(cx, &event::standing(&cx.home()?.database(), Timestamp::now()).untold)?;
        if cx.out.is_json() {
            cx.out.document(&document(&drained))?;
        } else {
            summary(cx, &drained)?;
        }
        Ok(Exit::DONE)
    }
}

/// Sends until then. Ctrl-C and SIGTERM end it once what is under way is written.
pub(super) fn send(
    cx: &Context,
    until: Until,
    on_attempt: impl Fn(&Attempted) + Send + Sync + 'static,
) -> Result<Drained, Failure> {
    let ledger = FileLedger::open_with(cx.opening(), &cx.home()?.database())?;
    let library = sender::library(cx)?;
    surroundings::run_to_a_stop(|stop| async move {
        let options = DrainOptions {
            stop: Some(stop),
            on_disabled: Arc::new(note_disabled),
            on_attempt: Arc::new(on_attempt),
            ..DrainOptions::default()
        };
        let drainer = Drainer::new(Arc::new(ledger), Arc::new(library), options);
        Ok(drainer.drain(None, until).await?)
    })
}

/// An attempt, for whoever watches.
fn line(attempt: &Attempted) -> String {
    let Attempted { kind, endpoint, number, class, status, duration, again, .. } = attempt;
    let ended = match status {
        Some(status) => format!("{status}"),
        None => class.to_string(),
    };
    let number = if *number > 1 { format!(", attempt {number}") } else { String::new() };
    let again = match again {
        Some(again) => format!("; again at {}", text::minute(&rfc3339(*again))),
        None if *class == Class::Delivered => String::new(),
        None => "; given up".to_owned(),
    };
    let url = view::cut(&endpoint.url, &endpoint.dispatcher);
    format!("{} → {url} ({ended}, {} ms{number}){again}", kind.as_str(), duration.as_millis())
}

fn summary(cx: &Context, drained: &Drained) -> Result<(), Failure> {
    let Drained { delivered, failed, given_up, next, .. } = drained;
    if *delivered + *failed + *given_up == 0 {
        cx.out.note("Nothing was due.");
    } else {
        let mut parts = vec![format!("{delivered} delivered")];
        parts.extend((*failed > 0).then(|| format!("{failed} attempts failed")));
        parts.extend((*given_up > 0).then(|| format!("{given_up} given up")));
        cx.out.done(parts.join(", "))?;
    }
    if let Some(next) = next {
        cx.out.note(format_args!("More is due at {}.", text::minute(&rfc3339(*next))));
    }
    Ok(())
}

fn document(drained: &Drained) -> Document<'_> {
    Document {
        delivered: drained.delivered,
        failed: drained.failed,
        given_up: drained.given_up,
        disabled: drained.disabled.iter().map(DisabledView::of).collect(),
        next_due: drained.next.map(rfc3339),
    }
}

//! Sending in the background: a command that leaves deliveries which are due starts one process that sends them, and ends at once.
//!
//! One such process runs at a time; it stays for as long as something is due soon, and then ends.

use std::io::{self, IsTerminal};
use std::time::Duration;

use jiff::Timestamp;
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::event::deliveries::Kept;
use orkee_core::event::{self, DrainLock, FileLedger, Ledger, Notice, Pulled, Until, endpoints};
use orkee_core::home::Home;
use orkee_core::store::Options;
use thiserror::Error;

use super::{drain, listen, sender, view};
use crate::background;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;

/// Something that is due this soon is waited for: the first two retries are.
const LINGERS: Duration = Duration::from_secs(6 * 60);

/// Steps that forgetting takes at the end of one command, each of a thousand deliveries. What is left then is for the next.
const STEPS: u64 = 20;

/// At the end of a command: tells of endpoints that were switched off since the last one, takes away what a `listen` left that was killed,
/// forgets what is old where no drain does, and starts a drain where something is due. Nothing of it is what the command was asked for: what goes wrong here is logged and fails nothing.
pub(crate) fn after(cx: &Context) {
    if cx.used_database()
        && let Err(error) = look_around(cx)
    {
        tracing::debug!(target: "orkee::webhook", "nothing is sent in the background: {}", error.diagnostic());
    }
}

fn look_around(cx: &Context) -> Result<(), Failure> {
    let home = cx.home()?;
    let standing = event::standing(&home.database(), Timestamp::now());
    tell(cx, &standing.untold)?;
    sweep(home, &standing.pulled)?;
    if standing.is_old {
        let ledger: &dyn Ledger = &ledger(home)?;
        ledger.prune(Kept::default(), Timestamp::now(), STEPS)?;
    }
    if !standing.is_due || !cx.settings()?.webhook_drain()? {
        return Ok(());
    }
    if !can_send(cx, &standing.dispatchers)? {
        return Ok(());
    }
    // Whoever holds the lock looks once more after it has let go.
    match DrainLock::acquire(home) {
        Ok(None) => Ok(()),
        Ok(Some(lock)) => {
            drop(lock);
            Ok(background::start(home, &["cloud", "webhook", "drain", "--detached"]).map_err(NotStarted)?)
        }
        Err(error) => Err(NotStarted(error).into()),
    }
}

/// What waits there. Nobody asked for it, so that none is made.
fn ledger(home: &Home) -> Result<FileLedger, Failure> {
    Ok(FileLedger::open_with(Options::default().existing(), &home.database())?)
}

/// Whether a drain could begin. Where it cannot, or lacks a dispatcher, what waits for that says so, and the person is told, once.
fn can_send(cx: &Context, dispatchers: &[String]) -> Result<bool, Failure> {
    let (can_send, obstacles) = match sender::library(cx) {
        Err(failure) => (false, vec![(None, failure)]),
        Ok(library) => {
            let missing = dispatchers
                .iter()
                .filter_map(|name| Some((Some(name.as_str()), library.check(name).err()?.into())));
            (true, missing.collect())
        }
    };
    for (dispatcher, failure) in obstacles {
        let diagnostic = failure.diagnostic();
        let ledger = ledger(cx.home()?)?;
        let waiting = event::note_obstacle(&ledger, dispatcher, &diagnostic.to_string(), Timestamp::now())?;
        if waiting > 0 {
            let hint = diagnostic.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            let why = text::line(&format!("{diagnostic}{hint}"));
            cx.out.warn(format_args!("webhook deliveries that cannot be sent: {waiting}; {why}"));
        }
    }
    Ok(can_send)
}

/// Tells the person of endpoints that were switched off without their doing: of those of this tenant, which a command can be typed for,
/// and once. What goes into a file or to nobody has told no person.
pub(super) fn tell(cx: &Context, notices: &[Notice]) -> Result<(), Failure> {
    if notices.is_empty() || !cx.out.warns() {
        return Ok(());
    }
    let tenant = cx.settings()?.tenant()?.value;
    let notices: Vec<Notice> = notices.iter().filter(|notice| notice.tenant == tenant).cloned().collect();
    for Notice { endpoint, url, dispatcher, why, .. } in &notices {
        let (url, why) = (view::cut(url, dispatcher), text::line(why));
        cx.out.warn(format_args!(
            "the webhook endpoint {endpoint} ({url}) was switched off: {why}; `orkee cloud webhook enable {endpoint}` switches it on"
        ));
    }
    if notices.is_empty() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let ledger = ledger(cx.home()?)?;
    Ok(event::is_told(&ledger, &notices)?)
}

/// Takes away endpoints that nobody fetches from any more, and that would go on collecting.
fn sweep(home: &Home, pulled: &[Pulled]) -> Result<(), Failure> {
    let mut left = pulled.iter().filter(|one| listen::is_left_behind(one.description.as_deref())).peekable();
    if left.peek().is_none() {
        return Ok(());
    }
    let ledger: &dyn Ledger = &ledger(home)?;
    for Pulled { owner, endpoint, .. } in left {
        let find = |db: &_| endpoints::find(db, *owner, endpoint);
        // Another command may have been faster.
        let Ok(endpoint) = ledger.reading(find) else { continue };
        ledger.writing(|db| endpoints::remove(db, &endpoint, Timestamp::now()))?;
        tracing::info!(target: "orkee::webhook", "{} is gone: nobody listens any more", endpoint.id);
    }
    ledger.scrub()?;
    Ok(())
}

/// `orkee cloud webhook drain --detached`: what was started above.
pub(super) fn run(cx: &Context) -> CommandResult {
    background::leave_terminal();
    cx.makes_no_database();
    if let Err(failure) = send_while_due(cx) {
        // Nobody reads what it says.
        tracing::warn!(target: "orkee::webhook", "sending in the background ended: {}", failure.diagnostic());
        return Err(failure);
    }
    Ok(Exit::DONE)
}

fn send_while_due(cx: &Context) -> Result<(), Failure> {
    let home = cx.home()?;
    while event::standing(&home.database(), Timestamp::now()).is_due {
        let Some(lock) = DrainLock::acquire(home).map_err(NotStarted)? else { break };
        let drained = drain::send(cx, Until::Quiet(LINGERS), |_| ())?;
        drop(lock);
        // What was queued after the last look, by a command that found the lock held, is seen now. What was due at the last look, and
        // not sent, is on another's way.
        if drained.next.is_some_and(|next| next <= Timestamp::now()) {
            break;
        }
    }
    Ok(())
}

/// No process can be started in the background.
#[derive(Debug, Error)]
#[error("cannot start sending in the background")]
struct NotStarted(#[source] io::Error);

impl Diagnostic for NotStarted {
    fn code(&self) -> &'static str {
        "E-HOOK-020"
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn hint(&self) -> Option<String> {
        Some("send what is due yourself: `orkee cloud webhook drain`".to_owned())
    }
}

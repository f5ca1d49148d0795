//! `orkee cloud webhook listen`

use std::time::Duration;

use jiff::Timestamp;
use orkee_core::diagnostic::Kind;
use orkee_core::event::{Access, Filter, WebhookSecret};
use orkee_core::plugin::Target;
use serde::Serialize;

use super::here::SIGNING;
use super::place::{self, Attempt, Place, Pulled, Wanted, Webhook, Where};
use super::sender::{Message, Receiver, Sender};
use super::test::key;
use super::view::{self, AttemptView};
use crate::commands::cloud::surroundings::Interrupts;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Failure};
use crate::output::{Paint, text};

/// Events that are fetched at once.
const PAGE: u32 = 100;
/// How long it is until this device is asked again, and the account's server.
const HERE: Duration = Duration::from_millis(250);
const ACCOUNT: Duration = Duration::from_secs(1);
/// What a webhook of `listen` is called, with the process that has it.
const NAME: &str = "orkee cloud webhook listen, process";

/// Bring events to a program on this machine, with true signatures
///
/// For as long as it runs, each event is sent to the URL as a receiver would get it: the same bytes and headers, signed with a secret of
/// its own. Nothing has to be reachable from outside. An event that the program does not take is not sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook listen --forward-to http://127.0.0.1:3000/hook
  orkee cloud webhook listen --forward-to http://127.0.0.1:3000/hook --local --event 'project.*' --print-secret
  orkee cloud webhook listen --forward-to http://127.0.0.1:3000/hook --json")]
pub(crate) struct Listen {
    /// Where to send them; http to this machine, or https
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// Only these, such as sync.failed or 'project.*'; all, if none is named
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Bring what happens on this device, without an account
    #[arg(long)]
    local: bool,
    /// Print the secret that the signatures are made with
    #[arg(long)]
    print_secret: bool,
}

#[derive(Serialize)]
struct Listening<'a> {
    listening: Began<'a>,
}

#[derive(Serialize)]
struct Began<'a> {
    id: &'a str,
    place: &'static str,
    forward_to: &'a str,
    /// With --print-secret.
    secret: Option<&'a str>,
}

#[derive(Serialize)]
struct Forwarded<'a> {
    forwarded: Event<'a>,
}

#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    event: &'a str,
    #[serde(flatten)]
    attempt: AttemptView,
}

impl Listen {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let filters = self.events.iter().map(|event| Filter::parse(event)).collect::<Result<_, _>>()?;
        let secret = WebhookSecret::generate();
        let to = self.receiver(&secret)?;
        let place = place::of_new(cx, self.local)?;
        sweep(&*place)?;
        let mut interrupts = Interrupts::watch()?;
        let sender = interrupts.wait_for(Sender::open(cx, SIGNING))?;
        let webhook = place.add(self.wanted(filters), &secret)?;
        self.begin(cx, &webhook, &secret)?;
        let ended = forward(cx, &*place, &webhook, &mut interrupts, &sender, &to);
        // However it ended: nobody fetches from it any more.
        let removed = place.remove(&webhook);
        ended.and_then(|never| removed.map(|()| never))
    }

    /// Whom events are handed to. It is the person's own word: this machine may be reached by http.
    fn receiver(&self, secret: &WebhookSecret) -> Result<Receiver, Failure> {
        let access = Access { loopback: true, ..Access::default() };
        Target::parse(&self.forward_to, &access)?;
        Ok(Receiver { url: self.forward_to.clone(), access, keys: vec![key(secret)?], headers: Vec::new() })
    }

    fn wanted(&self, filters: Vec<Filter>) -> Wanted {
        Wanted {
            url: self.forward_to.clone(),
            filters,
            description: Some(format!("{NAME} {}", std::process::id())),
            dispatcher: SIGNING.to_owned(),
            ordered: false,
            pulled: true,
            access: Access { loopback: true, ..Access::default() },
            headers: Vec::new(),
        }
    }

    fn begin(&self, cx: &Context, webhook: &Webhook, secret: &WebhookSecret) -> Result<(), CliError> {
        let secret = self.print_secret.then(|| secret.secret().expose());
        if cx.out.is_json() {
            let (id, place, forward_to) =
                (webhook.id.as_str(), webhook.place.as_str(), self.forward_to.as_str());
            cx.out.document(&Listening { listening: Began { id, place, forward_to, secret } })?;
            return cx.out.finish();
        }
        if let Some(secret) = secret {
            cx.out.line(secret)?;
            cx.out.finish()?;
        }
        let what = match webhook.place {
            Where::Here => "what happens on this device",
            Where::Account => "what happens on any device of the account",
        };
        let to = text::spelled(&self.forward_to);
        cx.out.note(format_args!("Bringing {what} to {to}, until Ctrl-C"));
        Ok(())
    }
}

/// Takes away what an earlier `listen` of this device left behind when it was killed.
fn sweep(place: &dyn Place) -> Result<(), Failure> {
    if place.name() != Where::Here {
        return Ok(());
    }
    let pulled = place.all()?.into_iter().filter(|webhook| webhook.pulled);
    for webhook in pulled.filter(|webhook| is_left_behind(webhook.description.as_deref())) {
        place.remove(&webhook)?;
    }
    Ok(())
}

/// Whether a webhook of this device that is fetched from is nobody's any more: the `listen` that its description names has ended, and
/// was killed, as it would have taken the webhook away.
pub(super) fn is_left_behind(description: Option<&str>) -> bool {
    let id = description.and_then(|text| text.strip_prefix(NAME)?.trim().parse().ok());
    let process = id.and_then(rustix::process::Pid::from_raw);
    process.is_none_or(|id| rustix::process::test_kill_process(id) == Err(rustix::io::Errno::SRCH))
}

/// Hands on what comes, until somebody ends it.
fn forward(
    cx: &Context,
    place: &dyn Place,
    webhook: &Webhook,
    interrupts: &mut Interrupts,
    sender: &Sender,
    to: &Receiver,
) -> CommandResult {
    let pause = if webhook.place == Where::Here { HERE } else { ACCOUNT };
    let mut taken: Vec<String> = Vec::new();
    let mut is_away = false;
    loop {
        let pulled = match place.pull(webhook, &taken, PAGE) {
            Ok(pulled) => pulled,
            // A server that is away for a while keeps what waits.
            Err(failure) if matches!(failure.diagnostic().kind(), Kind::Network | Kind::Timeout) => {
                if !std::mem::replace(&mut is_away, true) {
                    cx.out.warn(format_args!("{}; trying again", failure.diagnostic()));
                }
                interrupts.wait_for(pass(pause))?;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        is_away = false;
        taken.clear();
        let is_idle = pulled.is_empty();
        for event in pulled {
            let (attempt, why) = interrupts.wait_for(sender.send(to, message(&event)))?;
            tell(cx, &event, &attempt, why.as_deref())?;
            taken.push(event.id);
        }
        if is_idle {
            interrupts.wait_for(pass(pause))?;
        }
    }
}

async fn pass(time: Duration) -> Result<(), Failure> {
    tokio::time::sleep(time).await;
    Ok(())
}

fn message(event: &Pulled) -> Message {
    Message { id: event.id.clone(), event: event.event.clone(), body: event.body.clone() }
}

fn tell(cx: &Context, event: &Pulled, attempt: &Attempt, why: Option<&str>) -> Result<(), CliError> {
    if cx.out.is_json() {
        let attempt = AttemptView::of(attempt);
        cx.out.document(&Forwarded { forwarded: Event { id: &event.id, event: &event.event, attempt } })?;
        return cx.out.finish();
    }
    let is_good = attempt.is_delivered();
    let how = match (attempt.status, why) {
        (Some(status), _) => status.to_string(),
        (None, Some(why)) => text::spelled(why),
        (None, None) => text::line(&attempt.class),
    };
    let at = cx.out.paint(Paint::Dim, &text::second(&view::at(Timestamp::now())));
    let (mark, name, id) = (cx.out.mark(is_good), text::line(&event.event), text::line(&event.id));
    cx.out.line(format_args!("{mark} {at} {name} {id}: {how} in {} ms", attempt.duration_ms))?;
    cx.out.finish()
}

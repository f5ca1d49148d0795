//! `orkee cloud webhook add`

use orkee_core::event::Filter;
use orkee_core::net::Secret;
use orkee_core::store::AuditAction;

use super::endpoint_args::{AccessArgs, HeaderArgs};
use super::error::WebhookError;
use super::own_secret::{Fresh, SecretArgs};
use super::place::{self, Place, Wanted, Webhook, Where};
use super::view;
use super::{here, trail};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::{Paint, text};

/// Send events to a URL, each signed
///
/// The account's server sends what happens on any of your devices, whether one is on or not. With --local this device sends what happens
/// here, and needs no account. Prints the secret that the receiver checks signatures with, this once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook add https://example.com/hook
  orkee cloud webhook add https://example.com/hook --event 'project.*' --secret-file hook.secret
  orkee cloud webhook add http://127.0.0.1:3000/hook --local --allow-insecure-loopback
  pbpaste | orkee cloud webhook add - --dispatcher slack")]
pub(crate) struct Add {
    /// Where events go; -: it is on standard input, for a URL that is a secret itself
    #[arg(value_name = "URL")]
    url: String,
    /// Only these, such as sync.failed or 'project.*'; all, if none is named
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Keep it on this device, which sends what happens here
    #[arg(long)]
    local: bool,
    /// What sends: webhook (signed), slack, discord, or one that you installed
    #[arg(long, value_name = "NAME", default_value = here::SIGNING)]
    dispatcher: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Send each event only after the one before arrived, or was given up
    #[arg(long)]
    ordered: bool,
    #[command(flatten)]
    headers: HeaderArgs,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    secret: SecretArgs,
}

impl Add {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        if self.url == "-" && self.secret.is_from_stdin() {
            let hint = "the URL as an argument, or --secret-file in the place of --secret-from-stdin";
            return Err(CliError::usage("standard input cannot be both URL and secret", hint).into());
        }
        let wanted = self.wanted()?;
        let place = place::of_new(cx, self.local)?;
        let url = wanted.url.clone();
        let private: Vec<String> = wanted.access.private.iter().map(ToString::to_string).collect();
        let same = same(cx, &*place, &url)?;
        let fresh = self.secret.fresh()?;
        let added = fresh.or_forget(place.add(wanted, &fresh.secret));
        let id = added.as_ref().map(|webhook| webhook.id.clone()).unwrap_or_default();
        let webhook = trail::ended(cx, &*place, AuditAction::AddWebhook, (&id, &url), added)?;
        for network in &private {
            let about = format!("{id} {network}");
            trail::note(cx, &*place, AuditAction::AllowPrivate, (&about, &url), None)?;
        }
        if let Some(same) = same {
            let id = text::line(&same);
            cx.out.warn(format_args!("{id} sends to this URL already: what both tell of comes there twice"));
        }
        // What lies in a buffer was told to nobody yet.
        let told = tell(cx, &webhook, &fresh).and_then(|()| cx.out.finish());
        if told.is_err() && fresh.is_shown() {
            // Nobody has its secret, and nobody can be told it again.
            let removed = place.remove(&webhook);
            trail::ended(cx, &*place, AuditAction::RemoveWebhook, (&webhook.id, &url), removed)?;
        }
        told?;
        Ok(Exit::DONE)
    }

    /// Reads what the flags say. Nothing was asked or written yet.
    fn wanted(&self) -> Result<Wanted, Failure> {
        let only_here = self.headers.only_here().or_else(|| self.access.only_here());
        if let Some(flag) = only_here.filter(|_| !self.local) {
            return Err(WebhookError::OnlyHere { flag }.into());
        }
        Ok(Wanted {
            url: self.url()?.expose().to_owned(),
            filters: self.events.iter().map(|event| Filter::parse(event)).collect::<Result<_, _>>()?,
            description: self.description.clone(),
            dispatcher: self.dispatcher.clone(),
            ordered: self.ordered,
            pulled: false,
            access: self.access.access()?,
            headers: self.headers.headers()?,
        })
    }

    fn url(&self) -> Result<Secret, Failure> {
        match self.url.as_str() {
            "-" => super::own_secret::line_from_stdin(),
            url => Ok(Secret::new(url)),
        }
    }
}

/// The webhook that sends to the URL already, here or where another is about to be added.
fn same(cx: &Context, place: &dyn Place, url: &str) -> Result<Option<String>, Failure> {
    let mut there = here::Here::open(cx)?.all()?;
    if place.name() == Where::Account {
        there.extend(place.all()?);
    }
    let same = there.into_iter().find(|webhook| webhook.url == url && !webhook.pulled);
    Ok(same.map(|webhook| webhook.id))
}

fn tell(cx: &Context, webhook: &Webhook, fresh: &Fresh) -> Result<(), CliError> {
    if cx.out.is_json() {
        return cx.out.document(&fresh.document(webhook));
    }
    let events = match webhook.events.is_empty() {
        true => "all events".to_owned(),
        false => view::events(webhook),
    };
    cx.out.note(format_args!(
        "{} {} gets {events}: {}",
        text::line(&webhook.id),
        view::url(webhook),
        webhook.place.sender()
    ));
    fresh.tell(cx)?;
    let try_it = format!("orkee cloud webhook test {}", text::line(&webhook.id));
    cx.out.note(format_args!("Try it: {}", cx.out.err_paint(Paint::Hint, &try_it)));
    Ok(())
}

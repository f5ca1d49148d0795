//! Sending one thing now, outside of any schedule: a test, or an event that `listen` hands on.

use jiff::Timestamp;
use orkee_core::event::{Access, rules};
use orkee_core::net::Secret;
use orkee_core::plugin::{Delivered, Delivery, DispatcherLibrary, SigningKey, Target, WasmDispatcher};

use super::place::Attempt;
use super::view;
use crate::commands::cloud::dispatchers;
use crate::context::Context;
use crate::failure::Failure;

/// To whom it goes, and what it is signed with.
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) access: Access,
    pub(super) keys: Vec<SigningKey>,
    pub(super) headers: Vec<(String, Secret)>,
}

/// What goes there.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) event: String,
    pub(super) body: Vec<u8>,
}

/// The dispatchers that there are, with the way out that the settings say.
pub(super) fn library(cx: &Context) -> Result<DispatcherLibrary, Failure> {
    dispatchers::library(cx, rules::courier(cx.settings()?)?)
}

/// A dispatcher that is loaded.
pub(super) struct Sender {
    dispatcher: WasmDispatcher,
}

impl Sender {
    pub(super) async fn open(cx: &Context, name: &str) -> Result<Self, Failure> {
        Ok(Self { dispatcher: library(cx)?.open(name).await? })
    }

    /// Makes one attempt; how it ended, and what went wrong, if something did.
    pub(super) async fn send(
        &self,
        to: &Receiver,
        message: Message,
    ) -> Result<(Attempt, Option<String>), Failure> {
        let at = Timestamp::now();
        let Message { id, event, body } = message;
        let delivered = self.dispatcher.deliver(Delivery {
            id,
            event,
            timestamp: u64::try_from(at.as_second()).unwrap_or_default(),
            attempt: 1,
            target: Target::parse(&to.url, &to.access)?,
            body,
            keys: to.keys.clone(),
            headers: to.headers.clone(),
        });
        let delivered = delivered.await?;
        let why = delivered.why().map(str::to_owned);
        Ok((attempt(delivered, at), why))
    }
}

fn attempt(delivered: Delivered, at: Timestamp) -> Attempt {
    let class = delivered.class().as_str().to_owned();
    let seen = delivered.transport;
    Attempt {
        number: 1,
        at: view::at(at),
        status: seen.status,
        class,
        duration_ms: u64::try_from(seen.duration.as_millis()).unwrap_or(u64::MAX),
        tls: seen.tls,
        request_id: seen.request_id,
        reply: view::reply(&seen.reply),
        next_retry_at: None,
    }
}

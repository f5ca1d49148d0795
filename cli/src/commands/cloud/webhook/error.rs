//! What goes wrong with webhooks at the command line.

use std::path::PathBuf;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::plugin::PartError;
use orkee_core::similar;
use orkee_core::store::Peek;
use thiserror::Error;

use super::view;
use crate::context::Context;

/// A command about webhooks that cannot be done as it was typed.
#[derive(Debug, Error)]
pub(super) enum WebhookError {
    #[error("not signed in to {0}, whose server would send the events")]
    NotSignedIn(String),
    #[error("the provider `{0}` sends no events: its backend has no webhooks")]
    NoWebhooks(String),
    #[error(transparent)]
    OlderProvider(PartError),
    #[error("there is no webhook {meant}")]
    Unknown { meant: String, near: Option<String> },
    #[error("the file {} is there already", .0.display())]
    FileThere(PathBuf),
    #[error(
        "{flag} is for webhooks of this device: the account's server reaches what its administrator lets it"
    )]
    OnlyHere { flag: &'static str },
    #[error("{flag} is for a URL that is no webhook: this is one, and is sent to as it was added")]
    NotOfWebhook { flag: &'static str },
    #[error("no event {0:?} was sent, or it was too long ago")]
    NoEvent(String),
    #[error("the webhooks that {0} was sent to are off or gone")]
    NobodyToSendTo(String),
    #[error("{text:?} is no time that two secrets can be good for")]
    Overlap { text: String },
    #[error("that is neither its host nor its id: nothing was removed")]
    OtherName,
    #[error("the test event cannot be written")]
    Body(#[source] serde_json::Error),
    #[error("nothing was handed in on standard input")]
    NoInput,
}

impl WebhookError {
    /// What was meant is no webhook. Of a URL no more is repeated than its host: the rest may be a secret.
    pub(super) fn unknown(cx: &Context, meant: &str) -> Self {
        if meant.contains("://") {
            return Self::Unknown { meant: format!("at {}", view::host(meant)), near: None };
        }
        let tenant = cx.settings().and_then(|settings| Ok(settings.tenant()?.value)).ok();
        let here = tenant.and_then(|tenant| Peek::open(&cx.home().ok()?.database(), &tenant));
        let here = here.map(|peek| peek.webhooks()).unwrap_or_default();
        let near = similar::nearest(meant, here.iter().map(|(id, _)| id.as_str())).map(str::to_owned);
        Self::Unknown { meant: format!("{meant:?}"), near }
    }
}

impl Diagnostic for WebhookError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn(_) => "E-HOOK-040",
            Self::NoWebhooks(_) => "E-HOOK-041",
            Self::OlderProvider(_) => "E-HOOK-042",
            Self::Unknown { .. } => "E-HOOK-043",
            Self::FileThere(_) => "E-HOOK-044",
            Self::OnlyHere { .. } => "E-HOOK-045",
            Self::NoEvent(_) => "E-HOOK-046",
            Self::NotOfWebhook { .. } => "E-HOOK-047",
            Self::Overlap { .. } => "E-HOOK-049",
            Self::OtherName => "E-HOOK-050",
            Self::Body(_) => "E-HOOK-051",
            Self::NoInput => "E-HOOK-052",
            Self::NobodyToSendTo(_) => "E-HOOK-053",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotSignedIn(_) => Kind::Auth,
            Self::OtherName | Self::Body(_) => Kind::Failed,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotSignedIn(_) => {
                "run `orkee cloud login`; or add --local, and this device sends the events that happen here"
            }
            Self::NoWebhooks(_) => "add --local, and this device sends the events that happen here",
            Self::OlderProvider(_) => {
                "update the provider; or add --local, and this device sends the events that happen here"
            }
            Self::Unknown { near: Some(near), .. } => return Some(format!("did you mean {near}?")),
            Self::Unknown { near: None, .. } => "run `orkee cloud webhook list`",
            Self::FileThere(_) => "name another: what is in it may still be needed",
            Self::OnlyHere { .. } => "add --local, or leave it away",
            Self::NotOfWebhook { .. } => {
                "leave it away; `orkee cloud webhook show ID` tells how it was added"
            }
            Self::NoEvent(_) => "run `orkee cloud webhook deliveries`, which has the ids (msg_…)",
            Self::NobodyToSendTo(_) => "switch one on: `orkee cloud webhook enable ID`",
            Self::Overlap { .. } => "write it as 24h, 90m or 0s; 30 days at most",
            Self::OtherName => "type what `orkee cloud webhook list` shows",
            Self::Body(_) => "report this as a bug of orkee",
            Self::NoInput => "`… < FILE`, or leave it away",
        };
        Some(hint.to_owned())
    }
}

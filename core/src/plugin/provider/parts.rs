//! The optional parts of a provider: whose account it is, what the backend lists, which devices are signed in.

use orkee_wire::KEYS_ID;
use thiserror::Error;

use super::{WasmProvider, failure};
use crate::diagnostic::{Diagnostic, Kind};
use crate::plugin::error::PluginError;
use crate::plugin::text::clean;
use crate::sync::provider::ProviderError;

/// Of a text that the backend chose, the part that is kept.
const MAX_TEXT: usize = 200;
/// Entries of one page, and devices.
const MAX_ENTRIES: usize = 10_000;

/// Whose account it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The backend's name for the account.
    pub id: String,
    /// For people.
    pub email: String,
    /// Such as "Pro Plan".
    pub plan: Option<String>,
}

/// A page of the backend's own listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Oldest id first.
    pub entries: Vec<Entry>,
    /// To be handed in for the next page.
    pub next: Option<String>,
}

/// A record as the backend sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub id: String,
    /// None where the backend cannot read it.
    pub name: Option<String>,
    /// The same.
    pub status: Option<String>,
    /// RFC 3339.
    pub updated_at: Option<String>,
    /// What it takes there.
    pub bytes: u64,
}

/// A device that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The backend's name for it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Such as `linux`.
    pub platform: Option<String>,
    /// RFC 3339.
    pub last_seen: Option<String>,
    /// It is this one.
    pub current: bool,
}

/// An optional part did not answer.
#[derive(Debug, Error)]
pub enum PartError {
    /// The provider does not have it.
    #[error(transparent)]
    Absent(PluginError),
    /// It failed.
    #[error(transparent)]
    Failed(ProviderError),
}

impl Diagnostic for PartError {
    fn code(&self) -> &'static str {
        match self {
            Self::Absent(error) => error.code(),
            Self::Failed(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Absent(error) => error.kind(),
            Self::Failed(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Absent(error) => error.hint(),
            Self::Failed(error) => error.hint(),
        }
    }

    fn request_id(&self) -> Option<&str> {
        match self {
            Self::Absent(_) => None,
            Self::Failed(error) => error.request_id(),
        }
    }
}

/// Calls one function of an optional interface: checks that it is there, loads it, and sorts what comes back.
macro_rules! ask {
    ($provider:expr, $part:ident, $what:literal, |$guest:ident, $store:ident| $call:expr) => {
        ask!($provider, $part, $what, in $provider.sandbox, |$guest, $store| $call)
    };
    ($provider:expr, $part:ident, $what:literal, in $sandbox:expr, |$guest:ident, $store:ident| $call:expr) => {{
        let part = $provider.$part.clone().ok_or_else(|| $provider.cannot($what))?;
        let called = $sandbox.call(move |$store, instance| {
            Box::pin(async move {
                let $guest = part.load(&mut *$store, instance)?;
                $call.await
            })
        });
        match called.await {
            Err(error) => Err(PartError::Failed(failure::of_plugin($provider.name(), error))),
            Ok((Err(told), aftermath)) => {
                Err(PartError::Failed(failure::of_guest($provider.name(), told, aftermath)))
            }
            Ok((Ok(answer), _)) => Ok(answer),
        }
    }};
}

mod deliveries;
mod team;
mod watch;
mod webhooks;

pub use deliveries::{
    DeliveryAttempt, DeliveryPage, DeliveryQuery, EndpointState, PastDelivery, PulledEvent, Terms,
};
pub use team::{Invitation, Member, Membership, Role, TeamStanding};
pub use webhooks::{Endpoint, Registration};

impl WasmProvider {
    /// Whose account it is.
    pub async fn whoami(&self) -> Result<Profile, PartError> {
        let profile =
            ask!(self, account, "say whose account it uses", |guest, store| guest.call_whoami(store))?;
        Ok(Profile {
            id: text(&profile.id),
            email: text(&profile.email),
            plan: profile.plan.as_deref().map(text),
        })
    }

    /// A page of the projects that the backend holds. The key document travels as they do, and is none: a page may be empty for it.
    pub async fn browse(&self, after: Option<&str>, limit: u32) -> Result<Listing, PartError> {
        let mark = after.map(str::to_owned);
        let page = ask!(self, listing, "list what its backend holds", |guest, store| guest.call_browse(
            store,
            mark.as_deref(),
            limit
        ))?;
        if page.entries.len() > limit as usize || (page.next.is_some() && page.next.as_deref() == after) {
            return Err(self.broke("its listing is longer than asked for, or does not move on"));
        }
        let projects = page.entries.into_iter().filter(|entry| entry.id != KEYS_ID);
        let entries = projects.map(|entry| Entry {
            id: text(&entry.id),
            name: entry.name.as_deref().map(text),
            status: entry.status.as_deref().map(text),
            updated_at: entry.updated_at.as_deref().map(text),
            bytes: entry.bytes,
        });
        Ok(Listing { entries: entries.collect(), next: page.next })
    }

    /// The devices that are signed in.
    pub async fn devices(&self) -> Result<Vec<Device>, PartError> {
        let devices = ask!(self, devices, "list devices", |guest, store| guest.call_enumerate(store))?;
        if devices.len() > MAX_ENTRIES {
            return Err(self.broke("it lists more devices than anyone has"));
        }
        let devices = devices.into_iter().map(|device| Device {
            id: text(&device.id),
            name: text(&device.name),
            platform: device.platform.as_deref().map(text),
            last_seen: device.last_seen.as_deref().map(text),
            current: device.current,
        });
        Ok(devices.collect())
    }

    /// Ends a device's sign-in.
    pub async fn revoke_device(&self, id: &str) -> Result<(), PartError> {
        let id = id.to_owned();
        ask!(self, devices, "end a device's sign-in", |guest, store| guest.call_revoke(store, &id))
    }

    fn cannot(&self, what: &'static str) -> PartError {
        PartError::Absent(PluginError::Cannot { plugin: self.name().to_owned(), what })
    }

    fn broke(&self, what: &str) -> PartError {
        PartError::Failed(failure::of_contract(self.name(), what.to_owned(), None))
    }
}

fn text(given: &str) -> String {
    clean(given, MAX_TEXT)
}

//! `webhook`: where the events of all accounts and teams go, for whoever runs the server. What goes there, and with which secret, is
//! the owners' matter.

use clap::Subcommand;
use jiff::Timestamp;
use orkee_core::event::Endpoint;
use url::Url;

use super::{CommandError, Data, print};
use crate::storage::sqlite::Sqlite;
use crate::storage::{Webhooks, Whose};

#[derive(Debug, Subcommand)]
pub(super) enum Webhook {
    /// Show all webhooks: whose they are, where they lead, and how they stand. Of a URL, that is its origin: the rest may be a
    /// secret.
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Send nothing more to a webhook. Its owner sees why, and may enable it again.
    Disable {
        /// The webhook's id.
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

impl Webhook {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List { data } => {
                for (whose, endpoint) in Sqlite::open(&data.folder)?.all_webhooks()? {
                    print(&line(&whose, &endpoint))?;
                }
                Ok(())
            }
            Self::Disable { id, data } => {
                let whose = Sqlite::open(&data.folder)?.disable_any_webhook(&id, Timestamp::now())?;
                print(&format!("{id} of {} is disabled", whose.name()))
            }
        }
    }
}

fn line(whose: &Whose, endpoint: &Endpoint) -> String {
    let origin = Url::parse(&endpoint.url).map(|url| url.origin().ascii_serialization());
    let events: Vec<&str> = endpoint.filters.iter().map(|filter| filter.as_str()).collect();
    let events = if events.is_empty() { "*".to_owned() } else { events.join(",") };
    let standing = match (&endpoint.disabled, endpoint.failing_since) {
        (Some((_, why)), _) => format!("disabled: {why}"),
        (None, Some(since)) => format!("failing since {}", orkee_core::clock::rfc3339(since)),
        (None, None) if endpoint.pulled => "pulled".to_owned(),
        (None, None) => "enabled".to_owned(),
    };
    let whose = match whose {
        Whose::Account(email) => email.clone(),
        Whose::Team(team) => format!("team {team}"),
    };
    let origin = origin.unwrap_or_default();
    let line = format!("{}  {whose}  {}  {origin}  {events}  {standing}", endpoint.id, endpoint.dispatcher);
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

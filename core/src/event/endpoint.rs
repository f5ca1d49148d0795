//! An endpoint: where an owner's events go, and how.

use std::str::FromStr;

use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::Row;

use super::filter::Filter;
use super::time::{time, time_or_none};
use super::{EventError, Owner, WebhookSecret};
use crate::net::Secret;
use crate::plugin::Access;

/// Where an owner's events go. It has no secret in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub(super) row: i64,
    /// `ep_` and 16 letters and digits.
    pub id: String,
    /// Whose events it is told of.
    pub owner: Owner,
    /// Where they are sent.
    pub url: String,
    /// Which of them; none: all.
    pub filters: Vec<Filter>,
    /// In the person's words.
    pub description: Option<String>,
    /// The component that sends.
    pub dispatcher: String,
    /// Whether each waits for the one before it.
    pub ordered: bool,
    /// Whether they are fetched, and not sent.
    pub pulled: bool,
    /// How it may be reached.
    pub access: Access,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when it is told of nothing, and why.
    pub disabled: Option<(Timestamp, String)>,
    /// The first failure since the last success.
    pub failing_since: Option<Timestamp>,
    /// Until when its old secret signs beside the new one.
    pub rotating_until: Option<Timestamp>,
    /// The names of the headers that go along.
    pub header_names: Vec<String>,
}

impl Endpoint {
    /// Its row.
    pub(super) fn row(&self) -> i64 {
        self.row
    }
}

/// An endpoint that is to be added. Its URL and headers were checked.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Where events are sent.
    pub url: String,
    /// Which of them; none: all.
    pub filters: Vec<Filter>,
    /// In the person's words.
    pub description: Option<String>,
    /// The component that sends.
    pub dispatcher: String,
    /// Whether each waits for the one before it.
    pub ordered: bool,
    /// Whether they are fetched, and not sent.
    pub pulled: bool,
    /// How it may be reached.
    pub access: Access,
    /// Headers that go along.
    pub headers: Vec<(String, Secret)>,
    /// What deliveries are signed with.
    pub secret: WebhookSecret,
}

/// Of a table `e`, in the order in which [`read`] has them.
pub(super) const COLUMNS: &str = "e.rowid, e.id, e.owner, e.url, e.filters, e.description, e.dispatcher, e.ordered, e.pulled, \
                                  e.loopback, e.private, e.ca, e.created_at, e.disabled_at, e.disabled_why, e.failing_since, \
                                  (SELECT max(until) FROM signing_keys WHERE endpoint = e.rowid), \
                                  (SELECT json_group_array(name) FROM endpoint_headers WHERE endpoint = e.rowid)";

/// Reads [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<Endpoint, EventError> {
    let id: String = row.get(1)?;
    // What a fault made of a list leaves none of it: less may be reached, and the endpoint can still be removed.
    let list = |column| -> Result<Vec<String>, EventError> {
        Ok(serde_json::from_str(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
            .unwrap_or_default())
    };
    let private: Vec<IpNet> = list(10)?.iter().filter_map(|net| IpNet::from_str(net).ok()).collect();
    // A newer version may know more names; those that are known go on.
    let filters: Vec<Filter> = list(4)?.iter().filter_map(|name| Filter::parse(name).ok()).collect();
    let disabled = time_or_none(row, 13)?.map(|at| Ok::<_, EventError>((at, row.get(14)?))).transpose()?;
    Ok(Endpoint {
        row: row.get(0)?,
        owner: Owner(row.get(2)?),
        url: row.get(3)?,
        filters,
        description: row.get(5)?,
        dispatcher: row.get(6)?,
        ordered: row.get(7)?,
        pulled: row.get(8)?,
        access: Access { loopback: row.get(9)?, private, ca: row.get(11)? },
        created_at: time(row, 12)?,
        disabled,
        failing_since: time_or_none(row, 15)?,
        rotating_until: time_or_none(row, 16)?,
        header_names: list(17)?,
        id,
    })
}

//! What a provider may answer. A plugin or its backend can be wrong or hostile; the engine must not meet that.

use std::collections::HashSet;

use crate::plugin::bindings::exports::orkee::sync::provider as wit;
use crate::plugin::error::PluginError;
use crate::plugin::text::{clean, is_plugin_id};
use crate::sync::provider::{Answer, Cursor, Limits, Outcome, Position, Reply, Request, Revision};

const MAX_REVISION: usize = 256;
const MAX_POSITION: usize = 4096;
const MAX_TAG: usize = 256;
/// The host's own bounds on what a provider says of its backend.
const MAX_MUTATIONS: u32 = 10_000;
const MAX_PAGE: u32 = 10_000;
const MAX_BATCH_BYTES: u64 = 16 << 20;

/// Who a provider says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Lower case, digits and hyphens.
    pub id: String,
    /// For people.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether its requests name the credential `login`.
    pub needs_sign_in: bool,
    /// What its backend takes, within the host's own bounds.
    pub limits: Limits,
}

pub(super) fn description(plugin: &str, given: wit::Description) -> Result<Description, PluginError> {
    let wrong = |what: &str| PluginError::Contract { plugin: plugin.to_owned(), what: what.to_owned() };
    if !is_plugin_id(&given.id) {
        return Err(wrong("its id is not made of lower case letters, digits and hyphens"));
    }
    let limits = given.limits;
    if limits.max_mutations == 0
        || limits.max_page == 0
        || limits.max_bytes == 0
        || limits.max_record_bytes == 0
    {
        return Err(wrong("one of its limits is zero"));
    }
    let max_bytes = limits.max_bytes.min(MAX_BATCH_BYTES);
    Ok(Description {
        id: given.id,
        name: clean(&given.name, 100),
        version: clean(&given.version, 50),
        needs_sign_in: matches!(given.sign_in, wit::SignIn::Login),
        limits: Limits {
            max_mutations: limits.max_mutations.min(MAX_MUTATIONS),
            max_bytes,
            max_record_bytes: limits.max_record_bytes.min(max_bytes),
            max_page: limits.max_page.min(MAX_PAGE),
        },
    })
}

/// Of a request, what its answer is held against.
pub(super) struct Asked {
    cursor: Cursor,
    mutations: usize,
    limit: u32,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        Self { cursor: request.cursor.clone(), mutations: request.mutations.len(), limit: request.limit }
    }
}

/// What is wrong with an answer, in words that follow "the plugin broke the contract: ".
pub(super) fn answer(asked: &Asked, answer: &Answer) -> Result<(), String> {
    match answer {
        Answer::Page(reply) => page(asked, reply),
        Answer::Expired if asked.cursor.position.is_none() => {
            Err("it answered `expired` to a full listing, which has no cursor that could expire".to_owned())
        }
        Answer::Expired | Answer::NewEpoch => Ok(()),
    }
}

fn page(asked: &Asked, reply: &Reply) -> Result<(), String> {
    if reply.outcomes.len() != asked.mutations {
        return Err(format!("it gave {} outcomes for {} mutations", reply.outcomes.len(), asked.mutations));
    }
    if reply.changes.len() > asked.limit as usize {
        return Err(format!("it listed {} changes, {} were asked for", reply.changes.len(), asked.limit));
    }
    if let Some(change) = reply.changes.iter().find(|change| !is_id(&change.id)) {
        return Err(format!("it listed a record with the id `{}`", clean(&change.id, 20)));
    }
    let mut ids = HashSet::with_capacity(reply.changes.len());
    if let Some(twice) = reply.changes.iter().find(|change| !ids.insert(change.id.as_str())) {
        return Err(format!("it listed the record `{}` twice on one page", twice.id));
    }
    let revisions = reply.changes.iter().map(|change| &change.stored.revision);
    let decided = reply.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Accepted(revision) => Some(revision),
        Outcome::Conflict(held) => held.as_ref().map(|held| &held.revision),
        Outcome::Rejected { .. } => None,
    });
    revisions.chain(decided).try_for_each(revision)?;
    cursor(asked, reply)
}

fn cursor(asked: &Asked, reply: &Reply) -> Result<(), String> {
    let position = &reply.cursor.position;
    if asked.limit == 0 && *position != asked.cursor.position {
        return Err("it moved the cursor, though no page was asked for".to_owned());
    }
    if asked.limit > 0 && position.is_none() {
        return Err("it gave a page without a position to go on from".to_owned());
    }
    if asked.limit > 0 && reply.more && *position == asked.cursor.position {
        return Err("it says that there is more, and does not move on".to_owned());
    }
    let spans = reply.written.iter().flat_map(|span| [&span.after, &span.until]);
    spans.chain(position).try_for_each(self::position)?;
    match &reply.cursor.head {
        // The store's numbers end there, and no backend has ever made so many commits.
        Some(head) if i64::try_from(head.number).is_err() => {
            Err(format!("its head's number is {}, beyond {}", head.number, i64::MAX))
        }
        Some(head) if head.tag.len() > MAX_TAG => {
            Err(format!("its head's tag has more than {MAX_TAG} bytes"))
        }
        _ => Ok(()),
    }
}

fn revision(revision: &Revision) -> Result<(), String> {
    match (1..=MAX_REVISION).contains(&revision.0.len()) {
        true => Ok(()),
        false => Err(format!("a revision is empty or has more than {MAX_REVISION} bytes")),
    }
}

fn position(position: &Position) -> Result<(), String> {
    match (1..=MAX_POSITION).contains(&position.0.len()) {
        true => Ok(()),
        false => Err(format!("a position is empty or has more than {MAX_POSITION} bytes")),
    }
}

/// Eight characters of 0-9A-Za-z.
fn is_id(id: &str) -> bool {
    id.len() == 8 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;

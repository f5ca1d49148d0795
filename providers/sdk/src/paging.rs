//! From what a backend lists to the page that the contract asks for.

use std::collections::HashMap;

use crate::contract::orkee::sync::types::{
    Change, Cursor, Head, Outcome, Reply as Page, Request as Exchange, Span,
};

impl Exchange {
    /// Nothing is to be listed: the answer is [`Changes::push_alone`].
    pub fn is_push_alone(&self) -> bool {
        self.limit == 0
    }
}

/// Gathers the changes of a page: each record once, in its newest version, without what this very exchange wrote.
///
/// ```
/// use orkee_provider_sdk::{Changes, Cursor, Exchange, Outcome};
///
/// # fn listed() -> Vec<(String, String, Vec<u8>)> { Vec::new() }
/// fn page(exchange: &Exchange, outcomes: Vec<Outcome>) -> orkee_provider_sdk::Page {
///     let mut changes = Changes::of(exchange, &outcomes);
///     for (id, revision, envelope) in listed() {
///         changes.add(id, revision, envelope);
///     }
///     changes.page(outcomes, Some("the mark to go on from".into()), None, false)
/// }
/// ```
#[derive(Debug)]
pub struct Changes {
    limit: usize,
    /// The revisions that this exchange stored.
    own: HashMap<String, String>,
    places: HashMap<String, usize>,
    /// In the order of the newest version; where a record was superseded, nothing is left.
    changes: Vec<Option<Change>>,
}

impl Changes {
    /// For the page of this exchange, whose mutations ended so.
    pub fn of(exchange: &Exchange, outcomes: &[Outcome]) -> Self {
        let own = exchange.mutations.iter().zip(outcomes).filter_map(|(mutation, outcome)| match outcome {
            Outcome::Accepted(revision) => Some((mutation.id.clone(), revision.clone())),
            Outcome::Conflict(_) | Outcome::Rejected(_) => None,
        });
        let limit = usize::try_from(exchange.limit).unwrap_or(usize::MAX);
        Self { limit, own: own.collect(), places: HashMap::new(), changes: Vec::new() }
    }

    /// Adds a change, oldest first. A version that this exchange stored is left out; one that another device has since put in
    /// its place is not.
    pub fn add(&mut self, id: String, revision: String, envelope: Vec<u8>) {
        if self.own.get(&id) == Some(&revision) {
            return;
        }
        if let Some(place) = self.places.insert(id.clone(), self.changes.len()) {
            self.changes[place] = None;
        }
        self.changes.push(Some(Change { id, revision, envelope }));
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// It has none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// As many as were asked for.
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// The page. `position` is where the next one goes on; `head` the backend's newest commit, if it can tell.
    pub fn page(
        self,
        outcomes: Vec<Outcome>,
        position: Option<String>,
        head: Option<Head>,
        more: bool,
    ) -> Page {
        Page {
            outcomes,
            changes: self.changes.into_iter().flatten().collect(),
            cursor: Cursor { position, head },
            more,
            written: None,
            request_id: None,
        }
    }

    /// The answer where no page is wanted: the position is repeated. `head` may be newer.
    pub fn push_alone(exchange: &Exchange, outcomes: Vec<Outcome>, head: Option<Head>) -> Page {
        let Cursor { position, head: known } = exchange.cursor.clone();
        Page {
            outcomes,
            changes: Vec::new(),
            cursor: Cursor { position, head: head.or(known) },
            more: false,
            written: None,
            request_id: None,
        }
    }
}

/// The commits that an exchange made, followed while they have no gap: what [`Page::written`](field@Page::written) tells.
#[derive(Debug)]
pub struct OwnCommits {
    after: u64,
    until: u64,
}

impl OwnCommits {
    /// `after`: the number of the last commit that the page has taken in.
    pub fn after(after: u64) -> Self {
        Self { after, until: after }
    }

    /// A commit of this exchange. Only the ones that follow at once are counted.
    pub fn add(&mut self, number: u64) {
        if Some(number) == self.until.checked_add(1) {
            self.until = number;
        }
    }

    /// None where there was no such commit.
    pub fn span(&self) -> Option<Span> {
        (self.until > self.after)
            .then(|| Span { after: self.after.to_string(), until: self.until.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mutation;

    fn exchange(limit: u32, ids: &[&str]) -> Exchange {
        let mutation = |id: &&str| Mutation {
            id: (*id).to_owned(),
            guard: None,
            envelope: Vec::new(),
            tombstone: false,
        };
        let cursor =
            Cursor { position: Some("7".to_owned()), head: Some(Head { number: 7, tag: "t".to_owned() }) };
        Exchange { cursor, mutations: ids.iter().map(mutation).collect(), limit }
    }

    fn shown(page: &Page) -> Vec<(&str, &str)> {
        page.changes.iter().map(|change| (change.id.as_str(), change.revision.as_str())).collect()
    }

    #[test]
    fn a_page_has_each_record_once_in_its_newest_version() {
        let mut changes = Changes::of(&exchange(2, &[]), &[]);
        changes.add("a".into(), "1".into(), vec![1]);
        changes.add("b".into(), "2".into(), vec![2]);
        assert!(changes.is_full());
        changes.add("a".into(), "3".into(), vec![3]);
        assert_eq!(changes.len(), 2);
        assert_eq!(shown(&changes.page(vec![], None, None, false)), [("b", "2"), ("a", "3")]);
    }

    #[test]
    fn what_the_exchange_wrote_is_left_out_and_what_replaced_it_is_not() {
        let outcomes =
            [Outcome::Accepted("5".into()), Outcome::Accepted("6".into()), Outcome::Conflict(None)];
        let mut changes = Changes::of(&exchange(9, &["a", "b", "c"]), &outcomes);
        changes.add("a".into(), "5".into(), vec![]);
        changes.add("b".into(), "7".into(), vec![]);
        changes.add("c".into(), "4".into(), vec![]);
        assert_eq!(shown(&changes.page(vec![], None, None, false)), [("b", "7"), ("c", "4")]);
    }

    #[test]
    fn a_push_alone_repeats_its_position_and_knows_no_older_head() {
        let page = Changes::push_alone(&exchange(0, &[]), vec![], None);
        assert_eq!(page.cursor.position.as_deref(), Some("7"));
        assert_eq!(page.cursor.head.map(|head| head.number), Some(7));
    }

    #[test]
    fn commits_are_told_as_far_as_they_follow_without_a_gap() {
        let mut commits = OwnCommits::after(3);
        assert!(commits.span().is_none());
        for number in [4, 5, 7] {
            commits.add(number);
        }
        let span = commits.span().unwrap();
        assert_eq!((span.after.as_str(), span.until.as_str()), ("3", "5"));
    }
}

//! The key document where the account keeps it: a record like any other, read alone and replaced only by who has seen what is there.

use orkee_wire::KEYS_ID;

use crate::sync::document_request;
use crate::sync::provider::{
    Answer, Cursor, Failure, Mutation, Outcome, Provider, ProviderError, Request, Revision, Stored,
};

/// What became of a document that was put.
#[derive(Debug)]
pub enum Put {
    /// The account has it.
    Taken,
    /// Another was there, and stays.
    Overtaken(Option<Stored>),
    /// The backend will not take it; why.
    Refused(String),
}

/// The account's key document; none: it has none, and is plain.
pub async fn fetch(provider: &impl Provider) -> Result<Option<Stored>, ProviderError> {
    match ask(provider, document_request()).await? {
        Outcome::Conflict(stored) => Ok(stored),
        Outcome::Accepted(_) => Err(wrong("it took a key document that it was only asked for")),
        Outcome::Rejected { message, .. } => Err(wrong(&message)),
    }
}

/// Puts a document in the place of the one with this revision; none: there must be none.
pub async fn put(
    provider: &impl Provider,
    guard: Option<Revision>,
    envelope: Vec<u8>,
) -> Result<Put, ProviderError> {
    let mutation = Mutation { id: KEYS_ID.to_owned(), guard, envelope };
    Ok(match ask(provider, mutation).await? {
        Outcome::Accepted(_) => Put::Taken,
        Outcome::Conflict(stored) => Put::Overtaken(stored),
        Outcome::Rejected { message, .. } => Put::Refused(message),
    })
}

async fn ask(provider: &impl Provider, mutation: Mutation) -> Result<Outcome, ProviderError> {
    let request = Request { cursor: Cursor::default(), mutations: vec![mutation], limit: 0 };
    match provider.exchange(request).await? {
        Answer::Page(reply) => match <[Outcome; 1]>::try_from(reply.outcomes) {
            Ok([outcome]) => Ok(outcome),
            Err(_) => Err(wrong("it did not tell what became of the account's key document")),
        },
        Answer::Expired | Answer::NewEpoch => {
            Err(wrong("it was asked from the beginning, and says that too much is gone"))
        }
    }
}

fn wrong(what: &str) -> ProviderError {
    ProviderError::new(
        Failure::Backend,
        format_args!("the sync provider answered against its contract: {what}"),
    )
}

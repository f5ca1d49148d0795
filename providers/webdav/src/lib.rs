//! The provider for Nextcloud and other WebDAV servers: records are files in one folder.
//!
//! **A conditional PUT decides nothing here.** Servers check `If-Match` first and write afterwards: of four clients that send the
//! same condition to Apache's mod_dav at once, two or three are told that they won, and even its exclusive LOCK is now and then
//! given twice. What is one step on every server that keeps files is making a folder, which either was there or was not. So
//! writers take turns ([`turn`]): whoever makes the folder of the next commit may write, and alone. Conditions are sent along
//! nevertheless, and a server that ignores them is refused ([`suitability`]): they stop a request that comes after its turn.
//!
//! **A revision is a random text in the file's first line**, not an ETag: Apache's PUT tells none, and one that is asked for
//! afterwards may belong to a later write. The ETag is used between a GET and the PUT that follows it, and never kept.
//!
//! ```text
//! r/a/_ab1c_d2e3       a record: a line with its revision, then the envelope; folders by the first character of the name
//! log/000000001/3/     commit 19: the turn was taken
//!               3/intent   the records that it is about to write
//!               3-TAG      it is over: the records that it wrote
//! ```
//!
//! Sixteen commits have a folder, so that what a sync lists does not grow with what is stored.

mod changes;
mod commits;
mod dav;
mod exchange;
mod full;
mod multistatus;
mod place;
mod position;
mod prune;
mod record;
mod suitability;
#[cfg(test)]
mod tests;
mod turn;
mod waiting;
mod write;

use orkee_provider_sdk::{Answer, Description, Exchange, Failure, Limits, Provider, SignIn};

struct WebDav;

impl Provider for WebDav {
    fn describe() -> Description {
        Description {
            id: "webdav".to_owned(),
            name: "WebDAV".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sign_in: SignIn::Login,
            limits: Limits {
                // So many fit into a turn on a server that takes half a second for each.
                max_mutations: 200,
                max_bytes: 4 << 20,
                max_record_bytes: record::MAX_BYTES,
                max_page: 200,
            },
        }
    }

    fn exchange(exchange: Exchange) -> Result<Answer, Failure> {
        exchange::exchange(&exchange)
    }
}

orkee_provider_sdk::export!(WebDav);

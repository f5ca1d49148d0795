//! What the algorithm asks of an object store. S3 and WebDAV are behind it, and the tests' own.

use std::hash::{BuildHasher, Hasher, RandomState};

use orkee_provider_sdk::{Failure, Rejection};

/// An object store. Keys are `folder/name`; the names need no encoding.
pub trait Store {
    /// Reads objects; what comes back is in the order of the keys. None: there is no such object.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read.
    fn get(&mut self, keys: &[String]) -> Result<Vec<Option<Object>>, Failure>;

    /// Writes objects, each on its condition. Check and write must be one step. What comes back is in their order, each result for itself.
    /// What is *probably* not written is a failure: [`Written::Refused`] says that the store held something else.
    fn put(&mut self, puts: Vec<Put>) -> Vec<Result<Written, Failure>>;

    /// Lists a folder in the order of keys, after a key. In several pages if the store likes.
    ///
    /// # Errors
    ///
    /// If it cannot be listed. A folder that does not exist is empty.
    fn list(&mut self, folder: &str, after: Option<&str>) -> Result<Listing, Failure>;

    /// Deletes objects, in their order. One that does not exist is deleted.
    ///
    /// # Errors
    ///
    /// If one of them cannot be deleted.
    fn delete(&mut self, keys: &[String]) -> Result<(), Failure>;

    /// A text that nobody else has.
    fn nonce(&mut self) -> String {
        let random = || RandomState::new().build_hasher().finish();
        format!("{:016x}{:016x}", random(), random())
    }
}

/// What the store holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// As the store writes it, quotation marks included.
    pub etag: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// The condition of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// `If-None-Match: *`
    Absent,
    /// `If-Match: ETAG`
    Match(String),
}

/// An object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where.
    pub key: String,
    /// If the store holds this.
    pub guard: Guard,
    /// What.
    pub body: Vec<u8>,
}

/// How a write ended.
#[derive(Debug, Clone)]
pub enum Written {
    /// It was written.
    Stored {
        /// The new ETag.
        etag: String,
        /// When, in seconds since 1970, by the server's clock.
        date: u64,
    },
    /// The condition does not hold.
    Refused,
    /// The store will not take this object.
    Rejected(Rejection),
}

/// A page of a folder's listing.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// In the order of their keys.
    pub entries: Vec<Entry>,
    /// There are further ones after the last of these.
    pub more: bool,
    /// The server's clock, in seconds since 1970.
    pub date: u64,
}

/// An object in a listing.
#[derive(Debug, Clone)]
pub struct Entry {
    /// With its folder.
    pub key: String,
    /// As in [`Object`].
    pub etag: String,
    /// In bytes.
    pub size: u64,
    /// When it was written, in seconds since 1970.
    pub modified: u64,
}

//! An account whose records are sealed: the commands that make it one and let a device in, and what its server then holds.

use std::path::Path;

use orkee_wire::Envelope;
use rusqlite::{Connection, OpenFlags};

use crate::device::Device;
use crate::home::{Ran, finish};

/// The reserved id of the record that says how an account is sealed.
pub const KEYS_ID: &str = "00orkee0";
/// What the payload of a sealed record begins with.
pub const MAGIC: [u8; 4] = [0xa7, 0x6f, 0x72, 0x6b];

/// Seals the account, and hands back its recovery phrase.
#[track_caller]
pub fn init(device: &Device) -> String {
    let made = device.json(&["cloud", "key", "init", "--yes"]);
    made["phrase"].as_str().unwrap_or_else(|| panic!("no phrase is told: {made}")).to_owned()
}

/// Lets a device in by the phrase, or tries to.
pub fn recover(device: &Device, phrase: &str) -> Ran {
    finish(device.orkee(&["cloud", "key", "recover", "--json"]), format!("{phrase}\n").as_bytes())
}

/// Whether this phrase opens what the server has.
pub fn verify(device: &Device, phrase: &str) -> Ran {
    finish(device.orkee(&["cloud", "key", "verify", "--json"]), format!("{phrase}\n").as_bytes())
}

/// A record as the server holds it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Its envelope.
    pub envelope: Vec<u8>,
}

/// All records in a server's folder but those that say how they are sealed.
pub fn stored(data: &Path) -> Vec<Stored> {
    all(data).into_iter().filter(|record| record.id != KEYS_ID).collect()
}

/// The envelopes that say how the accounts are sealed, in the order in which they became so.
pub fn documents(data: &Path) -> Vec<Vec<u8>> {
    let all = all(data).into_iter().filter(|record| record.id == KEYS_ID);
    all.map(|record| record.envelope).collect()
}

fn all(data: &Path) -> Vec<Stored> {
    let file = data.join("orkee-server.db");
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut query = database.prepare("SELECT id, envelope FROM records ORDER BY space, id").unwrap();
    let rows = query.query_map([], |row| Ok(Stored { id: row.get(0)?, envelope: row.get(1)? })).unwrap();
    rows.map(Result::unwrap).collect()
}

impl Stored {
    /// The epoch of its key; none where it is plain, as a tombstone without a seal is.
    pub fn epoch(&self) -> Option<u32> {
        let line = self.envelope.iter().position(|b| *b == b'\n').unwrap();
        let head: serde_json::Value = serde_json::from_slice(&self.envelope[..line]).unwrap();
        let sealed = match head["seal"].as_str() {
            Some(seal) => unpacked(seal),
            None => self.envelope[line + 1..].to_vec(),
        };
        let epoch: [u8; 4] = sealed.strip_prefix(&MAGIC)?.get(1..5)?.try_into().unwrap();
        Some(u32::from_be_bytes(epoch))
    }

    /// Whether it says that its record was deleted.
    pub fn is_tombstone(&self) -> bool {
        Envelope::parse(&self.envelope).unwrap().payload.is_none()
    }
}

fn unpacked(text: &str) -> Vec<u8> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// The epochs in which the server's records are sealed, each once; 0 for plain.
pub fn epochs(data: &Path) -> Vec<u32> {
    let mut epochs: Vec<_> = stored(data).iter().map(|record| record.epoch().unwrap_or_default()).collect();
    epochs.sort_unstable();
    epochs.dedup();
    epochs
}

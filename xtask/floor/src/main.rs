//! The floor: what moving records between two SQLite files costs when nothing is done that is not unavoidable.
//!
//! Batches of 500, zstd level 3, XChaCha20-Poly1305, four requests in flight over HTTP/1.1. No plugin, no sign-in, no merge,
//! no TLS, no check of anything. It exists to be measured, and is no example of how to do it.

mod client;
mod http;
mod seal;
mod server;

use std::error::Error;

const USAGE: &str =
    "usage: orkee-floor serve DB | load DB FILE | upload DB ADDRESS | download DB ADDRESS | touch DB N";

/// Records in a batch.
const BATCH: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve", db] => server::serve(db),
        ["load", db, file] => client::load(db, file),
        ["upload", db, address] => told(client::upload(db, address)),
        ["download", db, address] => told(client::download(db, address)),
        ["touch", db, n] => client::touch(db, n.parse()?),
        _ => Err(USAGE.into()),
    }
}

/// Says what it cost on the wire.
fn told(result: Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    result.inspect(|()| println!("{}", http::traffic()))
}

/// A database with one table of records.
fn open(path: &str) -> rusqlite::Result<rusqlite::Connection> {
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payload BLOB NOT NULL, dirty INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS dirty ON records (seq) WHERE dirty = 1;
         CREATE TABLE IF NOT EXISTS cursor (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL);
         INSERT OR IGNORE INTO cursor VALUES (1, 0);",
    )?;
    Ok(db)
}

type Record = (String, Vec<u8>);

/// Length-prefixed ids and payloads.
fn pack(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in records.iter().flat_map(|(id, payload)| [id.as_bytes(), payload]) {
        bytes.extend((part.len() as u32).to_le_bytes());
        bytes.extend(part);
    }
    bytes
}

fn unpack(mut bytes: &[u8]) -> Result<Vec<Record>, Box<dyn Error>> {
    let mut part = || -> Option<Vec<u8>> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        bytes = rest;
        Some(part.to_vec())
    };
    let mut records = Vec::new();
    while let Some(id) = part() {
        records.push((String::from_utf8(id)?, part().ok_or("half a record")?));
    }
    Ok(records)
}

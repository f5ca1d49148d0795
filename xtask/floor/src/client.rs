//! Sends what is dirty, and fetches what is new.

use std::error::Error;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

use rusqlite::params;

use crate::http::Connection;
use crate::seal::{seal, unseal};
use crate::{BATCH, Record, open, pack, unpack};

/// Requests in flight.
const IN_FLIGHT: usize = 4;

pub(crate) fn load(db: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let export: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut db = open(db)?;
    let transaction = db.transaction()?;
    for project in export["projects"].as_array().ok_or("no projects")? {
        transaction
            .prepare_cached("INSERT INTO records (id, payload, dirty) VALUES (?1, ?2, 1)")?
            .execute(params![project["id"].as_str(), project.to_string().into_bytes()])?;
    }
    Ok(transaction.commit()?)
}

/// Marks the first `n` records as changed.
pub(crate) fn touch(db: &str, n: i64) -> Result<(), Box<dyn Error>> {
    open(db)?.execute("UPDATE records SET dirty = 1 WHERE seq <= ?1", [n])?;
    Ok(())
}

pub(crate) fn upload(db: &str, address: &str) -> Result<(), Box<dyn Error>> {
    let mut db = open(db)?;
    let (queue, batches) = mpsc::sync_channel::<(i64, Vec<u8>)>(0);
    let (answered, done) = mpsc::channel::<Result<i64, String>>();
    let batches = std::sync::Arc::new(std::sync::Mutex::new(batches));
    for _ in 0..IN_FLIGHT {
        let (batches, answered, address) = (batches.clone(), answered.clone(), address.to_owned());
        thread::spawn(move || {
            let mut connection = None;
            loop {
                let next = batches.lock().map(|batches| batches.recv());
                let Ok(Ok((last, batch))) = next else { return };
                let sent =
                    send(&mut connection, &address, 0, &batch).map(|_| last).map_err(|e| e.to_string());
                if answered.send(sent).is_err() {
                    return;
                }
            }
        });
    }
    drop(answered);
    let mut last = 0;
    loop {
        let batch: Vec<(i64, Record)> = db
            .prepare_cached(
                "SELECT seq, id, payload FROM records WHERE dirty = 1 AND seq > ?1 ORDER BY seq LIMIT ?2",
            )?
            .query_map(params![last, BATCH as i64], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
            .collect::<Result<_, _>>()?;
        let Some((seq, _)) = batch.last() else { break };
        last = *seq;
        let records: Vec<Record> = batch.into_iter().map(|(_, record)| record).collect();
        queue.send((last, seal(&pack(&records))?))?;
    }
    drop(queue);
    done.iter().collect::<Result<Vec<_>, _>>()?;
    let transaction = db.transaction()?;
    transaction.execute("UPDATE records SET dirty = 0 WHERE dirty = 1", [])?;
    Ok(transaction.commit()?)
}

pub(crate) fn download(db: &str, address: &str) -> Result<(), Box<dyn Error>> {
    let mut db = open(db)?;
    let mut connection = None;
    let mut after: i64 = db.query_row("SELECT seq FROM cursor", [], |row| row.get(0))?;
    loop {
        let reply = send(&mut connection, address, after, &[])?;
        let (next, page) = reply.split_first_chunk::<8>().ok_or("half a reply")?;
        let page = unpack(&unseal(page)?)?;
        let transaction = db.transaction()?;
        let full = page.len() == BATCH;
        for (id, payload) in page {
            transaction
                .prepare_cached(
                    "INSERT INTO records (id, payload, dirty) VALUES (?1, ?2, 0)
                                 ON CONFLICT (id) DO UPDATE SET payload = ?2",
                )?
                .execute(params![id, payload])?;
        }
        after = i64::from_le_bytes(*next);
        transaction.execute("UPDATE cursor SET seq = ?1", [after])?;
        transaction.commit()?;
        if !full {
            return Ok(());
        }
    }
}

fn send(
    connection: &mut Option<Connection>,
    address: &str,
    after: i64,
    body: &[u8],
) -> Result<Vec<u8>, Box<dyn Error>> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::new(TcpStream::connect(address)?)?),
    };
    connection.write(&format!("POST /{after} HTTP/1.1"), body)?;
    Ok(connection.read()?.ok_or("the server closed the connection")?.1)
}

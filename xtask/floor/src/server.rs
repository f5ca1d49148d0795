//! Stores what it is sent, and lists what came after a number.

use std::error::Error;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::{Connection as Db, params};

use crate::http::Connection;
use crate::seal::{seal, unseal};
use crate::{BATCH, open, pack, unpack};

pub(crate) fn serve(db: &str) -> Result<(), Box<dyn Error>> {
    let db = Arc::new(Mutex::new(open(db)?));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        let db = Arc::clone(&db);
        thread::spawn(move || -> Result<(), String> {
            let mut connection = Connection::new(stream).map_err(|e| e.to_string())?;
            while let Some((first, body)) = connection.read().map_err(|e| e.to_string())? {
                let mut db = db.lock().unwrap_or_else(PoisonError::into_inner);
                let reply = answer(&mut db, &first, &body).map_err(|e| e.to_string())?;
                connection.write("HTTP/1.1 200 OK", &reply).map_err(|e| e.to_string())?;
            }
            Ok(())
        });
    }
    Ok(())
}

/// `POST /AFTER`: stores the batch in the body, replies the next number and the records after AFTER.
fn answer(db: &mut Db, first: &str, body: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let after: i64 = first.split(['/', ' ']).nth(2).unwrap_or_default().parse()?;
    let transaction = db.transaction()?;
    for (id, payload) in unpack(&unseal(body)?)? {
        transaction
            .prepare_cached("INSERT INTO records (id, payload, dirty) VALUES (?1, ?2, 0)
                             ON CONFLICT (id) DO UPDATE SET payload = ?2, seq = (SELECT max(seq) + 1 FROM records)")?
            .execute(params![id, payload])?;
    }
    transaction.commit()?;
    let mut page =
        db.prepare_cached("SELECT id, payload FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let page = page.query_map(params![after, BATCH as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let page: Vec<_> = match body.is_empty() {
        true => page.collect::<Result<_, _>>()?,
        false => Vec::new(),
    };
    let top: i64 = db.query_row("SELECT coalesce(max(seq), 0) FROM records", [], |row| row.get(0))?;
    let next = if page.len() == BATCH { after + BATCH as i64 } else { top };
    let mut reply = next.to_le_bytes().to_vec();
    reply.extend(seal(&pack(&page))?);
    Ok(reply)
}

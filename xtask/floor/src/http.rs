//! HTTP/1.1 with nothing but a length.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};

/// What this process wrote, read and asked, over all connections.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static READ: AtomicU64 = AtomicU64::new(0);
static MESSAGES: AtomicU64 = AtomicU64::new(0);

/// The client's traffic, as `orkee cloud sync --json` names it.
pub(crate) fn traffic() -> serde_json::Value {
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    serde_json::json!({"round_trips": of(&MESSAGES), "bytes_up": of(&WRITTEN), "bytes_down": of(&READ)})
}

/// One connection, kept alive.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// The next message's first line and body; none when the other side has closed.
    pub(crate) fn read(&mut self) -> std::io::Result<Option<(String, Vec<u8>)>> {
        let mut first = String::new();
        if self.reader.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let (mut length, mut head) = (0, first.len());
        loop {
            let mut line = String::new();
            head += self.reader.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", n)) => length = n.parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        READ.fetch_add((head + length) as u64, Ordering::Relaxed);
        Ok(Some((first, body)))
    }

    pub(crate) fn write(&mut self, first: &str, body: &[u8]) -> std::io::Result<()> {
        let mut message =
            format!("{first}\r\nHost: floor\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        message.extend(body);
        WRITTEN.fetch_add(message.len() as u64, Ordering::Relaxed);
        MESSAGES.fetch_add(1, Ordering::Relaxed);
        self.reader.get_mut().write_all(&message)
    }
}

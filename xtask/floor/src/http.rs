//! HTTP/1.1 with nothing but a length.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

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
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", n)) => length = n.parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Some((first, body)))
    }

    pub(crate) fn write(&mut self, first: &str, body: &[u8]) -> std::io::Result<()> {
        let mut message =
            format!("{first}\r\nHost: floor\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        message.extend(body);
        self.reader.get_mut().write_all(&message)
    }
}

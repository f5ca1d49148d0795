//! A receiver that takes every event at once, and counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::run::Error;

/// Listens until the program ends.
pub struct Sink {
    pub url: String,
    received: Arc<AtomicUsize>,
}

impl Sink {
    pub fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || serve(&stream, &counter).ok());
            }
        });
        Ok(Self { url, received })
    }

    pub fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn serve(stream: &TcpStream, received: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        received.fetch_add(1, Ordering::SeqCst);
        (&mut &*stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

//! A receiver of webhooks that can be killed: `hook-sink PORT FILE` answers 204 to every POST, and first appends a line to FILE: the
//! event's id and its body. What it has written it has received, whether or not it came to saying so.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, port, file] = args.as_slice() else { return Err("usage: hook-sink PORT FILE".into()) };
    let file = Arc::new(OpenOptions::new().create(true).append(true).open(file)?);
    let listener = TcpListener::bind(("127.0.0.1", port.parse::<u16>()?))?;
    for stream in listener.incoming().flatten() {
        let file = Arc::clone(&file);
        // A sender that is killed in the middle is what it is for.
        thread::spawn(move || serve(&stream, &file).ok());
    }
    Ok(())
}

fn serve(stream: &TcpStream, mut file: &File) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut id, mut line) = (0, String::new(), String::new());
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "webhook-id" => value.trim().clone_into(&mut id),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        // One write a line: lines of two connections do not mix.
        file.write_all(format!("{id}\t{}\n", String::from_utf8_lossy(&body)).as_bytes())?;
        (&mut &*stream).write_all(b"HTTP/1.1 204 X\r\n\r\n")?;
    }
}

//! As much of an HTTP client as comparing the server's data needs: one GET on loopback.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::run::Error;

/// The JSON that `url` answers.
pub fn get_json(url: &str, token: &str) -> Result<serde_json::Value, Error> {
    let address = url.strip_prefix("http://").ok_or("not an http url")?;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "GET /{path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (head, body) = reply.split_once("\r\n\r\n").ok_or("the reply has no end of headers")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(serde_json::from_str(body)?),
        _ => Err(format!("{url}: {}", head.lines().next().unwrap_or_default()).into()),
    }
}

//! Requests and replies as they stand on the wire.

use std::io::Read;

use crate::http::parse_head;

/// A request as it came, but for the connection, which serves it alone.
pub(crate) fn read_request(client: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some((_, headers, body_at)) = parse_head(&bytes) {
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if bytes.len() >= body_at + length {
                let line_end = bytes.windows(2).position(|w| w == b"\r\n")? + 2;
                bytes.splice(line_end..line_end, *b"Connection: close\r\n");
                return Some(bytes);
            }
        }
        match client.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

/// The path that a request asks for, without a query.
pub(super) fn path(request: &[u8]) -> String {
    let line = String::from_utf8_lossy(request.split(|b| *b == b'\r').next().unwrap_or_default());
    let target = line.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default().to_owned()
}

/// A reply that is said to have so many bytes more than it has, or fewer.
pub(super) fn misstated(reply: &[u8], by: i32) -> Vec<u8> {
    let (first, headers, body_at) = parse_head(reply).unwrap();
    let body = &reply[body_at..];
    let length = body.len().saturating_add_signed(by as isize).to_string();
    let others = headers.iter().filter(|(name, _)| name != "content-length");
    let lines: String = others.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    [format!("{first}\r\n{lines}content-length: {length}\r\n\r\n").as_bytes(), body].concat()
}

/// A reply of exactly this body.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    [&head(status, headers, body.len() as u64), body].concat()
}

/// The head of a reply whose body has, or is said to have, so many bytes.
pub fn head(status: u16, headers: &[(&str, &str)], length: u64) -> Vec<u8> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} X\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

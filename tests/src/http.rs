//! HTTP/1.1 by hand, so that a test can also send what no client would. One connection a request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

use crate::tls_client;

/// Names in lower case, with their values.
pub type Headers = Vec<(String, String)>;

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body, its transfer encoding taken off.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

/// A connection to the host of a URL.
pub fn connect(url: &Url) -> std::io::Result<TcpStream> {
    let host = url.host_str().unwrap().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, url.port_or_known_default().unwrap()))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// Host and port, as the header `Host` has them.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// `GET`.
pub fn get(url: &Url, headers: &[(&str, &str)]) -> std::io::Result<Reply> {
    send("GET", url, headers, b"")
}

/// A request with the usual headers and these.
pub fn send(method: &str, url: &Url, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Reply> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", authority(url));
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    raw(url, &[head.as_bytes(), body].concat(), method == "HEAD")
}

/// Exactly these bytes, and what comes back.
pub fn raw(url: &Url, bytes: &[u8], no_body: bool) -> std::io::Result<Reply> {
    let mut stream = connect(url)?;
    if url.scheme() == "https" {
        let mut stream = tls_client::over(stream, url)?;
        let _ = stream.write_all(bytes);
        return read_reply(&mut stream, no_body);
    }
    // A server may answer, and close, before it has read all.
    let _ = stream.write_all(bytes);
    read_reply(&mut stream, no_body)
}

/// Reads a reply to its end.
pub fn read_reply(stream: &mut impl Read, no_body: bool) -> std::io::Result<Reply> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(reply) = parse(&bytes, false, no_body) {
            return Ok(reply);
        }
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    let text = || std::io::Error::other(format!("no HTTP: {:?}", String::from_utf8_lossy(&bytes)));
    parse(&bytes, true, no_body).ok_or_else(text)
}

/// The head of a request or a reply: its first line, its headers, and how long it is.
pub fn parse_head(bytes: &[u8]) -> Option<(String, Headers, usize)> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let first = lines.next()?.to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Some((first, headers, end + 4))
}

fn parse(bytes: &[u8], at_end: bool, no_body: bool) -> Option<Reply> {
    let (first, headers, body_at) = parse_head(bytes)?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let body = &bytes[body_at..];
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let body = if no_body || matches!(status, 204 | 304) {
        Vec::new()
    } else if header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        dechunk(body)?
    } else if let Some(length) = header("content-length").and_then(|v| v.parse().ok()) {
        body.get(..length).or_else(|| at_end.then_some(body))?.to_vec()
    } else if at_end {
        body.to_vec()
    } else {
        return None;
    };
    Some(Reply { status, headers, body })
}

fn dechunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|w| w == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&bytes[..line]).ok()?.split(';').next()?.trim(), 16)
                .ok()?;
        bytes = &bytes[line + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}

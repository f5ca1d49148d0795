//! Requests and replies as they stand on the wire. Only Orkee's own client speaks here, so requests are of one form.

use std::io;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

const MAX_HEAD: usize = 64 << 10;
const MAX_BODY: usize = 64 << 20;

/// A request, read to its end.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Reads the next request of a connection; none where it ended.
pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
        if head.len() > MAX_HEAD {
            return Err(io::Error::other("a request's head is too large"));
        }
    }
    let mut request = parse_head(&head).ok_or_else(|| io::Error::other("no HTTP request"))?;
    let length = request.headers.get(CONTENT_LENGTH).map_or(Some(0), |v| v.to_str().ok()?.parse().ok());
    let length: usize = length
        .filter(|length| *length <= MAX_BODY)
        .ok_or_else(|| io::Error::other("a request's length is no length"))?;
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

fn parse_head(head: &[u8]) -> Option<Request> {
    let mut lines = head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = std::str::from_utf8(lines.next()?).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|b| *b == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    Some(Request { method, target, headers, body: Vec::new() })
}

/// The head of a reply whose body has, or is said to have, so many bytes; none: until the connection ends.
pub(super) fn head(status: StatusCode, headers: &HeaderMap, length: Option<u64>) -> Vec<u8> {
    let reason = status.canonical_reason().unwrap_or("Status");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    let own = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];
    for (name, value) in headers.iter().filter(|(name, _)| !own.contains(name)) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    match length {
        Some(length) => head.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes()),
        None => head.extend_from_slice(b"connection: close\r\n\r\n"),
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_read_one_after_the_other() {
        let mut bytes =
            &b"PUT /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n"[..];
        let first = read_request(&mut bytes).await.unwrap().unwrap();
        assert_eq!((first.method, first.target.as_str()), (Method::PUT, "/a?b"));
        assert_eq!((first.headers["host"].as_bytes(), first.body.as_slice()), (&b"h"[..], &b"abc"[..]));
        assert_eq!(read_request(&mut bytes).await.unwrap().unwrap().method, Method::GET);
        assert!(read_request(&mut bytes).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_no_request_is_an_error() {
        for text in
            ["GET", "GET / HTTP/1.1\r\nno header\r\n\r\n", "PUT / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
        {
            assert!(read_request(&mut text.as_bytes()).await.is_err(), "{text}");
        }
    }
}

//! A server's reply, before the plugin sees it.

use std::io::Read;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::{Incoming, REQUEST_ID, SendError};
use crate::net::{Origin, Reply};

/// A frame that asks for a larger window than this is refused, whatever its size.
const WINDOW_LOG_MAX: u32 = 23;
/// Not told to the plugin: cookies, what belongs to the connection, and what no longer fits a decoded body.
const WITHHELD: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "dpop-nonce",
    "keep-alive",
    "proxy-authenticate",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authorization",
];

/// The reply as the plugin gets it.
pub(super) fn decode(reply: Reply, origin: &Origin, cap: u64) -> Result<Incoming, SendError> {
    let undecodable = || SendError::Encoding { origin: origin.clone() };
    let encodings: Vec<_> =
        reply.headers.get_all(CONTENT_ENCODING).iter().map(|v| v.as_bytes().to_ascii_lowercase()).collect();
    let body = match encodings.as_slice() {
        [] => reply.body.to_vec(),
        [one] if one == b"identity" => reply.body.to_vec(),
        [_] if reply.body.is_empty() => Vec::new(),
        [one] if one == b"zstd" => inflate(&reply.body, cap).map_err(|error| match error {
            Inflate::TooLarge => SendError::TooLarge { origin: origin.clone(), limit: cap },
            Inflate::Damaged => undecodable(),
        })?,
        _ => return Err(undecodable()),
    };
    Ok(Incoming {
        status: reply.status.as_u16(),
        request_id: request_id(&reply.headers),
        headers: headers(&reply.headers),
        body,
        remedy: None,
    })
}

enum Inflate {
    TooLarge,
    Damaged,
}

fn inflate(body: &[u8], cap: u64) -> Result<Vec<u8>, Inflate> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|_| Inflate::Damaged)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| Inflate::Damaged)?;
    let told = zstd::zstd_safe::get_frame_content_size(body).ok().flatten();
    // Room for as much as the frame says that it has; what it really has is read.
    let mut inflated = Vec::with_capacity(told.unwrap_or(0).min(cap) as usize);
    decoder.take(cap + 1).read_to_end(&mut inflated).map_err(|_| Inflate::Damaged)?;
    if inflated.len() as u64 > cap { Err(Inflate::TooLarge) } else { Ok(inflated) }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let told = headers.iter().filter(|(name, _)| !WITHHELD.contains(&name.as_str()));
    told.map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    })
    .collect()
}

/// What the server calls the request, if it is a name that may be printed.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(encoding: Option<&'static str>, body: Vec<u8>) -> Reply {
        let mut headers = HeaderMap::new();
        encoding.map(|e| headers.insert(CONTENT_ENCODING, e.parse().unwrap()));
        Reply { status: http::StatusCode::OK, headers, body: body.into() }
    }

    fn decoded(encoding: Option<&'static str>, body: Vec<u8>) -> Result<Vec<u8>, SendError> {
        decode(reply(encoding, body), &"https://a.example".parse().unwrap(), 1000)
            .map(|incoming| incoming.body)
    }

    #[test]
    fn a_body_is_decoded_as_its_header_says() {
        let packed = zstd::bulk::compress(b"hello", 3).unwrap();
        assert_eq!(decoded(Some("zstd"), packed.clone()).unwrap(), b"hello");
        assert_eq!(decoded(None, packed.clone()).unwrap(), packed);
        assert!(matches!(decoded(Some("gzip"), packed.clone()), Err(SendError::Encoding { .. })));
        assert!(matches!(
            decoded(Some("zstd"), packed[..packed.len() - 2].to_vec()),
            Err(SendError::Encoding { .. })
        ));
    }

    #[test]
    fn p23_a_bomb_does_not_go_off() {
        let bomb = zstd::bulk::compress(&vec![0; 50 << 20], 3).unwrap();
        assert!(bomb.len() < 1 << 20);
        assert!(matches!(decoded(Some("zstd"), bomb), Err(SendError::TooLarge { limit: 1000, .. })));
        let exact = zstd::bulk::compress(&[0; 1000], 3).unwrap();
        assert_eq!(decoded(Some("zstd"), exact).unwrap().len(), 1000);
    }

    #[test]
    fn only_a_request_id_that_may_be_printed_is_kept() {
        for (given, kept) in [("req_1-a", true), ("", false), ("a b", false), ("<script>", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, given.parse().unwrap());
            assert_eq!(request_id(&headers).is_some(), kept, "{given}");
        }
    }
}

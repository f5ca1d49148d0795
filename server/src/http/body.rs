//! Bodies, both ways: read up to a limit, compressed where the other side can take it.
//!
//! A compressed body counts as what it unpacks to, and is unpacked no further than the limit. Whoever sends one has to keep a
//! pace, since each connection that waits for a body is one that nobody else gets.

use std::io::Read;
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ApiError;

/// How long a client may keep us waiting, at once and beyond what its bytes have paid for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes that pay for a second. Slower than any line on which syncing is of use.
const PACE: u32 = 8 << 10;
/// A body that is refused is read this far and no further.
const DRAIN: u64 = 64 << 20;
/// Nor for longer than this, whatever it pays: nobody has asked who sends it.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Replies below this many bytes do not get smaller.
const WORTH_PACKING: usize = 512;
const LEVEL: i32 = 3;
/// The largest window that a packed body may ask for, as a power of two: 8 MiB, what RFC 9659 allows.
pub(crate) const MAX_WINDOW_LOG: u32 = 23;

/// A body as it came.
#[derive(Debug)]
pub(crate) struct Received {
    bytes: Bytes,
    packing: Packing,
    limit: u64,
}

/// Reads a body of at most `limit` bytes that is JSON.
pub(crate) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
) -> Result<T, ApiError> {
    let bytes = Received::read(headers, body, limit).await?.unpack()?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::invalid(format!("the body is not right: {error}")))
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Zstd,
}

impl Packing {
    /// What `Content-Encoding` says.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None => Ok(Self::Plain),
            Some(name) if name.eq_ignore_ascii_case(b"identity") => Ok(Self::Plain),
            Some(name) if name.eq_ignore_ascii_case(b"zstd") => Ok(Self::Zstd),
            Some(_) => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-encoding",
                "a body may be packed with zstd, or not at all",
            )
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("zstd"))),
        }
    }
}

impl Received {
    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: u64) -> Result<Self, ApiError> {
        let (packing, body) = or_discard(Packing::of(headers), body).await?;
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse::<usize>().ok());
        let mut bytes = Vec::with_capacity(announced.filter(|n| *n as u64 <= limit).unwrap_or_default());
        let mut arriving = Arriving::new(body);
        while let Some(chunk) = arriving.next().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                drop(bytes);
                arriving.discard().await;
                return Err(too_large(limit));
            }
        }
        Ok(Self { bytes: bytes.into(), packing, limit })
    }

    /// The body itself. Takes a processor's time: not for the runtime's own threads.
    pub(crate) fn unpack(self) -> Result<Bytes, ApiError> {
        if self.packing == Packing::Plain {
            return Ok(self.bytes);
        }
        let unreadable = |_| ApiError::invalid("the body is not zstd, or asks for a window above 8 MiB");
        let mut decoder = zstd::stream::read::Decoder::with_buffer(&self.bytes[..]).map_err(unreadable)?;
        decoder.window_log_max(MAX_WINDOW_LOG).map_err(unreadable)?;
        let mut plain = Vec::with_capacity((self.bytes.len() * 4).min(self.limit as usize));
        decoder.take(self.limit + 1).read_to_end(&mut plain).map_err(unreadable)?;
        if plain.len() as u64 > self.limit { Err(too_large(self.limit)) } else { Ok(plain.into()) }
    }
}

/// Goes on with a body, or refuses the request once the body is out of the way.
pub(crate) async fn or_discard<T>(judged: Result<T, ApiError>, body: Body) -> Result<(T, Body), ApiError> {
    match judged {
        Ok(good) => Ok((good, body)),
        Err(error) => {
            Arriving::new(body).discard().await;
            Err(error)
        }
    }
}

/// A body on its way in.
#[derive(Debug)]
pub(crate) struct Arriving {
    stream: BodyDataStream,
    pace: Pace,
}

/// What a sender has sent, and how long we have waited for it. Our own work between two chunks is not on its bill.
#[derive(Debug, Default)]
struct Pace {
    received: u64,
    waited: Duration,
}

impl Pace {
    /// How long the next chunk may take.
    fn allowance(&self) -> Duration {
        let paid = Duration::from_secs(self.received) / PACE;
        (PATIENCE + paid).saturating_sub(self.waited).min(PATIENCE)
    }
}

impl Arriving {
    pub(crate) fn new(body: Body) -> Self {
        Self { stream: body.into_data_stream(), pace: Pace::default() }
    }

    /// The next piece; none after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let began = Instant::now();
        let next = tokio::time::timeout(self.pace.allowance(), self.stream.next()).await;
        self.pace.waited += began.elapsed();
        match next {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => {
                self.pace.received += chunk.len() as u64;
                Ok(Some(chunk))
            }
            Ok(Some(Err(_))) => Err(ApiError::invalid("the body ended early")),
            Err(_) => {
                Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come in time"))
            }
        }
    }

    /// Reads for a while what nobody wants, so that its sender meets the answer and not a reset.
    pub(crate) async fn discard(mut self) {
        let end = self.pace.received.saturating_add(DRAIN);
        let rest = async { while self.pace.received < end && matches!(self.next().await, Ok(Some(_))) {} };
        // Too slow or not, the answer goes out next.
        let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
    }
}

/// More than `limit` bytes.
pub(crate) fn too_large(limit: u64) -> ApiError {
    ApiError::too_large(format!("a body here may have {limit} bytes, unpacked"), limit)
}

/// Whether the client can unpack zstd.
pub(crate) fn accepts_zstd(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|list| list.split(',')).any(|item| {
        let (name, quality) = item.split_once(';').unwrap_or((item, ""));
        let quality: String = quality.split_whitespace().collect();
        let refused = quality.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
        name.trim().eq_ignore_ascii_case("zstd") && !refused
    })
}

/// A reply with a body that may be packed.
#[derive(Debug)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    packing: Packing,
    media_type: &'static str,
}

impl Packed {
    /// Packs a body where that is wanted and worth it. Takes a processor's time.
    pub(crate) fn new(bytes: Vec<u8>, media_type: &'static str, zstd_accepted: bool) -> Self {
        if zstd_accepted
            && bytes.len() >= WORTH_PACKING
            && let Ok(packed) = zstd::bulk::compress(&bytes, LEVEL)
        {
            return Self { bytes: packed, packing: Packing::Zstd, media_type };
        }
        Self { bytes, packing: Packing::Plain, media_type }
    }

    /// The same for a value in JSON.
    pub(crate) fn json(value: &impl Serialize, zstd_accepted: bool) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(value).map_err(|e| ApiError::internal(&e))?;
        Ok(Self::new(bytes, "application/json", zstd_accepted))
    }
}

impl IntoResponse for Packed {
    fn into_response(self) -> Response {
        let mut response = Body::from(self.bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if self.packing == Packing::Zstd {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8], limit: u64) -> Received {
        let bytes = zstd::bulk::compress(bytes, 3).unwrap().into();
        Received { bytes, packing: Packing::Zstd, limit }
    }

    #[test]
    fn a_packed_body_is_unpacked_no_further_than_the_limit() {
        assert_eq!(packed(&[7; 1000], 1000).unpack().unwrap(), vec![7; 1000]);
        assert!(packed(&[7; 1001], 1000).unpack().is_err());
        assert!(packed(&vec![0; 1 << 28], 8 << 20).unpack().is_err());
    }

    #[test]
    fn a_body_that_is_not_packed_as_it_says_is_refused() {
        let body = Received { bytes: Bytes::from_static(b"plain"), packing: Packing::Zstd, limit: 100 };
        assert!(body.unpack().is_err());
    }

    #[test]
    fn a_sender_waits_for_free_only_once() {
        let after = |received, waited| Pace { received, waited: Duration::from_secs(waited) }.allowance();
        assert_eq!(after(0, 0), PATIENCE);
        assert_eq!(after(1, PATIENCE.as_secs() + 1), Duration::ZERO, "a byte now and then buys nothing");
        assert_eq!(after(10 * u64::from(PACE), PATIENCE.as_secs()), Duration::from_secs(10));
        assert_eq!(after(u64::MAX, 3600), PATIENCE, "nor does a large part buy a long silence");
    }

    #[test]
    fn zstd_is_used_only_where_it_was_offered() {
        for (value, expected) in
            [("gzip, zstd", true), ("ZSTD;q=0.5", true), ("zstd; q=0", false), ("gzip", false)]
        {
            let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static(value))].into_iter().collect();
            assert_eq!(accepts_zstd(&headers), expected, "{value}");
        }
    }
}

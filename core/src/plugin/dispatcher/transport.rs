//! What the host saw of a delivery: nothing in here is a dispatcher's word.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use http::header::RETRY_AFTER;
use jiff::Timestamp;

use super::class::Class;
use crate::net::Sent;

/// Of a reply's body, the part that is kept for people.
const REPLY_BYTES: usize = 1 << 10;

/// When the receiver wants to be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long after its reply.
    Seconds(u64),
    /// Then.
    At(Timestamp),
}

impl RetryAfter {
    /// Reads the header's value: seconds, or a date in one of the three forms of HTTP. None: it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // More digits than a number has are as good as forever; who waits caps it anyway.
            return Some(Self::Seconds(text.parse().unwrap_or(u64::MAX)));
        }
        let date = httpdate::parse_http_date(text).ok()?;
        let since = date.duration_since(UNIX_EPOCH).ok()?;
        let date = Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()?;
        Some(Self::At(date))
    }

    /// How long that is from `now`, which is when the reply came.
    pub fn from(self, now: Timestamp) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds),
            Self::At(date) => date.duration_since(now).try_into().unwrap_or(Duration::ZERO),
        }
    }
}

/// What the host saw of the last request of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// How it ended.
    pub class: Class,
    /// The status, if one came, be it that of a reply that did not end well.
    pub status: Option<u16>,
    /// What TLS agreed on, such as `TLS 1.3 AES_256_GCM_SHA384`.
    pub tls: Option<String>,
    /// The address that was dialled. None: no connection, or a proxy made it.
    pub address: Option<IpAddr>,
    /// What the receiver calls the request, or else what we called it.
    pub request_id: Option<String>,
    /// When the receiver wants to be asked again.
    pub retry_after: Option<RetryAfter>,
    /// The first KiB of the reply's body, as it came but for secrets, which are masked. Control characters and all: who shows it
    /// makes it fit for that.
    pub reply: Vec<u8>,
    /// From the beginning to the end.
    pub duration: Duration,
    /// Of what went wrong, a sentence without its subject, which is the receiver.
    pub why: Option<String>,
}

impl Transport {
    /// Of a delivery that came to no request: the dispatcher made none, or it was none that is sent.
    pub fn none(class: Class, why: impl Into<String>) -> Self {
        Self {
            class,
            status: None,
            tls: None,
            address: None,
            request_id: None,
            retry_after: None,
            reply: Vec::new(),
            duration: Duration::ZERO,
            why: Some(why.into()),
        }
    }

    /// Of a request. `mask` takes secrets out of what the receiver said.
    pub(super) fn of(sent: &Sent, request_id: String, mask: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let mut seen = Self {
            class: Class::Delivered,
            status: sent.status.map(|status| status.as_u16()),
            tls: sent.tls.clone(),
            address: sent.address,
            request_id: Some(request_id),
            retry_after: None,
            reply: Vec::new(),
            duration: sent.duration,
            why: None,
        };
        match &sent.outcome {
            Ok(answer) => {
                seen.class = Class::of_status(answer.status);
                let header = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                seen.retry_after = header.and_then(RetryAfter::parse);
                seen.reply = mask(&answer.body);
                seen.reply.truncate(REPLY_BYTES);
                let failed = seen.class != Class::Delivered;
                seen.why = failed.then(|| format!("it answered {}", answer.status.as_u16()));
            }
            Err(failure) => {
                seen.class = Class::from(failure);
                seen.why = Some(failure.to_string());
                // A connection that ends behind an informational reply is one that the final reply never came on.
                let informed = sent.status.is_some_and(|status| status.is_informational());
                if informed && seen.class == Class::Reset {
                    seen.class = Class::Informational;
                    seen.why = Some("it gave no final reply".to_owned());
                }
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w12_a_receiver_may_ask_for_a_pause_in_seconds_or_by_date() {
        let now: Timestamp = "1994-11-06T08:48:37Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("1000000000", Some(1_000_000_000)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:37 1994", Some(60)),
            // A date that is over asks for no pause.
            ("Sun, 06 Nov 1994 07:49:37 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("1994-11-06T08:49:37Z", None),
            ("Sun, 06 Nov 9999999 08:49:37 GMT", None),
        ] {
            let pause = RetryAfter::parse(text).map(|after| after.from(now).as_secs());
            assert_eq!(pause, seconds, "{text}");
        }
    }
}

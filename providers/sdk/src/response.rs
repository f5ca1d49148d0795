//! Replies: headers by name, JSON, and what a status means that is no success.

use serde::de::DeserializeOwned;

use crate::contract::orkee::sync::http;
use crate::{Failure, http_date};

/// A reply of the backend, of any status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl From<http::Response> for Response {
    fn from(reply: http::Response) -> Self {
        Self { status: reply.status, headers: reply.headers, body: reply.body }
    }
}

impl Response {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The media type in lower case, without its parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The reply if its status is one of these.
    ///
    /// # Errors
    ///
    /// [`Response::failure`] otherwise.
    pub fn expect(self, statuses: &[u16]) -> Result<Self, Failure> {
        if statuses.contains(&self.status) { Ok(self) } else { Err(self.failure()) }
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// [`Failure::Protocol`] if it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json(&self.body)
    }

    /// When the server says that it answered, in seconds since 1970.
    pub fn date(&self) -> Option<u64> {
        self.header("date").and_then(http_date)
    }

    /// How long the server asks to wait, in milliseconds: its `retry-after`, in seconds or as a date.
    pub fn retry_after(&self) -> Option<u64> {
        let value = self.header("retry-after")?.trim();
        let seconds = match value.parse::<u64>() {
            Ok(seconds) => seconds,
            Err(_) => http_date(value)?.saturating_sub(self.date()?),
        };
        Some(seconds.saturating_mul(1000))
    }

    /// The failure that the host is told of a reply with this status.
    pub fn failure(&self) -> Failure {
        self.failure_saying(match self.status {
            200..300 => {
                "the server answered something else than was expected; is the API URL right?".to_owned()
            }
            300..400 => "the server wants to be asked at another place; is the API URL right?".to_owned(),
            404 => "the server has no such address; is the API URL right?".to_owned(),
            status => format!("the server answered with status {status}"),
        })
    }

    /// The same, in the backend's own words. They are shown to the user.
    pub fn failure_saying(&self, words: String) -> Failure {
        let wait = self.retry_after();
        match self.status {
            401 => Failure::AuthRequired(words),
            403 => Failure::Forbidden(words),
            413 => Failure::TooLarge(words),
            429 => Failure::Busy(wait),
            503 if wait.is_some() => Failure::Busy(wait),
            500.. => Failure::Backend(words),
            _ => Failure::Protocol(words),
        }
    }
}

/// Reads JSON that the backend sent.
///
/// # Errors
///
/// [`Failure::Protocol`] if it is something else.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::Protocol(format!("the server's reply is not what was expected: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Response { status, headers, body: b"<html>".to_vec() }
    }

    #[test]
    fn each_status_becomes_its_failure() {
        let said = |status| reply(status, &[]).failure_saying("words".to_owned());
        assert!(matches!(said(401), Failure::AuthRequired(words) if words == "words"));
        assert!(matches!(said(403), Failure::Forbidden(_)));
        assert!(matches!(said(413), Failure::TooLarge(_)));
        assert!(matches!(said(429), Failure::Busy(None)));
        assert!(matches!(said(500), Failure::Backend(_)));
        assert!(matches!(said(503), Failure::Backend(_)));
        assert!(matches!(said(400), Failure::Protocol(_)));
    }

    #[test]
    fn a_busy_server_says_how_long_to_wait() {
        let busy = |status, value| reply(status, &[("retry-after", value)]).failure();
        assert!(matches!(busy(429, "7"), Failure::Busy(Some(7000))));
        assert!(matches!(busy(503, " 1 "), Failure::Busy(Some(1000))));
        assert!(matches!(busy(429, "soon"), Failure::Busy(None)));
        assert!(matches!(busy(429, "18446744073709551615"), Failure::Busy(Some(u64::MAX))));
    }

    #[test]
    fn a_wait_until_a_date_is_counted_by_the_servers_clock() {
        let until = ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT");
        let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(matches!(reply(429, &[until, now]).failure(), Failure::Busy(Some(10_000))));
        assert!(matches!(reply(429, &[until]).failure(), Failure::Busy(None)));
    }

    #[test]
    fn a_page_of_html_asks_whether_the_address_is_right() {
        for status in [200, 302, 404] {
            let failure = reply(status, &[]).expect(&[201]).unwrap_err();
            assert!(matches!(failure, Failure::Protocol(words) if words.contains("is the API URL right?")));
        }
    }

    #[test]
    fn a_media_type_may_have_parameters() {
        let reply = reply(200, &[("content-type", "Application/JSON; charset=utf-8")]);
        assert_eq!(reply.media_type().as_deref(), Some("application/json"));
        assert!(
            matches!(reply.json::<u8>(), Err(Failure::Protocol(words)) if words.contains("not what was expected"))
        );
    }
}

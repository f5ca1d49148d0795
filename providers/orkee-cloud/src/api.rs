//! Requests to the API, and what a reply that is no success means.

use orkee_wire::{ErrorBody, ErrorDetail};

use crate::contract::orkee::sync::http;
use crate::contract::orkee::sync::types::Failure;

/// The host's sign-in.
const CREDENTIAL: &str = "login";

/// A reply of the API.
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What the API said of a request that it did not carry out.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// None where the reply is not of the API's form, such as a proxy's page.
    pub(crate) detail: Option<ErrorDetail>,
    retry_after: Option<u64>,
}

/// `GET` of a path below the API URL.
pub(crate) fn get(path: String) -> Result<Reply, Failure> {
    send("GET", path, "application/json", Vec::new())
}

/// `POST` of a body to a path below the API URL; the reply is of the same type.
pub(crate) fn post(path: &str, media_type: &str, body: Vec<u8>) -> Result<Reply, Failure> {
    send("POST", path.to_owned(), media_type, body)
}

/// `DELETE` of a path below the API URL.
pub(crate) fn delete(path: String) -> Result<(), Failure> {
    let reply = send("DELETE", path, "application/json", Vec::new())?;
    if reply.status == 204 { Ok(()) } else { Err(Refusal::of(&reply).failure()) }
}

fn send(method: &str, url: String, media_type: &str, body: Vec<u8>) -> Result<Reply, Failure> {
    let mut headers = vec![("accept".to_owned(), media_type.to_owned())];
    if !body.is_empty() {
        headers.push(("content-type".to_owned(), media_type.to_owned()));
    }
    let request = http::Request {
        method: method.to_owned(),
        url,
        headers,
        body,
        credential: Some(CREDENTIAL.to_owned()),
        compress: true,
        timeout_ms: None,
    };
    match http::send(&request) {
        Ok(http::Response { status, headers, body }) => Ok(Reply { status, headers, body }),
        Err(http::Error::AuthRequired(words)) => Err(Failure::AuthRequired(words)),
        Err(error) => Err(Failure::Http(words(&error))),
    }
}

fn words(error: &http::Error) -> String {
    match error {
        http::Error::Denied(words) | http::Error::Invalid(words) | http::Error::Unreachable(words) => {
            words.clone()
        }
        http::Error::AuthRequired(words) => words.clone(),
        http::Error::Timeout => "no answer in time".to_owned(),
        http::Error::TooLarge(limit) => format!("more than {limit} bytes"),
        http::Error::Withheld => "the reply was withheld".to_owned(),
    }
}

impl Reply {
    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The reply if it is a 200 of this media type.
    pub(crate) fn success(self, media_type: &str) -> Result<Self, Refusal> {
        if self.status != 200 {
            return Err(Refusal::of(&self));
        }
        let found = self
            .header("content-type")
            .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        if found.as_deref() != Some(media_type) {
            return Err(Refusal { status: 200, detail: None, retry_after: None });
        }
        Ok(self)
    }
}

impl Refusal {
    fn of(reply: &Reply) -> Self {
        let detail = serde_json::from_slice::<ErrorBody>(&reply.body).ok().map(|body| body.error);
        let retry_after = reply.header("retry-after").and_then(|value| value.trim().parse().ok());
        Self { status: reply.status, detail, retry_after }
    }

    /// The API's code for what went wrong.
    pub(crate) fn code(&self) -> Option<&str> {
        self.detail.as_ref().map(|detail| detail.code.as_str())
    }

    /// The failure that the host is told.
    pub(crate) fn failure(self) -> Failure {
        let wait = self.retry_after.map(|seconds| seconds.saturating_mul(1000));
        let words = self.words();
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

    fn words(&self) -> String {
        let limit =
            |detail: &ErrorDetail| detail.limit.map(|n| format!(" (the limit is {n})")).unwrap_or_default();
        match (&self.detail, self.status) {
            (Some(detail), status) => {
                format!("{}{} [{status} {}]", detail.message, limit(detail), detail.code)
            }
            (None, 200) => {
                "the server answered something else than Orkee's API does; is the API URL right?".to_owned()
            }
            (None, 300..400) => {
                "the server wants to be asked at another place; is the API URL right?".to_owned()
            }
            (None, 404) => "the server has no such address; is the API URL right?".to_owned(),
            (None, status) => format!("the server answered with status {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let reply = Reply { status, headers, body: body.as_bytes().to_vec() };
        match reply.success("application/json") {
            Ok(_) => panic!("this is a success"),
            Err(refusal) => refusal.failure(),
        }
    }

    const API: &str = r#"{"error":{"code":"some-code","message":"Some words.","limit":7}}"#;

    #[test]
    fn each_status_becomes_its_failure() {
        assert!(
            matches!(refused(401, &[], API), Failure::AuthRequired(w) if w == "Some words. (the limit is 7) [401 some-code]")
        );
        assert!(matches!(refused(403, &[], API), Failure::Forbidden(_)));
        assert!(matches!(refused(413, &[], API), Failure::TooLarge(_)));
        assert!(matches!(refused(500, &[], API), Failure::Backend(_)));
        assert!(matches!(refused(400, &[], API), Failure::Protocol(_)));
        assert!(matches!(refused(503, &[], API), Failure::Backend(_)));
    }

    #[test]
    fn a_busy_server_says_how_long_to_wait() {
        assert!(matches!(refused(429, &[("retry-after", "7")], API), Failure::Busy(Some(7000))));
        assert!(matches!(refused(503, &[("retry-after", "1")], ""), Failure::Busy(Some(1000))));
        assert!(matches!(refused(429, &[("retry-after", "soon")], API), Failure::Busy(None)));
        assert!(matches!(
            refused(429, &[("retry-after", "18446744073709551615")], API),
            Failure::Busy(Some(u64::MAX))
        ));
    }

    #[test]
    fn a_page_of_html_is_no_api_whatever_its_status() {
        for (status, headers) in [(200, &[("content-type", "text/html")][..]), (302, &[][..]), (404, &[][..])]
        {
            assert!(
                matches!(refused(status, headers, "<html>"), Failure::Protocol(w) if w.contains("is the API URL right?"))
            );
        }
        assert!(
            matches!(refused(502, &[], "<html>"), Failure::Backend(w) if w == "the server answered with status 502")
        );
    }

    #[test]
    fn a_media_type_may_have_parameters() {
        let headers = vec![("content-type".to_owned(), "Application/JSON; charset=utf-8".to_owned())];
        assert!(Reply { status: 200, headers, body: Vec::new() }.success("application/json").is_ok());
    }
}

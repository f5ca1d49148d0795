//! Requests, built up call by call and sent through the host.

use crate::contract::orkee::sync::http;
use crate::host;
use crate::{Failure, Response};

/// A request to the backend. What it does not say is the host's: authorization, compression, connections, `user-agent`.
///
/// ```
/// use orkee_provider_sdk::{Failure, Request};
///
/// fn names() -> Result<Vec<String>, Failure> {
///     let reply = Request::get("/names").login().header("accept", "application/json").send()?;
///     reply.expect(&[200])?.json()
/// }
/// ```
#[must_use = "a request is not sent before `send`"]
#[derive(Debug, Clone)]
pub struct Request(http::Request);

impl Request {
    /// A request with any method. `url` is absolute, or a path that begins with `/` and is resolved against the API URL that
    /// the user set.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self(http::Request {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
            compress: false,
            timeout_ms: None,
        })
    }

    /// `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// `PUT`.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// `POST`.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// `DELETE`.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Sends it as the signed-in user: the host attaches the secret, which no provider sees.
    pub fn login(mut self) -> Self {
        self.0.credential = Some("login".to_owned());
        self
    }

    /// Adds a header. Some are the host's alone (`wit/orkee-sync.wit` names them): with one of those the request fails.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Adds a header if there is a value.
    pub fn header_if<V: Into<String>>(self, name: &str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Adds `name=value` to the query, both percent-encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.0.url.push(if self.0.url.contains('?') { '&' } else { '?' });
        self.0.url.push_str(&crate::percent_encoded(name));
        self.0.url.push('=');
        self.0.url.push_str(&crate::percent_encoded(value));
        self
    }

    /// The body, as it is.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// A body of JSON, with its `content-type`.
    ///
    /// # Errors
    ///
    /// [`Failure::Protocol`] for a value that JSON cannot hold.
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Failure::Protocol(format!("a request cannot be written: {error}")))?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Lets the host compress the body (zstd). Only for a backend that takes it.
    pub fn compressed(mut self) -> Self {
        self.0.compress = true;
        self
    }

    /// A deadline of its own, in milliseconds; the host's is the upper bound.
    pub fn timeout_ms(mut self, milliseconds: u32) -> Self {
        self.0.timeout_ms = Some(milliseconds);
        self
    }

    /// Sends it. Any status is a reply: ask [`Response::expect`].
    ///
    /// # Errors
    ///
    /// What the host says where there is no reply: it refused the request, nobody answered.
    pub fn send(self) -> Result<Response, Failure> {
        host::send(&self.0).map(Response::from).map_err(Failure::from)
    }

    /// As [`Request::send`], for those who tell the host's errors apart.
    ///
    /// # Errors
    ///
    /// The host's own error.
    pub fn try_send(self) -> Result<Response, http::Error> {
        host::send(&self.0).map(Response::from)
    }
}

/// Sends several requests, some of them at the same time. What comes back is in their order.
///
/// The bodies of all replies together have the limit of one, and each request counts as a host call: send in portions.
pub fn send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, Failure>> {
    try_send_all(requests).into_iter().map(|reply| reply.map_err(Failure::from)).collect()
}

/// As [`send_all`], for those who tell the host's errors apart.
pub fn try_send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, http::Error>> {
    let requests: Vec<_> = requests.into_iter().map(|request| request.0).collect();
    host::send_all(&requests).into_iter().map(|reply| reply.map(Response::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_and_goes_on_after_the_first() {
        let request = Request::get("/list").query("after", "a&b").query("limit", "7");
        assert_eq!(request.0.url, "/list?after=a%26b&limit=7");
    }

    #[test]
    fn headers_have_lower_case_names_and_may_be_left_out() {
        let request =
            Request::put("/x").header("If-Match", "\"1\"").header_if("if-none-match", None::<String>);
        assert_eq!(request.0.headers, [("if-match".to_owned(), "\"1\"".to_owned())]);
        assert_eq!((request.0.credential, request.0.compress), (None, false));
    }

    #[test]
    fn json_is_announced_as_such() {
        let request = Request::post("/x").login().json(&[1, 2]).unwrap();
        assert_eq!(request.0.body, b"[1,2]");
        assert_eq!(request.0.headers[0].1, "application/json");
        assert_eq!(request.0.credential.as_deref(), Some("login"));
    }
}

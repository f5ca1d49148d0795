//! One request to the server, and what its status means.

use orkee_wire::ErrorBody;

use crate::bindings::orkee::sync::http::{self, Error, Request, Response};
use crate::bindings::orkee::sync::types::Failure;

/// The person's own sign-in.
const LOGIN: &str = "login";

/// A reply with status 200 and the expected media type.
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
    pub(crate) request_id: Option<String>,
}

/// How a request did not lead to such a reply.
pub(crate) enum Trouble {
    /// The server named this error (`ErrorDetail::code`).
    Named { code: String, failure: Failure },
    Other(Failure),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Named { failure, .. } | Trouble::Other(failure) => failure,
        }
    }
}

pub(crate) fn get(path: String) -> Result<Reply, Trouble> {
    send("GET", path, "application/json", None, Vec::new())
}

pub(crate) fn post(path: &str, media_type: &str, body: Vec<u8>) -> Result<Reply, Trouble> {
    send("POST", path.to_owned(), media_type, Some(media_type), body)
}

fn send(method: &str, url: String, accept: &str, content_type: Option<&str>, body: Vec<u8>) -> Result<Reply, Trouble> {
    let mut headers = vec![("accept".to_owned(), accept.to_owned())];
    headers.extend(content_type.map(|t| ("content-type".to_owned(), t.to_owned())));
    let response = http::send(&Request {
        method: method.to_owned(),
        url,
        headers,
        compress: !body.is_empty(),
        body,
        credential: Some(LOGIN.to_owned()),
        timeout_ms: None,
    })
    .map_err(|error| Trouble::Other(unsent(error)))?;
    if response.status != 200 {
        return Err(refused(&response));
    }
    let media_type = header(&response, "content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if media_type != accept {
        return Err(Trouble::Other(Failure::Protocol(format!(
            "the server answered with {media_type:?} instead of {accept:?}: is this an Orkee server?"
        ))));
    }
    let request_id = header(&response, "x-request-id").map(str::to_owned);
    Ok(Reply { body: response.body, request_id })
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// The host did not get an answer.
fn unsent(error: Error) -> Failure {
    match error {
        Error::AuthRequired(why) => Failure::AuthRequired(why),
        Error::Denied(why) | Error::Invalid(why) | Error::Unreachable(why) => Failure::Http(why),
        Error::Timeout => Failure::Http("the server did not answer in time".to_owned()),
        Error::TooLarge(bytes) => Failure::Http(format!("the reply or the request has more than {bytes} bytes")),
        Error::Withheld => Failure::Http("the reply repeated the sign-in token and was withheld".to_owned()),
        Error::Exhausted => Failure::Http("this call has made more requests than it may".to_owned()),
    }
}

/// The server answered, with another status than 200.
fn refused(response: &Response) -> Trouble {
    let named = serde_json::from_slice::<ErrorBody>(&response.body).ok().map(|body| body.error);
    let message = named.as_ref().map_or_else(
        || format!("the server answered {}", response.status),
        |error| format!("{} ({})", error.message, response.status),
    );
    let failure = match response.status {
        401 => Failure::AuthRequired(message),
        403 => Failure::Forbidden(message),
        413 => Failure::TooLarge(message),
        429 | 503 => Failure::Busy(retry_after(response)),
        500.. => Failure::Backend(message),
        300..=399 => Failure::Protocol(format!("the server redirects elsewhere ({}), which is not followed", response.status)),
        _ => Failure::Protocol(message),
    };
    match named {
        Some(error) => Trouble::Named { code: error.code, failure },
        None => Trouble::Other(failure),
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), as milliseconds. The form with a date is left to the host's own backoff.
fn retry_after(response: &Response) -> Option<u64> {
    let seconds: u64 = header(response, "retry-after")?.trim().parse().ok()?;
    seconds.checked_mul(1000)
}

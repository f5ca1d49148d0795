//! Requests as the settings say: `url`, `method`, `header` (name=value), `body`, `credential`, `timeout`.

use crate::orkee::sync::http::{self, Error, Request, Response};
use crate::orkee::sync::settings;
use crate::orkee::sync::types::{Answer, Failure};

/// One request, and in a line what came of it.
pub fn send() -> String {
    match attempt() {
        Ok(reply) => {
            let location = reply.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.as_str());
            let body = String::from_utf8_lossy(&reply.body[..reply.body.len().min(200)]).into_owned();
            format!("status {} location {location:?} bytes {} body {body}", reply.status, reply.body.len())
        }
        Err(error) => format!("{error:?}"),
    }
}

/// One request, and a failure of the guest's own whatever came of it.
pub fn send_and_fail() -> Result<Answer, Failure> {
    match attempt() {
        Ok(reply) => Err(Failure::Backend(format!("status {}", reply.status))),
        Err(Error::AuthRequired(words)) => Err(Failure::AuthRequired(words)),
        Err(error) => Err(Failure::Http(format!("{error:?}"))),
    }
}

/// The requests of `urls` at once, `times` times each, and in a line what came of each.
pub fn send_all() -> String {
    let times = settings::get("times").and_then(|times| times.parse().ok()).unwrap_or(1);
    let urls = settings::get("urls").unwrap_or_default();
    let one = |url: &str| Request { url: url.to_owned(), ..request() };
    let requests: Vec<Request> = (0..times).flat_map(|_| urls.split(' ').map(one)).collect();
    let replies = http::send_all(&requests).into_iter().map(|reply| match reply {
        Ok(reply) if reply.body.len() > 100 => format!("{} bytes", reply.body.len()),
        Ok(reply) => format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
        Err(error) => format!("{error:?}"),
    });
    replies.collect::<Vec<_>>().join(" / ")
}

/// One request, and an empty page if it went well.
pub fn ask() -> Result<Answer, Failure> {
    match attempt() {
        Ok(reply) if (200..300).contains(&reply.status) => Ok(crate::page(Vec::new(), Vec::new(), "end")),
        Ok(reply) if reply.status == 401 => Err(Failure::AuthRequired("status 401".to_owned())),
        Ok(reply) => Err(Failure::Backend(format!("status {}", reply.status))),
        Err(Error::AuthRequired(words)) => Err(Failure::AuthRequired(words)),
        Err(error) => Err(Failure::Http(format!("{error:?}"))),
    }
}

pub fn attempt() -> Result<Response, Error> {
    http::send(&request())
}

fn request() -> Request {
    let setting = |name: &str, default: &str| settings::get(name).unwrap_or_else(|| default.to_owned());
    let header = settings::get("header").and_then(|h| h.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())));
    Request {
        method: setting("method", "GET"),
        url: setting("url", "/"),
        headers: header.into_iter().collect(),
        body: setting("body", "").into_bytes(),
        credential: settings::get("credential"),
        compress: true,
        timeout_ms: settings::get("timeout").and_then(|ms| ms.parse().ok()),
    }
}

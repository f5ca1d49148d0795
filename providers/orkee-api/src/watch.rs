//! `GET /v1/changes/wait`: the server answers as soon as there is something, or when the time is over.

use orkee_provider_sdk::{Cursor, Failure, Request};
use serde::Deserialize;

use crate::Api;
use crate::api::success;

#[derive(Deserialize)]
struct Waited {
    changed: bool,
}

pub(crate) fn wait(api: &Api, cursor: &Cursor, wait_ms: u32) -> Result<bool, Failure> {
    // Whoever has no position yet has all to ask for.
    let Some(request) = request(cursor, wait_ms) else { return Ok(true) };
    match success(api.read(request)?, "application/json") {
        Ok(reply) => Ok(reply.json::<Waited>()?.changed),
        Err(refusal) => match refusal.code() {
            (404 | 405, Some(_)) => {
                Err(Failure::Unsuitable("this server is of a version that does not wait".to_owned()))
            }
            _ => Err(refusal.failure()),
        },
    }
}

fn request(cursor: &Cursor, wait_ms: u32) -> Option<Request> {
    let position = cursor.position.as_deref()?;
    // Whole seconds, and no longer than was asked for.
    let seconds = (wait_ms / 1000).to_string();
    let request = Request::get("/v1/changes/wait").query("position", position).query("wait", &seconds);
    Some(match &cursor.head {
        Some(head) => request.query("head", &head.number.to_string()).query("tag", &head.tag),
        None => request,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use orkee_provider_sdk::rehearsal::Rehearsal;
    use orkee_provider_sdk::{Head, Response};

    use super::*;

    fn waited(cursor: &Cursor, status: u16, body: &'static str) -> (Result<bool, Failure>, Vec<String>) {
        let urls = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&urls);
        let rehearsal = Rehearsal::new().backend(move |sent| {
            seen.borrow_mut().push(sent.url.clone());
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(Response { status, headers, body: body.as_bytes().to_vec() })
        });
        let answer = rehearsal.run(|| wait(&Api::default(), cursor, 50_999));
        (answer, urls.take())
    }

    fn cursor(position: Option<&str>) -> Cursor {
        let head = position.map(|_| Head { number: 7, tag: "a b".to_owned() });
        Cursor { position: position.map(str::to_owned), head }
    }

    #[test]
    fn the_server_is_asked_from_the_position_and_head_for_whole_seconds() {
        let (answer, urls) = waited(&cursor(Some("41.40")), 200, r#"{"changed":false}"#);
        assert!(matches!(answer, Ok(false)));
        assert_eq!(urls, ["/v1/changes/wait?position=41.40&wait=50&head=7&tag=a%20b"]);
        assert!(matches!(waited(&cursor(Some("4")), 200, r#"{"changed":true}"#).0, Ok(true)));
    }

    #[test]
    fn without_a_position_there_is_all_to_ask_for() {
        let (answer, urls) = waited(&cursor(None), 500, "");
        assert!(matches!(answer, Ok(true)) && urls.is_empty());
    }

    #[test]
    fn a_server_that_does_not_know_the_address_is_told_from_one_that_is_busy() {
        let refused = |status| {
            waited(&cursor(Some("4")), status, r#"{"error":{"code":"c","message":"m"}}"#).0.unwrap_err()
        };
        assert!(matches!(refused(404), Failure::Unsuitable(_)));
        assert!(matches!(refused(503), Failure::Busy(None) | Failure::Backend(_)));
        assert!(matches!(refused(429), Failure::Busy(None)));
        assert!(matches!(refused(401), Failure::AuthRequired(_)));
    }
}

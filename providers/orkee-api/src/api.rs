//! Requests to the API, and what it says of one that it did not carry out.

use orkee_provider_sdk::{Failure, Request, Response, json, option};
use orkee_wire::{ErrorBody, ErrorDetail};
use serde::Serialize;

use crate::Api;

/// What the API said of a request that it did not carry out.
#[derive(Debug)]
pub(crate) struct Refusal {
    reply: Response,
    /// None where the reply is not of the API's form, such as a proxy's page.
    detail: Option<ErrorDetail>,
}

impl Api {
    /// A request with the sign-in, about the account's own records or its team's, for the tenant that is meant.
    fn signed_in(&self, request: Request) -> Request {
        let space = option("space").filter(|space| space == "team");
        let team = option("team").filter(|_| space.is_some());
        let request = request.login().header_if("orkee-space", space).header_if("orkee-team", team);
        request.header_if("orkee-tenant", self.tenant.as_deref())
    }

    /// `GET` of a path below the API URL.
    pub(crate) fn get(&self, path: String) -> Result<Response, Failure> {
        self.read(Request::get(path))
    }

    /// `POST` of a body to a path below the API URL; the reply is of the same type.
    pub(crate) fn post(&self, path: &str, media_type: &str, body: Vec<u8>) -> Result<Response, Failure> {
        let request = self.signed_in(Request::post(path)).compressed();
        request.header("accept", media_type).header("content-type", media_type).body(body).send()
    }

    /// A request that reads, for JSON.
    pub(crate) fn read(&self, request: Request) -> Result<Response, Failure> {
        self.signed_in(request).compressed().header("accept", "application/json").send()
    }

    /// A request with a body in JSON, for JSON.
    pub(crate) fn ask<T: Serialize>(&self, request: Request, body: &T) -> Result<Response, Failure> {
        self.signed_in(request).header("accept", "application/json").json(body)?.send()
    }

    /// `DELETE` of a path below the API URL.
    pub(crate) fn delete(&self, path: String) -> Result<(), Failure> {
        done(self.try_delete(path)?)
    }

    /// The same, whatever is answered.
    pub(crate) fn try_delete(&self, path: String) -> Result<Response, Failure> {
        self.signed_in(Request::delete(path)).header("accept", "application/json").send()
    }

    /// A request with a body in JSON that changes something and has no reply to speak of.
    pub(crate) fn change<T: Serialize>(&self, request: Request, body: &T) -> Result<(), Failure> {
        done(self.ask(request, body)?)
    }
}

fn done(reply: Response) -> Result<(), Failure> {
    match reply.status {
        204 => Ok(()),
        // There is no such thing, or it does not go together with what is: for the person to decide, in the API's own words.
        404 | 409 => {
            let refusal = Refusal::of(reply);
            Err(match &refusal.detail {
                Some(detail) => Failure::Refused(detail.message.clone()),
                None => refusal.failure(),
            })
        }
        _ => Err(Refusal::of(reply).failure()),
    }
}

/// The reply if it is a 200 of this media type.
pub(crate) fn success(reply: Response, media_type: &str) -> Result<Response, Box<Refusal>> {
    match reply.status {
        200 if reply.media_type().as_deref() == Some(media_type) => Ok(reply),
        200 => Err(Box::new(Refusal { reply, detail: None })),
        _ => Err(Box::new(Refusal::of(reply))),
    }
}

impl Refusal {
    /// What a reply that is no success says.
    pub(crate) fn of(reply: Response) -> Self {
        let detail = json::<ErrorBody>(&reply.body).ok().map(|body| body.error);
        Self { reply, detail }
    }

    /// The status, and the API's code for what went wrong.
    pub(crate) fn code(&self) -> (u16, Option<&str>) {
        (self.reply.status, self.detail.as_ref().map(|detail| detail.code.as_str()))
    }

    /// The API's words.
    pub(crate) fn message(&self) -> Option<&str> {
        self.detail.as_ref().map(|detail| detail.message.as_str())
    }

    /// The failure that the host is told.
    pub(crate) fn failure(&self) -> Failure {
        let status = self.reply.status;
        match &self.detail {
            Some(ErrorDetail { message, code, limit, .. }) => {
                let limit = limit.map(|n| format!(" (the limit is {n})")).unwrap_or_default();
                self.reply.failure_saying(format!("{message}{limit} [{status} {code}]"))
            }
            None if status == 200 => self.reply.failure_saying(
                "the server answered something else than Orkee's API does; is the API URL right?".to_owned(),
            ),
            None => self.reply.failure(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let reply = Response { status, headers, body: body.as_bytes().to_vec() };
        match success(reply, "application/json") {
            Ok(_) => panic!("this is a success"),
            Err(refusal) => refusal.failure(),
        }
    }

    const API: &str = r#"{"error":{"code":"some-code","message":"Some words.","limit":7}}"#;

    #[test]
    fn a_refusal_has_the_apis_words_with_limit_and_code() {
        assert!(
            matches!(refused(401, &[], API), Failure::AuthRequired(w) if w == "Some words. (the limit is 7) [401 some-code]")
        );
        assert!(matches!(refused(400, &[], API), Failure::Protocol(_)));
        assert!(matches!(refused(429, &[("retry-after", "7")], API), Failure::Busy(Some(7000))));
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
        let reply = Response { status: 200, headers, body: Vec::new() };
        assert!(success(reply, "application/json").is_ok());
    }
}

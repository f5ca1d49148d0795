//! `http`: hands requests to the gateway and tells the guest as much of a failure as it may know.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use crate::net::NetError;
use crate::plugin::bindings::orkee::sync::http::{Error, Host, Request, Response};
use crate::plugin::call::{CallState, spending};
use crate::plugin::gateway::{Gateway, Incoming, Outgoing, SendError};

/// Requests of one `send-all` that are under way at once. Each of their replies may have this part of the limit for one body,
/// so that all of them in the host's memory have no more than that limit.
const AT_ONCE: usize = 8;

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.host_call()?;
        let context = Arc::clone(&self.context);
        let Some(gateway) = &context.gateway else {
            return Ok(self.keep(Err(self.no_way_out())));
        };
        let (sent, spent) = spending(gateway.send(outgoing(request))).await;
        self.meter.hosted(spent);
        (self.failure, self.remedy) = (None, None);
        Ok(self.keep(sent))
    }

    async fn send_all(&mut self, requests: Vec<Request>) -> wasmtime::Result<Vec<Result<Response, Error>>> {
        for _ in &requests {
            self.host_call()?;
        }
        let limit = self.context.limits.reply_body;
        let Some(gateway) = self.context.gateway.clone() else {
            return Ok(requests.iter().map(|_| self.keep(Err(self.no_way_out()))).collect());
        };
        // Beside a request with a hidden secret there is no other.
        let at_once = if gateway.hidden.has_stand_in() { 1 } else { AT_ONCE };
        let gateway = Gateway { reply_body: limit / AT_ONCE as u64, ..gateway };
        let sending = stream::iter(requests.into_iter().map(|request| gateway.send(outgoing(request))));
        let mut room = limit;
        let all = sending.buffered(at_once).map(|sent| within(sent, limit, &mut room)).collect::<Vec<_>>();
        let (sent, spent) = spending(all).await;
        self.meter.hosted(spent);
        (self.failure, self.remedy) = (None, None);
        Ok(sent.into_iter().map(|sent| self.keep(sent)).collect())
    }
}

/// Takes a reply's body off the room that is left for all.
fn within(sent: Result<Incoming, SendError>, limit: u64, room: &mut u64) -> Result<Incoming, SendError> {
    let reply = sent?;
    match room.checked_sub(reply.body.len() as u64) {
        Some(left) => {
            *room = left;
            Ok(reply)
        }
        None => Err(SendError::TooMuch { limit }),
    }
}

impl CallState {
    fn no_way_out(&self) -> SendError {
        let what = "`describe` makes no request".to_owned();
        SendError::Invalid { plugin: self.context.plugin.clone(), what }
    }

    /// Remembers what the host knows of a request and the guest does not.
    fn keep(&mut self, sent: Result<Incoming, SendError>) -> Result<Response, Error> {
        match sent {
            Ok(reply) => {
                self.request_id = reply.request_id;
                self.remedy = self.remedy.take().or(reply.remedy);
                Ok(Response { status: reply.status, headers: reply.headers, body: reply.body })
            }
            Err(error) => {
                let told = told(&error);
                self.failure = Some(error);
                Err(told)
            }
        }
    }
}

fn outgoing(request: Request) -> Outgoing {
    Outgoing {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        credential: request.credential,
        compress: request.compress,
        timeout: request.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
    }
}

/// What the guest learns. The words are the error's own, which hold no secret.
fn told(error: &SendError) -> Error {
    match error {
        SendError::Denied { command, .. } => Error::Denied(format!("{error}; `{command}` would allow it")),
        SendError::Invalid { .. } => Error::Invalid(error.to_string()),
        SendError::SignedOut { .. } | SendError::Credential(_) | SendError::Refused(_) => {
            Error::AuthRequired(error.to_string())
        }
        SendError::Net(NetError::Timeout { .. }) => Error::Timeout,
        SendError::Net(NetError::Broken { .. }) | SendError::Encoding { .. } => {
            Error::Broken(error.to_string())
        }
        SendError::Net(_) => Error::Unreachable(error.to_string()),
        SendError::TooLarge { limit, .. } | SendError::TooMuch { limit } => Error::TooLarge(*limit),
        SendError::Withheld { .. } => Error::Withheld,
    }
}

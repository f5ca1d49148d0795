//! `http`: hands requests to the gateway and tells the guest as much of a failure as it may know.

use std::sync::Arc;
use std::time::Duration;

use crate::net::NetError;
use crate::plugin::bindings::orkee::sync::http::{Error, Host, Request, Response};
use crate::plugin::call::{CallState, spending};
use crate::plugin::gateway::{Outgoing, SendError};

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.host_call()?;
        let context = Arc::clone(&self.context);
        let (sent, spent) = spending(context.gateway.send(outgoing(request))).await;
        self.meter.hosted(spent);
        Ok(match sent {
            Ok(reply) => {
                self.failure = None;
                self.request_id = reply.request_id;
                Ok(Response { status: reply.status, headers: reply.headers, body: reply.body })
            }
            Err(error) => {
                let told = told(&error);
                self.failure = Some(error);
                Err(told)
            }
        })
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
        SendError::SignedOut { .. } | SendError::Credential(_) => Error::AuthRequired(error.to_string()),
        SendError::Net(NetError::Timeout { .. }) => Error::Timeout,
        SendError::Net(_) | SendError::Encoding { .. } => Error::Unreachable(error.to_string()),
        SendError::TooLarge { limit, .. } => Error::TooLarge(*limit),
        SendError::Withheld { .. } => Error::Withheld,
    }
}

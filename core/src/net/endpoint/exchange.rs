//! One request over one connection, and as much of the reply as is taken.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::failure::SendFailure;
use super::wire::Wire;

/// The most bytes that the head of a reply may have; hyper takes no fewer.
pub(super) const HEAD_BYTES: usize = 8 << 10;
/// And the most headers.
pub(super) const HEADERS: usize = 100;
/// Of a body, as much is read. Then the connection is dropped.
pub(super) const BODY_BYTES: usize = 16 << 10;
/// How long the goodbye of a connection may take.
const GOODBYE: Duration = Duration::from_millis(200);

/// A reply, as much of it as is taken.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status; redirects included, which nobody follows.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The beginning of its body, as it came over the wire.
    pub body: Bytes,
    /// There was more of the body.
    pub is_cut: bool,
}

/// What is known of an exchange while it goes on, for when it does not end well.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Option<StatusCode>>>);

impl Heard {
    /// The newest status that came, be it final or not.
    pub(super) fn status(&self) -> Option<StatusCode> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, status: StatusCode) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }
}

pub(super) fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES).max_header_size(HEAD_BYTES).max_headers(HEADERS);
    builder
}

/// Sends the request and reads the reply. The connection ends with it.
pub(super) async fn exchange(
    wire: Wire,
    mut request: Request<Full<Bytes>>,
    heard: &Heard,
) -> Result<Answer, SendFailure> {
    let informed = heard.clone();
    hyper::ext::on_informational(&mut request, move |reply| informed.note(reply.status()));
    let (mut sender, connection) = builder().handshake(TokioIo::new(wire)).await.map_err(sorted)?;
    let talk = Box::pin(async {
        let reply = sender.send_request(request).await.map_err(sorted)?;
        heard.note(reply.status());
        read(reply).await.map_err(sorted)
    });
    // The connection may end before what it brought is read.
    match select(talk, Box::pin(connection)).await {
        Either::Right((_, talk)) => talk.await,
        Either::Left((answer, connection)) => {
            if matches!(&answer, Ok(answer) if !answer.is_cut) {
                let _ = timeout(GOODBYE, connection).await;
            }
            answer
        }
    }
}

fn sorted(error: hyper::Error) -> SendFailure {
    SendFailure::of_exchange(error, (HEAD_BYTES, HEADERS))
}

async fn read(reply: http::Response<Incoming>) -> Result<Answer, hyper::Error> {
    let (head, mut incoming) = reply.into_parts();
    let mut body = BytesMut::new();
    let mut is_cut = false;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = BODY_BYTES - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            is_cut = true;
            break;
        }
    }
    Ok(Answer { status: head.status, headers: head.headers, body: body.freeze(), is_cut })
}

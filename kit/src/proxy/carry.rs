//! A request on its way to the backend, and the reply on its way back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use orkee_core::net::{Reach, Reply};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::wire::{self, Request};
use super::{Canned, Shared, Way, Which};

/// The largest reply of a backend.
const MAX_REPLY: u64 = 256 << 20;
/// So long one waits for another to come as far.
const MEET_WITHIN: Duration = Duration::from_secs(2);
const FLOOD_CHUNK: [u8; 16 << 10] = [b'0'; 16 << 10];

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = wire::read_request(&mut stream).await {
        shared.secrets.look_at_request(&request.target, &request.headers, &request.body);
        match shared.carry(&request, stream.get_mut()).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return,
        }
    }
}

impl Shared {
    /// Whether the connection goes on.
    async fn carry(&self, request: &Request, client: &mut TcpStream) -> io::Result<bool> {
        match self.way() {
            Way::Through => {
                let reply = self.ask(request).await;
                give(client, request, &reply).await
            }
            Way::Meet(barrier) => {
                let _ = tokio::time::timeout(MEET_WITHIN, barrier.wait()).await;
                let reply = self.ask(request).await;
                give(client, request, &reply).await
            }
            Way::LoseReply => {
                self.ask(request).await;
                Ok(false)
            }
            Way::Twice(which) => {
                let (first, second) = (self.ask(request).await, self.ask(request).await);
                let reply = match which {
                    Which::First => first,
                    Which::Second => second,
                };
                give(client, request, &reply).await
            }
            Way::Cut => {
                let Reply { status, headers, body } = self.ask(request).await;
                // One byte more is announced than there is, so that an empty body is cut short, too.
                client.write_all(&wire::head(status, &headers, Some(body.len() as u64 + 1))).await?;
                client.write_all(&body[..body.len() / 2]).await?;
                Ok(false)
            }
            Way::Garble => {
                let mut reply = self.ask(request).await;
                reply.body = reply.body.iter().map(|byte| byte ^ 0x5a).collect();
                give(client, request, &reply).await
            }
            Way::Drip(pause) => drip(client, &self.ask(request).await, pause).await,
            Way::Answer(canned) => give(client, request, &canned.reply()).await,
            Way::Flood(length) => flood(client, length).await,
            Way::Reset => {
                client.set_zero_linger()?;
                Ok(false)
            }
        }
    }

    /// The backend's reply; where there is none, what a gateway says then.
    async fn ask(&self, request: &Request) -> Reply {
        let asked = self.forward(request).await;
        asked.unwrap_or_else(|why| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static("text/plain"));
            Reply { status: StatusCode::BAD_GATEWAY, headers, body: why.into_bytes().into() }
        })
    }

    async fn forward(&self, request: &Request) -> Result<Reply, String> {
        let origin = self.backend.origin();
        let url = format!("{origin}{}", request.target).parse().map_err(|_| "not a URL".to_owned())?;
        let reach = Reach::named_by_user(origin);
        let client = self.http.client(reach).map_err(|e| e.to_string())?;
        let mut headers = request.headers.clone();
        headers.remove(CONNECTION);
        headers.remove(CONTENT_LENGTH);
        // As the provider's host wrote it: a signature may cover it. Over TLS the backend has to be called by its own name.
        if origin.scheme() == orkee_core::net::Scheme::Https {
            headers.remove(HOST);
        }
        let mut built = client.request(request.method.clone(), forwardable(url)).headers(headers);
        let has_body = !request.body.is_empty() || matches!(request.method, Method::POST | Method::PUT);
        if has_body {
            built = built.body(request.body.clone());
        }
        let built = built.build().map_err(|e| e.without_url().to_string())?;
        self.http.exchange(origin, reach, built, MAX_REPLY).await.map_err(|e| e.to_string())
    }
}

/// The one form of a URL that is sent.
fn forwardable(mut url: url::Url) -> url::Url {
    url.set_fragment(None);
    url
}

impl Canned {
    fn reply(self) -> Reply {
        let headers = self.headers.iter();
        let headers =
            headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply { status, headers: headers.collect(), body: self.body.as_bytes().into() }
    }
}

async fn give(client: &mut TcpStream, request: &Request, reply: &Reply) -> io::Result<bool> {
    let Reply { status, headers, body } = reply;
    if request.method == Method::HEAD {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        client.write_all(&wire::head(*status, headers, Some(length.unwrap_or(0)))).await?;
        return Ok(true);
    }
    let mut bytes = match status.as_u16() {
        // These have no body, and so no length.
        204 | 304 => wire::head(*status, headers, Some(0)),
        _ => wire::head(*status, headers, Some(body.len() as u64)),
    };
    bytes.extend_from_slice(body);
    client.write_all(&bytes).await?;
    Ok(true)
}

async fn drip(client: &mut TcpStream, reply: &Reply, pause: Duration) -> io::Result<bool> {
    let Reply { status, headers, body } = reply;
    if matches!(status.as_u16(), 204 | 304) {
        // Without a body there is the head to be slow with: a byte after it would be taken for the next reply.
        for byte in wire::head(*status, headers, None) {
            tokio::time::sleep(pause).await;
            client.write_all(&[byte]).await?;
        }
        return Ok(false);
    }
    client.write_all(&wire::head(*status, headers, Some(body.len() as u64 + 1))).await?;
    for byte in body.iter().chain(&[0]) {
        tokio::time::sleep(pause).await;
        client.write_all(&[*byte]).await?;
    }
    Ok(false)
}

/// Until all was written or the client has enough.
async fn flood(client: &mut TcpStream, length: Option<u64>) -> io::Result<bool> {
    client.write_all(&wire::head(StatusCode::OK, &HeaderMap::new(), length)).await?;
    let mut left = length.unwrap_or(MAX_REPLY);
    while left > 0 {
        let chunk = left.min(FLOOD_CHUNK.len() as u64);
        client.write_all(&FLOOD_CHUNK[..chunk as usize]).await?;
        left -= chunk;
    }
    Ok(false)
}

//! The little server on loopback that the browser brings the answer to.
//!
//! Only `GET /callback` with the right state says anything; whatever else knocks (a favicon, a scanner, a connection that says
//! nothing, a forged answer) gets an error page and changes nothing. The first true answer is the only one.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::HOST;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use super::attempt::{Judge, Verdict};
use super::pages::{self, Page};

/// More connections than this, and the oldest is dropped: silent ones cannot keep the true one out.
const MAX_CONNECTIONS: usize = 64;
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
const MAX_HEADER_BYTES: usize = 16 << 10;
/// How long the last page waits for the outcome, and the outcome for the last page.
const OUTCOME_WITHIN: Duration = Duration::from_secs(60);
const LAST_PAGE_WITHIN: Duration = Duration::from_secs(5);

/// A bound port that does not answer yet.
pub(super) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Binds 127.0.0.1, or [::1] where that is denied. Port 0 is any free one.
    pub(super) async fn new(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await;
        let listener = match v4 {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await.map_err(|_| error)?
            }
            other => other?,
        };
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where the browser is to bring the answer: an address, never a name (RFC 8252 §8.3).
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}/callback", self.address)
    }

    /// Begins to answer.
    pub(super) fn serve(self, judge: Arc<Judge>) -> Listener {
        let (answers, receiver) = mpsc::channel(16);
        let (outcome, outcome_seen) = watch::channel(None);
        let shared = Arc::new(Shared {
            host: self.address.to_string(),
            judge,
            used: AtomicBool::new(false),
            answers,
            outcome: outcome_seen,
            last_page: Notify::new(),
        });
        let task = tokio::spawn(accept(self.listener, Arc::clone(&shared)));
        Listener { shared, answers: receiver, outcome, task }
    }
}

/// A listener at work. Dropped, it is closed, and its port is free.
pub(super) struct Listener {
    shared: Arc<Shared>,
    answers: mpsc::Receiver<Verdict>,
    outcome: watch::Sender<Option<Page>>,
    task: JoinHandle<()>,
}

struct Shared {
    host: String,
    judge: Arc<Judge>,
    used: AtomicBool,
    answers: mpsc::Sender<Verdict>,
    outcome: watch::Receiver<Option<Page>>,
    last_page: Notify,
}

impl Listener {
    /// What came next: noise that was ignored, or the one answer.
    pub(super) async fn next(&mut self) -> Verdict {
        match self.answers.recv().await {
            Some(verdict) => verdict,
            // The sender lives as long as the listener: this cannot be, and would be no answer.
            None => std::future::pending().await,
        }
    }

    /// The answer came another way; a late callback is told so.
    pub(super) fn close_to_answers(&self) {
        self.shared.used.store(true, Ordering::SeqCst);
    }

    /// Shows the browser, which waits for it, how it ended.
    pub(super) async fn show(self, page: Page) {
        self.outcome.send_replace(Some(page));
        let _ = tokio::time::timeout(LAST_PAGE_WITHIN, self.shared.last_page.notified()).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Aborts its connections when the listener ends.
struct Connections(VecDeque<AbortHandle>);

impl Drop for Connections {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = Connections(VecDeque::new());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: wait rather than spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        connections.0.retain(|connection| !connection.is_finished());
        if connections.0.len() >= MAX_CONNECTIONS
            && let Some(oldest) = connections.0.pop_front()
        {
            oldest.abort();
        }
        let connection = tokio::spawn(serve(stream, Arc::clone(&shared)));
        connections.0.push_back(connection.abort_handle());
    }
}

/// Answers the one request of a connection.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Ok(Ok(head)) = tokio::time::timeout(HEADERS_WITHIN, read_head(&mut stream)).await else {
        return;
    };
    let Some(head) = head else {
        refuse_large(stream).await;
        return;
    };
    let shows_last_page = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, shows_last_page) = (Arc::clone(&shared), &shows_last_page);
        async move {
            let response = answer(&shared, &request).await;
            let is_last = request.uri().path() == pages::DONE && response.status() != StatusCode::NOT_FOUND;
            shows_last_page.fetch_or(is_last, Ordering::SeqCst);
            Ok::<_, Infallible>(response)
        }
    });
    let (read, write) = stream.into_split();
    let stream = tokio::io::join(head.as_slice().chain(read), write);
    let done = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(MAX_HEADER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = done {
        tracing::debug!(target: "orkee::cloud::auth", %error, "a connection to the listener failed");
    }
    // Only now is the page with the browser: told earlier, the listener would end before its last byte is out.
    if shows_last_page.into_inner() {
        shared.last_page.notify_one();
    }
}

/// Reads to the end of the headers. None: there are more than anybody needs.
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(2048);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if memchr::memmem::find(&head, b"\r\n\r\n").is_some() {
            return Ok((head.len() < MAX_HEADER_BYTES).then_some(head));
        }
        if head.len() >= MAX_HEADER_BYTES {
            return Ok(None);
        }
    }
}

/// Answers a request that is still being sent: what follows is read and dropped for a while, else the answer would be lost.
async fn refuse_large(mut stream: TcpStream) {
    let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    if stream.write_all(answer).await.is_ok() && stream.shutdown().await.is_ok() {
        let (mut rest, mut nowhere) = (stream.take(4 << 20), tokio::io::sink());
        let _ = tokio::time::timeout(HEADERS_WITHIN, tokio::io::copy(&mut rest, &mut nowhere)).await;
    }
}

async fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<String> {
    if request.method() != Method::GET {
        return Page::bare(StatusCode::METHOD_NOT_ALLOWED).into_response();
    }
    // Another name for this machine means that a page elsewhere sent the request here (DNS rebinding).
    let mut hosts = request.headers().get_all(HOST).iter();
    if hosts.next().is_none_or(|host| host.as_bytes() != shared.host.as_bytes()) || hosts.next().is_some() {
        return Page::bare(StatusCode::BAD_REQUEST).into_response();
    }
    match request.uri().path() {
        "/callback" => callback(shared, request.uri().query().unwrap_or_default()).await,
        pages::DONE if shared.used.load(Ordering::SeqCst) => done(shared).await,
        _ => Page::bare(StatusCode::NOT_FOUND).into_response(),
    }
}

async fn callback(shared: &Shared, query: &str) -> Response<String> {
    let verdict = shared.judge.judge(query);
    if let Verdict::Ignored(_) = verdict {
        // Noise is told as far as there is room: nobody who floods the listener makes it wait.
        let _ = shared.answers.try_send(verdict);
        return Page::not_an_answer().into_response();
    }
    if shared.used.swap(true, Ordering::SeqCst) {
        return Page::already_used().into_response();
    }
    let _ = shared.answers.send(verdict).await;
    pages::to_done()
}

async fn done(shared: &Shared) -> Response<String> {
    let mut outcome = shared.outcome.clone();
    let page = match tokio::time::timeout(OUTCOME_WITHIN, outcome.wait_for(Option::is_some)).await {
        Ok(Ok(page)) => page.clone(),
        _ => None,
    };
    page.unwrap_or_else(Page::already_used).into_response()
}

//! A receiver of webhooks: a real HTTP(S) server that answers each path by a script, and keeps every request as it came.
//!
//! What no receiver should do is what it is for: it drips, floods, hangs, resets, redirects, and shows bad certificates.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::net::sockopt::set_socket_linger;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http::{Headers, parse_head};
use crate::tls::Certificate;
use crate::wait;

/// Longer than any client waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is done with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// A reply with this status, these headers and this body.
    Reply(u16, Vec<(String, String)>, Vec<u8>),
    /// The same, so much later.
    After(Duration, Box<Behaviour>),
    /// Exactly these bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, one each so often, and the end of the connection.
    Drip(Duration, Vec<u8>),
    /// These bytes at once, and these one each so often.
    ThenDrip(Vec<u8>, Duration, Vec<u8>),
    /// A head of 200, and then zeros in chunks for as long as they are taken.
    Endless,
    /// A head of 200 that announces so many bytes, and as many zeros.
    Zeros(u64),
    /// A head of 200 with so many headers.
    Headers(usize),
    /// A head of 200 with one header of so many bytes.
    LongHeader(usize),
    /// A head that never ends.
    EndlessHead,
    /// Nothing, with the connection left open.
    Hang,
    /// The connection is reset (RST) with no byte said.
    Reset,
    /// These bytes, and then the connection is reset.
    ResetAfter(Vec<u8>),
    /// The connection is closed with no byte said.
    Close,
}

impl Behaviour {
    /// A status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Reply(status, Vec::new(), Vec::new())
    }

    /// A status with a header.
    pub fn with_header(status: u16, name: &str, value: &str) -> Self {
        Self::Reply(status, vec![(name.to_owned(), value.to_owned())], Vec::new())
    }

    /// A status with a body.
    pub fn with_body(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Reply(status, Vec::new(), body.into())
    }

    /// A redirect.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::with_header(status, "location", to)
    }

    /// 429, with this word on when to come back.
    pub fn throttled(retry_after: &str) -> Self {
        Self::with_header(429, "retry-after", retry_after)
    }

    /// The same, so much later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }

    /// A body that says it is compressed, and is this many MiB of zeros where somebody believes it.
    pub fn gzip_bomb(mebibytes: usize) -> Self {
        let mut packer = Command::new("gzip");
        packer.arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut packer = packer.spawn().unwrap();
        let mut zeros = packer.stdin.take().unwrap();
        let writing = thread::spawn(move || {
            (0..mebibytes).for_each(|_| zeros.write_all(&vec![0; 1 << 20]).unwrap());
        });
        let packed = packer.wait_with_output().unwrap().stdout;
        writing.join().unwrap();
        Self::Reply(200, vec![("content-encoding".to_owned(), "gzip".to_owned())], packed)
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When its last byte was there.
    pub at: Instant,
    /// The same by the clock on the wall.
    pub when: SystemTime,
    /// Such as `POST`.
    pub method: String,
    /// The path, with a query.
    pub path: String,
    /// Names in lower case, with their values.
    pub headers: Headers,
    /// The head as it stood on the wire.
    pub head: Vec<u8>,
    /// The body as it stood on the wire.
    pub body: Vec<u8>,
    /// The name that TLS was asked with.
    pub server_name: Option<String>,
}

impl Received {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The receiver at work. Its threads end with the test.
pub struct Receiver {
    /// `http://127.0.0.1:PORT`, or https.
    pub url: String,
    address: SocketAddr,
    folder: Option<tempfile::TempDir>,
    shared: Arc<Shared>,
}

/// What is done with the requests for a path: one thing after the other, the last for all that come later.
struct Script {
    path: String,
    steps: Vec<Behaviour>,
    next: usize,
}

#[derive(Default)]
struct Shared {
    scripts: Mutex<Vec<Script>>,
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    sent: AtomicU64,
}

impl Receiver {
    /// One that speaks plain http on 127.0.0.1 and answers 204 to everything until it is told otherwise.
    pub fn start() -> Self {
        Self::serving(TcpListener::bind("127.0.0.1:0").unwrap(), None)
    }

    /// The same over TLS, asked at the certificate's host.
    pub fn with_tls(certificate: Certificate) -> Self {
        Self::serving(TcpListener::bind("127.0.0.1:0").unwrap(), Some(certificate))
    }

    /// One that listens at this address.
    pub fn at(address: &str, certificate: Option<Certificate>) -> Self {
        Self::serving(TcpListener::bind(address).unwrap(), certificate)
    }

    fn serving(listener: TcpListener, certificate: Option<Certificate>) -> Self {
        let address = listener.local_addr().unwrap();
        let folder = certificate.map(|_| tempfile::tempdir().unwrap());
        let tls = certificate.zip(folder.as_ref()).map(|(certificate, folder)| {
            Arc::new(certificate.certified(&folder.path().join("authority.pem")))
        });
        let url = match certificate {
            Some(certificate) => format!("https://{}:{}", certificate.host, address.port()),
            None => format!("http://{address}"),
        };
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let (shared, tls) = (Arc::clone(&serving), tls.clone());
                // A client that goes away in the middle is what the tests are about.
                thread::spawn(move || shared.serve(stream, tls).ok());
            }
        });
        Self { url, address, folder, shared }
    }

    /// Does this with the requests for `path` from now on, one after the other; the last with all that come later. Its URL.
    pub fn script(&self, path: &str, steps: impl IntoIterator<Item = Behaviour>) -> String {
        let steps: Vec<_> = steps.into_iter().collect();
        assert!(!steps.is_empty(), "a script without a step");
        let mut scripts = self.shared.scripts.lock().unwrap();
        scripts.retain(|known| known.path != path);
        scripts.push(Script { path: path.to_owned(), steps, next: 0 });
        format!("{}{path}", self.url)
    }

    /// Always does this with the requests for `path`. Its URL.
    pub fn always(&self, path: &str, behaviour: Behaviour) -> String {
        self.script(path, [behaviour])
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What who is to trust its certificate has to be given.
    pub fn authority(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("authority.pem")
    }

    /// Every request so far, in the order in which they were whole.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Every request for this path so far, whatever its query.
    pub fn received_at(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|r| r.path.split('?').next() == Some(path)).collect()
    }

    /// Waits for so many requests.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        wait::until(&format!("{count} requests"), || Some(self.received()).filter(|r| r.len() >= count))
    }

    /// How often anybody connected.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many bytes of zeros and of heads without end were taken off it.
    pub fn taken(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

/// A connection, with or without TLS.
trait Wire: Read + Write {
    fn socket(&self) -> &TcpStream;
    /// The name that TLS was asked with.
    fn server_name(&self) -> Option<String> {
        None
    }
    /// Says goodbye in order.
    fn finish(&mut self) -> std::io::Result<()> {
        self.flush()
    }
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }

    fn server_name(&self) -> Option<String> {
        self.conn.server_name().map(str::to_owned)
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut wire: Box<dyn Wire> = match tls {
            None => Box::new(stream),
            Some(config) => {
                let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
                Box::new(StreamOwned::new(connection, stream))
            }
        };
        let mut early = Vec::new();
        while let Some(request) = read_request(&mut *wire, &mut early)? {
            let behaviour = self.next_for(&request.path);
            let is_last = request.header("connection") == Some("close");
            self.received.lock().unwrap().push(request);
            if !self.act(&mut *wire, behaviour)? || is_last {
                return wire.finish();
            }
        }
        Ok(())
    }

    fn next_for(&self, path: &str) -> Behaviour {
        let path = path.split('?').next().unwrap_or_default();
        let mut scripts = self.scripts.lock().unwrap();
        let Some(script) = scripts.iter_mut().find(|script| script.path == path) else {
            return Behaviour::status(204);
        };
        let step = script.next.min(script.steps.len() - 1);
        script.next = step + 1;
        script.steps[step].clone()
    }

    /// Whether the connection may carry another request.
    fn act(&self, wire: &mut dyn Wire, behaviour: Behaviour) -> std::io::Result<bool> {
        match behaviour {
            Behaviour::Reply(status, headers, body) => {
                wire.write_all(&reply(status, &headers, &body))?;
                wire.flush()?;
                return Ok(true);
            }
            Behaviour::After(delay, then) => {
                thread::sleep(delay);
                return self.act(wire, *then);
            }
            Behaviour::Raw(bytes) => wire.write_all(&bytes)?,
            Behaviour::Drip(pause, bytes) => drip(wire, pause, &bytes)?,
            Behaviour::ThenDrip(first, pause, bytes) => {
                wire.write_all(&first)?;
                wire.flush()?;
                drip(wire, pause, &bytes)?;
            }
            Behaviour::Endless => {
                wire.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                let chunk = [b"10000\r\n".as_slice(), &[0; 1 << 16], b"\r\n"].concat();
                self.pour(wire, &chunk, u64::MAX)?;
            }
            Behaviour::Zeros(count) => {
                wire.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {count}\r\n\r\n").as_bytes())?;
                self.pour(wire, &[0; 1 << 16], count)?;
            }
            Behaviour::Headers(count) => {
                let lines: String = (0..count).map(|n| format!("x-header-{n}: 1\r\n")).collect();
                wire.write_all(format!("HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n").as_bytes())?;
            }
            Behaviour::LongHeader(length) => {
                let value = "a".repeat(length);
                let head = format!("HTTP/1.1 200 OK\r\nx-long: {value}\r\ncontent-length: 0\r\n\r\n");
                wire.write_all(head.as_bytes())?;
            }
            Behaviour::EndlessHead => {
                wire.write_all(b"HTTP/1.1 200 OK\r\nx-endless: ")?;
                self.pour(wire, &[b'a'; 1 << 12], u64::MAX)?;
            }
            Behaviour::Hang => thread::sleep(PATIENCE),
            Behaviour::Reset => set_socket_linger(wire.socket(), Some(Duration::ZERO))?,
            Behaviour::ResetAfter(bytes) => {
                wire.write_all(&bytes)?;
                wire.flush()?;
                // What was said arrives before the reset does away with what has not been read.
                thread::sleep(Duration::from_millis(100));
                set_socket_linger(wire.socket(), Some(Duration::ZERO))?;
            }
            Behaviour::Close => {}
        }
        Ok(false)
    }

    /// So many bytes of the same, counted, until nobody takes them any more.
    fn pour(&self, wire: &mut dyn Write, piece: &[u8], mut count: u64) -> std::io::Result<()> {
        while count > 0 {
            let part = usize::try_from(count).map_or(piece.len(), |left| left.min(piece.len()));
            wire.write_all(&piece[..part])?;
            self.sent.fetch_add(part as u64, Ordering::SeqCst);
            count -= part as u64;
        }
        Ok(())
    }
}

/// One byte each so often.
fn drip(wire: &mut dyn Wire, pause: Duration, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        thread::sleep(pause);
        wire.write_all(&[*byte])?;
        wire.flush()?;
    }
    Ok(())
}

/// A reply that says how long it is, where its status allows a body.
fn reply(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = match status {
        204 | 304 => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    [format!("HTTP/1.1 {status} X\r\n{lines}{length}\r\n").as_bytes(), body].concat()
}

/// The next request of a connection. None: there is none. `early` holds what came with the one before.
fn read_request(wire: &mut dyn Wire, early: &mut Vec<u8>) -> std::io::Result<Option<Received>> {
    let mut chunk = [0; 8192];
    loop {
        if let Some((first, headers, body_at)) = parse_head(early) {
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if early.len() >= body_at + length {
                let rest = early.split_off(body_at + length);
                let whole = std::mem::replace(early, rest);
                let mut words = first.split(' ').map(str::to_owned);
                return Ok(Some(Received {
                    at: Instant::now(),
                    when: SystemTime::now(),
                    method: words.next().unwrap_or_default(),
                    path: words.next().unwrap_or_default(),
                    headers,
                    head: whole[..body_at].to_vec(),
                    body: whole[body_at..].to_vec(),
                    server_name: wire.server_name(),
                }));
            }
        }
        match wire.read(&mut chunk)? {
            0 => return Ok(None),
            count => early.extend_from_slice(&chunk[..count]),
        }
    }
}

//! A relay before a server: one address that passes requests on, or does with them what a test wants. So the API that a device
//! knows can fail and get well again, keep a reply back, or turn out to be another server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use url::Url;

use crate::http::{connect, parse_head};
use crate::wait;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Way {
    /// To the server, and its reply back.
    Through,
    /// To the server; its reply is kept back until [`Relay::release`].
    Held,
    /// To the server; of its reply, the connection breaks so many bytes before the end.
    CutShort(usize),
    /// To nobody, and no answer until [`Relay::release`].
    Ignored,
    /// To nobody; exactly this is answered.
    Answered(Vec<u8>),
    /// To nobody; this is answered, and then zeros without end.
    Flooded(Vec<u8>),
}

/// A request, as far as a test decides by it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The path, without a query.
    pub path: String,
    /// How many requests for this path came before, since the rule was set.
    pub earlier: usize,
}

type Rule = dyn Fn(&Seen) -> Way + Send + Sync;

/// A relay at work. Its threads end with the test.
pub struct Relay {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: Mutex<String>,
    rule: Mutex<Arc<Rule>>,
    seen: Mutex<Vec<String>>,
    kept: AtomicUsize,
    released: Mutex<usize>,
    release: Condvar,
}

impl Relay {
    /// A relay on a free port, which passes everything on.
    pub fn to(server: &str) -> Self {
        Self::at("127.0.0.1:0", server)
    }

    /// A relay at this address.
    pub fn at(address: &str, server: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            server: Mutex::new(server.to_owned()),
            rule: Mutex::new(Arc::new(|_: &Seen| Way::Through)),
            seen: Mutex::default(),
            kept: AtomicUsize::new(0),
            released: Mutex::new(0),
            release: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, shared }
    }

    /// From now on, requests go to this server.
    pub fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.shared.server.lock().unwrap());
    }

    /// From now on, this decides about each request. Counting begins anew.
    pub fn decide(&self, rule: impl Fn(&Seen) -> Way + Send + Sync + 'static) {
        self.shared.seen.lock().unwrap().clear();
        *self.shared.rule.lock().unwrap() = Arc::new(rule);
    }

    /// From now on, this becomes of each sync request; all others pass.
    pub fn on_sync(&self, way: Way) {
        self.decide(move |seen| if seen.path == "/v1/sync" { way.clone() } else { Way::Through });
    }

    /// From now on, everything passes.
    pub fn pass(&self) {
        self.decide(|_| Way::Through);
    }

    /// How many requests for this path came since the rule was set.
    pub fn count(&self, path: &str) -> usize {
        self.shared.seen.lock().unwrap().iter().filter(|seen| *seen == path).count()
    }

    /// Waits until some request's answer is kept back: held, or none given.
    pub fn wait_until_kept(&self) {
        let waiting = || self.shared.kept.load(Ordering::SeqCst) > *self.shared.released.lock().unwrap();
        wait::until("a request that is kept waiting", || waiting().then_some(()));
    }

    /// Lets go of all answers that are kept back.
    pub fn release(&self) {
        *self.shared.released.lock().unwrap() = self.shared.kept.load(Ordering::SeqCst);
        self.shared.release.notify_all();
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) {
        let Some(request) = read_request(&mut client) else {
            return;
        };
        let reply = match self.way(&request) {
            Way::Through => self.ask(&request),
            Way::Held => {
                let reply = self.ask(&request);
                self.keep();
                reply
            }
            Way::CutShort(bytes) => {
                self.ask(&request).map(|reply| reply[..reply.len().saturating_sub(bytes)].to_vec())
            }
            Way::Ignored => {
                self.keep();
                None
            }
            Way::Answered(reply) => Some(reply),
            Way::Flooded(head) => {
                let _ = client.write_all(&head);
                while client.write_all(&[0; 8192]).is_ok() {}
                None
            }
        };
        let _ = client.write_all(&reply.unwrap_or_default());
    }

    fn way(&self, request: &[u8]) -> Way {
        let line = String::from_utf8_lossy(request.split(|b| *b == b'\r').next().unwrap_or_default());
        let target = line.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let rule = Arc::clone(&self.rule.lock().unwrap());
        let mut seen = self.seen.lock().unwrap();
        let earlier = seen.iter().filter(|before| **before == path).count();
        seen.push(path.clone());
        rule(&Seen { path, earlier })
    }

    /// The server's reply, byte for byte; none where it cannot be reached.
    fn ask(&self, request: &[u8]) -> Option<Vec<u8>> {
        let url = Url::parse(&self.server.lock().unwrap()).unwrap();
        let mut server = connect(&url).ok()?;
        server.write_all(request).ok()?;
        let mut reply = Vec::new();
        server.read_to_end(&mut reply).ok()?;
        Some(reply)
    }

    fn keep(&self) {
        let number = self.kept.fetch_add(1, Ordering::SeqCst) + 1;
        let released = self.released.lock().unwrap();
        drop(self.release.wait_while(released, |released| *released < number).unwrap());
    }
}

/// A request as it came, but for the connection, which serves it alone.
fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some((_, headers, body_at)) = parse_head(&bytes) {
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if bytes.len() >= body_at + length {
                let line_end = bytes.windows(2).position(|w| w == b"\r\n")? + 2;
                bytes.splice(line_end..line_end, *b"Connection: close\r\n");
                return Some(bytes);
            }
        }
        match client.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

/// A reply of exactly this body.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    [&head(status, headers, body.len() as u64), body].concat()
}

/// The head of a reply whose body has, or is said to have, so many bytes.
pub fn head(status: u16, headers: &[(&str, &str)], length: u64) -> Vec<u8> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} X\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

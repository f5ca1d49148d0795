//! HTTP as a client sees it on the wire: one connection a request, nothing followed, nothing unpacked.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Sends requests to one address.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: String,
}

/// A request to be sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A request without a body that waits for its reply. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Open(TcpStream);

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), ..Self::default() }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new("POST", target) }
    }

    pub(crate) fn put(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new("PUT", target) }
    }

    /// A form with these fields.
    pub(crate) fn form(target: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::post(target, body).header("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of an error of the API.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("{}", self.text())).to_owned()
    }
}

impl Client {
    /// Sends a request and reads the reply to its end.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Response {
        let mut stream = self.begin(request, request.body.len());
        stream.write_all(&request.body).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        parse(&bytes).unwrap_or_else(|| panic!("no reply: {}", String::from_utf8_lossy(&bytes)))
    }

    /// Sends a request whose body comes a byte at a time and never ends; the reply, for which nobody waits for ever.
    #[track_caller]
    pub(crate) fn drip(&self, request: &Request) -> Response {
        let mut stream = self.begin(request, 1 << 20);
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
        for _ in 0..600 {
            // The server may have left; what it said before is still there to be read.
            let _ = stream.write_all(b" ");
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => bytes.extend_from_slice(&piece[..n]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        parse(&bytes).unwrap_or_else(|| panic!("no reply: {}", String::from_utf8_lossy(&bytes)))
    }

    /// Sends a request that the server does not answer at once.
    #[track_caller]
    pub(crate) fn open(&self, request: &Request) -> Open {
        Open(self.begin(request, 0))
    }

    /// Connects and sends a request's head.
    fn begin(&self, request: &Request, length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: {}\r\n", request.method, request.target, self.address);
        head.push_str(&format!("connection: close\r\ncontent-length: {length}\r\n"));
        for (name, value) in &request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream
    }
}

impl Open {
    /// Whether nothing comes for so long.
    #[track_caller]
    pub(crate) fn is_silent(&self, time: Duration) -> bool {
        self.0.set_read_timeout(Some(time)).unwrap();
        let seen = self.0.peek(&mut [0]);
        matches!(seen, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// The reply, and how long it took from now.
    #[track_caller]
    pub(crate) fn answer(mut self) -> (Response, Duration) {
        let begun = Instant::now();
        self.0.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        let response = parse(&bytes);
        (response.unwrap_or_else(|| panic!("no reply: {}", String::from_utf8_lossy(&bytes))), begun.elapsed())
    }
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Some(Response { status, headers, body: bytes[end + 4..].to_vec() })
}

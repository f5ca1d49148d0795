//! A server that says what a test wants said.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::http::{Headers, parse_head};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers.
    pub headers: Headers,
    /// Its body.
    pub body: String,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A field of a form in the body.
    pub fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.into_owned())
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers beside `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// JSON with this status.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: body.to_string(),
        }
    }

    /// A redirect.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self { status, headers: vec![("Location", to.to_owned())], body: String::new() }
    }

    /// No body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }
}

type Requests = Arc<Mutex<Vec<Request>>>;

/// A server at work. Its threads end with the test.
pub struct Mock {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    requests: Requests,
    connections: Arc<AtomicUsize>,
}

impl Mock {
    /// Starts a server that answers with `answer`.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(|_| answer)
    }

    /// Starts a server whose answers depend on its own URL.
    pub fn start_with<F>(make: impl FnOnce(&str) -> F) -> Self
    where
        F: Fn(&Request) -> Answer + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(make(&url));
        let requests = Requests::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, counter) = (Arc::clone(&requests), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { url, requests, connections }
    }

    /// An authorization server that is correct in everything but what `answer` decides otherwise; `None` leaves it as it is.
    /// It takes any code and any refresh token, gives tokens that are numbered, and knows `/v1/account`.
    pub fn authorization_server(answer: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::start_with(|url| {
            let url = url.to_owned();
            let issued = AtomicUsize::new(1);
            move |request: &Request| {
                answer(request).unwrap_or_else(|| {
                    match request.target.split('?').next().unwrap_or_default() {
                        "/.well-known/oauth-authorization-server" => Answer::json(200, &metadata(&url)),
                        "/oauth/token" => {
                            let n = issued.fetch_add(1, Ordering::SeqCst);
                            Answer::json(200, &tokens(n))
                        }
                        "/oauth/revoke" => Answer::empty(200),
                        "/v1/account" => Answer::json(
                            200,
                            &serde_json::json!({"id": "1", "email": "john@example.com", "plan": "Pro Plan"}),
                        ),
                        _ => Answer::empty(404),
                    }
                })
            }
        })
    }

    /// How often anybody connected.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests for this path so far.
    pub fn requests_for(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|r| r.target.split('?').next() == Some(path)).collect()
    }
}

/// Good metadata of RFC 8414 for an issuer.
pub fn metadata(issuer: &str) -> serde_json::Value {
    serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "device_authorization_endpoint": format!("{issuer}/oauth/device"),
        "code_challenge_methods_supported": ["S256"],
        "response_types_supported": ["code"],
        "authorization_response_iss_parameter_supported": true,
    })
}

/// The `n`th token reply.
pub fn tokens(n: usize) -> serde_json::Value {
    serde_json::json!({
        "access_token": format!("orkee_access_{n}"),
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": format!("orkee_refresh_{n}"),
    })
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Answer) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(request) = parse(&bytes) {
            seen.lock().unwrap().push(request.clone());
            let Answer { status, headers, body } = answer(&request);
            let mut head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
            return;
        }
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return,
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Request> {
    let (first, headers, body_at) = parse_head(bytes)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length =
        headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    let body = String::from_utf8_lossy(bytes.get(body_at..body_at + length)?).into_owned();
    Some(Request { method, target, headers, body })
}

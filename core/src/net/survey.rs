//! Looks at the way to a server step by step, for whoever wants to know which step fails. All steps are taken at once, each has
//! a deadline, and no sign-in is sent.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::Method;
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};

use super::api_url::ApiUrl;
use super::client::{Http, Reach};
use super::error::NetError;
use super::exchange::Reply;

/// Each step ends within this time.
pub const STEP_WITHIN: Duration = Duration::from_secs(5);
/// Of the reply, no more is wanted.
const CAP: u64 = 64 << 10;

/// What was found on the way to a server.
#[derive(Debug)]
pub struct Way {
    /// What the server's name leads to. None: it is an address, or a proxy looks it up.
    pub name: Option<Result<Vec<IpAddr>, StepError>>,
    /// The proxy in between; none: there is none.
    pub proxy: Option<ProxyStep>,
    /// What the server answered.
    pub reply: Result<Reply, NetError>,
    /// How long that took.
    pub took: Duration,
    /// Until when the server's certificate is valid, where it was shown one and its verifier tells.
    pub certificate_ends: Option<Timestamp>,
}

/// A proxy, and whether it takes connections.
#[derive(Debug)]
pub struct ProxyStep {
    /// Its host and port.
    pub authority: String,
    /// What became of the connection.
    pub taken: Result<(), StepError>,
}

/// A step that failed.
#[derive(Debug, Error)]
pub enum StepError {
    /// No answer in time.
    #[error("no answer within {} s", STEP_WITHIN.as_secs())]
    Late,
    /// What the system says.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Http {
    /// Takes each step towards `path` of an API. None where there is no such URL.
    pub async fn survey(&self, api: &ApiUrl, path: &str) -> Option<Way> {
        let url = api.join(path)?;
        let origin = api.origin();
        let started = Instant::now();
        let proxy = self.proxy_before(origin);
        let looked_up = async {
            if proxy.is_some() || origin.address().is_some() {
                return None;
            }
            Some(in_time(look_up(&origin.host().to_string())).await)
        };
        let connected = async {
            let authority = proxy.clone()?;
            let taken = in_time(async { TcpStream::connect(&authority).await.map(drop) }).await;
            Some(ProxyStep { authority, taken })
        };
        let answered = async {
            let ask = async {
                let request = self.client_for(origin)?.request(Method::GET, url.clone()).build();
                let request = request.map_err(|error| NetError::sort(error, origin))?;
                self.exchange(origin, Reach::named_by_user(origin), request, CAP).await
            };
            let asked = tokio::time::timeout(STEP_WITHIN, ask).await;
            let reply = asked.unwrap_or_else(|_| Err(NetError::Timeout { origin: origin.clone() }));
            (reply, started.elapsed())
        };
        let (name, proxy, (reply, took)) = tokio::join!(looked_up, connected, answered);
        Some(Way { name, proxy, reply, took, certificate_ends: self.certificate_ends() })
    }
}

async fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = lookup_host((host, 0)).await?.map(|address| address.ip()).collect();
    found.dedup();
    match found.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")),
        false => Ok(found),
    }
}

async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, StepError> {
    match tokio::time::timeout(STEP_WITHIN, step).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(StepError::Late),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::net::{HttpOptions, ProxyOptions, Secret};

    /// A server that says the same to everybody.
    fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 1024];
                let read = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
                assert!(!head.contains("authorization"), "{head}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        url
    }

    #[tokio::test]
    async fn an_address_is_not_looked_up_and_a_server_that_answers_is_told_with_its_time() {
        let url = server(
            "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
        );
        let http = Http::new(HttpOptions::default()).unwrap();
        let way = http.survey(&ApiUrl::parse(&url).unwrap(), "/health").await.unwrap();
        assert!(way.name.is_none() && way.proxy.is_none() && way.certificate_ends.is_none());
        assert_eq!(way.reply.unwrap().body.as_ref(), b"hi");
        assert!(http.server_clock_ahead().unwrap().as_hours() < -24 * 365);
    }

    #[tokio::test]
    async fn each_step_that_fails_is_told_by_itself() {
        let options = |proxy: Option<&str>| HttpOptions {
            proxy: ProxyOptions { url: proxy.map(Secret::new), except: String::new() },
            ..HttpOptions::default()
        };
        let api = ApiUrl::parse("https://nowhere.invalid").unwrap();
        let way = Http::new(options(None)).unwrap().survey(&api, "/health").await.unwrap();
        assert!(way.name.unwrap().is_err() && way.proxy.is_none() && way.reply.is_err());
        // Nobody listens at a port that was just given back.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let proxy = format!("http://me:secret@127.0.0.1:{port}");
        let way = Http::new(options(Some(&proxy))).unwrap().survey(&api, "/health").await.unwrap();
        assert!(way.name.is_none(), "the proxy looks names up");
        let step = way.proxy.unwrap();
        assert_eq!(step.authority, format!("127.0.0.1:{port}"));
        assert!(step.taken.is_err());
    }
}

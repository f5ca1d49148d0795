//! A local HTTP/1.1 server that answers what a test tells it to, byte for byte, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line =
            self.head.lines().skip(1).find(|l| l.split(':').next().unwrap().eq_ignore_ascii_case(name))?;
        Some(line.split_once(':')?.1.trim())
    }
}

/// What to answer.
#[derive(Clone)]
pub enum Answer {
    /// These bytes, and the connection stays open.
    Bytes(Vec<u8>),
    /// These bytes, and the connection is closed.
    Cut(Vec<u8>),
    /// These bytes once the notifier is told.
    Late(Arc<tokio::sync::Notify>, Vec<u8>),
    /// These bytes once as many requests wait as the barrier wants.
    Together(Arc<tokio::sync::Barrier>, Vec<u8>),
    /// Nothing, ever.
    Silence,
}

/// A reply with a length.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut bytes = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| bytes.push_str(&format!("{name}: {value}\r\n")));
    Answer::Bytes([bytes.as_bytes(), b"\r\n", body].concat())
}

/// A server that runs until the runtime ends.
#[derive(Clone)]
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, seen: Arc::default(), connections: Arc::default() };
        let (shared, answer) = (server.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *shared.connections.lock().unwrap() += 1;
                let (shared, answer) = (shared.clone(), Arc::clone(&answer));
                tokio::spawn(async move { shared.serve(stream, &*answer).await });
            }
        });
        server
    }

    /// What it was asked, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    async fn serve(&self, stream: TcpStream, answer: &(dyn Fn(&Seen) -> Answer + Send + Sync)) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let seen = request(&mut stream).await?;
            self.seen.lock().unwrap().push(seen.clone());
            match answer(&seen) {
                Answer::Bytes(bytes) => stream.get_mut().write_all(&bytes).await.ok()?,
                Answer::Cut(bytes) => {
                    stream.get_mut().write_all(&bytes).await.ok()?;
                    return None;
                }
                Answer::Late(told, bytes) => {
                    told.notified().await;
                    stream.get_mut().write_all(&bytes).await.ok()?;
                }
                Answer::Together(barrier, bytes) => {
                    barrier.wait().await;
                    stream.get_mut().write_all(&bytes).await.ok()?;
                }
                Answer::Silence => std::future::pending::<()>().await,
            }
        }
    }
}

async fn request(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        if !head[0].is_ascii_uppercase() {
            // The beginning of TLS, which is not spoken here.
            return None;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut line = head.lines().next()?.split(' ');
    let (method, target) = (line.next()?.to_owned(), line.next()?.to_owned());
    let mut seen = Seen { method, target, head, body: Vec::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    seen.body = vec![0; length];
    stream.read_exact(&mut seen.body).await.ok()?;
    Some(seen)
}

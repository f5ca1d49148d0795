//! TLS before a server that speaks plain HTTP, with a certificate as a test wants it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

use crate::http::connect;
use crate::relay::bytes::read_request;
use crate::tls::Certificate;

/// An address of this machine that nobody takes for loopback: what goes there, a proxy of the environment is used for.
pub const NOT_LOOPBACK: &str = "0.0.0.0";

/// The front at work. Its threads end with the test.
pub struct TlsFront {
    /// `https://HOST:PORT`.
    pub url: String,
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    behind: Mutex<String>,
    handshakes: AtomicUsize,
}

impl TlsFront {
    /// Listens, to be asked at this host, with this certificate.
    pub fn at(host: &str, certificate: Certificate) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(certificate.certified(&folder.path().join("authority.pem")));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{host}:{}", listener.local_addr().unwrap().port());
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, shared) = (Arc::clone(&config), Arc::clone(&serving));
                // A client that goes away, or does not trust the certificate, is what tests are about.
                thread::spawn(move || shared.serve(stream, config).ok());
            }
        });
        Self { url, folder, shared }
    }

    /// From now on, requests go to this server.
    pub fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.shared.behind.lock().unwrap());
    }

    /// What `SSL_CERT_FILE` has to name for who is to trust it.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// How many connections spoke TLS to the end of the handshake.
    pub fn handshakes(&self) -> usize {
        self.shared.handshakes.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// One request and its reply.
    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        self.handshakes.fetch_add(1, Ordering::SeqCst);
        let Some(request) = read_request(&mut stream) else { return Ok(()) };
        let behind = Url::parse(&self.behind.lock().unwrap()).map_err(std::io::Error::other)?;
        let mut server = connect(&behind)?;
        server.write_all(&request)?;
        let mut reply = Vec::new();
        server.read_to_end(&mut reply)?;
        stream.write_all(&reply)?;
        stream.conn.send_close_notify();
        stream.flush()
    }
}

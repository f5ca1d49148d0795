//! TLS for all the names that a page asks for, at one address that everybody takes for one of the internet.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

use crate::http::{connect, parse_head};
use crate::relay::bytes::read_request;
use crate::tls::certified_for;

/// Longer than the longest wait for something new.
const PATIENCE: Duration = Duration::from_secs(320);

/// The front at work. Its threads end with the test.
pub(super) struct Front {
    folder: tempfile::TempDir,
    behind: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Front {
    /// Listens at this address, for these names.
    pub(super) fn at(address: &str, names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(certified_for(names, &folder.path().join("authority.pem")));
        let listener = TcpListener::bind(address).unwrap();
        let behind = Arc::new(Mutex::new(BTreeMap::new()));
        let leading = Arc::clone(&behind);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, behind) = (Arc::clone(&config), Arc::clone(&leading));
                // A client that goes away is its own affair.
                thread::spawn(move || serve(stream, config, &behind).ok());
            }
        });
        Self { folder, behind }
    }

    /// From now on, requests for this name go to this server.
    pub(super) fn lead(&self, name: &str, server: &str) {
        self.behind.lock().unwrap().insert(name.to_owned(), server.to_owned());
    }

    /// What `SSL_CERT_FILE` has to name.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

/// One request and its reply.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    behind: &Mutex<BTreeMap<String, String>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(ServerConnection::new(config).map_err(std::io::Error::other)?, stream);
    let Some(request) = read_request(&mut stream) else { return Ok(()) };
    let host = parse_head(&request).and_then(|(_, headers, _)| {
        headers.into_iter().find(|(name, _)| name == "host").map(|(_, value)| value)
    });
    let server = behind.lock().unwrap().get(&host.unwrap_or_default()).cloned();
    let reply = match server.map(|server| forward(&server, &request)) {
        Some(Ok(reply)) => reply,
        _ => b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
    };
    stream.write_all(&reply)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn forward(server: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut server = connect(&Url::parse(server).map_err(std::io::Error::other)?)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let head = request.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    server.write_all(&request[..head])?;
    server.write_all(b"X-Forwarded-Proto: https\r\n")?;
    server.write_all(&request[head..])?;
    let mut reply = Vec::new();
    server.read_to_end(&mut reply)?;
    Ok(reply)
}

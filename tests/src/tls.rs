//! A web server that speaks TLS, with a certificate of an authority of its own that nobody else trusts.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is answered to a path.
#[derive(Debug, Clone)]
pub enum Page {
    /// 200 with this body.
    Body(Vec<u8>),
    /// A redirect to there.
    Redirect(String),
    /// So many bytes of zeros, without saying beforehand how many they are.
    Endless(usize),
    /// A status and nothing else.
    Status(u16),
}

/// The server, for as long as the test runs.
pub struct TlsServer {
    /// `https://127.0.0.1:PORT`.
    pub url: String,
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    pages: Mutex<Vec<(String, Page)>>,
    asked: Mutex<Vec<String>>,
}

impl TlsServer {
    /// A server without any page.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(Certificate::of("127.0.0.1").certified(&folder.path().join("authority.pem")));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, shared) = (Arc::clone(&config), Arc::clone(&serving));
                // A client that goes away is its own affair.
                thread::spawn(move || serve(stream, config, &shared).ok());
            }
        });
        Self { url, folder, shared }
    }

    /// What `SSL_CERT_FILE` has to name for who is to trust it.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Answers this to that path from now on; its URL.
    pub fn put(&self, path: &str, page: Page) -> String {
        let mut pages = self.shared.pages.lock().unwrap();
        pages.retain(|(known, _)| known != path);
        pages.push((path.to_owned(), page));
        format!("{}{path}", self.url)
    }

    /// The requests so far, each its head.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

/// What stands in a server's certificate.
#[derive(Debug, Clone, Copy)]
pub struct Certificate {
    /// A name or an address.
    pub host: &'static str,
    /// Its time is over.
    pub expired: bool,
    /// Nobody but itself has signed it.
    pub self_signed: bool,
}

impl Certificate {
    /// A good one for this host.
    pub fn of(host: &'static str) -> Self {
        Self { host, expired: false, self_signed: false }
    }

    /// One whose time is over.
    pub fn expired(host: &'static str) -> Self {
        Self { expired: true, ..Self::of(host) }
    }

    /// One that nobody but itself has signed.
    pub fn self_signed(host: &'static str) -> Self {
        Self { self_signed: true, ..Self::of(host) }
    }

    /// It, made by a fresh authority, whose own certificate goes into that file.
    pub(crate) fn certified(self, authority: &Path) -> ServerConfig {
        let mut params = CertificateParams::new(vec![self.host.to_owned()]).unwrap();
        if self.expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        certified(params, self.self_signed, authority)
    }
}

/// A good certificate for several names, made by a fresh authority, whose own certificate goes into that file.
pub(crate) fn certified_for(names: &[&str], authority: &Path) -> ServerConfig {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    certified(CertificateParams::new(names).unwrap(), false, authority)
}

fn certified(params: CertificateParams, self_signed: bool, authority: &Path) -> ServerConfig {
    let mut of_issuer = CertificateParams::new(Vec::new()).unwrap();
    of_issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // With the same name as the certificate's, some take that for one that signed itself.
    of_issuer.distinguished_name.push(DnType::CommonName, "authority of a test");
    let issuer = CertifiedIssuer::self_signed(of_issuer, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(authority, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = match self_signed {
        true => params.self_signed(&key).unwrap(),
        false => params.signed_by(&key, &issuer).unwrap(),
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        shared.asked.lock().unwrap().push(head);
        let page =
            shared.pages.lock().unwrap().iter().find(|(known, _)| *known == path).map(|(_, p)| p.clone());
        answer(reader.get_mut(), page.unwrap_or(Page::Status(404)))?;
    }
}

fn answer(out: &mut impl Write, page: Page) -> std::io::Result<()> {
    match page {
        Page::Body(body) => {
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len())?;
            out.write_all(&body)?;
        }
        Page::Redirect(to) => {
            write!(out, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")?;
        }
        Page::Status(status) => write!(out, "HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n")?,
        Page::Endless(bytes) => {
            write!(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            let chunk = vec![0; 1 << 16];
            for _ in 0..bytes.div_ceil(chunk.len()) {
                write!(out, "{:x}\r\n", chunk.len())?;
                out.write_all(&chunk)?;
                out.write_all(b"\r\n")?;
            }
            out.write_all(b"0\r\n\r\n")?;
        }
    }
    out.flush()
}

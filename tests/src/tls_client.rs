//! TLS from the client's side, trusting the authorities of `SSL_CERT_FILE` alone.

use std::io::Error;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use url::Url;

/// This connection, secured for the host of the URL.
pub(crate) fn over(
    stream: TcpStream,
    url: &Url,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let file =
        std::env::var_os("SSL_CERT_FILE").ok_or_else(|| Error::other("SSL_CERT_FILE names no authority"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(Error::other)? {
        roots.add(certificate.map_err(Error::other)?).map_err(Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = ServerName::try_from(url.host_str().unwrap_or_default().to_owned()).map_err(Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), host).map_err(Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

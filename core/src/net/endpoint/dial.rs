//! From an origin to a connection: names are resolved, each address is judged, and the one that was judged is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::access::Access;
use super::failure::SendFailure;
use super::wire::Wire;
use crate::net::error::BlockedAddress;
use crate::net::origin::Origin;

/// Of the addresses that a name has, as many are tried.
const MAX_ADDRESSES: usize = 8;

/// Every address of the origin, in the order of the system's resolver.
pub(super) async fn addresses(origin: &Origin) -> io::Result<Vec<IpAddr>> {
    if let Some(address) = origin.address() {
        return Ok(vec![address]);
    }
    let name = origin.name().unwrap_or_default();
    let found: Vec<IpAddr> = tokio::net::lookup_host((name, 0)).await?.map(|at| at.ip()).collect();
    match found.is_empty() {
        true => Err(io::Error::other("the name has no address")),
        false => Ok(found),
    }
}

/// The addresses of the origin that may be dialled; never none.
pub async fn resolve(origin: &Origin, access: &Access) -> Result<Vec<IpAddr>, SendFailure> {
    let found = addresses(origin).await.map_err(SendFailure::Dns)?;
    judge(found, origin, access)
}

/// Where a proxy resolves names, what is written as an address is still judged here.
pub(super) fn judge_literal(origin: &Origin, access: &Access) -> Result<(), SendFailure> {
    origin.address().map_or(Ok(()), |address| judge(vec![address], origin, access).map(drop))
}

/// Of these, the ones that may be dialled; never none.
fn judge(found: Vec<IpAddr>, origin: &Origin, access: &Access) -> Result<Vec<IpAddr>, SendFailure> {
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in found {
        match access.permits(origin.scheme(), address) {
            Ok(()) if allowed.contains(&address) => {}
            Ok(()) => allowed.push(address),
            Err(why) => {
                let host = origin.host().to_string();
                refused.get_or_insert(BlockedAddress { host, address, why });
            }
        }
    }
    allowed.truncate(MAX_ADDRESSES);
    match refused {
        Some(blocked) if allowed.is_empty() => Err(blocked.into()),
        _ => Ok(allowed),
    }
}

/// A connection to the first of the addresses that takes one; each gets an equal share of the time that is left.
pub(super) async fn connect(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<(TcpStream, IpAddr), SendFailure> {
    let mut newest = io::Error::from(io::ErrorKind::TimedOut);
    for (tried, address) in addresses.iter().copied().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(1).max(1);
        match timeout(share, TcpStream::connect(SocketAddr::new(address, port))).await {
            Ok(Ok(stream)) => {
                // Not worth failing for.
                let _ = stream.set_nodelay(true);
                return Ok((stream, address));
            }
            Ok(Err(error)) => newest = error,
            Err(_) => newest = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(SendFailure::Connect(newest))
}

/// TLS with the origin's host, and what was agreed on in a few words.
pub(super) async fn secure(
    wire: Wire,
    origin: &Origin,
    config: Arc<ClientConfig>,
) -> Result<(Wire, String), SendFailure> {
    let host = origin.host().to_string();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|error| SendFailure::Tls(error.into()))?;
    let stream = TlsConnector::from(config).connect(name, wire).await.map_err(SendFailure::of_handshake)?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().and_then(|version| version.as_str());
    let version = version.unwrap_or("TLS").replacen("TLSv", "TLS ", 1).replace('_', ".");
    let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    let suite = suite.unwrap_or_default();
    let suite = suite.strip_prefix("TLS13_").or_else(|| suite.strip_prefix("TLS_")).unwrap_or(suite);
    let agreed = format!("{version} {suite}");
    Ok((Wire::Tls(Box::new(stream)), agreed))
}

/// Fails as a timeout where no connection stands in time.
pub(super) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, SendFailure>>,
) -> Result<T, SendFailure> {
    let late = || SendFailure::Timeout { what: "no connection", after: limit };
    match timeout(limit, work).await {
        Ok(Err(SendFailure::Connect(error))) if error.kind() == io::ErrorKind::TimedOut => Err(late()),
        Ok(done) => done,
        Err(_) => Err(late()),
    }
}

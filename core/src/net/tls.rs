//! TLS: rustls on ring, certificates judged as the platform does.
//!
//! Loading the system's roots takes longer than a whole small sync over http, so it waits for the first certificate.
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's roots. There is no way to switch verification off.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// TLS that keeps in mind how long the certificate that it saw last is valid.
pub(super) fn config(validity: &Arc<Validity>) -> Result<ClientConfig, Error> {
    config_of(Vec::new(), Arc::clone(validity))
}

/// TLS that also trusts these authorities, in PEM.
pub(super) fn config_with(authorities: Option<&str>) -> Result<ClientConfig, Error> {
    config_of(authorities.map_or(Ok(Vec::new()), certificates)?, Arc::default())
}

fn config_of(own: Vec<CertificateDer<'static>>, validity: Arc<Validity>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = OnceLock::new();
    let verifier = Arc::new(PlatformWhenNeeded { provider: Arc::clone(&provider), own, verifier, validity });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The certificates of a text in PEM.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|certificate| certificate.map_err(|error| Error::General(error.to_string())))
        .collect()
}

/// How many authorities stand in a text in PEM; each is one that certificates can be checked against.
pub fn count_authorities(pem: &str) -> Result<usize, Error> {
    let mut store = RootCertStore::empty();
    let certificates = certificates(pem)?;
    let count = certificates.len();
    certificates.into_iter().try_for_each(|certificate| store.add(certificate))?;
    Ok(count)
}

/// The platform's verifier, made when the first certificate arrives.
#[derive(Debug)]
struct PlatformWhenNeeded {
    provider: Arc<CryptoProvider>,
    /// Authorities beside the platform's.
    own: Vec<CertificateDer<'static>>,
    verifier: OnceLock<Result<Arc<Verifier>, Error>>,
    validity: Arc<Validity>,
}

/// How long the certificate of the newest connection is valid.
#[derive(Debug, Default)]
pub(super) struct Validity(Mutex<Option<Shown>>);

/// A certificate that was found good, and its chain.
#[derive(Debug)]
struct Shown {
    certificate: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    name: ServerName<'static>,
    verifier: Arc<Verifier>,
}

/// When no certificate is valid any more that is not meant to be so for ever: the year 9000.
const FAR_AHEAD: Duration = Duration::from_secs(221_845_392_000);

impl Validity {
    /// Asks the verifier what it would say of the certificate in the far future: that it ended, and when. One that does not say when
    /// leaves it unknown.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Shown { certificate, chain, name, verifier } = shown.as_ref()?;
        let later = UnixTime::since_unix_epoch(FAR_AHEAD);
        match verifier.verify_server_cert(certificate, chain, name, &[], later) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                Timestamp::from_second(i64::try_from(not_after.as_secs()).ok()?).ok()
            }
            _ => None,
        }
    }

    fn note(&self, shown: Shown) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }
}

impl ServerCertVerifier for PlatformWhenNeeded {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.verifier.get_or_init(|| {
            Verifier::new_with_extra_roots(self.own.iter().cloned(), Arc::clone(&self.provider)).map(Arc::new)
        });
        let verifier = verifier.as_ref().map_err(Clone::clone)?;
        let verified =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        self.validity.note(Shown {
            certificate: end_entity.clone().into_owned(),
            chain: intermediates.iter().map(|one| one.clone().into_owned()).collect(),
            name: server_name.to_owned(),
            verifier: Arc::clone(verifier),
        });
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

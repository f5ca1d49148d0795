//! TLS: rustls on ring, certificates judged as the platform does.
//!
//! Loading the system's roots takes longer than a whole small sync over http, so it waits for the first certificate.
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's roots. There is no way to switch verification off.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

pub(super) fn config() -> Result<ClientConfig, Error> {
    config_with(None)
}

/// TLS that also trusts these authorities, in PEM.
pub(super) fn config_with(authorities: Option<&str>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let own = authorities.map_or(Ok(Vec::new()), certificates)?;
    let verifier =
        Arc::new(PlatformWhenNeeded { provider: Arc::clone(&provider), own, verifier: OnceLock::new() });
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
    verifier: OnceLock<Result<Verifier, Error>>,
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
            Verifier::new_with_extra_roots(self.own.iter().cloned(), Arc::clone(&self.provider))
        });
        verifier.as_ref().map_err(Clone::clone)?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
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

//! Whom to trust: the system's roots, a private authority, or pinned certificates.
//!
//! There is deliberately no way to skip verification. With pins the chain is not judged, but the
//! handshake's signature always is: holding a certificate is not enough, its key is needed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::error::Error;
use crate::domain::failure::FailureKind;
use crate::domain::fingerprint::Fingerprint;

/// Returns the fingerprint of a certificate.
fn fingerprint_of(certificate: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint::new(Sha256::digest(certificate.as_ref()).into())
}

/// How a server proves who it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Trust {
    /// By a chain to one of the system's roots.
    System,
    /// By a chain to one of these authorities, in PEM.
    Authority(Vec<u8>),
    /// By presenting one of these certificates.
    Pins(Vec<Fingerprint>),
}

/// A certificate that a server presented and that was not trusted.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    fingerprint: Fingerprint,
    reason: String,
    pinned: Vec<Fingerprint>,
}

impl Presented {
    /// Returns the fingerprint of what was presented.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) fn advice(&self) -> String {
        if self.pinned.is_empty() {
            return "compare the fingerprint with the one that the server's own console shows \
                    (pvenode cert info); if it is right, add it as `fingerprints` to the cluster's config, \
                    or name the authority's certificate as `ca_file`"
                .to_owned();
        }
        "certificates are renewed about every two years, but a stranger's looks the same: compare with \
         what the server's own console shows (pvenode cert info), then replace the pin in the config"
            .to_owned()
    }
}

impl fmt::Display for Presented {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}; it presents {}",
            self.reason, self.fingerprint
        )?;
        for pin in &self.pinned {
            write!(formatter, "; pinned is {pin}")?;
        }
        Ok(())
    }
}

/// Where a verifier leaves the certificate that it refused, for the error to show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused(Arc<Mutex<Option<Presented>>>);

impl Refused {
    pub(crate) fn get(&self) -> Option<Presented> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets what was refused, after something else was accepted.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn set(&self, presented: Presented) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented);
    }
}

/// Builds the TLS settings for a kind of trust.
pub(crate) fn client_config(trust: &Trust) -> Result<(ClientConfig, Refused), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let invalid = |why: String| Error::unsent(FailureKind::UntrustedCertificate, why);
    let judge = match trust {
        Trust::Pins(pins) if pins.is_empty() => {
            return Err(invalid("the list of fingerprints is empty".to_owned()));
        }
        Trust::Pins(pins) => Judge::Pins(pins.clone()),
        Trust::System => {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(
                |error| invalid(format!("the system's certificates cannot be used: {error}")),
            )?;
            Judge::Chain(Arc::new(verifier))
        }
        Trust::Authority(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate
                    .map_err(|error| invalid(format!("the CA file is damaged: {error}")))?;
                roots
                    .add(certificate)
                    .map_err(|error| invalid(format!("the CA file holds no authority: {error}")))?;
            }
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build()
                    .map_err(|_| {
                        invalid("the CA file holds no certificate in PEM form".to_owned())
                    })?;
            Judge::Chain(verifier)
        }
    };
    let refused = Refused::default();
    let verifier = Verifier {
        judge,
        provider: Arc::clone(&provider),
        refused: refused.clone(),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok((config, refused))
}

#[derive(Debug)]
enum Judge {
    Chain(Arc<dyn ServerCertVerifier>),
    Pins(Vec<Fingerprint>),
}

#[derive(Debug)]
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
    refused: Refused,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint = fingerprint_of(end_entity);
        let (result, pinned) = match &self.judge {
            Judge::Chain(chain) => {
                let verdict = chain.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                );
                (verdict, Vec::new())
            }
            Judge::Pins(pins) if pins.contains(&fingerprint) => {
                return Ok(ServerCertVerified::assertion());
            }
            Judge::Pins(pins) => {
                let mismatch = CertificateError::ApplicationVerificationFailure;
                (
                    Err(rustls::Error::InvalidCertificate(mismatch)),
                    pins.clone(),
                )
            }
        };
        if let Err(error) = &result {
            let unknown_issuer = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
            let reason = if !pinned.is_empty() {
                "the certificate is not the pinned one".to_owned()
            } else if *error == unknown_issuer {
                "no trusted authority signed the certificate".to_owned()
            } else {
                error.to_string()
            };
            self.refused.set(Presented {
                fingerprint,
                reason,
                pinned,
            });
        }
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

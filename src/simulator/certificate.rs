//! Keys and certificates: a private authority and the leaf that it signed, both from the seed, so that a pin survives
//! a restart.
//!
//! Refuses to be secret: whoever knows the seed knows the keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::server::{
    ClientHello, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use super::load::scramble;

/// When all certificates begin, in seconds since 1970: the first of January 2026.
pub(super) const NOT_BEFORE: i64 = 1_767_225_600;
/// When all certificates end: the last day of 2045.
pub(super) const NOT_AFTER: i64 = 2_398_204_800;

/// A leaf, the authority that signed it, and its key.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) authority_pem: String,
    pub(super) leaf_pem: String,
    pub(super) fingerprint: String,
    pub(super) authority_fingerprint: String,
    certified: Arc<CertifiedKey>,
}

impl Identity {
    /// Makes the identity that belongs to a seed and these names.
    pub(super) fn from_seed(seed: u64, names: &[String]) -> Result<Self, IdentityError> {
        let (authority_key, _) = key(seed, 1)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Proxmox Virtual Environment", "PVE Cluster Manager CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(SerialNumber::from(scramble(seed) >> 1));
        (params.not_before, params.not_after) =
            (date_time_ymd(2026, 1, 1), date_time_ymd(2045, 12, 31));
        let authority = params.self_signed(&authority_key)?;
        let issuer = Issuer::new(params, authority_key);

        let (leaf_key, der) = key(seed, 2)?;
        let mut alternatives = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        alternatives.extend(names.iter().cloned());
        let mut params = CertificateParams::new(alternatives)?;
        params.distinguished_name = name(
            names.first().map_or("localhost", String::as_str),
            "PVE Cluster Node",
        );
        params.serial_number = Some(SerialNumber::from(scramble(seed ^ 2) >> 1));
        (params.not_before, params.not_after) =
            (date_time_ymd(2026, 1, 1), date_time_ymd(2045, 12, 31));
        let leaf = params.signed_by(&leaf_key, &issuer)?;

        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der));
        let signing = rustls::crypto::ring::sign::any_supported_type(&private)?;
        let certified = Arc::new(CertifiedKey::new(vec![leaf.der().clone()], signing));
        Ok(Self {
            authority_pem: authority.pem(),
            leaf_pem: leaf.pem(),
            fingerprint: fingerprint(leaf.der()),
            authority_fingerprint: fingerprint(authority.der()),
            certified,
        })
    }
}

/// Says that a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate could not be written.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The key could not be used.
    #[error("key: {0}")]
    Key(#[from] rustls::Error),
}

/// Ed25519 signs without chance, so that the same seed gives the same certificate to the last byte.
fn key(seed: u64, salt: u64) -> Result<(KeyPair, Vec<u8>), rcgen::Error> {
    const PREFIX: [u8; 16] = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let mut der = PREFIX.to_vec();
    for index in 0..4 {
        der.extend(scramble(scramble(seed ^ (salt << 32)) ^ index).to_be_bytes());
    }
    Ok((KeyPair::try_from(der.as_slice())?, der))
}

fn name(common: &str, organisation: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation);
    name.push(DnType::CommonName, common);
    name
}

/// Returns the SHA-256 of a certificate as upper-case pairs joined by colons.
fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// The sessions that clients may take up again, each with the certificate under which it began only.
///
/// A real server is started anew for another certificate, and knows nothing of what was agreed on before.
#[derive(Debug)]
pub(super) struct Sessions {
    known: Arc<ServerSessionMemoryCache>,
    wardrobe: Arc<Wardrobe>,
}

impl Sessions {
    pub(super) fn new(wardrobe: Arc<Wardrobe>) -> Self {
        Self {
            known: ServerSessionMemoryCache::new(256),
            wardrobe,
        }
    }

    fn named(&self, key: &[u8]) -> Vec<u8> {
        let swapped = self.wardrobe.swapped.load(Ordering::Relaxed);
        [&[u8::from(swapped)], key].concat()
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.known.put(self.named(&key), value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.known.get(&self.named(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.known.take(&self.named(key))
    }

    fn can_cache(&self) -> bool {
        self.known.can_cache()
    }
}

/// Shows one identity, or another one while the swap is on.
#[derive(Debug)]
pub(super) struct Wardrobe {
    pub(super) usual: Identity,
    pub(super) other: Identity,
    swapped: AtomicBool,
}

impl Wardrobe {
    pub(super) fn new(seed: u64, names: &[String]) -> Result<Self, IdentityError> {
        Ok(Self {
            usual: Identity::from_seed(seed, names)?,
            other: Identity::from_seed(scramble(seed ^ 0x5afe), names)?,
            swapped: AtomicBool::new(false),
        })
    }

    /// Returns the identity that is shown now.
    pub(super) fn current(&self) -> &Identity {
        if self.swapped.load(Ordering::Relaxed) {
            &self.other
        } else {
            &self.usual
        }
    }

    pub(super) fn swap(&self, swapped: bool) {
        self.swapped.store(swapped, Ordering::Relaxed);
    }
}

impl ResolvesServerCert for Wardrobe {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current().certified))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_certificate() {
        let names = ["pve1".to_owned()];
        let first = Identity::from_seed(7, &names).unwrap();
        let second = Identity::from_seed(7, &names).unwrap();
        assert_eq!(first.leaf_pem, second.leaf_pem);
        assert_eq!(first.fingerprint.len(), 95);
        assert_ne!(
            first.fingerprint,
            Identity::from_seed(8, &names).unwrap().fingerprint
        );
    }
}

//! The hub's certificate: by its own [`Authority`], on P-256 (browsers speak no Ed25519), bound to the hub's key by its signature
//! over the hash of the certificate's public key.
//!
//! `api/serve` listens with it; `GET /hub` and pairing tell its pin. Clients pin the public key, never the certificate, so
//! that dates and addresses in it may change; browsers look at the authority. It promises that the secret half is readable by
//! its owner only, and that the certificate names the address that was asked.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use maloca_protocol::keys::Context;
use maloca_protocol::{DeviceKey, Sig};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use sha2::{Digest as _, Sha256};

use super::authority::{Authority, Leaf};
use crate::files::Files;

/// The file with the secret half of the TLS key, PEM.
pub const KEY_FILE: &str = "tls.key";

/// What HTTPS needs, and what clients pin.
#[derive(Clone)]
pub struct Tls {
    /// For the listener.
    pub config: Arc<rustls::ServerConfig>,
    /// SHA-256 of the public key (SPKI, DER).
    pub spki: [u8; 32],
    /// The hub's signature over it.
    pub sig: Sig,
    renewing: Arc<Renewing>,
}

impl Tls {
    /// The pin as it travels.
    #[must_use]
    pub fn pin(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.spki)
    }

    /// The certificate that phones install, PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.renewing.authority.pem()
    }

    /// Sees to it that the certificate names this address of ours, and is good at this time in seconds since 1970. Where that fails
    /// the one before stays: clients that pin the key do not look at what it says.
    pub fn cover(&self, address: IpAddr, now: i64) {
        if let Err(error) = self.renewing.cover(address, now) {
            tracing::warn!(%error, %address, "no certificate could be made for this address");
        }
    }
}

/// Makes *ring* the provider of this process, for clients that do not name one. Saying it twice does no harm.
pub fn install_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub(super) fn parse(pem: &[u8]) -> Option<KeyPair> {
    KeyPair::from_pem(std::str::from_utf8(pem).ok()?).ok()
}

/// Whether the TLS key is there and sound; for `verify`, which makes none.
#[must_use]
pub fn is_sound(files: &Files, data: &Path) -> bool {
    files.read(&data.join(KEY_FILE)).is_ok_and(|pem| parse(&pem).is_some())
}

/// Reads a key from its file, or makes one. `otherwise` is what follows where a damaged one is removed.
///
/// # Errors
/// Where the file cannot be read or written, or holds no key.
pub(super) fn key(files: &Files, path: &Path, otherwise: &str) -> io::Result<KeyPair> {
    match files.read(path) {
        Ok(pem) => parse(&pem).ok_or_else(|| {
            let path = path.display();
            let text = format!("{path} holds no key, or a damaged one; restore it from a copy, or remove it: {otherwise}");
            io::Error::new(io::ErrorKind::InvalidData, text)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            files.write_secret(path, key.serialize_pem().as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// Reads the TLS key and the authority, or makes them, and makes a certificate for this machine itself.
///
/// # Errors
/// Where a key's file cannot be read or written.
pub fn open(files: &Files, data: &Path, hub: &DeviceKey, now: i64) -> io::Result<Tls> {
    let key = key(files, &data.join(KEY_FILE), "devices then join again")?;
    let authority = Authority::open(files, data, &hub.id())?;
    let spki: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let secret = rustls::crypto::ring::sign::any_supported_type(&secret).map_err(io::Error::other)?;
    let leaf = authority.leaf(&key, HERE.into(), now)?;
    let shown = Arc::new(Shown(RwLock::new((leaf.clone(), certified(&leaf, &secret)))));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(shown.clone());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let renewing = Arc::new(Renewing { authority, key, secret, shown });
    Ok(Tls { config: Arc::new(config), spki, sig: hub.sign(Context::Tls, &spki), renewing })
}

/// The addresses of this machine to itself.
const HERE: [IpAddr; 2] = [IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)];

/// Addresses in a certificate; a laptop that was in very many networks begins anew.
const MOST_ADDRESSES: usize = 64;

fn certified(leaf: &Leaf, secret: &Arc<dyn SigningKey>) -> Arc<CertifiedKey> {
    Arc::new(CertifiedKey::new(leaf.chain.clone(), Arc::clone(secret)))
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(RwLock<(Leaf, Arc<CertifiedKey>)>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).1))
    }
}

struct Renewing {
    authority: Authority,
    key: KeyPair,
    secret: Arc<dyn SigningKey>,
    shown: Arc<Shown>,
}

impl Renewing {
    fn cover(&self, address: IpAddr, now: i64) -> io::Result<()> {
        let covers = |shown: &Shown| shown.0.read().unwrap_or_else(PoisonError::into_inner).0.covers(address, now);
        if covers(&self.shown) {
            return Ok(());
        }
        let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut addresses = shown.0.addresses().clone();
        if addresses.len() >= MOST_ADDRESSES {
            addresses = HERE.into();
        }
        addresses.insert(address);
        let leaf = self.authority.leaf(&self.key, addresses, now)?;
        *shown = (leaf.clone(), certified(&leaf, &self.secret));
        Ok(())
    }
}

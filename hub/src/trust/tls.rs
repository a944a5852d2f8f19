//! The hub's certificate: self-signed, on P-256 (browsers speak no Ed25519), bound to the hub's key by its signature over
//! the hash of the certificate's public key.
//!
//! `api/serve` listens with it; `GET /hub` and pairing tell its pin. Clients pin the public key, never the certificate, so
//! that dates and addresses in it may change. It promises that the secret half is readable by its owner only.

use std::io;
use std::path::Path;
use std::sync::Arc;

use maloca_protocol::keys::Context;
use maloca_protocol::{DeviceKey, Sig};
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

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
}

impl Tls {
    /// The pin as it travels.
    #[must_use]
    pub fn pin(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.spki)
    }
}

/// Makes *ring* the provider of this process, for clients that do not name one. Saying it twice does no harm.
pub fn install_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn parse(pem: &[u8]) -> Option<KeyPair> {
    KeyPair::from_pem(std::str::from_utf8(pem).ok()?).ok()
}

/// Whether the TLS key is there and sound; for `verify`, which makes none.
#[must_use]
pub fn is_sound(files: &Files, data: &Path) -> bool {
    files.read(&data.join(KEY_FILE)).is_ok_and(|pem| parse(&pem).is_some())
}

/// Reads the TLS key, or makes one, and makes a certificate for it.
///
/// # Errors
/// Where the key's file cannot be read or written.
pub fn open(files: &Files, data: &Path, hub: &DeviceKey) -> io::Result<Tls> {
    let path = data.join(KEY_FILE);
    let key = match files.read(&path) {
        Ok(pem) => parse(&pem).ok_or_else(|| {
            let path = path.display();
            let text =
                format!("{path} holds no key, or a damaged one; restore it from a copy, or remove it: devices then join again");
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            files.write_secret(&path, key.serialize_pem().as_bytes())?;
            key
        }
        Err(error) => return Err(error),
    };
    let names = ["localhost", "maloca.local"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, format!("Maloca {}", &hub.id().to_string()[..8]));
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    let spki: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], secret)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), spki, sig: hub.sign(Context::Tls, &spki) })
}

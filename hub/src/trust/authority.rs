//! The hub's own certificate authority: what a phone trusts so that its browser takes the hub's page for a secure one.
//!
//! `tls` asks it for the certificate that HTTPS shows; `api` hands its certificate out for installing. A browser runs the phone
//! app offline only from an origin whose certificate it trusts, and no public authority vouches for a laptop in a village.
//!
//! It promises: the secret half is readable by its owner only; whoever stole it could vouch for private addresses and `.local`
//! names alone, never for anything on the internet, since the certificate itself says so (name constraints, critical).

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use maloca_protocol::DeviceId;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, PublicKeyData as _, SanType,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::tls;
use crate::files::Files;

/// The file with the secret half, PEM.
pub const KEY_FILE: &str = "authority.key";

/// The file with the certificate that phones install, PEM. It is made once: another one would have to be installed anew.
pub const CERTIFICATE_FILE: &str = "authority.crt";

/// The names of every leaf.
const NAMES: [&str; 2] = ["localhost", "maloca.local"];

/// Days before and after now in which a leaf is good. Together less than the 825 that phones allow.
const LEAF_DAYS: i64 = 400;

/// A leaf is made anew when so few of its days are left at either end, as a clock may have been set.
const RENEW_DAYS: i64 = 100;

const DAY: i64 = 86_400;

/// 2026-01-01: a laptop whose clock has lost its battery says less, and its leaf would be of no use to anybody.
const EARLIEST: i64 = 1_767_225_600;

/// The authority of a data folder.
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
    der: CertificateDer<'static>,
}

/// A certificate for HTTPS.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The leaf, then the authority's.
    pub chain: Vec<CertificateDer<'static>>,
    addresses: BTreeSet<IpAddr>,
    /// Seconds since 1970.
    made_at: i64,
}

impl Leaf {
    /// Whether it is good for this address, now and for a while.
    #[must_use]
    pub fn covers(&self, address: IpAddr, now: i64) -> bool {
        let age = now.max(EARLIEST) - self.made_at;
        (self.addresses.contains(&address) || !is_private(address)) && age.abs() < (LEAF_DAYS - RENEW_DAYS) * DAY
    }

    /// The addresses in it.
    #[must_use]
    pub const fn addresses(&self) -> &BTreeSet<IpAddr> {
        &self.addresses
    }
}

impl Authority {
    /// Reads the authority, or makes one.
    ///
    /// # Errors
    /// Where its files cannot be read or written, or hold no key.
    pub fn open(files: &Files, data: &Path, hub: &DeviceId) -> io::Result<Self> {
        let had_key = files.exists(&data.join(KEY_FILE))?;
        let key = tls::key(files, &data.join(KEY_FILE), "phones that installed its certificate then install the new one")?;
        let params = params(hub);
        let path = data.join(CERTIFICATE_FILE);
        let before = match files.read(&path) {
            // Without its key a certificate vouches for nothing.
            Ok(bytes) if had_key => Some(read(&bytes, &key).ok_or_else(|| damaged(&path))?),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (pem, der) = match before {
            Some(before) => before,
            None => {
                let made = params.self_signed(&key).map_err(io::Error::other)?;
                files.write_secret(&path, made.pem().as_bytes())?;
                (made.pem(), made.der().clone())
            }
        };
        Ok(Self { params, key, pem, der })
    }

    /// The certificate that phones install.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A leaf for this public key and these addresses; those that the authority may not vouch for are left out.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn leaf(&self, key: &KeyPair, addresses: BTreeSet<IpAddr>, now: i64) -> io::Result<Leaf> {
        let made_at = now.max(EARLIEST);
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).map_err(io::Error::other)?;
        let addresses: BTreeSet<IpAddr> = addresses.into_iter().filter(|address| is_private(*address)).collect();
        params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "maloca.local");
        let (from, to) = (date(made_at - LEAF_DAYS * DAY)?, date(made_at + LEAF_DAYS * DAY)?);
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(key, &issuer).map_err(io::Error::other)?;
        Ok(Leaf { chain: vec![certificate.der().clone(), self.der.clone()], addresses, made_at })
    }
}

/// A certificate, where it is one of this key.
fn read(bytes: &[u8], key: &KeyPair) -> Option<(String, CertificateDer<'static>)> {
    let pem = String::from_utf8(bytes.to_vec()).ok()?;
    let der: CertificateDer<'static> = PemObject::from_pem_slice(pem.as_bytes()).ok()?;
    let own = key.subject_public_key_info();
    der.windows(own.len()).any(|part| part == own).then_some((pem, der))
}

/// Whether the authority can be opened; for `verify`, which makes none. What is not there is made at the next start.
#[must_use]
pub fn is_sound(files: &Files, data: &Path) -> bool {
    let Ok(key) = files.read(&data.join(KEY_FILE)) else { return true };
    let Some(key) = tls::parse(&key) else { return false };
    files.read(&data.join(CERTIFICATE_FILE)).map_or(true, |bytes| read(&bytes, &key).is_some())
}

fn damaged(path: &Path) -> io::Error {
    let text = format!("{} is damaged; restore it from a copy, or remove it: phones then install the new one", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Year, month and day of a time in seconds since 1970.
fn date(seconds: i64) -> io::Result<(i32, u8, u8)> {
    let time = jiff::Timestamp::from_second(seconds).map_err(io::Error::other)?;
    let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
    Ok((date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs()))
}

fn params(hub: &DeviceId) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Maloca {}", &hub.to_string()[..8]));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2060, 1, 1);
    let subnets = PRIVATE.iter().map(|(address, bits)| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, *bits)));
    let names = ["localhost", "local"].map(|name| GeneralSubtree::DnsName(name.to_owned()));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: subnets.chain(names).collect(), excluded_subtrees: Vec::new() });
    params
}

const fn v4(a: u8, b: u8) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::new(a, b, 0, 0))
}

const fn v6(first: u16, last: u16) -> IpAddr {
    IpAddr::V6(std::net::Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last))
}

/// Addresses that are nobody's on the internet.
const PRIVATE: &[(IpAddr, u8)] = &[
    (v4(127, 0), 8),
    (v4(10, 0), 8),
    (v4(172, 16), 12),
    (v4(192, 168), 16),
    (v4(169, 254), 16),
    (v6(0xfc00, 0), 7),
    (v6(0xfe80, 0), 10),
    (v6(0, 1), 128),
];

fn is_private(address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    PRIVATE.iter().any(|(net, prefix)| {
        let ((net, width), (own, own_width)) = (bits(*net), bits(address));
        width == own_width && (net ^ own) >> (128 - u32::from(*prefix)) == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_is_what_the_authority_may_vouch_for() {
        for text in ["127.0.0.1", "10.255.0.1", "172.31.0.9", "192.168.4.1", "169.254.1.1", "::1", "fd12::1", "fe80::1"] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "::2", "2001:db8::1", "ff02::1"] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn it_is_made_once_and_its_leaves_follow_address_and_clock() {
        let folder = tempfile::tempdir().unwrap();
        let hub = maloca_protocol::DeviceKey::from_seed([1; 32]).id();
        let authority = Authority::open(&Files::real(), folder.path(), &hub).unwrap();
        let again = Authority::open(&Files::real(), folder.path(), &hub).unwrap();
        assert_eq!(authority.pem(), again.pem());
        let key = KeyPair::generate().unwrap();
        let now = EARLIEST + 500 * DAY;
        let home: IpAddr = "192.168.4.1".parse().unwrap();
        let leaf = authority.leaf(&key, [home, "8.8.8.8".parse().unwrap()].into(), now).unwrap();
        assert!(leaf.covers(home, now) && leaf.covers("8.8.8.8".parse().unwrap(), now));
        assert_eq!(leaf.addresses().len(), 1);
        assert!(!leaf.covers("10.0.0.1".parse().unwrap(), now));
        assert!(!leaf.covers(home, now + 301 * DAY) && !leaf.covers(home, now - 301 * DAY));
        // A clock that starts in 1970 makes a leaf for the time in which this program exists.
        assert!(authority.leaf(&key, [home].into(), 0).unwrap().covers(home, 0));
        let (files, certificate) = (Files::real(), folder.path().join(CERTIFICATE_FILE));
        assert!(is_sound(&files, folder.path()));
        std::fs::write(&certificate, "no certificate").unwrap();
        assert!(Authority::open(&files, folder.path(), &hub).is_err() && !is_sound(&files, folder.path()));
        // A certificate of another key is none; where the key is gone, both are made anew.
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(&certificate, Authority::open(&files, elsewhere.path(), &hub).unwrap().pem()).unwrap();
        assert!(Authority::open(&files, folder.path(), &hub).is_err() && !is_sound(&files, folder.path()));
        std::fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
        assert!(is_sound(&files, folder.path()));
        let anew = Authority::open(&files, folder.path(), &hub).unwrap();
        assert!(anew.pem() != authority.pem() && is_sound(&files, folder.path()));
    }
}

//! A request that the device's key signs: for browsers, which have no other way to say who they are over plain http.
//!
//! The phone app writes it, `hub`'s `api/access` reads it. It promises: what was signed for one hub, one call with one
//! body, one nonce and one count is good for nothing else, so that whoever listens on the Wi-Fi can neither act as the device nor
//! send again what it sent. The body's hash stands beside the signature, so that a hub knows who asks before it reads a body. What it
//! does not do is hide anything.

use crate::ids::DeviceId;
use crate::keys::{self, Context, DeviceKey, Sig};

/// The scheme of `Authorization`.
pub const SCHEME: &str = "Maloca-Signed";

/// The header in which a hub hands out a fresh nonce beside a refusal.
pub const NONCE_HEADER: &str = "maloca-nonce";

/// The longest nonce that is read.
const NONCE_BYTES: usize = 128;

/// What stands in `Authorization`: `Maloca-Signed <device> <nonce> <count> <hash of the body> <signature>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who asks.
    pub device: DeviceId,
    /// What the hub gave out.
    pub nonce: String,
    /// Which of the requests with this nonce; each count is good once.
    pub count: u64,
    /// The BLAKE3 of the body before any packing; of no bytes where there is none.
    pub body: blake3::Hash,
    /// Over hub, method, path, body, nonce and count.
    pub sig: Sig,
}

/// What is signed: lines, the last without an end. `path` is the path with its query as it was sent.
fn message(hub: &DeviceId, method: &str, path: &str, body: &blake3::Hash, nonce: &str, count: u64) -> Vec<u8> {
    format!("{hub}\n{method}\n{path}\n{}\n{nonce}\n{count}", body.to_hex()).into_bytes()
}

impl Signed {
    /// Signs a request.
    #[must_use]
    pub fn new(key: &DeviceKey, hub: &DeviceId, method: &str, path: &str, body: &[u8], nonce: &str, count: u64) -> Self {
        let body = blake3::hash(body);
        let message = message(hub, method, path, &body, nonce, count);
        Self { device: key.id(), nonce: nonce.to_owned(), count, body, sig: key.sign(Context::Request, &message) }
    }

    /// Reads the header's value; `None` where it is none of these.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.strip_prefix(SCHEME)?.strip_prefix(' ')?.split(' ');
        let (device, nonce, count) = (words.next()?, words.next()?, words.next()?);
        let (body, sig) = (words.next()?, words.next()?);
        let is_hash = body.len() == 64 && body.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let is_plain = is_hash && count.bytes().all(|digit| digit.is_ascii_digit()) && nonce.len() <= NONCE_BYTES;
        if !is_plain || words.next().is_some() {
            return None;
        }
        let (device, body) = (device.parse().ok()?, blake3::Hash::from_hex(body).ok()?);
        Some(Self { device, nonce: nonce.to_owned(), count: count.parse().ok()?, body, sig: Sig::parse(sig)? })
    }

    /// Whether the device signed this request for this hub, with a body that has the hash [`Self::body`].
    #[must_use]
    pub fn is_of(&self, hub: &DeviceId, method: &str, path: &str) -> bool {
        let message = message(hub, method, path, &self.body, &self.nonce, self.count);
        !keys::is_weak(&self.device) && keys::verify(&self.device, Context::Request, &message, &self.sig)
    }
}

impl std::fmt::Display for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SCHEME} {} {} {} {} {}", self.device, self.nonce, self.count, self.body.to_hex(), self.sig)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> DeviceKey {
        DeviceKey::from_seed([3; 32])
    }

    fn hub() -> DeviceId {
        DeviceKey::from_seed([4; 32]).id()
    }

    #[test]
    fn a_signature_is_good_for_this_request_alone() {
        let signed = Signed::new(&key(), &hub(), "POST", "/api/v1/state?a=b", b"{}", "nonce", 7);
        let path = "/api/v1/state?a=b";
        assert!(signed.is_of(&hub(), "POST", path));
        assert_eq!(signed.body, blake3::hash(b"{}"));
        assert!(!signed.is_of(&key().id(), "POST", path));
        assert!(!signed.is_of(&hub(), "PUT", path));
        assert!(!signed.is_of(&hub(), "POST", "/api/v1/state?a=c"));
        assert!(!Signed { body: blake3::hash(b"{ }"), ..signed.clone() }.is_of(&hub(), "POST", path));
        assert!(!Signed { nonce: "other".into(), ..signed.clone() }.is_of(&hub(), "POST", path));
        assert!(!Signed { count: 8, ..signed.clone() }.is_of(&hub(), "POST", path));
        let other = DeviceKey::from_seed([5; 32]).id();
        assert!(!Signed { device: other, ..signed }.is_of(&hub(), "POST", path));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(nonce in "[A-Za-z0-9_-]{1,100}", count: u64) {
            let signed = Signed::new(&key(), &hub(), "GET", "/", b"", &nonce, count);
            prop_assert_eq!(Signed::parse(&signed.to_string()), Some(signed));
        }

        #[test]
        fn anything_else_is_not_taken_for_one(text in "(Maloca-Signed )?[ -~]{0,300}") {
            if let Some(signed) = Signed::parse(&text) {
                prop_assert_eq!(signed.to_string(), text);
            }
        }
    }
}

//! Ed25519 as Maloca uses it: every signature has a context, and validity is ZIP 215.
//!
//! Devices and hubs sign revisions, answers, receipts and pairings with the one key that is their id; the context line
//! keeps a signature made for one purpose from being shown for another. Batch and single verification agree on every
//! input, small-order points included, so that two hubs never disagree about what is valid.

use ed25519_zebra::{Signature, SigningKey, VerificationKeyBytes, batch};
use rand::Rng as _;

use crate::ids::DeviceId;

/// What a signature is for; the bytes stand before the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Over a revision's id.
    Revision,
    /// Over a hub's answer to an announcement.
    Answer,
    /// Over the BLAKE3 hash of a receipt's canonical form.
    Receipt,
    /// By a device that joins, over what it asks.
    Pair,
    /// By a hub, over the hash of its TLS public key.
    Tls,
    /// By a device without a token, over a request.
    Request,
    /// By a hub, over the SHA-256 hash of a bundle's tag manifest.
    Bundle,
}

impl Context {
    const fn line(self) -> &'static [u8] {
        match self {
            Self::Revision => b"maloca revision 1\n",
            Self::Answer => b"maloca answer 1\n",
            Self::Receipt => b"maloca receipt 1\n",
            Self::Pair => b"maloca pair 1\n",
            Self::Tls => b"maloca tls 1\n",
            Self::Request => b"maloca request 1\n",
            Self::Bundle => b"maloca bundle 1\n",
        }
    }

    fn message(self, message: &[u8]) -> Vec<u8> {
        [self.line(), message].concat()
    }
}

/// A signature's 64 bytes; base64url without padding in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sig(pub [u8; 64]);

impl Sig {
    /// Length of the textual form.
    pub const TEXT_LEN: usize = 86;

    /// Reads the textual form; nothing but canonical base64url without padding is accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 66];
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let len = data_encoding::BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes[..64]).ok()?;
        (len == 64).then(|| Self(bytes[..64].try_into().expect("64 bytes")))
    }
}

impl std::fmt::Display for Sig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl std::fmt::Debug for Sig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sig(…)")
    }
}

impl serde::Serialize for Sig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sig {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a signature, 86 characters of base64url"))
    }
}

/// The secret key of a device or hub. Its [`std::fmt::Debug`] shows the public half only.
#[derive(Clone)]
pub struct DeviceKey {
    key: SigningKey,
    id: DeviceId,
}

impl DeviceKey {
    /// A new key from the system's generator.
    #[must_use]
    pub fn generate() -> Self {
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        Self::from_seed(seed)
    }

    /// The key that grows from 32 secret bytes (RFC 8032's private key).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let key = SigningKey::from(seed);
        let id = DeviceId(VerificationKeyBytes::from(&key).into());
        Self { key, id }
    }

    /// The 32 secret bytes, for storing.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The public key.
    #[must_use]
    pub const fn id(&self) -> DeviceId {
        self.id
    }

    /// Signs `message` for one purpose.
    #[must_use]
    pub fn sign(&self, context: Context, message: &[u8]) -> Sig {
        Sig(self.key.sign(&context.message(message)).to_bytes())
    }
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceKey({:?})", self.id)
    }
}

fn item(author: &DeviceId, context: Context, message: &[u8], sig: &Sig) -> batch::Item {
    let message = context.message(message);
    batch::Item::from((VerificationKeyBytes::from(author.0), Signature::from_bytes(&sig.0), message.as_slice()))
}

/// Whether `sig` is `author`'s over `message` for this purpose.
#[must_use]
pub fn verify(author: &DeviceId, context: Context, message: &[u8], sig: &Sig) -> bool {
    item(author, context, message, sig).verify_single().is_ok()
}

/// One claim to verify: author, message, signature.
pub type Claim<'a> = (&'a DeviceId, &'a [u8], &'a Sig);

/// Verifies many claims of one purpose, `true` where valid; five times faster than one by one where all are good.
#[must_use]
pub fn verify_many(context: Context, claims: &[Claim<'_>]) -> Vec<bool> {
    let mut all = batch::Verifier::new();
    for (author, message, sig) in claims {
        all.queue(item(author, context, message, sig));
    }
    if all.verify(rand::rng()).is_ok() {
        return vec![true; claims.len()];
    }
    claims.iter().map(|(author, message, sig)| verify(author, context, message, sig)).collect()
}

/// Whether `id` is a point under which anyone could sign anything. Such a key is a valid author of revisions (validity is
/// ZIP 215's), but nobody is let in with it.
#[must_use]
pub fn is_weak(id: &DeviceId) -> bool {
    // ZIP 215 verifies 8sB = 8R + 8kA. For a small-order A the last term vanishes, so the identity as R with s = 0 fits
    // every message; for any other A it would need 8kA = 0, which no known message gives.
    let mut trivial = [0; 64];
    trivial[0] = 1;
    verify(id, Context::Pair, b"anything", &Sig(trivial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_part_of_the_signature() {
        let key = DeviceKey::from_seed([7; 32]);
        let sig = key.sign(Context::Revision, b"x");
        assert!(verify(&key.id(), Context::Revision, b"x", &sig));
        assert!(!verify(&key.id(), Context::Pair, b"x", &sig));
        assert!(!verify(&key.id(), Context::Revision, b"y", &sig));
        assert_eq!(Sig::parse(&sig.to_string()), Some(sig));
    }

    #[test]
    fn one_bad_claim_among_many_is_found_and_harms_no_other() {
        let key = DeviceKey::from_seed([7; 32]);
        let messages: Vec<[u8; 1]> = (0..20).map(|n| [n]).collect();
        let mut sigs: Vec<Sig> = messages.iter().map(|message| key.sign(Context::Revision, message)).collect();
        sigs[11].0[3] ^= 1;
        let id = key.id();
        let claims: Vec<Claim<'_>> = messages.iter().zip(&sigs).map(|(m, s)| (&id, &m[..], s)).collect();
        let verdicts = verify_many(Context::Revision, &claims);
        assert!(verdicts.iter().enumerate().all(|(n, good)| *good == (n != 11)));
    }

    #[test]
    fn small_order_keys_are_weak_and_others_are_not() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(is_weak(&DeviceId(identity)));
        assert!(is_weak(&DeviceId([0; 32])), "the point of order four");
        assert!(!is_weak(&DeviceKey::from_seed([9; 32]).id()));
    }
}

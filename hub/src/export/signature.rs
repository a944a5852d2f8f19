//! The hub's signature over a bundle: who made it, and that no file of it was exchanged together with its hash.
//!
//! [`super::write`] writes it when a bundle is closed, [`super::check`] reads it. It is over the SHA-256 of the tag manifest, which names
//! the manifest, which names every file. Whoever wants to check it without this program finds the form of the message in
//! `protocol/src/keys.rs`: the line `maloca bundle 1`, a line feed, and the 32 bytes of that hash, signed with Ed25519.

use maloca_protocol::keys::{self, Context, Sig};
use maloca_protocol::{DeviceId, DeviceKey};
use serde::{Deserialize, Serialize};

/// Where it lies. No manifest names it: it is over them.
pub const FILE: &str = "signature/tagmanifest-sha256.json";

/// How much of it is read.
pub(super) const BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Signature {
    hub: DeviceId,
    tagmanifest_sha256: String,
    sig: Sig,
}

/// The file's text.
#[must_use]
pub fn text(key: &DeviceKey, tag_manifest: &[u8; 32]) -> String {
    let sig = key.sign(Context::Bundle, tag_manifest);
    let signature = Signature { hub: key.id(), tagmanifest_sha256: data_encoding::HEXLOWER.encode(tag_manifest), sig };
    // Three plain texts cannot fail to be written.
    serde_json::to_string_pretty(&signature).unwrap_or_default() + "\n"
}

/// The hub that signed this tag manifest, or what is wrong, in words that follow the file's name.
///
/// # Errors
/// Where it is no signature, one over something else, or a forged one.
pub fn signer(text: &[u8], tag_manifest: &[u8; 32]) -> Result<DeviceId, &'static str> {
    let signature: Signature = serde_json::from_slice(text).map_err(|_| "is no signature")?;
    if signature.tagmanifest_sha256 != data_encoding::HEXLOWER.encode(tag_manifest) {
        return Err("is over another bundle: the tag manifest has another SHA-256 hash");
    }
    let is_good = keys::verify(&signature.hub, Context::Bundle, tag_manifest, &signature.sig);
    if is_good { Ok(signature.hub) } else { Err("was not made by the hub that it names") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hubs_own_word_over_this_bundle_counts() {
        let key = DeviceKey::from_seed([3; 32]);
        let signed = text(&key, &[7; 32]);
        assert_eq!(signer(signed.as_bytes(), &[7; 32]), Ok(key.id()));
        assert!(signer(signed.as_bytes(), &[8; 32]).is_err());
        let other = DeviceKey::from_seed([4; 32]).id();
        let forged = signed.replace(&key.id().to_string(), &other.to_string());
        assert_eq!(signer(forged.as_bytes(), &[7; 32]), Err("was not made by the hub that it names"));
        assert_eq!(signer(b"{}", &[7; 32]), Err("is no signature"));
    }
}

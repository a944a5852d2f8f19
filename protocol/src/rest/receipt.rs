//! What a device tells of itself (`POST /state`), and the signed receipt that it gets: what the hub holds durably.

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::cursor::Cursor;
use crate::fingerprint::Fingerprint;
use crate::ids::{DeviceId, Epoch, MediaHash, ProjectId};
use crate::keys::{self, Context, DeviceKey, Sig};

/// What a device still holds unsent, as it tells the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unsent {
    /// Revisions, those not frozen yet included.
    pub revisions: u64,
    /// Documents among them that the hub has never heard of.
    #[serde(default)]
    pub documents: u64,
    /// Media files.
    pub media: u64,
    /// Their bytes.
    pub media_bytes: u64,
    /// Revisions that were refused and set aside.
    #[serde(default)]
    pub parked: u64,
}

/// `POST /state`: the first call of each contact, and at changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateReport {
    /// What is still only on the device.
    pub unsent: Unsent,
    /// Hashes of unsent media, as many as fit into [`crate::limits::ASKED_HASHES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaHash>,
    /// All revisions of its own that the device knows to have been acknowledged; the hub says "in sync" only where it
    /// holds exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Fingerprint>,
    /// Charge of the battery, 0 to 1, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<f64>,
    /// The app and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Hashes whose state the receipt shall tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask: Vec<MediaHash>,
}

/// How a media file stands with a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaState {
    /// Verified, fsynced, its row committed.
    Held,
    /// Not here.
    Wanted,
    /// Freed after a verified copy elsewhere; never wanted again.
    Released,
    /// A state of a newer hub: to be treated as not safe.
    #[serde(untagged)]
    Other(String),
}

/// The state of one hash that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaReceipt {
    /// The media.
    pub hash: MediaHash,
    /// How it stands.
    pub state: MediaState,
    /// Verified copies elsewhere: on drives, on other hubs.
    pub copies: u32,
}

/// What the hub holds durably for a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who says so.
    pub hub: DeviceId,
    /// Whose data.
    pub project: ProjectId,
    /// To whom.
    pub device: DeviceId,
    /// The life of the hub's feed; another one than last time means: offer everything again.
    pub epoch: Epoch,
    /// The head of the feed.
    pub head: Cursor,
    /// The hub's clock.
    pub at: String,
    /// The author's revisions that the hub keeps, admitted or quarantined.
    pub author: Fingerprint,
    /// How many of them are quarantined.
    pub quarantined: u64,
    /// How many media that the author's revisions attach the hub does not hold.
    pub wanted: u64,
    /// The hashes that were asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaReceipt>,
}

/// A receipt with the hub's signature over the BLAKE3 hash of its canonical form, [`Context::Receipt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// The signature.
    pub sig: Sig,
}

impl SignedReceipt {
    /// Signs a receipt.
    #[must_use]
    pub fn new(receipt: Receipt, key: &DeviceKey) -> Self {
        let sig = key.sign(Context::Receipt, Self::digest(&receipt).as_bytes());
        Self { receipt, sig }
    }

    /// Whether the hub that the receipt names has signed it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        keys::verify(&self.receipt.hub, Context::Receipt, Self::digest(&self.receipt).as_bytes(), &self.sig)
    }

    fn digest(receipt: &Receipt) -> blake3::Hash {
        blake3::hash(&canonical::canonical_of(receipt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_bound_to_every_word_of_it() {
        let key = DeviceKey::from_seed([1; 32]);
        let epoch = Epoch([2; 16]);
        let receipt = Receipt {
            hub: key.id(),
            project: ProjectId([3; 16]),
            device: DeviceKey::from_seed([4; 32]).id(),
            epoch,
            head: Cursor { epoch, seq: 7, chain: [5; 24] },
            at: "2026-11-21T05:28:00.000Z".into(),
            author: Fingerprint::default(),
            quarantined: 0,
            wanted: 0,
            media: vec![MediaReceipt { hash: MediaHash([6; 32]), state: MediaState::Held, copies: 1 }],
        };
        let signed = SignedReceipt::new(receipt, &key);
        let text = serde_json::to_string(&signed).unwrap();
        let read: SignedReceipt = serde_json::from_str(&text).unwrap();
        assert!(read.is_valid());
        let mut altered = read.clone();
        altered.receipt.media[0].copies = 2;
        assert!(!altered.is_valid());
        assert!(text.len() < 1_000, "nothing new must fit into a kilobyte, here {}", text.len());
        let newer: MediaState = serde_json::from_str("\"frozen\"").unwrap();
        assert_eq!(newer, MediaState::Other("frozen".into()));
    }
}

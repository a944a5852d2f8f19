//! The model: what was sent to a hub, and what of it was acknowledged.
//!
//! Rows that run against the real binary fill it while they inflict faults, and hold the hub's feed against it afterwards:
//! everything acknowledged is there, nothing that was never sent, each once, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use maloca_protocol::{DeviceId, DocId, Draft, MediaHash, RevisionId, ValidRevision};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::device::RawDevice;
use crate::manager::{Feed, Manager};

/// A made-up file, which is grown again rather than kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Photo {
    /// What it grows from.
    pub seed: u64,
    /// Its length.
    pub len: usize,
}

impl Photo {
    /// A file of `1..most` bytes.
    pub fn new(random: &mut StdRng, most: usize) -> Self {
        Self { seed: random.random(), len: random.random_range(1..most) }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        StdRng::seed_from_u64(self.seed).fill_bytes(&mut bytes);
        bytes
    }
}

/// What was sent, and what of it was acknowledged.
#[derive(Default)]
pub struct Model {
    /// All revisions whose first byte may have been sent.
    pub sent: BTreeMap<RevisionId, ValidRevision>,
    /// Those of which the hub has said that it holds them.
    pub acknowledged: BTreeSet<RevisionId>,
    /// All files of which a byte may have been sent.
    pub photos: BTreeMap<MediaHash, Photo>,
    /// Those of which the hub has said that it holds them.
    pub held: BTreeSet<MediaHash>,
}

impl Model {
    /// Notes that these are about to be sent.
    pub fn sends(&mut self, revisions: &[ValidRevision]) {
        self.sent.extend(revisions.iter().map(|revision| (revision.id(), revision.clone())));
    }

    /// Holds what a hub tells against this. `hub` is its id: what it signed itself is its own affair.
    ///
    /// # Panics
    /// At the first thing that differs.
    pub fn check(&self, feed: &Feed, hub: &DeviceId) {
        let mut told = BTreeSet::new();
        for revision in &feed.revisions {
            let id = revision.id();
            assert!(told.insert(id), "{id:?} is told twice");
            if revision.content().author != *hub {
                let sent = self.sent.get(&id).unwrap_or_else(|| panic!("{id:?} was never sent"));
                assert_eq!(sent, revision, "another form of {id:?} is told");
            }
        }
        let lost: Vec<&RevisionId> = self.acknowledged.difference(&told).collect();
        assert!(lost.is_empty(), "{} acknowledged revisions are gone: {lost:?}", lost.len());
        let mut held = BTreeSet::new();
        for (hash, size) in &feed.held {
            assert!(held.insert(*hash), "{hash:?} is told twice");
            let photo = self.photos.get(hash).unwrap_or_else(|| panic!("{hash:?} was never sent"));
            assert_eq!(photo.len as u64, *size, "the size of {hash:?}");
        }
        let lost: Vec<&MediaHash> = self.held.difference(&held).collect();
        assert!(lost.is_empty(), "{} acknowledged files are gone: {lost:?}", lost.len());
    }

    /// Holds the bytes of these files against what was sent.
    ///
    /// # Panics
    /// At the first that differs.
    pub async fn check_bytes(&self, manager: &Manager, hashes: impl IntoIterator<Item = MediaHash>) {
        for hash in hashes {
            let served = manager.media(&hash).await.unwrap_or_else(|| panic!("{hash:?} is not served"));
            assert!(served == self.photos[&hash].bytes(), "other bytes are served for {hash:?}");
        }
    }
}

/// A first revision of a document that nobody else has.
///
/// # Panics
/// Never: it is sound.
pub fn observation(device: &RawDevice, random: &mut StdRng, photo: Option<(MediaHash, Photo)>) -> ValidRevision {
    let own_id: u128 = random.random();
    let mut draft = Draft::new("observation", DocId::from_source("rig", &own_id.to_string()), random.random_range(0..1 << 41));
    draft.set.insert("notes".into(), json!(format!("seen {own_id}")));
    draft.set.insert("location".into(), json!({ "lat": -6.48, "lon": -76.36 }));
    draft.attach.extend(photo.map(|(hash, photo)| maloca_protocol::revision::Attachment {
        hash,
        name: "photo.jpg".into(),
        media_type: "image/jpeg".into(),
        size: photo.len as u64,
        taken_at: None,
    }));
    draft.sign(&device.key).expect("sound")
}

/// Some of many, without preference.
pub fn sample<T: Copy>(random: &mut StdRng, all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        return all.to_vec();
    }
    (0..most).map(|_| all[random.random_range(0..all.len())]).collect()
}

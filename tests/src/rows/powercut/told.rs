//! What machines told over the console before they were cut, and the model that grows from it.
//!
//! Everything sent grows from the disk's seed, the number of the boot, of the device and of the batch, so that only numbers
//! have to travel. A device sends one batch after the other: beside those told, at most the next may have been sent.

use std::collections::{BTreeMap, BTreeSet};

use maloca_protocol::{MediaHash, ValidRevision};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::device::RawDevice;
use crate::rows::held::{Model, Photo, observation};

/// How many devices send batches.
pub(super) const SENDERS: u8 = 3;

/// The device that sends large files in pieces.
pub(super) const WALKER: u8 = SENDERS + 1;

/// Bytes of a piece.
pub(super) const PIECE: usize = 400_000;

/// See the module.
#[derive(Default)]
pub(super) struct Told {
    /// Each device's token.
    pub(super) tokens: BTreeMap<u8, String>,
    /// How many batches were acknowledged, by boot and device.
    batches: BTreeMap<(u64, u8), u64>,
    /// The files that were, by boot, device and batch.
    photos: BTreeSet<(u64, u8, u64)>,
    /// The large file that is on its way.
    pub(super) walk: Walk,
}

/// How far a large file is.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    /// How many were before it.
    pub(super) number: u64,
    /// Where its pieces go, once that was told.
    pub(super) location: Option<String>,
    /// Up to where they were acknowledged.
    pub(super) offset: usize,
}

/// What one device sends at once: revisions, and then the file that the first of them has attached.
pub(super) type Batch = (Vec<ValidRevision>, Option<(MediaHash, Photo)>);

impl Told {
    /// Reads what was kept of the console.
    pub(super) fn read(text: &str) -> Self {
        let mut told = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words[at].parse::<u64>().expect("a number");
            let device = |at: usize| words[at].parse::<u8>().expect("a device");
            match words[0] {
                "token" => drop(told.tokens.insert(device(1), words[2].to_owned())),
                "batch" => drop(told.batches.insert((number(1), device(2)), number(3) + 1)),
                "photo" => drop(told.photos.insert((number(1), device(2), number(3)))),
                "begun" => told.walk = Walk { number: number(1), location: Some(words[2].to_owned()), offset: 0 },
                "piece" => told.walk.offset = words[2].parse().expect("an offset"),
                "whole" => told.walk = Walk { number: number(1) + 1, ..Walk::default() },
                _ => panic!("nobody tells {line:?}"),
            }
        }
        told
    }

    /// All that may have been sent before this boot, and what of it was acknowledged. The files that the last boot added come
    /// beside it.
    pub(super) fn model(&self, devices: &[RawDevice], seed: u64, boot: u64) -> (Model, BTreeSet<MediaHash>) {
        let (mut model, mut new) = (Model::default(), BTreeSet::new());
        for (before, device) in (0..boot).flat_map(|boot| (1..=SENDERS).map(move |device| (boot, device))) {
            let acknowledged = self.batches.get(&(before, device)).copied().unwrap_or_default();
            for number in 0..=acknowledged {
                let (revisions, photo) = batch(&devices[usize::from(device) - 1], [seed, before, device.into(), number]);
                model.sends(&revisions);
                if number < acknowledged {
                    model.acknowledged.extend(revisions.iter().map(ValidRevision::id));
                }
                let Some((hash, photo)) = photo else { continue };
                model.photos.insert(hash, photo);
                if self.photos.contains(&(before, device, number)) {
                    model.held.insert(hash);
                    new.extend((before + 1 == boot).then_some(hash));
                }
            }
        }
        for number in 0..=self.walk.number {
            let photo = large(seed, number);
            let hash = MediaHash::of(&photo.bytes());
            model.photos.insert(hash, photo);
            if number < self.walk.number {
                model.held.insert(hash);
            }
        }
        (model, new)
    }
}

/// The batch of these numbers: seed, boot, device, batch.
pub(super) fn batch(device: &RawDevice, numbers: [u64; 4]) -> Batch {
    let mut random = grown(numbers);
    let photo = numbers[3].is_multiple_of(3).then(|| Photo::new(&mut random, 300_000));
    let photo = photo.map(|photo| (MediaHash::of(&photo.bytes()), photo));
    let some = random.random_range(1..20);
    let revisions = (0..some).map(|n| observation(device, &mut random, photo.filter(|_| n == 0))).collect();
    (revisions, photo)
}

/// The large file of this number.
pub(super) fn large(seed: u64, number: u64) -> Photo {
    let mut random = grown([seed, u64::MAX, WALKER.into(), number]);
    Photo { seed: random.random(), len: random.random_range(2_000_000..12_000_000) }
}

fn grown(numbers: [u64; 4]) -> StdRng {
    let mut from = [0; 32];
    for (bytes, number) in from.chunks_exact_mut(8).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    StdRng::from_seed(from)
}

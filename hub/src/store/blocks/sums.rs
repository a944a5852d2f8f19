//! The sums of a group of blocks, in memory and in the file.
//!
//! ```text
//! file   = group*                        as many as the database needs
//! group  = sums(4096) block(4096)*1008   the last one may end early
//! sums   = sector*8
//! sector = check(4) mark(4) sum(4)*126   512 bytes, which a disk writes whole or not at all
//! check  = CRC-32 of the rest of the sector
//! sum    = CRC-32 of the block, never 0; 0 for one that was not written yet
//! ```

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

pub(super) const BLOCK: u64 = 4096;
pub(super) const SECTOR: usize = 512;
pub(super) const SECTORS: usize = BLOCK as usize / SECTOR;
/// Sums in a sector.
const SUMS: usize = (SECTOR - 8) / 4;
/// Blocks in a group.
pub(super) const GROUP: u64 = (SECTORS * SUMS) as u64;
const MARK: [u8; 4] = *b"mlcs";

/// The sums of one group, in memory once they were asked for.
#[derive(Debug)]
pub(super) struct Sums {
    sums: Vec<AtomicU32>,
    /// A bit for each sector that the file does not have yet.
    dirty: AtomicU8,
}

impl Sums {
    /// From a block of the file; what is not as it was written counts as never written.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let sums = bytes.chunks_exact(SECTOR).flat_map(|sector| {
            let sound = crc32fast::hash(&sector[4..]).to_le_bytes() == sector[..4] && sector[4..8] == MARK;
            sector[8..].chunks_exact(4).map(move |sum| {
                let sum = [sum[0], sum[1], sum[2], sum[3]];
                AtomicU32::new(if sound { u32::from_le_bytes(sum) } else { 0 })
            })
        });
        Self { sums: sums.collect(), dirty: AtomicU8::new(0) }
    }

    /// The sum of the group's block `index`; 0 where it has none.
    pub(super) fn get(&self, index: u64) -> u32 {
        self.sums[index as usize].load(Ordering::Acquire)
    }

    pub(super) fn put(&self, index: u64, sum: u32) {
        self.sums[index as usize].store(sum, Ordering::Release);
        self.dirty.fetch_or(1 << (index as usize / SUMS), Ordering::AcqRel);
    }

    /// What the file does not have yet, and where it belongs in the block of sums. What is put meanwhile is for the next time.
    pub(super) fn take_unsaved(&self) -> Option<(u64, Vec<u8>)> {
        let dirty = self.dirty.swap(0, Ordering::AcqRel);
        if dirty == 0 {
            return None;
        }
        let (first, last) = (dirty.trailing_zeros() as usize, 7 - dirty.leading_zeros() as usize);
        Some(((first * SECTOR) as u64, (first..=last).flat_map(|sector| self.sector(sector)).collect()))
    }

    fn sector(&self, sector: usize) -> [u8; SECTOR] {
        let mut bytes = [0; SECTOR];
        bytes[4..8].copy_from_slice(&MARK);
        for (sum, place) in self.sums[sector * SUMS..][..SUMS].iter().zip(bytes[8..].chunks_exact_mut(4)) {
            place.copy_from_slice(&sum.load(Ordering::Acquire).to_le_bytes());
        }
        let check = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&check.to_le_bytes());
        bytes
    }
}

/// The sum of a block; 0 is taken.
pub(super) fn sum(block: &[u8]) -> u32 {
    crc32fast::hash(block).max(1)
}

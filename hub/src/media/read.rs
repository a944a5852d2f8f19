//! Checked blocks: nothing of a media file leaves the hub that is not what once came in.
//!
//! `api/media` streams them, export copies through them. Memory: one block of 1 MiB a reader.

use std::io;

use maloca_protocol::{MediaHash, limits};

use super::MediaRoot;
use crate::files::{Handle, How};
use crate::store::rows::MediaRow;

/// A held media file, open for reading.
pub struct Reader {
    file: Box<dyn Handle>,
    hash: MediaHash,
    row: MediaRow,
}

impl Reader {
    /// Opens a file that its row says is held.
    ///
    /// # Errors
    /// Where it is not there or cannot be read.
    pub fn open(root: &MediaRoot, hash: MediaHash, row: MediaRow) -> io::Result<Self> {
        let file = root.files.open(&root.path(&hash), How::Read)?;
        Ok(Self { file, hash, row })
    }

    /// Length in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.row.size
    }

    /// How many blocks there are.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.row.blocks.len()
    }

    /// Reads a block and checks it.
    ///
    /// # Errors
    /// Where the disk fails, or the bytes are no longer those that were received ([`io::ErrorKind::InvalidData`]).
    pub fn block(&self, index: usize) -> io::Result<Vec<u8>> {
        let start = index as u64 * limits::BLOCK_BYTES as u64;
        let expected = self.row.blocks.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut bytes = vec![0; (self.row.size.saturating_sub(start)).min(limits::BLOCK_BYTES as u64) as usize];
        self.file.read_at(&mut bytes, start)?;
        if blake3::hash(&bytes).as_bytes() != expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("block {index} of media {} is damaged on disk", self.hash),
            ));
        }
        Ok(bytes)
    }
}

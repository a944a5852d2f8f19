//! Rows of media files: who attached one as what, and how it stands. Read like all [`super`]'s rows.

use maloca_protocol::DocId;

use super::{Row, doc_id};
use crate::store::codec::{Dec, Enc};

/// A media file as somebody attached it: `size(8) doc(16) name(text) type(text)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its length as claimed.
    pub size: u64,
    /// The document that attached it first.
    pub doc: DocId,
    /// Its name as its author knew it.
    pub name: String,
    /// Its media type as claimed.
    pub media_type: String,
}

impl Row for Attached {
    fn encode(&self) -> Vec<u8> {
        Enc::with_capacity(96).u64(self.size).raw(self.doc.as_bytes()).text(&self.name).text(&self.media_type).done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        Some(Self { size: dec.u64()?, doc: doc_id(dec.raw(16)?)?, name: dec.text()?, media_type: dec.text()? })
    }
}

/// How a media file that once came in stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Its bytes are here.
    Held,
    /// They were freed after a verified copy elsewhere, and are never wanted again.
    Released,
    /// They were here and the disk has spoilt them: wanted again, from whoever still has them.
    Damaged,
}

/// A media file that is here, or was: `keeping(1) size(8) seq(8) blocks(32 each)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRow {
    /// Whether its bytes are here.
    pub keeping: Keeping,
    /// Its length in bytes.
    pub size: u64,
    /// The entry of the feed that said so last.
    pub seq: u64,
    /// BLAKE3 of each MiB, the last one shorter; checked before a block is sent.
    pub blocks: Vec<[u8; 32]>,
}

impl Row for MediaRow {
    fn encode(&self) -> Vec<u8> {
        let keeping = match self.keeping {
            Keeping::Released => 0,
            Keeping::Held => 1,
            Keeping::Damaged => 2,
        };
        let enc = Enc::with_capacity(17 + self.blocks.len() * 32).u8(keeping).u64(self.size).u64(self.seq);
        self.blocks.iter().fold(enc, |enc, block| enc.raw(block)).done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let keeping = match dec.u8()? {
            0 => Keeping::Released,
            1 => Keeping::Held,
            2 => Keeping::Damaged,
            _ => return None,
        };
        let (size, seq) = (dec.u64()?, dec.u64()?);
        let mut blocks = Vec::new();
        while !dec.is_empty() {
            blocks.push(dec.array()?);
        }
        Some(Self { keeping, size, seq, blocks })
    }
}

impl MediaRow {
    /// Whether its bytes are here.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.keeping == Keeping::Held
    }

    /// Whether it is wanted, though it once came in.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.keeping == Keeping::Damaged
    }
}

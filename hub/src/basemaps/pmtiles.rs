//! PMTiles, version 3: one file of tiles with directories of where they lie. Read here rather than by a crate, so that
//! directories and metadata unpack to a bound: a file of some kilobytes may otherwise ask for all memory there is.
//!
//! A header of 127 bytes, little-endian:
//!
//! | at | what |
//! |---|---|
//! | 0 | `PMTiles`, then the version in a byte |
//! | 8, 16 | root directory: where, how long; within the first 16 KiB |
//! | 24, 32 | metadata: JSON |
//! | 40, 48 | leaf directories |
//! | 56, 64 | tiles |
//! | 97, 98, 99 | how directories are packed, how tiles are, what they are |
//! | 100, 101 | first and last zoom |
//! | 102 .. 118 | west, south, east, north, in ten-millionths of a degree |

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;

mod directory; // where tiles lie
mod order; // the number of a tile

use directory::{Directory, Entry};

use super::MapError;
use super::about::{About, Format, Kind, layer_names, plain_text};
use super::bytes::{self, TILE_BYTES};
use super::tile::{Piece, TilePlace};
use crate::files::Handle;

/// What the file begins with.
pub(super) const MAGIC: &[u8] = b"PMTiles";

const HEADER: usize = 127;

/// A directory as it is stored, and unpacked. Writers make leaves of some tens of thousands of entries even for the whole world.
const PACKED: usize = 1024 * 1024;
const UNPACKED: usize = 4 * 1024 * 1024;

/// Metadata, as stored and unpacked. Some tools put statistics of every layer into it.
const METADATA: usize = 4 * 1024 * 1024;

/// What zstd may look back, as a power of two: as far as anything here is long.
const WINDOW: u32 = 22;

/// Leaves below leaves; writers make one level.
const LEVELS: usize = 4;

/// Leaves that are kept unpacked.
const LEAVES: usize = 4;

/// An open file.
pub(super) struct Pmtiles {
    file: Box<dyn Handle>,
    header: Header,
    root: Directory,
    /// The leaves that were asked for last. Held for moments.
    leaves: Mutex<VecDeque<(u64, Arc<Directory>)>>,
    about: About,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    fn read(code: u8) -> Result<Self, MapError> {
        match code {
            1 => Ok(Self::None),
            2 => Ok(Self::Gzip),
            4 => Ok(Self::Zstd),
            3 => Err(MapError::Unreadable("Brotli compression")),
            _ => Err(MapError::Unreadable("a compression that is not named")),
        }
    }

    fn unpack(self, packed: Vec<u8>, most: usize) -> Result<Vec<u8>, MapError> {
        match self {
            Self::None => Ok(packed),
            Self::Gzip => bytes::gunzip(&packed, most),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::new(packed.as_slice())?;
                decoder.window_log_max(WINDOW)?;
                bytes::to_end(decoder, most)
            }
        }
    }
}

#[derive(Debug)]
struct Section {
    at: u64,
    len: u64,
}

#[derive(Debug)]
struct Header {
    root: Section,
    metadata: Section,
    leaves: Section,
    tiles: Section,
    directories: Packing,
    packing: Packing,
    kind: Kind,
    zooms: (u8, u8),
    bounds: [f64; 4],
}

impl Header {
    fn read(file: &dyn Handle) -> Result<Self, MapError> {
        let bytes = bytes::read(file, 0, HEADER as u64, HEADER)?;
        if bytes[7] != 3 {
            return Err(MapError::Unreadable("an old PMTiles version; `pmtiles convert` makes version 3 of it"));
        }
        let number = |at: usize| bytes[at..at + 8].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let section = |at: usize| Section { at: number(at), len: number(at + 8) };
        let degrees = |at: usize| f64::from(i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])) / 1e7;
        let kind = match bytes[99] {
            1 => Kind::Vector,
            2..=5 => Kind::Raster,
            _ => return Err(MapError::Unreadable("tiles of an unknown kind")),
        };
        let header = Self {
            root: section(8),
            metadata: section(24),
            leaves: section(40),
            tiles: section(56),
            directories: Packing::read(bytes[97])?,
            packing: Packing::read(bytes[98])?,
            kind,
            zooms: (bytes[100], bytes[101]),
            bounds: [degrees(102), degrees(106), degrees(110), degrees(114)],
        };
        let len = file.len()?;
        for section in [&header.root, &header.metadata, &header.leaves, &header.tiles] {
            let end = section.at.checked_add(section.len).ok_or(MapError::Damaged("a part of it lies nowhere"))?;
            if end > len {
                return Err(MapError::CutOff);
            }
        }
        Ok(header)
    }
}

impl Pmtiles {
    pub(super) fn open(file: Box<dyn Handle>) -> Result<Self, MapError> {
        let header = Header::read(&*file)?;
        let root = bytes::read(&*file, header.root.at, header.root.len, PACKED)?;
        let root = Directory::read(&header.directories.unpack(root, UNPACKED)?)?;
        let metadata = bytes::read(&*file, header.metadata.at, header.metadata.len, METADATA)?;
        let metadata = header.directories.unpack(metadata, METADATA)?;
        // Without metadata the tiles are there all the same.
        let metadata: Value = serde_json::from_slice(&metadata).unwrap_or_default();
        let layers = layer_names(&metadata);
        let mut about = About::of(Format::Pmtiles, header.kind, layers, header.bounds, header.zooms);
        about.attribution = plain_text(metadata["attribution"].as_str().unwrap_or_default());
        Ok(Self { file, header, root, leaves: Mutex::default(), about })
    }

    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn tile(&self, place: TilePlace) -> Result<Option<Piece>, MapError> {
        let number = order::number(place);
        let mut found = self.root.find(number);
        for _ in 0..LEVELS {
            match found {
                Some(Entry { run: 0, offset, len, .. }) => found = self.leaf(offset, len)?.find(number),
                _ => break,
            }
        }
        match found {
            None => Ok(None),
            Some(Entry { run: 0, .. }) => Err(MapError::Damaged("its directories have no end")),
            Some(Entry { offset, len, .. }) => self.read_tile(offset, len).map(Some),
        }
    }

    fn read_tile(&self, offset: u64, len: u32) -> Result<Piece, MapError> {
        let packed = bytes::read(&*self.file, within(&self.header.tiles, offset, len)?, len.into(), TILE_BYTES)?;
        let bytes = match self.header.packing {
            // Browsers unpack gzip everywhere, zstd over https alone.
            Packing::Gzip if self.header.kind == Kind::Vector => packed,
            packing => packing.unpack(packed, TILE_BYTES)?,
        };
        Piece::tile(self.header.kind, bytes)
    }

    fn leaf(&self, offset: u64, len: u32) -> Result<Arc<Directory>, MapError> {
        let at = within(&self.header.leaves, offset, len)?;
        let kept = || self.leaves.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = kept().iter().find(|(of, _)| *of == at).map(|(_, leaf)| Arc::clone(leaf));
        if let Some(leaf) = known {
            return Ok(leaf);
        }
        let packed = bytes::read(&*self.file, at, len.into(), PACKED)?;
        let leaf = Arc::new(Directory::read(&self.header.directories.unpack(packed, UNPACKED)?)?);
        let mut kept = kept();
        kept.push_back((at, Arc::clone(&leaf)));
        if kept.len() > LEAVES {
            kept.pop_front();
        }
        Ok(leaf)
    }
}

/// Where a part of a section begins in the file.
fn within(section: &Section, offset: u64, len: u32) -> Result<u64, MapError> {
    let end = offset.checked_add(len.into()).filter(|end| *end <= section.len);
    let at = end.and_then(|_| section.at.checked_add(offset));
    at.ok_or(MapError::Damaged("a directory points outside of it"))
}

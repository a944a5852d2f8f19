//! A tile, and where it lies.

use super::{Kind, MapError, bytes};

/// The deepest zoom of a map, as of the observations on it.
pub(super) const DEEPEST: u8 = 22;

/// The type of vector tiles.
pub(super) const MVT: &str = "application/vnd.mapbox-vector-tile";

/// Where a tile lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePlace {
    /// Zoom: the world is `2^z` tiles wide.
    pub(super) z: u8,
    /// From the west.
    pub(super) x: u32,
    /// From the north.
    pub(super) y: u32,
}

impl TilePlace {
    /// A tile, if there can be such a one.
    #[must_use]
    pub const fn new(z: u8, x: u32, y: u32) -> Option<Self> {
        if z <= DEEPEST && x < 1 << z && y < 1 << z { Some(Self { z, x, y }) } else { None }
    }
}

/// A piece of a map as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes, as they are stored.
    pub bytes: Vec<u8>,
    /// Its type, from a fixed list: nothing in it is a page or a script.
    pub media_type: &'static str,
    /// How it is packed, as `Content-Encoding` says it.
    pub encoding: Option<&'static str>,
}

impl Piece {
    /// A tile of a map of this kind. What a map of pictures holds must be a picture.
    pub(super) fn tile(kind: Kind, bytes: Vec<u8>) -> Result<Self, MapError> {
        match kind {
            Kind::Vector => {
                let encoding = bytes::is_gzip(&bytes).then_some("gzip");
                Ok(Self { bytes, media_type: MVT, encoding })
            }
            Kind::Raster => {
                let media_type = bytes::picture(&bytes).ok_or(MapError::Damaged("a tile is no picture"))?;
                Ok(Self { bytes, media_type, encoding: None })
            }
        }
    }
}

//! Maps that lie under observations: files of `.pmtiles`, `.mbtiles` and `.smp` that a manager copied into the hub.
//!
//! `api/basemaps` lists, serves, adds and removes them. It promises: a map is here whole and durable, or not at all; whatever is in
//! the file of a stranger harms nobody but itself: what is read of it is bounded, and what cannot be read is an error in a
//! sentence. A map has the hash of its bytes in its name, so a tile's address stands for the same bytes for ever.
//!
//! All of it blocks, but for adding: callers go to a blocking thread, by [`Basemaps::read`].

mod about; // what a map says of itself
mod add; // from a drive or a browser to a durable file
mod bytes; // bounded reading
mod error; // why not
mod found; // map files on drives
mod library; // the folder, and what of it is open
mod mbtiles; // SQLite
mod names; // what a map's file is called
mod pmtiles; // one file with directories
mod smp; // a zip with a style
mod tile; // a tile, and where it lies

use std::path::Path;

use serde_json::Value;

pub use about::{About, Format, Kind, Schema};
pub use add::{Copy, CopyState, CopyTrouble};
pub use error::{AddError, MapError};
pub use found::{Found, FoundMap, find};
pub use library::{Basemap, Basemaps};
pub use names::MapId;
use tile::DEEPEST;
pub use tile::{Piece, TilePlace};

use crate::files::{Files, How};

/// A map that is open.
pub struct Opened(Kinds);

enum Kinds {
    Pmtiles(pmtiles::Pmtiles),
    Mbtiles(mbtiles::Mbtiles),
    Smp(smp::Smp),
}

impl Opened {
    /// Opens a file by what is in it, whatever its name says.
    ///
    /// # Errors
    /// Where it is no map, a bad one, or the disk fails.
    pub fn open(files: &Files, path: &Path) -> Result<Self, MapError> {
        let file = files.open(path, How::Read)?;
        let first = bytes::read(&*file, 0, file.len()?.min(16), 16)?;
        let opened = if first.starts_with(pmtiles::MAGIC) {
            Kinds::Pmtiles(pmtiles::Pmtiles::open(file)?)
        } else if first.starts_with(mbtiles::MAGIC) {
            Kinds::Mbtiles(mbtiles::Mbtiles::open(path, &*file)?)
        } else if first.starts_with(smp::MAGIC) {
            Kinds::Smp(smp::Smp::open(file)?)
        } else {
            return Err(MapError::Unknown);
        };
        Ok(Self(opened))
    }

    /// What it says of itself.
    #[must_use]
    pub const fn about(&self) -> &About {
        match &self.0 {
            Kinds::Pmtiles(map) => map.about(),
            Kinds::Mbtiles(map) => map.about(),
            Kinds::Smp(map) => map.about(),
        }
    }

    /// A tile; `None` where there is none. A map with a style of its own names its tiles there.
    ///
    /// # Errors
    /// Where the map is damaged there, or the disk fails.
    pub fn tile(&self, place: TilePlace) -> Result<Option<Piece>, MapError> {
        match &self.0 {
            Kinds::Pmtiles(map) => map.tile(place),
            Kinds::Mbtiles(map) => map.tile(place),
            Kinds::Smp(_) => Ok(None),
        }
    }

    /// Its own style, made safe, whose parts lie under `base`; `None` for a map without one.
    #[must_use]
    pub fn style(&self, base: &str) -> Option<Value> {
        match &self.0 {
            Kinds::Smp(map) => Some(map.style(base)),
            Kinds::Pmtiles(_) | Kinds::Mbtiles(_) => None,
        }
    }

    /// A part that its own style names; `None` where there is none.
    ///
    /// # Errors
    /// Where the map is damaged there, or the disk fails.
    pub fn part(&self, path: &str) -> Result<Option<Piece>, MapError> {
        match &self.0 {
            Kinds::Smp(map) => map.file(path),
            Kinds::Pmtiles(_) | Kinds::Mbtiles(_) => Ok(None),
        }
    }
}

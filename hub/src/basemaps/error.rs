//! Why a map cannot be used, in sentences for whoever brought it.

use std::io;

/// Why a map cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// It is something else.
    #[error("this is no map that the hub can read: it reads .pmtiles, .mbtiles and .smp")]
    Unknown,
    /// A map, but of a form that is not read here.
    #[error("the hub cannot read maps with {0}; get the map in another form")]
    Unreadable(&'static str),
    /// It ends before it should.
    #[error("the map is cut off: it was not copied to its end, or the drive is failing; copy it again from where it came")]
    CutOff,
    /// It contradicts itself, or the rules of its format, or tries to be larger than any map is.
    #[error("the map is damaged ({0}); copy it again from where it came")]
    Damaged(&'static str),
    /// Looking into it takes longer than anybody waits.
    #[error("looking into the map takes too long; it has no index, or was made to harm")]
    TooSlow,
    /// The disk failed.
    #[error("the map could not be read from the disk; look at the disk, and copy the map again")]
    Disk(#[source] io::Error),
}

impl From<io::Error> for MapError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutOff,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Damaged("what is packed in it cannot be unpacked"),
            _ => Self::Disk(error),
        }
    }
}

/// Why a map was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It is no map, or a bad one.
    #[error(transparent)]
    Map(#[from] MapError),
    /// There is no room for it.
    #[error("the disk has no room for this map; free at least {} MB and try again", .lacks.div_ceil(1_000_000).max(1))]
    Full {
        /// Bytes that must be freed first.
        lacks: u64,
    },
    /// The path leads to nothing that can be copied.
    #[error("there is no file here by this name; look whether the drive is still connected")]
    NoFile,
    /// The drive failed.
    #[error("the map could not be read to its end; look whether the drive is still connected, and try again")]
    Source(#[source] io::Error),
    /// The hub's own disk failed.
    #[error("the hub's disk failed while the map was being copied; look at the disk, and try again")]
    Disk(#[source] io::Error),
    /// The browser stopped sending, or sent more than it said.
    #[error("the map did not come to its end; choose the file again")]
    BrokenOff,
    /// Somebody cancelled it.
    #[error("copying was stopped")]
    Cancelled,
    /// One map at a time.
    #[error("another map is being copied; wait until it is here, or stop it")]
    Busy,
}

impl AddError {
    /// A stable word for the page.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Map(MapError::Unknown) => "map_unknown",
            Self::Map(MapError::Unreadable(_)) => "map_unreadable",
            Self::Map(MapError::CutOff) => "map_cut_off",
            Self::Map(MapError::Damaged(_) | MapError::TooSlow) => "map_damaged",
            Self::Map(MapError::Disk(_)) | Self::Disk(_) => "disk_failed",
            Self::Full { .. } => "disk_full",
            Self::NoFile => "map_missing",
            Self::Source(_) => "map_source",
            Self::BrokenOff => "broken_off",
            Self::Cancelled => "cancelled",
            Self::Busy => "map_busy",
        }
    }

    /// As a sentence of its own.
    #[must_use]
    pub fn sentence(&self) -> String {
        let text = self.to_string();
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect()) + "."
    }

    /// What failed while the copy was written.
    #[must_use]
    pub fn on_disk(error: io::Error) -> Self {
        if crate::store::is_full(&error) { Self::Full { lacks: 0 } } else { Self::Disk(error) }
    }
}

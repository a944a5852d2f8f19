//! What a map's file is called: `rio-huallaga_1a2b3c4d5e6f7a8b.pmtiles`, a name for people and the hash of its bytes.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};

use super::Format;
use crate::export::names;

/// The longest name for people.
const LONGEST: usize = 60;

/// A map: the first eight bytes of the BLAKE3 hash of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapId([u8; 8]);

impl MapId {
    /// The id of a file with this hash.
    #[must_use]
    pub fn of(hash: &blake3::Hash) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&hash.as_bytes()[..8]);
        Self(id)
    }
}

impl fmt::Display for MapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for MapId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        HEXLOWER.decode(text.as_bytes()).map_err(|_| ())?.try_into().map(Self).map_err(|_| ())
    }
}

impl Serialize for MapId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The name of a file, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) id: MapId,
    pub(super) format: Format,
}

impl Named {
    /// `None` for what this hub did not put there.
    pub(super) fn read(file: &str) -> Option<Self> {
        let (stem, ending) = file.rsplit_once('.')?;
        let (name, id) = stem.rsplit_once('_')?;
        Some(Self { name: name.to_owned(), id: id.parse().ok()?, format: Format::of_ending(ending)? })
    }

    pub(super) fn file(&self) -> String {
        format!("{}_{}.{}", self.name, self.id, self.format.ending())
    }
}

/// A stranger's file name as the name of a map, unlike all that are `taken`.
pub(super) fn free_name(file: &str, taken: impl Fn(&str) -> bool) -> String {
    let stem = file.rsplit_once('.').filter(|(_, ending)| Format::of_ending(ending).is_some()).map_or(file, |(stem, _)| stem);
    let name = names::safe(stem, LONGEST).replace('.', "-");
    let name = if name.is_empty() { "map".to_owned() } else { name };
    let mut free = name.clone();
    for more in 2.. {
        if !taken(&free) {
            break;
        }
        free = format!("{name}-{more}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_unlike_each_other() {
        let none = |_: &str| false;
        assert_eq!(free_name("Río Huallaga 2026.PMTiles", none), "rio-huallaga-2026");
        assert_eq!(free_name("../../etc/passwd", none), "etc-passwd");
        assert_eq!(free_name("🦜.smp", none), "map");
        assert_eq!(free_name("v1.2.mbtiles", none), "v1-2");
        assert_eq!(free_name("MAPA.smp", |name| ["mapa", "mapa-2"].contains(&name)), "mapa-3");
    }

    #[test]
    fn a_files_name_is_read_back() {
        let named = Named { name: "rio_negro".into(), id: "00ff00ff00ff00ff".parse().unwrap(), format: Format::Smp };
        assert_eq!(named.file(), "rio_negro_00ff00ff00ff00ff.smp");
        assert_eq!(Named::read(&named.file()), Some(named));
        for other in ["x.pmtiles", "x_00ff.pmtiles", "x_00FF00FF00FF00FF.pmtiles", "x_00ff00ff00ff00ff.png", "1234.part"] {
            assert_eq!(Named::read(other), None, "{other}");
        }
    }
}

//! A directory: how many entries, then their tile numbers (each as the step from the one before), runs, lengths and offsets
//! (0: right behind the one before, else one more than the offset), all as numbers of seven bits a byte.

use super::MapError;

/// Entries of one directory. Two million tiles of a country are some ten thousand a leaf.
const ENTRIES: u64 = 200_000;

const BAD: MapError = MapError::Damaged("a directory cannot be read");

/// So many tiles from `first` on are the same bytes; or, where `run` is 0, the directory of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) first: u64,
    pub(super) run: u32,
    pub(super) len: u32,
    pub(super) offset: u64,
}

/// The entries of a directory, by their first tile.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory(Vec<Entry>);

impl Directory {
    pub(super) fn read(mut bytes: &[u8]) -> Result<Self, MapError> {
        let count = number(&mut bytes)?;
        // Each entry takes four bytes at least: no room is taken for what cannot be there.
        if count > ENTRIES || count > bytes.len() as u64 / 4 {
            return Err(BAD);
        }
        let mut entries = Vec::with_capacity(count as usize);
        let mut first = 0_u64;
        for _ in 0..count {
            first = first.checked_add(number(&mut bytes)?).ok_or(BAD)?;
            entries.push(Entry { first, run: 0, len: 0, offset: 0 });
        }
        for entry in &mut entries {
            entry.run = number(&mut bytes)?.try_into().map_err(|_| BAD)?;
        }
        for entry in &mut entries {
            entry.len = number(&mut bytes)?.try_into().map_err(|_| BAD)?;
        }
        let mut behind: Option<u64> = None;
        for entry in &mut entries {
            entry.offset = match number(&mut bytes)? {
                0 => behind.ok_or(BAD)?,
                offset => offset - 1,
            };
            behind = Some(entry.offset.checked_add(entry.len.into()).ok_or(BAD)?);
        }
        Ok(Self(entries))
    }

    /// The entry in which a tile is.
    pub(super) fn find(&self, tile: u64) -> Option<Entry> {
        let after = self.0.partition_point(|entry| entry.first <= tile);
        let entry = *self.0.get(after.checked_sub(1)?)?;
        (entry.run == 0 || tile - entry.first < u64::from(entry.run)).then_some(entry)
    }
}

fn number(bytes: &mut &[u8]) -> Result<u64, MapError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(BAD)?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return Err(BAD);
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BAD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_leaves_are_found() {
        // Tile 5 and the two after it; a leaf from 100 on.
        let bytes = [2, 5, 95, 3, 0, 10, 20, 1, 0];
        let directory = Directory::read(&bytes).unwrap();
        let (run, leaf) = (Entry { first: 5, run: 3, len: 10, offset: 0 }, Entry { first: 100, run: 0, len: 20, offset: 10 });
        assert_eq!(directory.0, [run, leaf]);
        let found = [4, 5, 7, 8, 99, 100, 5000].map(|tile| directory.find(tile));
        assert_eq!(found, [None, Some(run), Some(run), None, None, Some(leaf), Some(leaf)]);
    }

    proptest! {
        #[test]
        fn no_bytes_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), tile: u64) {
            if let Ok(directory) = Directory::read(&bytes) {
                directory.find(tile);
            }
        }
    }
}

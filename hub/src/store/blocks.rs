//! Checks for every block of the database's file, below the database: it verifies none of its pages when it reads them.
//!
//! Rows carry seals ([`super::codec`]), but the pages that lead to a row do not. Rot in one of those makes a look-up find nothing
//! where something is, as if that were true; and a write that follows it would spoil more. So this room stands between the database
//! and its file, keeps a checksum of each block that is written, and looks at it when the block is read:
//!
//! - A page that leads to others is refused, which the store answers as it does a failing disk: nobody is told "nothing is here".
//! - A page of rows is handed on, since each row has its seal, and one rotten row must not take its neighbours with it.
//!
//! Both are noticed, said in the log once, and counted in [`Noticed`], so that the page can say it.
//!
//! Sums need no flush and no order of their own. The database never writes over a page that its last commit needs, so for those the
//! old and the new sector say the same, and of the others nothing is read after a cut. The exception is its first block, which it
//! writes in place and checks itself; there is no sum for it. A sector that is itself not what was written vouches for nothing, and
//! its blocks are taken as they are until they are written again.

use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{BackendError, StorageBackend};

use crate::files::Handle;

mod sums; // the sums of a group, and how they are written

use sums::{BLOCK, GROUP, Sums, sum};

/// The first byte of a page of rows.
const ROWS: u8 = 1;
/// How a file of the database begins that has no sums.
const PLAIN: &[u8; 4] = b"redb";
/// Places that are remembered one by one.
const REMEMBERED: usize = 1_000;

/// Which blocks were found not to be what was written since the program began. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Noticed(Arc<Mutex<BTreeSet<u64>>>);

impl Noticed {
    /// How many there are; no more than a thousand are counted.
    #[must_use]
    pub fn places(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn notice(&self, block: u64) {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() < REMEMBERED && blocks.insert(block) {
            tracing::error!(block, "a block of the database is not what was written");
        }
    }
}

/// What is done about a page that leads to others and is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotten {
    /// It is not read.
    Refuse,
    /// It is read as it is, for `verify`, which says how far that goes.
    Read,
}

/// Whether a file is one of the database's own, without sums.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn is_plain(file: &dyn Handle) -> io::Result<bool> {
    let mut first = [0; PLAIN.len()];
    if file.len()? < BLOCK {
        return Ok(false);
    }
    file.read_at(&mut first, 0)?;
    Ok(&first == PLAIN)
}

/// A file of the database with sums; the database sees only its blocks.
#[derive(Debug)]
pub(super) struct Checked {
    file: Box<dyn StorageBackend>,
    groups: RwLock<Vec<Option<Arc<Sums>>>>,
    rotten: Rotten,
    noticed: Noticed,
}

impl Checked {
    pub(super) fn new(file: Box<dyn StorageBackend>, rotten: Rotten, noticed: Noticed) -> Self {
        Self { file, groups: RwLock::default(), rotten, noticed }
    }

    fn sums(&self, group: u64) -> io::Result<Arc<Sums>> {
        let index = usize::try_from(group).map_err(io::Error::other)?;
        let known = |groups: &Vec<Option<Arc<Sums>>>| groups.get(index).and_then(Clone::clone);
        if let Some(sums) = known(&self.groups.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(sums);
        }
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(sums) = known(&groups) {
            return Ok(sums);
        }
        let mut bytes = [0; BLOCK as usize];
        let at = group * (GROUP + 1) * BLOCK;
        if self.file.len()? >= at + BLOCK {
            self.file.read(at, &mut bytes)?;
        }
        let sums = Arc::new(Sums::read(&bytes));
        if groups.len() <= index {
            groups.resize(index + 1, None);
        }
        groups[index] = Some(Arc::clone(&sums));
        Ok(sums)
    }

    /// Calls `each` with every piece of a range that lies in one group: its first block, its place in the file, and how long it is.
    fn pieces(
        offset: u64,
        len: usize,
        mut each: impl FnMut(u64, u64, std::ops::Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let block = at / BLOCK;
            let end_of_group = (block / GROUP + 1) * GROUP * BLOCK;
            let part = usize::try_from(end_of_group - at).map_or(len - done, |room| room.min(len - done));
            each(block, at + (block / GROUP + 1) * BLOCK, done..done + part)?;
            done += part;
        }
        Ok(())
    }

    /// Calls `each` with the blocks of a piece that are there whole, and have sums: all but the first of the file.
    fn whole<'a>(first: u64, offset: u64, bytes: &'a [u8]) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let bytes = if offset.is_multiple_of(BLOCK) { bytes } else { &[] };
        (first..).zip(bytes.chunks_exact(BLOCK as usize)).filter(|(block, _)| *block > 0)
    }

    fn check(&self, offset: u64, page: &[u8]) -> io::Result<()> {
        let mut sound = true;
        Self::pieces(offset, page.len(), |first, _, range| {
            let sums = self.sums(first / GROUP)?;
            for (block, bytes) in Self::whole(first, offset, &page[range]) {
                let known = sums.get(block % GROUP);
                if known != 0 && known != sum(bytes) {
                    self.noticed.notice(block);
                    sound = false;
                }
            }
            Ok(())
        })?;
        if sound || self.rotten == Rotten::Read || page.first() == Some(&ROWS) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a page of the database is not what was written"))
    }

    /// Writes down the sums that the file does not have yet.
    fn save(&self) -> io::Result<()> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        for (group, sums) in (0_u64..).zip(groups.iter()) {
            let Some(sums) = sums else { continue };
            if let Some((at, bytes)) = sums.take_unsaved() {
                self.file.write(group * (GROUP + 1) * BLOCK + at, &bytes)?;
            }
        }
        Ok(())
    }
}

impl StorageBackend for Checked {
    fn len(&self) -> io::Result<u64> {
        let len = self.file.len()?;
        Ok(len - (len.div_ceil((GROUP + 1) * BLOCK) * BLOCK).min(len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        Self::pieces(offset, out.len(), |_, at, range| self.file.read(at, &mut out[range]))?;
        self.check(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let blocks = len.div_ceil(BLOCK);
        // What comes after the end is of zeros if it ever comes back.
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let kept = blocks.div_ceil(GROUP);
        groups.truncate(usize::try_from(kept).map_err(io::Error::other)?);
        drop(groups);
        if !blocks.is_multiple_of(GROUP) {
            let sums = self.sums(kept - 1)?;
            for index in blocks % GROUP..GROUP {
                if sums.get(index) != 0 {
                    sums.put(index, 0);
                }
            }
        }
        self.file.set_len(if len == 0 { 0 } else { len + kept * BLOCK })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.save()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !(offset.is_multiple_of(BLOCK) && data.len().is_multiple_of(BLOCK as usize)) {
            // The database does that in its first block only; elsewhere nothing vouches for half a block.
            for block in (offset / BLOCK).max(1)..(offset + data.len() as u64).div_ceil(BLOCK) {
                self.sums(block / GROUP)?.put(block % GROUP, 0);
            }
        }
        Self::pieces(offset, data.len(), |first, at, range| {
            let bytes = &data[range];
            self.file.write(at, bytes)?;
            let sums = self.sums(first / GROUP)?;
            for (block, bytes) in Self::whole(first, offset, bytes) {
                sums.put(block % GROUP, sum(bytes));
            }
            Ok(())
        })
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests;

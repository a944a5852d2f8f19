//! The room on the disk under the data folder, and the reserve that keeps a full disk manageable.
//!
//! `api` asks before it takes anything in; the page shows it. It promises that new records are refused while the disk still
//! has room for what a manager needs to get out of trouble: deleting, exporting, and the database's own work. Other programs
//! do not ask, so half of the reserve is a file that takes real room, and is given up when they have filled the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::files::{Files, Room};

/// Room that new records never use. The database grows in steps, and a commit may need as much again as it writes.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// The file that keeps half of it, in the data folder.
pub const BALLAST: &str = "reserve";

/// What something is that wants room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// New records and media: they leave the reserve alone.
    New,
    /// What makes room or brings things to safety: it may use all of the reserve but a quarter, which is the database's own.
    Deletion,
}

/// The disk under a folder. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Disk {
    files: Files,
    folder: PathBuf,
    reserve: u64,
    /// Whether the ballast is there.
    held: Arc<AtomicBool>,
}

impl Disk {
    /// The disk under `folder`. On a disk that is small itself, the reserve is a sixteenth of it.
    #[must_use]
    pub fn of(files: Files, folder: &Path) -> Self {
        let held = Arc::new(AtomicBool::new(files.exists(&folder.join(BALLAST)).unwrap_or_default()));
        let mut disk = Self { files, folder: folder.to_owned(), reserve: RESERVE_BYTES, held };
        if let Some(room) = disk.room() {
            disk.reserve = RESERVE_BYTES.min(room.total / 16);
        }
        disk
    }

    /// How much room there is; `None` where the system does not say.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        self.files.room(&self.folder)
    }

    const fn ballast(&self) -> u64 {
        self.reserve / 2
    }

    /// How many bytes must be freed before `bytes` more can be taken; 0 where they can.
    #[must_use]
    pub fn lacks(&self, bytes: u64, need: Need) -> u64 {
        let kept = match need {
            Need::New => self.reserve,
            Need::Deletion => self.reserve / 4,
        };
        let ours = if self.held.load(Ordering::Relaxed) { self.ballast() } else { 0 };
        self.room().map_or(0, |room| kept.saturating_add(bytes).saturating_sub(room.free.saturating_add(ours)))
    }

    /// Gives the ballast up where others have filled the disk, and takes it again when there is room; says which.
    ///
    /// # Errors
    /// Where the disk refuses; it is tried again at the next look.
    pub fn tend(&self) -> io::Result<Tended> {
        let (Some(room), path) = (self.room(), self.folder.join(BALLAST)) else { return Ok(Tended::AsItWas) };
        let held = self.held.load(Ordering::Relaxed);
        if held && room.free < self.ballast() / 2 {
            self.files.remove_if_there(&path)?;
            self.held.store(false, Ordering::Relaxed);
            return Ok(Tended::GivenUp);
        }
        if !held && room.free > self.reserve.saturating_add(self.ballast()) {
            match self.files.allocate(&path, self.ballast()) {
                Ok(()) => self.held.store(true, Ordering::Relaxed),
                // Some filesystems cannot; the other half of the reserve must do there.
                Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported) => return Ok(Tended::AsItWas),
                Err(error) => {
                    self.files.remove_if_there(&path)?;
                    return Err(error);
                }
            }
            return Ok(Tended::Taken);
        }
        Ok(Tended::AsItWas)
    }
}

/// What [`Disk::tend`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tended {
    /// Nothing was to be done.
    AsItWas,
    /// The ballast was taken.
    Taken,
    /// The ballast was given up.
    GivenUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ballast_takes_real_room_and_counts_as_free() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of(Files::real(), folder.path());
        let tended = disk.tend().unwrap();
        if tended == Tended::AsItWas {
            return; // A disk that is full or cannot: nothing to see here.
        }
        let taken = std::fs::metadata(folder.path().join(BALLAST)).unwrap().blocks() * 512;
        assert!(taken >= disk.ballast(), "{taken}");
        assert_eq!(disk.tend().unwrap(), Tended::AsItWas);
        assert_eq!(disk.lacks(0, Need::New), 0);
        let all = disk.room().unwrap().total;
        assert!(disk.lacks(all, Need::New) > disk.lacks(all, Need::Deletion));
        assert!(Disk::of(Files::real(), folder.path()).held.load(Ordering::Relaxed));
    }
}

//! The room on the disk under the data folder, and the reserve that keeps a full disk manageable.
//!
//! `api` asks before it takes anything in; the page shows it. It promises that new records are refused while the disk still
//! has room for what a manager needs to get out of trouble: deleting, exporting, and the database's own work.

use std::path::{Path, PathBuf};

/// Room that new records never use. The database grows in steps, and a commit may need as much again as it writes.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// The disk under a folder.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
    reserve: u64,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes of the whole filesystem.
    pub total: u64,
}

impl Disk {
    /// The disk under `folder`. On a disk that is small itself, the reserve is a sixteenth of it.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut disk = Self { folder: folder.to_owned(), reserve: RESERVE_BYTES };
        if let Some(room) = disk.room() {
            disk.reserve = RESERVE_BYTES.min(room.total / 16);
        }
        disk
    }

    /// How much room there is; `None` where the system does not say.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        let stat = nix::sys::statvfs::statvfs(&self.folder).ok()?;
        let unit = stat.fragment_size();
        Some(Room { free: stat.blocks_available() * unit, total: stat.blocks() * unit })
    }

    /// Whether `bytes` more can be taken without touching the reserve.
    #[must_use]
    pub fn has_room_for(&self, bytes: u64) -> bool {
        self.room().is_none_or(|room| room.free >= self.reserve.saturating_add(bytes))
    }
}

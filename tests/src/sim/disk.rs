//! The disk: strict about what is durable, and cruel within that.
//!
//! Bytes are durable after the file was synced, names after their folder was. At a power cut each thing that was not may have
//! happened or not, torn at sectors of 512 bytes, in one of several tempers: all of it lost, all kept, in order up to a point,
//! or each by itself. A disk can also fail (once, or until it is mended) at a chosen operation, be full, and rot.
//!
//! What is durable is what a real disk would still have; [`SimDisk::cut`] gives the disk as the next start finds it.

mod mounted; // the disk as a hub sees it
mod state; // what is on it

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use maloca_hub::files::Files;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use mounted::Mounted;
use state::{Node, State};

/// What goes wrong, and at which operation (counted from the moment it is set).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: nothing works any more, until [`SimDisk::cut`].
    Cut,
    /// One operation fails with EIO.
    Once,
    /// From here on all operations fail with EIO, until [`SimDisk::mend`].
    Sticky,
    /// From here on whatever takes room fails with ENOSPC, until [`SimDisk::mend`].
    Full,
}

/// Lies that a disk or a careless program tells: the negative controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lies {
    /// Syncing a media file does nothing.
    pub no_file_sync: bool,
    /// Syncing a folder of media does nothing.
    pub no_folder_sync: bool,
    /// Syncing the database does nothing.
    pub no_database_sync: bool,
    /// After a sync that failed, memory goes on to show what never reached the disk, whatever the program does.
    pub memory_outlives_failure: bool,
}

/// A disk; clones are the same one.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    /// An empty disk whose tempers grow from `seed`.
    #[must_use]
    pub fn new(seed: u64, lies: Lies) -> Self {
        let folders = BTreeMap::from([(PathBuf::from("/"), true)]);
        Self(Arc::new(Mutex::new(State {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            namings: Vec::new(),
            folders,
            next: 1,
            life: 0,
            operations: 0,
            fault: None,
            failed: Vec::new(),
            dead: false,
            failing: false,
            full: false,
            random: StdRng::seed_from_u64(seed),
            lies,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The disk as the hub that is started now sees it; a hub of an earlier start gets nothing but EIO.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::of(Mounted { life: self.state().life, disk: self.clone() })
    }

    /// Operations so far in this life.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets `fault` happen after `after` more operations.
    pub fn set(&self, after: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.operations + after, fault));
    }

    /// Which operations have failed in this life, the last few.
    #[must_use]
    pub fn failed(&self) -> Vec<String> {
        self.state().failed.clone()
    }

    /// Whether the power has gone.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Ends all faults.
    pub fn mend(&self) {
        let mut state = self.state();
        (state.fault, state.failing, state.full) = (None, false, false);
    }

    /// Cuts the power if it has not gone, and gives it back: what was not durable has happened or not.
    pub fn cut(&self) {
        let mut state = self.state();
        state.lose();
        state.life += 1;
        (state.operations, state.fault, state.dead, state.failing, state.full) = (0, None, false, false, false);
        state.failed.clear();
    }

    /// Ends the hub's hold without losing anything: what a killed process leaves.
    pub fn kill(&self) {
        let mut state = self.state();
        state.life += 1;
        (state.operations, state.fault, state.dead, state.failing, state.full) = (0, None, false, false, false);
        state.failed.clear();
    }

    /// A second disk with the same content, everything on it durable.
    #[must_use]
    pub fn copy(&self, seed: u64) -> Self {
        let from = self.state();
        let copy = Self::new(seed, from.lies);
        {
            let mut to = copy.state();
            to.files = from
                .files
                .iter()
                .map(|(inode, node)| {
                    (*inode, Node { bytes: node.bytes.clone(), durable: node.bytes.clone(), pending: Vec::new() })
                })
                .collect();
            to.names = from.names.clone();
            to.durable_names = from.names.clone();
            to.folders = from.folders.keys().map(|path| (path.clone(), true)).collect();
            to.next = from.next;
        }
        copy
    }

    /// The files on the disk, by name, and their lengths.
    #[must_use]
    pub fn list(&self) -> Vec<(PathBuf, usize)> {
        let state = self.state();
        state.names.iter().map(|(path, inode)| (path.clone(), state.files[inode].bytes.len())).collect()
    }

    /// Changes a file's bytes behind everybody's back, durably.
    ///
    /// # Panics
    /// Where there is no such file.
    pub fn rot(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.names[path];
        let node = state.files.get_mut(&inode).expect("a named file");
        change(&mut node.bytes);
        node.durable.clone_from(&node.bytes);
        node.pending.clear();
    }
}

//! What is on the disk: bytes and names, each as memory shows it and as it is durable, and what a fault makes of them.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{Fault, Lies};

const SECTOR: usize = 512;

pub(super) type Inode = u64;

/// A change of a file's bytes that is not durable yet.
#[derive(Clone)]
pub(super) enum Write {
    Bytes(usize, Vec<u8>),
    Len(usize),
}

impl Write {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Len(len) => bytes.resize(*len, 0),
            Self::Bytes(at, new) => put(bytes, *at, new),
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Node {
    pub(super) bytes: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Write>,
}

/// A change of names that is not durable yet. A rename is one change: both names or neither.
#[derive(Clone)]
pub(super) struct Naming {
    pub(super) add: Option<(PathBuf, Inode)>,
    pub(super) remove: Option<PathBuf>,
}

pub(super) struct State {
    pub(super) files: BTreeMap<Inode, Node>,
    pub(super) names: BTreeMap<PathBuf, Inode>,
    pub(super) durable_names: BTreeMap<PathBuf, Inode>,
    pub(super) namings: Vec<Naming>,
    pub(super) folders: BTreeMap<PathBuf, bool>,
    pub(super) next: Inode,
    pub(super) life: u64,
    pub(super) operations: u64,
    pub(super) fault: Option<(u64, Fault)>,
    /// The operations that failed last, for whoever asks why.
    pub(super) failed: Vec<String>,
    pub(super) dead: bool,
    pub(super) failing: bool,
    pub(super) full: bool,
    pub(super) random: StdRng,
    pub(super) lies: Lies,
}

pub(super) fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}

pub(super) fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl State {
    /// One operation of a hub that was started in `life`.
    pub(super) fn operation(&mut self, life: u64, takes_room: bool, what: &str, path: &Path) -> io::Result<()> {
        let done = self.attempt(life, takes_room);
        if let Err(error) = &done
            && life == self.life
        {
            self.failed.push(format!("{what} {}: {error}", path.display()));
            let old = self.failed.len().saturating_sub(12);
            self.failed.drain(..old);
        }
        done
    }

    fn attempt(&mut self, life: u64, takes_room: bool) -> io::Result<()> {
        if self.dead || life != self.life {
            return Err(eio());
        }
        self.operations += 1;
        if let Some((at, fault)) = self.fault
            && self.operations > at
        {
            self.fault = None;
            match fault {
                Fault::Cut => self.dead = true,
                Fault::Sticky => self.failing = true,
                Fault::Full => self.full = true,
                Fault::Once => return Err(eio()),
            }
        }
        if self.dead || self.failing {
            return Err(eio());
        }
        if self.full && takes_room {
            return Err(io::Error::from_raw_os_error(28));
        }
        Ok(())
    }

    /// Whether the next operation is the one that fails, and no other does.
    pub(super) fn will_fail_once(&self) -> bool {
        self.fault.is_some_and(|(at, fault)| fault == Fault::Once && self.operations + 1 > at)
    }

    /// A sync that fails has written some of it; the rest is forgotten as if it had been written, and only memory shows it.
    pub(super) fn lose_in_sync(&mut self, inode: Inode) {
        let random = &mut self.random;
        if let Some(node) = self.files.get_mut(&inode) {
            for write in std::mem::take(&mut node.pending) {
                if random.random() {
                    write.apply(&mut node.durable);
                }
            }
        }
    }

    /// What was not durable happens or does not.
    pub(super) fn lose(&mut self) {
        let temper = self.random.random_range(0..4);
        let random = &mut self.random;
        for node in self.files.values_mut() {
            let mut bytes = std::mem::take(&mut node.durable);
            let pending = std::mem::take(&mut node.pending);
            let until = random.random_range(0..=pending.len());
            for (n, write) in pending.into_iter().enumerate() {
                let happens = match temper {
                    0 => false,
                    1 => true,
                    2 => n < until,
                    _ => random.random(),
                };
                if !happens {
                    // The one at which the power went may be torn.
                    if let (2, true, Write::Bytes(at, new)) = (temper, n == until, &write) {
                        let whole = random.random_range(0..=new.len() / SECTOR) * SECTOR;
                        put(&mut bytes, *at, &new[..whole]);
                    }
                    continue;
                }
                match write {
                    Write::Len(len) => bytes.resize(len, 0),
                    Write::Bytes(at, new) if temper == 3 => {
                        for (n, sector) in new.chunks(SECTOR).enumerate() {
                            if random.random_range(0..8) > 0 {
                                put(&mut bytes, at + n * SECTOR, sector);
                            }
                        }
                    }
                    Write::Bytes(at, new) => put(&mut bytes, at, &new),
                }
            }
            node.durable.clone_from(&bytes);
            node.bytes = bytes;
        }
        let namings = std::mem::take(&mut self.namings);
        let until = random.random_range(0..=namings.len());
        for (n, naming) in namings.into_iter().enumerate() {
            let happens = match temper {
                0 => false,
                1 => true,
                2 => n < until,
                _ => random.random(),
            };
            if happens {
                apply(&mut self.durable_names, naming);
            }
        }
        self.names = self.durable_names.clone();
        let folders: Vec<PathBuf> = self.folders.iter().filter(|(_, durable)| !**durable).map(|(path, _)| path.clone()).collect();
        for folder in folders {
            if temper == 0 || (temper > 1 && random.random()) {
                self.folders.retain(|path, _| !path.starts_with(&folder));
                self.names.retain(|path, _| !path.starts_with(&folder));
            }
        }
        self.folders.values_mut().for_each(|durable| *durable = true);
        self.durable_names = self.names.clone();
        let named: HashSet<Inode> = self.names.values().copied().collect();
        self.files.retain(|inode, _| named.contains(inode));
    }

    pub(super) fn parent_is_there(&self, path: &Path) -> io::Result<()> {
        if self.folders.contains_key(path.parent().unwrap_or(Path::new("/"))) { Ok(()) } else { Err(not_found()) }
    }
}

pub(super) fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    if bytes.len() < at + new.len() {
        bytes.resize(at + new.len(), 0);
    }
    bytes[at..at + new.len()].copy_from_slice(new);
}

pub(super) fn apply(names: &mut BTreeMap<PathBuf, Inode>, naming: Naming) {
    if let Some(path) = naming.remove {
        names.remove(&path);
    }
    if let Some((path, inode)) = naming.add {
        names.insert(path, inode);
    }
}

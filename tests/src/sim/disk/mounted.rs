//! The disk as a hub sees it: [`Filesystem`] and [`Handle`], every call one operation that may fail.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use maloca_hub::files::{Filesystem, Handle, How, Room};

use super::state::{Inode, Naming, Node, Write, apply, eio, not_found, put};
use super::{Lies, SimDisk};

/// The disk as one start of a hub holds it.
#[derive(Debug)]
pub(super) struct Mounted {
    pub(super) disk: SimDisk,
    pub(super) life: u64,
}

impl Filesystem for Mounted {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn Handle>> {
        let mut state = self.disk.state();
        let there = state.names.get(path).copied();
        state.operation(self.life, there.is_none() && matches!(how, How::Make | How::New), "open", path)?;
        let inode = match (there, how) {
            (Some(_), How::New) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), _) => inode,
            (None, How::Read | How::Change) => return Err(not_found()),
            (None, How::Make | How::New) => {
                state.parent_is_there(path)?;
                let inode = state.next;
                state.next += 1;
                state.files.insert(inode, Node::default());
                state.names.insert(path.to_owned(), inode);
                state.namings.push(Naming { add: Some((path.to_owned(), inode)), remove: None });
                inode
            }
        };
        let name = path.to_owned();
        Ok(Box::new(Opened { disk: self.disk.clone(), life: self.life, inode, name }))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.disk.state();
        let is_new = !state.names.contains_key(to);
        state.operation(self.life, is_new, "link", to)?;
        let inode = *state.names.get(from).ok_or_else(not_found)?;
        state.parent_is_there(to)?;
        if state.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.names.insert(to.to_owned(), inode);
        state.namings.push(Naming { add: Some((to.to_owned(), inode)), remove: None });
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operation(self.life, true, "rename", to)?;
        state.parent_is_there(to)?;
        let inode = state.names.remove(from).ok_or_else(not_found)?;
        state.names.insert(to.to_owned(), inode);
        state.namings.push(Naming { add: Some((to.to_owned(), inode)), remove: Some(from.to_owned()) });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operation(self.life, false, "remove", path)?;
        state.names.remove(path).ok_or_else(not_found)?;
        state.namings.push(Naming { add: None, remove: Some(path.to_owned()) });
        Ok(())
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.disk.state();
        let is_new = !state.folders.contains_key(path);
        state.operation(self.life, is_new, "make_folder", path)?;
        if !is_new {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.parent_is_there(path)?;
        state.folders.insert(path.to_owned(), false);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operation(self.life, false, "sync_folder", path)?;
        if !state.folders.contains_key(path) {
            return Err(not_found());
        }
        if state.lies.no_folder_sync && path.starts_with("/data/media") {
            return Ok(());
        }
        let is_inside = |name: &Path| name.parent() == Some(path);
        let (now, later): (Vec<Naming>, Vec<Naming>) = std::mem::take(&mut state.namings).into_iter().partition(|naming| {
            naming.add.as_ref().is_some_and(|(name, _)| is_inside(name)) || naming.remove.as_deref().is_some_and(is_inside)
        });
        state.namings = later;
        for naming in now {
            apply(&mut state.durable_names, naming);
        }
        for (folder, durable) in &mut state.folders {
            *durable |= is_inside(folder);
        }
        Ok(())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut state = self.disk.state();
        state.operation(self.life, false, "names", folder)?;
        if !state.folders.contains_key(folder) {
            return Err(not_found());
        }
        let name = |path: &PathBuf| path.file_name().map(OsString::from)?.into_string().ok();
        let inside = |path: &&PathBuf| path.parent() == Some(folder);
        Ok(state.names.keys().filter(inside).chain(state.folders.keys().filter(inside)).filter_map(name).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.disk.state();
        state.operation(self.life, false, "exists", path)?;
        Ok(state.names.contains_key(path) || state.folders.contains_key(path))
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.operation(self.life, false, "inode", path)?;
        if state.folders.contains_key(path) { Ok(0) } else { state.names.get(path).copied().ok_or_else(not_found) }
    }

    fn allocate(&self, _: &Path, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn room(&self, _: &Path) -> Option<Room> {
        // Plenty, until it is full at once: a disk that other programs fill does not wait for the reserve.
        Some(Room { free: 1 << 40, total: 1 << 40 })
    }
}

/// An open file.
#[derive(Debug)]
struct Opened {
    disk: SimDisk,
    life: u64,
    inode: Inode,
    name: PathBuf,
}

impl Opened {
    fn with<R>(&self, what: &str, takes_room: bool, work: impl FnOnce(&mut Node, Lies) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.disk.state();
        state.operation(self.life, takes_room, what, &self.name)?;
        let lies = state.lies;
        work(state.files.get_mut(&self.inode).ok_or_else(eio)?, lies)
    }
}

impl Handle for Opened {
    fn len(&self) -> io::Result<u64> {
        self.with("len", false, |node, _| Ok(node.bytes.len() as u64))
    }

    fn links(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.operation(self.life, false, "links", &self.name)?;
        Ok(state.names.values().filter(|inode| **inode == self.inode).count() as u64)
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<()> {
        self.with("read_at", false, |node, _| {
            let at = at as usize;
            let from = node.bytes.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(from);
            Ok(())
        })
    }

    fn write_at(&self, new: &[u8], at: u64) -> io::Result<()> {
        let at = at as usize;
        let grows = { self.disk.state().files.get(&self.inode).is_some_and(|node| node.bytes.len() < at + new.len()) };
        self.with("write_at", grows, |node, _| {
            put(&mut node.bytes, at, new);
            node.pending.push(Write::Bytes(at, new.to_vec()));
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let grows = { self.disk.state().files.get(&self.inode).is_some_and(|node| (node.bytes.len() as u64) < len) };
        self.with("set_len", grows, |node, _| {
            node.bytes.resize(len as usize, 0);
            node.pending.push(Write::Len(len as usize));
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        {
            let mut state = self.disk.state();
            if state.will_fail_once() {
                state.lose_in_sync(self.inode);
            }
        }
        let is_database = self.name.extension().is_some_and(|extension| extension == "redb" || extension == "new");
        self.with("sync_data", false, |node, lies| {
            if if is_database { lies.no_database_sync } else { lies.no_file_sync } {
                return Ok(());
            }
            // Only what has changed: a database is large, and its commits are small.
            for write in std::mem::take(&mut node.pending) {
                write.apply(&mut node.durable);
            }
            Ok(())
        })
    }

    fn forget(&self) -> io::Result<()> {
        self.with("forget", false, |node, lies| {
            if !lies.memory_outlives_failure {
                let mut bytes = node.durable.clone();
                for write in &node.pending {
                    write.apply(&mut bytes);
                }
                node.bytes = bytes;
            }
            Ok(())
        })
    }

    fn real(&self) -> Option<io::Result<std::fs::File>> {
        None
    }
}

//! From a stream to a durable file: write, hash while writing, fsync, rename without replacing, fsync the folder.
//!
//! [`super::uploads`] drives it on blocking threads; the row of the media is committed afterwards. It promises that the
//! name stands for exactly these bytes, on disk, before anybody hears of it, and that no byte is written twice.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use maloca_protocol::{MediaHash, limits};

use super::MediaRoot;
use super::layout::sync;

/// A file that is being received.
pub struct Incoming {
    path: PathBuf,
    file: File,
    len: u64,
    // Boxed: each is 2 KB, and the file is handed from thread to thread.
    whole: Box<blake3::Hasher>,
    block: Box<blake3::Hasher>,
    in_block: usize,
    blocks: Vec<[u8; 32]>,
}

/// What a finished file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The hash of its bytes.
    pub hash: MediaHash,
    /// Its length.
    pub size: u64,
    /// The hash of each MiB.
    pub blocks: Vec<[u8; 32]>,
}

impl Incoming {
    /// Begins a new file, or goes on with one of which `offset` bytes are durable; what lies beyond is cut off.
    ///
    /// # Errors
    /// Where the disk refuses, or fewer bytes are there than were said to be durable.
    pub fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() < offset {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the unfinished file is shorter than was noted"));
        }
        file.set_len(offset)?;
        let mut incoming = Self {
            path: path.to_owned(),
            file: file.try_clone()?,
            len: 0,
            whole: Box::default(),
            block: Box::default(),
            in_block: 0,
            blocks: Vec::new(),
        };
        file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 256 * 1024];
        while incoming.len < offset {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            incoming.count(&buffer[..read]);
        }
        Ok(incoming)
    }

    /// Bytes received so far; durable after [`Incoming::sync`].
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes what came next.
    ///
    /// # Errors
    /// Where the disk refuses; the file must then be opened again at its last durable offset.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.count(bytes);
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        self.whole.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(limits::BLOCK_BYTES - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            if self.in_block == limits::BLOCK_BYTES {
                self.end_block();
            }
            rest = later;
        }
    }

    fn end_block(&mut self) {
        self.blocks.push(*self.block.finalize().as_bytes());
        self.block.reset();
        self.in_block = 0;
    }

    /// Makes the bytes so far durable.
    ///
    /// # Errors
    /// Where the disk fails; then the offset must not be told.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// What the bytes so far are.
    #[must_use]
    pub fn received(&mut self) -> Received {
        let mut blocks = self.blocks.clone();
        if self.in_block > 0 {
            blocks.push(*self.block.finalize().as_bytes());
        }
        Received { hash: MediaHash(*self.whole.finalize().as_bytes()), size: self.len, blocks }
    }

    /// Gives the file its name, durably. If the name is taken, the same bytes are there already and these are let go.
    ///
    /// # Errors
    /// Where the disk fails; then nothing may be acknowledged.
    pub fn publish(mut self, root: &MediaRoot) -> io::Result<Received> {
        let received = self.received();
        self.file.sync_all()?;
        let target = root.path(&received.hash);
        // A hard link never replaces; filesystems without links (FAT, a shared folder) fall back to look and rename.
        match std::fs::hard_link(&self.path, &target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => replace_if_damaged(&self.path, &target, received.size)?,
            Err(_) if target.exists() => replace_if_damaged(&self.path, &target, received.size)?,
            Err(_) => std::fs::rename(&self.path, &target)?,
        }
        if let Some(shard) = target.parent() {
            sync(shard)?;
        }
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(received),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(received),
            Err(error) => Err(error),
        }
    }
}

/// A name that is taken without a row (an upload was cut off between rename and commit) or with rotten bytes is the one
/// case in which whole, verified bytes take its place.
fn replace_if_damaged(fresh: &Path, target: &Path, size: u64) -> io::Result<()> {
    let mut file = File::open(target)?;
    let mut hasher = blake3::Hasher::new();
    let same_length = file.metadata()?.len() == size;
    if same_length {
        io::copy(&mut file, &mut hasher)?;
    }
    let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if same_length && hasher.finalize().to_hex().as_str() == name {
        // It may have been renamed by a run that was cut off before its bytes were durable.
        return file.sync_all();
    }
    std::fs::rename(fresh, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|n| (n * 31 % 251) as u8).collect()
    }

    #[test]
    fn whole_and_resumed_files_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let root = MediaRoot::open(folder.path()).unwrap();
        for len in [0, 1, limits::BLOCK_BYTES - 1, limits::BLOCK_BYTES, limits::BLOCK_BYTES + 1, 3 * limits::BLOCK_BYTES + 7] {
            let bytes = pattern(len);
            let path = root.incoming("one");
            let half = len / 2;
            let mut first = Incoming::open(&path, 0).unwrap();
            first.append(&bytes[..half]).unwrap();
            first.sync().unwrap();
            first.append(b"bytes that were never synced").unwrap();
            drop(first);
            let mut second = Incoming::open(&path, half as u64).unwrap();
            second.append(&bytes[half..]).unwrap();
            let received = second.publish(&root).unwrap();
            assert_eq!(received.hash, MediaHash::of(&bytes));
            assert_eq!(received.blocks.len(), len.div_ceil(limits::BLOCK_BYTES));
            assert_eq!(std::fs::read(root.path(&received.hash)).unwrap(), bytes);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_rotten_file_is_replaced_and_a_sound_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = MediaRoot::open(folder.path()).unwrap();
        let bytes = pattern(1000);
        let send = || {
            let mut incoming = Incoming::open(&root.incoming("one"), 0).unwrap();
            incoming.append(&bytes).unwrap();
            incoming.publish(&root).unwrap()
        };
        let target = root.path(&send().hash);
        let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
        let first = inode(&target);
        send();
        assert_eq!(inode(&target), first);
        std::fs::write(&target, vec![0; 1000]).unwrap();
        send();
        assert_eq!(std::fs::read(&target).unwrap(), bytes);
    }
}

//! From a stream to a durable file: write, hash while writing, fsync, rename without replacing, fsync the folder.
//!
//! [`super::uploads`] drives it on blocking threads; the row of the media is committed afterwards. It promises that the
//! name stands for exactly these bytes, on disk, before anybody hears of it, and that no byte is written twice.

use std::io;
use std::path::{Path, PathBuf};

use maloca_protocol::{MediaHash, limits};

use super::MediaRoot;
use crate::files::{Files, Handle, How};

/// Bytes that are read back at once.
const READ: usize = 256 * 1024;

/// A file that is being received.
pub struct Incoming {
    files: Files,
    path: PathBuf,
    /// Whether the folder may not know the file's name yet, durably.
    is_new: bool,
    file: Box<dyn Handle>,
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
    /// Begins a new file, or goes on with one of which `offset` bytes are durable; what lies beyond is cut off. `None` where nobody
    /// can go on with it: the disk has lost bytes that it had called durable, or the file was published and its row was not
    /// committed. Then it has the name of its hash, too, and somebody else may have been told meanwhile that it is held: whoever
    /// wrote to it would write to that.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn open(files: &Files, path: &Path, offset: u64) -> io::Result<Option<Self>> {
        let file = files.open(path, How::Make)?;
        if file.len()? < offset || file.links()? > 1 {
            return Ok(None);
        }
        file.set_len(offset)?;
        let mut incoming = Self {
            files: files.clone(),
            path: path.to_owned(),
            is_new: offset == 0,
            file,
            len: 0,
            whole: Box::default(),
            block: Box::default(),
            in_block: 0,
            blocks: Vec::new(),
        };
        let mut buffer = vec![0; READ.min(usize::try_from(offset).unwrap_or(READ))];
        while incoming.len < offset {
            let piece = usize::try_from(offset - incoming.len).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            incoming.file.read_at(&mut buffer[..piece], incoming.len)?;
            incoming.count(&buffer[..piece]);
        }
        Ok(Some(incoming))
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
        self.file.write_at(bytes, self.len)?;
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

    /// Makes the bytes so far durable, and the file's name with the first of them.
    ///
    /// # Errors
    /// Where the disk fails; then the offset must not be told.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        if let (true, Some(folder)) = (self.is_new, self.path.parent()) {
            self.files.sync_folder(folder)?;
            self.is_new = false;
        }
        Ok(())
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

    /// Gives the file its name, durably. If the name is taken, the same bytes are there already. The name under which it came
    /// stays where it can, for whoever commits the row to remove afterwards: until then the upload stands where it stood.
    ///
    /// # Errors
    /// Where the disk fails; then nothing may be acknowledged.
    pub fn publish(mut self, root: &MediaRoot) -> io::Result<Received> {
        let received = self.received();
        self.file.sync_data()?;
        let (files, target) = (&root.files, root.path(&received.hash));
        // A hard link never replaces; filesystems without links (FAT, a shared folder) fall back to look and rename.
        match files.link(&self.path, &target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                replace_if_damaged(files, &self.path, &target, &received)?;
            }
            Err(_) if files.exists(&target)? => replace_if_damaged(files, &self.path, &target, &received)?,
            Err(_) => files.rename(&self.path, &target)?,
        }
        if let Some(shard) = target.parent() {
            files.sync_folder(shard)?;
        }
        Ok(received)
    }
}

/// A name that is taken without a row (an upload was cut off between rename and commit) or with rotten bytes is the one
/// case in which whole, verified bytes take its place.
fn replace_if_damaged(files: &Files, fresh: &Path, target: &Path, received: &Received) -> io::Result<()> {
    let there = files.open(target, How::Read)?;
    there.forget()?;
    // One that cannot be read (a bad sector) is as good as damaged.
    let is_sound = there.len().is_ok_and(|len| len == received.size)
        && hash_of(&*there, received.size).is_ok_and(|hash| hash == received.hash);
    // It may have been renamed by a run that was cut off before its bytes were durable.
    if is_sound { there.sync_data() } else { files.rename(fresh, target) }
}

fn hash_of(file: &dyn Handle, size: u64) -> io::Result<MediaHash> {
    let (mut hasher, mut buffer, mut at) = (blake3::Hasher::new(), vec![0; READ], 0);
    while at < size {
        let piece = usize::try_from(size - at).map_or(READ, |rest| rest.min(READ));
        file.read_at(&mut buffer[..piece], at)?;
        hasher.update(&buffer[..piece]);
        at += piece as u64;
    }
    Ok(MediaHash(*hasher.finalize().as_bytes()))
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
        let root = MediaRoot::open(Files::real(), folder.path()).unwrap();
        for len in [0, 1, limits::BLOCK_BYTES - 1, limits::BLOCK_BYTES, limits::BLOCK_BYTES + 1, 3 * limits::BLOCK_BYTES + 7] {
            let bytes = pattern(len);
            let path = root.incoming("one");
            let half = len / 2;
            let mut first = Incoming::open(&root.files, &path, 0).unwrap().unwrap();
            first.append(&bytes[..half]).unwrap();
            first.sync().unwrap();
            first.append(b"bytes that were never synced").unwrap();
            drop(first);
            let mut second = Incoming::open(&root.files, &path, half as u64).unwrap().unwrap();
            second.append(&bytes[half..]).unwrap();
            let received = second.publish(&root).unwrap();
            assert_eq!(received.hash, MediaHash::of(&bytes));
            assert_eq!(received.blocks.len(), len.div_ceil(limits::BLOCK_BYTES));
            assert_eq!(std::fs::read(root.path(&received.hash)).unwrap(), bytes);
            root.files.remove_if_there(&path).unwrap();
        }
    }

    #[test]
    fn nobody_writes_to_a_file_that_was_published() {
        let folder = tempfile::tempdir().unwrap();
        let root = MediaRoot::open(Files::real(), folder.path()).unwrap();
        let bytes = pattern(1000);
        let mut incoming = Incoming::open(&root.files, &root.incoming("one"), 0).unwrap().unwrap();
        incoming.append(&bytes).unwrap();
        let received = incoming.publish(&root).unwrap();
        // The commit of its row failed, and the device goes on from where it was told that it stood.
        for offset in [0, 500] {
            assert!(Incoming::open(&root.files, &root.incoming("one"), offset).unwrap().is_none());
            assert_eq!(std::fs::read(root.path(&received.hash)).unwrap(), bytes);
        }
    }

    #[test]
    fn a_rotten_file_is_replaced_and_a_sound_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = MediaRoot::open(Files::real(), folder.path()).unwrap();
        let bytes = pattern(1000);
        let send = || {
            let mut incoming = Incoming::open(&root.files, &root.incoming("one"), 0).unwrap().unwrap();
            incoming.append(&bytes).unwrap();
            let received = incoming.publish(&root).unwrap();
            root.files.remove_if_there(&root.incoming("one")).unwrap();
            received
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

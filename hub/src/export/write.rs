//! Writing a bundle to a drive: a temporary folder, every file and folder made durable, then the name.
//!
//! [`super::run`] alone uses it. It promises: nothing that was on the drive is touched, but what this hub itself left
//! unfinished; a bundle has its name only when all of it is durable; a [`Bag`] that is dropped leaves nothing behind, unless it was told to.
//!
//! Files are made durable together, by `syncfs`, in the background of the next ones: an fsync for each photo is a flush of the
//! drive for each photo, and took twice as long (measured). FUSE filesystems do not hand `syncfs` on to the program behind them, so
//! there each file is fsynced. Kernels before 5.8 do not tell of a failed write in `syncfs`; reading everything back does.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use maloca_protocol::{DeviceId, DeviceKey, MediaHash};
use sha2::{Digest as _, Sha256};

use super::bundle::{self, MANIFEST};
use super::drives::Filesystem;
use super::leftovers::Leftovers;
use super::sealed::{Archive, Seal, Sealed};
use super::{ExportError, drive_error, signature};

/// Files and bytes that may wait to be made durable together: a cancelled export need not wait for more than that.
const WAITING_FILES: usize = 256;
/// See [`WAITING_FILES`].
const WAITING_BYTES: u64 = 64 * 1024 * 1024;

/// A file of the bundle while it is written: hashed and counted on the way.
pub(super) struct Out {
    file: BufWriter<File>,
    path: String,
    sha: Sha256,
    bytes: u64,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A bundle that is being written.
pub(super) struct Bag {
    parent: PathBuf,
    /// Where its files are made.
    root: PathBuf,
    /// The folder on the drive that is to have the name; the same, unless it is sealed.
    on_drive: PathBuf,
    /// Where each file goes when it is finished, if it is sealed.
    archive: Option<Archive>,
    folders: BTreeSet<PathBuf>,
    manifest: Option<Out>,
    tags: Vec<([u8; 32], String)>,
    waiting: Vec<File>,
    waiting_bytes: u64,
    /// The files before those that wait, being made durable.
    syncing: Option<JoinHandle<io::Result<()>>>,
    is_fuse: bool,
    /// Bytes and files of the payload so far.
    pub(super) payload: (u64, u64),
    made_parent: bool,
    leftovers: Leftovers,
    /// It is to stay as it is: under its name, or for the next export to go on with.
    stays: bool,
}

impl Bag {
    /// Begins a bundle of `hub` in `to`, with what this hub has left unfinished there.
    pub(super) fn begin(to: &Path, hub: &DeviceId, leftovers: Leftovers, seal: Option<Seal<'_>>) -> Result<Self, ExportError> {
        let parent = to.join(bundle::FOLDER);
        let made_parent = match fs::create_dir(&parent) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(drive_error(&parent, error)),
        };
        let on_drive = parent.join(format!("{}{:08x}", bundle::partial_prefix(hub), rand::random::<u32>()));
        if let Err(error) = fs::create_dir(&on_drive) {
            if made_parent {
                let _ = fs::remove_dir(&parent);
            }
            return Err(drive_error(&on_drive, error));
        }
        let is_fuse = Filesystem::of(&on_drive).map_or(true, |filesystem| filesystem.kind.starts_with("fuse"));
        let mut bag = Self {
            parent,
            root: on_drive.clone(),
            on_drive,
            archive: None,
            folders: BTreeSet::new(),
            manifest: None,
            tags: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            syncing: None,
            is_fuse,
            payload: (0, 0),
            made_parent,
            leftovers,
            stays: false,
        };
        if let Some(seal) = seal {
            bag.root.clone_from(&seal.staging);
            // Nobody else makes it, and one that a killed hub has left is of no use.
            let _ = fs::remove_dir_all(&bag.root);
            fs::create_dir(&bag.root).map_err(|error| drive_error(&bag.root, error))?;
            bag.archive = Some(Archive::begin(&bag.on_drive, seal).map_err(|error| drive_error(&bag.on_drive, error))?);
        }
        bag.folders.insert(bag.root.clone());
        bag.manifest = Some(bag.create(MANIFEST)?);
        Ok(bag)
    }

    /// Where its files are made.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What lies on the drive.
    pub(super) fn on_drive(&self) -> &Path {
        &self.on_drive
    }

    /// Begins a file; its folders are made. `path` is relative, with slashes.
    pub(super) fn create(&mut self, path: &str) -> Result<Out, ExportError> {
        let whole = self.folder_for(path)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&whole).map_err(|error| drive_error(&whole, error))?;
        let file = BufWriter::with_capacity(256 * 1024, file);
        Ok(Out { file, path: path.to_owned(), sha: Sha256::new(), bytes: 0 })
    }

    /// Where a file of the bundle lies; its folders are made.
    fn folder_for(&mut self, path: &str) -> Result<PathBuf, ExportError> {
        let whole = self.root.join(path);
        let folder = whole.parent().unwrap_or(&self.root).to_owned();
        if !self.folders.contains(&folder) {
            let mut between: Vec<&Path> = folder.ancestors().take_while(|above| *above != self.root).collect();
            between.reverse();
            for step in between {
                // One by one, and never the bundle's own: where a drive was pulled, that would go on at its place on the laptop's disk.
                match fs::create_dir(step) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(drive_error(step, error)),
                    _ => drop(self.folders.insert(step.to_owned())),
                }
            }
        }
        Ok(whole)
    }

    /// Takes over a media file that an interrupted export has left, if it lies there whole: it is read once. Says whether it was.
    pub(super) fn take_over(&mut self, path: &str, hash: &MediaHash, size: u64) -> Result<bool, ExportError> {
        if self.archive.is_some() {
            return Ok(false);
        }
        let Some((old, _)) = self.leftovers.file(path).filter(|(_, there)| *there == size) else { return Ok(false) };
        let Ok(Some(read)) = hashed(&old, hash) else {
            // A new one is written; this one only takes room.
            let _ = fs::remove_file(&old);
            return Ok(false);
        };
        let whole = self.folder_for(path)?;
        fs::rename(&old, &whole).map_err(|error| drive_error(&whole, error))?;
        let file = OpenOptions::new().read(true).write(true).open(&whole).map_err(|error| drive_error(&whole, error))?;
        self.add(Out { file: BufWriter::new(file), path: path.to_owned(), sha: read, bytes: size })?;
        Ok(true)
    }

    /// Leaves everything as it is: the next export goes on with it.
    pub(super) const fn leave(&mut self) {
        // Nothing can be added to what is sealed.
        self.stays = self.archive.is_none();
    }

    /// Ends a file of the payload and enters it into the manifest. It is durable at the latest when the bag is closed.
    pub(super) fn add(&mut self, out: Out) -> Result<(), ExportError> {
        let (bytes, path) = (out.bytes, out.path.clone());
        let digest = self.end(out)?;
        self.payload.0 += bytes;
        self.payload.1 += 1;
        let line = bundle::manifest_line(&digest, &path);
        let failed = |error| drive_error(&self.root, error);
        self.manifest.as_mut().map_or(Ok(()), |manifest| manifest.write_all(line.as_bytes())).map_err(failed)
    }

    /// Where a file will lie that another library writes, to be handed to [`Self::adopt`]; its folder is there.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Enters a file of the payload that another library has written at its [`Self::place`]: it is read once for its hash.
    pub(super) fn adopt(&mut self, path: &str) -> Result<(), ExportError> {
        let whole = self.root.join(path);
        let out = {
            let failed = |error| drive_error(&whole, error);
            let mut file = OpenOptions::new().read(true).write(true).open(&whole).map_err(failed)?;
            let (mut sha, mut bytes, mut block) = (Sha256::new(), 0, vec![0; 256 * 1024]);
            loop {
                match file.read(&mut block) {
                    Ok(0) => break,
                    Ok(read) => {
                        sha.update(&block[..read]);
                        bytes += read as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            Out { file: BufWriter::new(file), path: path.to_owned(), sha, bytes }
        };
        self.add(out)
    }

    /// Gives up a file of the payload that could not be written whole for its source's sake.
    pub(super) fn give_up(&self, out: Out) -> Result<(), ExportError> {
        let path = self.root.join(&out.path);
        drop(out);
        fs::remove_file(&path).map_err(|error| drive_error(&path, error))
    }

    /// Writes a tag file.
    pub(super) fn tag(&mut self, path: &str, text: &str) -> Result<(), ExportError> {
        let mut out = self.create(path)?;
        out.write_all(text.as_bytes()).map_err(|error| drive_error(&self.root, error))?;
        let digest = self.end(out)?;
        self.tags.push((digest, path.to_owned()));
        Ok(())
    }

    fn end(&mut self, out: Out) -> Result<[u8; 32], ExportError> {
        let failed = |error: io::Error| drive_error(&self.root.join(&out.path), error);
        let file = out.file.into_inner().map_err(|error| failed(error.into_error()))?;
        if let Some(archive) = &mut self.archive {
            drop(file);
            archive.take(&self.root.join(&out.path), &out.path).map_err(|error| drive_error(archive.folder(), error))?;
            return Ok(out.sha.finalize().into());
        }
        self.waiting_bytes += out.bytes;
        self.waiting.push(file);
        if self.waiting.len() >= WAITING_FILES || self.waiting_bytes >= WAITING_BYTES {
            self.sync_waiting()?;
        }
        Ok(out.sha.finalize().into())
    }

    /// Begins to make durable what waits, after what was begun before is done.
    fn sync_waiting(&mut self) -> Result<(), ExportError> {
        self.synced()?;
        let (files, is_fuse) = (std::mem::take(&mut self.waiting), self.is_fuse);
        self.waiting_bytes = 0;
        self.syncing = Some(std::thread::spawn(move || match files.last() {
            Some(any) if !is_fuse => Ok(nix::unistd::syncfs(any)?),
            _ => files.iter().try_for_each(File::sync_all),
        }));
        Ok(())
    }

    /// Waits until what was begun is durable.
    fn synced(&mut self) -> Result<(), ExportError> {
        let Some(syncing) = self.syncing.take() else { return Ok(()) };
        let done = syncing.join().unwrap_or_else(|_| Err(io::Error::other("syncing ended early")));
        done.map_err(|error| drive_error(&self.root, error))
    }

    /// Writes the manifests and the signature, and makes everything durable, but not yet under its name. Gives the archive, if it is
    /// sealed. `id` is the bundle's.
    pub(super) fn close(&mut self, key: &DeviceKey, id: &[u8; 16]) -> Result<Option<Sealed>, ExportError> {
        self.leftovers.remove();
        if let Some(manifest) = self.manifest.take() {
            let digest = self.end(manifest)?;
            self.tags.push((digest, MANIFEST.to_owned()));
        }
        let lines: String = self.tags.iter().map(|(digest, path)| bundle::manifest_line(digest, path)).collect();
        let mut out = self.create(bundle::TAG_MANIFEST)?;
        out.write_all(lines.as_bytes()).map_err(|error| drive_error(&self.root, error))?;
        let tag_manifest = self.end(out)?;
        let mut out = self.create(signature::FILE)?;
        let signed = signature::text(key, &tag_manifest);
        out.write_all(signed.as_bytes()).map_err(|error| drive_error(&self.root, error))?;
        self.end(out)?;
        if let Some(archive) = self.archive.take() {
            let sealed = archive.finish(id).map_err(|error| drive_error(&self.on_drive, error))?;
            sync_folder(&self.on_drive)?;
            return Ok(Some(sealed));
        }
        self.sync_waiting()?;
        self.synced()?;
        // The deepest first: a name is durable when the folder that holds it is.
        for folder in self.folders.iter().rev() {
            sync_folder(folder)?;
        }
        Ok(None)
    }

    /// Gives the bundle its name, durably: the first of those that `name` makes from 1, 2, … that is free.
    pub(super) fn name(mut self, name: impl Fn(u32) -> String) -> Result<PathBuf, ExportError> {
        for n in 1.. {
            let target = self.parent.join(name(n));
            // Renaming a folder onto an empty one would replace it; nobody but this export makes such names, so looking is enough.
            if target.symlink_metadata().is_ok() {
                continue;
            }
            fs::rename(&self.on_drive, &target).map_err(|error| drive_error(&target, error))?;
            self.stays = true;
            sync_folder(&self.parent)?;
            if self.made_parent {
                sync_folder(self.parent.parent().unwrap_or(Path::new("/")))?;
            }
            return Ok(target);
        }
        Err(drive_error(&self.parent, io::ErrorKind::AlreadyExists.into()))
    }
}

impl Drop for Bag {
    fn drop(&mut self) {
        if self.root != self.on_drive
            && let Err(error) = fs::remove_dir_all(&self.root)
        {
            tracing::warn!(%error, path = %self.root.display(), "what was made to be sealed could not be removed; the next sealed copy will do so");
        }
        if self.stays {
            return;
        }
        self.waiting.clear();
        self.manifest = None;
        self.archive = None;
        // Best effort: the drive may be gone. What stays is removed by the next export.
        if let Err(error) = fs::remove_dir_all(&self.on_drive) {
            tracing::warn!(%error, "an unfinished bundle could not be removed; the next export to this drive will do so");
        }
        if self.made_parent {
            let _ = fs::remove_dir(&self.parent);
        }
    }
}

/// Reads a media file; gives what its SHA-256 is made of, or nothing where it is another file than `hash`.
fn hashed(path: &Path, hash: &MediaHash) -> io::Result<Option<Sha256>> {
    let mut file = File::open(path)?;
    let (mut sha, mut blake, mut block) = (Sha256::new(), blake3::Hasher::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                sha.update(&block[..read]);
                blake.update(&block[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((blake.finalize().as_bytes() == &hash.0).then_some(sha))
}

/// Makes the names in a folder durable. Some filesystems refuse to sync folders at all, and have nothing to sync then.
fn sync_folder(folder: &Path) -> Result<(), ExportError> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done.map_err(|error| drive_error(folder, error)),
    }
}

//! The database on the hub's [`Files`]: how its file is opened, and begun.
//!
//! [`super::Store`] opens through an [`Opener`], again after each fault. It promises that the name `hub.redb` appears only when
//! the database behind it is whole and durable: a cut inside the creation of one leaves a file that never opens again.

use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, StorageBackend};

use super::blocks::{Checked, Noticed, Rotten, is_plain};
use super::{StoreError, upgrade};
use crate::disk::RESERVE_BYTES;
use crate::files::{Files, Handle, How};

/// Memory for the database's pages: a million records are served well from it, and an old laptop has it to give.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// The name of the database file in a data folder.
pub const FILE: &str = "hub.redb";

/// How the database of a data folder is opened, and opened again after a fault; begins it where there is none.
#[derive(Debug, Clone)]
pub struct Opener {
    files: Files,
    path: PathBuf,
    rotten: Rotten,
    noticed: Noticed,
}

impl Opener {
    /// For a hub: what is rotten is not believed.
    #[must_use]
    pub fn new(files: Files, folder: &Path) -> Self {
        Self { files, path: folder.join(FILE), rotten: Rotten::Refuse, noticed: Noticed::default() }
    }

    /// For `verify`: what is rotten is read as far as that goes.
    #[must_use]
    pub(crate) fn to_look_at(files: Files, folder: &Path) -> Self {
        Self { rotten: Rotten::Read, ..Self::new(files, folder) }
    }

    /// The blocks of the file that were found rotten so far.
    #[must_use]
    pub fn noticed(&self) -> Noticed {
        self.noticed.clone()
    }

    /// Whether what is missing may be made.
    pub(super) fn is_for_a_hub(&self) -> bool {
        self.rotten == Rotten::Refuse
    }

    pub(super) fn open(&self) -> Result<Database, StoreError> {
        let there = self.files.exists(&self.path).map_err(|error| StoreError::file("could not look for", &self.path, error))?;
        match (there, self.rotten) {
            (false, _) => self.create()?,
            (true, Rotten::Refuse) => self.upgrade()?,
            (true, Rotten::Read) => {}
        }
        self.database(&self.path, How::Change)
    }

    fn handle(&self, path: &Path, how: How) -> Result<Box<dyn Handle>, StoreError> {
        let file = |error| StoreError::file("could not open", path, error);
        let handle = self.files.open(path, how).map_err(file)?;
        // This may be the way back from a fault: what is true is on the disk, and memory may say something else.
        handle.forget().map_err(file)?;
        // An empty file would be taken for a new database, and what was in it for never having been.
        if how == How::Change && handle.len().map_err(file)? == 0 {
            return Err(StoreError::Unusable("its file is empty".into()));
        }
        Ok(handle)
    }

    fn database(&self, path: &Path, how: How) -> Result<Database, StoreError> {
        let handle = self.handle(path, how)?;
        let file = |error| StoreError::file("could not read", path, error);
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let has_no_sums = is_plain(&*handle).map_err(file)?;
        Ok(match (has_no_sums, system_file(path, &*handle)?) {
            (true, Some(system)) => builder.create_with_backend(system)?,
            (true, None) => builder.create_with_backend(Through(handle))?,
            (false, Some(system)) => builder.create_with_backend(self.checked(system))?,
            (false, None) => builder.create_with_backend(self.checked(Through(handle)))?,
        })
    }

    fn checked(&self, file: impl StorageBackend) -> Checked {
        Checked::new(Box::new(file), self.rotten, self.noticed.clone())
    }

    fn new_path(&self) -> PathBuf {
        self.path.with_extension("redb.new")
    }

    fn create(&self) -> Result<(), StoreError> {
        let new = self.new_path();
        let file = |what: &'static str| {
            let new = new.clone();
            move |source| StoreError::file(what, &new, source)
        };
        // What an interrupted start has left.
        self.files.remove_if_there(&new).map_err(file("could not remove"))?;
        let database = self.database(&new, How::Make)?;
        upgrade::begin(&database)?;
        drop(database);
        self.files.open(&new, How::Change).and_then(|handle| handle.sync_data()).map_err(file("could not write"))?;
        self.put_in_place()
    }

    fn put_in_place(&self) -> Result<(), StoreError> {
        let new = self.new_path();
        self.files.rename(&new, &self.path).map_err(|error| StoreError::file("could not rename", &new, error))?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        self.files.sync_folder(folder).map_err(|error| StoreError::file("could not sync the folder", folder, error))
    }

    /// Gives a file from before there were sums its sums. Where there is no room for a copy it stays as it is.
    fn upgrade(&self) -> Result<(), StoreError> {
        let old = self.handle(&self.path, How::Change)?;
        let failed = |error| StoreError::file("could not read", &self.path, error);
        if !is_plain(&*old).map_err(failed)? {
            return Ok(());
        }
        // A copy that fills the disk would take the room by which a full disk is managed.
        let needed = old.len().map_err(failed)?.saturating_add(RESERVE_BYTES);
        if self.files.room(self.path.parent().unwrap_or(Path::new("."))).is_some_and(|room| room.free < needed) {
            tracing::warn!("no room to give the database its checksums; it is used without them until there is");
            return Ok(());
        }
        // Of two programs that come upon it only one may copy it.
        let lock = system_file(&self.path, &*old)?;
        if lock.as_ref().is_some_and(|file| matches!(file.try_lock_range(Bound::Unbounded, Bound::Unbounded), Ok(false))) {
            return Err(StoreError::InUse);
        }
        let new = self.new_path();
        let written = |error| StoreError::file("could not write", &new, error);
        self.files.remove_if_there(&new).map_err(written)?;
        let copied = self.handle(&new, How::Make).and_then(|file| copy(&*old, &self.checked(Through(file))).map_err(written));
        match copied {
            Ok(()) => self.put_in_place(),
            // Others have filled the disk meanwhile.
            Err(error) if error.is_full() => self.files.remove_if_there(&new).map_err(written),
            Err(error) => Err(error),
        }
    }
}

/// The database's own way to the system's files, with its locks.
fn system_file(path: &Path, handle: &dyn Handle) -> Result<Option<FileBackend>, StoreError> {
    let Some(real) = handle.real() else { return Ok(None) };
    Ok(Some(FileBackend::new(real.map_err(|error| StoreError::file("could not open", path, error))?)?))
}

/// Copies a database's bytes, durably.
fn copy(from: &dyn Handle, to: &Checked) -> io::Result<()> {
    const STEP: u64 = 1024 * 1024;
    let len = from.len()?;
    to.set_len(len)?;
    let mut bytes = vec![0; STEP as usize];
    let mut at = 0;
    while at < len {
        let part = &mut bytes[..usize::try_from(STEP.min(len - at)).map_err(io::Error::other)?];
        from.read_at(part, at)?;
        to.write(at, part)?;
        at += part.len() as u64;
    }
    to.sync_data()
}

/// A disk that is not the system's, as the database wants it.
#[derive(Debug)]
struct Through(Box<dyn Handle>);

impl StorageBackend for Through {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(data, offset)
    }
}

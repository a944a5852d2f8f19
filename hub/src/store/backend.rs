//! The database on the hub's [`Files`]: how its file is opened, and begun.
//!
//! [`super::Store`] opens through [`opener`], again after each fault. It promises that the name `hub.redb` appears only when
//! the database behind it is whole and durable: a cut inside the creation of one leaves a file that never opens again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{Database, StorageBackend};

use super::{StoreError, upgrade};
use crate::files::{Files, Handle, How};

/// Memory for the database's pages: a million records are served well from it, and an old laptop has it to give.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// The name of the database file in a data folder.
pub const FILE: &str = "hub.redb";

/// How the database is opened, and opened again after a fault.
pub type Opener = Arc<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

/// The opener of a data folder's database: begins it where there is none.
#[must_use]
pub fn opener(files: Files, folder: &Path) -> Opener {
    let path = folder.join(FILE);
    Arc::new(move || {
        let there = files.exists(&path).map_err(|error| StoreError::file("could not look for", &path, error))?;
        if !there {
            create(&files, &path)?;
        }
        open(&files, &path, How::Change)
    })
}

fn open(files: &Files, path: &Path, how: How) -> Result<Database, StoreError> {
    let file = |error| StoreError::file("could not open", path, error);
    let handle = files.open(path, how).map_err(file)?;
    // This may be the way back from a fault: what is true is on the disk, and memory may say something else.
    handle.forget().map_err(file)?;
    // An empty file would be taken for a new database, and what was in it for never having been.
    if how == How::Change && handle.len().map_err(file)? == 0 {
        return Err(StoreError::Unusable("its file is empty".into()));
    }
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    Ok(match handle.real() {
        // The database's own way to the system's files, with its locks.
        Some(real) => builder.create_with_backend(FileBackend::new(real.map_err(file)?)?)?,
        None => builder.create_with_backend(Through(handle))?,
    })
}

fn create(files: &Files, path: &Path) -> Result<(), StoreError> {
    let new: PathBuf = path.with_extension("redb.new");
    let file = |what: &'static str| {
        let new = new.clone();
        move |source| StoreError::file(what, &new, source)
    };
    // What an interrupted start has left.
    files.remove_if_there(&new).map_err(file("could not remove"))?;
    let database = open(files, &new, How::Make)?;
    upgrade::begin(&database)?;
    drop(database);
    files.open(&new, How::Change).and_then(|handle| handle.sync_data()).map_err(file("could not write"))?;
    files.rename(&new, path).map_err(file("could not rename"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    files.sync_folder(folder).map_err(|error| StoreError::file("could not sync the folder", folder, error))
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

//! A device's store on disk: its key, the hubs it knows, its documents and revisions, what waits, and the files it has hashed.
//!
//! [`super::Device`] calls this, always off the async threads, since each commit waits for the disk. It promises: what a
//! call has written is durable when it returns, all of it or nothing; a kill at any moment, creation included, leaves a
//! store that opens; every value that is read is the one that was written, or the read fails; the cache stays below 16 MB.
//!
//! # The folder
//!
//! ```text
//! device.key     the secret, 64 hex digits, readable by its owner only
//! device.redb    everything else; holds the hubs' tokens, so readable by its owner only as well
//! ```
//!
//! Readers and writers take turns: one transaction at a time, milliseconds each, since one device has one user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use redb::{Builder, Database, DatabaseError};

use crate::ids::DeviceId;
use crate::keys::DeviceKey;

mod hubs;
mod media;
mod rows;
mod tables;

pub use hubs::KnownHub;
pub use media::{HashedFile, MediaFile, MediaWait};
use tables::T;
pub use tables::Tx;

const KEY_FILE: &str = "device.key";
const DATABASE_FILE: &str = "device.redb";

/// The form of the tables that this code writes.
const FORMAT: u32 = 1;

/// redb's own default is a gigabyte; a device touches each row once or twice.
const CACHE_BYTES: usize = 12 * 1024 * 1024;

/// Why the store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works with this folder.
    #[error("the device folder {0} is in use by another program; wait until it has ended, or use another folder")]
    InUse(PathBuf),
    /// The folder or a file in it could not be read or written.
    #[error("cannot use {path}; check that the folder is on a disk that works, has room and belongs to you")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key file is not a key.
    #[error("{0} does not hold a device's key; put the right file there, or move the whole folder away to begin anew")]
    BadKey(PathBuf),
    /// A later program wrote the folder.
    #[error("the device folder is of format {0}, this program knows format {FORMAT}; update the program")]
    TooNew(u32),
    /// A value is not the one that was written.
    #[error("the device's store is damaged: a value in the table {table} is not the one that was written")]
    Damaged {
        /// Where.
        table: &'static str,
    },
    /// The database failed; nothing of this call may be taken for written, nor for not written.
    #[error("the device's store failed")]
    Database(#[source] Box<redb::Error>),
    /// The database broke down over a damaged page.
    #[error("the device's store is damaged so that it cannot be read")]
    Broken,
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// The store. Cheap to clone; the turn is a plain mutex inside redb, held for one transaction.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    db: Database,
    key: DeviceKey,
    folder: PathBuf,
    /// The last place that was given in the queue.
    place: Mutex<u64>,
}

impl Store {
    /// Opens the folder, or makes it. Blocks on the disk.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Folder { path, source }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let folder = fs::canonicalize(folder).map_err(at(folder))?;
        let key = open_key(&folder)?;
        let path = folder.join(DATABASE_FILE);
        if !path.exists() {
            create(&folder, &path)?;
        }
        let db = Builder::new().set_cache_size(CACHE_BYTES).open(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(folder.clone()),
            other => other.into(),
        })?;
        let store = Self { shared: Arc::new(Shared { db, key, folder, place: Mutex::new(0) }) };
        store.begin()?;
        Ok(store)
    }

    /// The device's key.
    #[must_use]
    pub fn key(&self) -> &DeviceKey {
        &self.shared.key
    }

    /// The device's id.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.shared.key.id()
    }

    /// The folder, absolute.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Runs `work` in one transaction, which is durable when this returns; where it fails nothing of it is. A transaction that changed
    /// nothing costs no flush. Blocks on the disk.
    ///
    /// # Errors
    /// Those of `work`, and where the database fails.
    pub fn write<V>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<V, StoreError>) -> Result<V, StoreError> {
        let mut txn = self.shared.db.begin_write()?;
        txn.set_quick_repair(true);
        let mut place = self.shared.place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut tx = Tx::open(&txn, *place)?;
        let value = work(&mut tx)?;
        let (changed, next) = tx.close()?;
        if changed {
            txn.commit()?;
            *place = next;
        } else {
            txn.abort()?;
        }
        Ok(value)
    }

    /// As [`Store::write`], off the async threads.
    ///
    /// # Errors
    /// Those of `work`, and where the database fails or breaks down.
    pub async fn run<V: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &DeviceKey) -> Result<V, StoreError> + Send + 'static,
    ) -> Result<V, StoreError> {
        let store = self.clone();
        // A damaged page can make redb panic; that ends this call, not the program.
        let ended = tokio::task::spawn_blocking(move || store.write(|tx| work(tx, store.key()))).await;
        ended.map_err(|_| StoreError::Broken)?
    }

    /// Checks the format, and finds the last place of the queue.
    fn begin(&self) -> Result<(), StoreError> {
        let place = self.write(|tx| {
            match tx.get_json::<u32>(T::Meta, b"format")? {
                None => tx.put_json(T::Meta, b"format", &FORMAT)?,
                Some(FORMAT) => {}
                Some(other) => return Err(StoreError::TooNew(other)),
            }
            Ok(tx.get_json::<u64>(T::Meta, b"place")?.unwrap_or(0))
        })?;
        *self.shared.place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = place;
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

/// Reads the key, or makes one. It is durable before anything is signed with it.
fn open_key(folder: &Path) -> Result<DeviceKey, StoreError> {
    let path = folder.join(KEY_FILE);
    let failed = |source| StoreError::Folder { path: path.clone(), source };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let seed = data_encoding::HEXLOWER.decode(text.trim().as_bytes()).ok().and_then(|seed| seed.try_into().ok());
            seed.map(DeviceKey::from_seed).ok_or_else(|| StoreError::BadKey(path.clone()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = DeviceKey::generate();
            let text = data_encoding::HEXLOWER.encode(&key.seed());
            let temporary = temporary(folder, KEY_FILE);
            let mut file = secret_file(&temporary).map_err(failed)?;
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            publish(folder, &temporary, &path)?;
            // Had two programs begun here at once, the one that came first counts.
            let kept = fs::read_to_string(&path).map_err(failed)?;
            if kept == text { Ok(key) } else { open_key(folder) }
        }
        Err(error) => Err(failed(error)),
    }
}

/// Creating a redb file is not crash-safe, so it is made whole under another name first.
fn create(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let temporary = temporary(folder, DATABASE_FILE);
    let failed = |source| StoreError::Folder { path: temporary.clone(), source };
    let file = secret_file(&temporary).map_err(failed)?;
    drop(Builder::new().set_cache_size(CACHE_BYTES).create_file(file)?);
    File::open(&temporary).and_then(|file| file.sync_all()).map_err(failed)?;
    publish(folder, &temporary, path)
}

/// A name that no other program uses at the same time, and that a later start may write over.
fn temporary(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.{}.new", std::process::id()))
}

fn secret_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Gives a finished file its name, unless another has it already, and makes the name durable.
fn publish(folder: &Path, temporary: &Path, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Folder { path: path.to_owned(), source };
    match fs::hard_link(temporary, path) {
        Ok(()) => fs::remove_file(temporary).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(temporary).map_err(failed)?,
        // FAT and some phones' disks know no links; there a rename must do.
        Err(_) => fs::rename(temporary, path).map_err(failed)?,
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

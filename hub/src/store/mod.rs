//! The store: one database file, one writer, snapshots for readers.
//!
//! Intake, feed, query, export and trust go through [`Store`]; this room alone knows redb. It promises: a write that was
//! answered is durable and whole; a write that failed may or may not be there, so that repeating it must be harmless (and
//! all of the hub's writes are); every value read was checked; after a fault of the disk it opens itself again.
//!
//! [`Store`] is a cheap clone. Its one lock guards only the handle of the open database, is held for no longer than it
//! takes to copy that handle, and is a plain `RwLock` because nothing is awaited under it.

mod backend; // the database's file, and how it is begun
mod blocks; // a check for each of its blocks
pub mod codec; // sealed values
pub mod rows; // what the tables hold
pub mod spans; // sets of places in the feed
pub mod tables; // which tables there are
pub mod ordered; // the kept revisions in the order in which hubs compare them
mod upgrade; // from older formats to this one
pub mod view; // reading
pub mod tx; // what a job of the writer works with
mod writer; // the one that commits

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use redb::Database;
use tokio::sync::{broadcast, mpsc, oneshot};

pub use backend::{FILE, Opener};
pub use blocks::Noticed;
pub use codec::Damage;
/// What the database says of itself, for `verify`, which tells damage from a disk that failed.
pub(crate) use redb as redb_error;
pub use spans::Spans;
pub use tables::T;
pub use tx::{Committed, Totals, WriteTx, totals};
pub use view::{Snapshot, View};

/// Where the project's id is among the settings.
pub(crate) const PROJECT: &[u8] = b"project";

/// Jobs that may wait for the writer; beyond, senders wait in their own connections.
const QUEUE: usize = 1024;

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A value is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The disk is full.
    #[error("the disk is full")]
    Full(#[source] Arc<redb::Error>),
    /// The disk failed.
    #[error("the disk failed")]
    Disk(#[source] Arc<redb::Error>),
    /// After a fault the database is being opened again.
    #[error("the database is being opened again after a fault of the disk; try again in a moment")]
    Reopening,
    /// Another hub has this data folder open.
    #[error("another hub is running on this data folder; end it first, or give this one another folder with --data")]
    InUse,
    /// The data folder was written by a newer version.
    #[error("the data folder is of format {found}, this version reads up to {known}; install the newer version of Maloca")]
    TooNew {
        /// The folder's format.
        found: u64,
        /// The newest that this program reads.
        known: u64,
    },
    /// The files in the folder are not a store.
    #[error("the data folder holds no usable database: {0}")]
    Unusable(String),
    /// A file beside the database could not be written or read.
    #[error("{what} {path}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A job failed inside; its own fault, and nobody else's.
    #[error("an error inside the program: {0}")]
    Bug(String),
    /// The hub is ending.
    #[error("the hub is shutting down")]
    Closed,
}

impl StoreError {
    /// Names a file operation that failed.
    pub(crate) fn file(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File { what, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Whether the disk has no room left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full(_) => true,
            Self::File { source, .. } => is_full(source),
            _ => false,
        }
    }

    const fn is_fault_of_disk(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Disk(_))
    }
}

/// Whether an I/O error says that there is no room.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match &error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::Io(io) if is_full(io) => Self::Full(Arc::new(error)),
            _ => Self::Disk(Arc::new(error)),
        }
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}
from_redb!(DatabaseError, TransactionError, TableError, StorageError, CommitError, SetDurabilityError);

struct Shared {
    noticed: Noticed,
    database: RwLock<Option<Arc<Database>>>,
    jobs: mpsc::Sender<writer::Message>,
    committed: broadcast::Sender<Arc<Committed>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let database = self.database.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let_go(database);
    }
}

/// Closes a database as a kill would: without a last word.
///
/// A database that is closed in good order reads and writes once more, and on damage panics while it does, in ways that nothing can
/// catch. While a thread unwinds it leaves that out; every commit has written what the next opening needs, which takes a millisecond
/// either way.
fn let_go(database: Option<Arc<Database>>) {
    let closed = catch_unwind(AssertUnwindSafe(move || {
        let _closed_on_the_way = database;
        resume_unwind(Box::new(()))
    }));
    drop::<Result<(), _>>(closed);
}

/// The open store.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

/// The writer's thread; waiting for it is how one knows that everything asked for has been done.
pub struct WriterThread(std::thread::JoinHandle<()>);

impl WriterThread {
    /// Waits until the writer has done all that was asked of it. [`Store::close`] must have been called.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the writer ended in a panic");
        }
    }
}

impl Store {
    /// Opens the store and starts its writer.
    ///
    /// # Errors
    /// Where another hub has it, the disk refuses, or the format is newer than this program.
    pub fn open(opener: Opener) -> Result<(Self, WriterThread), StoreError> {
        // The database panics on some damage; whoever starts a hub must hear a sentence instead.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let mut database = opener.open()?;
            upgrade::check(&database)?;
            upgrade::complete(&database)?;
            // What is only looked at is left as it is.
            if opener.is_for_a_hub() && !ordered::complete(&database) {
                // After one read that failed the database answers none.
                let_go(Some(Arc::new(database)));
                database = opener.open()?;
            }
            let totals = writer::load_totals(&database)?;
            Ok::<_, StoreError>((database, totals))
        }));
        let (database, totals) = opened.map_err(|_| StoreError::Unusable("its file is damaged".into()))??;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (committed, _) = broadcast::channel(1024);
        let shared =
            Arc::new(Shared { noticed: opener.noticed(), database: RwLock::new(Some(Arc::new(database))), jobs, committed });
        // The writer must not keep its own queue open, or it would never end.
        let writer = writer::Writer::new(opener, totals, Arc::downgrade(&shared));
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(queue))
            .map_err(|error| StoreError::Bug(format!("no thread for the writer: {error}")))?;
        Ok((Self(shared), WriterThread(thread)))
    }

    /// Runs `job` in a write transaction together with whatever else is waiting, and answers after the commit.
    ///
    /// `job` may be run more than once: when a neighbour in its group fails, the rest is done again without it. It must
    /// not write when it returns an error. `weight` is about how many bytes it writes.
    ///
    /// # Errors
    /// Where the job itself fails or the commit does; then nothing of it may be acknowledged, and it may be repeated.
    pub async fn write<R, F>(&self, weight: usize, mut job: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        let slot = Arc::new(std::sync::Mutex::new(None));
        let (reply, answered) = oneshot::channel();
        let result = Arc::clone(&slot);
        let job = writer::Job {
            weight,
            run: Box::new(move |tx| {
                let done = job(tx)?;
                *slot.lock().map_err(|_| StoreError::Bug("poisoned".into()))? = Some(done);
                Ok(())
            }),
            finish: Box::new(move |verdict| {
                // The asker may have gone; what it asked for is done all the same.
                let _ = reply.send(verdict);
            }),
        };
        self.0.jobs.send(writer::Message::Job(job)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)??;
        let done = result.lock().map_err(|_| StoreError::Bug("poisoned".into()))?.take();
        done.ok_or_else(|| StoreError::Bug("a job gave no result".into()))
    }

    /// A snapshot of what is committed now. Takes no time; reading from it may block, see [`Store::read`].
    ///
    /// # Errors
    /// While the database is being opened again.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let guard = self.0.database.read().map_err(|_| StoreError::Bug("poisoned".into()))?;
        let database = guard.as_ref().ok_or(StoreError::Reopening)?;
        Snapshot::of(database).map_err(|error| self.doubt(error))
    }

    /// After one read that failed the database answers none, so the writer must look at it; it may have nothing to write for hours.
    fn doubt(&self, error: StoreError) -> StoreError {
        if error.is_fault_of_disk() {
            // A full queue is writers at work, who will notice by themselves.
            let _ = self.0.jobs.try_send(writer::Message::Doubt);
        }
        error
    }

    /// Reads from a snapshot, away from the async threads: a spinning disk may take its time.
    ///
    /// # Errors
    /// Whatever `job` returns, and a fault where it panics (the database does on some damage).
    pub async fn read<R, F>(&self, job: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Snapshot) -> Result<R, StoreError> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || job(&store.snapshot()?).map_err(|error| store.doubt(error)))
            .await
            .map_err(|error| StoreError::Bug(format!("a reader ended early: {error}")))?
    }

    /// How many places of the database's file were found not to be what was written, since this program began.
    #[must_use]
    pub fn rotten_places(&self) -> usize {
        self.0.noticed.places()
    }

    /// Lets the writer end when it has done all that was asked so far; what is asked later fails.
    pub async fn close(&self) {
        // A writer that has ended already is what was wanted.
        let _ = self.0.jobs.send(writer::Message::Stop).await;
    }

    /// Tells of each commit, after it. A slow listener loses the oldest and is told so.
    #[must_use]
    pub fn committed(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.0.committed.subscribe()
    }
}

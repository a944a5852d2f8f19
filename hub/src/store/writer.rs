//! The one writer: takes one job, drains what has queued meanwhile, commits once, then answers all.
//!
//! [`super::Store::write`] sends jobs here. It promises: a job is answered only after its commit; jobs are done in the
//! order in which they came; one that fails or panics takes nobody down with it; after a fault of the disk the database is
//! opened again before anything else is tried. There is no timer that waits for more jobs: measured, it costs a
//! third, and also where flushes are slow, one that waits only for those who were just answered gains nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use redb::Database;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::{Committed, Opener, Shared, StoreError, Totals, WriteTx, totals};

/// Jobs in one commit: enough that 512 phones share one flush.
const GROUP_JOBS: usize = 512;

/// Bytes in one commit: bounds memory and the time that the first job of a group waits.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// How often, at most, the database is opened again because a reader failed.
const DOUBT_EVERY: Duration = Duration::from_millis(100);

/// How long to wait before a database that will not open is tried again: at first, then doubling.
const REOPEN_AT_FIRST: Duration = Duration::from_millis(5);

/// And at most.
const REOPEN_AT_MOST: Duration = Duration::from_secs(10);

/// What a job does; done again when a neighbour in its group fails.
type Run = Box<dyn FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send>;

/// What a job does after its commit, or instead of it.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What the writer is told.
pub(super) enum Message {
    /// Do this.
    Job(Job),
    /// A reader could not read: open the database again.
    Doubt,
    /// Do what was asked before, then end.
    Stop,
}

/// A piece of work for the writer.
pub(super) struct Job {
    pub(super) weight: usize,
    pub(super) run: Run,
    pub(super) finish: Finish,
}

pub(super) fn load_totals(database: &Database) -> Result<Totals, StoreError> {
    totals(&super::Snapshot::of(database)?)
}

enum Failed {
    /// One job failed; the others may be tried again without it.
    Job(usize, StoreError),
    /// The transaction as a whole failed.
    All(StoreError),
}

pub(super) struct Writer {
    opener: Opener,
    totals: Totals,
    shared: Weak<Shared>,
    /// When the database was opened last.
    opened: Instant,
}

impl Writer {
    pub(super) fn new(opener: Opener, totals: Totals, shared: Weak<Shared>) -> Self {
        Self { opener, totals, shared, opened: Instant::now() }
    }

    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut stopped = false;
        while !stopped {
            let first = match queue.blocking_recv() {
                Some(Message::Job(first)) => first,
                Some(Message::Doubt) => {
                    // What is cached would still be read, so asking it proves nothing. A sector that stays bad must not keep it shut.
                    if self.opened.elapsed() > DOUBT_EVERY && self.reopen(&mut queue) {
                        return;
                    }
                    continue;
                }
                Some(Message::Stop) | None => return,
            };
            let mut weight = first.weight;
            let mut group = vec![first];
            while group.len() < GROUP_JOBS && weight < GROUP_BYTES {
                match queue.try_recv() {
                    Ok(Message::Job(next)) => {
                        weight += next.weight;
                        group.push(next);
                    }
                    Ok(Message::Stop) => {
                        stopped = true;
                        break;
                    }
                    // The commit to come will show it.
                    Ok(Message::Doubt) => {}
                    Err(_) => break,
                }
            }
            if self.commit(group) && self.reopen(&mut queue) {
                return;
            }
        }
    }

    /// Commits a group; says whether the database must be opened again before the next.
    fn commit(&mut self, mut group: Vec<Job>) -> bool {
        while !group.is_empty() {
            match self.attempt(&mut group) {
                Ok(()) => {
                    for job in group.drain(..) {
                        (job.finish)(Ok(()));
                    }
                }
                Err(Failed::Job(index, error)) if !error.is_fault_of_disk() => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a write was refused");
                    (group.remove(index).finish)(Err(error));
                }
                Err(Failed::Job(_, error) | Failed::All(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a commit failed; opening the database again");
                    for job in group.drain(..) {
                        (job.finish)(Err(error.clone()));
                    }
                    return true;
                }
            }
        }
        false
    }

    fn database(&self) -> Option<Arc<Database>> {
        let shared = self.shared.upgrade()?;
        let guard = shared.database.read().ok()?;
        guard.clone()
    }

    fn attempt(&mut self, group: &mut [Job]) -> Result<(), Failed> {
        let database = self.database().ok_or(Failed::All(StoreError::Closed))?;
        // A panic of the database's own, on damage that no check saw, must not end the writer.
        let (totals, told) = catch_unwind(AssertUnwindSafe(|| self.transact(&database, group)))
            .unwrap_or_else(|panic| Err(Failed::All(StoreError::Bug(panic_text(&*panic)))))?;
        self.totals = totals;
        if let (Some(told), Some(shared)) = (told, self.shared.upgrade()) {
            // Nobody listening is no error.
            let _ = shared.committed.send(Arc::new(told));
        }
        Ok(())
    }

    fn transact(&self, database: &Database, group: &mut [Job]) -> Result<(Totals, Option<Committed>), Failed> {
        let all = |error: StoreError| Failed::All(error);
        let mut transaction = database.begin_write().map_err(|error| all(error.into()))?;
        // Opening after a kill takes a millisecond instead of seconds, for one more flush a commit.
        transaction.set_quick_repair(true);
        let (totals, told) = {
            let mut tx = WriteTx::open(&transaction, self.totals).map_err(all)?;
            for (index, job) in group.iter_mut().enumerate() {
                let done = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx)))
                    .unwrap_or_else(|panic| Err(StoreError::Bug(panic_text(&*panic))));
                done.map_err(|error| Failed::Job(index, error))?;
            }
            if !tx.is_dirty() {
                return Ok((self.totals, None));
            }
            let finished =
                catch_unwind(AssertUnwindSafe(|| tx.finish())).unwrap_or_else(|panic| Err(StoreError::Bug(panic_text(&*panic))));
            finished.map_err(all)?
        };
        transaction.commit().map_err(|error| all(error.into()))?;
        Ok((totals, Some(told)))
    }

    /// After an I/O error the handle refuses to work. A failed commit may be durable or not; what is true is on the disk.
    /// Says whether the hub has ended meanwhile.
    fn reopen(&mut self, queue: &mut mpsc::Receiver<Message>) -> bool {
        let Some(shared) = self.shared.upgrade() else { return true };
        let before = shared.database.write().ok().and_then(|mut guard| guard.take());
        super::let_go(before);
        let mut wait = REOPEN_AT_FIRST;
        loop {
            // A panic of the database's own, on what a failing disk gives it, is one more failure.
            let opened = catch_unwind(AssertUnwindSafe(|| {
                self.opener.open().and_then(|database| load_totals(&database).map(|totals| (database, totals)))
            }))
            .unwrap_or_else(|panic| Err(StoreError::Bug(panic_text(&*panic))));
            match opened {
                Ok((database, totals)) => {
                    (self.totals, self.opened) = (totals, Instant::now());
                    if let Ok(mut guard) = shared.database.write() {
                        *guard = Some(Arc::new(database));
                    }
                    tracing::info!("the database is open again");
                    return false;
                }
                // Readers of the old handle may still hold its lock for a moment.
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the database does not open yet"),
            }
            // Whoever asks meanwhile is told so, rather than left to wait for a disk that may never come back.
            let next = Instant::now() + wait;
            while Instant::now() < next {
                match queue.try_recv() {
                    Ok(Message::Job(job)) => (job.finish)(Err(StoreError::Reopening)),
                    Ok(Message::Doubt) => {}
                    Ok(Message::Stop) | Err(TryRecvError::Disconnected) => return true,
                    Err(TryRecvError::Empty) if Arc::strong_count(&shared) == 1 => return true,
                    Err(TryRecvError::Empty) => std::thread::sleep(REOPEN_AT_FIRST),
                }
            }
            wait = (wait * 2).min(REOPEN_AT_MOST);
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

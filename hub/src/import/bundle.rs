//! A bundle comes in from a drive: its records, then its media, as if those who recorded them had sent them.
//!
//! [`take`] is called by the command line, by [`super::restore`] and by [`super::jobs`]. A bundle of another project is refused before anything is read of it. The
//! manifests are not needed: each record carries its signature and each media file its hash, and those are what is judged. What a bundle
//! says of a file's place is believed only where the file has the hash that was said; where the list of media is lost or damaged, every
//! file in the folder of media is hashed, and taken where a record here attaches it.
//!
//! Memory: a batch of lines, a few blocks, a hundred faults, and 8 bytes for each media file where the list was damaged.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufReader, Read as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use maloca_protocol::rest::Outcome;
use maloca_protocol::{MediaHash, limits};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::beneath::Folder;
use super::{ImportError, Imported, MediaIn, about, cards, media_in, next_batch};
use crate::export::bundle as layout;
use crate::export::check::{self, Fault};
use crate::export::lists;
use crate::hub::Hub;
use crate::store::rows::MediaRow;
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T};

/// Media that are taken in at one time: the commits of several cost as much as that of one.
const AT_ONCE: usize = 8;

/// Faults that are named; of more there is the count.
pub(super) const NAMED_FAULTS: usize = 100;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes that were looked at.
    pub bytes: u64,
    /// Bytes that the bundle says it has.
    pub bytes_total: u64,
    /// What has come in.
    pub imported: Imported,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Taken {
    /// The counts; `whole` where nothing of the bundle was damaged.
    pub imported: Imported,
    /// The first hundred things that were damaged or missing.
    pub faults: Vec<Fault>,
    /// How many there are in all.
    pub fault_count: u64,
}

impl Taken {
    /// Adds what another bundle came to.
    pub(super) fn add(&mut self, other: Self) {
        self.imported.add(&other.imported);
        self.imported.whole &= other.imported.whole;
        self.fault_count += other.fault_count;
        let room = NAMED_FAULTS.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
    }
}

/// Takes in a bundle. `report` is told of progress some times a second; `cancel` ends it after the next file.
///
/// # Errors
/// See [`ImportError`]; what is wrong inside the bundle is a fault.
pub async fn take(
    hub: &Hub,
    path: &Path,
    cancel: CancellationToken,
    report: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Taken, ImportError> {
    let (own, path, handle) = (hub.clone(), path.to_owned(), Handle::current());
    // Drives are waited for.
    let work = tokio::task::spawn_blocking(move || {
        let folder = about::open(&path)?;
        let about = about::read(&folder)?;
        if about.project != own.project {
            return Err(ImportError::Stranger { hub_name: about.hub_name });
        }
        let state = State { progress: Progress { bytes_total: about.bytes, ..Progress::default() }, ..State::default() };
        let listed = about::devices(&folder);
        let import = Import { hub: own, handle, folder, cancel, report: Box::new(report), state: Mutex::new(state) };
        Ok((import.run()?, listed))
    });
    let outcome: Result<_, ImportError> =
        work.await.map_err(|error| StoreError::Bug(format!("an import ended early: {error}")))?;
    let (taken, listed) = outcome?;
    cards::give(hub, &listed).await?;
    Ok(taken)
}

struct Import {
    hub: Hub,
    handle: Handle,
    folder: Folder,
    cancel: CancellationToken,
    report: Box<dyn Fn(Progress) + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    told: Option<Instant>,
    faults: Vec<Fault>,
    fault_count: u64,
}

impl Import {
    fn run(self) -> Result<Taken, ImportError> {
        self.revisions()?;
        let (seen, is_list_whole) = self.listed_media()?;
        if !is_list_whole {
            self.unlisted_media(&seen)?;
        }
        let mut state = self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.progress.imported.whole = state.fault_count == 0;
        (self.report)(state.progress);
        Ok(Taken { imported: state.progress.imported, faults: state.faults, fault_count: state.fault_count })
    }

    /// Changes the progress and tells it, unless it was told just now; ends an import that was stopped.
    fn step(&self, change: impl FnOnce(&mut Progress)) -> Result<(), ImportError> {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state.progress);
        if state.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            state.told = Some(Instant::now());
            (self.report)(state.progress);
        }
        if self.cancel.is_cancelled() { Err(ImportError::Cancelled) } else { Ok(()) }
    }

    fn wrong(&self, file: &str, what: impl Into<String>) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.fault_count += 1;
        if state.faults.len() < NAMED_FAULTS {
            state.faults.push(Fault { file: file.to_owned(), what: what.into() });
        }
    }

    fn revisions(&self) -> Result<(), ImportError> {
        let file = match self.folder.file(layout::REVISIONS) {
            Ok(file) => file,
            Err(error) => {
                self.wrong(layout::REVISIONS, check::unreadable(&error));
                return Ok(());
            }
        };
        let mut lines = BufReader::with_capacity(limits::BLOCK_BYTES, file);
        let mut before = 0;
        loop {
            let (batch, is_end) = match next_batch(&mut lines) {
                Ok(batch) => batch,
                Err(error) => {
                    self.wrong(layout::REVISIONS, check::unreadable(&error));
                    return Ok(());
                }
            };
            if !batch.is_empty() {
                let bytes = batch.len() as u64;
                let in_batch = batch.iter().filter(|byte| **byte == b'\n').count() as u64;
                let mut counts = Imported::default();
                let answer = self.handle.block_on(counts.keep(&self.hub, batch))?;
                for run in answer.results.iter().filter(|run| run.status == Outcome::Refused) {
                    for line in run.from..=run.to {
                        let why = run.detail.as_deref().unwrap_or("is no record");
                        self.wrong(layout::REVISIONS, format!("line {}: {why}", before + line));
                    }
                }
                before += in_batch;
                self.step(|progress| {
                    progress.bytes += bytes;
                    progress.imported.add(&counts);
                })?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// Takes in what the list of media names. Gives what was named, and whether the list was whole.
    fn listed_media(&self) -> Result<(Seen, bool), ImportError> {
        let mut seen = Seen::default();
        let list = match self.folder.file(layout::MEDIA_LIST) {
            Ok(file) => file,
            Err(error) => {
                self.wrong(layout::MEDIA_LIST, check::unreadable(&error));
                return Ok((seen, false));
            }
        };
        let mut is_whole = true;
        let mut is_first = true;
        let rows = lists::media(list).filter_map(|row| match row.and_then(|(file, hash)| Some((file, hash.parse().ok()?))) {
            Some((file, hash)) if file.starts_with(layout::MEDIA) && layout::is_inside(&file) => {
                seen.insert(&file);
                Some((file, hash))
            }
            _ => {
                is_whole = false;
                if std::mem::take(&mut is_first) {
                    self.wrong(layout::MEDIA_LIST, "is damaged; the files are looked at one by one");
                }
                None
            }
        });
        self.all(rows)?;
        Ok((seen, is_whole))
    }

    /// Takes in media that no list names, where a record here attaches them.
    fn unlisted_media(&self, seen: &Seen) -> Result<(), ImportError> {
        let mut wanted = Vec::new();
        let mut failed = None;
        check::walk(&self.folder.path().join(layout::MEDIA), &mut |path| {
            let relative = path.strip_prefix(self.folder.path()).unwrap_or(path).to_string_lossy();
            if failed.is_some() || seen.contains(&relative) {
                return;
            }
            match self.named_by_its_bytes(&relative) {
                Ok(Some(hash)) => wanted.push((relative.into_owned(), hash)),
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        });
        failed.map_or(Ok(()), Err)?;
        self.all(wanted.into_iter())
    }

    /// The hash of a file that a record here attaches.
    fn named_by_its_bytes(&self, path: &str) -> Result<Option<MediaHash>, ImportError> {
        let mut hasher = blake3::Hasher::new();
        let read = self.folder.file(path).and_then(|file| hasher.update_reader(file.take(limits::MEDIA_BYTES)).map(drop));
        if let Err(error) = read {
            self.wrong(path, check::unreadable(&error));
            return Ok(None);
        }
        self.step(|_| ())?;
        let hash = MediaHash(*hasher.finalize().as_bytes());
        let attached = self.hub.store.read(move |view| {
            let mut is_attached = false;
            view.scan_prefix(T::Refs, &hash.0, &mut |_, _| {
                is_attached = true;
                Ok(ControlFlow::Break(()))
            })?;
            Ok(is_attached)
        });
        Ok(self.handle.block_on(attached)?.then_some(hash))
    }

    fn all(&self, media: impl Iterator<Item = (String, MediaHash)>) -> Result<(), ImportError> {
        let mut taken =
            stream::iter(media).map(|(path, hash)| async move { self.one(&path, hash).await }).buffer_unordered(AT_ONCE);
        self.handle.block_on(async {
            while let Some(done) = taken.next().await {
                done?;
            }
            Ok(())
        })
    }

    /// Takes in one media file; what is here already is passed over unread.
    async fn one(&self, path: &str, hash: MediaHash) -> Result<(), ImportError> {
        let hub = &self.hub;
        let row = hub.store.read(move |view| view.row::<MediaRow>(T::Media, &hash.0)).await?;
        if let Some(row) = row.filter(MediaRow::is_held) {
            return self.step(|progress| {
                progress.bytes += row.size;
                progress.imported.media_known += 1;
            });
        }
        let opened = self.folder.file(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, file) = match opened {
            Ok((size, _)) if size > limits::MEDIA_BYTES => return self.not_taken(path, "is larger than any media file may be"),
            Ok(opened) => opened,
            Err(error) => return self.not_taken(path, check::unreadable(&error)),
        };
        match media_in(hub, file, hash, size).await? {
            MediaIn::Damaged(what) => self.not_taken(path, what),
            taken => self.step(|progress| {
                let is_new = matches!(taken, MediaIn::New);
                progress.bytes += size;
                progress.imported.media += u64::from(is_new);
                progress.imported.media_known += u64::from(!is_new);
            }),
        }
    }

    fn not_taken(&self, path: &str, what: impl Into<String>) -> Result<(), ImportError> {
        self.wrong(path, what);
        self.step(|progress| progress.imported.media_refused += 1)
    }
}

/// Paths that were named: eight bytes each instead of a path, under a key that nobody knows.
#[derive(Default)]
struct Seen {
    paths: HashSet<u64>,
    hasher: RandomState,
}

impl Seen {
    fn insert(&mut self, path: &str) {
        self.paths.insert(self.hasher.hash_one(path));
    }

    fn contains(&self, path: &str) -> bool {
        self.paths.contains(&self.hasher.hash_one(path))
    }
}

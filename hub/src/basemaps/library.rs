//! The folder of maps, and what of it is open.
//!
//! The folder itself is the list: no table names a map that is not there. Locks are held for moments, never while a disk is asked.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use tokio::sync::Semaphore;

use super::add::Adding;
use super::names::Named;
use super::{About, MapError, MapId, Opened};
use crate::disk::Disk;
use crate::files::{Files, How};

/// Where maps lie in the data folder.
const FOLDER: &str = "basemaps";

/// What a map is called while it is being copied.
pub(super) const UNFINISHED: &str = ".part";

/// Maps that are open at once. One page shows one.
const OPEN: usize = 4;

/// Tiles that are read at once: a slow drive shall not take every thread that others wait for.
const READERS: usize = 4;

/// A map, as the page lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Basemap {
    /// Its id.
    pub id: MapId,
    /// Its name for people.
    pub name: String,
    /// The size of its file.
    pub bytes: u64,
    /// What it says of itself; left out where it can no longer be read.
    #[serde(flatten)]
    pub about: Option<About>,
    /// Why it cannot be read, in a sentence.
    pub trouble: Option<String>,
}

/// All maps of a hub. Clones are the same.
#[derive(Clone)]
pub struct Basemaps(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) files: Files,
    pub(super) folder: PathBuf,
    pub(super) disk: Disk,
    pub(super) adding: Mutex<Adding>,
    /// The ones that were asked for last.
    open: Mutex<VecDeque<(MapId, Arc<Opened>)>>,
    /// What each map says of itself, so that a list opens none.
    known: Mutex<BTreeMap<MapId, Result<About, String>>>,
    turns: Semaphore,
}

impl Inner {
    /// Removes copies that were cut off.
    fn clear_away(&self) -> io::Result<()> {
        if !self.files.exists(&self.folder)? {
            return Ok(());
        }
        let mut unfinished = self.files.names(&self.folder)?.into_iter().filter(|name| name.ends_with(UNFINISHED));
        unfinished.try_for_each(|name| self.files.remove_if_there(&self.folder.join(name)))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Basemaps {
    /// The maps of a data folder.
    #[must_use]
    pub fn open(files: Files, data: &Path, disk: Disk) -> Self {
        let inner = Inner {
            files,
            folder: data.join(FOLDER),
            disk,
            adding: Mutex::default(),
            open: Mutex::default(),
            known: Mutex::default(),
            turns: Semaphore::new(READERS),
        };
        // A hub does not fail to start because of a map.
        if let Err(error) = inner.clear_away() {
            tracing::warn!(%error, "could not clear away what was copied of a map; it is tried again at the next start");
        }
        Self(Arc::new(inner))
    }

    /// Asks a map on a blocking thread, when it is its turn. `None` where there is no such map.
    ///
    /// # Errors
    /// Where the map is damaged, or the disk fails.
    pub async fn read<T: Send + 'static>(
        &self,
        id: MapId,
        ask: impl FnOnce(&Opened) -> Result<T, MapError> + Send + 'static,
    ) -> Result<Option<T>, MapError> {
        let ended = |error: &dyn std::fmt::Display| MapError::Disk(io::Error::other(format!("reading ended early: {error}")));
        let _turn = self.0.turns.acquire().await.map_err(|error| ended(&error))?;
        let maps = self.clone();
        let read = move || maps.opened(id)?.map(|map| ask(&map)).transpose();
        tokio::task::spawn_blocking(read).await.map_err(|error| ended(&error))?
    }

    fn opened(&self, id: MapId) -> Result<Option<Arc<Opened>>, MapError> {
        if let Some((_, map)) = lock(&self.0.open).iter().find(|(of, _)| *of == id) {
            return Ok(Some(Arc::clone(map)));
        }
        let Some(named) = self.named()?.into_iter().find(|named| named.id == id) else { return Ok(None) };
        let map = Arc::new(Opened::open(&self.0.files, &self.0.folder.join(named.file()))?);
        let mut open = lock(&self.0.open);
        open.push_back((id, Arc::clone(&map)));
        if open.len() > OPEN {
            open.pop_front();
        }
        Ok(Some(map))
    }

    /// All maps, by their names. Blocks.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Basemap>> {
        self.named()?.into_iter().map(|named| self.describe(named)).collect()
    }

    pub(super) fn describe(&self, named: Named) -> io::Result<Basemap> {
        let path = self.0.folder.join(named.file());
        let bytes = self.0.files.open(&path, How::Read)?.len()?;
        let known = lock(&self.0.known).get(&named.id).cloned();
        let about = match known {
            Some(about) => about,
            None => match self.opened(named.id) {
                Ok(map) => self.note(named.id, map.map(|map| map.about().clone()).ok_or_else(String::new)),
                // A disk that fails now may not fail later.
                Err(error @ MapError::Disk(_)) => Err(error.to_string()),
                Err(error) => self.note(named.id, Err(error.to_string())),
            },
        };
        let (about, trouble) = about.map_or_else(|trouble| (None, Some(trouble)), |about| (Some(about), None));
        Ok(Basemap { id: named.id, name: named.name, bytes, about, trouble })
    }

    fn note(&self, id: MapId, about: Result<About, String>) -> Result<About, String> {
        lock(&self.0.known).insert(id, about.clone());
        about
    }

    /// The files that this hub put there, by their names.
    pub(super) fn named(&self) -> io::Result<Vec<Named>> {
        if !self.0.files.exists(&self.0.folder)? {
            return Ok(Vec::new());
        }
        let mut named: Vec<Named> = self.0.files.names(&self.0.folder)?.iter().filter_map(|file| Named::read(file)).collect();
        named.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(named)
    }

    /// Removes a map; says whether there was one. Blocks.
    ///
    /// # Errors
    /// Where the disk fails; then it may be there at the next start.
    pub fn remove(&self, id: MapId) -> io::Result<bool> {
        let Some(named) = self.named()?.into_iter().find(|named| named.id == id) else { return Ok(false) };
        lock(&self.0.open).retain(|(of, _)| *of != id);
        lock(&self.0.known).remove(&id);
        self.0.files.remove_if_there(&self.0.folder.join(named.file()))?;
        self.0.files.sync_folder(&self.0.folder)?;
        Ok(true)
    }
}

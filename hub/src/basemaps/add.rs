//! From a drive or a browser to a durable file: copied under another name, synced as it comes, opened to see that it is a map, then
//! named, and the folder synced. One at a time; the page asks how far it is.

use std::io;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::library::{Basemap, Basemaps, Inner, UNFINISHED, lock};
use super::names::{Named, free_name};
use super::{AddError, MapId, Opened};
use crate::disk::Need;
use crate::files::{Handle, How};

/// Bytes that are read, hashed and written in one go.
const PIECE: usize = 1024 * 1024;

/// Bytes between two syncs. So the bar shows what is on the disk, and the end does not come with minutes of waiting.
const SYNC_EVERY: u64 = 64 * 1024 * 1024;

/// How a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyState {
    /// Bytes are coming.
    Copying,
    /// All are here, and are looked at.
    Checking,
    /// The map is here.
    Done,
    /// It could not be done.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// Why a copy failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyTrouble {
    code: &'static str,
    detail: String,
}

/// A copy, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// What the file was called where it came from.
    pub name: String,
    /// How it stands.
    pub state: CopyState,
    /// Bytes that are here.
    pub bytes: u64,
    /// Bytes of the whole file.
    pub bytes_total: u64,
    /// The map that it became.
    pub map: Option<MapId>,
    trouble: Option<CopyTrouble>,
}

impl Copy {
    fn fail(&mut self, error: &AddError) {
        self.state = CopyState::Failed;
        self.trouble = Some(CopyTrouble { code: error.code(), detail: error.sentence() });
    }
}

/// The copy that is under way, or was the last.
#[derive(Default)]
pub(super) struct Adding {
    last: Option<Copy>,
    running: Option<CancellationToken>,
}

/// The right to copy; given back when dropped, whatever became of it.
struct Turn {
    maps: Basemaps,
    stop: CancellationToken,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut adding = lock(&self.maps.0.adding);
        adding.running = None;
        // Whoever asked has gone in the middle of it.
        if let Some(copy) = adding.last.as_mut().filter(|copy| matches!(copy.state, CopyState::Copying | CopyState::Checking)) {
            copy.state = CopyState::Cancelled;
        }
    }
}

/// A file that goes unless it is given its name.
struct Unfinished<'a> {
    maps: &'a Inner,
    path: PathBuf,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.maps.files.remove_if_there(&self.path) {
            tracing::warn!(%error, "could not remove what was copied of a map; it is cleared away at the next start");
        }
    }
}

impl Basemaps {
    /// How far the copy is that is under way, or how the last one ended.
    #[must_use]
    pub fn copying(&self) -> Option<Copy> {
        lock(&self.0.adding).last.clone()
    }

    /// Stops the copy that is under way; says whether there was one.
    pub fn stop_copying(&self) -> bool {
        lock(&self.0.adding).running.as_ref().inspect(|stop| stop.cancel()).is_some()
    }

    /// Begins to copy a file of this machine. What becomes of it is told by [`Basemaps::copying`].
    ///
    /// # Errors
    /// Where there is no such file, no room for it, or another copy is under way.
    pub async fn copy_from(&self, path: &Path, end: &CancellationToken) -> Result<Copy, AddError> {
        let (file, len) = open_source(path).await?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (turn, copy) = self.begin(name, len, end)?;
        tokio::spawn(async move {
            let stream = ReaderStream::with_capacity(file, PIECE).map(|piece| piece.map_err(AddError::Source));
            // What became of it is noted already.
            let _ = turn.finish(stream).await;
        });
        Ok(copy)
    }

    /// Takes in a map of `len` bytes as it comes.
    ///
    /// # Errors
    /// Where it does not come whole, is no map, has no room, or another copy is under way.
    pub async fn receive<E>(
        &self,
        name: String,
        len: u64,
        stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
        end: &CancellationToken,
    ) -> Result<Basemap, AddError> {
        let (turn, _) = self.begin(name, len, end)?;
        turn.finish(stream.map(|piece| piece.map_err(|_| AddError::BrokenOff))).await
    }

    fn begin(&self, name: String, len: u64, end: &CancellationToken) -> Result<(Turn, Copy), AddError> {
        let room = self.check_room(len);
        let mut adding = lock(&self.0.adding);
        if adding.running.is_some() {
            return Err(AddError::Busy);
        }
        let mut copy = Copy { name, state: CopyState::Copying, bytes: 0, bytes_total: len, map: None, trouble: None };
        if let Err(error) = room {
            // Noted, too: a browser that is refused in the middle of sending may never see the answer.
            copy.fail(&error);
            adding.last = Some(copy);
            return Err(error);
        }
        let stop = end.child_token();
        *adding = Adding { last: Some(copy.clone()), running: Some(stop.clone()) };
        Ok((Turn { maps: self.clone(), stop }, copy))
    }

    fn check_room(&self, len: u64) -> Result<(), AddError> {
        match self.0.disk.lacks(len, Need::New) {
            0 => Ok(()),
            lacks => Err(AddError::Full { lacks }),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Copy)) {
        if let Some(copy) = &mut lock(&self.0.adding).last {
            change(copy);
        }
    }
}

/// A file to read from; not a pipe, for which one may wait for ever.
async fn open_source(path: &Path) -> Result<(tokio::fs::File, u64), AddError> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => AddError::NoFile,
        _ => AddError::Source(error),
    };
    let mut options = tokio::fs::OpenOptions::new();
    options.read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let file = options.open(path).await.map_err(gone)?;
    let metadata = file.metadata().await.map_err(gone)?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(AddError::NoFile) }
}

impl Turn {
    /// Copies, checks, names; notes what became of it.
    async fn finish(self, stream: impl Stream<Item = Result<Bytes, AddError>> + Unpin) -> Result<Basemap, AddError> {
        let done = self.copy(stream).await;
        self.maps.change(|copy| match &done {
            Ok(map) => {
                copy.state = CopyState::Done;
                copy.map = Some(map.id);
            }
            Err(AddError::Cancelled) => copy.state = CopyState::Cancelled,
            Err(error) => {
                tracing::warn!(error = error as &dyn std::error::Error, "a map was not added");
                copy.fail(error);
            }
        });
        done
    }

    async fn copy(&self, mut stream: impl Stream<Item = Result<Bytes, AddError>> + Unpin) -> Result<Basemap, AddError> {
        let maps = &self.maps;
        let (name, len) = maps.copying().map(|copy| (copy.name, copy.bytes_total)).unwrap_or_default();
        let unfinished =
            Unfinished { maps: &maps.0, path: maps.0.folder.join(format!("{:016x}{UNFINISHED}", rand::random::<u64>())) };
        let (shared, path) = (maps.clone(), unfinished.path.clone());
        let mut file = blocking(move || New::create(&shared, &path)).await?;
        loop {
            let piece = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(AddError::Cancelled),
                piece = gather(&mut stream, len - file.len) => piece?,
            };
            if piece.is_empty() {
                break;
            }
            let shared = maps.clone();
            file = blocking(move || file.append(&shared, &piece)).await?;
            maps.change(|copy| copy.bytes = file.len);
        }
        if file.len != len {
            return Err(AddError::BrokenOff);
        }
        maps.change(|copy| copy.state = CopyState::Checking);
        let (shared, path) = (maps.clone(), unfinished.path.clone());
        blocking(move || file.publish(&shared, &path, &name)).await
    }
}

/// The next bytes, up to a piece; none at the end. More than `left` is not what was told.
async fn gather(stream: &mut (impl Stream<Item = Result<Bytes, AddError>> + Unpin), left: u64) -> Result<Bytes, AddError> {
    let mut piece = BytesMut::new();
    while piece.len() < PIECE {
        match stream.next().await {
            Some(bytes) => piece.extend_from_slice(&bytes?),
            None => break,
        }
        if piece.len() as u64 > left {
            return Err(AddError::BrokenOff);
        }
    }
    Ok(piece.freeze())
}

/// A file that is being written.
struct New {
    file: Box<dyn Handle>,
    hasher: blake3::Hasher,
    len: u64,
    synced: u64,
}

impl New {
    fn create(maps: &Basemaps, path: &Path) -> Result<Self, AddError> {
        maps.0.files.make_folders(&maps.0.folder).map_err(AddError::on_disk)?;
        let file = maps.0.files.open(path, How::New).map_err(AddError::on_disk)?;
        Ok(Self { file, hasher: blake3::Hasher::new(), len: 0, synced: 0 })
    }

    fn append(mut self, maps: &Basemaps, bytes: &[u8]) -> Result<Self, AddError> {
        self.file.write_at(bytes, self.len).map_err(AddError::on_disk)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        if self.len - self.synced >= SYNC_EVERY {
            self.file.sync_data().map_err(AddError::on_disk)?;
            self.synced = self.len;
            // Others write, too: records must not find the disk full because of a map.
            maps.check_room(0)?;
        }
        Ok(self)
    }

    /// Looks at what came, and gives it its name. The same map once more is the one that is here.
    fn publish(self, maps: &Basemaps, path: &Path, name: &str) -> Result<Basemap, AddError> {
        self.file.sync_data().map_err(AddError::on_disk)?;
        let format = Opened::open(&maps.0.files, path)?.about().format;
        let id = MapId::of(&self.hasher.finalize());
        let there = maps.named().map_err(AddError::on_disk)?;
        if let Some(same) = there.iter().find(|named| named.id == id) {
            return maps.describe(same.clone()).map_err(AddError::on_disk);
        }
        let name = free_name(name, |name| there.iter().any(|named| named.name == name));
        let named = Named { name, id, format };
        maps.0.files.rename(path, &maps.0.folder.join(named.file())).map_err(AddError::on_disk)?;
        maps.0.files.sync_folder(&maps.0.folder).map_err(AddError::on_disk)?;
        maps.describe(named).map_err(AddError::on_disk)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, AddError> + Send + 'static) -> Result<T, AddError> {
    let ended = |error| AddError::Disk(io::Error::other(format!("writing ended early: {error}")));
    tokio::task::spawn_blocking(work).await.map_err(ended)?
}

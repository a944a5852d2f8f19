//! Unfinished uploads: their rows, and who is writing to them now.
//!
//! `api/media/tus` calls this. It promises: an offset that is told means bytes that are fsynced; one writer a file, and a
//! new one takes over from one that hangs; a file is published only when it is whole and its hash is right.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use maloca_protocol::{DeviceId, MediaHash, limits};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedRwLockWriteGuard, RwLock};
use tokio_util::sync::CancellationToken;

use super::MediaRoot;
use super::ingest::{Incoming, Received};
use crate::intake::keep;
use crate::store::rows::Arrival;
use crate::store::view::ViewExt as _;
use crate::store::{Store, StoreError, T};

/// An unfinished upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id: 32 hex digits, also the name of its file.
    pub id: String,
    /// Who uploads.
    pub device: DeviceId,
    /// The hash that was declared; computed at the end where none was.
    pub hash: Option<MediaHash>,
    /// Its length in bytes.
    pub size: u64,
    /// Bytes that are fsynced.
    pub offset: u64,
    /// When it is forgotten, milliseconds since 1970 by the hub's clock.
    pub expires_at: i64,
}

/// Why an upload did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The bytes do not have the declared hash. The upload is forgotten.
    #[error("the bytes of this upload have the hash {found}, not {declared}")]
    WrongHash {
        /// What was declared.
        declared: MediaHash,
        /// What came.
        found: MediaHash,
    },
    /// More bytes came than were declared.
    #[error("more bytes came than the upload's length")]
    TooLong,
    /// The offset is not where the upload stands.
    #[error("the upload stands at {actual}")]
    WrongOffset {
        /// Where it stands.
        actual: u64,
    },
    /// There is no such upload, or none that anybody can go on with (see [`Incoming::open`]).
    #[error("there is no such upload any more")]
    Gone,
    /// Another connection has taken over.
    #[error("another connection has taken over this upload")]
    TakenOver,
    /// The sender's stream broke off; what came before is kept.
    #[error("the connection broke off; {offset} bytes are kept")]
    BrokenOff {
        /// Bytes that are fsynced.
        offset: u64,
    },
    /// The disk failed.
    #[error("could not write the upload")]
    Disk(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How an upload stands after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    Partial(u64),
    /// The media is held. `new` is false where it was held before.
    Held {
        /// What it is.
        received: Received,
        /// Whether it was not here before.
        new: bool,
    },
}

type Gate = Arc<AsyncMutex<()>>;

/// The uploads that somebody is writing to.
#[derive(Clone)]
pub struct Uploads {
    store: Store,
    root: MediaRoot,
    /// Held for a moment only, never across an await; the gate inside is what is waited for.
    active: Arc<Mutex<HashMap<String, (Gate, CancellationToken)>>>,
    /// Open from before a file has its name until its row is committed; closed while files are removed.
    publishing: Arc<RwLock<()>>,
}

/// The right to write to one upload; given back when dropped.
struct Turn {
    id: String,
    taken_over: CancellationToken,
    active: Arc<Mutex<HashMap<String, (Gate, CancellationToken)>>>,
    _gate: OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Ok(mut active) = self.active.lock()
            && !self.taken_over.is_cancelled()
        {
            active.remove(&self.id);
        }
    }
}

/// Bytes that are gathered before they are written and hashed in one go.
const PIECE: usize = limits::BLOCK_BYTES;

/// How much may be lost of an upload when the hub itself is killed: fsynced and noted at least this often.
const NOTE_EVERY: u64 = 8 * limits::BLOCK_BYTES as u64;

impl Uploads {
    /// The uploads of a hub.
    #[must_use]
    pub fn new(store: Store, root: MediaRoot) -> Self {
        Self { store, root, active: Arc::default(), publishing: Arc::default() }
    }

    /// Keeps files from being published while it is held.
    pub(crate) async fn close_gate(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.publishing).write_owned().await
    }

    /// The ids that are being written now.
    #[must_use]
    pub fn in_use(&self) -> HashSet<String> {
        self.active.lock().map(|active| active.keys().cloned().collect()).unwrap_or_default()
    }

    /// A new upload, not noted anywhere yet.
    #[must_use]
    pub fn begin(&self, device: DeviceId, hash: Option<MediaHash>, size: u64, now: i64) -> Upload {
        let mut id = [0; 16];
        rand::rng().fill_bytes(&mut id);
        let expires_at = now + limits::UPLOAD_LIFE.as_millis() as i64;
        Upload { id: data_encoding::HEXLOWER.encode(&id), device, hash, size, offset: 0, expires_at }
    }

    /// Notes an upload durably, so that it can be resumed.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn note(&self, upload: &Upload) -> Result<(), StoreError> {
        let upload = upload.clone();
        self.store.write(200, move |tx| tx.put_json(T::Uploads, upload.id.as_bytes(), &upload)).await
    }

    /// An upload that was noted, if it is this device's.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn find(&self, id: &str, device: DeviceId) -> Result<Option<Upload>, StoreError> {
        let id = id.to_owned();
        let upload: Option<Upload> = self.store.read(move |view| view.json(T::Uploads, id.as_bytes())).await?;
        Ok(upload.filter(|upload| upload.device == device))
    }

    /// Forgets an upload, then removes its file.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn forget(&self, id: &str) -> Result<(), UploadError> {
        let turn = self.turn(id).await;
        self.forget_noted(id).await?;
        drop(turn);
        Ok(())
    }

    /// The same for whoever has the turn.
    async fn forget_noted(&self, id: &str) -> Result<(), StoreError> {
        let key = id.to_owned();
        self.store.write(0, move |tx| tx.remove(T::Uploads, key.as_bytes())).await?;
        self.discard(id).await;
        Ok(())
    }

    async fn discard(&self, id: &str) {
        let (files, path) = (self.root.files.clone(), self.root.incoming(id));
        if let Err(error) = blocking(move || files.remove_if_there(&path)).await {
            tracing::warn!(%error, upload = id, "could not remove an upload's file; it is swept later");
        }
    }

    /// Takes an upload over from whoever is writing to it.
    async fn turn(&self, id: &str) -> Turn {
        let taken_over = CancellationToken::new();
        let gate = {
            let mut active = self.active.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match active.insert(id.to_owned(), (Gate::default(), taken_over.clone())) {
                None => active.get(id).map(|(gate, _)| Arc::clone(gate)).unwrap_or_default(),
                Some((gate, before)) => {
                    before.cancel();
                    active.insert(id.to_owned(), (Arc::clone(&gate), taken_over.clone()));
                    gate
                }
            }
        };
        let gate = gate.lock_owned().await;
        Turn { id: id.to_owned(), taken_over, active: Arc::clone(&self.active), _gate: gate }
    }

    /// Receives bytes from `offset` on, until the stream ends, breaks or another connection takes over. `noted` says whether
    /// the upload has a row; one without is all or nothing.
    ///
    /// # Errors
    /// See [`UploadError`].
    pub async fn receive<S, E>(
        &self,
        upload: &Upload,
        noted: bool,
        offset: u64,
        stream: S,
        arrival: Arrival,
    ) -> Result<Progress, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    {
        let turn = self.turn(&upload.id).await;
        let done = self.receive_in(&turn, upload, (noted, offset), stream, arrival).await;
        // What is held has its own name and row now; what has no row cannot be gone on with.
        if !noted || matches!(done, Ok(Progress::Held { .. })) {
            // The answer does not wait for it: were it never done, the next sweep would do it.
            let (uploads, id) = (self.clone(), upload.id.clone());
            tokio::spawn(async move { uploads.discard(&id).await });
        }
        done
    }

    async fn receive_in<E>(
        &self,
        turn: &Turn,
        upload: &Upload,
        (noted, offset): (bool, u64),
        stream: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
        arrival: Arrival,
    ) -> Result<Progress, UploadError> {
        // Whoever was writing before has noted how far it came.
        let upload = if noted { self.find(&upload.id, upload.device).await?.ok_or(UploadError::Gone)? } else { upload.clone() };
        if upload.offset != offset {
            return Err(UploadError::WrongOffset { actual: upload.offset });
        }
        let (files, path) = (self.root.files.clone(), self.root.incoming(&upload.id));
        let Some(incoming) = blocking(move || Incoming::open(&files, &path, offset)).await? else {
            tracing::warn!(upload = upload.id, offset, "nobody can go on with this upload; the device begins it again");
            self.forget_noted(&upload.id).await?;
            return Err(UploadError::Gone);
        };
        let (incoming, ended) = self.copy(&upload, noted, incoming, stream, turn).await?;
        if incoming.len() == upload.size {
            return self.publish(&upload, noted, incoming, arrival).await;
        }
        match ended {
            Ended::Whole => Ok(Progress::Partial(incoming.len())),
            Ended::Broken => Err(UploadError::BrokenOff { offset: incoming.len() }),
            Ended::TakenOver => Err(UploadError::TakenOver),
        }
    }

    /// Writes the stream down piece by piece; whatever way it ends, what came is fsynced and noted.
    async fn copy<E>(
        &self,
        upload: &Upload,
        noted: bool,
        mut incoming: Incoming,
        mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
        turn: &Turn,
    ) -> Result<(Incoming, Ended), UploadError> {
        let mut noted_at = incoming.len();
        let mut gathered = BytesMut::new();
        let ended = loop {
            let next = tokio::select! {
                biased;
                () = turn.taken_over.cancelled() => break Ended::TakenOver,
                next = stream.next() => next,
            };
            match next {
                None => break Ended::Whole,
                Some(Err(_)) => break Ended::Broken,
                Some(Ok(bytes)) => gathered.extend_from_slice(&bytes),
            }
            if incoming.len() + gathered.len() as u64 > upload.size {
                return Err(UploadError::TooLong);
            }
            if gathered.len() >= PIECE {
                incoming = append(incoming, gathered.split().freeze()).await?;
            }
            if noted && incoming.len() - noted_at >= NOTE_EVERY {
                incoming = self.note_offset(upload, incoming).await?;
                noted_at = incoming.len();
            }
        };
        incoming = append(incoming, gathered.freeze()).await?;
        if noted && incoming.len() < upload.size && incoming.len() > noted_at {
            incoming = self.note_offset(upload, incoming).await?;
        }
        Ok((incoming, ended))
    }

    async fn note_offset(&self, upload: &Upload, mut incoming: Incoming) -> Result<Incoming, UploadError> {
        let incoming = blocking(move || incoming.sync().map(|()| incoming)).await?;
        self.note(&Upload { offset: incoming.len(), ..upload.clone() }).await?;
        Ok(incoming)
    }

    async fn publish(
        &self,
        upload: &Upload,
        noted: bool,
        mut incoming: Incoming,
        arrival: Arrival,
    ) -> Result<Progress, UploadError> {
        let found = incoming.received().hash;
        if let Some(declared) = upload.hash.filter(|declared| *declared != found) {
            if noted {
                self.forget_noted(&upload.id).await?;
            }
            return Err(UploadError::WrongHash { declared, found });
        }
        let root = self.root.clone();
        let _open = self.publishing.read().await;
        let received = blocking(move || incoming.publish(&root)).await?;
        let (key, row) = (upload.id.clone(), received.clone());
        let new = self
            .store
            .write(200 + row.blocks.len() * 32, move |tx| {
                tx.remove(T::Uploads, key.as_bytes())?;
                keep::media_held(tx, arrival, row.hash, row.size, &row.blocks)
            })
            .await?;
        Ok(Progress::Held { received, new })
    }
}

/// Why the copying of a stream ended.
enum Ended {
    Whole,
    Broken,
    TakenOver,
}

async fn append(mut incoming: Incoming, bytes: Bytes) -> Result<Incoming, UploadError> {
    if bytes.is_empty() {
        return Ok(incoming);
    }
    blocking(move || incoming.append(&bytes).map(|()| incoming)).await
}

/// Disks block; the threads that serve everybody else must not.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> io::Result<R> + Send + 'static) -> Result<R, UploadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(UploadError::Disk),
        Err(ended) => Err(UploadError::Disk(io::Error::other(ended))),
    }
}

//! What a phone saved to a file comes in as if the phone had handed it over: for a phone whose browser must be cleared, or that no
//! longer finds the hub.
//!
//! `api/admin/imports` streams a file in here. It promises: each revision is judged by its own bytes and each file by its hash, as a
//! stranger's; a file that is read twice changes nothing; one that was cut off gives what is whole; what is counted as here is
//! durable. The format `maloca-phone-backup-1` is described where it is written, `webui/src/lib/device/backup/backup.ts`; the
//! phone's key and everything unknown in it is passed over.

use std::io::{self, BufReader, Read};

use bytes::Bytes;
use futures_util::stream;
use maloca_protocol::{MediaHash, limits};
use tokio::io::AsyncRead;
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

use super::{ImportError, Imported};
use crate::hub::Hub;
use crate::media::uploads::{Progress, UploadError};
use crate::store::rows::MediaRow;
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T};

/// Files in an archive that are looked at.
const MOST_FILES: usize = 1_000_000;

/// Takes in a file as it comes.
///
/// # Errors
/// See [`ImportError`].
pub async fn take(hub: &Hub, file: impl AsyncRead + Send + Unpin + 'static) -> Result<Imported, ImportError> {
    let hub = hub.clone();
    let handle = Handle::current();
    // Archives are read by a library that waits for each byte.
    let read =
        tokio::task::spawn_blocking(move || Import { hub, handle, done: Imported::default() }.read(SyncIoBridge::new(file)));
    read.await.map_err(|error| StoreError::Bug(format!("an import ended early: {error}")))?
}

struct Import {
    hub: Hub,
    handle: Handle,
    done: Imported,
}

impl Import {
    fn read(mut self, file: impl Read) -> Result<Imported, ImportError> {
        let mut archive = tar::Archive::new(file);
        let mut is_one = false;
        let mut was_cut = false;
        // Raw: an entry with a long name for the next one would otherwise be read into memory whatever length it claims.
        let entries = archive.entries().map_err(|_| ImportError::NotPhoneFile)?.raw(true);
        for entry in entries.take(MOST_FILES) {
            let Ok(entry) = entry else {
                was_cut = true;
                break;
            };
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            is_one |= name == "about.json";
            if !is_one {
                return Err(ImportError::NotPhoneFile);
            }
            let went_well = match (name.as_str(), name.strip_prefix("media/").and_then(|hash| hash.parse().ok())) {
                ("revisions.ndjson", _) => self.revisions(entry)?,
                (_, Some(hash)) if self.is_held(hash)? => {
                    self.done.media_known += 1;
                    true
                }
                (_, Some(hash)) => self.media(hash, entry)?,
                _ => true,
            };
            if !went_well {
                was_cut = true;
                break;
            }
        }
        if !is_one {
            return Err(ImportError::NotPhoneFile);
        }
        self.done.whole = !was_cut;
        Ok(self.done)
    }

    /// Whether they were read to their end.
    fn revisions(&mut self, lines: impl Read) -> Result<bool, ImportError> {
        let mut lines = BufReader::new(lines);
        loop {
            let (batch, is_end) = match super::next_batch(&mut lines) {
                Ok(batch) => batch,
                Err(_) => return Ok(false),
            };
            if !batch.is_empty() {
                self.handle.block_on(self.done.keep(&self.hub, batch))?;
            }
            if is_end {
                return Ok(true);
            }
        }
    }

    /// Whether it was read to its end.
    fn media(&mut self, hash: MediaHash, mut entry: tar::Entry<'_, impl Read>) -> Result<bool, ImportError> {
        let size = entry.size();
        if size > limits::MEDIA_BYTES {
            self.done.media_refused += 1;
            return Ok(true);
        }
        super::check_room(&self.hub, size)?;
        let hub = &self.hub;
        let upload = hub.uploads.begin(hub.id(), Some(hash), size, hub.clock.now());
        // One piece at a time is in memory: it is read when the one before was taken.
        let (pieces, coming) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
        let (uploads, arrival) = (hub.uploads.clone(), hub.arrival(hub.id(), None));
        let receiving = self.handle.spawn(async move {
            let stream = stream::unfold(coming, |mut coming| async move { coming.recv().await.map(|piece| (piece, coming)) });
            uploads.receive(&upload, false, 0, Box::pin(stream), arrival).await
        });
        let mut was_cut = false;
        let mut left = size;
        while left > 0 && !was_cut {
            let mut piece = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(limits::BLOCK_BYTES)];
            let read = entry.read_exact(&mut piece);
            was_cut = read.is_err();
            left -= piece.len() as u64;
            // Nobody takes it any more where the disk has failed; the answer says so.
            if pieces.blocking_send(read.map(|()| piece.into())).is_err() {
                break;
            }
        }
        drop(pieces);
        let received = self.handle.block_on(receiving);
        match received.map_err(|error| StoreError::Bug(format!("keeping a file ended early: {error}")))? {
            Ok(Progress::Held { new: true, .. }) => self.done.media += 1,
            Ok(Progress::Held { new: false, .. }) => self.done.media_known += 1,
            Ok(Progress::Partial(_)) | Err(UploadError::BrokenOff { .. }) => was_cut = true,
            Err(UploadError::WrongHash { .. }) => self.done.media_refused += 1,
            Err(error) => return Err(ImportError::Media(error)),
        }
        Ok(!was_cut)
    }

    /// Whether the hub has it already, verified when it came; its bytes in the file are then passed over unread.
    fn is_held(&self, hash: MediaHash) -> Result<bool, StoreError> {
        let row = self.hub.store.read(move |view| view.row::<MediaRow>(T::Media, &hash.0));
        Ok(self.handle.block_on(row)?.is_some_and(|row| row.is_held()))
    }
}

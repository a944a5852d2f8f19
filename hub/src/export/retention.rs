//! Retention: media that two drives hold may be freed here, when the manager says so. Nothing is ever freed by itself.
//!
//! `api/admin/retention` asks and frees. It promises: only what verified copies on two filesystems hold is freed, looked at again in the same
//! commit that notes it; records and thumbnails stay; phones are never asked for it again; an import brings it back. The file goes after
//! the commit, and while it goes nobody publishes one: a hub that is killed between the two has a file too many, never one too few.
//!
//! What it cannot know: that a drive which is not plugged in was erased or lost. Drives that are there are looked at before.

use std::io;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::MediaHash;
use serde::Serialize;

use super::carried::Copies;
use super::standing;
use crate::hub::Hub;
use crate::intake::keep;
use crate::store::rows::{Keeping, MediaRow, Row as _};
use crate::store::{StoreError, T, View};

/// Verified copies that a media file needs elsewhere.
pub const COPIES: u32 = 2;

/// Files that are freed in one commit.
const AT_ONCE: usize = 500;

/// Media, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// How many.
    pub media: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Counted {
    const fn add(&mut self, size: u64) {
        self.media += 1;
        self.bytes += size;
    }
}

/// What may be freed. Looks at every media row.
///
/// # Errors
/// Where the store fails.
pub fn releasable(view: &impl View) -> Result<Counted, StoreError> {
    let mut counted = Counted::default();
    after(view, None, &mut |_, row| {
        counted.add(row.size);
        ControlFlow::Continue(())
    })?;
    Ok(counted)
}

/// Frees what may be freed; gives what it came to.
///
/// # Errors
/// Where the store fails; what was freed before stays so.
pub async fn release(hub: &Hub) -> Result<Counted, StoreError> {
    standing::look_at_all(hub).await?;
    let mut freed = Counted::default();
    let mut last: Option<MediaHash> = None;
    loop {
        // Nobody publishes a file between the commit and the end of the batch: it might be one that is about to go.
        let _closed = hub.uploads.close_gate().await;
        let from = last;
        let batch = hub.store.read(move |view| {
            let mut batch = Vec::new();
            after(view, from.as_ref(), &mut |hash, row| {
                batch.push((hash, row.size));
                if batch.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            Ok(batch)
        });
        let batch = batch.await?;
        let Some((end, _)) = batch.last() else { return Ok(freed) };
        last = Some(*end);
        let arrival = hub.arrival(hub.id(), None);
        let hashes: Vec<MediaHash> = batch.iter().map(|(hash, _)| *hash).collect();
        let gone = hub.store.write(hashes.len() * 300, move |tx| {
            let copies = Copies::of(tx)?;
            let mut gone = Vec::new();
            for hash in &hashes {
                let safe = |row: &MediaRow| copies.of_entry(row.seq) >= COPIES;
                if keep::media_released(tx, arrival, *hash, &safe)? {
                    gone.push(*hash);
                }
            }
            Ok(gone)
        });
        let gone = gone.await?;
        for (hash, size) in &batch {
            if gone.contains(hash) {
                freed.add(*size);
            }
        }
        let root = hub.media.clone();
        let removed = tokio::task::spawn_blocking(move || {
            for hash in gone {
                match root.files.remove(&root.path(&hash)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        tracing::warn!(%error, %hash, "a media file that was freed could not be removed; it takes room and does no harm");
                    }
                    _ => {}
                }
            }
        });
        removed.await.map_err(|error| StoreError::Bug(format!("freeing ended early: {error}")))?;
    }
}

/// Walks the media after `last` that may be freed, in the order of their hashes.
fn after(
    view: &impl View,
    last: Option<&MediaHash>,
    each: &mut dyn FnMut(MediaHash, MediaRow) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let copies = Copies::of(view)?;
    let from = last.map_or(Bound::Unbounded, |hash| Bound::Excluded(&hash.0[..]));
    view.scan(T::Media, (from, Bound::Unbounded), false, &mut |key, payload| {
        let (Ok(hash), Some(row)) = (MediaHash::try_from(key), MediaRow::decode(payload)) else {
            return Ok(ControlFlow::Continue(()));
        };
        if row.keeping == Keeping::Held && copies.of_entry(row.seq) >= COPIES {
            return Ok(each(hash, row));
        }
        Ok(ControlFlow::Continue(()))
    })
}

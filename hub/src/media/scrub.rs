//! Looking at media files that nobody asks for, so that what the disk has spoilt is noticed while phones may still have it.
//!
//! `housekeeping` calls [`next`] again and again while devices are about, and lets the disk sleep otherwise. It promises to read one
//! file at a time and one block at once, in the order of their hashes, and to begin again at the end.

use std::io;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::MediaHash;

use super::read::Reader;
use super::{MediaRoot, heal};
use crate::store::rows::{MediaRow, Row as _};
use crate::store::{Damage, Store, StoreError, T, View as _};

/// Looks at the held media file that follows `after`; gives its hash, or `None` at the end.
///
/// # Errors
/// Where the store fails. A file that cannot be read as it came in is no error: it is asked for again.
pub async fn next(store: &Store, root: &MediaRoot, after: Option<MediaHash>) -> Result<Option<MediaHash>, StoreError> {
    let found = store
        .read(move |view| {
            let mut found = None;
            let from = after.as_ref().map_or(Bound::Unbounded, |hash| Bound::Excluded(&hash.0[..]));
            view.scan(T::Media, (from, Bound::Unbounded), false, &mut |key, payload| {
                let damaged = || Damage::Form { table: T::Media.name(), key: data_encoding::HEXLOWER.encode(key) };
                let hash = MediaHash::try_from(key).map_err(|_| damaged())?;
                let row = MediaRow::decode(payload).ok_or_else(damaged)?;
                if !row.is_held() {
                    return Ok(ControlFlow::Continue(()));
                }
                found = Some((hash, row));
                Ok(ControlFlow::Break(()))
            })?;
            Ok(found)
        })
        .await?;
    let Some((hash, row)) = found else { return Ok(None) };
    let root = root.clone();
    let looked = tokio::task::spawn_blocking(move || look(&root, hash, row)).await;
    if let Err(error) = looked.map_err(|error| StoreError::Bug(format!("a look at a file ended early: {error}")))? {
        heal::spoilt(store, hash, &error).await;
    }
    Ok(Some(hash))
}

fn look(root: &MediaRoot, hash: MediaHash, row: MediaRow) -> io::Result<()> {
    let reader = Reader::open(root, hash, row)?;
    (0..reader.blocks()).try_for_each(|index| reader.block(index).map(drop))
}

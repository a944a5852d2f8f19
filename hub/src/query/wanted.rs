//! Media that somebody attached and that are not here, the oldest observation first: the order in which hubs bring them to each other.
//!
//! `GET /media/wanted` and `sync` ask here. Memory: one page, however much is wanted.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::rest::{MediaWanted, MediaWantedPage};
use maloca_protocol::{MediaHash, limits};

use crate::store::rows::{Attached, DocRow, Row as _, Summary};
use crate::store::view::ViewExt as _;
use crate::store::{Damage, StoreError, T, View};

/// The page after a place, which is a time of observation and a hash.
pub(crate) fn page(view: &impl View, after: Option<(i64, MediaHash)>) -> Result<MediaWantedPage, StoreError> {
    let mut oldest: BTreeMap<(i64, MediaHash), u64> = BTreeMap::new();
    let mut more = false;
    view.scan(T::Wanted, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
        let damaged = || Damage::Form { table: T::Wanted.name(), key: data_encoding::HEXLOWER.encode(key) };
        let hash = key.get(32..).and_then(|hash| MediaHash::try_from(hash).ok()).ok_or_else(damaged)?;
        let row = Attached::decode(payload).ok_or_else(damaged)?;
        let doc: DocRow = view.row(T::Docs, row.doc.as_bytes())?.unwrap_or_default();
        let last = doc.seqs.last().copied().unwrap_or_default();
        let at = view.row::<Summary>(T::ByReceived, &last.to_be_bytes())?.map_or(i64::MAX, |summary| summary.observed_at);
        if after.is_none_or(|after| (at, hash) > after) {
            oldest.insert((at, hash), row.size);
            if oldest.len() > limits::ASKED_HASHES {
                oldest.pop_last();
                more = true;
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let media =
        oldest.into_iter().map(|((observed_at, hash), size)| MediaWanted { hash, observed_at, size, upload: None }).collect();
    Ok(MediaWantedPage { media, more })
}

//! The feed: the numbered, append-only order in which this hub accepted revisions and media.
//!
//! `GET /changes`, the page's events, export and the ledger read it. It promises that a number, once given, stands for
//! the same entry for ever within an epoch, and that a cursor of another life of the feed is noticed.

use std::ops::{Bound, ControlFlow};

use maloca_protocol::Epoch;
use maloca_protocol::cursor::Cursor;

use crate::store::rows::{Entry, Row as _};
use crate::store::view::ViewExt as _;
use crate::store::{self, Damage, StoreError, T, View};

/// The entry at a place that is known to be taken.
pub(crate) fn entry(view: &impl View, seq: u64) -> Result<Entry, StoreError> {
    view.row(T::Log, &seq.to_be_bytes())?
        .ok_or_else(|| Damage::Form { table: T::Log.name(), key: format!("{seq}: missing") }.into())
}

/// The cursor after the newest entry.
pub(crate) fn head(view: &impl View, epoch: Epoch) -> Result<Cursor, StoreError> {
    let totals = store::totals(view)?;
    Ok(cursor(epoch, totals.head, &totals.chain))
}

/// The cursor after an entry, from its chain hash.
pub(crate) fn cursor(epoch: Epoch, seq: u64, chain: &[u8; 32]) -> Cursor {
    let mut short = [0; 24];
    short.copy_from_slice(&chain[..24]);
    Cursor { epoch, seq, chain: short }
}

/// Whether a cursor is a point of this feed; if not, its holder must reconcile.
pub(crate) fn is_ours(view: &impl View, epoch: Epoch, given: &Cursor) -> Result<bool, StoreError> {
    if given.epoch != epoch {
        return Ok(false);
    }
    let chain = match given.seq {
        0 => [0; 32],
        seq => match view.row::<Entry>(T::Log, &seq.to_be_bytes())? {
            None => return Ok(false),
            Some(entry) => entry.chain,
        },
    };
    Ok(cursor(epoch, given.seq, &chain) == *given)
}

/// Walks the entries after `seq`, oldest first.
pub(crate) fn after(
    view: &impl View,
    seq: u64,
    each: &mut dyn FnMut(u64, Entry) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let from = seq.to_be_bytes();
    view.scan(T::Log, (Bound::Excluded(&from), Bound::Unbounded), false, &mut |key, payload| {
        let damaged = || Damage::Form { table: T::Log.name(), key: format!("{key:?}") };
        let seq = u64::from_be_bytes(key.try_into().map_err(|_| damaged())?);
        each(seq, Entry::decode(payload).ok_or_else(damaged)?)
    })
}

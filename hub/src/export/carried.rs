//! What each drive carries, entry by entry of the feed: the answer to "is this on a drive?".
//!
//! [`super::ledger`] writes it with each export; receipts, lists and the overview ask here. It promises: an entry is
//! "on a drive" exactly where a copy that was read back holds it, on another filesystem than the data folder's, and nobody has found that
//! copy gone since.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use super::ledger::Export;
use crate::store::rows::Row as _;
use crate::store::view::ViewExt as _;
use crate::store::{Damage, Spans, StoreError, T, View, WriteTx};

/// Stands behind the identity of a filesystem for the sealed copies there.
const SEALED: &[u8] = b"\0sealed";

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// What a drive carries, by the identity of its filesystem; sealed copies apart.
fn each(view: &impl View, each: &mut dyn FnMut(&[u8], Spans)) -> Result<(), StoreError> {
    view.scan(T::Carried, ALL, false, &mut |key, payload| {
        let damage = || Damage::Form { table: T::Carried.name(), key: data_encoding::HEXLOWER.encode(key) };
        each(key, Spans::decode(payload).ok_or_else(damage)?);
        Ok(ControlFlow::Continue(()))
    })
}

/// What is on any drive.
///
/// # Errors
/// Where the store fails.
pub fn on_drives(view: &impl View) -> Result<Spans, StoreError> {
    let mut all = Spans::default();
    each(view, &mut |_, spans| all = all.union(&spans))?;
    Ok(all)
}

/// The key of what an export adds to.
fn key(export: &Export) -> Vec<u8> {
    [export.filesystem.identity().as_bytes(), if export.sealed { SEALED } else { b"" }].concat()
}

/// How many copies there are elsewhere that anybody can open, for many questions about one snapshot: a sealed one may lie there when its
/// key is long lost, so nothing is freed for its sake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Copies(Vec<Spans>);

impl Copies {
    /// Reads what the drives carry.
    pub(crate) fn of(view: &impl View) -> Result<Self, StoreError> {
        let mut copies = Self::default();
        each(view, &mut |key, spans| {
            if !key.ends_with(SEALED) {
                copies.0.push(spans);
            }
        })?;
        Ok(copies)
    }

    /// On how many distinct filesystems, beside the data folder's, the entry `seq` of the feed is.
    pub(crate) fn of_entry(&self, seq: u64) -> u32 {
        self.0.iter().filter(|spans| spans.contains(seq)).count() as u32
    }
}

/// Adds what a verified export carries.
pub(super) fn add(tx: &mut WriteTx<'_>, export: &Export) -> Result<(), StoreError> {
    if !export.counts() {
        return Ok(());
    }
    let key = key(export);
    let before: Spans = tx.row(T::Carried, &key)?.unwrap_or_default();
    tx.put(T::Carried, &key, &before.union(&export.spans()))
}

/// Writes anew what drives carry, from the ledger as it is: after a copy was found gone, and in a folder of an earlier program.
pub(super) fn derive(tx: &mut WriteTx<'_>, exports: &[Export]) -> Result<(), StoreError> {
    let mut old: Vec<Vec<u8>> = Vec::new();
    tx.scan(T::Carried, ALL, false, &mut |key, _| {
        old.push(key.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    for key in old {
        tx.remove(T::Carried, &key)?;
    }
    exports.iter().try_for_each(|export| add(tx, export))
}

/// Whether what drives carry is what the ledger says: for `maloca verify`.
pub(crate) fn is_as_derived(view: &impl View, exports: &[Export]) -> Result<bool, StoreError> {
    let mut derived: BTreeMap<Vec<u8>, Spans> = BTreeMap::new();
    for export in exports.iter().filter(|export| export.counts()) {
        let spans = derived.entry(key(export)).or_default();
        *spans = spans.union(&export.spans());
    }
    let mut stored = BTreeMap::new();
    each(view, &mut |key, spans| drop(stored.insert(key.to_vec(), spans)))?;
    Ok(stored == derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drive_that_carries_an_entry_is_one_copy() {
        let copies = Copies(vec![Spans::through(20), Spans::of(vec![3, 15, 30])]);
        let counts: Vec<u32> = [3, 4, 15, 20, 21, 30].map(|seq| copies.of_entry(seq)).to_vec();
        assert_eq!(counts, [2, 1, 2, 1, 0, 1]);
    }
}

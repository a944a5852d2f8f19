//! The ledger: which export is on which drive, verified when.
//!
//! [`super::export`] writes a row after the bundle was read back and has its name; receipts, the overview and later retention
//! ask here what is safe elsewhere. It promises: only what was verified counts; "on a drive" means on another filesystem than
//! the data folder, and not in memory; a copy is never counted for media that the bundle could not take. A part (see
//! [`super::part`]) is in the history and vouches for nothing: neither for a point of the feed, nor for a copy of a single record, nor as
//! the last copy. It may leave out any record before any point, and its filter may have been a mistake.

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::{Epoch, time};
use serde::{Deserialize, Serialize};

use super::drives::Filesystem;
use super::part::Asked;
use crate::feed;
use crate::store::rows::{Row as _, Subject, Summary};
use crate::store::view::ViewExt as _;
use crate::store::{self, Store, StoreError, T, View};

/// A verified export, as it is stored under `verified at u64, bundle 16`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The bundle's id, 32 hex digits, as in its `bag-info.txt`.
    pub bundle: String,
    /// Where it was written.
    pub path: String,
    /// The filesystem there.
    pub filesystem: Filesystem,
    /// Whether that is another filesystem than the data folder's, and one that outlives the power.
    pub on_drive: bool,
    /// The life of the feed that the numbers below belong to.
    pub epoch: Epoch,
    /// The head of the feed at the export's snapshot, and the chain hash there.
    pub head: u64,
    /// See `head`.
    pub chain: String,
    /// Everything up to here is in it; less than `head` where a media file was damaged, 0 for a part.
    pub through: u64,
    /// Of a part, what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Asked>,
    /// Observations that are not deleted.
    pub observations: u64,
    /// Kept revisions.
    pub revisions: u64,
    /// Media files.
    pub media: u64,
    /// Bytes of the payload.
    pub bytes: u64,
    /// When it was verified, milliseconds since 1970.
    pub verified_at: i64,
}

impl Export {
    /// Whether it is a copy of everything up to [`Self::through`], and where it is safe.
    const fn is_safe_copy(&self) -> bool {
        self.on_drive && self.part.is_none()
    }
}

/// A verified export as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    bundle: String,
    path: String,
    filesystem: String,
    on_drive: bool,
    part: Option<Asked>,
    observations: u64,
    revisions: u64,
    media: u64,
    bytes: u64,
    verified_at: String,
}

impl From<Export> for Shown {
    fn from(export: Export) -> Self {
        Self {
            filesystem: export.filesystem.to_string(),
            verified_at: time::format_millis(export.verified_at),
            bundle: export.bundle,
            path: export.path,
            on_drive: export.on_drive,
            part: export.part,
            observations: export.observations,
            revisions: export.revisions,
            media: export.media,
            bytes: export.bytes,
        }
    }
}

/// What no drive has yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NotOnDrive {
    /// Observations that are not deleted and changed since.
    pub observations: u64,
    /// Media that came since.
    pub media: u64,
}

/// The drives at one glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drives {
    /// When a copy of everything on a drive was last verified.
    pub last_verified_at: Option<String>,
    /// Where that was.
    pub last_path: Option<String>,
    /// What is not on any drive yet.
    pub not_on_drive: NotOnDrive,
}

/// Enters an export, durably.
pub(super) async fn enter(store: &Store, bundle: [u8; 16], export: Export) -> Result<(), StoreError> {
    let key = [&(export.verified_at.max(0) as u64).to_be_bytes()[..], &bundle].concat();
    store.write(600, move |tx| tx.put_json(T::Ledger, &key, &export)).await
}

/// All exports, newest first.
///
/// # Errors
/// Where the store fails.
pub fn exports(view: &impl View) -> Result<Vec<Export>, StoreError> {
    let mut exports = Vec::new();
    view.scan(T::Ledger, (Bound::Unbounded, Bound::Unbounded), true, &mut |key, payload| {
        exports.push(
            serde_json::from_slice(payload)
                .map_err(|_| crate::store::Damage::Form { table: T::Ledger.name(), key: data_encoding::HEXLOWER.encode(key) })?,
        );
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(exports)
}

/// How many copies there are elsewhere, for many questions about one snapshot: the ledger is read once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Copies(Vec<(String, u64)>);

impl Copies {
    /// Reads the ledger.
    pub(crate) fn of(view: &impl View) -> Result<Self, StoreError> {
        let on_drives = exports(view)?.into_iter().filter(Export::is_safe_copy);
        Ok(Self(on_drives.map(|export| (export.filesystem.identity(), export.through)).collect()))
    }

    /// On how many distinct filesystems, beside the data folder's, the entry `seq` of the feed is.
    pub(crate) fn through(&self, seq: u64) -> u32 {
        let distinct: BTreeSet<&str> =
            self.0.iter().filter(|(_, through)| *through >= seq).map(|(name, _)| name.as_str()).collect();
        distinct.len() as u32
    }
}

/// What no drive has yet. Costs as much as has come since the newest export; nothing where there is none.
fn since(view: &impl View, through: Option<u64>) -> Result<NotOnDrive, StoreError> {
    let totals = store::totals(view)?;
    let Some(through) = through.filter(|through| *through > 0) else {
        return Ok(NotOnDrive { observations: totals.observations, media: totals.media_held });
    };
    let mut not = NotOnDrive::default();
    let from = through.to_be_bytes();
    view.scan(T::ByReceived, (Bound::Excluded(&from), Bound::Unbounded), false, &mut |_, payload| {
        let counts = Summary::decode(payload).is_some_and(|summary| summary.kind == "observation" && !summary.deleted);
        not.observations += u64::from(counts);
        Ok(ControlFlow::Continue(()))
    })?;
    feed::after(view, through, &mut |_, entry| {
        if let Subject::Held { hash, .. } = entry.subject {
            let row: Option<crate::store::rows::MediaRow> = view.row(T::Media, &hash.0)?;
            not.media += u64::from(row.is_some_and(|row| row.is_held()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(not)
}

/// Up to which place in the feed everything is on some drive; 0 where there is no drive yet.
///
/// # Errors
/// Where the store fails.
pub fn through(view: &impl View) -> Result<u64, StoreError> {
    Ok(exports(view)?.iter().filter(|export| export.is_safe_copy()).map(|export| export.through).max().unwrap_or_default())
}

/// The drives at one glance.
///
/// # Errors
/// Where the store fails.
pub fn drives(view: &impl View) -> Result<Drives, StoreError> {
    let exports = exports(view)?;
    let newest = exports.iter().find(|export| export.is_safe_copy());
    let through = exports.iter().filter(|export| export.is_safe_copy()).map(|export| export.through).max();
    Ok(Drives {
        last_verified_at: newest.map(|export| time::format_millis(export.verified_at)),
        last_path: newest.map(|export| export.path.clone()),
        not_on_drive: since(view, through)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(identity: &str, through: u64) -> (String, u64) {
        (identity.into(), through)
    }

    #[test]
    fn two_exports_on_one_drive_are_one_copy() {
        let copies = Copies(vec![on("a", 10), on("a", 20), on("b", 15)]);
        assert_eq!((copies.through(5), copies.through(15), copies.through(16), copies.through(21)), (2, 2, 1, 0));
    }
}

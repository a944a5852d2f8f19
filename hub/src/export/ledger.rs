//! The ledger: which export is on which drive, what of the feed is in it, and whether it was verified.
//!
//! [`super::export`] writes a row after the bundle was read back and has its name, and one for a drive that did not keep what was
//! written to it; the page shows the history. What drives carry by it is in [`super::carried`], which receipts, lists and retention ask. It
//! promises: a row says exactly which entries of the feed its copy holds, so that a copy of a part counts for what is in it and for nothing
//! else; only what was verified counts; "on a drive" means on another filesystem than the data folder, and not in memory; a copy that
//! somebody has deleted from its drive stays in the history and counts no more.

use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;

use maloca_protocol::{Epoch, time};
use serde::{Deserialize, Serialize};

use super::bundle::{FOLDER, Kind};
use super::carried;
use super::drives::Filesystem;
use super::part::Asked;
use super::standing::Changed;
use crate::query::outside::{self, Lacking};
use crate::store::{Spans, Store, StoreError, T, View, WriteTx};

/// An export, as it is stored under `verified at u64, bundle 16`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The bundle's id, 32 hex digits, as in its `bag-info.txt`.
    pub bundle: String,
    /// Where it was written.
    pub path: String,
    /// The same from the root of its filesystem, which may be mounted elsewhere the next time.
    #[serde(default)]
    pub within: Option<PathBuf>,
    /// What of the hub it is.
    #[serde(default)]
    pub kind: Kind,
    /// Only who has a key can open it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
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
    /// Which entries of the feed are in it, as [`Spans::to_text`] writes them. Earlier programs wrote `through` instead.
    #[serde(default)]
    pub holds: Option<String>,
    /// Of a row of an earlier program: everything up to here is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<u64>,
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
    /// The first thing that was wrong, of one that could not be verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// When it was found gone from its drive, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<i64>,
}

impl Export {
    /// Whether it is a copy elsewhere, verified and not found gone.
    pub(super) const fn counts(&self) -> bool {
        self.on_drive && self.is_there()
    }

    /// Whether it was verified and nobody has found it gone.
    pub(super) const fn is_there(&self) -> bool {
        self.fault.is_none() && self.gone_at.is_none()
    }

    /// Which entries of the feed are in it. A row that says so in an unknown way counts for nothing: rather one copy more.
    pub(super) fn spans(&self) -> Spans {
        match (&self.holds, self.through) {
            (Some(holds), _) => Spans::from_text(holds).unwrap_or_default(),
            (None, Some(through)) if self.part.is_none() => Spans::through(through),
            (None, _) => Spans::default(),
        }
    }

    /// Where it lies below the root of its filesystem. Earlier programs did not say: there the last two names of its path are.
    pub(super) fn within(&self) -> PathBuf {
        let name = || std::path::Path::new(&self.path).file_name().unwrap_or_default().to_owned();
        self.within.clone().unwrap_or_else(|| PathBuf::from(FOLDER).join(name()))
    }

    fn key(&self) -> Vec<u8> {
        let bundle = data_encoding::HEXLOWER.decode(self.bundle.as_bytes()).unwrap_or_default();
        [&(self.verified_at.max(0) as u64).to_be_bytes()[..], &bundle].concat()
    }
}

/// An export as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    bundle: String,
    path: String,
    filesystem: String,
    on_drive: bool,
    kind: Kind,
    sealed: bool,
    part: Option<Asked>,
    observations: u64,
    revisions: u64,
    media: u64,
    bytes: u64,
    verified_at: String,
    /// Whether what was read back was what was written.
    verified: bool,
    gone_at: Option<String>,
}

impl From<Export> for Shown {
    fn from(export: Export) -> Self {
        Self {
            filesystem: export.filesystem.to_string(),
            verified_at: time::format_millis(export.verified_at),
            verified: export.fault.is_none(),
            gone_at: export.gone_at.map(time::format_millis),
            // Earlier programs knew two kinds.
            kind: if export.part.is_some() { Kind::Part } else { export.kind },
            sealed: export.sealed,
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

/// The drives at one glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drives {
    /// When a copy on a drive was last verified that, with others there, holds everything up to then.
    pub last_verified_at: Option<String>,
    /// Where that was.
    pub last_path: Option<String>,
    /// What is not on any drive yet.
    pub not_on_drive: Lacking,
}

/// Enters an export, durably, and with it what its drive carries.
pub(super) async fn enter(store: &Store, export: Export) -> Result<(), StoreError> {
    let weight = 600 + export.holds.as_ref().map_or(0, String::len);
    let put = move |tx: &mut WriteTx<'_>| {
        tx.put_json(T::Ledger, &export.key(), &export)?;
        carried::add(tx, &export)
    };
    store.write(weight, put).await
}

/// Notes that copies are no longer on their drive, or are there again, durably.
pub(super) async fn found(store: &Store, changed: Changed, now: i64) -> Result<(), StoreError> {
    let note = move |tx: &mut WriteTx<'_>| {
        let mut exports = exports(tx)?;
        for export in &mut exports {
            let gone_at = match (changed.gone.contains(&export.bundle), changed.back.contains(&export.bundle)) {
                (true, _) => Some(now),
                (_, true) => None,
                _ => continue,
            };
            export.gone_at = gone_at;
            tx.put_json(T::Ledger, &export.key(), export)?;
        }
        carried::derive(tx, &exports)
    };
    store.write(10_000, note).await
}

/// Derives what drives carry where an earlier program has written the ledger. Called once at each opening.
pub(crate) async fn complete(store: &Store) -> Result<(), StoreError> {
    if store.read(is_whole).await? {
        return Ok(());
    }
    let derive = |tx: &mut WriteTx<'_>| {
        let exports = exports(tx)?;
        carried::derive(tx, &exports)
    };
    store.write(10_000, derive).await
}

/// Whether what drives carry is what the exports say.
pub(crate) fn is_whole(view: &impl View) -> Result<bool, StoreError> {
    carried::is_as_derived(view, &exports(view)?)
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

/// The drives at one glance.
///
/// # Errors
/// Where the store fails.
pub fn drives(view: &impl View) -> Result<Drives, StoreError> {
    let exports = exports(view)?;
    let newest = exports.iter().find(|export| export.counts() && export.part.is_none());
    Ok(Drives {
        last_verified_at: newest.map(|export| time::format_millis(export.verified_at)),
        last_path: newest.map(|export| export.path.clone()),
        not_on_drive: outside::lacking(view, &carried::on_drives(view)?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_program_has_entered_is_understood() {
        let row = r#"{"bundle":"00112233445566778899aabbccddeeff","path":"/media/usb/Maloca/20261101_0900_a_full_1",
            "filesystem":{"dev":1,"kind":"vfat","source":"/dev/sdb1","uuid":"1234-ABCD"},"on_drive":true,
            "epoch":"000102030405060708090a0b0c0d0e0f","head":7,"chain":"","through":6,
            "observations":3,"revisions":4,"media":2,"bytes":10,"verified_at":5}"#;
        let export: Export = serde_json::from_str(row).unwrap();
        assert!(export.counts() && export.spans() == Spans::through(6));
        assert_eq!(export.within(), PathBuf::from("Maloca/20261101_0900_a_full_1"));
        let part = Export { part: Some(Asked::default()), ..export };
        assert!(part.spans().is_empty());
    }
}

//! The tables, and one transaction over all of them.
//!
//! `store` alone opens it. Each stored value begins with a check of eight bytes, the BLAKE3 of table, key and value: redb itself
//! verifies nothing on ordinary reads, and a value that has moved to another key is as wrong as a flipped bit.
//!
//! ```text
//! meta        name, place, format      JSON
//! hubs        hub (32)                 JSON, KnownHub
//! docs        doc (16)                 JSON, outbox::Local
//! revisions   doc (16) id (32)         own 0|1, place (8), version (8), signature (64), canonical form
//! drafts      place (8)                doc (16)
//! waiting     hub (32) place (8)       doc (16) id (32)
//! parked      by (32) place (8)        JSON, outbox::Parked
//! undone      doc (16)                 empty
//! media       hash (32)                JSON, MediaFile
//! wanted      hub (32) hash (32)       JSON, MediaWait
//! files       path                     JSON, HashedFile
//! ```
//!
//! Numbers are big endian, so that they sort.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{KnownHub, StoreError};
use crate::ids::DeviceId;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum T {
    Meta,
    Hubs,
    Docs,
    Revisions,
    Drafts,
    Waiting,
    Parked,
    Undone,
    Media,
    Wanted,
    Files,
}

const ALL: [T; 11] =
    [T::Meta, T::Hubs, T::Docs, T::Revisions, T::Drafts, T::Waiting, T::Parked, T::Undone, T::Media, T::Wanted, T::Files];

impl T {
    /// The name, which ends in its form's number.
    const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta-1",
            Self::Hubs => "hubs-1",
            Self::Docs => "docs-1",
            Self::Revisions => "revisions-1",
            Self::Drafts => "drafts-1",
            Self::Waiting => "waiting-1",
            Self::Parked => "parked-1",
            Self::Undone => "undone-1",
            Self::Media => "media-1",
            Self::Wanted => "wanted-1",
            Self::Files => "files-1",
        }
    }
}

const CHECK_BYTES: usize = 8;

fn check(table: T, key: &[u8], value: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.name().as_bytes()).update(&(key.len() as u64).to_be_bytes()).update(key).update(value);
    let mut short = [0; CHECK_BYTES];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK_BYTES]);
    short
}

fn unseal<'v>(table: T, key: &[u8], sealed: &'v [u8]) -> Result<&'v [u8], StoreError> {
    match sealed.split_first_chunk::<CHECK_BYTES>() {
        Some((seal, value)) if *seal == check(table, key, value) => Ok(value),
        _ => Err(StoreError::Damaged { table: table.name() }),
    }
}

/// One transaction: sees what it has written, and is seen by nobody before its end.
#[derive(Debug)]
pub struct Tx<'t> {
    tables: Vec<Table<'t, &'static [u8], &'static [u8]>>,
    changed: bool,
    place: u64,
    place_before: u64,
    /// Hubs' rows that were touched; written once, at the end, since each acknowledgement changes one.
    pub(super) hubs: BTreeMap<DeviceId, KnownHub>,
    /// Asked for with each revision that is frozen.
    pub(super) hub_ids: OnceCell<Vec<DeviceId>>,
}

impl<'t> Tx<'t> {
    pub(super) fn open(txn: &'t WriteTransaction, place: u64) -> Result<Self, StoreError> {
        let tables = ALL.iter().map(|table| txn.open_table(TableDefinition::new(table.name()))).collect::<Result<_, _>>()?;
        Ok(Self { tables, changed: false, place, place_before: place, hubs: BTreeMap::new(), hub_ids: OnceCell::new() })
    }

    /// Writes what was held back. Whether anything has changed, and the last place given.
    pub(super) fn close(mut self) -> Result<(bool, u64), StoreError> {
        for (id, hub) in std::mem::take(&mut self.hubs) {
            let before: Option<KnownHub> = self.get_json(T::Hubs, &id.0)?;
            if before.as_ref() != Some(&hub) {
                self.put_json(T::Hubs, &id.0, &hub)?;
            }
        }
        if self.place != self.place_before {
            let place = self.place;
            self.put_json(T::Meta, b"place", &place)?;
        }
        Ok((self.changed, self.place))
    }

    pub(super) fn give_place(&mut self) -> u64 {
        self.place += 1;
        self.place
    }

    pub(super) fn get(&self, table: T, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(sealed) = self.tables[table as usize].get(key)? else { return Ok(None) };
        Ok(Some(unseal(table, key, sealed.value())?.to_vec()))
    }

    pub(super) fn put(&mut self, table: T, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.changed = true;
        let sealed = [&check(table, key, value)[..], value].concat();
        self.tables[table as usize].insert(key, &sealed[..])?;
        Ok(())
    }

    pub(super) fn remove(&mut self, table: T, key: &[u8]) -> Result<bool, StoreError> {
        let was = self.tables[table as usize].remove(key)?.is_some();
        self.changed |= was;
        Ok(was)
    }

    pub(super) fn get_json<V: DeserializeOwned>(&self, table: T, key: &[u8]) -> Result<Option<V>, StoreError> {
        let Some(bytes) = self.get(table, key)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| StoreError::Damaged { table: table.name() })
    }

    pub(super) fn put_json<V: Serialize>(&mut self, table: T, key: &[u8], value: &V) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(value).map_err(|_| StoreError::Damaged { table: table.name() })?;
        self.put(table, key, &bytes)
    }

    /// Rows whose keys begin with `prefix` and come after `after`, both of them whole keys' beginnings, at most `limit`.
    pub(super) fn list(&self, table: T, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let lower = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let mut rows = Vec::new();
        for row in self.tables[table as usize].range::<&[u8]>((lower, Bound::Unbounded))? {
            let (key, sealed) = row?;
            if rows.len() >= limit || !key.value().starts_with(prefix) {
                break;
            }
            let key = key.value().to_vec();
            let value = unseal(table, &key, sealed.value())?.to_vec();
            rows.push((key, value));
        }
        Ok(rows)
    }

    /// How many rows' keys begin with `prefix`.
    pub(super) fn count(&self, table: T, prefix: &[u8]) -> Result<u64, StoreError> {
        let mut count = 0;
        for row in self.tables[table as usize].range::<&[u8]>(prefix..)? {
            if !row?.0.value().starts_with(prefix) {
                break;
            }
            count += 1;
        }
        Ok(count)
    }
}

/// A key and its value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

pub(super) const fn damaged(table: T) -> StoreError {
    StoreError::Damaged { table: table.name() }
}

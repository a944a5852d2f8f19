//! What a job of the writer works with: all tables in one transaction, the counts, and what to tell after the commit.
//!
//! Intake, media, export and trust write through [`WriteTx`]. It promises that the counts are of the same commit as what they count.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use maloca_protocol::fingerprint::{Fingerprint, FingerprintKey};
use maloca_protocol::{DeviceId, DocId, MediaHash};

use super::codec::{self, Dec, Enc};
use super::ordered::{self, Item};
use super::rows::{Arrival, AuthorRow, Entry, Row, Subject};
use super::view::{self, Each, OpenTables, Range, View, ViewExt};
use super::{StoreError, T};

/// What a commit changed; told to all listeners after it.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// The head of the feed.
    pub head: u64,
    /// Documents that are new or changed.
    pub docs: BTreeSet<DocId>,
    /// Media that are now held.
    pub media: BTreeSet<MediaHash>,
    /// Authors whose counts changed, and devices whose rows did.
    pub devices: BTreeSet<DeviceId>,
}

/// Counts of everything, kept in the same commit as what they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// The head of the feed; 0 while it is empty.
    pub head: u64,
    /// The chain hash after the head.
    pub chain: [u8; 32],
    /// All kept revisions, admitted or quarantined.
    pub fingerprint: Fingerprint,
    /// Documents of kind `observation` that are not deleted.
    pub observations: u64,
    /// Documents in conflict, of all kinds.
    pub conflicts: u64,
    /// Revisions in quarantine.
    pub quarantined: u64,
    /// Media that are here.
    pub media_held: u64,
    /// Their bytes.
    pub media_bytes: u64,
}

const TOTALS: &[u8] = b"totals";

impl Row for Totals {
    fn encode(&self) -> Vec<u8> {
        Enc::default()
            .u64(self.head)
            .raw(&self.chain)
            .u64(self.fingerprint.count)
            .raw(&self.fingerprint.sum)
            .u64(self.observations)
            .u64(self.conflicts)
            .u64(self.quarantined)
            .u64(self.media_held)
            .u64(self.media_bytes)
            .done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let totals = Self {
            head: dec.u64()?,
            chain: dec.array()?,
            fingerprint: Fingerprint { count: dec.u64()?, sum: dec.array()? },
            observations: dec.u64()?,
            conflicts: dec.u64()?,
            quarantined: dec.u64()?,
            media_held: dec.u64()?,
            media_bytes: dec.u64()?,
        };
        dec.is_empty().then_some(totals)
    }
}

/// The counts of everything, as a reader sees them.
///
/// # Errors
/// Where the disk fails or the row is damaged.
pub fn totals(view: &impl View) -> Result<Totals, StoreError> {
    Ok(view.row(T::Meta, TOTALS)?.unwrap_or_default())
}

/// What a job works with: all tables, the counts, and the list of what to tell after the commit.
pub struct WriteTx<'txn> {
    tables: OpenTables<'txn>,
    totals: Totals,
    authors: BTreeMap<DeviceId, AuthorRow>,
    told: Committed,
    /// What was kept, for the order; written once a commit, for what one device brings lies together.
    kept: Option<(FingerprintKey, Vec<Item>)>,
    dirty: bool,
}

impl View for WriteTx<'_> {
    fn get(&self, table: T, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        view::get_from(&self.tables.0[table as usize], table, key)
    }

    fn scan(&self, table: T, range: Range<'_>, backwards: bool, each: Each<'_>) -> Result<(), StoreError> {
        view::scan_from(&self.tables.0[table as usize], table, range, backwards, each)
    }
}

impl<'txn> WriteTx<'txn> {
    pub(super) fn open(transaction: &'txn redb::WriteTransaction, totals: Totals) -> Result<Self, StoreError> {
        let tables = OpenTables::open(transaction)?;
        Ok(Self { tables, totals, authors: BTreeMap::new(), told: Committed::default(), kept: None, dirty: false })
    }

    /// Whether anything was written.
    pub(super) const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Writes a payload.
    pub(crate) fn put_bytes(&mut self, table: T, key: &[u8], payload: &[u8]) -> Result<(), StoreError> {
        let sealed = codec::seal(table.name(), key, payload);
        self.tables.0[table as usize].insert(key, sealed.as_slice())?;
        self.dirty = true;
        Ok(())
    }

    /// Writes a row.
    pub(crate) fn put(&mut self, table: T, key: &[u8], row: &impl Row) -> Result<(), StoreError> {
        self.put_bytes(table, key, &row.encode())
    }

    /// Writes JSON.
    pub(crate) fn put_json(&mut self, table: T, key: &[u8], value: &impl Serialize) -> Result<(), StoreError> {
        let payload = serde_json::to_vec(value).map_err(|error| StoreError::Bug(error.to_string()))?;
        self.put_bytes(table, key, &payload)
    }

    /// Forgets a row; says whether it was there.
    pub(crate) fn remove(&mut self, table: T, key: &[u8]) -> Result<bool, StoreError> {
        let was = self.tables.0[table as usize].remove(key)?.is_some();
        self.dirty |= was;
        Ok(was)
    }

    /// Appends to the feed, and gives the new entry's place.
    pub(crate) fn append(&mut self, arrival: Arrival, subject: Subject) -> Result<u64, StoreError> {
        let seq = self.totals.head + 1;
        let chain = subject.chain(&self.totals.chain);
        let entry = Entry { arrival, chain, subject };
        self.put(T::Log, &seq.to_be_bytes(), &entry)?;
        self.totals.head = seq;
        self.totals.chain = chain;
        Ok(seq)
    }

    /// The counts, to read.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The counts, to change.
    pub(crate) const fn totals_mut(&mut self) -> &mut Totals {
        self.dirty = true;
        &mut self.totals
    }

    /// An author's counts, to read.
    pub(crate) fn author(&self, author: &DeviceId) -> Result<AuthorRow, StoreError> {
        match self.authors.get(author) {
            Some(row) => Ok(*row),
            None => Ok(self.row(T::Authors, &author.0)?.unwrap_or_default()),
        }
    }

    /// An author's counts, to change. Written once a commit, not once a revision.
    pub(crate) fn author_mut(&mut self, author: &DeviceId) -> Result<&mut AuthorRow, StoreError> {
        if !self.authors.contains_key(author) {
            let row = self.author(author)?;
            self.authors.insert(*author, row);
        }
        self.told.devices.insert(*author);
        self.dirty = true;
        Ok(self.authors.entry(*author).or_default())
    }

    /// Names a revision that is kept from now on, after it was counted.
    pub(crate) fn put_in_order(&mut self, key: &FingerprintKey, item: Item) {
        self.kept.get_or_insert_with(|| (key.clone(), Vec::new())).1.push(item);
    }

    /// What will be told after the commit.
    pub(crate) const fn tell(&mut self) -> &mut Committed {
        &mut self.told
    }

    /// Writes down what was counted; the totals, and what is to be told once this is committed.
    pub(super) fn finish(&mut self) -> Result<(Totals, Committed), StoreError> {
        for (author, row) in std::mem::take(&mut self.authors) {
            self.put(T::Authors, &author.0, &row)?;
        }
        if let Some((key, items)) = self.kept.take() {
            ordered::add(self, &key, items)?;
        }
        let totals = self.totals;
        self.told.head = totals.head;
        self.put(T::Meta, TOTALS, &totals)?;
        Ok((totals, std::mem::take(&mut self.told)))
    }
}

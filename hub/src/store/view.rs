//! Reading, the same from a snapshot and from inside the writer's transaction.
//!
//! Query, feed, export and intake read through [`View`]. It promises that every value was checked against its seal before
//! anyone sees it, and that a scan holds one row at a time.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _, Table};
use serde::de::DeserializeOwned;

use super::StoreError;
use super::codec::{self, Damage};
use super::rows::Row;
use super::tables::T;

/// Whether a scan goes on.
pub type Flow = Result<ControlFlow<()>, StoreError>;

/// Called for each row of a scan, with key and payload.
pub type Each<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Flow;

/// Called for each row with its key, and its payload or the damage.
pub(crate) type EachChecked<'a> = &'a mut dyn FnMut(&[u8], Result<&[u8], Damage>);

/// A range of keys.
pub type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Something that can be read.
pub trait View {
    /// The payload under `key`.
    ///
    /// # Errors
    /// Where the disk fails or the value is damaged.
    fn get(&self, table: T, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Walks the rows of a range in the order of their keys, or backwards.
    ///
    /// # Errors
    /// Where the disk fails, a value is damaged, or `each` fails.
    fn scan(&self, table: T, range: Range<'_>, backwards: bool, each: Each<'_>) -> Result<(), StoreError>;
}

/// Typed reading, for every [`View`].
pub(crate) trait ViewExt: View {
    /// The row under `key`.
    fn row<R: Row>(&self, table: T, key: &[u8]) -> Result<Option<R>, StoreError> {
        self.get(table, key)?.map(|payload| decode(table, key, &payload)).transpose()
    }

    /// The JSON under `key`.
    fn json<J: DeserializeOwned>(&self, table: T, key: &[u8]) -> Result<Option<J>, StoreError> {
        self.get(table, key)?
            .map(|payload| {
                serde_json::from_slice(&payload).map_err(|_| Damage::Form { table: table.name(), key: codec::hex(key) }.into())
            })
            .transpose()
    }

    /// Walks the rows whose keys begin with `prefix`; `each` gets the rest of the key.
    fn scan_prefix(&self, table: T, prefix: &[u8], each: Each<'_>) -> Result<(), StoreError> {
        let end = successor(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.scan(table, (Bound::Included(prefix), to), false, &mut |key, payload| each(&key[prefix.len()..], payload))
    }
}

impl<V: View + ?Sized> ViewExt for V {}

/// Reads a payload as a row.
pub(crate) fn decode<R: Row>(table: T, key: &[u8], payload: &[u8]) -> Result<R, StoreError> {
    R::decode(payload).ok_or_else(|| Damage::Form { table: table.name(), key: codec::hex(key) }.into())
}

/// The least key that is greater than all that begin with `prefix`; `None` where there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last == u8::MAX {
            end.pop();
        } else {
            *last += 1;
            return Some(end);
        }
    }
    None
}

pub(super) fn get_from<S>(source: &S, table: T, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>
where
    S: ReadableTable<&'static [u8], &'static [u8]>,
{
    let Some(value) = source.get(key)? else { return Ok(None) };
    Ok(Some(codec::open(table.name(), key, value.value())?.to_vec()))
}

pub(super) fn scan_from<S>(source: &S, table: T, range: Range<'_>, backwards: bool, each: Each<'_>) -> Result<(), StoreError>
where
    S: ReadableTable<&'static [u8], &'static [u8]>,
{
    let mut rows = source.range::<&[u8]>(range)?;
    while let Some(row) = if backwards { rows.next_back() } else { rows.next() } {
        let (key, value) = row?;
        let payload = codec::open(table.name(), key.value(), value.value())?;
        if each(key.value(), payload)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// A snapshot: what was committed when it was taken, whatever happens meanwhile.
pub struct Snapshot {
    pub(super) transaction: ReadTransaction,
}

impl View for Snapshot {
    fn get(&self, table: T, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        get_from(&self.transaction.open_table(table.definition())?, table, key)
    }

    fn scan(&self, table: T, range: Range<'_>, backwards: bool, each: Each<'_>) -> Result<(), StoreError> {
        scan_from(&self.transaction.open_table(table.definition())?, table, range, backwards, each)
    }
}

impl Snapshot {
    /// What is committed now.
    pub(super) fn of(database: &redb::Database) -> Result<Self, StoreError> {
        use redb::ReadableDatabase as _;
        Ok(Self { transaction: database.begin_read()? })
    }

    /// Reads every row of a table and gives each with its payload, or the damage where the seal does not fit; for `verify`,
    /// which names all that is wrong rather than the first.
    ///
    /// # Errors
    /// Where the disk or the database's own structure fails.
    pub(crate) fn check(&self, table: T, each: EachChecked<'_>) -> Result<(), StoreError> {
        let opened = self.transaction.open_table(table.definition())?;
        let mut rows = 0;
        for row in opened.range::<&[u8]>(..)? {
            let (key, value) = row?;
            // A walk takes every leaf; a look-up goes by the branches above them, which may be what is damaged.
            let is_found = opened.get(key.value())?.is_some_and(|found| found.value() == value.value());
            let payload = codec::open(table.name(), key.value(), value.value());
            let lost = || Damage::Check { table: table.name(), key: codec::hex(key.value()) };
            each(key.value(), payload.and_then(|payload| is_found.then_some(payload).ok_or_else(lost)));
            rows += 1;
        }
        if opened.len()? != rows {
            each(b"", Err(Damage::Check { table: table.name(), key: format!("{rows} of {} rows are found", opened.len()?) }));
        }
        Ok(())
    }
}

/// All tables of a write transaction, opened once: the database allows each to be open one time only.
///
/// On damage the database panics, and then again in each table that is let go; a panic on the way out of another one would end the
/// whole program. So every step is caught by itself.
pub(super) struct OpenTables<'txn>(pub(super) Vec<Table<'txn, &'static [u8], &'static [u8]>>);

impl<'txn> OpenTables<'txn> {
    pub(super) fn open(transaction: &'txn redb::WriteTransaction) -> Result<Self, StoreError> {
        let mut tables = Self(Vec::with_capacity(T::ALL.len()));
        for table in T::ALL {
            let opened = catch_unwind(AssertUnwindSafe(|| transaction.open_table(table.definition())));
            let damage = |_| Damage::Form { table: table.name(), key: "the table itself".into() };
            tables.0.push(opened.map_err(damage)??);
        }
        Ok(tables)
    }
}

impl Drop for OpenTables<'_> {
    fn drop(&mut self) {
        for table in self.0.drain(..) {
            // What it panics about was an error before: nothing of this transaction is kept.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(table)));
        }
    }
}

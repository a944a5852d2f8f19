//! From older formats of the data folder to this one, and a kind refusal of newer ones.
//!
//! Called once at each opening. The format's number is in the table `meta-1`; each step from one number to the next is a
//! function here, done in one transaction. There is one format so far.

use redb::{Database, ReadableDatabase as _};

use super::tables::T;
use super::view::OpenTables;
use super::{StoreError, codec, view};

/// The format that this program writes.
pub(super) const FORMAT: u64 = 1;

const KEY: &[u8] = b"format";

/// Makes all tables of a new database, and writes down its format.
pub(super) fn begin(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    {
        let mut tables = OpenTables::open(&transaction)?;
        let sealed = codec::seal(T::Meta.name(), KEY, FORMAT.to_string().as_bytes());
        tables.0[T::Meta as usize].insert(KEY, sealed.as_slice())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Makes the tables that a folder of an earlier program lacks. A new table is no new format: who does not know it passes it over. They
/// begin empty, which is right: no earlier program let anybody write what is in them.
pub(super) fn complete(database: &Database) -> Result<(), StoreError> {
    let lacks = {
        let transaction = database.begin_read()?;
        let is_missing = |table: &&T| {
            let opened = transaction.open_table(table.definition());
            matches!(opened, Err(redb::TableError::TableDoesNotExist(_)))
        };
        T::ALL.iter().any(|table| is_missing(&table))
    };
    if lacks {
        let transaction = database.begin_write()?;
        drop(OpenTables::open(&transaction)?);
        transaction.commit()?;
    }
    Ok(())
}

/// Looks at the format before anything else is read.
pub(super) fn check(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_read()?;
    let meta = match transaction.open_table(T::Meta.definition()) {
        Ok(meta) => meta,
        Err(redb::TableError::TableDoesNotExist(_)) => return Err(StoreError::Unusable("it was never begun".into())),
        Err(error) => return Err(error.into()),
    };
    let found = view::get_from(&meta, T::Meta, KEY)?
        .and_then(|text| String::from_utf8(text).ok()?.parse().ok())
        .ok_or_else(|| StoreError::Unusable("its format is not written down".into()))?;
    if found > FORMAT {
        return Err(StoreError::TooNew { found, known: FORMAT });
    }
    Ok(())
}

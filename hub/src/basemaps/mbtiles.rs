//! MBTiles: SQLite with a table (often a view) `tiles`, rows counted from the south, and a table `metadata`.
//!
//! SQLite reads the file by its path and not through [`crate::files`]: it wants a disk of its own kind, and only reads here. The file
//! is opened as one that never changes, so nothing is locked or written beside it. It is a stranger's, and views in it are programs:
//! they get no trust, no more than [`TIME`], and all SQLite together no more memory than [`MEMORY`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use serde_json::Value;

use super::MapError;
use super::about::{About, Format, Kind, layer_names, plain_text};
use super::bytes::{self, TILE_BYTES};
use super::tile::{Piece, TilePlace};
use crate::files::Handle;

/// What the file begins with.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// For one question. By an index a tile is found in a thousandth of it.
const TIME: Duration = Duration::from_secs(2);

/// Steps of SQLite between two looks at the clock.
const STEPS: i32 = 10_000;

/// For all open files together: caches, and what a view may pile up.
const MEMORY: u32 = 64 * 1024 * 1024;

/// The largest value that is read.
const VALUE: i32 = TILE_BYTES as i32;

/// Rows of metadata that are read.
const ROWS: u32 = 200;

/// An open file.
pub(super) struct Mbtiles {
    /// One question at a time. Held while it is asked, which is on a blocking thread.
    connection: Mutex<Connection>,
    /// When the question that is asked must be answered, in milliseconds since [`begun`].
    until: Arc<AtomicU64>,
    about: About,
}

/// From when on time is counted here.
fn begun() -> Instant {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    *BEGUN.get_or_init(Instant::now)
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

impl Mbtiles {
    pub(super) fn open(path: &Path, file: &dyn Handle) -> Result<Self, MapError> {
        check_length(file)?;
        let until = Arc::new(AtomicU64::new(millis(begun().elapsed() + TIME)));
        let connection = connect(path, Arc::clone(&until)).map_err(wrong)?;
        let metadata = metadata(&connection).map_err(wrong)?;
        let zooms: (Option<u8>, Option<u8>) = connection
            .query_row("SELECT min(zoom_level), max(zoom_level) FROM tiles", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(wrong)?;
        let (Some(minzoom), Some(maxzoom)) = zooms else { return Err(MapError::Damaged("it has no tiles")) };
        let first: Vec<u8> = connection.query_row("SELECT tile_data FROM tiles LIMIT 1", [], |row| row.get(0)).map_err(wrong)?;
        // What the tiles are is surer than what is said of them.
        let kind = if bytes::picture(&first).is_some() { Kind::Raster } else { Kind::Vector };
        let said = |name: &str| metadata.get(name).map(String::as_str).unwrap_or_default();
        let layers = serde_json::from_str::<Value>(said("json")).map(|json| layer_names(&json)).unwrap_or_default();
        let mut about = About::of(Format::Mbtiles, kind, layers, numbers(said("bounds")), (minzoom, maxzoom));
        about.attribution = plain_text(said("attribution"));
        Ok(Self { connection: Mutex::new(connection), until, about })
    }

    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn tile(&self, TilePlace { z, x, y }: TilePlace) -> Result<Option<Piece>, MapError> {
        let from_south = (1 << z) - 1 - y;
        let connection = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.until.store(millis(begun().elapsed() + TIME), Ordering::Relaxed);
        let ask = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?";
        let found: Option<Vec<u8>> = connection.query_row(ask, (z, x, from_south), |row| row.get(0)).optional().map_err(wrong)?;
        found.map(|bytes| Piece::tile(self.about.kind, bytes)).transpose()
    }
}

/// SQLite notices that a file is cut off only when it comes there. Its header says how many pages there are.
fn check_length(file: &dyn Handle) -> Result<(), MapError> {
    let header = bytes::read(file, 0, 100, 100)?;
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    let pages = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    // The count is that of the last change only where both counters of changes agree.
    if header[24..28] == header[92..96] && file.len()? < page * pages { Err(MapError::CutOff) } else { Ok(()) }
}

fn connect(path: &Path, until: Arc<AtomicU64>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(address(path), flags)?;
    connection.progress_handler(STEPS, Some(move || millis(begun().elapsed()) > until.load(Ordering::Relaxed)))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.execute_batch(&format!(
        "PRAGMA hard_heap_limit = {MEMORY}; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -2000;
         PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;"
    ))?;
    Ok(connection)
}

/// The path as SQLite's address of a file that does not change.
fn address(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => address.push(char::from(byte)),
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address + "?immutable=1"
}

fn metadata(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut ask = connection.prepare(&format!("SELECT name, CAST(value AS TEXT) FROM metadata LIMIT {ROWS}"))?;
    let rows = ask.query_map([], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?)))?;
    rows.map(|row| row.map(|(name, value)| (name.unwrap_or_default(), value.unwrap_or_default()))).collect()
}

/// `-77.1,-7,-76,-6` as numbers; what is none is no bound.
fn numbers(text: &str) -> [f64; 4] {
    let mut numbers = text.split(',').map(|number| number.trim().parse().unwrap_or(f64::NAN));
    std::array::from_fn(|_| numbers.next().unwrap_or(f64::NAN))
}

fn wrong(error: rusqlite::Error) -> MapError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted | ErrorCode::OutOfMemory) => MapError::TooSlow,
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => MapError::Disk(std::io::Error::other(error)),
        Some(ErrorCode::TooBig) => MapError::Damaged("a part of it is absurdly large"),
        _ => MapError::Damaged("its tables are not those of a map, or cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_address_whatever_is_in_it() {
        assert_eq!(address(Path::new("/a b/c?x=1&#%é.mbtiles")), "file:/a%20b/c%3Fx%3D1%26%23%25%C3%A9.mbtiles?immutable=1");
        assert_eq!(numbers("-77.1, -7,-76,-6"), [-77.1, -7.0, -76.0, -6.0]);
        assert!(numbers("1,2,x").iter().any(|number| number.is_nan()));
    }
}

//! `observations.gpkg`: a GeoPackage 1.3 (OGC 12-128r17), which map programs open as one layer with its table.
//!
//! It is a SQLite database, written by hand: the tables that the standard asks for, one of features, and an index of the ids. The columns are those of the
//! other files; properties that hold numbers in every document are numbers here, so that a program can colour by them, and all else is text.
//! A document without a place has no geometry, and is in the table all the same. One column is added: where the first photo lies, relative to the folder
//! that the file is in, for the form of a map program.
//!
//! How the layer looks stands in `layer_styles`, the table that QGIS makes when it is asked to save a style here, and from which it styles the layer in any
//! project. It is entered among the contents as QGIS does it; whoever lists the tables sees it beside the layer.
//!
//! It is written where it is to lie, without a journal: until the bundle has its name nobody reads it, and what is cut off is thrown away.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use super::super::columns::{Columns, Flat, Kind};
use super::qgis::Style;

/// The layer.
pub const LAYER: &str = "observations";

/// The column that only this file has: the first photo, relative to the folder that the file is in.
pub const PHOTO: &str = "photo";

/// Rows that are kept in memory before they go to the drive together.
const ROWS_AT_ONCE: u32 = 2000;

/// `GPKG`, and version 1.3.
const HEAD: &str = "PRAGMA application_id = 1196444487; PRAGMA user_version = 10300;";

/// The tables that the standard asks for. The three rows of reference systems are its own words.
const TABLES: &str = r#"
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]', 'longitude and latitude in degrees'),
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', NULL),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', NULL);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name), CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
"#;

/// The table of styles as QGIS makes it.
const STYLES: &str = r#"
CREATE TABLE "layer_styles" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256), "f_table_schema" TEXT(256),
  "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30), "styleQML" TEXT, "styleSLD" TEXT, "useAsDefault" BOOLEAN,
  "description" TEXT, "owner" TEXT(30), "ui" TEXT(30), "update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
"#;

/// Writes documents one after the other.
pub struct Writer {
    database: Connection,
    insert: String,
    kinds: Vec<Kind>,
    rows: u32,
    /// West, south, east, north of what was written.
    bounds: Option<[f64; 4]>,
    made_at: String,
}

const fn declared(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Time => "DATETIME",
        Kind::Real => "REAL",
        Kind::Integer => "INTEGER",
    }
}

fn cell(kind: Kind, value: Value) -> Cell {
    match (kind, value) {
        (_, Value::Null) => Cell::Null,
        (Kind::Real, Value::Number(number)) => number.as_f64().map_or(Cell::Null, Cell::Real),
        (Kind::Integer, Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::Integer),
        (_, Value::String(text)) => Cell::Text(text),
        (_, Value::Array(items)) if items.is_empty() => Cell::Null,
        (_, other) => Cell::Text(other.to_string()),
    }
}

impl Writer {
    /// Begins a database at `path`, where there is no file yet. `made_at`: as the standard spells a time.
    ///
    /// # Errors
    /// Where the drive refuses.
    pub fn new(path: &Path, columns: &Columns, made_at: &str) -> io::Result<Self> {
        let database = Connection::open(path).map_err(refused)?;
        let begin =
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;";
        // The photo first: forms show columns in their order.
        let names = distinct(std::iter::once(PHOTO).chain(columns.names()));
        let kinds: Vec<Kind> = std::iter::once(Kind::Text).chain(columns.kinds()).collect();
        let declared: String =
            names.iter().zip(&kinds).map(|(name, kind)| format!(", {} {}", quoted(name), declared(*kind))).collect();
        let features =
            format!("CREATE TABLE observations (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT{declared});");
        database.execute_batch(&[begin, HEAD, TABLES, &features, "BEGIN"].join("\n")).map_err(refused)?;
        let places: String = (0..=kinds.len()).map(|n| format!(", ?{}", n + 1)).collect();
        let insert = format!("INSERT INTO observations VALUES (NULL{places})");
        Ok(Self { database, insert, kinds, rows: 0, bounds: None, made_at: made_at.to_owned() })
    }

    /// Writes a document.
    ///
    /// # Errors
    /// Where the drive refuses.
    pub fn write(&mut self, columns: &Columns, flat: &Flat) -> io::Result<()> {
        let point = flat.location.map_or(Cell::Null, |(lat, lon)| Cell::Blob(point(lat, lon)));
        if let Some((lat, lon)) = flat.location {
            let [west, south, east, north] = self.bounds.unwrap_or([lon, lat, lon, lat]);
            self.bounds = Some([west.min(lon), south.min(lat), east.max(lon), north.max(lat)]);
        }
        let photo = flat.photo.as_ref().map_or(Value::Null, |path| path.strip_prefix("data/").unwrap_or(path).into());
        let values = std::iter::once(photo).chain(columns.cells(flat).into_iter().map(|(_, value)| value));
        let cells = values.zip(&self.kinds).map(|(value, kind)| cell(*kind, value));
        let row = std::iter::once(point).chain(cells);
        let mut insert = self.database.prepare_cached(&self.insert).map_err(refused)?;
        insert.execute(params_from_iter(row)).map_err(refused)?;
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_AT_ONCE) {
            self.database.execute_batch("COMMIT; BEGIN").map_err(refused)?;
        }
        Ok(())
    }

    /// West, south, east, north of what was written.
    #[must_use]
    pub const fn bounds(&self) -> Option<[f64; 4]> {
        self.bounds
    }

    /// Adds how the layer looks, ends the database and closes its file.
    ///
    /// # Errors
    /// Where the drive refuses.
    pub fn finish(self, style: &Style) -> io::Result<()> {
        let [west, south, east, north] = self.bounds.map_or([None; 4], |bounds| bounds.map(Some));
        let contents =
            "INSERT INTO gpkg_contents VALUES ('observations', 'features', 'observations', 'Maloca', ?1, ?2, ?3, ?4, ?5, 4326)";
        self.database.execute(contents, (&self.made_at, west, south, east, north)).map_err(refused)?;
        let end = "INSERT INTO gpkg_geometry_columns VALUES ('observations', 'geom', 'POINT', 4326, 0, 0);
                   CREATE INDEX observations_doc ON observations (doc); COMMIT;";
        // What follows is small; each statement is its own commit.
        self.database.execute_batch(end).map_err(refused)?;
        self.database.execute_batch(STYLES).map_err(refused)?;
        let contents = "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) VALUES ('layer_styles', 'attributes', 'layer_styles', ?1)";
        self.database.execute(contents, [&self.made_at]).map_err(refused)?;
        let default =
            "INSERT INTO layer_styles VALUES (NULL, '', '', 'observations', 'geom', 'Maloca', ?1, ?2, 1, '', '', NULL, ?3)";
        self.database.execute(default, (&style.qml, &style.sld, &self.made_at)).map_err(refused)?;
        self.database.close().map_err(|(_, error)| refused(error))
    }
}

/// A point as the standard spells it: a head of eight bytes, little endian and without an envelope, then well-known binary.
fn point(lat: f64, lon: f64) -> Vec<u8> {
    let mut bytes = b"GP\0\x01".to_vec();
    bytes.extend(4326_i32.to_le_bytes());
    bytes.push(1);
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(lon.to_le_bytes());
    bytes.extend(lat.to_le_bytes());
    bytes
}

/// Names that differ by more than case, for the database knows no case; the later one gets a number.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: BTreeSet<String> = ["fid", "geom"].map(str::to_owned).into();
    names
        .map(|name| {
            let is_free = |candidate: &String| !taken.contains(&candidate.to_ascii_lowercase());
            let candidates = std::iter::once(name.to_owned()).chain((2_u32..).map(|n| format!("{name}_{n}")));
            let free = candidates.into_iter().find(is_free).unwrap_or_else(|| name.to_owned());
            taken.insert(free.to_ascii_lowercase());
            free
        })
        .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// What SQLite says is what the drive says, where it says so.
fn refused(error: rusqlite::Error) -> io::Error {
    use rusqlite::ErrorCode as Code;
    let kind = match error.sqlite_error_code() {
        Some(Code::DiskFull) => io::ErrorKind::StorageFull,
        Some(Code::ReadOnly) => io::ErrorKind::ReadOnlyFilesystem,
        Some(Code::TooBig) => io::ErrorKind::FileTooLarge,
        Some(Code::CannotOpen) => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_case_alone_are_kept_apart() {
        let names = ["doc", "set.Height", "set.height", "set.HEIGHT", "FID"];
        assert_eq!(distinct(names.into_iter()), ["doc", "set.Height", "set.height_2", "set.HEIGHT_3", "FID_2"]);
        assert_eq!(quoted("a\"b\0c"), "\"a\"\"bc\"");
    }

    #[test]
    fn a_point_is_as_the_standard_spells_it() {
        let bytes = point(-6.5, -76.25);
        assert_eq!((&bytes[..4], bytes.len()), (&b"GP\0\x01"[..], 29));
        assert_eq!(f64::from_le_bytes(bytes[13..21].try_into().unwrap()), -76.25);
    }
}

//! `shapefile/observations.*`, where it was asked for: what older map programs open. `.shp`, `.shx`, `.dbf` (ESRI Shapefile Technical Description, 1998;
//! dBASE III) and beside them `.prj` (WGS 84) and `.cpg` (UTF-8).
//!
//! The form is an old one, and loses: names of columns have ten characters, and `fields.csv` beside it says which is which; a text has 254 bytes and is
//! cut at the end of a letter, and `fields.csv` says how many were; there are 255 columns, and the last ones are left out; a time is a text. Nobody needs
//! to mind: the GeoPackage has everything. A document without a place has the null shape, and is in the table all the same.
//!
//! The heads of these files say how much follows. So the documents are looked at once before ([`Fit`]), and everything is written from beginning to end,
//! as drives like it. The crates for this form go back to the head when they are dropped, where nobody learns that a drive refused it.
//!
//! Other programs read a `.dbf` up to 2 GB, and some up to 4.

mod table; // the .dbf
mod names; // ten characters for each column

use std::io::{self, Write};

use serde_json::Value;

use super::super::columns::{Columns, Flat};
use table::Field;

pub use table::Table;

/// Where the reference system is said.
pub const PROJECTION: &str = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

/// The encoding of the table.
pub const ENCODING: &str = "UTF-8";

/// Which column each field stands for.
pub const FIELD_LIST: &str = "data/shapefile/fields.csv";

/// Columns of [`FIELD_LIST`].
pub const FIELD_COLUMNS: &[&str] = &["field", "column", "type", "width", "cut"];

/// The head of `.shp` and `.shx`.
const HEAD_BYTES: u64 = 100;

/// A record of the `.shp` with a point, and one without: eight bytes before each.
const POINT_BYTES: u64 = 28;
const NULL_BYTES: u64 = 12;

/// What is known of the documents before they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    fields: Vec<Field>,
    rows: u32,
    points: u32,
    /// West, south, east, north.
    bounds: Option<[f64; 4]>,
}

impl Fit {
    /// Begins to look.
    #[must_use]
    pub fn new(columns: &Columns) -> Self {
        Self { fields: table::fields(columns), rows: 0, points: 0, bounds: None }
    }

    /// Looks at a document.
    pub fn see(&mut self, columns: &Columns, flat: &Flat) {
        for (field, (_, value)) in self.fields.iter_mut().zip(columns.cells(flat)) {
            field.see(&value);
        }
        self.rows += 1;
        if let Some((lat, lon)) = flat.location {
            self.points += 1;
            let [west, south, east, north] = self.bounds.unwrap_or([lon, lat, lon, lat]);
            self.bounds = Some([west.min(lon), south.min(lat), east.max(lon), north.max(lat)]);
        }
    }

    /// Bytes of the `.dbf`, the longest of the files.
    #[must_use]
    pub fn table_bytes(&self) -> u64 {
        table::bytes(&self.fields, self.rows)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shapes_bytes() + self.index_bytes() + self.table_bytes() + 64 * 1024
    }

    fn shapes_bytes(&self) -> u64 {
        HEAD_BYTES + u64::from(self.points) * POINT_BYTES + u64::from(self.rows - self.points) * NULL_BYTES
    }

    fn index_bytes(&self) -> u64 {
        HEAD_BYTES + u64::from(self.rows) * 8
    }
}

/// The files, when they are written.
pub struct Written<W> {
    /// `.shp`, `.shx` and `.dbf`.
    pub files: [W; 3],
    /// The rows of `fields.csv`.
    pub fields: Vec<[Value; 5]>,
}

/// Writes documents one after the other.
pub struct Writer<W> {
    shapes: W,
    index: W,
    table: Table<W>,
    /// The number of the next record, and where it begins, in words of two bytes.
    next: (i32, i32),
    fit: Fit,
}

impl<W: Write> Writer<W> {
    /// Begins the three files. `made_at`: in the one form of a time.
    ///
    /// # Errors
    /// Where they refuse, or could not be as long as they would have to be.
    pub fn new([mut shapes, mut index, table]: [W; 3], fit: Fit, made_at: &str) -> io::Result<Self> {
        shapes.write_all(&head(fit.shapes_bytes(), fit.bounds)?)?;
        index.write_all(&head(fit.index_bytes(), fit.bounds)?)?;
        let table = Table::new(table, fit.fields.clone(), fit.rows, made_at)?;
        Ok(Self { shapes, index, table, next: (1, (HEAD_BYTES / 2) as i32), fit })
    }

    /// Writes a document.
    ///
    /// # Errors
    /// Where the files refuse.
    pub fn write(&mut self, columns: &Columns, flat: &Flat) -> io::Result<()> {
        let mut shape: Vec<u8> = Vec::new();
        match flat.location {
            None => shape.extend(0_i32.to_le_bytes()),
            Some((lat, lon)) => {
                shape.extend(1_i32.to_le_bytes());
                shape.extend(lon.to_le_bytes());
                shape.extend(lat.to_le_bytes());
            }
        }
        let (number, at) = self.next;
        let words = (shape.len() / 2) as i32;
        for part in [number, words] {
            self.shapes.write_all(&part.to_be_bytes())?;
        }
        self.shapes.write_all(&shape)?;
        for part in [at, words] {
            self.index.write_all(&part.to_be_bytes())?;
        }
        self.next = (number + 1, at + 4 + words);
        self.table.write(columns.cells(flat).into_iter().map(|(_, value)| value))
    }

    /// Ends the files.
    ///
    /// # Errors
    /// Where they refuse, or where other documents came than were looked at.
    pub fn finish(self) -> io::Result<Written<W>> {
        if (u64::from(self.fit.rows) + 1, self.fit.shapes_bytes()) != (self.next.0 as u64, self.next.1 as u64 * 2) {
            return Err(io::Error::other("the documents changed while the Shapefile was written"));
        }
        let (table, fields) = self.table.finish()?;
        Ok(Written { files: [self.shapes, self.index, table], fields })
    }
}

/// The head that `.shp` and `.shx` share.
fn head(bytes: u64, bounds: Option<[f64; 4]>) -> io::Result<Vec<u8>> {
    let words = i32::try_from(bytes / 2).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut head = Vec::with_capacity(HEAD_BYTES as usize);
    for part in [9994, 0, 0, 0, 0, 0, words] {
        head.extend(i32::to_be_bytes(part));
    }
    // The version, and that all are points.
    for part in [1000, 1] {
        head.extend(i32::to_le_bytes(part));
    }
    for part in bounds.unwrap_or_default() {
        head.extend(part.to_le_bytes());
    }
    // Heights and measures, of which there are none.
    head.extend([0; 32]);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_as_the_description_says() {
        let head = head(200, Some([-77.0, -7.0, -76.0, -6.0])).unwrap();
        assert_eq!((head.len() as u64, &head[..4]), (HEAD_BYTES, &[0, 0, 0x27, 0x0a][..]));
        assert_eq!(i32::from_be_bytes(head[24..28].try_into().unwrap()), 100);
        assert_eq!(f64::from_le_bytes(head[36..44].try_into().unwrap()), -77.0);
        assert!(super::head(1 << 33, None).is_err());
    }
}

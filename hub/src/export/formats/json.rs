//! `observations.json`: an array of flat documents, one object a line, so that it is JSON for programs and lines for eyes.
//!
//! Columns as in all formats; those of properties that a document does not have are left out of its object. A document in
//! conflict has one more member, `conflict_values`: for each property all values that people gave, the shown one first.

use std::io::{self, Write};

use maloca_protocol::Document;
use serde_json::{Value, json};

use super::super::columns::{Columns, FIXED, Flat};
use super::object;

/// Writes documents one after the other.
pub struct Writer<W> {
    out: W,
    line: Vec<u8>,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    /// Begins the array.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"[")?;
        Ok(Self { out, line: Vec::new(), is_empty: true })
    }

    /// Writes a document.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn write(&mut self, columns: &Columns, flat: &Flat, document: &Document) -> io::Result<()> {
        let mut cells = columns.cells(flat);
        let conflicts = (!document.conflicts.is_empty()).then(|| json!(document.conflicts));
        cells.extend(conflicts.map(|values| ("conflict_values", values)));
        self.line.clear();
        self.line.extend_from_slice(if self.is_empty { b"\n" } else { b",\n" });
        self.is_empty = false;
        object(&mut self.line, present(&cells));
        self.out.write_all(&self.line)
    }

    /// Ends the array.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]\n")?;
        Ok(self.out)
    }
}

/// The fixed columns, and of the others those that the document has.
pub(super) fn present<'a>(cells: &'a [(&'a str, Value)]) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let has = |n: usize, value: &Value| n < FIXED.len() || !value.is_null();
    cells.iter().enumerate().filter(move |(n, (_, value))| has(*n, value)).map(|(_, (name, value))| (*name, value))
}

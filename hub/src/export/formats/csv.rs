//! `observations.csv`: UTF-8 with a byte order mark and CRLF, as spreadsheets expect it.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe in front: one that begins with `=`, `+`, `-`, `@`
//! (or their full-width forms), a tab, a line end, or an apostrophe itself. So whoever reads it back takes one
//! apostrophe away where there is one, and has the text as it was. Numbers stay numbers, `-6.48` too.

use std::io::{self, Write};

use serde_json::Value;

use super::super::columns::{Columns, Flat};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes rows one after the other.
pub struct Writer<W: Write>(csv::Writer<W>);

impl<W: Write> Writer<W> {
    /// Begins a table with these columns.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn new<'a>(mut out: W, columns: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        rows.write_record(columns.into_iter().map(harmless))?;
        Ok(Self(rows))
    }

    /// Writes a document.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn write(&mut self, columns: &Columns, flat: &Flat) -> io::Result<()> {
        self.row(columns.cells(flat).into_iter().map(|(_, value)| value))
    }

    /// Writes any row of as many cells as there are columns.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Value>) -> io::Result<()> {
        Ok(self.0.write_record(cells.into_iter().map(cell))?)
    }

    /// Ends the table.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.0.flush()?;
        self.0.into_inner().map_err(|error| io::Error::new(error.error().kind(), error.to_string()))
    }
}

fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(&text),
        Value::Array(items) if items.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn harmless(text: &str) -> String {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    if begins { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_back_and_none_is_a_formula(texts in proptest::collection::vec("[=+@'\t\r\n,\";a-]{0,6}", 1..5)) {
            let names: Vec<String> = (0..texts.len()).map(|n| format!("c{n}")).collect();
            let mut writer = Writer::new(Vec::new(), names.iter().map(String::as_str)).unwrap();
            writer.row(texts.iter().map(|text| Value::from(text.as_str()))).unwrap();
            let bytes = writer.finish().unwrap();
            let body = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap();
            let mut reader = csv::Reader::from_reader(body);
            let row = reader.records().next().unwrap().unwrap();
            for (text, cell) in texts.iter().zip(row.iter()) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
                prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), text);
            }
        }
    }
}

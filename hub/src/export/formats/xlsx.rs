//! `observations.xlsx`: a workbook, which is what most offices open. Numbers are numbers and times are times (UTC), so that they sort and add.
//!
//! Nothing is ever a formula. A text that is longer than a cell may be is cut, with three dots at its end; the CSV has all of it. A sheet holds
//! 1,048,576 rows: what is beyond stands on the next one.
//!
//! The library gathers each sheet in a nameless file on the drive, in constant memory, and packs it at the end. Not beside the hub's data: a hub
//! whose disk is full is the one that needs its copy most.

use std::io;
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;

use super::super::columns::{Columns, Flat, Kind};

/// Rows of a sheet, its head included.
const ROWS: u32 = 1_048_576;

/// The longest text of a cell, in UTF-16 units.
const CELL_UNITS: usize = 32_767;

/// Writes documents one after the other.
pub struct Writer {
    book: Workbook,
    names: Vec<String>,
    kinds: Vec<Kind>,
    time: Format,
    /// Which sheet is written, and its next row.
    at: (usize, u32),
}

impl Writer {
    /// Begins a workbook, whose sheets are gathered in the folder `gather`.
    ///
    /// # Errors
    /// Where that folder refuses.
    pub fn new(gather: &Path, columns: &Columns) -> io::Result<Self> {
        let mut book = Workbook::new();
        book.set_tempdir(gather).map_err(refused)?;
        let names = columns.names().map(str::to_owned).collect();
        let time = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        let mut writer = Self { book, names, kinds: columns.kinds(), time, at: (0, 0) };
        writer.add_sheet().map_err(refused)?;
        Ok(writer)
    }

    fn add_sheet(&mut self) -> Result<(), XlsxError> {
        let head = Format::new().set_bold();
        let number = self.at.0 + 1;
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        sheet.set_name(if number == 1 { "observations".to_owned() } else { format!("observations {number}") })?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, (name, kind)) in (0..).zip(self.names.iter().zip(&self.kinds)) {
            sheet.set_column_width(column, if *kind == Kind::Time { 19 } else { 14 })?;
            sheet.write_string_with_format(0, column, name, &head)?;
        }
        self.at.1 = 1;
        Ok(())
    }

    /// Writes a document.
    ///
    /// # Errors
    /// Where the folder of [`Self::new`] refuses.
    pub fn write(&mut self, columns: &Columns, flat: &Flat) -> io::Result<()> {
        self.row(columns, flat).map_err(refused)
    }

    fn row(&mut self, columns: &Columns, flat: &Flat) -> Result<(), XlsxError> {
        if self.at.1 == ROWS {
            self.at.0 += 1;
            self.add_sheet()?;
        }
        let (sheet, row) = self.at;
        let sheet = self.book.worksheet_from_index(sheet)?;
        for (column, ((_, value), kind)) in (0..).zip(columns.cells(flat).into_iter().zip(&self.kinds)) {
            cell(sheet, (row, column), *kind, value, &self.time)?;
        }
        self.at.1 += 1;
        Ok(())
    }

    /// Packs the workbook into a file at `path`.
    ///
    /// # Errors
    /// Where the drive refuses.
    pub fn finish(mut self, path: &Path) -> io::Result<()> {
        self.book.save(path).map_err(refused)
    }
}

fn cell(sheet: &mut Worksheet, (row, column): (u32, u16), kind: Kind, value: Value, time: &Format) -> Result<(), XlsxError> {
    match (kind, value) {
        (_, Value::Null) => {}
        (_, Value::Array(items)) if items.is_empty() => {}
        (Kind::Real | Kind::Integer, Value::Number(number)) => {
            sheet.write_number(row, column, number.as_f64().unwrap_or_default())?;
        }
        (Kind::Time, Value::String(text)) => match ExcelDateTime::parse_from_str(&text) {
            Ok(at) => drop(sheet.write_datetime_with_format(row, column, at, time)?),
            // Before 1900 there are no times in a workbook.
            Err(_) => drop(sheet.write_string(row, column, text)?),
        },
        (_, Value::String(text)) => drop(sheet.write_string(row, column, cut(&text))?),
        (_, other) => drop(sheet.write_string(row, column, cut(&other.to_string()))?),
    }
    Ok(())
}

/// As much of a text as a cell takes.
fn cut(text: &str) -> String {
    if text.encode_utf16().count() <= CELL_UNITS {
        return text.to_owned();
    }
    let mut units = 1;
    let kept = text.chars().take_while(|letter| {
        units += letter.len_utf16();
        units <= CELL_UNITS
    });
    kept.chain(std::iter::once('…')).collect()
}

fn refused(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_a_cell_ends_and_never_inside_a_letter() {
        assert_eq!(cut("plain"), "plain");
        let longest = "x".repeat(CELL_UNITS);
        assert_eq!(cut(&longest), longest);
        for text in ["x".repeat(CELL_UNITS + 1), "🦜".repeat(CELL_UNITS)] {
            let kept = cut(&text);
            assert!(kept.ends_with('…') && kept.encode_utf16().count() <= CELL_UNITS, "{}", kept.len());
        }
    }
}

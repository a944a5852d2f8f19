//! The table of a Shapefile: dBASE III, rows of one length after a head that says how many there are and how wide each field is.

use std::io::{self, Write};

use serde_json::Value;

use super::super::super::columns::{Columns, Kind};
use super::super::words::plain;

/// Fields at most.
const FIELDS: usize = 255;

/// The widest text, in bytes.
const TEXT_BYTES: usize = 254;

/// Digits of counts: as many as other programs read without loss.
const INTEGER_DIGITS: usize = 18;

/// Characters of a number, and how many decimals other programs expect there; what is written has as many as it needs.
const REAL_DIGITS: usize = 24;
const REAL_DECIMALS: u8 = 15;

/// A column as this table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    name: String,
    column: String,
    kind: Kind,
    width: usize,
    /// How many texts were longer.
    cut: u64,
}

/// The fields for these columns; those that find no room come last and have no width.
pub(super) fn fields(columns: &Columns) -> Vec<Field> {
    let names = super::names::short(columns.names());
    let all = names.into_iter().zip(columns.names()).zip(columns.kinds());
    all.enumerate()
        .map(|(at, ((name, column), kind))| {
            let width = match kind {
                _ if at >= FIELDS => 0,
                Kind::Text | Kind::Time => 1,
                Kind::Real => REAL_DIGITS,
                Kind::Integer => INTEGER_DIGITS,
            };
            Field { name, column: column.to_owned(), kind, width, cut: 0 }
        })
        .collect()
}

/// Bytes of a table of so many rows.
pub(super) fn bytes(fields: &[Field], rows: u32) -> u64 {
    head_bytes(fields) as u64 + row_bytes(fields) as u64 * u64::from(rows) + 1
}

fn head_bytes(fields: &[Field]) -> usize {
    32 + 32 * fields.iter().filter(|field| field.is_there()).count() + 1
}

fn row_bytes(fields: &[Field]) -> usize {
    1 + fields.iter().map(|field| field.width).sum::<usize>()
}

impl Field {
    const fn is_there(&self) -> bool {
        self.width > 0
    }

    const fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Time)
    }

    /// Makes room for a value.
    pub(super) fn see(&mut self, value: &Value) {
        if self.is_there() && self.is_text() {
            self.width = self.width.max(plain(value).len().min(TEXT_BYTES));
        }
    }

    /// Adds the cell to a row.
    fn put(&mut self, row: &mut Vec<u8>, value: &Value) {
        let end = row.len() + self.width;
        if self.is_text() {
            // Programs that know a text by its end take this for it.
            let text = plain(value).replace('\0', " ");
            let kept = &text[..text.floor_char_boundary(self.width)];
            self.cut += u64::from(kept.len() < text.len());
            row.extend_from_slice(kept.as_bytes());
        } else {
            let text = number(value, self.width);
            row.resize(end - text.len(), b' ');
            row.extend_from_slice(text.as_bytes());
        }
        row.resize(end, b' ');
    }
}

/// A number in at most so many characters; nothing where there is none.
fn number(value: &Value, width: usize) -> String {
    if let Some(whole) = value.as_i64() {
        return Some(whole.to_string()).filter(|text| text.len() <= width).unwrap_or_default();
    }
    let Some(number) = value.as_f64() else { return String::new() };
    let text = number.to_string();
    let text = if text.len() <= width { text } else { format!("{number:e}") };
    if text.len() <= width { text } else { String::new() }
}

/// Writes rows one after the other.
pub struct Table<W> {
    out: W,
    fields: Vec<Field>,
    row: Vec<u8>,
}

impl<W: Write> Table<W> {
    pub(super) fn new(mut out: W, fields: Vec<Field>, rows: u32, made_at: &str) -> io::Result<Self> {
        let part = |range| made_at.get(range).and_then(|digits: &str| digits.parse::<u16>().ok()).unwrap_or_default();
        // Years since 1900 in one byte.
        let day = [part(0..4).saturating_sub(1900).min(255) as u8, part(5..7) as u8, part(8..10) as u8];
        let mut head = vec![3, day[0], day[1], day[2]];
        head.extend(rows.to_le_bytes());
        head.extend((head_bytes(&fields) as u16).to_le_bytes());
        head.extend((row_bytes(&fields) as u16).to_le_bytes());
        head.resize(32, 0);
        for field in fields.iter().filter(|field| field.is_there()) {
            let begin = head.len();
            head.extend_from_slice(field.name.as_bytes());
            head.resize(begin + 11, 0);
            let (letter, decimals) = match field.kind {
                Kind::Text | Kind::Time => (b'C', 0),
                Kind::Real => (b'N', REAL_DECIMALS),
                Kind::Integer => (b'N', 0),
            };
            head.extend([letter, 0, 0, 0, 0, field.width as u8, decimals]);
            head.resize(begin + 32, 0);
        }
        head.push(0x0d);
        out.write_all(&head)?;
        Ok(Self { out, fields, row: Vec::new() })
    }

    pub(super) fn write(&mut self, cells: impl Iterator<Item = Value>) -> io::Result<()> {
        self.row.clear();
        // Not deleted.
        self.row.push(b' ');
        for (field, value) in self.fields.iter_mut().zip(cells).filter(|(field, _)| field.is_there()) {
            field.put(&mut self.row, &value);
        }
        self.out.write_all(&self.row)
    }

    /// Ends the table; gives it, and what `fields.csv` says of each column.
    pub(super) fn finish(mut self) -> io::Result<(W, Vec<[Value; 5]>)> {
        self.out.write_all(&[0x1a])?;
        let told = self.fields.into_iter().map(|field| {
            let there = field.is_there();
            let kind = match field.kind {
                Kind::Text => "text",
                Kind::Time => "time, as text",
                Kind::Real | Kind::Integer => "number",
            };
            let name = if there { field.name.into() } else { Value::Null };
            [name, field.column.into(), if there { kind } else { "left out" }.into(), field.width.into(), field.cut.into()]
        });
        Ok((self.out, told.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_text_is_cut_where_a_letter_ends() {
        let mut field = Field { name: "notes".into(), column: "notes".into(), kind: Kind::Text, width: 1, cut: 0 };
        let text = json!(format!("x{}", "é".repeat(200)));
        field.see(&text);
        assert_eq!(field.width, TEXT_BYTES);
        let mut row = Vec::new();
        field.put(&mut row, &text);
        assert_eq!((row.len(), field.cut), (TEXT_BYTES, 1));
        assert_eq!(std::str::from_utf8(&row).unwrap().trim_end(), format!("x{}", "é".repeat(126)));
    }

    proptest! {
        #[test]
        fn a_number_fits_and_is_the_same(number in any::<f64>().prop_filter("JSON has no others", |n| n.is_finite())) {
            let text = super::number(&json!(number), REAL_DIGITS);
            prop_assert_eq!(text.parse::<f64>().unwrap(), number);
        }
    }
}

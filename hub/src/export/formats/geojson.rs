//! `observations.geojson`: a FeatureCollection (RFC 7946), one feature a line; the API answers single features with it.
//!
//! A document without a place on Earth has a null geometry, so that it is in the table of a map program all the same.

use std::io::{self, Write};

use serde_json::Value;

use super::super::columns::{self, About, Columns, Flat};
use super::json::present;
use super::object;
use crate::query::Found;

/// The media type.
pub const MEDIA_TYPE: &str = "application/geo+json";

/// Writes features one after the other.
pub struct Writer<W> {
    out: W,
    line: Vec<u8>,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    /// Begins the collection.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
        Ok(Self { out, line: Vec::new(), is_empty: true })
    }

    /// Writes a feature.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn write(&mut self, columns: &Columns, flat: &Flat) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(if self.is_empty { b"\n" } else { b",\n" });
        self.is_empty = false;
        write_feature(&mut self.line, columns, flat);
        self.out.write_all(&self.line)
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}\n")?;
        Ok(self.out)
    }
}

/// A document as a feature of its own, for the API: all its properties are columns.
#[must_use]
pub fn feature(found: &Found, about: &About) -> Value {
    let mut text = Vec::new();
    write_feature(&mut text, &Columns::of(&found.document), &columns::flatten(&found.document, about));
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

fn write_feature(out: &mut Vec<u8>, columns: &Columns, flat: &Flat) {
    out.extend_from_slice(b"{\"type\":\"Feature\",\"id\":");
    // The first fixed column is the document's id.
    let _ = serde_json::to_writer(&mut *out, &flat.fixed[0]);
    out.extend_from_slice(b",\"geometry\":");
    match flat.location {
        None => out.extend_from_slice(b"null"),
        Some((lat, lon)) => {
            out.extend_from_slice(b"{\"type\":\"Point\",\"coordinates\":");
            let _ = serde_json::to_writer(&mut *out, &[lon, lat]);
            out.push(b'}');
        }
    }
    out.extend_from_slice(b",\"properties\":");
    let cells = columns.cells(flat);
    object(out, present(&cells));
    out.push(b'}');
}

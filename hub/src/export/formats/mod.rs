//! The files of a bundle that people and programs open, each written as a stream: one document in memory at a time.
//!
//! [`super::run`] drives them over one snapshot. They promise: the same columns in all of them (see [`super::columns`]),
//! the same bytes for the same snapshot, and nothing of a stranger's text that a spreadsheet would carry out.

pub mod csv; // for spreadsheets
pub mod datapackage; // what the tables hold, for programs
pub mod custody; // when each record came, and by which way
pub mod gpkg; // for map programs, with a table
pub mod qgis; // how QGIS is to show that
pub mod geojson; // for maps, and for the API
pub mod json; // for programs
pub mod xlsx; // for offices
pub mod revisions; // everything, lossless and signed
pub mod kmz; // for Google Earth, where it is asked for
pub mod gpx; // for GPS devices, where it is asked for
pub mod shapefile; // for older map programs, where it is asked for
mod words; // what an observation says, where there is no table
mod xml; // people's texts in XML

use serde_json::Value;

/// Writes an object with its members in the order given.
pub(crate) fn object<'a>(out: &mut Vec<u8>, members: impl IntoIterator<Item = (&'a str, &'a Value)>) {
    out.push(b'{');
    for (n, (name, value)) in members.into_iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        text(out, name);
        out.push(b':');
        // A `Value` has text keys and finite numbers only, and memory does not refuse to be written.
        let _ = serde_json::to_writer(&mut *out, value);
    }
    out.push(b'}');
}

/// Writes a text as JSON.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

//! `datapackage.json`: a Data Package (specs.frictionlessdata.io, version 1) that tells programs what the columns of the tables hold, and which
//! row belongs to which.
//!
//! [`crate::export::run`] writes it beside the tables that it describes. It promises: a table read by it has numbers where the GeoPackage has
//! numbers; what cannot be told of a column in general is text. The encoding is not named: a byte order mark says it, and some programs
//! that are told `utf-8` take the mark for a letter of the first column.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::also::Also;
use super::super::bundle::{ATTACHMENT_COLUMNS, MEDIA_COLUMNS, MISSING_COLUMNS, Origin};
use super::super::columns::{Columns, Kind};
use super::shapefile::{FIELD_COLUMNS, FIELD_LIST};

/// The description of a bundle's tables.
#[must_use]
pub fn describe(origin: &Origin, bundle: &[u8; 16], made_at: &str, columns: &Columns, also: &BTreeSet<Also>) -> Value {
    let observations = columns.names().zip(columns.kinds()).map(|(name, kind)| field(name, kind)).collect();
    let of_doc = json!([{ "fields": "doc", "reference": { "resource": "observations", "fields": "doc" } }]);
    let mut described = json!({
        "profile": "tabular-data-package",
        "name": "maloca",
        "id": data_encoding::HEXLOWER.encode(bundle),
        "title": origin.hub_name,
        "created": made_at,
        "resources": [
            table("observations", observations, json!("doc"), json!([])),
            table("attachments", plain(ATTACHMENT_COLUMNS), json!(["doc", "blake3"]), of_doc.clone()),
            table("media", plain(MEDIA_COLUMNS), json!("blake3"), json!([])),
            table("missing", plain(MISSING_COLUMNS), json!(["doc", "blake3"]), of_doc),
        ],
    });
    // The other files that may be asked for are no tables.
    if also.contains(&Also::Shapefile) {
        let mut fields = table("shapefile-fields", plain(FIELD_COLUMNS), json!("column"), json!([]));
        fields["path"] = json!(FIELD_LIST.trim_start_matches("data/"));
        described["resources"].as_array_mut().into_iter().for_each(|resources| resources.push(fields.clone()));
    }
    described
}

fn table(name: &str, fields: Vec<Value>, key: Value, foreign: Value) -> Value {
    json!({
        "name": name,
        "path": format!("{name}.csv"),
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "dialect": { "delimiter": ",", "quoteChar": "\"", "doubleQuote": true, "lineTerminator": "\r\n" },
        "schema": { "fields": fields, "primaryKey": key, "foreignKeys": foreign, "missingValues": [""] },
    })
}

fn field(name: &str, kind: Kind) -> Value {
    let of_type = match kind {
        Kind::Text => "string",
        Kind::Time => "datetime",
        Kind::Real => "number",
        Kind::Integer => "integer",
    };
    json!({ "name": name, "type": of_type })
}

/// Columns of the lists: all text, but for lengths in bytes and counts.
fn plain(names: &[&str]) -> Vec<Value> {
    names
        .iter()
        .map(|name| field(name, if matches!(*name, "size" | "width" | "cut") { Kind::Integer } else { Kind::Text }))
        .collect()
}

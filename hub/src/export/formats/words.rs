//! What an observation says in a title and a few lines, for programs that show no table.
//!
//! [`super::kmz`] and [`super::gpx`] write it. It is plain text: whoever writes it makes it harmless for his format.

use maloca_protocol::time;
use serde_json::Value;

use super::super::columns::{Columns, FIXED, Flat};
use super::super::legend::{Legend, OTHERS_NAME};

/// When it was seen, in the one form of a time: what its people said, where that is a time, else when the record was made.
#[must_use]
pub(super) fn when(flat: &Flat) -> String {
    let observed = flat.said("observed_at").as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let text = observed.map(|at| time::format_millis(at.as_millisecond()));
    // Years that need a sign are no times to other programs.
    let plain = text.filter(|text| text.as_bytes()[0].is_ascii_digit());
    plain.unwrap_or_else(|| flat.said("created_at").as_str().unwrap_or_default().to_owned())
}

/// Its category and day, in UTC.
#[must_use]
pub(super) fn title(legend: &Legend, flat: &Flat) -> String {
    let category = flat.said("category").as_str().unwrap_or_default();
    let name = match legend.sign(category) {
        Some((_, sign)) => &sign.name,
        None if category.is_empty() => OTHERS_NAME,
        None => category,
    };
    let when = when(flat);
    let day = when.split('T').next().unwrap_or_default();
    format!("{name} {day}")
}

/// Its notes, what else its people said, who it was, and where its media lie in the bundle.
#[must_use]
pub(super) fn lines(columns: &Columns, flat: &Flat) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(flat.said("notes").as_str().map(str::to_owned));
    for (name, value) in columns.cells(flat).into_iter().skip(FIXED.len()) {
        if !value.is_null() {
            lines.push(format!("{}: {}", name.strip_prefix("set.").unwrap_or(name), plain(&value)));
        }
    }
    lines.extend(flat.said("person_name").as_str().map(str::to_owned));
    let media = flat.said("media").as_array().into_iter().flatten();
    lines.extend(media.filter_map(Value::as_str).map(str::to_owned));
    lines
}

/// A value as a text: a text as it is, anything else as JSON.
#[must_use]
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => String::new(),
        other => other.to_string(),
    }
}

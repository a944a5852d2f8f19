//! One flattening and one list of columns for all formats: what a spreadsheet, a map and a program see is the same.
//!
//! `formats/*` write what comes out of here; `api/observations` answers GeoJSON with it. It promises: nothing of a document's
//! properties is dropped (what fits no column of its own stands in [`MORE`]); the columns are a function of the set of
//! documents alone, in whatever order they come; memory is bounded by [`PROPERTIES`] names and one document.
//!
//! Column names of properties:
//!
//! ```text
//! {"species": "ceiba", "tree": {"height_m": 31}, "seen": ["a", "b"]}
//! set.species = ceiba    set.tree.height_m = 31    set.seen = ["a","b"]
//! ```
//!
//! A dot or backslash inside a name is written after a backslash, so that `{"a.b": 1}` and `{"a": {"b": 1}}` differ.

use std::collections::{BTreeMap, BTreeSet};

use maloca_protocol::document::{Document, Kept, State};
use maloca_protocol::{DeviceId, time};
use serde_json::{Map, Value};

use crate::feed;
use crate::query::{Found, index};
use crate::store::{StoreError, View};

/// The columns that every export has, in their order.
pub const FIXED: &[&str] = &[
    "doc",
    "category",
    "observed_at",
    "created_at",
    "changed_at",
    "received_at",
    "lat",
    "lon",
    "accuracy_m",
    "altitude_m",
    "location_source",
    "notes",
    "person",
    "person_name",
    "state",
    "conflicts",
    "media_count",
    "media",
    "missing_media",
    "revisions",
    "clock_offset_ms",
];

/// The column for properties that have none of their own: a JSON object of column name and value.
pub const MORE: &str = "more";

/// Columns of properties at most: an old spreadsheet shows 256 to 1,024, and nobody reads more.
pub const PROPERTIES: usize = 256;

/// The longest name of a column, in bytes; a property with a longer one stands in [`MORE`].
const NAME_BYTES: usize = 120;

/// Levels of objects that become columns; deeper ones are values.
const LEVELS: usize = 4;

/// What a document does not say of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// When its newest revision reached this hub, milliseconds since 1970; the page shows the same.
    pub received_at: i64,
    /// The clock of the device that brought that revision minus the hub's, milliseconds.
    pub clock_offset: Option<i64>,
    /// What people call the device that made it.
    pub person_name: Option<String>,
    /// Where its media are, in the order of its attachments.
    pub media: Vec<String>,
    /// Where the first of them is that is said to be a picture.
    pub photo: Option<String>,
    /// How many of its media are not there.
    pub missing: u64,
}

impl About {
    /// Collects it. `name` tells what people call a device, `place` where an attachment is, `None` where it is not.
    ///
    /// # Errors
    /// Where the store fails.
    pub(crate) fn of(
        view: &impl View,
        found: &Found,
        name: &dyn Fn(&DeviceId) -> Option<String>,
        place: &mut dyn FnMut(&Kept) -> Result<Option<String>, StoreError>,
    ) -> Result<Self, StoreError> {
        let last = found.row.seqs.last().map(|seq| feed::entry(view, *seq)).transpose()?;
        let mut about = Self {
            received_at: last.as_ref().map_or(0, |entry| entry.arrival.at),
            clock_offset: last.as_ref().and_then(|entry| entry.arrival.clock_offset),
            person_name: name(&found.document.author),
            ..Self::default()
        };
        for kept in &found.document.attachments {
            match place(kept)? {
                Some(path) => {
                    if about.photo.is_none() && kept.attachment.media_type.starts_with("image/") {
                        about.photo = Some(path.clone());
                    }
                    about.media.push(path);
                }
                None => about.missing += 1,
            }
        }
        Ok(about)
    }
}

/// A document, flat.
#[derive(Debug, Clone, PartialEq)]
pub struct Flat {
    /// A value for each of [`FIXED`].
    pub fixed: Vec<Value>,
    /// Its other properties by the name of their column.
    pub properties: BTreeMap<String, Value>,
    /// Latitude and longitude in degrees.
    pub location: Option<(f64, f64)>,
    /// Where its first picture is.
    pub photo: Option<String>,
}

impl Flat {
    /// What it has in one of [`FIXED`].
    #[must_use]
    pub fn said(&self, column: &str) -> &Value {
        let at = FIXED.iter().position(|fixed| *fixed == column);
        at.and_then(|at| self.fixed.get(at)).unwrap_or(&Value::Null)
    }
}

/// Flattens a document.
#[must_use]
pub fn flatten(document: &Document, about: &About) -> Flat {
    let (taken, properties) = split(document);
    let location = index::location(&document.set);
    let text = |name: &str| taken.get(name).cloned().unwrap_or(Value::Null);
    let state = match document.state {
        State::Whole => "whole",
        State::Conflict => "conflict",
        State::Incomplete => "incomplete",
    };
    let fixed = FIXED
        .iter()
        .map(|column| match *column {
            "doc" => document.doc.to_string().into(),
            "created_at" => document.created_at.clone().into(),
            "changed_at" => document.changed_at.clone().into(),
            "received_at" => time::format_millis(about.received_at).into(),
            "person" => document.author.to_string().into(),
            "person_name" => about.person_name.clone().map_or(Value::Null, Value::from),
            "state" => state.into(),
            "conflicts" => document.conflicts.keys().cloned().collect(),
            "media_count" => document.attachments.len().into(),
            "media" => about.media.clone().into(),
            "missing_media" => about.missing.into(),
            "revisions" => document.revisions.into(),
            "clock_offset_ms" => about.clock_offset.map_or(Value::Null, Value::from),
            said => text(said),
        })
        .collect();
    Flat { fixed, properties, location, photo: about.photo.clone() }
}

/// The properties that have a fixed column of their own, and all others by the name of their column. A property that does not
/// look as its fixed column expects (a category that is a number) is among the others, so that it is not lost.
fn split(document: &Document) -> (BTreeMap<&'static str, Value>, BTreeMap<String, Value>) {
    let (mut taken, mut others) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in &document.set {
        let own = ["category", "observed_at", "notes"].into_iter().find(|own| own == name && value.is_string());
        match (own, value) {
            (Some(own), _) => drop(taken.insert(own, value.clone())),
            (None, Value::Object(place)) if name == "location" && index::location(&document.set).is_some() => {
                locate(place, &mut taken, &mut others);
            }
            (None, _) => put(&mut others, &format!("set.{}", escaped(name)), value, LEVELS),
        }
    }
    (taken, others)
}

fn locate(place: &Map<String, Value>, taken: &mut BTreeMap<&'static str, Value>, others: &mut BTreeMap<String, Value>) {
    for (name, value) in place {
        let own = match name.as_str() {
            "lat" => Some("lat"),
            "lon" => Some("lon"),
            "accuracy_m" if value.is_number() => Some("accuracy_m"),
            "altitude_m" if value.is_number() => Some("altitude_m"),
            "source" if value.is_string() => Some("location_source"),
            _ => None,
        };
        match own {
            Some(own) => drop(taken.insert(own, value.clone())),
            None => put(others, &format!("set.location.{}", escaped(name)), value, LEVELS - 1),
        }
    }
}

fn put(columns: &mut BTreeMap<String, Value>, name: &str, value: &Value, levels: usize) {
    match value {
        Value::Object(members) if levels > 1 && !members.is_empty() => {
            for (member, value) in members {
                put(columns, &format!("{name}.{}", escaped(member)), value, levels - 1);
            }
        }
        _ => drop(columns.insert(name.to_owned(), value.clone())),
    }
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('.', "\\.")
}

/// The first pass: collects the names of columns.
#[derive(Debug, Default)]
pub struct Collector {
    /// Whether all values under that name are numbers.
    names: BTreeMap<String, bool>,
    has_more: bool,
}

impl Collector {
    /// Looks at a document.
    pub fn see(&mut self, document: &Document) {
        for (name, value) in split(document).1 {
            if name.len() > NAME_BYTES {
                self.has_more = true;
                continue;
            }
            let is_number = value.is_number() || value.is_null();
            *self.names.entry(name).or_insert(true) &= is_number;
            // The least names stay, so that the order in which documents come does not matter.
            if self.names.len() > PROPERTIES {
                self.names.pop_last();
                self.has_more = true;
            }
        }
    }

    /// The columns.
    #[must_use]
    pub fn columns(self) -> Columns {
        let numbers = self.names.iter().filter(|(_, is_number)| **is_number).map(|(name, _)| name.clone()).collect();
        Columns { properties: self.names.into_keys().collect(), numbers, has_more: self.has_more }
    }
}

/// The columns of one export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    properties: Vec<String>,
    /// Those among them that hold nothing but numbers.
    numbers: BTreeSet<String>,
    has_more: bool,
}

/// What a column holds, in every document that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts, and values of more than one kind.
    Text,
    /// Times in the one form that this program writes.
    Time,
    /// Numbers.
    Real,
    /// Counts.
    Integer,
}

impl Columns {
    /// What each column holds, in the order of [`Self::names`].
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let kind = |name: &str| match name {
            "created_at" | "changed_at" | "received_at" => Kind::Time,
            "lat" | "lon" | "accuracy_m" | "altitude_m" => Kind::Real,
            "media_count" | "missing_media" | "revisions" | "clock_offset_ms" => Kind::Integer,
            name if self.numbers.contains(name) => Kind::Real,
            _ => Kind::Text,
        };
        self.names().map(kind).collect()
    }

    /// The columns of a single document: all that it has.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let mut collector = Collector::default();
        collector.see(document);
        collector.columns()
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let properties = self.properties.iter().map(String::as_str);
        FIXED.iter().copied().chain(properties).chain(self.has_more.then_some(MORE))
    }

    /// Whether there is a column for what has none of its own.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.has_more
    }

    /// Name and value of each column; [`Value::Null`] where the document has none.
    #[must_use]
    pub fn cells<'a>(&'a self, flat: &Flat) -> Vec<(&'a str, Value)> {
        let mut rest = flat.properties.clone();
        let mut cells: Vec<(&str, Value)> = FIXED.iter().copied().zip(flat.fixed.iter().cloned()).collect();
        cells.extend(self.properties.iter().map(|name| (name.as_str(), rest.remove(name).unwrap_or(Value::Null))));
        if self.has_more {
            let more = if rest.is_empty() { Value::Null } else { Value::Object(rest.into_iter().collect()) };
            cells.push((MORE, more));
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maloca_protocol::{DeviceKey, DocId, Draft, document};
    use proptest::prelude::*;
    use serde_json::json;

    fn document(set: &Value) -> Document {
        let doc = DocId::from_source("columns", "1");
        let mut draft = Draft::new("observation", doc, 0);
        draft.set = set.as_object().cloned().unwrap();
        document::merge(doc, &[draft.sign(&DeviceKey::from_seed([1; 32])).unwrap()]).unwrap()
    }

    fn cells(set: &Value) -> BTreeMap<String, Value> {
        let document = document(set);
        let columns = Columns::of(&document);
        let flat = flatten(&document, &About::default());
        columns.cells(&flat).into_iter().map(|(name, value)| (name.to_owned(), value)).filter(|(_, v)| !v.is_null()).collect()
    }

    #[test]
    fn properties_become_columns_and_none_collides() {
        let cells = cells(&json!({
            "category": "tala", "notes": 7, "doc": "mine", "a.b": 1, "a": {"b": 2, "c": {"d": {"e": {"f": 3}}}}, "list": [1, 2],
            "location": {"lat": -6.48, "lon": -76.36, "accuracy_m": 8, "heading": 90}, "empty": {}
        }));
        assert_eq!(cells["category"], "tala");
        assert_eq!(cells["set.notes"], 7);
        assert_eq!(cells["set.doc"], "mine");
        assert_eq!(cells["set.a\\.b"], 1);
        assert_eq!(cells["set.a.b"], 2);
        assert_eq!(cells["set.a.c.d.e"], json!({"f": 3}));
        assert_eq!(cells["set.list"], json!([1, 2]));
        assert_eq!(cells["lat"], -6.48);
        assert_eq!(cells["set.location.heading"], 90);
        assert_eq!(cells["set.empty"], json!({}));
        assert!(!cells.contains_key("notes"));
    }

    #[test]
    fn a_place_that_is_not_on_earth_is_kept_as_it_was_said() {
        let cells = cells(&json!({"location": {"lat": 91, "lon": 0}}));
        assert_eq!((&cells["set.location.lat"], &cells["set.location.lon"]), (&json!(91), &json!(0)));
        assert!(!cells.contains_key("lat"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_order_does_not_matter(sets in proptest::collection::vec(
            proptest::collection::btree_map("[a-z.\\\\]{1,4}|location|category", 0..9_i32, 0..90), 1..8))
        {
            let documents: Vec<Document> = sets.iter().map(|set| document(&json!(set))).collect();
            let columns = |order: &mut dyn Iterator<Item = &Document>| {
                let mut collector = Collector::default();
                order.for_each(|document| collector.see(document));
                collector.columns()
            };
            let all = columns(&mut documents.iter());
            prop_assert_eq!(&all, &columns(&mut documents.iter().rev()));
            prop_assert!(all.properties.len() <= PROPERTIES);
            for (document, set) in documents.iter().zip(&sets) {
                let flat = flatten(document, &About::default());
                let cells = all.cells(&flat);
                let more = cells.iter().find(|(name, _)| *name == MORE).and_then(|(_, v)| v.as_object().cloned()).unwrap_or_default();
                let own = cells.iter().filter(|(name, value)| name.starts_with("set.") && !value.is_null()).count();
                prop_assert_eq!(own + more.len(), set.len());
            }
        }
    }
}

//! What each category is called and which colour it has: one legend for all files that draw observations.
//!
//! [`super::run`] makes it for `formats/qgis`, `formats/gpkg`, `formats/kmz` and `formats/gpx`. It promises: the hub's categories come first, in
//! the hub's order, with its names and colours; a category that no hub has said stands under its own key, in a colour that is the same in every
//! export; the same documents give the same legend, in whatever order they come; there are [`MOST`] signs at most, and whatever has none is drawn
//! as the others.
//!
//! A file on a drive does not know its reader's language. Names are those in Spanish, else in English, else in whichever language there is: the
//! order in which the pages look where they have none in the reader's.

use std::collections::{BTreeMap, BTreeSet};

use maloca_protocol::Document;
use serde_json::Value;

use crate::query::index;

/// Signs at most: nobody reads a longer legend, and each takes some room in the files.
pub const MOST: usize = 300;

/// The longest key of a category that has a sign, in bytes; a longer name is cut.
const KEY_BYTES: usize = 255;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// The colour of what has no sign of its own.
pub const OTHERS: Colour = [0x51, 0x58, 0x5e];

/// What those are called, for a reader whose language is not known.
pub const OTHERS_NAME: &str = "otras · outras · other · autres";

/// Colours of categories that no hub has said: those of the set that phones begin with.
const PALETTE: [Colour; 6] =
    [[0xb3, 0x26, 0x1e], [0xa8, 0x54, 0x1a], [0x6d, 0x4c, 0x2f], [0x2f, 0x6b, 0x3c], [0x1f, 0x5f, 0x99], [0x6a, 0x3d, 0x8f]];

/// How a category is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What stands in the observations.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
}

/// The categories of an export.
#[derive(Debug, Clone, Default)]
pub struct Legend {
    signs: Vec<Sign>,
    by_key: BTreeMap<String, usize>,
    others: BTreeSet<String>,
}

impl Legend {
    /// Begins with the categories of the hub, in its order.
    #[must_use]
    pub fn of(presets: &[Document]) -> Self {
        let mut legend = Self::default();
        for preset in presets {
            let Some(key) = preset.set.get("key").and_then(Value::as_str) else { continue };
            let name = preset.set.get("name").and_then(said).unwrap_or(key);
            let colour = preset.set.get("color").and_then(Value::as_str).and_then(read);
            legend.add(key, name, colour.unwrap_or_else(|| colour_of(key)));
        }
        legend
    }

    /// Looks at a document.
    pub fn see(&mut self, document: &Document) {
        let Some(key) = document.set.get("category").and_then(Value::as_str) else { return };
        if key.is_empty() || key.len() > KEY_BYTES || self.by_key.contains_key(key) || self.others.contains(key) {
            return;
        }
        self.others.insert(key.to_owned());
        // The least stay, so that the order in which documents come does not matter.
        if self.others.len() > MOST {
            self.others.pop_last();
        }
    }

    /// The legend, once every document was seen.
    #[must_use]
    pub fn whole(mut self) -> Self {
        for key in std::mem::take(&mut self.others) {
            self.add(&key, &key, colour_of(&key));
        }
        self
    }

    fn add(&mut self, key: &str, name: &str, colour: Colour) {
        if self.signs.len() < MOST && !key.is_empty() && key.len() <= KEY_BYTES && !self.by_key.contains_key(key) {
            self.by_key.insert(key.to_owned(), self.signs.len());
            let name = index::cut(name, KEY_BYTES).to_owned();
            self.signs.push(Sign { key: key.to_owned(), name, colour });
        }
    }

    /// All signs, in their order.
    #[must_use]
    pub fn signs(&self) -> &[Sign] {
        &self.signs
    }

    /// The place and the sign of a category; `None` for the others.
    #[must_use]
    pub fn sign(&self, category: &str) -> Option<(usize, &Sign)> {
        self.by_key.get(category).map(|at| (*at, &self.signs[*at]))
    }
}

/// A name, for a reader whose language is not known.
fn said(names: &Value) -> Option<&str> {
    let names = names.as_object()?;
    let text = |language: &str| names.get(language).and_then(Value::as_str);
    let any = || names.values().find_map(Value::as_str);
    text("es").or_else(|| text("en")).or_else(any).filter(|name| !name.trim().is_empty())
}

fn read(colour: &str) -> Option<Colour> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(colour.strip_prefix('#')?.as_bytes()).ok()?.try_into().ok()
}

/// By the key alone, so that a category looks the same in every export of every hub.
fn colour_of(key: &str) -> Colour {
    PALETTE[usize::from(blake3::hash(key.as_bytes()).as_bytes()[0]) % PALETTE.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use maloca_protocol::{DeviceKey, DocId, Draft, document};
    use serde_json::json;

    fn document(set: &Value) -> Document {
        let doc = DocId::from_source("legend", "1");
        let mut draft = Draft::new("any", doc, 0);
        draft.set = set.as_object().cloned().unwrap();
        document::merge(doc, &[draft.sign(&DeviceKey::from_seed([1; 32])).unwrap()]).unwrap()
    }

    #[test]
    fn the_hubs_categories_come_first_and_the_rest_by_their_keys() {
        let presets = [
            document(&json!({ "key": "logging", "name": { "en": "Logging", "es": "Tala" }, "color": "#B3261e" })),
            document(&json!({ "key": "fire", "name": { "pt-BR": "Fogo" }, "color": "red" })),
            document(&json!({ "key": "nameless" })),
        ];
        let seen = ["zorro", "logging", "araña", ""].map(|key| document(&json!({ "category": key })));
        let legend = |order: &mut dyn Iterator<Item = &Document>| {
            let mut legend = Legend::of(&presets);
            order.for_each(|document| legend.see(document));
            legend.whole()
        };
        let whole = legend(&mut seen.iter());
        assert_eq!(whole.signs(), legend(&mut seen.iter().rev()).signs());
        let names: Vec<&str> = whole.signs().iter().map(|sign| sign.name.as_str()).collect();
        assert_eq!(names, ["Tala", "Fogo", "nameless", "araña", "zorro"]);
        assert_eq!(whole.sign("logging").unwrap().1.colour, [0xb3, 0x26, 0x1e]);
        assert_eq!(whole.sign("zorro").unwrap().0, 4);
        assert!(whole.sign("").is_none() && whole.sign("unseen").is_none());
    }

    #[test]
    fn a_legend_does_not_grow_without_end() {
        let mut legend = Legend::default();
        (0..2 * MOST).for_each(|n| legend.see(&document(&json!({ "category": format!("{n:05}") }))));
        let legend = legend.whole();
        assert_eq!((legend.signs().len(), legend.signs()[MOST - 1].key.as_str()), (MOST, "00299"));
    }
}

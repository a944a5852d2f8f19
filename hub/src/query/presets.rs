//! The categories that people choose from, each with its questions: documents of the kind `preset`, as the project's hubs say them.
//!
//! `api/presets` shows them, intake notes which documents they are. It promises that what anybody but a hub says of a category counts
//! for nothing here, and that reading them costs what there is of them, not what there is of observations.

use std::ops::ControlFlow;

use maloca_protocol::document::{self, Document};
use maloca_protocol::{DocId, ValidRevision, limits};
use serde_json::{Map, Value};

use super::history;
use crate::intake::Rules;
use crate::store::rows::{DocRow, Standing, doc_id};
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View};
use crate::trust::members;

/// The kind of these documents.
pub const PRESET: &str = "preset";

/// Categories in one answer; a person finds nothing in more.
const MOST: usize = 1_000;

/// Documents that are looked at for it; others than hubs may have begun some, which count for nothing.
const MOST_LOOKED_AT: usize = 10_000;

/// The document of a category, the same at every hub that begins with the same key.
#[must_use]
pub fn preset_doc(key: &str) -> DocId {
    DocId::from_source("maloca preset", key)
}

/// The categories that are not deleted, in the order that a hub gave them.
pub(crate) fn presets(view: &impl View, rules: &Rules) -> Result<Vec<Document>, StoreError> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    view.scan_prefix(T::Presets, &[], &mut |key, _| {
        looked_at += 1;
        if let Some(document) = doc_id(key).map(|doc| one(view, rules, doc)).transpose()?.flatten() {
            found.push(document);
        }
        Ok(if found.len() < MOST && looked_at < MOST_LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    found.retain(|document| !document.deleted);
    let order = |document: &Document| document.set.get("order").and_then(Value::as_f64).unwrap_or(f64::MAX);
    found.sort_by(|a, b| order(a).total_cmp(&order(b)).then_with(|| a.doc.cmp(&b.doc)));
    Ok(found)
}

/// What hubs say of one category.
fn one(view: &impl View, rules: &Rules, doc: DocId) -> Result<Option<Document>, StoreError> {
    let row: DocRow = view.row(T::Docs, doc.as_bytes())?.unwrap_or_default();
    let mut of_hubs: Vec<ValidRevision> = Vec::new();
    for revision in history(view, &row)? {
        let is_preset = revision.content().kind == PRESET;
        if is_preset && members::standing(view, rules, &revision.content().author)? == Some(Standing::Hub) {
            of_hubs.push(revision);
        }
    }
    Ok(document::merge(doc, &of_hubs))
}

/// Kinds of questions.
const TYPES: [&str; 5] = ["text", "number", "one", "many", "date"];

/// Bounds of a category, so that a phone can show it: questions, options of one, bytes of a text and of a drawn icon.
const QUESTIONS: usize = 60;
const OPTIONS: usize = 300;
const ICON_BYTES: usize = 40_000;

/// Whether the properties are those of a category.
///
/// # Errors
/// The first thing that is wrong, as a sentence.
pub fn check(set: &Map<String, Value>) -> Result<(), String> {
    let key = set.get("key").and_then(Value::as_str).unwrap_or_default();
    if key.is_empty() || key.len() > limits::NAME_BYTES {
        return Err("A category needs a key, a text of 1 to 255 bytes, which its observations carry.".into());
    }
    if !set.get("name").is_some_and(is_said) {
        return Err(format!("The category {key} needs a name in at least one language."));
    }
    let is_colour =
        |text: &str| text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
    if set.get("color").is_some_and(|colour| !colour.as_str().is_some_and(is_colour)) {
        return Err(format!("The colour of {key} is written like #2f7d4f."));
    }
    if set.get("icon").is_some_and(|icon| icon.as_str().is_none_or(|icon| icon.len() > ICON_BYTES)) {
        return Err(format!("The icon of {key} is too large: 40 kB at most."));
    }
    if set.get("order").is_some_and(|order| !order.is_number()) {
        return Err(format!("The order of {key} is a number."));
    }
    let none = Vec::new();
    let fields = set.get("fields").map_or(Some(&none), Value::as_array);
    let Some(fields) = fields.filter(|fields| fields.len() <= QUESTIONS) else {
        return Err(format!("The questions of {key} are a list of 60 at most."));
    };
    let mut keys: Vec<&str> = Vec::new();
    for field in fields {
        let name = check_field(field).map_err(|wrong| format!("A question of {key}: {wrong}"))?;
        if keys.contains(&name) {
            return Err(format!("Two questions of {key} have the key {name}."));
        }
        keys.push(name);
    }
    Ok(())
}

/// Checks a question, and gives its key.
fn check_field(field: &Value) -> Result<&str, String> {
    let key = field.get("key").and_then(Value::as_str).unwrap_or_default();
    if key.is_empty() || key.len() > limits::NAME_BYTES {
        return Err("its key is a text of 1 to 255 bytes, under which the answer is kept.".into());
    }
    let kind = field.get("type").and_then(Value::as_str).unwrap_or_default();
    if !TYPES.contains(&kind) {
        return Err(format!("the type of {key} is one of {}.", TYPES.join(", ")));
    }
    if !field.get("label").is_some_and(is_said) {
        return Err(format!("{key} needs a label in at least one language."));
    }
    if field.get("required").is_some_and(|required| !required.is_boolean()) {
        return Err(format!("whether {key} is required is true or false."));
    }
    let options = field.get("options").and_then(Value::as_array);
    let is_option =
        |option: &Value| option.get("value").is_some_and(Value::is_string) && option.get("label").is_some_and(is_said);
    let fits = options.is_some_and(|options| (1..=OPTIONS).contains(&options.len()) && options.iter().all(is_option));
    if matches!(kind, "one" | "many") && !fits {
        return Err(format!("{key} needs 1 to 300 options, each with a value and a label."));
    }
    Ok(key)
}

/// Whether it is a text in at least one language: `{"es": "…"}`.
fn is_said(value: &Value) -> bool {
    let is_text = |text: &Value| text.as_str().is_some_and(|text| !text.trim().is_empty() && text.len() <= 1_000);
    value.as_object().is_some_and(|languages| !languages.is_empty() && languages.values().all(is_text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(set: Value) -> Result<(), String> {
        check(set.as_object().expect("an object"))
    }

    #[test]
    fn a_category_has_a_key_a_name_and_sound_questions() {
        let field = json!({ "key": "count", "type": "number", "label": { "es": "¿Cuántos?" }, "required": true });
        let one = json!({ "key": "who", "type": "one", "label": { "es": "¿Quién?" }, "options": [{ "value": "us", "label": { "es": "Nosotros" } }] });
        let set = json!({ "key": "nest", "name": { "es": "Nido" }, "color": "#2f7d4f", "icon": "tree", "order": 3, "fields": [field, one] });
        assert_eq!(checked(set.clone()), Ok(()));
        assert_eq!(checked(json!({ "key": "nest", "name": { "es": "Nido" } })), Ok(()));
        let spoilt = |path: &str, value: Value| {
            let mut set = set.clone();
            *set.pointer_mut(path).expect("a place") = value;
            checked(set).is_err()
        };
        for (path, value) in [
            ("/key", json!("")),
            ("/name", json!({})),
            ("/name/es", json!(" ")),
            ("/color", json!("green")),
            ("/color", json!("#12345é")),
            ("/icon", json!("x".repeat(50_000))),
            ("/order", json!("first")),
            ("/fields", json!("none")),
            ("/fields/0/type", json!("magic")),
            ("/fields/0/label", json!("¿?")),
            ("/fields/0/required", json!("yes")),
            ("/fields/1/options", json!([])),
            ("/fields/1/options/0/value", json!(7)),
            ("/fields/1/key", json!("count")),
        ] {
            assert!(spoilt(path, value.clone()), "{path} = {value}");
        }
    }
}

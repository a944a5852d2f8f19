//! What filters look at, and the two orders in which documents are listed.
//!
//! Intake writes it in the commit of the revision; [`super::list`] walks it. Newest received: by the place of the
//! document's last revision in the feed, with the summary beside it. Newest observed: by what its people say, which points
//! to the former.

use maloca_protocol::document::{Document, State};
use maloca_protocol::revision::Content;
use maloca_protocol::time;
use serde_json::Value;

use crate::store::rows::{Nothing, Summary};
use crate::store::{StoreError, T, WriteTx};

type Properties = serde_json::Map<String, Value>;

/// The longest category that is indexed, in bytes; a longer one is found by its beginning.
const CATEGORY_BYTES: usize = 64;

/// What filters ask of a document.
pub(crate) fn summary(document: &Document) -> Summary {
    let made_at = time::parse_millis(&document.created_at).unwrap_or_default();
    Summary {
        doc: document.doc,
        deleted: document.deleted,
        state: document.state,
        has_media: !document.attachments.is_empty(),
        observed_at: observed_at(&document.set, made_at),
        location: location(&document.set),
        person: document.author,
        kind: document.kind.clone(),
        category: category(&document.set),
    }
}

/// The same of a document that has this revision and no other, without merging it: most documents are such, and each comes by here.
pub(crate) fn summary_of_first(revision: &Content) -> Summary {
    Summary {
        doc: revision.doc,
        deleted: revision.deleted,
        state: if revision.parents.is_empty() { State::Whole } else { State::Incomplete },
        has_media: !revision.attach.is_empty(),
        observed_at: observed_at(&revision.set, revision.created_at),
        location: location(&revision.set),
        person: revision.author,
        kind: revision.kind.clone(),
        category: category(&revision.set),
    }
}

fn category(set: &Properties) -> String {
    cut(set.get("category").and_then(Value::as_str).unwrap_or_default(), CATEGORY_BYTES).to_owned()
}

/// The longest beginning of `text` that fits into `bytes`.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// When it was observed, in milliseconds since 1970: any RFC 3339 time in `observed_at`, else when the first revision was
/// made, both as their authors' clocks had it.
fn observed_at(set: &Properties, made_at: i64) -> i64 {
    let said = set.get("observed_at").and_then(Value::as_str);
    said.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map_or(made_at, jiff::Timestamp::as_millisecond)
}

/// Latitude and longitude in degrees, where `location` holds two that exist on Earth.
pub(crate) fn location(set: &Properties) -> Option<(f64, f64)> {
    let location = set.get("location")?;
    let (lat, lon) = (location.get("lat")?.as_f64()?, location.get("lon")?.as_f64()?);
    (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lat, lon))
}

/// Key of the order by time of observation; the sign is flipped so that times before 1970 come first.
pub(crate) fn observed_key(observed_at: i64, seq: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&((observed_at as u64) ^ (1 << 63)).to_be_bytes());
    key[8..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// Moves a document to its new place in both orders.
pub(crate) fn replace(
    tx: &mut WriteTx<'_>,
    before: Option<(u64, Summary)>,
    seq: u64,
    summary: &Summary,
) -> Result<(), StoreError> {
    if let Some((last, old)) = before {
        tx.remove(T::ByReceived, &last.to_be_bytes())?;
        tx.remove(T::ByObserved, &observed_key(old.observed_at, last))?;
    }
    tx.put(T::ByReceived, &seq.to_be_bytes(), summary)?;
    tx.put(T::ByObserved, &observed_key(summary.observed_at, seq), &Nothing)
}

#[cfg(test)]
mod tests {
    use maloca_protocol::revision::Attachment;
    use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash, RevisionId, document};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!("2026-11-21T05:28:00Z")),
            Just(json!("no time")),
            Just(json!("x".repeat(100))),
            Just(json!({ "lat": -6.48, "lon": -76.36 })),
            Just(json!({ "lat": 91, "lon": 0 })),
            Just(json!(7)),
        ]
    }

    proptest! {
        #[test]
        fn the_first_revision_is_summed_up_as_its_merge_would_be(
            set in prop::collection::btree_map(prop::sample::select(vec!["observed_at", "category", "location", "notes"]), values(), 0..4),
            parents in 0_u8..3, attached in 0_u8..3, deleted: bool, created_at in -62_135_596_800_000_i64..253_402_300_799_999,
        ) {
            let mut draft = Draft::new("observation", DocId::from_source("index", "one"), created_at);
            draft.set = set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            draft.parents = (0..parents).map(|n| RevisionId([n; 32])).collect();
            draft.attach = (0..attached)
                .map(|n| Attachment { hash: MediaHash([n; 32]), name: "a".into(), media_type: "b".into(), size: 1, taken_at: None })
                .collect();
            draft.deleted = deleted;
            let revision = draft.sign(&DeviceKey::from_seed([1; 32])).expect("a sound revision");
            let merged = document::merge(revision.content().doc, [&revision]).expect("one revision");
            prop_assert_eq!(summary_of_first(revision.content()), summary(&merged));
        }
    }
}

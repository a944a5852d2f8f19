//! What filters look at, and the two orders in which documents are listed.
//!
//! Intake writes it in the commit of the revision; [`super::list`] walks it. Newest received: by the place of the
//! document's last revision in the feed, with the summary beside it. Newest observed: by what its people say, which points
//! to the former.

use maloca_protocol::document::Document;
use maloca_protocol::time;
use serde_json::Value;

use crate::store::rows::{Nothing, Summary};
use crate::store::{StoreError, T, WriteTx};

/// The longest category that is indexed, in bytes; a longer one is found by its beginning.
const CATEGORY_BYTES: usize = 64;

/// What filters ask of a document.
pub(crate) fn summary(document: &Document) -> Summary {
    let category = document.set.get("category").and_then(Value::as_str).unwrap_or_default();
    Summary {
        doc: document.doc,
        deleted: document.deleted,
        state: document.state,
        has_media: !document.attachments.is_empty(),
        observed_at: observed_at(document),
        location: location(document),
        person: document.author,
        kind: document.kind.clone(),
        category: cut(category, CATEGORY_BYTES).to_owned(),
    }
}

/// The longest beginning of `text` that fits into `bytes`.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// When it was observed, in milliseconds since 1970: any RFC 3339 time in `observed_at`, else when the first revision was
/// made, both as their authors' clocks had it.
pub(crate) fn observed_at(document: &Document) -> i64 {
    let said = document.set.get("observed_at").and_then(Value::as_str);
    let said = said.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(jiff::Timestamp::as_millisecond);
    said.or_else(|| time::parse_millis(&document.created_at)).unwrap_or_default()
}

/// Latitude and longitude in degrees, where `location` holds two that exist on Earth.
pub(crate) fn location(document: &Document) -> Option<(f64, f64)> {
    let location = document.set.get("location")?;
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

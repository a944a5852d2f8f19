//! Merged documents for the page and for devices: lists with filters and pages, one by its id, GeoJSON on request.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::document::{Candidate, Document};
use maloca_protocol::rest::BASE;
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceId, DocId, MediaHash, time};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::access::Caller;
use super::body::{Asked, Json, Named};
use super::history::{person, written_for};
use super::question::{Question, Wanted, reader};
use crate::export::columns::About;
use crate::export::formats::geojson;
use crate::feed;
use crate::hub::Hub;
use crate::query::{self, Found, PageError, Stretch};
use crate::store::rows::{DocRow, Keeping, MediaRow};
use crate::store::view::ViewExt as _;
use crate::store::{Snapshot, StoreError, T};

/// Categories in one answer.
const MOST_CATEGORIES: usize = 200;

/// An attachment, and whether its bytes are here.
#[derive(Serialize)]
pub(super) struct ShownMedia {
    hash: MediaHash,
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<String>,
    held: bool,
    /// It was freed here, since drives hold it.
    released: bool,
}

impl ShownMedia {
    pub(super) fn of(view: &Snapshot, attachment: Attachment) -> Result<Self, StoreError> {
        let keeping = view.row::<MediaRow>(T::Media, &attachment.hash.0)?.map(|row| row.keeping);
        let (held, released) = (keeping == Some(Keeping::Held), keeping == Some(Keeping::Released));
        let Attachment { hash, name, media_type, size, taken_at } = attachment;
        Ok(Self { hash, name, media_type, size, taken_at, held, released })
    }
}

/// A candidate of a conflict, with its author's name here, or that of the person for whom a hub wrote it.
#[derive(Serialize)]
struct ShownCandidate {
    #[serde(flatten)]
    candidate: Candidate,
    person: Option<String>,
}

/// A document as the page shows it.
#[derive(Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    document: Rest,
    conflicts: BTreeMap<String, Vec<ShownCandidate>>,
    attachments: Vec<ShownMedia>,
    person: Option<String>,
    received_at: String,
    clock_offset_ms: Option<i64>,
}

/// The document but for what is shown richer.
#[derive(Serialize)]
struct Rest {
    doc: DocId,
    kind: String,
    state: maloca_protocol::document::State,
    deleted: bool,
    set: serde_json::Map<String, serde_json::Value>,
    heads: Vec<maloca_protocol::RevisionId>,
    missing: Vec<maloca_protocol::RevisionId>,
    revisions: u64,
    author: DeviceId,
    created_at: String,
    changed_at: String,
}

fn show(hub: &Hub, view: &Snapshot, found: Found) -> Result<Shown, StoreError> {
    let Found { document, row } = found;
    let Document { doc, kind, state, deleted, set, conflicts, attachments, heads, missing, revisions, author, .. } = document;
    let media = attachments.into_iter().map(|kept| ShownMedia::of(view, kept.attachment)).collect::<Result<_, _>>()?;
    let named = |candidate: Candidate| -> Result<ShownCandidate, StoreError> {
        Ok(ShownCandidate { person: person(hub, view, &candidate.author, &candidate.revisions)?, candidate })
    };
    let conflicts = conflicts
        .into_iter()
        .map(|(name, all)| Ok((name, all.into_iter().map(named).collect::<Result<_, StoreError>>()?)))
        .collect::<Result<_, StoreError>>()?;
    let arrival = match row.seqs.last() {
        Some(seq) => Some(feed::entry(view, *seq)?.arrival),
        None => None,
    };
    Ok(Shown {
        document: Rest {
            doc,
            kind,
            state,
            deleted,
            set,
            heads,
            missing,
            revisions,
            author,
            created_at: document.created_at,
            changed_at: document.changed_at,
        },
        conflicts,
        attachments: media,
        person: author_name(hub, view, &author, &row)?,
        received_at: time::format_millis(arrival.map_or(0, |arrival| arrival.at)),
        clock_offset_ms: arrival.and_then(|arrival| arrival.clock_offset),
    })
}

/// Who is named as the author. Where a hub wrote for somebody who cannot sign, its revisions say for whom.
fn author_name(hub: &Hub, view: &Snapshot, author: &DeviceId, row: &DocRow) -> Result<Option<String>, StoreError> {
    if let (None, [first, ..]) = (hub.devices.name(author), row.seqs.as_slice()) {
        let first = query::revision(*first, feed::entry(view, *first)?)?;
        return if first.content().author == *author { written_for(hub, view, &first) } else { Ok(None) };
    }
    Ok(hub.devices.name(author))
}

/// A page of `GET /observations`.
#[derive(Serialize)]
struct ShownPage {
    observations: Vec<Shown>,
    next: Option<String>,
    /// For who reads on in the other order.
    previous: Option<String>,
    /// How many there are under this filter, where that is known without looking at all of them; else `GET /observations/count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

/// `GET /observations`
pub(super) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(question): Asked<Question>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = question.wanted(reader(&hub, caller))?;
    let stretch = question.stretch()?;
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if question.format.as_deref() == Some("geojson") || accepts.contains(GEOJSON) {
        return as_geojson(&hub, wanted, stretch).await;
    }
    let shared = hub.clone();
    let page = hub
        .store
        .read(move |view| {
            let filter = wanted.filter(view)?;
            let page = match query::page(view, &filter, &stretch) {
                Ok(page) => page,
                Err(PageError::Store(error)) => return Err(error),
                Err(error @ PageError::BadAfter) => return Ok(Err(error)),
            };
            let is_all = stretch.after.is_none() && stretch.skip == 0 && page.next.is_none();
            let total = if is_all { Some(page.found.len() as u64) } else { query::known_count(view, &filter)? };
            let observations = page.found.into_iter().map(|found| show(&shared, view, found)).collect::<Result<_, _>>()?;
            Ok(Ok(ShownPage { observations, next: page.next, previous: page.previous, total }))
        })
        .await??;
    Ok(Json(page).into_response())
}

/// `GET /observations/count`: how many there are under the filter of a list. By itself, since it may look at each of them.
pub(super) async fn count(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(question): Asked<Question>,
) -> Result<Response, ApiError> {
    let wanted = question.wanted(reader(&hub, caller))?;
    let total = hub.store.read(move |view| query::count(view, &wanted.filter(view)?)).await?;
    Ok(Json(serde_json::json!({ "total": total })).into_response())
}

/// A category and how many documents have it.
#[derive(Serialize)]
struct ShownCategory {
    category: String,
    count: u64,
}

/// `GET /observations/categories`: which there are under the filter of a list, the most frequent first.
pub(super) async fn categories(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(question): Asked<Question>,
) -> Result<Response, ApiError> {
    let wanted = question.wanted(reader(&hub, caller))?;
    let counts = hub.store.read(move |view| query::categories(view, &wanted.filter(view)?, MOST_CATEGORIES)).await?;
    let categories: Vec<_> = counts.into_iter().map(|(category, count)| ShownCategory { category, count }).collect();
    Ok(Json(serde_json::json!({ "categories": categories })).into_response())
}

const GEOJSON: &str = geojson::MEDIA_TYPE;

/// The same page as GeoJSON, with the columns of an export; `next` is a foreign member beside the features.
async fn as_geojson(hub: &Hub, wanted: Wanted, stretch: Stretch) -> Result<Response, ApiError> {
    let shared = hub.clone();
    let collection = hub.store.read(move |view| {
        let page = match query::page(view, &wanted.filter(view)?, &stretch) {
            Ok(page) => page,
            Err(PageError::Store(error)) => return Err(error),
            Err(error @ PageError::BadAfter) => return Ok(Err(error)),
        };
        let features = page.found.iter().map(|found| feature(&shared, view, found)).collect::<Result<Vec<_>, _>>()?;
        Ok(Ok(serde_json::json!({ "type": "FeatureCollection", "features": features, "next": page.next })))
    });
    let collection = collection.await??;
    Ok(([(header::CONTENT_TYPE, GEOJSON)], collection.to_string()).into_response())
}

fn feature(hub: &Hub, view: &Snapshot, found: &Found) -> Result<serde_json::Value, StoreError> {
    let about = About::of(view, found, &|id| hub.devices.name(id), &mut |kept| {
        let hash = kept.attachment.hash;
        let held = view.row::<MediaRow>(T::Media, &hash.0)?.is_some_and(|row| row.is_held());
        Ok(held.then(|| format!("{BASE}/media/{hash}")))
    })?;
    Ok(geojson::feature(found, &about))
}

/// What `GET /observations/{doc}` may be asked.
#[derive(Deserialize)]
pub(super) struct Form {
    /// `document`: the merged document alone, in canonical form, byte for byte what every other holder of the same
    /// revisions comes to.
    form: Option<String>,
}

/// `GET /observations/{doc}`
pub(super) async fn one(
    State(hub): State<Hub>,
    caller: Caller,
    Named(doc): Named<DocId>,
    Asked(form): Asked<Form>,
) -> Result<Response, ApiError> {
    let (shared, device) = (hub.clone(), reader(&hub, caller));
    let bare = form.form.as_deref() == Some("document");
    let shown = hub.store.read(move |view| {
        let found = query::document(view, &doc)?;
        let Some(found) = found.filter(|found| device.is_none_or(|device| found.row.authors.contains(&device))) else {
            return Ok(None);
        };
        if bare {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            return Ok(Some((headers, found.document.canonical()).into_response()));
        }
        Ok(Some(Json(show(&shared, view, found)?).into_response()))
    });
    shown.await?.ok_or_else(|| ApiError::not_found("observation"))
}

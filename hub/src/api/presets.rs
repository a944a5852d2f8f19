//! Categories: read by everybody inside, written by the manager.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::document::{Document, State as DocumentState};
use maloca_protocol::{DocId, RevisionId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ApiError;
use super::body::Json;
use crate::disk::Need;
use crate::hub::Hub;
use crate::intake::by_hand;
use crate::query::presets;

/// Categories that are written at once: a whole set.
const MOST: usize = 300;

/// A category as hubs say it.
#[derive(Serialize)]
struct ShownPreset {
    doc: DocId,
    heads: Vec<RevisionId>,
    state: DocumentState,
    set: Map<String, Value>,
    changed_at: String,
}

impl From<Document> for ShownPreset {
    fn from(Document { doc, heads, state, set, changed_at, .. }: Document) -> Self {
        Self { doc, heads, state, set, changed_at }
    }
}

/// The answer of `GET /presets`.
#[derive(Serialize)]
pub(super) struct Presets {
    presets: Vec<ShownPreset>,
}

/// `GET /presets`: all categories, those that are retired included, in their order.
pub(super) async fn list(State(hub): State<Hub>) -> Result<Json<Presets>, ApiError> {
    let rules = hub.rules.clone();
    let found = hub.store.read(move |view| presets::presets(view, &rules)).await?;
    Ok(Json(Presets { presets: found.into_iter().map(Into::into).collect() }))
}

/// New categories.
#[derive(Deserialize)]
pub(super) struct New {
    /// The person's name.
    by: String,
    /// The properties of each.
    presets: Vec<Map<String, Value>>,
}

/// What became of them.
#[derive(Serialize)]
struct Added {
    /// Documents that were begun, in the order given.
    added: Vec<DocId>,
    /// How many there were already; they are as they were.
    known: usize,
}

/// `POST /admin/presets`: begins categories, all or none. One whose key is known already is left as it is.
pub(super) async fn add(State(hub): State<Hub>, Json(new): Json<New>) -> Result<Response, ApiError> {
    if new.presets.is_empty() || new.presets.len() > MOST {
        return Err(ApiError::bad_request("Send 1 to 300 categories at once."));
    }
    for set in &new.presets {
        presets::check(set).map_err(|wrong| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_preset", wrong))?;
    }
    match hub.disk.lacks(0, Need::New) {
        0 => {}
        lacks => return Err(ApiError::full(lacks)),
    }
    let (arrival, given) = (hub.arrival(hub.id(), None), new.presets.len());
    let added = by_hand::begin_presets(&hub.store, &hub.rules, &hub.key, arrival, new.by, new.presets).await?;
    let known = given - added.len();
    Ok((StatusCode::CREATED, Json(Added { added, known })).into_response())
}

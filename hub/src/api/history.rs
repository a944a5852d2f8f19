//! Who changed what of a document and when, by their clock and by ours, and by which way it came.

use std::collections::BTreeMap;

use axum::extract::State;
use maloca_protocol::document::{self, Change, Step};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceId, DocId, RevisionId, ValidRevision, time};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;
use super::access::Caller;
use super::body::{Json, Named};
use super::observations::ShownMedia;
use super::question::reader;
use crate::hub::Hub;
use crate::intake::by_hand::BY;
use crate::store::rows::{Arrival, DocRow, Place, Standing};
use crate::store::view::ViewExt as _;
use crate::store::{Snapshot, StoreError, T};
use crate::trust::members;
use crate::{feed, query};

/// Changes in one answer, the newest; an observation that was written more often is rare, and its beginning least asked for.
const MOST_CHANGES: usize = 200;

/// The answer of `GET /observations/{doc}/history`.
#[derive(Serialize)]
pub(super) struct ShownHistory {
    /// How many revisions there are.
    total: u64,
    /// The newest of them by what was made upon what, never by a clock.
    changes: Vec<ShownChange>,
}

/// One revision.
#[derive(Serialize)]
struct ShownChange {
    id: RevisionId,
    author: DeviceId,
    /// What the author is called here; where the author is a hub, the person for whom it wrote.
    person: Option<String>,
    /// By the author's clock.
    created_at: String,
    /// By this hub's clock.
    received_at: String,
    /// The carrier's clock minus the hub's, where it was told.
    clock_offset_ms: Option<i64>,
    /// The device that brought it here, where that was another than the author's.
    brought_by: Option<String>,
    properties: BTreeMap<String, ShownStep>,
    attached: Vec<ShownMedia>,
    detached: Vec<ShownMedia>,
    /// Whether it deleted the document or brought it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
    /// Whether nothing was made upon it yet.
    head: bool,
    /// Whether it was made upon nothing: with it somebody began the document. Several may have.
    root: bool,
}

#[derive(Serialize)]
struct ShownStep {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

/// `GET /observations/{doc}/history`
pub(super) async fn of(State(hub): State<Hub>, caller: Caller, Named(doc): Named<DocId>) -> Result<Json<ShownHistory>, ApiError> {
    let (shared, device) = (hub.clone(), reader(&hub, caller));
    let shown = hub.store.read(move |view| {
        let row = view.row::<DocRow>(T::Docs, doc.as_bytes())?;
        let Some(row) = row.filter(|row| device.is_none_or(|device| row.authors.contains(&device))) else { return Ok(None) };
        history(&shared, view, doc, &row).map(Some)
    });
    shown.await?.map(Json).ok_or_else(|| ApiError::not_found("observation"))
}

fn history(hub: &Hub, view: &Snapshot, doc: DocId, row: &DocRow) -> Result<ShownHistory, StoreError> {
    let mut came: BTreeMap<RevisionId, (Arrival, Option<String>)> = BTreeMap::new();
    let mut revisions = Vec::with_capacity(row.seqs.len());
    for seq in &row.seqs {
        let entry = feed::entry(view, *seq)?;
        let arrival = entry.arrival;
        let revision = query::revision(*seq, entry)?;
        came.insert(revision.id(), (arrival, written_for(hub, view, &revision)?));
        revisions.push(revision);
    }
    let (total, changes) = document::changes(doc, &revisions, MOST_CHANGES);
    let mut shown = Vec::with_capacity(changes.len());
    for change in changes {
        if let Some((arrival, person)) = came.remove(&change.id) {
            shown.push(show(hub, view, change, arrival, person)?);
        }
    }
    Ok(ShownHistory { total, changes: shown })
}

fn show(hub: &Hub, view: &Snapshot, change: Change, arrival: Arrival, person: Option<String>) -> Result<ShownChange, StoreError> {
    let media = |attachments: Vec<Attachment>| -> Result<Vec<ShownMedia>, StoreError> {
        attachments.into_iter().map(|attachment| ShownMedia::of(view, attachment)).collect()
    };
    let steps = change.properties.into_iter().map(|(name, Step { before, after })| (name, ShownStep { before, after }));
    let carried = (arrival.carrier != change.author).then(|| hub.devices.name(&arrival.carrier)).flatten();
    Ok(ShownChange {
        id: change.id,
        author: change.author,
        person: person.or_else(|| hub.devices.name(&change.author)),
        created_at: time::format_millis(change.created_at),
        received_at: time::format_millis(arrival.at),
        clock_offset_ms: arrival.clock_offset,
        brought_by: carried,
        properties: steps.collect(),
        attached: media(change.attached)?,
        detached: media(change.detached)?,
        deleted: change.deleted,
        head: change.is_head,
        root: change.parents.is_empty(),
    })
}

/// Who is named beside what an author wrote. A device goes by the name that it has here; a hub writes for people and for those who
/// cannot sign, and names them in the revision: of `revisions`, the first by this author that names somebody counts.
pub(super) fn person(
    hub: &Hub,
    view: &Snapshot,
    author: &DeviceId,
    revisions: &[RevisionId],
) -> Result<Option<String>, StoreError> {
    if let Some(name) = hub.devices.name(author) {
        return Ok(Some(name));
    }
    for id in revisions {
        let Some(Place::Log(seq)) = view.row::<Place>(T::Ids, &id.0)? else { continue };
        let revision = query::revision(seq, feed::entry(view, seq)?)?;
        if let (true, Some(name)) = (revision.content().author == *author, written_for(hub, view, &revision)?) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The person or source for whom a hub wrote a revision. A device's word for somebody else is not taken.
pub(super) fn written_for(hub: &Hub, view: &Snapshot, revision: &ValidRevision) -> Result<Option<String>, StoreError> {
    if members::standing(view, &hub.rules, &revision.content().author)? != Some(Standing::Hub) {
        return Ok(None);
    }
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(revision.canonical()) else { return Ok(None) };
    let name = match members.get(BY) {
        Some(Value::String(person)) => Some(person.as_str()),
        Some(Value::Object(plain)) => plain.get("source").and_then(Value::as_str),
        _ => None,
    };
    Ok(name.map(str::to_owned))
}

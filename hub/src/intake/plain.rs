//! The plain door: whole observations of those who cannot sign (curl, a sensor, a bridge from another protocol).
//!
//! `api/revisions` calls this. The hub makes and signs the revisions, each naming device and source. It promises: a body
//! once sent by this source for this id is a duplicate, whatever came in between, unless a growing `version` says that it
//! is meant; a revision says only what differs from the source's previous item and has that as its parent, so that what
//! people edited meanwhile stays, or shows as a conflict; mapping and revision share a commit.

use maloca_protocol::rest::{Outcome, PlainAnswer, PlainObservation, PlainResult};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceId, DeviceKey, DocId, Draft, MediaHash, RevisionId, canonical, limits};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Door, Rules, Tally, keep};
use crate::query::presets;
use crate::store::rows::Arrival;
use crate::store::view::ViewExt as _;
use crate::store::{Store, StoreError, T, View as _, WriteTx};
use crate::trust::members;

/// What the door remembers of an item.
#[derive(Serialize, Deserialize)]
struct Known {
    doc: DocId,
    revision: RevisionId,
    version: Option<u64>,
    /// Hashes of the bodies sent so far, newest last, and the revision that holds each.
    bodies: Vec<(MediaHash, RevisionId)>,
    /// The item as it was sent last.
    set: Map<String, Value>,
    attach: Vec<Attachment>,
}

/// An item as it was read, or the refusal that its form met.
pub type Item = Result<PlainObservation, Box<PlainResult>>;

/// The longest name of a source or id, in bytes.
const NAME_BYTES: usize = 200;

/// Bodies that are remembered of one item; an older one that is sent again makes one more revision, and loses nothing.
const BODIES: usize = 64;

/// Takes in whole observations. Items are given as they were parsed, or as the refusal that their form met.
///
/// # Errors
/// Where the store cannot keep them; then nothing was acknowledged.
pub async fn take_in(
    store: &Store,
    rules: &Rules,
    key: &DeviceKey,
    arrival: Arrival,
    source: String,
    items: Vec<Item>,
    weight: usize,
) -> Result<(PlainAnswer, Tally), StoreError> {
    let items = items.into_iter().map(|item| (None, item)).collect();
    take_in_named(store, rules, key, arrival, source, items, weight).await
}

/// The same for items that are to be certain documents, whoever brings them: one that is here by another way stays as it is.
pub(crate) async fn take_in_named(
    store: &Store,
    rules: &Rules,
    key: &DeviceKey,
    arrival: Arrival,
    source: String,
    items: Vec<(Option<DocId>, Item)>,
    weight: usize,
) -> Result<(PlainAnswer, Tally), StoreError> {
    let (rules, key) = (rules.clone(), key.clone());
    store
        .write(weight, move |tx| {
            let mut answer = PlainAnswer { results: Vec::with_capacity(items.len()), wanted: Vec::new() };
            let mut tally = Tally::default();
            for (doc, item) in &items {
                let result = match item {
                    Err(refused) => (**refused).clone(),
                    Ok(item) => one(tx, &rules, &key, arrival, &source, (*doc, item), &mut tally)?,
                };
                if let (Ok(item), true) = (item, result.status != Outcome::Refused) {
                    for attachment in &item.attach {
                        if keep::is_wanted(tx, &attachment.hash)? {
                            answer.wanted.push(attachment.hash);
                        }
                    }
                }
                answer.results.push(result);
            }
            answer.wanted.sort_unstable();
            answer.wanted.dedup();
            Ok((answer, tally))
        })
        .await
}

/// A refusal of an item.
#[must_use]
pub fn refused(id: &str, code: &str, detail: &str) -> PlainResult {
    PlainResult {
        id: id.to_owned(),
        status: Outcome::Refused,
        doc: None,
        revision: None,
        code: Some(code.to_owned()),
        detail: Some(detail.to_owned()),
    }
}

fn one(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    key: &DeviceKey,
    arrival: Arrival,
    source: &str,
    (named, item): (Option<DocId>, &PlainObservation),
    tally: &mut Tally,
) -> Result<PlainResult, StoreError> {
    let doc = named.unwrap_or_else(|| DocId::from_source(&format!("plain {} {source}", arrival.carrier), &item.id));
    let place = place(&arrival.carrier, source, &item.id);
    let known: Option<Known> = tx.json(T::Sources, &place)?;
    if named.is_some() && known.is_none() && tx.get(T::Docs, doc.as_bytes())?.is_some() {
        let (id, doc) = (item.id.clone(), Some(doc));
        return Ok(PlainResult { id, status: Outcome::Duplicate, doc, revision: None, code: None, detail: None });
    }
    let body = body(item);
    if let Some(known) = &known {
        // A growing version overrides what was seen; without one, a body that came before is a repeat or a late one.
        let newer = item.version.is_some_and(|version| known.version.is_none_or(|last| version > last));
        let seen = known.bodies.iter().find(|(hash, _)| *hash == body);
        let late = item.version.is_some() && !newer;
        if (!newer && seen.is_some()) || late {
            let revision = seen.map_or(known.revision, |(_, revision)| *revision);
            return Ok(result(item, Outcome::Duplicate, doc, revision));
        }
    }
    if is_for_hubs(&item.kind) {
        let detail = "Documents of this kind are said by hubs alone. Send observations here.";
        return Ok(refused(&item.id, "reserved_kind", detail));
    }
    let draft = draft(item, doc, known.as_ref(), arrival, source);
    if let (Some(known), true) = (&known, says_nothing(&draft)) {
        let revision = known.revision;
        remember(tx, &place, item, known.bodies.clone(), doc, revision, body)?;
        return Ok(result(item, Outcome::Duplicate, doc, revision));
    }
    let revision = match draft.sign(key) {
        Ok(revision) => revision,
        Err(refusal) => return Ok(refused(&item.id, refusal.code(), refusal.sentence())),
    };
    match keep::one(tx, rules, arrival, Door::Device, &revision, tally)? {
        keep::Verdict::OverQuota => Ok(refused(&item.id, keep::QUOTA, keep::QUOTA_SENTENCE)),
        keep::Verdict::Kept(outcome) => {
            let bodies = known.map(|known| known.bodies).unwrap_or_default();
            remember(tx, &place, item, bodies, doc, revision.id(), body)?;
            Ok(result(item, outcome, doc, revision.id()))
        }
    }
}

/// What the hub signs here it signs for somebody else, so it must not be what counts because a hub says it.
fn is_for_hubs(kind: &str) -> bool {
    matches!(kind, members::MEMBER | members::REVOKE | members::HUB | presets::PRESET)
}

fn place(device: &DeviceId, source: &str, id: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(source.len() as u64).to_be_bytes()).update(source.as_bytes()).update(id.as_bytes());
    [device.0, *hasher.finalize().as_bytes()].concat()
}

fn body(item: &PlainObservation) -> MediaHash {
    // The version is no part of the body: it says which body is meant.
    let bare = PlainObservation { version: None, ..item.clone() };
    MediaHash::of(&canonical::canonical_of(&bare))
}

fn result(item: &PlainObservation, status: Outcome, doc: DocId, revision: RevisionId) -> PlainResult {
    PlainResult { id: item.id.clone(), status, doc: Some(doc), revision: Some(revision), code: None, detail: None }
}

/// What the item says that the source's previous one did not.
fn draft(item: &PlainObservation, doc: DocId, known: Option<&Known>, arrival: Arrival, source: &str) -> Draft {
    let mut draft = Draft::new(item.kind.clone(), doc, arrival.at);
    let empty = Map::new();
    let (before, attached) = known.map_or((&empty, &[][..]), |known| (&known.set, &known.attach[..]));
    draft.parents = known.map(|known| known.revision).into_iter().collect();
    draft.set = item.set.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(clone_pair).collect();
    draft.unset = before.keys().filter(|name| !item.set.contains_key(*name)).cloned().collect();
    draft.attach = item.attach.iter().filter(|attachment| !attached.contains(attachment)).cloned().collect();
    let stays = |hash: &MediaHash| item.attach.iter().any(|attachment| attachment.hash == *hash);
    draft.detach = attached.iter().map(|attachment| attachment.hash).filter(|hash| !stays(hash)).collect();
    draft.deleted = item.deleted;
    let by = serde_json::json!({ "device": arrival.carrier, "source": source, "id": item.id });
    draft.extra.insert("by".to_owned(), by);
    draft
}

fn clone_pair((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn says_nothing(draft: &Draft) -> bool {
    draft.set.is_empty() && draft.unset.is_empty() && draft.attach.is_empty() && draft.detach.is_empty() && !draft.deleted
}

fn remember(
    tx: &mut WriteTx<'_>,
    place: &[u8],
    item: &PlainObservation,
    mut bodies: Vec<(MediaHash, RevisionId)>,
    doc: DocId,
    revision: RevisionId,
    body: MediaHash,
) -> Result<(), StoreError> {
    bodies.retain(|(hash, _)| *hash != body);
    bodies.push((body, revision));
    if bodies.len() > BODIES {
        bodies.remove(0);
    }
    let (set, attach) = (item.set.clone(), item.attach.clone());
    tx.put_json(T::Sources, place, &Known { doc, revision, version: item.version, bodies, set, attach })
}

/// A plain batch, its items not looked at yet.
#[derive(Deserialize)]
struct Outer<'a> {
    source: String,
    #[serde(borrow)]
    observations: Vec<&'a RawValue>,
}

/// Reads the items of a plain batch one by one, so that a bad one harms no other.
///
/// # Errors
/// Where the whole is not an object with `source` and `observations`: a sentence that says so.
pub fn read(body: &[u8]) -> Result<(String, Vec<Item>), String> {
    let outer: Outer<'_> = serde_json::from_slice(body).map_err(|error| {
        format!("Expected {{\"source\": \"…\", \"observations\": [{{\"id\": \"…\", \"set\": {{…}}}}]}}, but: {error}.")
    })?;
    if outer.source.is_empty() || outer.source.len() > NAME_BYTES {
        return Err("The member source must be a text of 1 to 200 bytes.".to_owned());
    }
    if outer.observations.len() > limits::BATCH_REVISIONS {
        return Err(format!(
            "At most {} observations are taken at once; send the rest in another request.",
            limits::BATCH_REVISIONS
        ));
    }
    Ok((outer.source, outer.observations.into_iter().map(|item| read_item(item.get())).collect()))
}

fn read_item(text: &str) -> Item {
    let bad = |id: &str, detail: &str| Err(Box::new(refused(id, "bad_item", detail)));
    let value = match canonical::parse(text.as_bytes()) {
        Ok(value) => value,
        Err(refusal) => return Err(Box::new(refused("", refusal.code(), refusal.sentence()))),
    };
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if id.is_empty() || id.len() > NAME_BYTES {
        return bad("", "An observation needs an id of its sender's choosing, a text of 1 to 200 bytes.");
    }
    serde_json::from_value(value).or_else(|error| bad(&id, &format!("The observation is malformed: {error}.")))
}

//! What a manager writes on a page: one more revision of a document, or the first of a category, by the hub's key, naming the person.
//!
//! `api/edits` and `api/presets` call this. It promises: the revision is made upon exactly what the person saw, so that what came in meanwhile shows
//! as a conflict and is never covered; it passes the same judge as a stranger's; documents that say who is in are not written here.

use maloca_protocol::document::{self, Document};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash, Refusal, RevisionId, limits};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Door, Rules, Tally, keep};
use crate::query;
use crate::query::presets::{self, PRESET, preset_doc};
use crate::store::rows::{Arrival, DocRow};
use crate::store::view::ViewExt as _;
use crate::store::{Store, StoreError, T, WriteTx};
use crate::trust::members;

/// The member of a revision that names who stands behind it, where that is not its author: a hub writes for people.
pub const BY: &str = "by";

/// What a person changed.
#[derive(Debug, Clone, Deserialize)]
pub struct Edit {
    /// The person's name.
    pub by: String,
    /// The heads of the document as the person saw it. Beyond the most that a revision may name, the rest is left out: what is written
    /// then conflicts with them, and a second edit ends it.
    pub heads: Vec<RevisionId>,
    /// Properties written.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// Properties removed.
    #[serde(default)]
    pub unset: Vec<String>,
    /// Media attached, or attached again.
    #[serde(default)]
    pub attach: Vec<Attachment>,
    /// Media detached.
    #[serde(default)]
    pub detach: Vec<MediaHash>,
    /// Whether the document is deleted as of this edit; as it was, where nothing is said.
    #[serde(default)]
    pub deleted: Option<bool>,
}

/// Why an edit was not taken; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// No name, or one that is too long.
    #[error("the person's name is a text of 1 to {} bytes", limits::NAME_BYTES)]
    NoName,
    /// There is no such document, or it is none that people write.
    #[error("there is no such document")]
    NotHere,
    /// The heads are not revisions of this document.
    #[error("the edit is made upon revisions that are not here")]
    NotSeen,
    /// Nothing would change.
    #[error("the edit changes nothing")]
    SaysNothing,
    /// What was a category would be none; says why.
    #[error("{0}")]
    BadPreset(String),
    /// The revision breaks a rule that holds for everybody's.
    #[error("{}", .0.sentence())]
    Refused(Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps an edit of `doc`, and says which revision it became.
///
/// # Errors
/// See [`EditError`].
pub async fn keep_edit(
    store: &Store,
    rules: &Rules,
    key: &DeviceKey,
    arrival: Arrival,
    doc: DocId,
    mut edit: Edit,
) -> Result<RevisionId, EditError> {
    edit.by = person(&edit.by)?;
    let (rules, key) = (rules.clone(), key.clone());
    let kept = store.write(limits::REVISION_BYTES, move |tx| one(tx, &rules, &key, arrival, doc, &edit));
    kept.await?
}

/// The name of a person, without what stands around it.
fn person(name: &str) -> Result<String, EditError> {
    let name = name.trim();
    if name.is_empty() || name.len() > limits::NAME_BYTES { Err(EditError::NoName) } else { Ok(name.to_owned()) }
}

/// Begins categories, all of them or none, and says which are new. One whose document is here already is left as it is.
///
/// # Errors
/// See [`EditError`].
pub async fn begin_presets(
    store: &Store,
    rules: &Rules,
    key: &DeviceKey,
    arrival: Arrival,
    by: String,
    sets: Vec<Map<String, Value>>,
) -> Result<Vec<DocId>, EditError> {
    let by = person(&by)?;
    let mut signed = Vec::with_capacity(sets.len());
    for set in sets {
        let name = set.get("key").and_then(Value::as_str).unwrap_or_default();
        let mut draft = Draft::new(PRESET, preset_doc(name), arrival.at);
        draft.set = set;
        draft.extra.insert(BY.to_owned(), by.clone().into());
        signed.push(draft.sign(key).map_err(EditError::Refused)?);
    }
    let (rules, weight) = (rules.clone(), signed.iter().map(|revision| revision.canonical().len()).sum());
    let kept = store.write(weight, move |tx| {
        let mut added = Vec::new();
        for revision in &signed {
            let doc = revision.content().doc;
            if tx.row::<DocRow>(T::Docs, doc.as_bytes())?.is_none() {
                keep::one(tx, &rules, arrival, Door::Trusted, revision, &mut Tally::default())?;
                added.push(doc);
            }
        }
        Ok(added)
    });
    Ok(kept.await?)
}

type Kept = Result<RevisionId, EditError>;

/// The outer error is the store's, and undoes the commit; the inner one is the edit's own.
fn one(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    key: &DeviceKey,
    arrival: Arrival,
    doc: DocId,
    edit: &Edit,
) -> Result<Kept, StoreError> {
    let row: DocRow = tx.row(T::Docs, doc.as_bytes())?.unwrap_or_default();
    let history = query::history(tx, &row)?;
    let people_write = |document: &Document| !matches!(document.kind.as_str(), members::MEMBER | members::REVOKE | members::HUB);
    let Some(document) = document::merge(doc, &history).filter(people_write) else { return Ok(Err(EditError::NotHere)) };
    let is_here = |head: &RevisionId| history.iter().any(|revision| revision.id() == *head);
    if edit.heads.is_empty() || !edit.heads.iter().all(is_here) {
        return Ok(Err(EditError::NotSeen));
    }
    let draft = draft(&document, arrival, edit);
    if document.kind == PRESET {
        let mut set = document.set.clone();
        set.retain(|name, _| !edit.unset.contains(name));
        set.extend(edit.set.clone());
        if let Err(wrong) = presets::check(&set) {
            return Ok(Err(EditError::BadPreset(wrong)));
        }
    }
    if says_nothing(&draft, &document) {
        return Ok(Err(EditError::SaysNothing));
    }
    let revision = match draft.sign(key) {
        Ok(revision) => revision,
        Err(refusal) => return Ok(Err(EditError::Refused(refusal))),
    };
    keep::one(tx, rules, arrival, Door::Trusted, &revision, &mut Tally::default())?;
    Ok(Ok(revision.id()))
}

fn draft(document: &Document, arrival: Arrival, edit: &Edit) -> Draft {
    let mut draft = Draft::new(document.kind.clone(), document.doc, arrival.at);
    draft.parents = edit.heads.iter().take(limits::PARENTS).copied().collect();
    draft.set = edit.set.clone();
    draft.unset.clone_from(&edit.unset);
    draft.attach.clone_from(&edit.attach);
    draft.detach.clone_from(&edit.detach);
    draft.deleted = edit.deleted.unwrap_or(document.deleted);
    draft.extra.insert(BY.to_owned(), edit.by.clone().into());
    draft
}

fn says_nothing(draft: &Draft, document: &Document) -> bool {
    let writes = !(draft.set.is_empty() && draft.unset.is_empty() && draft.attach.is_empty() && draft.detach.is_empty());
    !writes && draft.deleted == document.deleted
}

//! What the outbox's rules need of whoever keeps their rows: tables on disk, or memory.

use serde::{Deserialize, Serialize};

use super::Local;
use crate::ids::{DeviceId, DocId, RevisionId};
use crate::revision::ValidRevision;

/// A revision that is kept here.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The revision.
    pub revision: ValidRevision,
    /// Where it stands in the queue and which version of the document it froze, if it is this device's own.
    pub own: Option<Own>,
}

/// The bookkeeping of an own revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// Its place in the queue.
    pub place: u64,
    /// The document's version that it froze.
    pub version: u64,
}

/// A frozen revision that waits for a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its place in the queue.
    pub place: u64,
    /// Its document.
    pub doc: DocId,
    /// Its id.
    pub id: RevisionId,
}

/// A revision that a hub refused, or a draft that this device itself could not freeze. Kept, shown, and in nobody's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Its place in the queue.
    pub place: u64,
    /// Its document.
    pub doc: DocId,
    /// Its id; none for a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RevisionId>,
    /// The stable name of the refusal.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// Where the rules keep their rows: tables on disk, or memory. One caller at a time; all changes of one call are kept together or not at all.
#[expect(missing_docs, reason = "each is a row's get, put, remove or list; the parameters say of what")]
pub trait Rows {
    type Error;
    fn local(&self, doc: &DocId) -> Result<Option<Local>, Self::Error>;
    fn put_local(&mut self, doc: &DocId, local: &Local) -> Result<(), Self::Error>;
    fn remove_local(&mut self, doc: &DocId) -> Result<(), Self::Error>;
    /// All revisions of a document.
    fn history(&self, doc: &DocId) -> Result<Vec<Kept>, Self::Error>;
    fn revision(&self, doc: &DocId, id: &RevisionId) -> Result<Option<Kept>, Self::Error>;
    /// The bookkeeping of a kept revision that is this device's own. Asked for with each acknowledgement, so whoever can should
    /// answer without reading what the revision says.
    fn own_of(&self, doc: &DocId, id: &RevisionId) -> Result<Option<Own>, Self::Error> {
        Ok(self.revision(doc, id)?.and_then(|kept| kept.own))
    }
    fn put_revision(&mut self, kept: &Kept) -> Result<(), Self::Error>;
    /// All own revisions.
    fn own(&self) -> Result<Vec<Waiting>, Self::Error>;
    fn hubs(&self) -> Result<Vec<DeviceId>, Self::Error>;
    /// A place that was never given before; each is greater than the last.
    fn next_place(&mut self) -> Result<u64, Self::Error>;
    fn put_draft(&mut self, place: u64, doc: &DocId) -> Result<(), Self::Error>;
    fn remove_draft(&mut self, place: u64) -> Result<(), Self::Error>;
    /// Drafts after a place, in order.
    fn drafts(&self, after: u64, limit: usize) -> Result<Vec<(u64, DocId)>, Self::Error>;
    fn put_waiting(&mut self, hub: &DeviceId, waiting: &Waiting) -> Result<(), Self::Error>;
    fn remove_waiting(&mut self, hub: &DeviceId, place: u64) -> Result<bool, Self::Error>;
    /// Frozen revisions that wait for a hub after a place, in order.
    fn waiting(&self, hub: &DeviceId, after: u64, limit: usize) -> Result<Vec<Waiting>, Self::Error>;
    fn put_parked(&mut self, by: &DeviceId, parked: &Parked) -> Result<(), Self::Error>;
    fn remove_parked(&mut self, by: &DeviceId, place: u64) -> Result<bool, Self::Error>;
    fn parked(&self, by: &DeviceId) -> Result<Vec<Parked>, Self::Error>;
    /// Notes that a hub holds an own revision: adds to the fingerprint that is told to it.
    fn add_acked(&mut self, hub: &DeviceId, id: &RevisionId) -> Result<(), Self::Error>;
    fn forget_acked(&mut self, hub: &DeviceId) -> Result<(), Self::Error>;
    /// Documents whose last edit was undone, so that their version is ahead of every revision's.
    fn set_undone(&mut self, doc: &DocId, undone: bool) -> Result<(), Self::Error>;
    fn undone(&self) -> Result<Vec<DocId>, Self::Error>;
}

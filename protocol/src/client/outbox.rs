//! The outbox: the rules by which a device's edits become revisions, wait, and are known to have arrived.
//!
//! `store` runs them over its tables, the conformance vectors over [`memory`]; the phone's TypeScript twin mirrors them. Pure: no
//! disk, no clock, no network. What it promises:
//!
//! - Each document has a `version`, which grows at each local edit, and for each hub a `version_synced`, which only [`Outbox::ack`] and
//!   [`Outbox::settle`], the sync task's, write: an edit made during a sync is never taken for sent.
//! - What was never offered to any hub is one draft a document. It keeps its place in the queue where it creates the document, so
//!   that what refers to it comes after; otherwise each edit moves it to the end. It is dropped when nothing differs any
//!   more; a document that was made and deleted before anybody was offered it vanishes.
//! - Freezing makes the draft a signed revision, which is never altered; later edits name it as their parent. It must be durable before its
//!   first byte is sent.
//! - A draft's parents are the heads that its author had seen when the draft was begun. What is pulled meanwhile shows as a
//!   conflict afterwards; it neither overwrites the draft nor is silently overridden by it.
//! - Writing the shown value of a property in conflict ends the conflict, and is therefore a difference.
//! - A parked revision holds up nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{self, Document};
use crate::ids::{DeviceId, DocId, RevisionId};
use crate::limits;
use crate::revision::ValidRevision;

mod draft; // the difference from what was seen
mod freeze; // a draft becomes a revision
mod rows; // where the rules keep what they know
pub mod memory; // rows without any cleverness

pub use draft::{Edit, Unfrozen};
pub use rows::{Kept, Own, Parked, Rows, Waiting};

/// A document as this device holds it, besides its revisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Local {
    /// Sort of document.
    pub kind: String,
    /// How often it was edited here.
    pub version: u64,
    /// For each hub, the version that it last acknowledged.
    #[serde(default)]
    pub version_synced: BTreeMap<DeviceId, u64>,
    /// What was changed here and never offered to any hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Unfrozen>,
    /// Of a document that is read from a source: the hash of what the source said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Local {
    const fn new(kind: String) -> Self {
        Self { kind, version: 0, version_synced: BTreeMap::new(), draft: None, source: None }
    }
}

/// What stands in the queue for a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A draft of a document, at a place.
    Draft(u64, DocId),
    /// A frozen revision.
    Frozen(Waiting),
}

impl Entry {
    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> u64 {
        match self {
            Self::Draft(place, _) => *place,
            Self::Frozen(waiting) => waiting.place,
        }
    }
}

/// What became of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It says what is so already; not even the version has grown.
    Unchanged,
    /// The draft says it now.
    Changed,
    /// It took back all that was unsent; nothing of it waits any more.
    Undone,
    /// The document was deleted before anybody was offered it, and is gone.
    Vanished,
}

/// The rules, over somebody's rows.
#[derive(Debug)]
pub struct Outbox<'a, R> {
    rows: &'a mut R,
    me: DeviceId,
}

impl<'a, R: Rows> Outbox<'a, R> {
    /// The outbox of device `me`.
    pub const fn new(rows: &'a mut R, me: DeviceId) -> Self {
        Self { rows, me }
    }

    /// Changes a document, or makes it. `kind` counts where it is made; `at` is the device's clock, milliseconds since 1970.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn edit(&mut self, doc: DocId, kind: &str, at: i64, edit: &Edit) -> Result<Edited, R::Error> {
        let history = self.rows.history(&doc)?;
        let creates = history.is_empty();
        let mut local = self.rows.local(&doc)?.unwrap_or_else(|| Local::new(kind.to_owned()));
        let before = local.draft.take();
        let parents = before.as_ref().map_or_else(|| heads(doc, &history), |draft| draft.parents.clone());
        let base = seen(doc, &history, &parents);
        let mut draft = before.clone().unwrap_or_else(|| Unfrozen::new(parents, base.as_ref()));
        draft.apply(edit, base.as_ref());
        // A root that was deleted before any offer says nothing either, though others may have made the document meanwhile.
        let says_nothing = base.as_ref().map_or(draft.deleted, |base| draft.says_nothing(base));
        let unchanged = match &before {
            Some(before) => before.says_the_same(&draft),
            None => says_nothing,
        };
        if unchanged {
            return Ok(Edited::Unchanged);
        }
        if let Some(before) = &before {
            self.rows.remove_draft(before.place)?;
            if before.refused.is_some() {
                self.rows.remove_parked(&self.me, before.place)?;
            }
        }
        if creates && draft.deleted {
            self.rows.remove_local(&doc)?;
            return Ok(Edited::Vanished);
        }
        local.version += 1;
        self.rows.set_undone(&doc, says_nothing)?;
        if says_nothing {
            self.rows.put_local(&doc, &local)?;
            return Ok(Edited::Undone);
        }
        draft.place = match &before {
            Some(before) if draft.parents.is_empty() => before.place,
            _ => self.rows.next_place()?,
        };
        draft.created_at = at;
        draft.refused = None;
        self.rows.put_draft(draft.place, &doc)?;
        local.draft = Some(draft);
        self.rows.put_local(&doc, &local)?;
        Ok(Edited::Changed)
    }

    /// What stands in the queue for a hub after a place, in order, drafts included.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn queue(&self, hub: &DeviceId, after: u64, limit: usize) -> Result<Vec<Entry>, R::Error> {
        let drafts = self.rows.drafts(after, limit)?.into_iter().map(|(place, doc)| Entry::Draft(place, doc));
        let mut entries: Vec<Entry> =
            drafts.chain(self.rows.waiting(hub, after, limit)?.into_iter().map(Entry::Frozen)).collect();
        entries.sort_unstable_by_key(Entry::place);
        entries.truncate(limit);
        Ok(entries)
    }

    /// Notes that a hub holds a revision: stored, a duplicate or quarantined. A repeat changes nothing.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn ack(&mut self, hub: &DeviceId, waiting: &Waiting) -> Result<(), R::Error> {
        let queued = self.rows.remove_waiting(hub, waiting.place)?;
        // One that was refused and is held after all was taken in by another way.
        if !queued && !self.rows.remove_parked(hub, waiting.place)? {
            return Ok(());
        }
        self.rows.add_acked(hub, &waiting.id)?;
        let version = self.rows.own_of(&waiting.doc, &waiting.id)?.map_or(0, |own| own.version);
        if let Some(mut local) = self.rows.local(&waiting.doc)? {
            let synced = local.version_synced.entry(*hub).or_default();
            *synced = version.max(*synced);
            self.rows.put_local(&waiting.doc, &local)?;
        }
        Ok(())
    }

    /// Sets a revision aside that a hub refused.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn refuse(&mut self, hub: &DeviceId, waiting: &Waiting, code: &str, detail: &str) -> Result<(), R::Error> {
        if self.rows.remove_waiting(hub, waiting.place)? {
            let Waiting { place, doc, id } = *waiting;
            let parked = Parked { place, doc, id: Some(id), code: code.to_owned(), detail: detail.to_owned() };
            self.rows.put_parked(hub, &parked)?;
        }
        Ok(())
    }

    /// Takes in a revision that a hub has in its feed. Whether it is new here.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn pull(&mut self, hub: &DeviceId, revision: ValidRevision) -> Result<bool, R::Error> {
        let (doc, id) = (revision.content().doc, revision.id());
        let mine = revision.content().author == self.me;
        if let Some(kept) = self.rows.revision(&doc, &id)? {
            // Its answer was lost, but here it is.
            if let Some(own) = kept.own {
                self.ack(hub, &Waiting { place: own.place, doc, id })?;
            }
            return Ok(false);
        }
        let local = self.rows.local(&doc)?.unwrap_or_else(|| Local::new(revision.content().kind.clone()));
        // An own revision that is unknown here was made before this device was restored: other hubs may lack it.
        let own = if mine { Some(Own { place: self.rows.next_place()?, version: 0 }) } else { None };
        self.rows.put_revision(&Kept { revision, own })?;
        self.rows.put_local(&doc, &local)?;
        if let Some(own) = own {
            let waiting = Waiting { place: own.place, doc, id };
            for other in self.rows.hubs()? {
                self.rows.put_waiting(&other, &waiting)?;
            }
            self.ack(hub, &waiting)?;
        }
        Ok(true)
    }

    /// Makes all own revisions wait for a hub: it is new, or it was restored or replaced and lacks what it once acknowledged.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn offer_everything(&mut self, hub: &DeviceId) -> Result<(), R::Error> {
        self.rows.forget_acked(hub)?;
        for parked in self.rows.parked(hub)? {
            self.rows.remove_parked(hub, parked.place)?;
        }
        for waiting in self.rows.own()? {
            self.rows.put_waiting(hub, &waiting)?;
            if let Some(mut local) = self.rows.local(&waiting.doc)?
                && local.version_synced.remove(hub).is_some()
            {
                self.rows.put_local(&waiting.doc, &local)?;
            }
        }
        Ok(())
    }

    /// After a push: documents whose last edit was undone hold just what the hub acknowledged, so their version counts as synced.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn settle(&mut self, hub: &DeviceId) -> Result<(), R::Error> {
        let undone = self.rows.undone()?;
        if undone.is_empty() {
            return Ok(());
        }
        let held_up = self.rows.waiting(hub, 0, usize::MAX)?.into_iter().map(|waiting| waiting.doc);
        let held_up: std::collections::HashSet<DocId> =
            held_up.chain(self.rows.parked(hub)?.into_iter().map(|parked| parked.doc)).collect();
        for doc in undone.into_iter().filter(|doc| !held_up.contains(doc)) {
            if let Some(mut local) = self.rows.local(&doc)?
                && local.version_synced.insert(*hub, local.version) != Some(local.version)
            {
                self.rows.put_local(&doc, &local)?;
            }
        }
        Ok(())
    }

    /// The merge of what is kept of a document, drafts aside; `None` where there is no revision yet.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn document(&self, doc: DocId) -> Result<Option<Document>, R::Error> {
        let history = self.rows.history(&doc)?;
        Ok(document::merge(doc, history.iter().map(|kept| &kept.revision)))
    }
}

/// The heads of a history, as many as may be parents.
fn heads(doc: DocId, history: &[Kept]) -> Vec<RevisionId> {
    let merged = document::merge(doc, history.iter().map(|kept| &kept.revision));
    merged.map_or_else(Vec::new, |merged| merged.heads.into_iter().take(limits::PARENTS).collect())
}

/// The document as it was when `heads` were its heads.
fn seen(doc: DocId, history: &[Kept], heads: &[RevisionId]) -> Option<Document> {
    let by_id: BTreeMap<RevisionId, &ValidRevision> = history.iter().map(|kept| (kept.revision.id(), &kept.revision)).collect();
    let mut known: BTreeMap<RevisionId, &ValidRevision> = BTreeMap::new();
    let mut open: Vec<RevisionId> = heads.to_vec();
    while let Some(id) = open.pop() {
        if let Some(revision) = by_id.get(&id)
            && known.insert(id, revision).is_none()
        {
            open.extend(&revision.content().parents);
        }
    }
    document::merge(doc, known.into_values())
}

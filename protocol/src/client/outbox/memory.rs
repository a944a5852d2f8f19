//! The outbox's rows in memory, without any cleverness: what the conformance vectors run over, and a model for twins.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::{Kept, Local, Parked, Rows, Waiting};
use crate::ids::{DeviceId, DocId, RevisionId};

/// Rows in memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The documents.
    pub locals: BTreeMap<DocId, Local>,
    /// All revisions.
    pub revisions: BTreeMap<(DocId, RevisionId), Kept>,
    /// The hubs that are known.
    pub hubs: BTreeSet<DeviceId>,
    /// Drafts by place.
    pub drafts: BTreeMap<u64, DocId>,
    /// Frozen revisions that wait, by hub and place.
    pub waiting: BTreeMap<(DeviceId, u64), Waiting>,
    /// Refused ones, by who refused and place.
    pub parked: BTreeMap<(DeviceId, u64), Parked>,
    /// What each hub is known to hold.
    pub acked: BTreeMap<DeviceId, BTreeSet<RevisionId>>,
    /// Documents whose last edit was undone.
    pub undone: BTreeSet<DocId>,
    /// The last place that was given.
    pub place: u64,
}

impl Rows for Memory {
    type Error = Infallible;

    fn local(&self, doc: &DocId) -> Result<Option<Local>, Infallible> {
        Ok(self.locals.get(doc).cloned())
    }

    fn put_local(&mut self, doc: &DocId, local: &Local) -> Result<(), Infallible> {
        self.locals.insert(*doc, local.clone());
        Ok(())
    }

    fn remove_local(&mut self, doc: &DocId) -> Result<(), Infallible> {
        self.locals.remove(doc);
        Ok(())
    }

    fn history(&self, doc: &DocId) -> Result<Vec<Kept>, Infallible> {
        Ok(self.revisions.iter().filter(|((of, _), _)| of == doc).map(|(_, kept)| kept.clone()).collect())
    }

    fn revision(&self, doc: &DocId, id: &RevisionId) -> Result<Option<Kept>, Infallible> {
        Ok(self.revisions.get(&(*doc, *id)).cloned())
    }

    fn put_revision(&mut self, kept: &Kept) -> Result<(), Infallible> {
        self.revisions.insert((kept.revision.content().doc, kept.revision.id()), kept.clone());
        Ok(())
    }

    fn own(&self) -> Result<Vec<Waiting>, Infallible> {
        let own = self.revisions.iter().filter_map(|((doc, id), kept)| Some((kept.own?, *doc, *id)));
        Ok(own.map(|(own, doc, id)| Waiting { place: own.place, doc, id }).collect())
    }

    fn hubs(&self) -> Result<Vec<DeviceId>, Infallible> {
        Ok(self.hubs.iter().copied().collect())
    }

    fn next_place(&mut self) -> Result<u64, Infallible> {
        self.place += 1;
        Ok(self.place)
    }

    fn put_draft(&mut self, place: u64, doc: &DocId) -> Result<(), Infallible> {
        self.drafts.insert(place, *doc);
        Ok(())
    }

    fn remove_draft(&mut self, place: u64) -> Result<(), Infallible> {
        self.drafts.remove(&place);
        Ok(())
    }

    fn drafts(&self, after: u64, limit: usize) -> Result<Vec<(u64, DocId)>, Infallible> {
        Ok(self.drafts.range(after + 1..).take(limit).map(|(place, doc)| (*place, *doc)).collect())
    }

    fn put_waiting(&mut self, hub: &DeviceId, waiting: &Waiting) -> Result<(), Infallible> {
        self.waiting.insert((*hub, waiting.place), *waiting);
        Ok(())
    }

    fn remove_waiting(&mut self, hub: &DeviceId, place: u64) -> Result<bool, Infallible> {
        Ok(self.waiting.remove(&(*hub, place)).is_some())
    }

    fn waiting(&self, hub: &DeviceId, after: u64, limit: usize) -> Result<Vec<Waiting>, Infallible> {
        let range = self.waiting.range((*hub, after + 1)..=(*hub, u64::MAX));
        Ok(range.take(limit).map(|(_, waiting)| *waiting).collect())
    }

    fn put_parked(&mut self, by: &DeviceId, parked: &Parked) -> Result<(), Infallible> {
        self.parked.insert((*by, parked.place), parked.clone());
        Ok(())
    }

    fn remove_parked(&mut self, by: &DeviceId, place: u64) -> Result<bool, Infallible> {
        Ok(self.parked.remove(&(*by, place)).is_some())
    }

    fn parked(&self, by: &DeviceId) -> Result<Vec<Parked>, Infallible> {
        Ok(self.parked.range((*by, 0)..=(*by, u64::MAX)).map(|(_, parked)| parked.clone()).collect())
    }

    fn add_acked(&mut self, hub: &DeviceId, id: &RevisionId) -> Result<(), Infallible> {
        self.acked.entry(*hub).or_default().insert(*id);
        Ok(())
    }

    fn forget_acked(&mut self, hub: &DeviceId) -> Result<(), Infallible> {
        self.acked.remove(hub);
        Ok(())
    }

    fn set_undone(&mut self, doc: &DocId, undone: bool) -> Result<(), Infallible> {
        if undone {
            self.undone.insert(*doc);
        } else {
            self.undone.remove(doc);
        }
        Ok(())
    }

    fn undone(&self) -> Result<Vec<DocId>, Infallible> {
        Ok(self.undone.iter().copied().collect())
    }
}

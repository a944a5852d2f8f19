//! The outbox's rows as tables on disk.

use super::StoreError;
use super::hubs::KnownHub;
use super::tables::{T, Tx, damaged};
use crate::client::outbox::{Kept, Local, Own, Parked, Rows, Waiting};
use crate::ids::{DeviceId, DocId, RevisionId};
use crate::keys::Sig;
use crate::revision::ValidRevision;

impl Rows for Tx<'_> {
    type Error = StoreError;

    fn local(&self, doc: &DocId) -> Result<Option<Local>, StoreError> {
        self.get_json(T::Docs, doc.as_bytes())
    }

    fn put_local(&mut self, doc: &DocId, local: &Local) -> Result<(), StoreError> {
        self.put_json(T::Docs, doc.as_bytes(), local)
    }

    fn remove_local(&mut self, doc: &DocId) -> Result<(), StoreError> {
        self.remove(T::Docs, doc.as_bytes()).map(drop)
    }

    fn history(&self, doc: &DocId) -> Result<Vec<Kept>, StoreError> {
        let rows = self.list(T::Revisions, doc.as_bytes(), None, usize::MAX)?;
        rows.iter().map(|(key, value)| kept(key, value)).collect()
    }

    fn revision(&self, doc: &DocId, id: &RevisionId) -> Result<Option<Kept>, StoreError> {
        let key = revision_key(doc, id);
        self.get(T::Revisions, &key)?.map(|value| kept(&key, &value)).transpose()
    }

    fn own_of(&self, doc: &DocId, id: &RevisionId) -> Result<Option<Own>, StoreError> {
        let value = self.get(T::Revisions, &revision_key(doc, id))?;
        value.map_or(Ok(None), |value| own(&value).ok_or(damaged(T::Revisions)))
    }

    fn put_revision(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let key = revision_key(&kept.revision.content().doc, &kept.revision.id());
        let own = kept.own.unwrap_or(Own { place: 0, version: 0 });
        let mut value = Vec::with_capacity(HEAD_BYTES + kept.revision.canonical().len());
        value.push(u8::from(kept.own.is_some()));
        value.extend_from_slice(&own.place.to_be_bytes());
        value.extend_from_slice(&own.version.to_be_bytes());
        value.extend_from_slice(&kept.revision.sig().0);
        value.extend_from_slice(kept.revision.canonical());
        self.put(T::Revisions, &key, &value)
    }

    fn own(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut own = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        // In pages, so that a large store is not in memory with all its revisions at once.
        loop {
            let rows = self.list(T::Revisions, &[], after.as_deref(), PAGE)?;
            for (key, value) in &rows {
                if let Some(Own { place, .. }) = self::own(value).ok_or(damaged(T::Revisions))? {
                    let (doc, id) = doc_and_id(key).ok_or(damaged(T::Revisions))?;
                    own.push(Waiting { place, doc, id });
                }
            }
            match rows.into_iter().next_back() {
                Some((last, _)) => after = Some(last),
                None => return Ok(own),
            }
        }
    }

    fn hubs(&self) -> Result<Vec<DeviceId>, StoreError> {
        if let Some(ids) = self.hub_ids.get() {
            return Ok(ids.clone());
        }
        let rows = self.list(T::Hubs, &[], None, usize::MAX)?;
        let ids: Vec<DeviceId> =
            rows.iter().map(|(key, _)| DeviceId::try_from(&key[..]).map_err(|_| damaged(T::Hubs))).collect::<Result<_, _>>()?;
        Ok(self.hub_ids.get_or_init(|| ids).clone())
    }

    fn next_place(&mut self) -> Result<u64, StoreError> {
        Ok(self.give_place())
    }

    fn put_draft(&mut self, place: u64, doc: &DocId) -> Result<(), StoreError> {
        self.put(T::Drafts, &place.to_be_bytes(), doc.as_bytes())
    }

    fn remove_draft(&mut self, place: u64) -> Result<(), StoreError> {
        self.remove(T::Drafts, &place.to_be_bytes()).map(drop)
    }

    fn drafts(&self, after: u64, limit: usize) -> Result<Vec<(u64, DocId)>, StoreError> {
        let rows = self.list(T::Drafts, &[], Some(&after.to_be_bytes()), limit)?;
        rows.iter().map(|(key, doc)| place_of(key).zip(doc_of(doc)).ok_or(damaged(T::Drafts))).collect()
    }

    fn put_waiting(&mut self, hub: &DeviceId, waiting: &Waiting) -> Result<(), StoreError> {
        self.put(T::Waiting, &place_key(hub, waiting.place), &revision_key(&waiting.doc, &waiting.id))
    }

    fn remove_waiting(&mut self, hub: &DeviceId, place: u64) -> Result<bool, StoreError> {
        self.remove(T::Waiting, &place_key(hub, place))
    }

    fn waiting(&self, hub: &DeviceId, after: u64, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        let rows = self.list(T::Waiting, &hub.0, Some(&place_key(hub, after)), limit)?;
        let waiting = |key: &[u8], value: &[u8]| {
            let (doc, id) = doc_and_id(value)?;
            Some(Waiting { place: place_of(key)?, doc, id })
        };
        rows.iter().map(|(key, value)| waiting(key, value).ok_or(damaged(T::Waiting))).collect()
    }

    fn put_parked(&mut self, by: &DeviceId, parked: &Parked) -> Result<(), StoreError> {
        self.put_json(T::Parked, &place_key(by, parked.place), parked)
    }

    fn remove_parked(&mut self, by: &DeviceId, place: u64) -> Result<bool, StoreError> {
        self.remove(T::Parked, &place_key(by, place))
    }

    fn parked(&self, by: &DeviceId) -> Result<Vec<Parked>, StoreError> {
        let rows = self.list(T::Parked, &by.0, None, usize::MAX)?;
        rows.iter().map(|(_, value)| serde_json::from_slice(value).map_err(|_| damaged(T::Parked))).collect()
    }

    fn add_acked(&mut self, hub: &DeviceId, id: &RevisionId) -> Result<(), StoreError> {
        self.change_hub(hub, |hub: &mut KnownHub| {
            let key = crate::fingerprint::FingerprintKey::of(&hub.project);
            hub.acked.add(&key, id);
        })
    }

    fn forget_acked(&mut self, hub: &DeviceId) -> Result<(), StoreError> {
        self.change_hub(hub, |hub| hub.acked = crate::fingerprint::Fingerprint::default())
    }

    fn set_undone(&mut self, doc: &DocId, undone: bool) -> Result<(), StoreError> {
        if undone { self.put(T::Undone, doc.as_bytes(), &[]) } else { self.remove(T::Undone, doc.as_bytes()).map(drop) }
    }

    fn undone(&self) -> Result<Vec<DocId>, StoreError> {
        let rows = self.list(T::Undone, &[], None, usize::MAX)?;
        rows.iter().map(|(key, _)| doc_of(key).ok_or(damaged(T::Undone))).collect()
    }
}

/// Revisions that are looked through at once.
const PAGE: usize = 1_000;

/// What stands before the canonical form in a revision's row.
const HEAD_BYTES: usize = 1 + 8 + 8 + 64;

fn kept(key: &[u8], value: &[u8]) -> Result<Kept, StoreError> {
    let read = || {
        let (head, canonical) = value.split_at_checked(HEAD_BYTES)?;
        let sig = Sig(head[17..].try_into().ok()?);
        let (_, id) = doc_and_id(key)?;
        let revision = ValidRevision::from_stored(id, canonical, sig).ok()?;
        Some(Kept { revision, own: own(value)? })
    };
    read().ok_or(damaged(T::Revisions))
}

/// What stands first in a revision's row; `None` where it is too short for that.
fn own(value: &[u8]) -> Option<Option<Own>> {
    let (head, _) = value.split_at_checked(HEAD_BYTES)?;
    let place = u64::from_be_bytes(head[1..9].try_into().ok()?);
    let version = u64::from_be_bytes(head[9..17].try_into().ok()?);
    Some((head[0] == 1).then_some(Own { place, version }))
}

fn revision_key(doc: &DocId, id: &RevisionId) -> [u8; 48] {
    let mut key = [0; 48];
    key[..16].copy_from_slice(doc.as_bytes());
    key[16..].copy_from_slice(&id.0);
    key
}

fn place_key(hub: &DeviceId, place: u64) -> [u8; 40] {
    let mut key = [0; 40];
    key[..32].copy_from_slice(&hub.0);
    key[32..].copy_from_slice(&place.to_be_bytes());
    key
}

fn place_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk()?))
}

fn doc_of(bytes: &[u8]) -> Option<DocId> {
    Some(DocId(uuid::Uuid::from_slice(bytes).ok()?))
}

fn doc_and_id(bytes: &[u8]) -> Option<(DocId, RevisionId)> {
    let (doc, id) = bytes.split_at_checked(16)?;
    Some((doc_of(doc)?, RevisionId::try_from(id).ok()?))
}

//! How a draft becomes a signed revision, alone or with what stands beside it in the queue.
//!
//! The sync task takes what it sends next with [`Outbox::take`] and commits it before the first byte leaves. It promises that what
//! does not fit stays a draft, since nobody was offered it, and that one draft that breaks a rule holds up nothing behind it.

use super::{Entry, Kept, Outbox, Own, Parked, Rows, Unfrozen, Waiting};
use crate::ids::{DeviceId, DocId};
use crate::keys::DeviceKey;
use crate::problem::Refusal;
use crate::revision::{self, Draft, ValidRevision};

/// A draft on its way to being a revision; its properties are in `unsigned`.
struct Freezing {
    local: super::Local,
    draft: Unfrozen,
    unsigned: Draft,
}

/// What signing came to.
type Signed = (Freezing, Result<ValidRevision, Refusal>);

/// Drafts that are signed side by side: enough to keep the cores busy, and few enough to be held in memory at their largest.
const SIGNED_AT_ONCE: usize = 64;

/// What an envelope and its line end add to the canonical form.
const ENVELOPE_BYTES: usize = 180;

impl<R: Rows> Outbox<'_, R> {
    /// Makes a document's draft a signed revision that waits for every hub. `None` where there is no draft, or where it breaks a
    /// rule of revisions: then it is parked until it is edited.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn freeze(&mut self, key: &DeviceKey, doc: DocId) -> Result<Option<(Waiting, ValidRevision)>, R::Error> {
        let Some(freezing) = self.begin(doc)? else { return Ok(None) };
        let signed = freezing.unsigned.sign(key);
        self.end(freezing, signed)
    }

    /// What there is to sign of a document. Changes nothing yet.
    fn begin(&self, doc: DocId) -> Result<Option<Freezing>, R::Error> {
        let Some(mut local) = self.rows.local(&doc)? else { return Ok(None) };
        let Some(mut draft) = local.draft.take().filter(|draft| draft.refused.is_none()) else { return Ok(None) };
        let unsigned = Draft {
            kind: local.kind.clone(),
            doc,
            parents: draft.parents.clone(),
            created_at: draft.created_at,
            set: std::mem::take(&mut draft.set),
            unset: draft.unset.iter().cloned().collect(),
            attach: draft.attach.clone(),
            detach: draft.detach.iter().copied().collect(),
            deleted: draft.deleted,
            extra: serde_json::Map::new(),
        };
        Ok(Some(Freezing { local, draft, unsigned }))
    }

    /// Notes what became of it.
    fn end(
        &mut self,
        freezing: Freezing,
        signed: Result<ValidRevision, Refusal>,
    ) -> Result<Option<(Waiting, ValidRevision)>, R::Error> {
        let Freezing { mut local, draft, unsigned: Draft { doc, set, .. } } = freezing;
        let place = draft.place;
        self.rows.remove_draft(place)?;
        match signed {
            Ok(revision) => {
                let waiting = Waiting { place, doc, id: revision.id() };
                let kept = Kept { revision, own: Some(Own { place, version: local.version }) };
                self.rows.put_revision(&kept)?;
                for hub in self.rows.hubs()? {
                    self.rows.put_waiting(&hub, &waiting)?;
                }
                self.rows.put_local(&doc, &local)?;
                Ok(Some((waiting, kept.revision)))
            }
            Err(refusal) => {
                let (code, detail) = (refusal.code().to_owned(), refusal.sentence().to_owned());
                local.draft = Some(Unfrozen { set, refused: Some(code.clone()), ..draft });
                self.rows.put_local(&doc, &local)?;
                self.rows.put_parked(&self.me, &Parked { place, doc, id: None, code, detail })?;
                Ok(None)
            }
        }
    }

    /// The next of the queue for a hub, frozen where they were drafts: at most `limit`, and so many that their envelopes with line ends
    /// fit into `bytes`, but always one. To be committed before any of it is sent.
    ///
    /// # Errors
    /// Where the rows fail.
    pub fn take(
        &mut self,
        key: &DeviceKey,
        hub: &DeviceId,
        after: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<(Waiting, ValidRevision)>, R::Error> {
        let (mut taken, mut room, mut after) = (Vec::new(), bytes, after);
        // Drafts that cannot be frozen leave gaps, so one listing may not be enough.
        while taken.len() < limit {
            let entries = self.queue(hub, after, limit - taken.len())?;
            let Some(last) = entries.last() else { break };
            after = last.place();
            for some in entries.chunks(SIGNED_AT_ONCE) {
                for (entry, signed) in some.iter().zip(self.signed(key, some)?) {
                    let frozen = match entry {
                        Entry::Draft(..) => None,
                        Entry::Frozen(waiting) => {
                            self.rows.revision(&waiting.doc, &waiting.id)?.map(|kept| (*waiting, kept.revision))
                        }
                    };
                    let is_signed = signed.as_ref().and_then(|(_, signed)| signed.as_ref().ok());
                    let revision = frozen.as_ref().map(|(_, revision)| revision).or(is_signed);
                    let size = revision.map_or(0, |revision| revision.canonical().len() + ENVELOPE_BYTES);
                    // What does not fit stays a draft: nobody was offered it.
                    if size > room && !taken.is_empty() {
                        return Ok(taken);
                    }
                    let next = match signed {
                        Some((freezing, signed)) => self.end(freezing, signed)?,
                        None => frozen,
                    };
                    if let Some(next) = next {
                        room = room.saturating_sub(size);
                        taken.push(next);
                    }
                }
            }
        }
        Ok(taken)
    }

    /// What becomes of each entry that is a draft when it is signed; all of them at once. Changes nothing.
    fn signed(&self, key: &DeviceKey, entries: &[Entry]) -> Result<Vec<Option<Signed>>, R::Error> {
        let begun = entries.iter().map(|entry| if let Entry::Draft(_, doc) = entry { self.begin(*doc) } else { Ok(None) });
        let begun: Vec<Option<Freezing>> = begun.collect::<Result<_, _>>()?;
        let unsigned: Vec<&Draft> = begun.iter().flatten().map(|freezing| &freezing.unsigned).collect();
        let mut signed = revision::sign_many(&unsigned, key).into_iter();
        Ok(begun.into_iter().map(|freezing| freezing.and_then(|freezing| Some((freezing, signed.next()?)))).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::json;

    use super::super::Edit;
    use super::super::memory::Memory;
    use super::*;

    fn place_of(memory: &Memory, doc: &DocId) -> Option<u64> {
        memory.local(doc).unwrap().and_then(|local| local.draft).map(|draft| draft.place)
    }

    #[test]
    fn what_does_not_fit_stays_a_draft_and_comes_next() -> Result<(), Infallible> {
        let (key, hub) = (DeviceKey::from_seed([7; 32]), DeviceId([9; 32]));
        let mut memory = Memory::default();
        memory.hubs.insert(hub);
        let docs: Vec<DocId> = (0..5).map(|_| DocId::now()).collect();
        for doc in &docs {
            let edit = Edit { set: [("notes".to_owned(), json!("x".repeat(500)))].into_iter().collect(), ..Edit::default() };
            Outbox::new(&mut memory, key.id()).edit(*doc, "observation", 1_800_000_000_000, &edit)?;
        }
        let mut outbox = Outbox::new(&mut memory, key.id());
        let first = outbox.take(&key, &hub, 0, 10, 1)?;
        assert_eq!(first.len(), 1, "always one, or a long record would never leave");
        let one = first[0].1.canonical().len() + ENVELOPE_BYTES;
        let next = outbox.take(&key, &hub, first[0].0.place, 10, one * 2)?;
        assert_eq!(next.iter().map(|(waiting, _)| waiting.doc).collect::<Vec<_>>(), docs[1..3]);
        assert!(docs[..3].iter().all(|doc| place_of(&memory, doc).is_none()), "frozen");
        assert!(docs[3..].iter().all(|doc| place_of(&memory, doc).is_some()), "nobody was offered these");
        let rest = Outbox::new(&mut memory, key.id()).take(&key, &hub, next[1].0.place, 10, usize::MAX)?;
        assert_eq!(rest.iter().map(|(waiting, _)| waiting.doc).collect::<Vec<_>>(), docs[3..]);
        Ok(())
    }
}

//! The feed and the quarantine, revision by revision: numbers without gaps, the chain, each id, each signature.

use std::ops::{Bound, ControlFlow};

use maloca_protocol::revision::envelope;
use maloca_protocol::{DeviceId, RevisionId, ValidRevision};

use super::Look;
use crate::intake::validate;
use crate::store::rows::{Attached, Entry, Place, Row as _, Subject};
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View as _, ordered};

/// Revisions whose signatures are verified together.
const BATCH: usize = 500;

/// Revisions that wait for their signatures.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    places: Vec<(RevisionId, Place)>,
}

impl Batch {
    fn add(&mut self, id: RevisionId, canonical: &[u8], sig: &maloca_protocol::Sig, place: Place) {
        self.lines.extend_from_slice(&envelope(&id, canonical, sig));
        self.lines.push(b'\n');
        self.places.push((id, place));
    }

    fn judge(&mut self, look: &mut Look<'_>) -> Result<(), StoreError> {
        let places = std::mem::take(&mut self.places);
        for ((_, verdict), (id, place)) in validate::lines(&self.lines).into_iter().zip(places) {
            match verdict {
                Ok(revision) => kept(look, &revision, place)?,
                Err(refusal) => look.fault(format!("revision {id}: {}", refusal.sentence())),
            }
        }
        self.lines.clear();
        look.progress();
        Ok(())
    }
}

/// The feed.
pub(super) fn feed(look: &mut Look<'_>) -> Result<(), StoreError> {
    let (view, mut batch, mut expected) = (look.view, Batch::default(), 1_u64);
    view.scan(T::Log, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
        let Some(entry) = Entry::decode(payload) else {
            look.fault(format!("entry {expected} of the feed is of an unknown form"));
            return Ok(ControlFlow::Continue(()));
        };
        look.expect(key == expected.to_be_bytes(), || format!("entry {expected} of the feed is missing"));
        let seq = <[u8; 8]>::try_from(key).map_or(expected, u64::from_be_bytes);
        expected = seq + 1;
        look.totals.head = seq;
        look.totals.chain = entry.subject.chain(&look.totals.chain);
        let fits = look.totals.chain == entry.chain;
        look.expect(fits, || format!("the chain of the feed breaks at entry {seq}"));
        // Told once, not for every entry that follows.
        look.totals.chain = entry.chain;
        match entry.subject {
            Subject::Revision { id, sig, canonical } => {
                look.in_log += 1;
                batch.add(id, &canonical, &sig, Place::Log(seq));
                if batch.places.len() == BATCH {
                    batch.judge(look)?;
                }
            }
            Subject::Held { hash, .. } => {
                let is_here = view.get(T::Media, &hash.0)?.is_some();
                look.expect(is_here, || format!("media {hash} is in the feed (entry {seq}) and has no row"));
                look.held_entries += 1;
            }
            Subject::Released { .. } => {}
        }
        Ok(ControlFlow::Continue(()))
    })?;
    batch.judge(look)
}

/// The quarantine.
pub(super) fn quarantine(look: &mut Look<'_>) -> Result<(), StoreError> {
    let (view, mut batch) = (look.view, Batch::default());
    view.scan(T::Quarantine, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
        match Entry::decode(payload).map(|entry| entry.subject) {
            Some(Subject::Revision { id, sig, canonical }) if key.ends_with(&id.0) => {
                batch.add(id, &canonical, &sig, Place::Quarantine);
                look.totals.quarantined += 1;
            }
            _ => look.fault("a row of the quarantine is of an unknown form"),
        }
        if batch.places.len() == BATCH {
            batch.judge(look)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    batch.judge(look)
}

/// A revision whose id and signature are good: is it where the indexes say, and are its attachments noted?
fn kept(look: &mut Look<'_>, revision: &ValidRevision, place: Place) -> Result<(), StoreError> {
    let (id, content, view) = (revision.id(), revision.content(), look.view);
    look.summary.revisions += 1;
    let found: Option<Place> = view.row(T::Ids, &id.0)?;
    look.expect(found == Some(place), || format!("the index of revisions is wrong about {id}"));
    if look.is_ordered {
        let is_there = ordered::has(view, revision)?;
        look.expect(is_there, || format!("the order for other hubs lacks revision {id}"));
    }
    let author = look.authors.entry(content.author).or_default();
    author.fingerprint.add(&look.rules.fingerprints, &id);
    look.totals.fingerprint.add(&look.rules.fingerprints, &id);
    if place == Place::Quarantine {
        author.quarantined += 1;
        return Ok(());
    }
    for attachment in &content.attach {
        let hash = attachment.hash;
        let by = attached(look, hash.0, &content.author)?;
        look.expect(by.is_some(), || format!("revision {id} attaches media {hash}, and the index of attachments lacks it"));
        let is_noted = view.get(T::Refs, &[&hash.0[..], content.doc.as_bytes()].concat())?.is_some();
        look.expect(is_noted, || format!("the index of media lacks that document {} attaches {hash}", content.doc));
    }
    Ok(())
}

fn attached(look: &Look<'_>, hash: [u8; 32], author: &DeviceId) -> Result<Option<Attached>, StoreError> {
    look.view.row(T::Attached, &[hash, author.0].concat())
}

//! Inside the writer: dedup, admit or quarantine, and keep everything that is derived in the same commit.
//!
//! All doors end here, and pairing too when it lets somebody in. It promises that the log, its indexes, merged documents,
//! counts and fingerprints never disagree, and that a revision which is here already changes nothing.

use maloca_protocol::document::{self, State};
use maloca_protocol::fingerprint::Fingerprint;
use maloca_protocol::rest::Outcome;
use maloca_protocol::{DeviceId, MediaHash, RevisionId, ValidRevision, limits};

use super::{Door, Kept, Rules, Tally};
use crate::query::index;
use crate::query::presets::PRESET;
use crate::store::ordered::Item;
use crate::store::rows::{
    Arrival, Attached, DocRow, Entry, Keeping, MediaRow, Nothing, Place, Row as _, Standing, Subject, Summary,
};
use crate::store::view::ViewExt as _;
use crate::store::{Damage, StoreError, T, View, WriteTx};
use crate::trust::members;

/// The stable name of the quota's refusal.
pub const QUOTA: &str = "document_quota";
/// What it says.
pub const QUOTA_SENTENCE: &str =
    "This device has brought 1,000 revisions or 4 MiB of this document; it stays on the phone until the manager has looked.";

/// What became of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable once the commit is.
    Kept(Outcome),
    /// The carrying device has brought too much of this document.
    OverQuota,
}

/// Keeps revisions in the order given.
pub(crate) fn all<'a>(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    arrival: Arrival,
    door: Door,
    revisions: impl Iterator<Item = &'a ValidRevision>,
) -> Result<Kept, StoreError> {
    let mut kept = Kept::default();
    for revision in revisions {
        let verdict = one(tx, rules, arrival, door, revision, &mut kept.tally)?;
        kept.outcomes.push(verdict);
        if matches!(verdict, Verdict::Kept(_)) {
            for attachment in &revision.content().attach {
                if is_wanted(tx, &attachment.hash)? {
                    kept.wanted.push(attachment.hash);
                }
            }
        }
    }
    kept.wanted.sort_unstable();
    kept.wanted.dedup();
    Ok(kept)
}

/// Keeps one revision.
pub(crate) fn one(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    arrival: Arrival,
    door: Door,
    revision: &ValidRevision,
    tally: &mut Tally,
) -> Result<Verdict, StoreError> {
    let id = revision.id();
    if tx.get(T::Ids, &id.0)?.is_some() {
        tally.repeats += 1;
        return Ok(Verdict::Kept(Outcome::Duplicate));
    }
    let doc_row: DocRow = tx.row(T::Docs, revision.content().doc.as_bytes())?.unwrap_or_default();
    if door == Door::Device && is_over_quota(tx, &doc_row, arrival.carrier, revision)? {
        return Ok(Verdict::OverQuota);
    }
    let author = revision.content().author;
    count_kept(tx, rules, revision)?;
    match members::standing(tx, rules, &author)? {
        Some(Standing::Member | Standing::Hub) => {
            admit(tx, rules, arrival, revision, doc_row, tally)?;
            Ok(Verdict::Kept(Outcome::Stored))
        }
        Some(Standing::Revoked) | None => {
            let subject = subject_of(revision);
            tx.put(T::Quarantine, &[author.0, id.0].concat(), &Entry { arrival, chain: [0; 32], subject })?;
            tx.put(T::Ids, &id.0, &Place::Quarantine)?;
            tx.author_mut(&author)?.quarantined += 1;
            tx.totals_mut().quarantined += 1;
            Ok(Verdict::Kept(Outcome::Quarantined))
        }
    }
}

fn subject_of(revision: &ValidRevision) -> Subject {
    Subject::Revision { id: revision.id(), sig: *revision.sig(), canonical: revision.canonical().to_vec() }
}

fn count_kept(tx: &mut WriteTx<'_>, rules: &Rules, revision: &ValidRevision) -> Result<(), StoreError> {
    let (id, author) = (revision.id(), revision.content().author);
    let mut term = Fingerprint::default();
    term.add(&rules.fingerprints, &id);
    tx.totals_mut().fingerprint.join(&term);
    tx.author_mut(&author)?.fingerprint.join(&term);
    tx.put_in_order(&rules.fingerprints, Item::new(&author, revision.content().created_at, &id));
    Ok(())
}

/// Only a document that is heavy as a whole is looked at closely: who brought how much of it.
fn is_over_quota(tx: &WriteTx<'_>, row: &DocRow, carrier: DeviceId, revision: &ValidRevision) -> Result<bool, StoreError> {
    let size = revision.canonical().len() as u64;
    if (row.seqs.len() as u64) < limits::DOCUMENT_REVISIONS && row.bytes + size <= limits::DOCUMENT_BYTES {
        return Ok(false);
    }
    let (mut count, mut bytes) = (1, size);
    for seq in &row.seqs {
        let entry = entry(tx, *seq)?;
        if let (true, Subject::Revision { canonical, .. }) = (entry.arrival.carrier == carrier, &entry.subject) {
            count += 1;
            bytes += canonical.len() as u64;
        }
    }
    Ok(count > limits::DOCUMENT_REVISIONS || bytes > limits::DOCUMENT_BYTES)
}

fn entry(tx: &WriteTx<'_>, seq: u64) -> Result<Entry, StoreError> {
    crate::feed::entry(tx, seq)
}

/// Puts a revision into the feed and into its document.
fn admit(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    arrival: Arrival,
    revision: &ValidRevision,
    mut row: DocRow,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let content = revision.content();
    let before = match row.seqs.last() {
        None => None,
        Some(last) => tx.row::<Summary>(T::ByReceived, &last.to_be_bytes())?.map(|summary| (*last, summary)),
    };
    let seq = tx.append(arrival, subject_of(revision))?;
    tx.put(T::Ids, &revision.id().0, &Place::Log(seq))?;
    if row.seqs.is_empty() {
        tx.author_mut(&content.author)?.documents += 1;
    }
    row.seqs.push(seq);
    row.bytes += revision.canonical().len() as u64;
    if !row.authors.contains(&content.author) {
        row.authors.push(content.author);
    }
    tx.put(T::Docs, content.doc.as_bytes(), &row)?;
    attach(tx, revision)?;
    let summary = summarised(tx, revision, &row)?;
    count_change(tx, before.as_ref().map(|(_, summary)| summary), &summary, tally);
    index::replace(tx, before, seq, &summary)?;
    tx.tell().docs.insert(content.doc);
    if content.kind == PRESET {
        tx.put(T::Presets, content.doc.as_bytes(), &Nothing)?;
    }
    members::after_admission(tx, rules, revision)
}

/// What the document comes to after this revision. One revision is its own document; of several the merge is kept beside them.
fn summarised(tx: &mut WriteTx<'_>, revision: &ValidRevision, row: &DocRow) -> Result<Summary, StoreError> {
    if row.seqs.len() == 1 {
        return Ok(index::summary_of_first(revision.content()));
    }
    let doc = revision.content().doc;
    let history = crate::query::history(tx, row)?;
    let document = document::merge(doc, &history);
    let document = document.ok_or_else(|| Damage::Form { table: T::Docs.name(), key: doc.to_string() })?;
    tx.put_bytes(T::Merged, doc.as_bytes(), &document.canonical())?;
    Ok(index::summary(&document))
}

fn count_change(tx: &mut WriteTx<'_>, before: Option<&Summary>, after: &Summary, tally: &mut Tally) {
    let shows = |summary: &Summary| summary.kind == "observation" && !summary.deleted;
    let disputed = |summary: &Summary| summary.state == State::Conflict;
    let totals = tx.totals_mut();
    totals.observations += u64::from(shows(after));
    totals.observations -= u64::from(before.is_some_and(shows));
    totals.conflicts += u64::from(disputed(after));
    totals.conflicts -= u64::from(before.is_some_and(disputed));
    match before {
        None if !after.deleted => tally.new += 1,
        Some(before) if after.deleted && !before.deleted => tally.deleted += 1,
        Some(_) => tally.changed += 1,
        None => {}
    }
}

/// Notes who attaches which media, and what of it is not here.
fn attach(tx: &mut WriteTx<'_>, revision: &ValidRevision) -> Result<(), StoreError> {
    let content = revision.content();
    for attachment in &content.attach {
        let hash = attachment.hash;
        tx.put(T::Refs, &[&hash.0[..], content.doc.as_bytes()].concat(), &Nothing)?;
        let key = [hash.0, content.author.0].concat();
        if tx.get(T::Attached, &key)?.is_some() {
            continue;
        }
        let row = Attached {
            size: attachment.size,
            doc: content.doc,
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
        };
        tx.put(T::Attached, &key, &row)?;
        let is_wanted = is_wanted(tx, &hash)?;
        let counts = tx.author_mut(&content.author)?;
        counts.attached += 1;
        if is_wanted {
            counts.wanted += 1;
            // A claim of a stranger: two absurd sizes must not overflow a sum.
            counts.wanted_bytes = counts.wanted_bytes.saturating_add(attachment.size);
            tx.put(T::Wanted, &[content.author.0, hash.0].concat(), &row)?;
        }
    }
    Ok(())
}

/// Notes that a media file is here: verified, fsynced, under its name. Says whether that is new.
pub(crate) fn media_held(
    tx: &mut WriteTx<'_>,
    arrival: Arrival,
    hash: MediaHash,
    size: u64,
    blocks: &[[u8; 32]],
) -> Result<bool, StoreError> {
    if tx.row::<MediaRow>(T::Media, &hash.0)?.is_some_and(|row| row.is_held()) {
        return Ok(false);
    }
    let seq = tx.append(arrival, Subject::Held { hash, size })?;
    tx.put(T::Media, &hash.0, &MediaRow { keeping: Keeping::Held, size, seq, blocks: blocks.to_vec() })?;
    for (author, row) in attached_by(tx, &hash)? {
        if tx.remove(T::Wanted, &[author.0, hash.0].concat())? {
            let counts = tx.author_mut(&author)?;
            counts.wanted -= 1;
            counts.wanted_bytes = counts.wanted_bytes.saturating_sub(row.size);
        }
    }
    let totals = tx.totals_mut();
    totals.media_held += 1;
    totals.media_bytes += size;
    tx.tell().media.insert(hash);
    Ok(true)
}

/// Whether a media file is wanted: it never came, or the disk has spoilt it.
pub(crate) fn is_wanted(view: &impl View, hash: &MediaHash) -> Result<bool, StoreError> {
    Ok(view.row::<MediaRow>(T::Media, &hash.0)?.is_none_or(|row| row.is_wanted()))
}

/// Notes that the disk has spoilt a media file, so that it is asked for again from whoever still has it. Says whether that
/// is new.
pub(crate) fn media_damaged(tx: &mut WriteTx<'_>, hash: MediaHash) -> Result<bool, StoreError> {
    let Some(row) = tx.row::<MediaRow>(T::Media, &hash.0)?.filter(MediaRow::is_held) else { return Ok(false) };
    tx.put(T::Media, &hash.0, &MediaRow { keeping: Keeping::Damaged, ..row.clone() })?;
    for (author, attached) in attached_by(tx, &hash)? {
        let counts = tx.author_mut(&author)?;
        counts.wanted += 1;
        counts.wanted_bytes = counts.wanted_bytes.saturating_add(attached.size);
        tx.put(T::Wanted, &[author.0, hash.0].concat(), &attached)?;
    }
    let totals = tx.totals_mut();
    totals.media_held -= 1;
    totals.media_bytes -= row.size;
    tx.tell().media.insert(hash);
    Ok(true)
}

/// Notes that a media file was freed, if it is held and `is_safe` says so of it. Its row keeps the place at which it came: that is where
/// drives hold it. Says whether it was.
pub(crate) fn media_released(
    tx: &mut WriteTx<'_>,
    arrival: Arrival,
    hash: MediaHash,
    is_safe: &dyn Fn(&MediaRow) -> bool,
) -> Result<bool, StoreError> {
    let Some(row) = tx.row::<MediaRow>(T::Media, &hash.0)?.filter(|row| row.is_held() && is_safe(row)) else { return Ok(false) };
    tx.append(arrival, Subject::Released { hash })?;
    let size = row.size;
    tx.put(T::Media, &hash.0, &MediaRow { keeping: Keeping::Released, ..row })?;
    let totals = tx.totals_mut();
    totals.media_held -= 1;
    totals.media_bytes -= size;
    tx.tell().media.insert(hash);
    Ok(true)
}

/// Who attaches a media file, and as what.
fn attached_by(tx: &WriteTx<'_>, hash: &MediaHash) -> Result<Vec<(DeviceId, Attached)>, StoreError> {
    let mut authors = Vec::new();
    tx.scan_prefix(T::Attached, &hash.0, &mut |author, payload| {
        let (Ok(author), Some(row)) = (DeviceId::try_from(author), Attached::decode(payload)) else {
            return Err(Damage::Form { table: T::Attached.name(), key: hash.to_string() }.into());
        };
        authors.push((author, row));
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(authors)
}

/// Admits what an author has in quarantine, in the order of the revisions' ids; called when it becomes a member.
pub(crate) fn release_quarantine(tx: &mut WriteTx<'_>, rules: &Rules, author: &DeviceId) -> Result<(), StoreError> {
    let mut ids: Vec<RevisionId> = Vec::new();
    tx.scan_prefix(T::Quarantine, &author.0, &mut |id, _| {
        ids.extend(RevisionId::try_from(id));
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    for id in ids {
        let key = [author.0, id.0].concat();
        let Some(entry) = tx.row::<Entry>(T::Quarantine, &key)? else { continue };
        let Subject::Revision { sig, canonical, .. } = &entry.subject else { continue };
        let revision = ValidRevision::from_stored(id, canonical, *sig)
            .map_err(|_| Damage::Check { table: T::Quarantine.name(), key: id.to_string() })?;
        tx.remove(T::Quarantine, &key)?;
        tx.author_mut(author)?.quarantined -= 1;
        tx.totals_mut().quarantined -= 1;
        let row = tx.row(T::Docs, revision.content().doc.as_bytes())?.unwrap_or_default();
        admit(tx, rules, entry.arrival, &revision, row, &mut Tally::default())?;
    }
    Ok(())
}

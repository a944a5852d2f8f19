//! What is derived, held against what the log says when it is derived anew: documents, their merges and indexes, attachments,
//! members, counts. Each row is justified by the log, and tables are counted, so that nothing is missing and nothing is extra.

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::document::{self, State};
use maloca_protocol::fingerprint::Fingerprint;
use maloca_protocol::{DeviceId, DocId, MediaHash};
use serde_json::Value;

use super::Look;
use crate::export::ledger;
use crate::intake::keep;
use crate::query::presets::PRESET;
use crate::query::{self, index};
use crate::store::ordered::{Bucket, Sum};
use crate::store::rows::{Attached, AuthorRow, DocRow, MediaRow, Row as _, Standing, Summary, doc_id};
use crate::store::view::ViewExt as _;
use crate::store::{self, StoreError, T, View as _};
use crate::trust::members as trust;

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// Documents, their merges and indexes.
pub(super) fn documents(look: &mut Look<'_>) -> Result<(), StoreError> {
    let view = look.view;
    let (mut documents, mut merged, mut refs, mut revisions) = (0_u64, 0_u64, 0_u64, 0_u64);
    view.scan(T::Docs, ALL, false, &mut |key, payload| {
        let (Some(doc), Some(row)) = (doc_id(key), DocRow::decode(payload)) else {
            look.fault("a row of the documents is of an unknown form");
            return Ok(ControlFlow::Continue(()));
        };
        documents += 1;
        merged += u64::from(row.seqs.len() > 1);
        revisions += row.seqs.len() as u64;
        refs += one(look, doc, &row)?;
        look.summary.documents += 1;
        if look.summary.documents.is_multiple_of(1_000) {
            look.progress();
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let in_log = look.in_log;
    look.expect(revisions == in_log, || format!("documents name {revisions} revisions, the feed has {in_log}"));
    let ids = look.count(T::Ids)?;
    let kept = in_log + look.totals.quarantined;
    look.expect(ids == kept, || format!("the index of revisions has {ids} rows for {kept} revisions"));
    let presets = look.presets;
    for (table, expected) in
        [(T::Presets, presets), (T::ByReceived, documents), (T::ByObserved, documents), (T::Merged, merged), (T::Refs, refs)]
    {
        let rows = look.count(table)?;
        look.expect(rows == expected, || format!("table {} has {rows} rows instead of {expected}", table.name()));
    }
    Ok(())
}

/// Checks a document; gives how many distinct media its revisions attach.
fn one(look: &mut Look<'_>, doc: DocId, row: &DocRow) -> Result<u64, StoreError> {
    let view = look.view;
    let history = query::history(view, row)?;
    let ascending = row.seqs.windows(2).all(|pair| pair[0] < pair[1]);
    let is_own = history.iter().all(|revision| revision.content().doc == doc);
    let bytes: u64 = history.iter().map(|revision| revision.canonical().len() as u64).sum();
    let mut authors: Vec<DeviceId> = Vec::new();
    for revision in &history {
        if !authors.contains(&revision.content().author) {
            authors.push(revision.content().author);
        }
    }
    let fits = ascending && is_own && bytes == row.bytes && authors == row.authors;
    look.expect(fits, || format!("document {doc}: its row is not what its revisions come to"));
    let Some(document) = document::merge(doc, &history) else {
        look.fault(format!("document {doc} has no revision"));
        return Ok(0);
    };
    if let Some(first) = history.first() {
        look.authors.entry(first.content().author).or_default().documents += 1;
    }
    let stored = view.get(T::Merged, doc.as_bytes())?;
    let expected = (history.len() > 1).then(|| document.canonical());
    look.expect(stored == expected, || format!("document {doc}: the merged document is not what its revisions come to"));
    if history.iter().any(|revision| revision.content().kind == PRESET) {
        look.presets += 1;
        let is_listed = view.get(T::Presets, doc.as_bytes())?.is_some();
        look.expect(is_listed, || format!("document {doc} is a category and is not among the categories"));
    }
    let summary = index::summary(&document);
    let last = row.seqs.last().copied().unwrap_or_default();
    let listed: Option<Summary> = view.row(T::ByReceived, &last.to_be_bytes())?;
    look.expect(listed.as_ref() == Some(&summary), || format!("document {doc}: the index by arrival is wrong"));
    let is_listed = view.get(T::ByObserved, &index::observed_key(summary.observed_at, last))?.is_some();
    look.expect(is_listed, || format!("document {doc}: the index by time of observation lacks it"));
    look.totals.observations += u64::from(summary.kind == "observation" && !summary.deleted);
    look.totals.conflicts += u64::from(document.state == State::Conflict);
    let media: BTreeSet<MediaHash> =
        history.iter().flat_map(|revision| &revision.content().attach).map(|attachment| attachment.hash).collect();
    Ok(media.len() as u64)
}

/// Who attached what, and what of it is not here.
pub(super) fn attachments(look: &mut Look<'_>) -> Result<(), StoreError> {
    let (view, mut wanted) = (look.view, 0_u64);
    view.scan(T::Attached, ALL, false, &mut |key, payload| {
        let (hash, author) = key.split_at(key.len().min(32));
        let (Ok(hash), Ok(author), Some(row)) =
            (MediaHash::try_from(hash), DeviceId::try_from(author), Attached::decode(payload))
        else {
            look.fault("a row of the attachments is of an unknown form");
            return Ok(ControlFlow::Continue(()));
        };
        let doc: DocRow = view.row(T::Docs, row.doc.as_bytes())?.unwrap_or_default();
        let is_said = query::history(view, &doc)?.iter().any(|revision| {
            let same = |said: &maloca_protocol::revision::Attachment| {
                said.hash == hash && said.size == row.size && said.name == row.name && said.media_type == row.media_type
            };
            revision.content().author == author && revision.content().attach.iter().any(same)
        });
        look.expect(is_said, || format!("the index of attachments says of media {hash} what no revision says"));
        let is_wanted = keep::is_wanted(view, &hash)?;
        let listed: Option<Attached> = view.row(T::Wanted, &[author.0, hash.0].concat())?;
        let counts = look.authors.entry(author).or_default();
        counts.attached += 1;
        if is_wanted {
            wanted += 1;
            counts.wanted += 1;
            counts.wanted_bytes = counts.wanted_bytes.saturating_add(row.size);
        }
        let fits = if is_wanted { listed == Some(row) } else { listed.is_none() };
        look.expect(fits, || format!("the list of media that are wanted is wrong about {hash}"));
        Ok(ControlFlow::Continue(()))
    })?;
    let rows = look.count(T::Wanted)?;
    look.expect(rows == wanted, || format!("table {} has {rows} rows instead of {wanted}", T::Wanted.name()));
    Ok(())
}

/// Who is in, against what hubs have signed.
pub(super) fn members(look: &mut Look<'_>) -> Result<(), StoreError> {
    let view = look.view;
    let rules = look.rules.clone();
    view.scan(T::Members, ALL, false, &mut |key, payload| {
        let (Ok(device), Some(standing)) = (DeviceId::try_from(key), Standing::decode(payload)) else {
            look.fault("a row of the members is of an unknown form");
            return Ok(ControlFlow::Continue(()));
        };
        let as_member = trust::judged(view, &rules, &trust::member_doc(&device), Standing::Member)?;
        let as_hub = trust::judged(view, &rules, &trust::hub_doc(&device), Standing::Hub)?;
        let is_said = [as_member, as_hub].contains(&Some(standing));
        look.expect(is_said, || format!("device {device} stands as no hub has signed"));
        Ok(ControlFlow::Continue(()))
    })?;
    view.scan(T::Docs, ALL, false, &mut |key, _| {
        let Some(found) = doc_id(key).map(|doc| query::document(view, &doc)).transpose()?.flatten() else {
            return Ok(ControlFlow::Continue(()));
        };
        let document = &found.document;
        if !matches!(document.kind.as_str(), trust::MEMBER | trust::REVOKE | trust::HUB) {
            return Ok(ControlFlow::Continue(()));
        }
        let device = document.set.get("device").and_then(Value::as_str).and_then(|text| text.parse::<DeviceId>().ok());
        let Some(device) = device.filter(|device| *device != rules.hub) else { return Ok(ControlFlow::Continue(())) };
        let role = if document.doc == trust::hub_doc(&device) { Standing::Hub } else { Standing::Member };
        let is_about = document.doc == trust::hub_doc(&device) || document.doc == trust::member_doc(&device);
        if is_about && trust::judged(view, &rules, &document.doc, role)?.is_some() {
            let is_listed = view.get(T::Members, &device.0)?.is_some();
            look.expect(is_listed, || format!("device {device} has joined and is not among the members"));
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Counts and fingerprints, per author and in all.
pub(super) fn counts(look: &mut Look<'_>) -> Result<(), StoreError> {
    let view = look.view;
    let mut derived = std::mem::take(&mut look.authors);
    view.scan(T::Authors, ALL, false, &mut |key, payload| {
        let author = DeviceId::try_from(key).ok();
        let expected = author.and_then(|author| derived.remove(&author));
        let fits = expected.is_some() && expected == AuthorRow::decode(payload);
        look.expect(fits, || {
            let name = author.map_or_else(|| "?".to_owned(), |author| author.to_string());
            format!("author {name}: counts or fingerprint are not what the feed says")
        });
        Ok(ControlFlow::Continue(()))
    })?;
    for author in derived.into_keys() {
        look.fault(format!("author {author} has no counts"));
    }
    view.scan(T::Media, ALL, false, &mut |_, payload| {
        if let Some(row) = MediaRow::decode(payload).filter(MediaRow::is_held) {
            look.totals.media_held += 1;
            look.totals.media_bytes += row.size;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let (stored, ours) = (store::totals(view)?, look.totals);
    look.expect(stored == ours, || format!("the totals are not what the feed says: stored {stored:?}, derived {ours:?}"));
    Ok(())
}

/// What drives carry, against the ledger. An earlier program did not write it down; it is derived when the hub is next started.
pub(super) fn drives(look: &mut Look<'_>) -> Result<(), StoreError> {
    if look.count(T::Carried)? == 0 && look.count(T::Ledger)? > 0 {
        look.note("what the drives carry will be derived from the ledger when the hub is next started");
        return Ok(());
    }
    let is_derived = ledger::is_whole(look.view)?;
    look.expect(is_derived, || "what the drives carry is not what the ledger says".to_owned());
    Ok(())
}

/// The order for other hubs: that each revision is in it was looked at with the revision; here, that nothing else is, and the sums.
pub(super) fn order(look: &mut Look<'_>) -> Result<(), StoreError> {
    if !look.is_ordered {
        look.note("the order for other hubs is not whole; it is made again when the hub starts next");
        return Ok(());
    }
    let (view, key, mut buckets, mut all) = (look.view, look.rules.fingerprints.clone(), 0_u64, Fingerprint::default());
    view.scan(T::OrderedSums, ALL, false, &mut |least, payload| {
        let bucket: Bucket = view.row(T::Ordered, least)?.unwrap_or_default();
        let sum = bucket.sum(&key);
        let ascending = bucket.0.windows(2).all(|pair| pair[0] < pair[1]);
        let begins = bucket.0.first().is_some_and(|first| first.key().0[..] >= *least);
        let fits = ascending && begins && Sum::decode(payload) == Some(Sum(sum));
        look.expect(fits, || "a part of the order for other hubs does not come to its sum".to_owned());
        all.join(&sum);
        buckets += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    let rows = look.count(T::Ordered)?;
    look.expect(rows == buckets, || format!("table {} has {rows} rows instead of {buckets}", T::Ordered.name()));
    let kept = look.totals.fingerprint;
    look.expect(all == kept, || {
        format!("the order for other hubs has {} revisions, kept are {}, or others", all.count, kept.count)
    });
    Ok(())
}

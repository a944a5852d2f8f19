//! What lies outside a set of places in the feed: what a drive, or all drives, lack of what is here.
//!
//! A [`super::Filter`] asks it for each document, the overview and [`crate::export`] for counts and for what a copy of "what is new" takes
//! along. It promises that a document is outside as long as any revision or held file of it is.

use std::collections::HashSet;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use maloca_protocol::{DocId, MediaHash};
use serde::Serialize;

use crate::store::rows::{Entry, MediaRow, Row as _, Subject, Summary, doc_id};
use crate::store::view::{Flow, ViewExt as _};
use crate::store::{self, Damage, Spans, StoreError, T, View};

/// Documents that lie outside a set, be it their last revision or a file of theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    spans: Arc<Spans>,
    /// Documents whose revisions are in the set, and a held file of theirs is not.
    by_media: Arc<HashSet<DocId>>,
}

impl Outside {
    /// What is outside of `spans`. Memory: 16 bytes for each document of which only a file is. Costs as much as lies outside.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn of(view: &impl View, spans: Spans) -> Result<Self, StoreError> {
        let mut by_media = HashSet::new();
        // With nothing in the set every document is outside by its revisions.
        if !spans.is_empty() {
            let head = store::totals(view)?.head;
            held_in(view, &spans.gaps(head), &mut |hash, _, _| {
                view.scan_prefix(T::Refs, &hash.0, &mut |doc, _| {
                    by_media.extend(doc_id(doc));
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(Self { spans: Arc::new(spans), by_media: Arc::new(by_media) })
    }

    /// Whether a document, whose last revision is at `seq`, is outside.
    #[must_use]
    pub fn has(&self, doc: &DocId, seq: u64) -> bool {
        !self.spans.contains(seq) || self.by_media.contains(doc)
    }
}

/// Walks the media that are held and came at a place of `spans`: their hashes, places and sizes.
pub(crate) fn held_in(
    view: &impl View,
    spans: &Spans,
    found: &mut dyn FnMut(MediaHash, u64, u64) -> Flow,
) -> Result<(), StoreError> {
    spans.each(&mut |first, last| {
        let (first, last) = (first.to_be_bytes(), last.to_be_bytes());
        let mut is_enough = false;
        view.scan(T::Log, (Bound::Included(&first), Bound::Included(&last)), false, &mut |key, payload| {
            if !Entry::is_held(payload) {
                return Ok(ControlFlow::Continue(()));
            }
            let damaged = || Damage::Form { table: T::Log.name(), key: format!("{key:?}") };
            let seq = u64::from_be_bytes(key.try_into().map_err(|_| damaged())?);
            let Subject::Held { hash, size } = Entry::decode(payload).ok_or_else(damaged)?.subject else {
                return Ok(ControlFlow::Continue(()));
            };
            // What was spoilt or freed meanwhile, or came once more after that, is not here by this entry.
            let row: Option<MediaRow> = view.row(T::Media, &hash.0)?;
            if !row.is_some_and(|row| row.is_held() && row.seq == seq) {
                return Ok(ControlFlow::Continue(()));
            }
            let flow = found(hash, seq, size)?;
            is_enough = flow.is_break();
            Ok(flow)
        })?;
        Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
}

/// What a set of places lacks of what is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Lacking {
    /// Observations that are not deleted and changed since.
    pub observations: u64,
    /// Media that came since.
    pub media: u64,
}

/// What of all that is here `spans` lacks. Costs as much as is lacking, and nothing where that is everything.
///
/// # Errors
/// Where the store fails.
pub fn lacking(view: &impl View, spans: &Spans) -> Result<Lacking, StoreError> {
    let totals = store::totals(view)?;
    if spans.is_empty() {
        return Ok(Lacking { observations: totals.observations, media: totals.media_held });
    }
    let gaps = spans.gaps(totals.head);
    let mut lacking = Lacking::default();
    changed_in(view, &gaps, &mut |_, summary| {
        lacking.observations += u64::from(summary.kind == "observation" && !summary.deleted);
        Ok(ControlFlow::Continue(()))
    })?;
    held_in(view, &gaps, &mut |_, _, _| {
        lacking.media += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(lacking)
}

/// Walks the documents whose last revision came at a place of `spans`.
pub(crate) fn changed_in(view: &impl View, spans: &Spans, found: &mut dyn FnMut(u64, Summary) -> Flow) -> Result<(), StoreError> {
    spans.each(&mut |first, last| {
        let (first, last) = (first.to_be_bytes(), last.to_be_bytes());
        view.scan(T::ByReceived, (Bound::Included(&first), Bound::Included(&last)), false, &mut |key, payload| {
            let damaged = || Damage::Form { table: T::ByReceived.name(), key: format!("{key:?}") };
            let seq = u64::from_be_bytes(key.try_into().map_err(|_| damaged())?);
            found(seq, Summary::decode(payload).ok_or_else(damaged)?)
        })?;
        Ok(ControlFlow::Continue(()))
    })
}

//! What of the hub goes into a bundle: everything, what its drive lacks, or what a filter lets through.
//!
//! [`super::export`] makes a [`Scope`] of what was wished and of what [`super::standing`] found on the drive; [`super::run`] asks it for
//! revisions, media and documents. It promises that each bundle is complete in itself: whatever document is in it is there with all its
//! revisions that were admitted and all its media that are here.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use maloca_protocol::MediaHash;

use super::bundle::Kind;
use super::formats::revisions::Order;
use super::part::Part;
use super::places::Places;
use crate::query::presets::PRESET;
use crate::query::{self, Filter, Outside, outside};
use crate::store::rows::{DocRow, MediaRow};
use crate::store::view::ViewExt as _;
use crate::store::{self, Snapshot, Spans, StoreError, T};
use crate::trust::members::{HUB, MEMBER, REVOKE};

/// What a person wants copied.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::large_enum_variant, reason = "one of it lives at a time, for as long as a copy is made")]
pub enum What {
    /// Everything.
    #[default]
    Everything,
    /// What is new since the copies that lie on the drive; everything where none does.
    New,
    /// Only this.
    Part(Part),
}

/// What a bundle is made of.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one of it lives at a time, for as long as a copy is made")]
pub enum Scope {
    /// Everything.
    Everything,
    /// What is not in these entries of the feed, which the drive has.
    New(Spans),
    /// What a filter lets through.
    Part(Part),
}

/// Kinds of documents that every bundle of what is new takes along, whenever they came: without them its records would be those of
/// strangers to whoever has nothing else.
const ALWAYS: [&str; 4] = [MEMBER, REVOKE, HUB, PRESET];

impl Scope {
    /// The sort of bundle.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Everything => Kind::Full,
            Self::New(_) => Kind::New,
            Self::Part(_) => Kind::Part,
        }
    }

    /// The part, where it is one.
    #[must_use]
    pub const fn part(&self) -> Option<&Part> {
        if let Self::Part(part) = self { Some(part) } else { None }
    }

    /// Which observations stand in the files that people open.
    pub(super) fn filter(&self, view: &Snapshot) -> Result<Filter, StoreError> {
        Ok(match self {
            Self::Everything => Filter::default(),
            Self::New(there) => Filter { exported: Some((false, Outside::of(view, there.clone())?)), ..Filter::default() },
            Self::Part(part) => part.filter.clone(),
        })
    }
}

/// What goes into a bundle. Memory: 8 bytes a revision and 32 a media file of those chosen, besides what [`Order`] and [`Places`] take.
pub(super) struct Chosen {
    pub(super) order: Order,
    pub(super) places: Places,
    /// The entries of the feed that the bundle holds if every media file can be read.
    holds: Spans,
    /// Whether there is anything that its drive lacks.
    pub(super) is_news: bool,
}

impl Chosen {
    pub(super) fn of(view: &Snapshot, scope: &Scope, filter: &Filter) -> Result<Self, StoreError> {
        match scope {
            Scope::Everything => Ok(Self {
                order: Order::of(view)?,
                places: Places::of(view, None)?,
                holds: Spans::through(store::totals(view)?.head),
                is_news: true,
            }),
            Scope::New(there) => Self::new_for(view, there, filter),
            Scope::Part(_) => {
                let mut picked = Picked::default();
                query::each(view, filter, &mut |found| {
                    picked.revisions.extend(&found.row.seqs);
                    picked.media.extend(found.document.attachments.iter().map(|kept| kept.attachment.hash));
                    Ok(ControlFlow::Continue(()))
                })?;
                let holds = picked.entries(view)?;
                let (order, places) = (Order::of_these(view, &picked.revisions, false)?, Places::of(view, Some(&picked.media))?);
                Ok(Self { order, places, holds, is_news: true })
            }
        }
    }

    fn new_for(view: &Snapshot, there: &Spans, filter: &Filter) -> Result<Self, StoreError> {
        let totals = store::totals(view)?;
        let gaps = there.gaps(totals.head);
        let mut picked = Picked::default();
        let outside = filter.exported.as_ref().map(|(_, outside)| outside);
        let mut is_news = totals.quarantined > 0;
        outside::changed_in(view, &Spans::through(totals.head), &mut |seq, summary| {
            let is_outside = outside.is_none_or(|outside| outside.has(&summary.doc, seq));
            is_news |= is_outside;
            if is_outside || ALWAYS.contains(&summary.kind.as_str()) {
                let row: DocRow = view.row(T::Docs, summary.doc.as_bytes())?.unwrap_or_default();
                picked.revisions.extend(&row.seqs);
            }
            if is_outside && let Some(found) = query::document(view, &summary.doc)? {
                picked.media.extend(found.document.attachments.iter().map(|kept| kept.attachment.hash));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        // And what no document attaches yet, or none any more.
        outside::held_in(view, &gaps, &mut |hash, _, _| {
            is_news = true;
            picked.media.insert(hash);
            Ok(ControlFlow::Continue(()))
        })?;
        let holds = gaps.union(&picked.entries(view)?);
        let (order, places) = (Order::of_these(view, &picked.revisions, true)?, Places::of(view, Some(&picked.media))?);
        Ok(Self { order, places, holds, is_news })
    }

    /// The entries of the feed that the bundle holds, without the media that could not be read.
    pub(super) fn holds<'a>(&self, view: &Snapshot, damaged: impl Iterator<Item = &'a MediaHash>) -> Result<Spans, StoreError> {
        let mut lacks = Vec::new();
        for hash in damaged {
            lacks.extend(view.row::<MediaRow>(T::Media, &hash.0)?.map(|row| row.seq));
        }
        Ok(self.holds.without(&Spans::of(lacks)))
    }
}

/// Revisions by their places in the feed, and media.
#[derive(Default)]
struct Picked {
    revisions: Vec<u64>,
    media: BTreeSet<MediaHash>,
}

impl Picked {
    /// The entries of the feed that these are.
    fn entries(&self, view: &Snapshot) -> Result<Spans, StoreError> {
        let mut seqs = self.revisions.clone();
        for hash in &self.media {
            let row = view.row::<MediaRow>(T::Media, &hash.0)?.filter(MediaRow::is_held);
            seqs.extend(row.map(|row| row.seq));
        }
        Ok(Spans::of(seqs))
    }
}

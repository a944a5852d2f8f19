//! One filter, one order and one count for all who look: API, list, export, and later map and analysis.
//!
//! `api/observations`, `export` and the command line ask here. It promises that a page and a count under the same filter
//! agree, that a page costs no more than what it passes over, and that documents are read one at a time.

pub mod area; // a territory
pub mod filter; // what is asked for
pub mod index; // what filters look at, and the two orders
mod list; // pages and counts
pub mod outside; // what a drive lacks
pub mod wanted; // media that are not here, the oldest observation first
pub mod presets; // the categories that people choose from
pub mod counts; // counts by week and category, and bare places

use std::ops::ControlFlow;

use maloca_protocol::document::{self, Document};
use maloca_protocol::reconcile::Key;
use maloca_protocol::{DocId, RevisionId, ValidRevision};

use crate::feed;
use crate::store::rows::{DocRow, Entry, Place, Subject};
use crate::store::view::ViewExt as _;
use crate::store::{Damage, StoreError, T, View};

pub use area::Area;
pub use filter::{Filter, Has, Order, Sort};
pub(crate) use list::gather;
pub use list::{Page, PageError, Stretch, categories, count, each, known_count, page};
pub use outside::Outside;

/// The revisions of a document, in the order of their arrival.
pub(crate) fn history(view: &impl View, row: &DocRow) -> Result<Vec<ValidRevision>, StoreError> {
    row.seqs.iter().map(|seq| revision(*seq, feed::entry(view, *seq)?)).collect()
}

/// The revision that an entry holds; its hash is checked against its id.
pub(crate) fn revision(seq: u64, entry: Entry) -> Result<ValidRevision, StoreError> {
    let damage = || StoreError::from(Damage::Check { table: T::Log.name(), key: seq.to_string() });
    match entry.subject {
        Subject::Revision { id, sig, canonical } => ValidRevision::from_stored(id, &canonical, sig).map_err(|_| damage()),
        _ => Err(damage()),
    }
}

/// A kept revision, in the feed or in quarantine.
pub(crate) fn kept(view: &impl View, key: &Key, id: &RevisionId) -> Result<Option<ValidRevision>, StoreError> {
    match view.row::<Place>(T::Ids, &id.0)? {
        None => return Ok(None),
        Some(Place::Log(seq)) => return revision(seq, feed::entry(view, seq)?).map(Some),
        Some(Place::Quarantine) => {}
    }
    let author = &key.0[..8];
    let mut found = None;
    // The key names the beginning of the author; that another one begins so would be a wonder, and no harm.
    view.scan_prefix(T::Authors, author, &mut |rest, _| {
        let aside: Option<Entry> = view.row(T::Quarantine, &[author, rest, &id.0].concat())?;
        if let Some(Subject::Revision { sig, canonical, .. }) = aside.map(|entry| entry.subject) {
            let damage = |_| Damage::Check { table: T::Quarantine.name(), key: id.to_string() };
            found = Some(ValidRevision::from_stored(*id, &canonical, sig).map_err(damage)?);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// A merged document and how it came here.
#[derive(Debug, Clone)]
pub struct Found {
    /// The document.
    pub document: Document,
    /// The row that names its revisions.
    pub row: DocRow,
}

/// A document as this hub has it.
pub(crate) fn document(view: &impl View, doc: &DocId) -> Result<Option<Found>, StoreError> {
    let Some(row) = view.row::<DocRow>(T::Docs, doc.as_bytes())? else { return Ok(None) };
    let damage = || StoreError::from(Damage::Form { table: T::Docs.name(), key: doc.to_string() });
    let document = match row.seqs.as_slice() {
        [only] => document::merge(*doc, &[revision(*only, feed::entry(view, *only)?)?]).ok_or_else(damage)?,
        _ => view.json(T::Merged, doc.as_bytes())?.ok_or_else(damage)?,
    };
    Ok(Some(Found { document, row }))
}

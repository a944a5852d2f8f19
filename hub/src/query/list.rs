//! Pages and counts: walks one of the two orders, newest first, and opens only what the summary lets through.

use std::ops::{Bound, ControlFlow};

use serde_json::Value;

use super::filter::{Filter, Sort};
use super::{Found, document};
use crate::store::rows::{DocRow, Row as _, Summary};
use crate::store::view::{Flow, ViewExt as _};
use crate::store::{self, Damage, StoreError, T, View};

/// A page of documents.
#[derive(Debug, Default)]
pub struct Page {
    /// The documents, newest first.
    pub found: Vec<Found>,
    /// Where the next page begins, opaque; `None` at the end.
    pub next: Option<String>,
}

/// Why a page cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The point to go on from was not given by this hub for this order.
    #[error("the list has changed; begin again at the first page")]
    BadAfter,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page after the point `after`, at most `limit` documents.
///
/// # Errors
/// See [`PageError`].
pub fn page(view: &impl View, filter: &Filter, sort: Sort, after: Option<&str>, limit: usize) -> Result<Page, PageError> {
    let width = if sort == Sort::Received { 8 } else { 16 };
    let after = match after {
        None => None,
        Some(text) => {
            let key = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| PageError::BadAfter)?;
            Some(key).filter(|key| key.len() == width).map(Some).ok_or(PageError::BadAfter)?
        }
    };
    let mut page = Page::default();
    let mut last: Option<Vec<u8>> = None;
    walk(view, sort, after.as_deref(), &mut |key, summary| {
        let Some(found) = admitted(view, filter, summary)? else { return Ok(ControlFlow::Continue(())) };
        if page.found.len() == limit {
            // One more is there: the page ends after the one before it.
            page.next = last.take().map(|key| data_encoding::BASE64URL_NOPAD.encode(&key));
            return Ok(ControlFlow::Break(()));
        }
        page.found.push(found);
        last = Some(key.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(page)
}

/// How many documents the filter lets through, where that is known without looking at them.
///
/// # Errors
/// Where the store fails.
pub fn known_count(view: &impl View, filter: &Filter) -> Result<Option<u64>, StoreError> {
    if filter.is_everything() { Ok(Some(store::totals(view)?.observations)) } else { Ok(None) }
}

/// How many documents the filter lets through. Walks the whole index, in as many parts at once as there are cores, up to four.
///
/// # Errors
/// Where the store fails.
pub fn count(view: &(impl View + Sync), filter: &Filter) -> Result<u64, StoreError> {
    if let Some(count) = known_count(view, filter)? {
        return Ok(count);
    }
    let end = store::totals(view)?.head + 1;
    let parts = std::thread::available_parallelism().map_or(1, usize::from).min(4) as u64;
    let bounds: Vec<u64> = (0..=parts).map(|part| end * part / parts).collect();
    std::thread::scope(|scope| {
        let walks: Vec<_> = bounds.windows(2).map(|part| scope.spawn(|| count_between(view, filter, part[0], part[1]))).collect();
        let broken = |_| StoreError::Bug("a count ended early".into());
        walks.into_iter().map(|walk| walk.join().map_err(broken)?).sum()
    })
}

/// How many of the documents whose last revision has a place from `start` to below `end`.
fn count_between(view: &impl View, filter: &Filter, start: u64, end: u64) -> Result<u64, StoreError> {
    let (start, end) = (start.to_be_bytes(), end.to_be_bytes());
    let mut count = 0;
    view.scan(T::ByReceived, (Bound::Included(&start), Bound::Excluded(&end)), false, &mut |key, payload| {
        let summary = read(key, payload)?;
        let counts = if filter.is_cheap() { filter.admits(&summary) } else { admitted(view, filter, &summary)?.is_some() };
        count += u64::from(counts);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

/// Every document that the filter lets through, one at a time, oldest received first: for exports.
///
/// # Errors
/// Where the store or `each` fails.
pub fn each(
    view: &impl View,
    filter: &Filter,
    visit: &mut dyn FnMut(Found) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    view.scan(T::ByReceived, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| match admitted(
        view,
        filter,
        &read(key, payload)?,
    )? {
        Some(found) => visit(found),
        None => Ok(ControlFlow::Continue(())),
    })
}

fn read(key: &[u8], payload: &[u8]) -> Result<Summary, StoreError> {
    Summary::decode(payload)
        .ok_or_else(|| Damage::Form { table: T::ByReceived.name(), key: data_encoding::HEXLOWER.encode(key) }.into())
}

/// Walks an order backwards, from below `after` or from the newest.
fn walk(
    view: &impl View,
    sort: Sort,
    after: Option<&[u8]>,
    each: &mut dyn FnMut(&[u8], &Summary) -> Flow,
) -> Result<(), StoreError> {
    let end = after.map_or(Bound::Unbounded, Bound::Excluded);
    match sort {
        Sort::Received => {
            view.scan(T::ByReceived, (Bound::Unbounded, end), true, &mut |key, payload| each(key, &read(key, payload)?))
        }
        Sort::Observed => view.scan(T::ByObserved, (Bound::Unbounded, end), true, &mut |key, _| {
            let seq = &key[key.len().min(8)..];
            let summary: Summary = view
                .row(T::ByReceived, seq)?
                .ok_or_else(|| Damage::Form { table: T::ByObserved.name(), key: data_encoding::HEXLOWER.encode(key) })?;
            each(key, &summary)
        }),
    }
}

fn admitted(view: &impl View, filter: &Filter, summary: &Summary) -> Result<Option<Found>, StoreError> {
    if !filter.admits(summary) {
        return Ok(None);
    }
    if let Some(device) = filter.touched_by {
        let row: DocRow = view.row(T::Docs, summary.doc.as_bytes())?.unwrap_or_default();
        if !row.authors.contains(&device) {
            return Ok(None);
        }
    }
    let found = document(view, &summary.doc)?;
    Ok(found.filter(|found| filter.q.as_ref().is_none_or(|q| mentions(&found.document.set, &q.to_lowercase()))))
}

/// Whether a text among the values contains `needle`, which is in lower case.
fn mentions(set: &serde_json::Map<String, Value>, needle: &str) -> bool {
    fn within(value: &Value, needle: &str) -> bool {
        match value {
            Value::String(text) => text.to_lowercase().contains(needle),
            Value::Array(items) => items.iter().any(|item| within(item, needle)),
            Value::Object(members) => members.values().any(|member| within(member, needle)),
            Value::Number(number) => number.to_string() == needle,
            Value::Bool(_) | Value::Null => false,
        }
    }
    set.values().any(|value| within(value, needle))
}

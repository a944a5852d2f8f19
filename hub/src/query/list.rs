//! Pages and counts: walks one of the two orders, from either end, and opens only what the summary lets through.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use serde_json::Value;

use super::filter::{Filter, Order, Sort};
use super::{Found, document};
use crate::store::rows::{DocRow, Row as _, Summary};
use crate::store::view::{Flow, ViewExt as _};
use crate::store::{self, Damage, StoreError, T, View};

/// Categories that are told apart in one count.
const MOST_CATEGORIES: usize = 10_000;

/// Which page of a list.
#[derive(Debug, Clone, Default)]
pub struct Stretch {
    /// What the list goes by.
    pub sort: Sort,
    /// From which end.
    pub order: Order,
    /// The point after which it begins, as a page before it gave it in [`Page::next`].
    pub after: Option<String>,
    /// How many documents are passed over before it begins: for somebody who jumps to the middle of a list. They are looked at
    /// one by one, so a point to go on from is better where there is one.
    pub skip: u64,
    /// How many documents it has at most.
    pub limit: usize,
}

/// A page of documents.
#[derive(Debug, Default)]
pub struct Page {
    /// The documents, in the order that was asked for.
    pub found: Vec<Found>,
    /// Where the next page begins, opaque; `None` at the end.
    pub next: Option<String>,
    /// Where the page before it begins, for who reads in the other order: the point of its first document.
    pub previous: Option<String>,
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

/// A page of the documents that the filter lets through.
///
/// # Errors
/// See [`PageError`].
pub fn page(view: &impl View, filter: &Filter, stretch: &Stretch) -> Result<Page, PageError> {
    let width = if stretch.sort == Sort::Received { 8 } else { 16 };
    let after = match &stretch.after {
        None => None,
        Some(text) => {
            let key = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| PageError::BadAfter)?;
            Some(key).filter(|key| key.len() == width).map(Some).ok_or(PageError::BadAfter)?
        }
    };
    let mut page = Page::default();
    let mut last: Option<Vec<u8>> = None;
    let mut left = stretch.skip;
    walk(view, stretch.sort, stretch.order, after.as_deref(), &mut |key, seq, summary| {
        if left > 0 {
            left -= u64::from(counts(view, filter, seq, summary)?);
            return Ok(ControlFlow::Continue(()));
        }
        let Some(found) = admitted(view, filter, seq, summary)? else { return Ok(ControlFlow::Continue(())) };
        if page.found.len() == stretch.limit {
            // One more is there: the page ends after the one before it.
            page.next = last.take().as_deref().map(point);
            return Ok(ControlFlow::Break(()));
        }
        page.found.push(found);
        page.previous.get_or_insert_with(|| point(key));
        last = Some(key.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(page)
}

fn point(key: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(key)
}

/// How many documents the filter lets through, where that is known without looking at them.
///
/// # Errors
/// Where the store fails.
pub fn known_count(view: &impl View, filter: &Filter) -> Result<Option<u64>, StoreError> {
    if filter.is_everything() { Ok(Some(store::totals(view)?.observations)) } else { Ok(None) }
}

/// How many documents the filter lets through. Looks at all of them.
///
/// # Errors
/// Where the store fails.
pub fn count(view: &(impl View + Sync), filter: &Filter) -> Result<u64, StoreError> {
    if let Some(count) = known_count(view, filter)? {
        return Ok(count);
    }
    let counts = gather(view, filter, || 0, |count: &mut u64, _, _| *count += 1)?;
    Ok(counts.into_iter().sum())
}

/// How many documents of each category the filter lets through, the most frequent first; at most `limit` categories.
///
/// # Errors
/// Where the store fails.
pub fn categories(view: &(impl View + Sync), filter: &Filter, limit: usize) -> Result<Vec<(String, u64)>, StoreError> {
    let parts = gather(view, filter, BTreeMap::new, |counts: &mut BTreeMap<String, u64>, _, summary| {
        // Strangers may write a category for each observation; what is rare is not worth a place on a page.
        if let Some(count) = counts.get_mut(&summary.category) {
            *count += 1;
        } else if counts.len() < MOST_CATEGORIES {
            counts.insert(summary.category.clone(), 1);
        }
    })?;
    let mut all = BTreeMap::new();
    for (category, count) in parts.into_iter().flatten() {
        *all.entry(category).or_default() += count;
    }
    let mut all: Vec<(String, u64)> = all.into_iter().collect();
    all.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    all.truncate(limit);
    Ok(all)
}

/// Shows `each` all documents that the filter lets through, by their summaries and the places of their last revisions. Walks the whole
/// index in as many parts at once as there are cores, up to four; each part gathers by itself, and the parts are given in order.
///
/// # Errors
/// Where the store fails.
pub(crate) fn gather<A: Send>(
    view: &(impl View + Sync),
    filter: &Filter,
    new: impl Fn() -> A + Sync,
    each: impl Fn(&mut A, u64, &Summary) + Sync,
) -> Result<Vec<A>, StoreError> {
    let end = store::totals(view)?.head + 1;
    let parts = std::thread::available_parallelism().map_or(1, usize::from).min(4) as u64;
    let bounds: Vec<u64> = (0..=parts).map(|part| end * part / parts).collect();
    let one = |start: u64, end: u64| {
        let mut gathered = new();
        let (start, end) = (start.to_be_bytes(), end.to_be_bytes());
        view.scan(T::ByReceived, (Bound::Included(&start), Bound::Excluded(&end)), false, &mut |key, payload| {
            let (seq, summary) = (place(key)?, read(key, payload)?);
            if counts(view, filter, seq, &summary)? {
                each(&mut gathered, seq, &summary);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(gathered)
    };
    std::thread::scope(|scope| {
        let one = &one;
        let walks: Vec<_> = bounds.windows(2).map(|part| (part[0], part[1])).collect();
        let walks: Vec<_> = walks.into_iter().map(|(start, end)| scope.spawn(move || one(start, end))).collect();
        let broken = |_| StoreError::Bug("a walk ended early".into());
        walks.into_iter().map(|walk| walk.join().map_err(broken)?).collect()
    })
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
        place(key)?,
        &read(key, payload)?,
    )? {
        Some(found) => visit(found),
        None => Ok(ControlFlow::Continue(())),
    })
}

/// The place in the feed that a key of [`T::ByReceived`] is.
fn place(key: &[u8]) -> Result<u64, StoreError> {
    let seq: Result<[u8; 8], _> = key.try_into();
    let damage = |_| Damage::Form { table: T::ByReceived.name(), key: data_encoding::HEXLOWER.encode(key) };
    Ok(u64::from_be_bytes(seq.map_err(damage)?))
}

fn read(key: &[u8], payload: &[u8]) -> Result<Summary, StoreError> {
    Summary::decode(payload)
        .ok_or_else(|| Damage::Form { table: T::ByReceived.name(), key: data_encoding::HEXLOWER.encode(key) }.into())
}

/// Walks an order from one of its ends, or on from `after`.
pub(super) fn walk(
    view: &impl View,
    sort: Sort,
    order: Order,
    after: Option<&[u8]>,
    each: &mut dyn FnMut(&[u8], u64, &Summary) -> Flow,
) -> Result<(), StoreError> {
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    let (range, backwards) = match order {
        Order::Newest => ((Bound::Unbounded, after), true),
        Order::Oldest => ((after, Bound::Unbounded), false),
    };
    match sort {
        Sort::Received => {
            view.scan(T::ByReceived, range, backwards, &mut |key, payload| each(key, place(key)?, &read(key, payload)?))
        }
        Sort::Observed => view.scan(T::ByObserved, range, backwards, &mut |key, _| {
            let seq = &key[key.len().min(8)..];
            let summary: Summary = view
                .row(T::ByReceived, seq)?
                .ok_or_else(|| Damage::Form { table: T::ByObserved.name(), key: data_encoding::HEXLOWER.encode(key) })?;
            each(key, place(seq)?, &summary)
        }),
    }
}

/// Whether the filter lets it through; opens the document only where the summary cannot tell.
fn counts(view: &impl View, filter: &Filter, seq: u64, summary: &Summary) -> Result<bool, StoreError> {
    if filter.is_cheap() { Ok(filter.admits(seq, summary)) } else { Ok(admitted(view, filter, seq, summary)?.is_some()) }
}

pub(super) fn admitted(view: &impl View, filter: &Filter, seq: u64, summary: &Summary) -> Result<Option<Found>, StoreError> {
    if !filter.admits(seq, summary) {
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

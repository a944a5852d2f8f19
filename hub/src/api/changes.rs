//! The feed, page by page, waiting for news where the reader wishes.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::cursor::Cursor;
use maloca_protocol::rest::{Change, Changes};
use maloca_protocol::{DeviceId, limits, time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ApiError;
use super::access::Caller;
use super::body::{Asked, Json};
use crate::feed;
use crate::hub::Hub;
use crate::query;
use crate::store::rows::{DocRow, Entry, Standing, Subject};
use crate::store::view::ViewExt as _;
use crate::store::{Snapshot, StoreError, T};
use crate::trust::members;

/// Entries that one page looks at, however few of them its reader may see.
const LOOK_AT: usize = 20_000;

/// What `GET /changes` may be asked.
#[derive(Deserialize)]
pub(super) struct Question {
    /// The cursor of the page before; from the beginning where there is none.
    since: Option<String>,
    /// Entries on the page.
    limit: Option<usize>,
    /// Seconds to wait for news where there is none.
    wait: Option<u64>,
    /// `mine`: only documents to which the device wrote, and what everybody needs.
    scope: Option<Scope>,
    /// Only this kind of document.
    kind: Option<String>,
    /// `others`: without the revisions that the reader itself brought. It has them, so its pull is no less whole.
    brought: Option<Brought>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Scope {
    All,
    Mine,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Brought {
    Anybody,
    Others,
}

/// What a reader gets to see.
struct Sieve {
    /// Only what this device touched, and what everybody needs.
    mine: Option<DeviceId>,
    kind: Option<String>,
    /// Nothing that this device carried here.
    not_by: Option<DeviceId>,
    hub: Hub,
}

/// `GET /changes`
pub(super) async fn page(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(question): Asked<Question>,
) -> Result<Json<Changes>, ApiError> {
    let since = match &question.since {
        None => Cursor { epoch: hub.epoch, seq: 0, chain: [0; 24] },
        Some(text) => Cursor::parse(text).ok_or_else(void)?,
    };
    let limit = question.limit.unwrap_or(limits::PAGE_ENTRIES).clamp(1, limits::PAGE_ENTRIES);
    let wait = Duration::from_secs(question.wait.unwrap_or(0)).min(limits::LONGEST_WAIT);
    let deadline = tokio::time::Instant::now() + wait;
    // Listening begins before reading, or news in between would be slept over.
    let mut news = hub.store.committed();
    loop {
        let mine = match caller {
            Caller::Manager => None,
            Caller::Device { id, .. } => (!hub.settings().devices_read_all || question.scope == Some(Scope::Mine)).then_some(id),
        };
        let not_by = match caller {
            Caller::Device { id, .. } if question.brought == Some(Brought::Others) => Some(id),
            _ => None,
        };
        let sieve = Sieve { mine, kind: question.kind.clone(), not_by, hub: hub.clone() };
        let read = hub.store.read(move |view| read(view, &sieve, since, limit)).await?;
        let page = read.ok_or_else(void)?;
        if !page.entries.is_empty() || page.more || wait.is_zero() {
            return Ok(Json(page));
        }
        tokio::select! {
            _ = news.recv() => {}
            () = tokio::time::sleep_until(deadline) => return Ok(Json(page)),
            () = hub.shutdown.cancelled() => return Ok(Json(page)),
        }
    }
}

fn void() -> ApiError {
    let detail = "This place in the feed is not one of this hub's life: it was restored or replaced. Begin without a cursor, and \
                  offer everything again.";
    ApiError::new(StatusCode::CONFLICT, "cursor_void", detail)
}

/// `None` where the cursor is not this feed's.
fn read(view: &Snapshot, sieve: &Sieve, since: Cursor, limit: usize) -> Result<Option<Changes>, StoreError> {
    let epoch = sieve.hub.epoch;
    if !feed::is_ours(view, epoch, &since)? {
        return Ok(None);
    }
    let mut page =
        Changes { entries: Vec::new(), cursor: since, more: false, filtered: sieve.mine.is_some() || sieve.kind.is_some() };
    let (mut looked, mut bytes) = (0, 0);
    feed::after(view, since.seq, &mut |seq, entry| {
        if looked == LOOK_AT || page.entries.len() == limit || bytes >= limits::BATCH_BYTES {
            page.more = true;
            return Ok(ControlFlow::Break(()));
        }
        looked += 1;
        page.cursor = feed::cursor(epoch, seq, &entry.chain);
        if let Some(change) = sieve.pass(view, seq, entry)? {
            bytes += match &change {
                Change::Revision { rev, .. } => rev.get().len() + 300,
                _ => 200,
            };
            page.entries.push(change);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Some(page))
}

impl Sieve {
    fn pass(&self, view: &Snapshot, seq: u64, entry: Entry) -> Result<Option<Change>, StoreError> {
        let received_at = time::format_millis(entry.arrival.at);
        match entry.subject {
            Subject::Held { hash, size } => Ok(Some(Change::Held { seq, received_at, hash, size })),
            Subject::Released { hash } => Ok(Some(Change::Released { seq, received_at, hash })),
            Subject::Revision { .. } if self.not_by == Some(entry.arrival.carrier) => Ok(None),
            Subject::Revision { .. } => {
                let revision = query::revision(seq, entry)?;
                let content = revision.content();
                if self.kind.as_ref().is_some_and(|kind| *kind != content.kind) {
                    return Ok(None);
                }
                if let Some(device) = self.mine
                    && !self.concerns(view, &device, &revision)?
                {
                    return Ok(None);
                }
                let text = std::str::from_utf8(revision.canonical()).map_err(|error| StoreError::Bug(error.to_string()))?;
                let rev = RawValue::from_string(text.to_owned()).map_err(|error| StoreError::Bug(error.to_string()))?;
                Ok(Some(Change::Revision { seq, received_at, id: revision.id(), rev, sig: *revision.sig() }))
            }
        }
    }

    /// A device reads its own documents, and what the hubs say to all: categories, members, hubs.
    fn concerns(
        &self,
        view: &Snapshot,
        device: &DeviceId,
        revision: &maloca_protocol::ValidRevision,
    ) -> Result<bool, StoreError> {
        let content = revision.content();
        let of_hubs = matches!(content.kind.as_str(), "preset" | members::MEMBER | members::REVOKE | members::HUB);
        if of_hubs && members::standing(view, &self.hub.rules, &content.author)? == Some(Standing::Hub) {
            return Ok(true);
        }
        let row: DocRow = view.row(T::Docs, content.doc.as_bytes())?.unwrap_or_default();
        Ok(row.authors.contains(device))
    }
}

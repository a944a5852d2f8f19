//! Pull: what others wrote, from a hub's feed into the device's store.
//!
//! [`super::Device::sync`] calls this after the push, so that what is unsent has gone first. It promises: every revision is checked as a
//! stranger's is before it is stored; revisions of a page and the cursor behind it are one commit; an edit that waits is never
//! overwritten (the outbox's rules see to it); a cursor that the hub does not know leads back to the beginning.

use reqwest::Method;

use super::http::{CallError, HubClient};
use super::outbox::Outbox;
use super::store::Store;
use super::sync::{SyncError, SyncReport, Watch};
use crate::cursor::Cursor;
use crate::ids::DeviceId;
use crate::problem::Refusal;
use crate::rest::{Change, Changes};
use crate::revision::{self, ValidRevision};

/// How a pull ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Up to the end of the feed.
    Whole,
    /// The hub is not in the life that the cursor belongs to: everything must be offered again.
    Void,
}

/// Reads the feed from where it was read last. `wait` is how many seconds the hub may wait for news where there is none; `echo`
/// asks for what this device itself brought as well, which it lacks only if it was restored.
pub(super) async fn pull(
    store: &Store,
    client: &HubClient,
    hub: DeviceId,
    wait: u64,
    echo: bool,
    report: &mut SyncReport,
    watch: &Watch,
) -> Result<Pulled, SyncError> {
    let known = store.run(move |tx, _| tx.hub(&hub)).await?.ok_or(SyncError::NotJoined)?;
    let mut cursor = known.cursor;
    loop {
        let page: Changes = match client.json::<(), _>(Method::GET, &question(cursor.as_ref(), wait, echo), None).await {
            Ok(page) => page,
            Err(CallError::Refused(problem)) if problem.code == "cursor_void" => return Ok(Pulled::Void),
            Err(other) => return Err(other.into()),
        };
        let (next, more, filtered) = (page.cursor, page.more, page.filtered);
        let revisions = check(page.entries, report);
        let new = store
            .run(move |tx, key| {
                let mut new = 0;
                for revision in revisions {
                    new += u64::from(Outbox::new(tx, key.id()).pull(&hub, revision)?);
                }
                tx.change_hub(&hub, |hub| {
                    hub.cursor = Some(next);
                    hub.filtered |= filtered;
                })?;
                Ok(new)
            })
            .await?;
        report.pulled += new;
        watch.tell(report);
        // A hub that says "more" and does not move would keep us here for ever.
        if !more || cursor == Some(next) {
            return Ok(Pulled::Whole);
        }
        cursor = Some(next);
    }
}

fn question(cursor: Option<&Cursor>, wait: u64, echo: bool) -> String {
    let mut question = format!("/changes?wait={wait}");
    if let Some(cursor) = cursor {
        question.push_str(&format!("&since={cursor}"));
    }
    if !echo {
        question.push_str("&brought=others");
    }
    question
}

/// The valid revisions of a page. What a hub should never have admitted is passed over and counted.
fn check(entries: Vec<Change>, report: &mut SyncReport) -> Vec<ValidRevision> {
    let mut unverified = Vec::new();
    let mut refused = |refusal: Refusal| {
        tracing::warn!(%refusal, "the hub's feed holds a revision that is not valid; passing over it");
        report.pull_refused += 1;
    };
    for change in entries {
        if let Change::Revision { id, rev, sig, .. } = change {
            match revision::read(&revision::envelope(&id, rev.get().as_bytes(), &sig)) {
                Ok(read) => unverified.push(read),
                Err(refusal) => refused(refusal),
            }
        }
    }
    let verdicts = revision::verify_many(unverified);
    verdicts.into_iter().filter_map(|verdict| verdict.map_err(&mut refused).ok()).collect()
}

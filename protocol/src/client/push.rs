//! Push: what waits for a hub goes to it in batches, and is known to have arrived.
//!
//! [`super::Device::sync`] calls this first. It promises: a revision is frozen and durable before its first byte is sent; what
//! a hub acknowledges is noted in one commit a batch, which freezes the batch after the next too; a line that is refused is set aside with the reason while its neighbours go
//! on; any number of repeats is harmless. Two batches are on their way at most, so that the next is frozen while the hub
//! works on the last, and memory holds eight megabytes of them.

use bytes::Bytes;
use reqwest::Method;
use tokio::task::JoinSet;

use super::http::{CallError, HubClient};
use super::outbox::{Outbox, Rows, Waiting};
use super::store::{Store, StoreError};
use super::sync::{Refused, SyncError, SyncReport, Watch};
use crate::ids::DeviceId;
use crate::limits;
use crate::problem::Problem;
use crate::rest::{BatchAnswer, LineRun, NDJSON, Outcome};

/// Batches on their way at once.
const IN_FLIGHT: usize = 2;

/// Refused revisions that a report names; more are counted, and all are in the store.
const NAMED: usize = 1_000;

/// A revision on its way.
#[derive(Clone, Copy)]
struct Item {
    waiting: Waiting,
    /// Whether it begins its document.
    begins: bool,
}

struct Batch {
    items: Vec<Item>,
    /// The lines, each with its end.
    lines: Vec<Bytes>,
}

/// Sends all that waits for `hub`.
pub(super) async fn push(
    store: &Store,
    client: &HubClient,
    hub: DeviceId,
    report: &mut SyncReport,
    watch: &Watch,
) -> Result<(), SyncError> {
    let mut flight: JoinSet<Result<Vec<(Item, LineRun)>, CallError>> = JoinSet::new();
    let (mut after, mut more) = (0, true);
    let mut verdicts = Vec::new();
    loop {
        let asked = more && flight.len() < IN_FLIGHT;
        if asked || !verdicts.is_empty() {
            let batch = step(store, hub, std::mem::take(&mut verdicts), asked.then_some(after)).await?;
            watch.tell(report);
            match batch {
                None if asked => more = false,
                None => {}
                Some(batch) => {
                    after = batch.items.last().map_or(after, |item| item.waiting.place);
                    let client = client.clone();
                    flight.spawn(async move { send(&client, batch).await });
                }
            }
            continue;
        }
        let Some(ended) = flight.join_next().await else { break };
        verdicts = ended.map_err(|_| SyncError::Store(StoreError::Broken))??;
        count(&verdicts, report);
    }
    Ok(store.run(move |tx, key| Outbox::new(tx, key.id()).settle(&hub)).await?)
}

/// Notes a batch's verdicts and, where one is asked for, freezes the next batch: both in one commit, since each waits for the
/// disk. What comes back is durable.
async fn step(
    store: &Store,
    hub: DeviceId,
    verdicts: Vec<(Item, LineRun)>,
    after: Option<u64>,
) -> Result<Option<Batch>, StoreError> {
    let taken = store.run(move |tx, key| {
        let mut outbox = Outbox::new(tx, key.id());
        for (item, verdict) in &verdicts {
            settle(&mut outbox, &hub, &item.waiting, verdict)?;
        }
        match after {
            None => Ok(Vec::new()),
            Some(after) => outbox.take(key, &hub, after, limits::BATCH_REVISIONS, limits::BATCH_BYTES),
        }
    });
    let (items, lines): (Vec<Item>, Vec<Bytes>) = taken
        .await?
        .into_iter()
        .map(|(waiting, revision)| {
            let mut line = revision.envelope();
            line.push(b'\n');
            (Item { waiting, begins: revision.content().parents.is_empty() }, Bytes::from(line))
        })
        .unzip();
    Ok((!items.is_empty()).then_some(Batch { items, lines }))
}

/// The hub's verdict on each item. Where it takes a batch not at all, halves are tried, so that one bad revision is set
/// aside and no other with it.
async fn send(client: &HubClient, batch: Batch) -> Result<Vec<(Item, LineRun)>, CallError> {
    let mut verdicts = Vec::with_capacity(batch.items.len());
    let mut parts = vec![batch];
    while let Some(mut part) = parts.pop() {
        let body = Bytes::from(part.lines.concat());
        match client.json_of::<BatchAnswer>(Method::POST, "/revisions", NDJSON, Some(body)).await {
            Ok(answer) => verdicts.extend(by_line(&part.items, &answer.results)),
            Err(CallError::Refused(problem)) if part.items.len() == 1 => {
                verdicts.extend(part.items.iter().map(|item| (*item, refused(&problem))));
            }
            Err(CallError::Refused(_)) => {
                let half = part.items.len() / 2;
                let rest = Batch { items: part.items.split_off(half), lines: part.lines.split_off(half) };
                parts.extend([rest, part]);
            }
            Err(other) => return Err(other),
        }
    }
    Ok(verdicts)
}

/// Verdicts by line, counted from 1. An item without one is left waiting.
fn by_line(items: &[Item], runs: &[LineRun]) -> Vec<(Item, LineRun)> {
    let mut verdicts = Vec::with_capacity(items.len());
    for run in runs {
        let lines = (run.from.max(1)..=run.to).take(items.len());
        for line in lines {
            let item = usize::try_from(line - 1).ok().and_then(|at| items.get(at));
            verdicts.extend(item.map(|item| (*item, LineRun { from: line, to: line, ..run.clone() })));
        }
    }
    verdicts
}

fn refused(problem: &Problem) -> LineRun {
    let Problem { code, detail, retry, .. } = problem.clone();
    LineRun { from: 1, to: 1, status: Outcome::Refused, code: Some(code), detail: Some(detail), retry }
}

/// Adds a batch's verdicts to the report.
fn count(verdicts: &[(Item, LineRun)], report: &mut SyncReport) {
    for (item, verdict) in verdicts {
        match verdict.status {
            Outcome::Stored => {
                report.stored += 1;
                report.began += u64::from(item.begins);
            }
            Outcome::Duplicate => report.duplicate += 1,
            Outcome::Quarantined => report.quarantined += 1,
            Outcome::Refused if verdict.retry => report.later += 1,
            Outcome::Refused => {
                report.refused_count += 1;
                if report.refused.len() < NAMED {
                    let (code, detail) = reason(verdict);
                    report.refused.push(Refused { doc: item.waiting.doc, id: item.waiting.id, code, detail });
                }
            }
        }
    }
}

/// Notes one verdict.
fn settle<R: Rows>(outbox: &mut Outbox<'_, R>, hub: &DeviceId, waiting: &Waiting, verdict: &LineRun) -> Result<(), R::Error> {
    match verdict.status {
        Outcome::Stored | Outcome::Duplicate | Outcome::Quarantined => outbox.ack(hub, waiting),
        // It may be taken another day, so it goes on waiting.
        Outcome::Refused if verdict.retry => Ok(()),
        Outcome::Refused => {
            let (code, detail) = reason(verdict);
            outbox.refuse(hub, waiting, &code, &detail)
        }
    }
}

fn reason(verdict: &LineRun) -> (String, String) {
    let code = verdict.code.clone().unwrap_or_else(|| "refused".into());
    let detail = verdict.detail.clone().unwrap_or_else(|| "The hub did not say why.".into());
    (code, detail)
}

//! Intake: the one way in. Validate, dedup, keep, publish.
//!
//! Its doors: `api/revisions` (signed batches and the plain door), `api/edits` (what a manager writes), `sync` between hubs, and
//! import from a bundle. It promises: a line is judged by its own bytes and harms no neighbour; what it answers as kept is durable; any
//! number of repeats is harmless.

pub mod keep; // inside the writer: dedup, admit or quarantine, update what is derived
pub mod by_hand; // what a manager writes on a page
pub mod plain; // the plain door: whole observations of those who cannot sign
pub mod validate; // before the writer: lines to valid revisions

use maloca_protocol::fingerprint::FingerprintKey;
use maloca_protocol::rest::{BatchAnswer, Outcome};
use maloca_protocol::{DeviceId, MediaHash, Refusal, ValidRevision};

use crate::store::rows::Arrival;
use crate::store::{Store, StoreError};

/// What intake must know of its hub.
#[derive(Clone)]
pub struct Rules {
    /// The hub's own key id, the root of who is a member.
    pub hub: DeviceId,
    /// The key of the project's fingerprints.
    pub fingerprints: FingerprintKey,
}

/// Who brings a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A device in its own session: quotas hold, and what they refuse stays on the phone.
    Device,
    /// Another hub, a bundle, or the hub itself: quotas never hold, or hubs would keep different sets for ever.
    Trusted,
}

/// What a batch did, for the device's receipt on the manager's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Documents that are new.
    pub new: u64,
    /// Documents that were here and have changed.
    pub changed: u64,
    /// Documents that are deleted now and were not before.
    pub deleted: u64,
    /// Revisions that were here already: sent again after an answer that was lost, or told by somebody else before.
    pub repeats: u64,
}

/// Takes in a batch of signed lines.
///
/// # Errors
/// Where the store cannot keep it; then nothing was acknowledged, and the same batch may come again.
pub async fn take_in(
    store: &Store,
    rules: &Rules,
    arrival: Arrival,
    door: Door,
    lines: bytes::Bytes,
) -> Result<(BatchAnswer, Tally), StoreError> {
    let weight = lines.len();
    // Parsing and curve arithmetic, milliseconds of it: not on the threads that serve others.
    let judged = tokio::task::spawn_blocking(move || validate::lines(&lines))
        .await
        .map_err(|error| StoreError::Bug(format!("validation ended early: {error}")))?;
    let (numbers, verdicts): (Vec<u64>, Vec<Result<ValidRevision, Refusal>>) = judged.into_iter().unzip();
    let rules = rules.clone();
    // The verdicts go in and come out again, so that the job can be run twice.
    let shared = std::sync::Arc::new(verdicts);
    let inside = std::sync::Arc::clone(&shared);
    let kept = store
        .write(weight, move |tx| {
            let revisions = inside.iter().filter_map(|verdict| verdict.as_ref().ok());
            keep::all(tx, &rules, arrival, door, revisions)
        })
        .await?;
    let mut answer = BatchAnswer { results: Vec::new(), wanted: kept.wanted };
    let mut outcomes = kept.outcomes.into_iter();
    for (number, verdict) in numbers.into_iter().zip(shared.iter()) {
        match verdict {
            Err(refusal) => {
                let retry = *refusal == Refusal::TooNew;
                answer.push(number, Outcome::Refused, Some((refusal.code().into(), refusal.sentence().into(), retry)));
            }
            Ok(_) => match outcomes.next() {
                Some(keep::Verdict::Kept(outcome)) => answer.push(number, outcome, None),
                Some(keep::Verdict::OverQuota) | None => {
                    answer.push(number, Outcome::Refused, Some((keep::QUOTA.into(), keep::QUOTA_SENTENCE.into(), true)));
                }
            },
        }
    }
    Ok((answer, kept.tally))
}

/// What [`keep::all`] did.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// A verdict for each revision, in the order given.
    pub outcomes: Vec<keep::Verdict>,
    /// Media that they attach and that are not here.
    pub wanted: Vec<MediaHash>,
    /// What changed.
    pub tally: Tally,
}

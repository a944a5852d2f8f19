//! Exports for the page: one at a time, with what the last ones came to.
//!
//! `api/admin/exports` starts and cancels them, `api/events` tells of their changes. It promises that a job goes on when the
//! page is closed, and that its end is said in a sentence. What is kept is in memory only: the ledger outlives it.
//!
//! One plain mutex guards the list; it is held for microseconds and never across an await.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use maloca_protocol::time;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::also::Also;
use super::bundle::Kind;
use super::part::{Asked, Part};
use super::scope::What;
use super::{ExportError, Phase, Progress, Wish};
use crate::hub::Hub;
use crate::trouble::Trouble;

/// How long a phase goes on before its pace is told.
const PACE_AFTER: Duration = Duration::from_secs(2);

/// Jobs that are remembered.
const REMEMBERED: usize = 20;

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Writing to the drive.
    Writing,
    /// Reading back what was written.
    Verifying,
    /// Verified, named, and in the ledger.
    Done,
    /// There was nothing to do: the drive has everything.
    Nothing,
    /// It could not be done.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// A job as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportJob {
    /// Its id, hex.
    pub id: String,
    to: String,
    path: Option<String>,
    part: Option<Asked>,
    /// Only what the drive does not have yet.
    only_new: bool,
    /// Only who has a key can open it.
    sealed: bool,
    /// Which further files it writes.
    also: BTreeSet<Also>,
    /// What it came to be: everything, too, where nothing was on the drive.
    kind: Option<Kind>,
    /// How it stands.
    pub state: State,
    phase_bytes: u64,
    phase_bytes_total: u64,
    /// How fast this phase goes, once that can be told.
    bytes_per_second: Option<u64>,
    observations: u64,
    media: u64,
    media_missing: u64,
    started_at: String,
    ended_at: Option<String>,
    trouble: Option<Trouble>,
    on_drive: Option<bool>,
}

#[derive(Default)]
struct Inner {
    /// Newest first.
    jobs: VecDeque<ExportJob>,
    running: Option<(String, CancellationToken)>,
}

/// All jobs of a hub.
pub struct Jobs {
    inner: Mutex<Inner>,
    changed: broadcast::Sender<ExportJob>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { inner: Mutex::default(), changed: broadcast::channel(64).0 }
    }
}

impl Jobs {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The last jobs, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<ExportJob> {
        self.lock().jobs.iter().cloned().collect()
    }

    /// Tells of each change of a job.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<ExportJob> {
        self.changed.subscribe()
    }

    /// Cancels a job that is running; says whether it was.
    pub fn cancel(&self, id: &str) -> bool {
        let inner = self.lock();
        let running = inner.running.as_ref().filter(|(running, _)| running == id);
        running.inspect(|(_, cancel)| cancel.cancel()).is_some()
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut ExportJob)) {
        let mut inner = self.lock();
        if let Some(job) = inner.jobs.iter_mut().find(|job| job.id == id) {
            change(job);
            // Nobody listening is no error.
            let _ = self.changed.send(job.clone());
        }
    }
}

/// While this is held no export begins.
pub struct Hold(Hub);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.exports.lock().running = None;
    }
}

/// Keeps exports from beginning. `None` while one is running.
#[must_use]
pub fn hold(hub: &Hub) -> Option<Hold> {
    let mut inner = hub.exports.lock();
    if inner.running.is_some() {
        return None;
    }
    inner.running = Some((String::new(), CancellationToken::new()));
    drop(inner);
    Some(Hold(hub.clone()))
}

/// Starts an export. `None` while another one is running.
#[must_use]
pub fn start(hub: &Hub, wish: Wish) -> Option<ExportJob> {
    let id = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 8]>());
    let job = ExportJob {
        id: id.clone(),
        to: wish.to.to_string_lossy().into_owned(),
        path: None,
        part: if let What::Part(part) = &wish.what { Some(Part::brief(part)) } else { None },
        only_new: wish.what == What::New,
        sealed: !wish.keys.is_empty(),
        also: wish.also.clone(),
        kind: None,
        state: State::Writing,
        phase_bytes: 0,
        phase_bytes_total: 0,
        bytes_per_second: None,
        observations: 0,
        media: 0,
        media_missing: 0,
        started_at: hub.clock.text(),
        ended_at: None,
        trouble: None,
        on_drive: None,
    };
    let cancel = hub.shutdown.child_token();
    {
        let mut inner = hub.exports.lock();
        if inner.running.is_some() {
            return None;
        }
        inner.running = Some((id.clone(), cancel.clone()));
        inner.jobs.push_front(job.clone());
        inner.jobs.truncate(REMEMBERED);
    }
    let _ = hub.exports.changed.send(job.clone());
    let hub = hub.clone();
    tokio::spawn(async move {
        let (shared, job_id) = (hub.clone(), id.clone());
        let pace = Mutex::new(Pace::default());
        let report = move |progress: Progress| {
            let rate = pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).after(progress);
            shared.exports.change(&job_id, |job| progressed(job, progress, rate));
        };
        let outcome = super::export(&hub, wish, cancel, report).await;
        hub.exports.lock().running = None;
        let now = time::format_millis(hub.clock.now());
        hub.exports.change(&id, |job| {
            job.ended_at = Some(now);
            match outcome {
                Ok(done) => {
                    job.state = State::Done;
                    job.path = Some(done.path.to_string_lossy().into_owned());
                    job.media_missing = done.missing;
                    job.kind = Some(done.kind);
                    job.on_drive = Some(done.on_drive);
                }
                Err(error) => ended(job, &error),
            }
        });
    });
    Some(job)
}

/// How fast a phase goes, over all of it: a drive that stalls for a while makes no jumps in what people are told.
struct Pace {
    phase: Phase,
    since: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Self { phase: Phase::default(), since: Instant::now() }
    }
}

impl Pace {
    /// Bytes a second, once there is enough to tell it by.
    fn after(&mut self, progress: Progress) -> Option<u64> {
        if self.phase != progress.phase {
            *self = Self { phase: progress.phase, since: Instant::now() };
        }
        let took = self.since.elapsed();
        let rate = u128::from(progress.bytes) * 1_000 / took.as_millis().max(1);
        (took >= PACE_AFTER).then_some(rate as u64)
    }
}

fn progressed(job: &mut ExportJob, progress: Progress, rate: Option<u64>) {
    job.bytes_per_second = rate;
    job.state = match progress.phase {
        Phase::Writing => State::Writing,
        Phase::Verifying => State::Verifying,
    };
    job.phase_bytes = progress.bytes;
    job.phase_bytes_total = progress.bytes_total;
    job.observations = progress.observations;
    job.media = progress.media;
}

fn ended(job: &mut ExportJob, error: &ExportError) {
    job.state = match error {
        ExportError::Cancelled => State::Cancelled,
        ExportError::NothingNew => State::Nothing,
        _ => {
            tracing::warn!(error = error as &dyn std::error::Error, "an export failed");
            job.trouble = Some(Trouble::new(error.code(), error));
            State::Failed
        }
    };
}

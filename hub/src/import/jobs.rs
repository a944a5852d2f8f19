//! Imports of bundles, and of what other programs wrote, for the page: one at a time, and what the last one came to.
//!
//! `api/admin/imports` starts, tells and stops them. It promises that an import goes on when the page is closed, and that its end is
//! said in a sentence. What is kept is in memory only: what came in is in the store.
//!
//! One plain mutex guards the job; it is held for microseconds and never across an await.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::bundle::{self, Progress, Taken};
use super::{ImportError, strangers};
use crate::export::bundle::INFO;
use crate::hub::Hub;
use crate::trouble::Trouble;

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is reading.
    Running,
    /// It came to its end; what was damaged is named in what it came to.
    Done,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// An import as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportJob {
    /// Its id, hex.
    pub id: String,
    from: String,
    /// How it stands.
    pub state: State,
    progress: Progress,
    taken: Option<Taken>,
    trouble: Option<Trouble>,
    started_at: String,
    ended_at: Option<String>,
}

/// The import that runs, or the last one.
#[derive(Default)]
pub struct Jobs(Mutex<Option<(ImportJob, CancellationToken)>>);

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Option<(ImportJob, CancellationToken)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The import that runs, or the last one since the program began.
    #[must_use]
    pub fn last(&self) -> Option<ImportJob> {
        self.lock().as_ref().map(|(job, _)| job.clone())
    }

    /// Stops an import that is running; says whether it was.
    pub fn cancel(&self, id: &str) -> bool {
        let last = self.lock();
        let running = last.as_ref().filter(|(job, _)| job.id == id && job.state == State::Running);
        running.inspect(|(_, cancel)| cancel.cancel()).is_some()
    }

    fn change(&self, change: impl FnOnce(&mut ImportJob)) {
        if let Some((job, _)) = self.lock().as_mut() {
            change(job);
        }
    }
}

/// Starts an import. `None` while another one is running.
#[must_use]
pub fn start(hub: &Hub, from: PathBuf) -> Option<ImportJob> {
    let job = ImportJob {
        id: data_encoding::HEXLOWER.encode(&rand::random::<[u8; 8]>()),
        from: from.to_string_lossy().into_owned(),
        state: State::Running,
        progress: Progress::default(),
        taken: None,
        trouble: None,
        started_at: hub.clock.text(),
        ended_at: None,
    };
    let cancel = hub.shutdown.child_token();
    {
        let mut last = hub.imports.lock();
        if last.as_ref().is_some_and(|(job, _)| job.state == State::Running) {
            return None;
        }
        *last = Some((job.clone(), cancel.clone()));
    }
    let hub = hub.clone();
    tokio::spawn(async move {
        let shared = hub.clone();
        let report = move |progress: Progress| shared.imports.change(|job| job.progress = progress);
        let outcome = if from.join(INFO).exists() || !strangers::is_source(&from) {
            Box::pin(bundle::take(&hub, &from, cancel, report)).await
        } else {
            Box::pin(strangers::take(&hub, &from, cancel, report)).await
        };
        let now = hub.clock.text();
        hub.imports.change(|job| {
            job.ended_at = Some(now);
            match outcome {
                Ok(taken) => {
                    job.state = State::Done;
                    job.taken = Some(taken);
                }
                Err(ImportError::Cancelled) => job.state = State::Cancelled,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "an import failed");
                    job.state = State::Failed;
                    job.trouble = Some(Trouble::new(error.code(), &error));
                }
            }
        });
    });
    Some(job)
}

//! What `import` and `restore` share: how far it is, and what it came to.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::Outcome;
use super::control::Control;
use crate::import::Imported;
use crate::import::bundle::{Progress, Taken};

/// How often a running hub is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Progress: a bar on a terminal, a line for each tenth otherwise.
#[derive(Clone)]
pub(super) struct Shown {
    bar: Option<ProgressBar>,
    last_tenth: Arc<AtomicU64>,
}

impl Shown {
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "reading [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        Self { bar, last_tenth: Arc::default() }
    }

    pub(super) fn show(&self, progress: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes);
            return;
        }
        let tenth = (progress.bytes * 10).checked_div(progress.bytes_total).unwrap_or_default();
        if self.last_tenth.swap(tenth, Ordering::Relaxed) != tenth {
            eprintln!("read {} % of {} MB", tenth * 10, progress.bytes_total / 1_000_000);
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Ctrl+C stops it after the next file.
pub(super) fn stop_on_ctrl_c(cancel: &CancellationToken) {
    let cancel = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancel.cancel();
        }
    });
}

/// A job as the API tells it; what is not needed here is left out.
#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
    progress: Progress,
    taken: Option<Taken>,
    trouble: Option<Trouble>,
}

#[derive(Deserialize)]
struct Trouble {
    detail: String,
}

#[derive(Deserialize)]
struct Jobs {
    job: Option<Job>,
}

/// Has the hub that runs take in a bundle, and watches.
pub(super) async fn by_running_hub(control: &Control, from: &Path) -> Outcome {
    let started: Job = control.post("/admin/imports/bundles", &serde_json::json!({ "from": from })).await?;
    let shown = Shown::new();
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let Jobs { job } = control.get("/admin/imports/bundles").await?;
        let Some(job) = job.filter(|job| job.id == started.id) else {
            return Err("the hub has forgotten the import; it may have been started anew. Begin it again".into());
        };
        shown.show(job.progress);
        if job.state == "running" {
            continue;
        }
        shown.end();
        return match job.taken {
            Some(taken) => Ok(conclude(&taken)),
            None => Err(job.trouble.map_or_else(|| "the import was stopped".to_owned(), |trouble| trouble.detail).into()),
        };
    }
}

/// Says what came in.
pub(super) fn counts(imported: &Imported) {
    println!("{} records are new, {} were here", imported.stored, imported.duplicates);
    println!("{} photos and sounds are new, {} were here", imported.media, imported.media_known);
    if imported.quarantined > 0 {
        println!("{} records are kept aside: let that phone join, and they are shown", imported.quarantined);
    }
}

/// Says what came of a bundle.
pub(super) fn conclude(taken: &Taken) -> ExitCode {
    counts(&taken.imported);
    if taken.fault_count == 0 {
        return ExitCode::SUCCESS;
    }
    println!("Damaged or missing in the copy, and not taken; everything else is here:");
    for fault in &taken.faults {
        println!("  {fault}");
    }
    let more = taken.fault_count - taken.faults.len() as u64;
    if more > 0 {
        println!("  and {more} more");
    }
    ExitCode::FAILURE
}

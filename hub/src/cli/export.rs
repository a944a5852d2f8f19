//! `maloca export`: copies everything to a folder or drive, and reads it back. Where a hub is running on the data folder, that
//! hub does it and this only watches.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::{DataArg, Outcome};
use crate::export::also::Also;
use crate::export::scope::What;
use crate::export::sealed::Keys;
use crate::export::{self, ExportError, Phase, Progress, Wish};
use crate::hub::{Hub, Options};
use crate::store;

/// What `maloca export` takes.
#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    data: DataArg,
    /// The folder or drive to copy to; a folder `Maloca` is made in it, and in that one a new folder for this copy
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Only what the copies that lie there do not have; everything where there is none
    #[arg(long)]
    new: bool,
    /// Only who has this key can open it (age1…, as age-keygen prints it); may be given several times
    #[arg(long, value_name = "KEY")]
    seal_for: Vec<String>,
    /// Write these further files, too: kmz for Google Earth, gpx for GPS devices, shapefile for older map programs
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    also: Vec<Also>,
}

/// How often a running hub is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Runs the command.
pub(crate) async fn run(args: ExportArgs) -> Outcome {
    let data = args.data.folder();
    // The hub that does the work has another working folder.
    let to = std::path::absolute(&args.to)?;
    let keys = Keys::parse(&args.seal_for)?;
    match Control::find(&data).await? {
        Some(control) => by_running_hub(&control, &to, &args).await,
        None => {
            let what = if args.new { What::New } else { What::Everything };
            by_ourselves(&data, Wish { to, what, also: args.also.into_iter().collect(), keys }).await
        }
    }
}

async fn by_ourselves(data: &Path, wish: Wish) -> Outcome {
    if !data.join(store::FILE).is_file() {
        return Err(format!("there is no hub in {}; name its folder with --data", data.display()).into());
    }
    let (hub, writer) = Hub::open(Options::new(data)).await?;
    let cancel = CancellationToken::new();
    let (stop, shown) = (cancel.clone(), std::sync::Arc::new(Shown::new()));
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    let report = std::sync::Arc::clone(&shown);
    let is_sealed = !wish.keys.is_empty();
    let outcome = export::export(&hub, wish, cancel, move |progress| report.show(progress)).await;
    shown.end();
    hub.store.close().await;
    drop(hub);
    tokio::task::spawn_blocking(move || writer.join()).await?;
    let done = match outcome {
        Err(ExportError::NothingNew) => return Ok(nothing_new()),
        outcome => outcome?,
    };
    conclude(&done.path.to_string_lossy(), done.observations, done.media, done.missing, done.on_drive, is_sealed);
    Ok(ExitCode::SUCCESS)
}

/// A job as the API tells it; what is not needed here is left out.
#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
    path: Option<String>,
    phase_bytes: u64,
    phase_bytes_total: u64,
    observations: u64,
    media: u64,
    media_missing: u64,
    trouble: Option<Trouble>,
    on_drive: Option<bool>,
}

#[derive(Deserialize)]
struct Trouble {
    detail: String,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

async fn by_running_hub(control: &Control, to: &Path, args: &ExportArgs) -> Outcome {
    let wish = serde_json::json!({ "to": to, "only_new": args.new, "also": args.also, "seal_for": args.seal_for });
    let started: Job = control.post("/admin/exports", &wish).await?;
    let shown = Shown::new();
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let jobs: Jobs = control.get("/admin/exports").await?;
        let Some(job) = jobs.jobs.into_iter().find(|job| job.id == started.id) else {
            return Err("the hub has forgotten the export; it may have been started anew. Look on the drive, and repeat".into());
        };
        shown.show(Progress {
            phase: if job.state == "verifying" { Phase::Verifying } else { Phase::Writing },
            bytes: job.phase_bytes,
            bytes_total: job.phase_bytes_total,
            observations: job.observations,
            media: job.media,
        });
        match job.state.as_str() {
            "writing" | "verifying" => {}
            "nothing" => {
                shown.end();
                return Ok(nothing_new());
            }
            "done" => {
                shown.end();
                let path = job.path.unwrap_or_default();
                let is_sealed = !args.seal_for.is_empty();
                conclude(&path, job.observations, job.media, job.media_missing, job.on_drive.unwrap_or_default(), is_sealed);
                return Ok(ExitCode::SUCCESS);
            }
            _ => {
                shown.end();
                return Err(job.trouble.map_or_else(|| "the export was cancelled".to_owned(), |trouble| trouble.detail).into());
            }
        }
    }
}

fn nothing_new() -> ExitCode {
    println!("Everything is on this drive already; nothing was copied.");
    ExitCode::SUCCESS
}

fn conclude(path: &str, observations: u64, media: u64, missing: u64, on_drive: bool, is_sealed: bool) {
    println!("{observations} observations and {media} media files are in");
    println!("  {path}");
    println!("written, and verified by reading them back.");
    if missing > 0 {
        println!("{missing} media files are not in it; data/missing.csv there says which and why.");
    }
    if is_sealed {
        println!("It is sealed: only who has the key can open it, and README.txt there says how.");
    }
    if !on_drive {
        println!("This folder is on the same disk as the hub's data, or in memory: it is no second copy until it is on a drive.");
    }
}

/// Progress: a bar on a terminal, a line for each tenth otherwise.
struct Shown {
    bar: Option<ProgressBar>,
    last: Mutex<(Phase, u64)>,
}

impl Shown {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let template = "{msg:10} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, last: Mutex::new((Phase::Writing, 0)) }
    }

    fn show(&self, progress: Progress) {
        let word = match progress.phase {
            Phase::Writing => "writing",
            Phase::Verifying => "verifying",
        };
        if let Some(bar) = &self.bar {
            bar.set_message(word);
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes);
            return;
        }
        let tenth = (progress.bytes * 10).checked_div(progress.bytes_total).unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *last != (progress.phase, tenth) {
            *last = (progress.phase, tenth);
            eprintln!("{word} {} % of {} MB", tenth * 10, progress.bytes_total / 1_000_000);
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

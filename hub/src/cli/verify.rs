//! `maloca verify`: re-reads a data folder or a bundle and says what is wrong.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::ProgressBar;

use super::{Outcome, default_data};
use crate::export::{bundle, check};
use crate::files::Files;
use crate::store;
use crate::verify::{self, Finding};

/// What `maloca verify` takes.
#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// A hub's data folder (its hub must not be running) or a bundle on a drive [default: the data folder]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Say only what is wrong
    #[arg(short, long)]
    quiet: bool,
}

/// Something is wrong.
const PROBLEMS: u8 = 1;
/// Nothing could be verified.
const COULD_NOT_RUN: u8 = 2;

/// Runs the command. Exit code 0: clean; 1: problems; 2: nothing could be verified.
pub(crate) async fn run(args: VerifyArgs) -> Outcome {
    let path = args.path.clone().unwrap_or_else(default_data);
    // All of it waits for disks.
    let verdict = tokio::task::spawn_blocking(move || {
        if path.join(store::FILE).is_file() {
            folder(&path, args.quiet)
        } else if path.join(bundle::BAGIT).is_file() || path.join(bundle::MANIFEST).is_file() {
            a_bundle(&path, args.quiet)
        } else {
            Err(format!("{} is neither a hub's data folder nor a bundle; name one of them", path.display()).into())
        }
    });
    match verdict.await? {
        Ok(0) => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::from(PROBLEMS)),
        Err(error) => {
            super::failed(&*error);
            Ok(ExitCode::from(COULD_NOT_RUN))
        }
    }
}

type Faults = Result<u64, Box<dyn std::error::Error + Send + Sync>>;

fn bar() -> ProgressBar {
    if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() }
}

fn folder(path: &Path, quiet: bool) -> Faults {
    let (bar, mut faults) = (bar(), 0);
    let summary = verify::folder(&Files::real(), path, &mut |finding, so_far| {
        match finding {
            Some(Finding::Fault(what)) => {
                faults += 1;
                bar.suspend(|| println!("{what}"));
            }
            Some(Finding::Note(what)) if !quiet => bar.suspend(|| println!("note: {what}")),
            Some(Finding::Note(_)) | None => {}
        }
        bar.set_message(format!("{} revisions, {} documents, {} media", so_far.revisions, so_far.documents, so_far.media));
        bar.tick();
    })?;
    bar.finish_and_clear();
    let verify::Summary { rows, revisions, documents, media, media_bytes } = summary;
    if !quiet {
        println!("read {rows} rows, {revisions} revisions, {documents} documents, {media} media files ({media_bytes} bytes)");
    }
    conclude(faults, quiet);
    Ok(faults)
}

fn a_bundle(path: &Path, quiet: bool) -> Faults {
    let (bar, mut faults) = (bar(), 0);
    let mut fault = |fault: check::Fault| {
        faults += 1;
        bar.suspend(|| println!("{fault}"));
    };
    let read = check::bundle(path, true, &mut fault, &mut |read| {
        bar.set_message(format!("{} files, {} MB, {} revisions", read.files, read.bytes / 1_000_000, read.revisions));
        bar.tick();
        Ok(())
    })?;
    bar.finish_and_clear();
    if !quiet {
        println!("read {} files ({} bytes), {} media, {} revisions", read.files, read.bytes, read.media, read.revisions);
    }
    conclude(faults, quiet);
    Ok(faults)
}

fn conclude(faults: u64, quiet: bool) {
    match faults {
        0 if quiet => {}
        0 => println!("clean: everything is as it was written"),
        1 => println!("1 problem"),
        n => println!("{n} problems"),
    }
}

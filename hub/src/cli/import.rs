//! `maloca import`: takes in a copy from a drive, a file that a phone saved, or what another program has written. Where a hub is running on the data folder, that hub
//! does it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::{DataArg, Outcome, importing};
use crate::export::bundle::INFO;
use crate::hub::{Hub, Options};
use crate::import::bundle::Taken;
use crate::import::strangers::Preview;
use crate::import::{ImportError, Imported, bundle, phone_file, strangers};
use crate::store;

/// What `maloca import` takes.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    data: DataArg,
    /// The folder of a copy that a hub has made, the file that a phone's app saved (.tar), or what another program has written: GeoJSON, CoMapeo's
    /// ZIP, CSV with latitude and longitude, a Camtrap DP folder
    from: PathBuf,
    /// Only say what is in a file of another program, and take nothing
    #[arg(long)]
    look: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs) -> Outcome {
    let data = args.data.folder();
    let from = std::path::absolute(&args.from)?;
    let is_folder = std::fs::metadata(&from).map_err(|error| format!("cannot read {}: {error}", from.display()))?.is_dir();
    let is_source = strangers::is_source(&from) && !from.join(INFO).exists();
    match Control::find(&data).await? {
        Some(control) if args.look => {
            let preview: Preview = control.post("/admin/imports/look", &serde_json::json!({ "from": from })).await?;
            say(&preview);
            Ok(ExitCode::SUCCESS)
        }
        Some(control) if is_folder || is_source => importing::by_running_hub(&control, &from).await,
        Some(control) => {
            let file = tokio::fs::File::open(&from).await?;
            Ok(conclude(control.send("/admin/imports", file).await?))
        }
        None if !data.join(store::FILE).is_file() => {
            Err(format!("there is no hub in {}; name its folder with --data, or begin one with `maloca restore`", data.display())
                .into())
        }
        None if args.look => {
            let (hub, writer) = Hub::open(Options::new(&data)).await?;
            let preview = strangers::look(&hub, &from).await;
            hub.store.close().await;
            drop(hub);
            tokio::task::spawn_blocking(move || writer.join()).await?;
            say(&preview?);
            Ok(ExitCode::SUCCESS)
        }
        None if is_folder || is_source => {
            let taken = by_ourselves(&data, &from, is_source).await?;
            Ok(importing::conclude(&taken))
        }
        None => {
            let (hub, writer) = Hub::open(Options::new(&data)).await?;
            let file = tokio::fs::File::open(&from).await?;
            let imported = phone_file::take(&hub, file).await;
            hub.store.close().await;
            drop(hub);
            tokio::task::spawn_blocking(move || writer.join()).await?;
            Ok(conclude(imported?))
        }
    }
}

async fn by_ourselves(data: &Path, from: &Path, is_source: bool) -> Result<Taken, Box<dyn std::error::Error + Send + Sync>> {
    let (hub, writer) = Hub::open(Options::new(data)).await?;
    let (cancel, shown) = (CancellationToken::new(), importing::Shown::new());
    importing::stop_on_ctrl_c(&cancel);
    let report = shown.clone();
    let report = move |progress| report.show(progress);
    let taken: Result<Taken, ImportError> = if is_source {
        strangers::take(&hub, from, cancel, report).await
    } else {
        bundle::take(&hub, from, cancel, report).await
    };
    shown.end();
    hub.store.close().await;
    drop(hub);
    tokio::task::spawn_blocking(move || writer.join()).await?;
    Ok(taken?)
}

fn say(preview: &Preview) {
    let Preview { observations, known, with_place, media, categories, faults, fault_count, .. } = preview;
    println!(
        "{observations} observations, {known} of them are here already; {with_place} with a place; {media} photos and other files"
    );
    for (category, count) in categories {
        println!("  {count:>7}  {}", if category.is_empty() { "(no category)" } else { category });
    }
    for fault in faults {
        println!("{fault}");
    }
    if *fault_count > faults.len() as u64 {
        println!("and {} more of the kind", fault_count - faults.len() as u64);
    }
}

fn conclude(imported: Imported) -> ExitCode {
    importing::counts(&imported);
    let Imported { refused, media_refused, whole, .. } = imported;
    if refused + media_refused > 0 {
        println!("{refused} records and {media_refused} files are damaged and were not taken");
    }
    if !whole {
        println!("the file ends too early; what was whole is here. Save it anew on the phone and import that as well");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

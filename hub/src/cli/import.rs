//! `maloca import`: takes in a copy from a drive, or a file that a phone saved. Where a hub is running on the data folder, that hub
//! does it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::{DataArg, Outcome, importing};
use crate::hub::{Hub, Options};
use crate::import::bundle::Taken;
use crate::import::{ImportError, Imported, bundle, phone_file};
use crate::store;

/// What `maloca import` takes.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    data: DataArg,
    /// The folder of a copy that a hub has made, or the file that a phone's app saved
    from: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs) -> Outcome {
    let data = args.data.folder();
    let from = std::path::absolute(&args.from)?;
    let is_folder = std::fs::metadata(&from).map_err(|error| format!("cannot read {}: {error}", from.display()))?.is_dir();
    match Control::find(&data).await? {
        Some(control) if is_folder => importing::by_running_hub(&control, &from).await,
        Some(control) => {
            let file = tokio::fs::File::open(&from).await?;
            Ok(conclude(control.send("/admin/imports", file).await?))
        }
        None if !data.join(store::FILE).is_file() => {
            Err(format!("there is no hub in {}; name its folder with --data, or begin one with `maloca restore`", data.display())
                .into())
        }
        None if is_folder => {
            let taken = bundle_by_ourselves(&data, &from).await?;
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

async fn bundle_by_ourselves(data: &Path, from: &Path) -> Result<Taken, Box<dyn std::error::Error + Send + Sync>> {
    let (hub, writer) = Hub::open(Options::new(data)).await?;
    let (cancel, shown) = (CancellationToken::new(), importing::Shown::new());
    importing::stop_on_ctrl_c(&cancel);
    let report = shown.clone();
    let taken: Result<Taken, ImportError> = bundle::take(&hub, from, cancel, move |progress| report.show(progress)).await;
    shown.end();
    hub.store.close().await;
    drop(hub);
    tokio::task::spawn_blocking(move || writer.join()).await?;
    Ok(taken?)
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

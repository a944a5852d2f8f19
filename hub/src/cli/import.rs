//! `maloca import`: takes in a file that a phone saved. Where a hub is running on the data folder, that hub does it.

use std::path::PathBuf;
use std::process::ExitCode;

use super::control::Control;
use super::{DataArg, Outcome};
use crate::hub::{Hub, Options};
use crate::import::{self, Imported};
use crate::store;

/// What `maloca import` takes.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    data: DataArg,
    /// The file that the phone app saved
    file: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs) -> Outcome {
    let data = args.data.folder();
    let shown = args.file.display().to_string();
    let file = tokio::fs::File::open(&args.file).await.map_err(|error| format!("cannot read {shown}: {error}"))?;
    let imported = match Control::find(&data).await? {
        Some(control) => control.send("/admin/imports", file).await?,
        None if !data.join(store::FILE).is_file() => {
            return Err(format!("there is no hub in {}; name its folder with --data", data.display()).into());
        }
        None => {
            let (hub, writer) = Hub::open(Options::new(&data)).await?;
            let imported = import::phone_file(&hub, file).await;
            hub.store.close().await;
            drop(hub);
            tokio::task::spawn_blocking(move || writer.join()).await?;
            imported?
        }
    };
    Ok(conclude(imported))
}

fn conclude(imported: Imported) -> ExitCode {
    let Imported { stored, duplicates, quarantined, refused, media, media_known, media_refused, whole } = imported;
    println!("{stored} records are new, {duplicates} were here");
    println!("{media} photos and sounds are new, {media_known} were here");
    if quarantined > 0 {
        println!("{quarantined} records are kept aside: let that phone join, and they are shown");
    }
    if refused + media_refused > 0 {
        println!("{refused} records and {media_refused} files are damaged and were not taken");
    }
    if !whole {
        println!("the file ends too early; what was whole is here. Save it anew on the phone and import that as well");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

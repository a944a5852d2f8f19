//! `maloca restore`: begins a hub with what a copy on a drive has.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{DataArg, Outcome, importing};
use crate::hub::Options;
use crate::import::restore;

/// What `maloca restore` takes.
#[derive(clap::Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    data: DataArg,
    /// The folder of the copy: the newest full one that there is
    from: PathBuf,
    /// The hub's name [default: the name of the hub that made the copy]
    #[arg(long)]
    name: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: RestoreArgs) -> Outcome {
    let data = args.data.folder();
    let options = Options { name: args.name, ..Options::new(&data) };
    let (cancel, shown) = (CancellationToken::new(), importing::Shown::new());
    importing::stop_on_ctrl_c(&cancel);
    let report = shown.clone();
    let (hub, writer, taken) = restore::restore(&args.from, options, cancel, move |progress| report.show(progress)).await?;
    shown.end();
    hub.store.close().await;
    let devices = hub.devices.ids().len();
    drop(hub);
    tokio::task::spawn_blocking(move || writer.join()).await?;
    let taken = taken
        .map_err(|error| format!("{error}. The hub in {} has what came in before; go on with `maloca import`", data.display()))?;
    let code = importing::conclude(&taken);
    println!("The hub in {} has what the copy had. Start it with `maloca serve`.", data.display());
    if devices > 0 {
        println!(
            "{devices} devices are known by name. It has new keys: let each phone join once more with a code; it keeps what it has"
        );
        println!("recorded, and hands over whatever the copy lacks.");
    }
    Ok(if code == ExitCode::SUCCESS { code } else { ExitCode::from(2) })
}

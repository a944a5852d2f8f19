//! The command line: what a person can tell the program, one module each.
//!
//! `main` calls [`run`]. It promises: a sentence that says what to do for everything that goes wrong, the whole chain of
//! causes below it, and an exit code that is not 0.

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::journal::Pen;

mod serve; // the hub
mod running; // what every command that runs a hub does
mod open; // a new link to the manager's page
mod send; // a device, for what is on this machine's disk
mod sync; // other hubs
mod devices; // who has joined
mod export; // a copy on a drive
mod drives; // which drives are plugged in
mod import; // a copy from a drive, or a file that a phone saved
mod importing; // what import and restore share
mod restore; // a new hub from a copy
mod verify; // is everything as it was written
mod phone_app; // the phone app as static files
mod demo; // a hub with simulated devices, to look at
mod control; // how the command line talks to a hub that is running

/// A hub for places without internet: phones hand over what they recorded, a manager sees it and takes it to town.
#[derive(Parser)]
#[command(name = "maloca", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more in the log, which goes to standard error; MALOCA_LOG takes a filter, such as `debug` or `maloca_hub=trace`
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the hub: answer devices, take in what they bring, serve the manager's page
    Serve(serve::ServeArgs),
    /// Print a new link to the manager's page of the hub that is running, and open it in a browser
    Open(open::OpenArgs),
    /// Send observations and photos to a hub, as a device does: GeoJSON or a Camtrap DP folder; again and again if you like
    Send(send::SendArgs),
    /// Bring this hub and another one to the same, both ways; the first time with the code that the other manager's page shows
    Sync(sync::SyncArgs),
    /// List the devices that have joined, with what is here of each and what is missing
    Devices(devices::DevicesArgs),
    /// Copy everything to a folder or drive, and verify the copy by reading it back
    Export(export::ExportArgs),
    /// List the drives that are plugged in, and whether a copy of everything fits on them
    Drives(drives::DrivesArgs),
    /// Take in a copy from a drive, or a file that the phone app saved, as if it had been handed over
    Import(import::ImportArgs),
    /// Begin a hub with what a copy on a drive has: after a laptop was lost
    Restore(restore::RestoreArgs),
    /// Re-read a data folder or a bundle, and say what is wrong
    Verify(verify::VerifyArgs),
    /// Write the phone app out as a folder of static files, to put on an https origin from which phones install it
    PhoneApp(phone_app::PhoneAppArgs),
    /// Show a hub at work: on a temporary folder, with simulated devices that announce, join and send while you watch
    Demo(demo::DemoArgs),
}

/// What a command comes to: an exit code, or an error that is printed with all its causes.
pub(crate) type Outcome = Result<ExitCode, Box<dyn Error + Send + Sync>>;

/// Runs what the command line asks for.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    log(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Open(args) => open::run(args).await,
            Command::Send(args) => send::run(args).await,
            Command::Sync(args) => sync::run(args).await,
            Command::Devices(args) => devices::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Import(args) => import::run(args).await,
            Command::Drives(args) => drives::run(args).await,
            Command::Restore(args) => restore::run(args).await,
            Command::Verify(args) => verify::run(args).await,
            Command::PhoneApp(args) => phone_app::run(&args),
            Command::Demo(args) => demo::run(args).await,
        }
    });
    // Blocking readers may still be at a slow disk; nothing that they do needs to be waited for.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    outcome.unwrap_or_else(|error| failed(&*error))
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("maloca: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

fn log(verbose: bool) {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    use tracing_subscriber::{EnvFilter, fmt};
    let default =
        if verbose { "info,maloca_hub=debug,maloca_protocol=debug" } else { "warn,maloca_hub=info,maloca_protocol=info" };
    let filter = EnvFilter::try_from_env("MALOCA_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    let shown = fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false);
    // For whoever is asked for help later: in plain letters, whatever the terminal can do.
    let kept = fmt::layer().with_writer(|| Pen).with_ansi(false).with_target(false);
    tracing_subscriber::registry().with(filter).with(shown).with(kept).init();
}

/// Where the data lies when nothing is said.
pub(crate) fn default_data() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_else(|| PathBuf::from(".")).join(".local/share");
    std::env::var_os("XDG_DATA_HOME").map_or_else(home, PathBuf::from).join("maloca")
}

/// The data folder, as every command takes it.
#[derive(clap::Args)]
pub(crate) struct DataArg {
    /// The data folder [default: maloca in $XDG_DATA_HOME or ~/.local/share]
    #[arg(long, value_name = "DIR", env = "MALOCA_DATA")]
    data: Option<PathBuf>,
}

impl DataArg {
    /// The folder that was named, or the default one.
    pub(crate) fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(default_data)
    }
}

//! `maloca phone-app`: writes the phone app out as a folder of static files, for whoever has an https origin to put it on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Outcome;

/// What `maloca phone-app` takes.
#[derive(clap::Args)]
pub(crate) struct PhoneAppArgs {
    /// The folder to write to; made where it is missing, and must be empty
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

/// Where the app lies among the pages.
const HERE: &str = "phone/";

/// Runs the command.
pub(crate) fn run(args: &PhoneAppArgs) -> Outcome {
    let names = maloca_webui::names(HERE);
    if names.is_empty() {
        return Err("this program was built without its pages; run `make`, which builds them first".into());
    }
    let files = write(&args.to, &names).map_err(|error| format!("cannot write to {}: {error}", args.to.display()))?;
    println!("{files} files in {}", args.to.display());
    println!("Put the folder on any https origin, then start the hub with --allow-origin https://that.origin");
    Ok(ExitCode::SUCCESS)
}

fn write(to: &Path, names: &[String]) -> io::Result<usize> {
    fs::create_dir_all(to)?;
    // What lies there may be somebody's, or an older version, of which pieces would stay.
    if fs::read_dir(to)?.next().is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty; name another, or empty it first"));
    }
    for name in names {
        let Some(file) = maloca_webui::file(name) else { continue };
        let path = to.join(name.trim_start_matches(HERE));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, &file.data)?;
    }
    Ok(names.len())
}

//! `maloca drives`: which drives are plugged in, and whether a copy of everything fits on them.

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;

use super::control::Control;
use super::{DataArg, Outcome};
use crate::export;
use crate::export::drives::{self, Place, Use};
use crate::files::Files;
use crate::store::{self, Store};

/// What `maloca drives` takes.
#[derive(clap::Args)]
pub(crate) struct DrivesArgs {
    #[command(flatten)]
    data: DataArg,
    /// Print them as JSON, one a line
    #[arg(long)]
    json: bool,
}

/// The answer of `GET /admin/places`, as far as it is needed here.
#[derive(Deserialize)]
struct Places {
    needed_bytes: u64,
}

/// Runs the command.
pub(crate) async fn run(args: DrivesArgs) -> Outcome {
    let data = args.data.folder();
    let needed = match Control::find(&data).await? {
        Some(control) => Some(control.get::<Places>("/admin/places").await?.needed_bytes),
        None => at_rest(&data)?,
    };
    let places: Vec<Place> = drives::places(Use::Read).into_iter().filter(|place| place.removable).collect();
    for place in &places {
        if args.json { println!("{}", serde_json::to_string(place)?) } else { println!("{}", line(place, needed)) }
    }
    if places.is_empty() && !args.json {
        println!("No drive is plugged in, or none is mounted: open it in the file manager once.");
    }
    if let Some(needed) = needed.filter(|_| !args.json) {
        println!("A copy of everything takes about {}.", megabytes(needed));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a copy of a hub that does not run takes; `None` where there is none.
fn at_rest(data: &Path) -> Result<Option<u64>, Box<dyn std::error::Error + Send + Sync>> {
    if !data.join(store::FILE).is_file() {
        return Ok(None);
    }
    let (store, writer) = Store::open(store::Opener::new(Files::real(), data))?;
    let needed = store.snapshot().and_then(|view| export::estimate(&view));
    drop(store);
    writer.join();
    Ok(Some(needed?))
}

fn line(place: &Place, needed: Option<u64>) -> String {
    let Place { path, label, free_bytes, size_bytes, filesystem, .. } = place;
    let of = |bytes: &Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), megabytes);
    let fits = match (needed, free_bytes) {
        _ if place.read_only => ", can only be read",
        (Some(needed), Some(free)) if needed > *free => ", too small for a copy of everything",
        _ => "",
    };
    format!("{label}: {} free of {}, {filesystem}{fits}\n  {path}", of(free_bytes), of(size_bytes))
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

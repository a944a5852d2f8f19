//! `maloca drives`: which drives are plugged in, and whether a copy of everything fits on them.

use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::control::Control;
use super::{DataArg, Outcome};
use crate::export;
use crate::export::drives::{self, Place, Use};
use crate::export::standing::NewHere;
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
    places: Vec<ToCopy>,
    needed_bytes: u64,
}

/// A place as a running hub sees it.
#[derive(Deserialize)]
struct ToCopy {
    path: String,
    new: Option<NewHere>,
}

/// A drive as it is printed as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    place: &'a Place,
    /// What a running hub has that it lacks.
    new: Option<&'a NewHere>,
}

/// Runs the command.
pub(crate) async fn run(args: DrivesArgs) -> Outcome {
    let data = args.data.folder();
    // What a drive lacks is told by a hub that runs.
    let (needed, known) = match Control::find(&data).await? {
        Some(control) => {
            let answer: Places = control.get("/admin/places").await?;
            (Some(answer.needed_bytes), answer.places)
        }
        None => (at_rest(&data)?, Vec::new()),
    };
    let places: Vec<Place> = drives::places(Use::Read).into_iter().filter(|place| place.removable).collect();
    for place in &places {
        let new = known.iter().find(|known| known.path == place.path).and_then(|known| known.new.as_ref());
        if args.json {
            println!("{}", serde_json::to_string(&Shown { place, new })?);
        } else {
            println!("{}", line(place, needed));
            if let Some(new) = new {
                println!("  {}", news(new));
            }
        }
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

fn news(new: &NewHere) -> String {
    let NewHere { since, observations, media, needed_bytes } = new;
    let day = &since[..since.len().min(10)];
    match (observations, media) {
        (0, 0) => format!("everything was copied to it on {day}"),
        _ => format!(
            "new since its copy of {day}: {observations} observations, {media} media files, about {}",
            megabytes(*needed_bytes)
        ),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

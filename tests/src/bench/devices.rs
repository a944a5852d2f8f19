//! Very many devices at once, on a disk as it is and on one where each flush takes 20 ms longer, as on an old laptop's.
//!
//! The slow disk is `tests/bench-peers/slow-flush.c`, built here and loaded before the hub's own C library: the flush is made, but
//! later. Every round has a hub and a folder of its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::runtime::Handle;

use super::content::Maker;
use super::cost::{cpu_of, status};
use super::load::{Poured, join, pour, sign};
use super::peers::table::{bytes, seconds, thousands};
use super::{Error, Extent, median, progress};
use crate::hub::{TestHub, folder};

/// One row.
struct Crowd {
    devices: usize,
    /// Records in a request.
    records: usize,
    /// Requests of each device, one after the other: enough for some seconds.
    requests: usize,
    /// What each flush takes longer, milliseconds.
    slower: u32,
    /// Acknowledged records a second that the design asks for.
    target: Option<u32>,
}

const CROWDS: [Crowd; 5] = [
    Crowd { devices: 128, records: 10, requests: 60, slower: 0, target: Some(20_000) },
    Crowd { devices: 128, records: 1, requests: 120, slower: 0, target: None },
    Crowd { devices: 128, records: 10, requests: 30, slower: 20, target: None },
    Crowd { devices: 128, records: 1, requests: 60, slower: 20, target: Some(2_000) },
    Crowd { devices: 512, records: 1, requests: 40, slower: 20, target: Some(6_000) },
];

/// Measures all crowds and gives the table.
///
/// # Errors
/// Where a hub does not do what it should.
pub fn run(runtime: &Handle, extent: Extent) -> Result<String, Error> {
    let built = folder();
    let slow = slow_flush(built.path());
    let mut text = String::from(
        "| devices | records a request | a flush takes | rounds | acknowledged | target | a request waits | 1 of 100 waits | hub CPU a 1,000 | memory |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut missing = None;
    for crowd in &CROWDS {
        let library = match (&slow, crowd.slower) {
            (_, 0) => None,
            (Ok(library), _) => Some(library.as_path()),
            (Err(error), _) => {
                missing = Some(format!("\nThe rows with slow flushes are missing: {error}\n"));
                continue;
            }
        };
        let mut rounds = Vec::new();
        for round in 1..=extent.rounds.min(3) {
            let Crowd { devices, records, slower, .. } = crowd;
            progress(&format!("{devices} devices, {records} records a request, flushes {slower} ms slower, round {round}"));
            rounds.push(runtime.block_on(Box::pin(one(crowd, library)))?);
        }
        let middle = |pick: &dyn Fn(&Round) -> f64| median(rounds.iter().map(pick));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} /s | {} | {} | {} | {} | {} |",
            crowd.devices,
            crowd.records,
            if crowd.slower > 0 { format!("{} ms longer", crowd.slower) } else { "its time".into() },
            rounds.len(),
            thousands(middle(&|round| round.poured.rate())),
            crowd.target.map_or_else(|| "–".into(), |target| format!("≥ {} /s", thousands(target.into()))),
            seconds(middle(&|round| round.poured.waits()[0])),
            seconds(middle(&|round| round.poured.waits()[1])),
            seconds(middle(&|round| round.cpu)),
            bytes(middle(&|round| round.memory)),
        );
    }
    Ok(text + &missing.unwrap_or_default())
}

struct Round {
    poured: Poured,
    /// CPU of the hub for a thousand records, seconds.
    cpu: f64,
    memory: f64,
}

async fn one(crowd: &Crowd, slow: Option<&Path>) -> Result<Round, Error> {
    let (data, photos) = (folder(), folder());
    let mut command = TestHub::command(data.path());
    if let Some(library) = slow {
        command.env("LD_PRELOAD", library).env("SLOW_FLUSH_MS", crowd.slower.to_string());
    }
    let hub = TestHub::spawn(&mut command, data.path()).map_err(|(status, log)| format!("the hub ended with {status}: {log}"))?;
    let devices = join(&hub, crowd.devices).await?;
    let signed = sign(&mut Maker::new(photos.path()), &devices, crowd.requests, crowd.records)?;
    let before = cpu_of(hub.process())?;
    let poured = pour(&devices, signed).await?;
    let cpu = (cpu_of(hub.process())? - before) / poured.records as f64 * 1e3;
    let memory = status(hub.process(), "VmHWM");
    progress(&format!("  {:.0} acknowledged a second", poured.rate()));
    hub.stop();
    Ok(Round { poured, cpu, memory })
}

/// Builds the library that makes flushes slow.
fn slow_flush(into: &Path) -> Result<PathBuf, Error> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-peers/slow-flush.c");
    let library = into.join("slow-flush.so");
    let out = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").output();
    let out = out.map_err(|error| format!("there is no C compiler cc ({error})"))?;
    if out.status.success() { Ok(library) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned().into()) }
}

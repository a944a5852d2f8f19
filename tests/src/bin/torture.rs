//! `make torture HOURS=n`: the fault rig in its long form, resumable.
//!
//! Every row in turn, a chunk at a time, each in a process of its own with a new seed, until the hours are over; the row that is
//! furthest from its mark comes first. What was reached is kept in a file, by which the next run goes on; a chunk that did not
//! end well counts for nothing. A seed that failed is kept there too, with the command that replays it, and fails the whole at
//! the end. Interrupted, it ends the chunk that is running, with every hub that this has started, and tells what was reached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use maloca_tests::lan::refusal;
use maloca_tests::rows::{ROWS, Row, Run};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

type Error = Box<dyn std::error::Error>;

/// What is known of a row from all runs so far.
#[derive(Default)]
struct Record {
    done: u64,
    failed: Vec<String>,
}

fn main() -> Result<ExitCode, Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["row", name, seed, count] => one(name, seed.parse()?, count.parse()?),
        ["for", hours, file] => {
            let time = Duration::from_secs_f64(hours.parse::<f64>()? * 3_600.0);
            Run::block_on(long(time, Path::new(file)))
        }
        _ => Err("usage: torture for HOURS FILE | torture row NAME SEED COUNT".into()),
    }
}

/// One chunk, in this process.
fn one(name: &str, seed: u64, count: u64) -> Result<ExitCode, Error> {
    let row = ROWS.iter().find(|row| row.name == name).ok_or_else(|| format!("there is no row {name}"))?;
    let (mut run, begun) = (Run::new(seed, count), Instant::now());
    (row.run)(&mut run);
    eprintln!("{}", run.line(row, begun.elapsed()));
    println!("{}", json!({ "done": run.done, "skipped": run.skipped }));
    Ok(ExitCode::SUCCESS)
}

async fn long(time: Duration, file: &Path) -> Result<ExitCode, Error> {
    let begun = Instant::now();
    let mut records = read(file)?;
    // What failed has had its turn, though nothing was reached: a row that fails at once must not keep the others from theirs.
    let mut in_vain: BTreeMap<&str, u64> = BTreeMap::new();
    let refused = |row: &&&Row| row.lan.and_then(refusal).map(|why| (row.name, why));
    let mut skipped: BTreeMap<&str, String> = ROWS.iter().filter_map(|row| refused(&row)).collect();
    let (mut failures, mut was_interrupted) = (0, false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    while begun.elapsed() < time {
        let share = |row: &Row| {
            let reached = records.get(row.name).map_or(0, |record| record.done);
            (reached + in_vain.get(row.name).copied().unwrap_or_default()) as f64 / row.mark as f64
        };
        let open = ROWS.iter().filter(|row| !skipped.contains_key(row.name));
        let Some(row) = open.min_by(|a, b| share(a).total_cmp(&share(b))) else { break };
        let seed: u64 = rand::random();
        let child = command(row, seed).spawn()?;
        let group = child.id().and_then(|id| Some(Pid::from_raw(id.try_into().ok()?)));
        let output = tokio::select! {
            output = child.wait_with_output() => Some(output?),
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        };
        let Some(output) = output else {
            // The row's hubs and devices are of its group. It may have ended just now.
            let _ = group.map(|group| killpg(group, Signal::SIGKILL));
            was_interrupted = true;
            break;
        };
        let record = records.entry(row.name.to_owned()).or_default();
        match said(&output) {
            Some(said) => {
                if let Some(why) = said["skipped"].as_str() {
                    skipped.insert(row.name, why.to_owned());
                }
                record.done += said["done"].as_u64().unwrap_or_default();
                eprint!("{}", String::from_utf8_lossy(&output.stderr));
            }
            None => {
                failures += 1;
                let again = again(row, seed);
                eprintln!("FAILED, replay with: {again}\n{}", String::from_utf8_lossy(&output.stderr));
                record.failed.push(again);
                *in_vain.entry(row.name).or_default() += row.chunk;
                // What a panic has left behind, it has no use for.
                let _ = group.map(|group| killpg(group, Signal::SIGKILL));
            }
        }
        write(file, &records)?;
    }
    println!("\n{:<12} {:>12} {:>12}  failed", "row", "reached", "mark");
    for row in ROWS {
        let record = records.get(row.name);
        let (done, failed) = record.map_or((0, 0), |record| (record.done, record.failed.len()));
        println!("{:<12} {done:>12} {:>12}  {failed}", row.name, row.mark);
    }
    for (row, why) in skipped {
        println!("SKIPPED: {row}: {why}");
    }
    Ok(match (was_interrupted, failures) {
        (true, _) => ExitCode::from(130),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

/// What a chunk that ended well has said.
fn said(output: &Output) -> Option<Value> {
    let lines = output.stdout.split(|byte| *byte == b'\n');
    lines.into_iter().find_map(|line| serde_json::from_slice(line).ok()).filter(|_| output.status.success())
}

/// The command that replays a chunk.
fn again(row: &Row, seed: u64) -> String {
    let namespaces = if row.lan.is_some() { "unshare -Urnm " } else { "" };
    format!("{namespaces}target/release/torture row {} {seed} {}", row.name, row.chunk)
}

fn command(row: &Row, seed: u64) -> Command {
    let itself = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("target/release/torture"));
    let mut command = if row.lan.is_some() {
        let mut command = Command::new("unshare");
        command.args(["-Urnm", "--kill-child"]).arg(itself);
        command
    } else {
        Command::new(itself)
    };
    command.args(["row", row.name, &seed.to_string(), &row.chunk.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

fn read(file: &Path) -> Result<BTreeMap<String, Record>, Error> {
    let text = match std::fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text?,
    };
    let all: BTreeMap<String, Value> = serde_json::from_slice(&text)?;
    let record = |value: &Value| Record {
        done: value["done"].as_u64().unwrap_or_default(),
        failed: value["failed"].as_array().into_iter().flatten().filter_map(|seed| Some(seed.as_str()?.to_owned())).collect(),
    };
    Ok(all.iter().map(|(name, value)| (name.clone(), record(value))).collect())
}

/// Whole or not at all: the machine may be switched off in the middle of the night.
fn write(file: &Path, records: &BTreeMap<String, Record>) -> Result<(), Error> {
    let all: BTreeMap<&String, Value> =
        records.iter().map(|(name, record)| (name, json!({ "done": record.done, "failed": record.failed }))).collect();
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_vec_pretty(&all)?)?;
    Ok(std::fs::rename(new, file)?)
}

//! `make torture HOURS=n`: the fault rig in its long form, resumable.
//!
//! Every row in turn, a chunk at a time, each in a process of its own with a new seed, until the hours are over; the row that is
//! furthest from its mark comes first. What was reached is kept in a file, by which the next run goes on. A seed that failed is
//! kept there too, with the command that replays it, and fails the whole at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use maloca_tests::rows::{ROWS, Row, Run};
use serde_json::{Value, json};

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
        ["for", hours, file] => long(Duration::from_secs_f64(hours.parse::<f64>()? * 3_600.0), Path::new(file)),
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

fn long(time: Duration, file: &Path) -> Result<ExitCode, Error> {
    let begun = Instant::now();
    let mut records = read(file)?;
    let mut skipped: BTreeMap<&str, String> = BTreeMap::new();
    let mut failures = 0;
    while begun.elapsed() < time {
        let share = |row: &Row| records.get(row.name).map_or(0, |record| record.done) as f64 / row.mark as f64;
        let open = ROWS.iter().filter(|row| !skipped.contains_key(row.name));
        let Some(row) = open.min_by(|a, b| share(a).total_cmp(&share(b))) else { break };
        let seed: u64 = rand::random();
        let output = command(row, seed).output()?;
        let record = records.entry(row.name.to_owned()).or_default();
        let said: Option<Value> = output.stdout.split(|byte| *byte == b'\n').find_map(|line| serde_json::from_slice(line).ok());
        match said {
            Some(said) if output.status.success() => {
                if let Some(why) = said["skipped"].as_str() {
                    skipped.insert(row.name, why.to_owned());
                }
                record.done += said["done"].as_u64().unwrap_or_default();
                eprint!("{}", String::from_utf8_lossy(&output.stderr));
            }
            _ => {
                failures += 1;
                let again = format!("target/release/torture row {} {seed} {}", row.name, row.chunk);
                eprintln!("FAILED, replay with: {again}\n{}", String::from_utf8_lossy(&output.stderr));
                record.failed.push(again);
                // A row that fails at once must not spin; the others are worth more than its next failure.
                record.done += row.chunk;
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
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

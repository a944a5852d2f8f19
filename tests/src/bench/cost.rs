//! What a piece of work cost the receiver, as the kernel counts it.
//!
//! The sections put a [`Meter`] around each piece of work. It counts the receiving process with its children, ended ones
//! included. Bytes on the wire are those of the whole loopback, headers and all; `tests/bench` therefore gives the bench a
//! network namespace of its own, where nothing else talks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Error, median};

/// How often memory is looked at; a process that lives shorter than this may be missed.
const SAMPLED: Duration = Duration::from_millis(5);

/// How long children that have done their work may take to end.
const ENDING: Duration = Duration::from_millis(500);

/// What one piece of work took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Seconds until the sender knew that all had arrived.
    pub wall: f64,
    /// Seconds of CPU of the receiver. The kernel counts in steps of 10 ms.
    pub cpu: f64,
    /// The most memory that the receiver held at a time during this work, bytes.
    pub memory: f64,
    /// Bytes on the loopback.
    pub wire: f64,
    /// Bytes that the receiver caused to be written to disk.
    pub written: f64,
}

impl Cost {
    /// The middle of each column by itself.
    #[must_use]
    pub fn median(costs: &[Self]) -> Self {
        let middle = |pick: fn(&Self) -> f64| median(costs.iter().map(pick));
        Self {
            wall: middle(|cost| cost.wall),
            cpu: middle(|cost| cost.cpu),
            memory: middle(|cost| cost.memory),
            wire: middle(|cost| cost.wire),
            written: middle(|cost| cost.written),
        }
    }
}

/// Measures from [`Meter::start`] to [`Meter::stop`].
#[derive(Debug)]
pub struct Meter {
    process: u32,
    before: Counts,
    wire: f64,
    sampler: JoinHandle<f64>,
    ended: Arc<AtomicBool>,
    begun: Instant,
}

impl Meter {
    /// Begins to measure a receiver.
    ///
    /// # Errors
    /// Where the kernel does not say what is asked.
    pub fn start(process: u32) -> Result<Self, Error> {
        for member in family(process) {
            // Sets the peak back to what is held now.
            let _ = std::fs::write(format!("/proc/{member}/clear_refs"), "5");
        }
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        let sampler = std::thread::spawn(move || {
            let mut most = 0.0_f64;
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(SAMPLED);
                most = most.max(family(process).iter().map(|member| status(*member, "VmHWM")).sum());
            }
            most
        });
        let (before, wire) = (Counts::of(process)?, loopback_bytes()?);
        Ok(Self { process, before, wire, sampler, ended, begun: Instant::now() })
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where the receiver is gone.
    pub fn stop(self) -> Result<Cost, Error> {
        let wall = self.begun.elapsed().as_secs_f64();
        let wire = loopback_bytes()? - self.wire;
        self.ended.store(true, Ordering::Relaxed);
        let memory = self.sampler.join().map_err(|_| "the sampler broke down")?;
        // A daemon's child may still be writing the last bytes; they are its cost too.
        let waiting = Instant::now();
        while family(self.process).len() > self.before.members && waiting.elapsed() < ENDING {
            std::thread::sleep(Duration::from_millis(5));
        }
        let after = Counts::of(self.process)?;
        Ok(Cost { wall, cpu: after.cpu - self.before.cpu, memory, wire, written: after.written - self.before.written })
    }
}

#[derive(Debug)]
struct Counts {
    cpu: f64,
    written: f64,
    members: usize,
}

impl Counts {
    fn of(process: u32) -> Result<Self, Error> {
        let members = family(process);
        if !Path::new(&format!("/proc/{process}")).exists() {
            return Err("the receiver has ended".into());
        }
        // What ended children used has been added to their parent by the kernel.
        let written = members.iter().map(|member| field(&format!("/proc/{member}/io"), "write_bytes").unwrap_or(0.0)).sum();
        Ok(Self { cpu: members.iter().map(|member| cpu_of(*member).unwrap_or(0.0)).sum(), written, members: members.len() })
    }
}

/// A process and its living descendants.
fn family(process: u32) -> Vec<u32> {
    let mut members = vec![process];
    let mut at = 0;
    while let Some(member) = members.get(at).copied() {
        at += 1;
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{member}/task")) else { continue };
        for task in tasks.flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            members.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    members
}

/// Seconds of CPU that a process and its ended children have used, in user and kernel.
///
/// # Errors
/// Where there is no such process.
pub fn cpu_of(process: u32) -> Result<f64, Error> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold anything but is in brackets; what follows it is numbers.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields[11..15].iter().map(|field| field.parse::<f64>()).sum::<Result<f64, _>>()?;
    Ok(ticks / nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100) as f64)
}

/// Bytes of memory, by the name that `/proc/PID/status` gives them: `VmRSS` now, `VmHWM` at most. None where it has ended.
#[must_use]
pub fn status(process: u32, name: &str) -> f64 {
    field(&format!("/proc/{process}/status"), name).map_or(0.0, |kilobytes| kilobytes * 1024.0)
}

/// The number behind `name:` in a file of the kernel's.
fn field(file: &str, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

fn loopback_bytes() -> Result<f64, Error> {
    let table = std::fs::read_to_string("/proc/net/dev")?;
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:")).ok_or("there is no loopback")?;
    Ok(line.split_whitespace().next().ok_or("no count")?.parse()?)
}

/// What a folder takes on disk, bytes, as `du` counts.
///
/// # Errors
/// Where it cannot be read.
pub fn on_disk(folder: &Path) -> Result<f64, Error> {
    use std::os::unix::fs::MetadataExt as _;
    let mut blocks = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        blocks += about.blocks();
        if about.is_dir() {
            blocks += (on_disk(&entry.path())? / 512.0) as u64;
        }
    }
    Ok(blocks as f64 * 512.0)
}

/// What this was measured on, by what the kernel says of itself.
#[must_use]
pub fn machine(folder: &Path) -> BTreeMap<&'static str, String> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let name = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| Some(line.strip_prefix("model name")?.split(':').nth(1)?.trim().to_owned()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or(0.0) / 1024.0 / 1024.0;
    let disk = std::process::Command::new("stat").args(["-f", "-c", "%T"]).arg(folder).output();
    let disk = disk.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    BTreeMap::from([
        ("processor", format!("{}, {cores} cores", name.unwrap_or_else(|| "an unknown processor".into()))),
        ("memory", format!("{memory:.0} GiB")),
        ("kernel", format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
        ("disk of the folders", disk),
    ])
}

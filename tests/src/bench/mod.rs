//! The bench: this hub beside its peers, at growing sizes, under many devices, and its export beside `cp`.
//!
//! `src/bin/bench.rs` calls the sections in the order below; `tests/bench` prepares what they need. Each promises: only what
//! the kernel counted is reported; every receiver is a process of its own, on loopback, on a folder that goes with the round;
//! what could not be measured is named with its reason; time is bounded, and where that cost rounds, their number is said.

pub mod content; // what is handed over: records of 1 KB, photos of 500 KB
pub mod cost; // what it cost the receiver: time, CPU, memory, bytes
pub mod flushes; // how often it asked the disk to keep what was written
pub mod peers; // section: one piece of work after another, side by side
pub mod load; // many clients at once, signing done ahead
pub mod scale; // section: from a thousand records to a million
pub mod devices; // section: 128 and 512 devices at once, on disks fast and slow
pub mod export; // section: a copy to a drive beside `cp` and `sync`
pub mod plot; // a picture of cost against size
pub mod report; // BENCHMARKS.md

/// What ended a measurement.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rounds of each piece of work.
    pub rounds: usize,
    /// Whether other programs are measured too, and the sizes that take minutes.
    pub whole: bool,
}

/// The middle of some values; of none, nothing.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Says where the bench is, so that nobody takes it for hanging.
pub fn progress(what: &str) {
    eprintln!("bench: {what}");
}

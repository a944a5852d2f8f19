//! The fault rig: what can go wrong, row by row, and how often each has been tried.
//!
//! A row inflicts faults on a hub and holds it against a model of what was acknowledged: exactly that must be there, no wrong
//! byte may be served, and nobody may have to mend anything by hand. `tests/tests/faults*.rs` runs each row in its short form,
//! `make torture` in its long one, through the same function. A row also runs with planted bugs, its negative controls: one
//! that does not notice them proves nothing.
//!
//! Each run prints its seed; `MALOCA_SEED` replays it, `MALOCA_COUNT` makes it longer or shorter.

pub mod disk_faults; // a disk that fails or is full, at every operation
pub mod power; // power cuts on a simulated disk
pub mod rot; // bytes that change by themselves
pub mod held; // the model of what was acknowledged
pub mod kill; // kill -9 under load
pub mod powercut; // the power of a whole machine
pub mod uploads; // corrupt and truncated uploads
pub mod chaos; // requests lost, doubled, reordered
pub mod slow; // connections that do not go on
pub mod clocks; // clocks that are off by years
pub mod full_disk; // a disk that fills under the real hub
pub mod walkers; // devices as real processes
pub mod frozen; // devices that freeze in mid-sync
pub mod lossy; // networks that lose packets, and routes that swallow them

use std::future::Future;
use std::io::Write as _;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// A row of the rig.
pub struct Row {
    /// One word, by which `make torture` and its records name it.
    pub name: &'static str,
    /// What is inflicted, for people.
    pub what: &'static str,
    /// How many faults each `make test` inflicts.
    pub short: u64,
    /// How many `make torture` shall have inflicted, over time.
    pub mark: u64,
    /// How many `make torture` inflicts in one process.
    pub chunk: u64,
    /// Whether it needs namespaces of its own, and then which programs beside `unshare` and `ip`.
    pub lan: Option<&'static [&'static str]>,
    /// Inflicts `run.count` faults, counting each in `run.done`.
    ///
    /// # Panics
    /// At the first thing that is not as promised.
    pub run: fn(&mut Run),
}

/// Every row, in the order of `make torture`.
pub const ROWS: &[&Row] = &[
    &kill::ROW,
    &power::ROW,
    &disk_faults::EIO,
    &disk_faults::SPACE,
    &powercut::ROW,
    &powercut::lies::ROW,
    &full_disk::ROW,
    &rot::ROW,
    &uploads::ROW,
    &chaos::ROW,
    &slow::ROW,
    &frozen::ROW,
    &lossy::BLACKHOLE,
    &clocks::ROW,
    &lossy::ROW,
];

/// One run of a row.
pub struct Run {
    /// What `random` grew from.
    pub seed: u64,
    /// How many faults are asked for.
    pub count: u64,
    /// How many were inflicted and withstood.
    pub done: u64,
    /// The one source of chance: the same seed makes the same run, as far as the machine's scheduling allows.
    pub random: StdRng,
    /// Further counts worth telling, such as how many records were acknowledged meanwhile.
    pub also: Vec<(&'static str, u64)>,
    /// Why the row could not be run here; set instead of counting.
    pub skipped: Option<String>,
}

impl Run {
    /// A run of `count` faults.
    #[must_use]
    pub fn new(seed: u64, count: u64) -> Self {
        Self { seed, count, done: 0, random: StdRng::seed_from_u64(seed), also: Vec::new(), skipped: None }
    }

    /// Adds to a further count.
    pub fn count(&mut self, what: &'static str, more: u64) {
        match self.also.iter_mut().find(|(name, _)| *name == what) {
            Some((_, count)) => *count += more,
            None => self.also.push((what, more)),
        }
    }

    /// Runs something that waits, on two threads.
    ///
    /// # Panics
    /// Where the system gives no threads.
    pub fn block_on<R>(future: impl Future<Output = R>) -> R {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("threads").block_on(future)
    }

    /// One line for people: what was inflicted, how often, what else was counted, and how long it took.
    #[must_use]
    pub fn line(&self, row: &Row, took: Duration) -> String {
        let also: String = self.also.iter().map(|(what, count)| format!(", {count} {what}")).collect();
        format!(
            "ROW {:<12} {} of {}: {}{also} ({:.1} s, seed {})",
            row.name,
            self.done,
            self.count,
            row.what,
            took.as_secs_f64(),
            self.seed
        )
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Whether a run notices a planted bug: the negative control, without which a row proves nothing.
#[must_use]
pub fn notices(count: u64, planted: impl FnOnce(&mut Run)) -> bool {
    let seed = number("MALOCA_SEED").unwrap_or_else(rand::random);
    let _ = writeln!(std::io::stderr(), "a planted bug: MALOCA_SEED={seed}");
    let mut run = Run::new(seed, count);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| planted(&mut run))).is_err()
}

/// Where `MALOCA_LOG` asks for it, shows what hubs in this process log.
pub fn listen() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("MALOCA_LOG") {
        // A second row in one process finds it done.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    }
}

/// Runs a row in its short form, as a test, and tells what it did past the test runner's capture, to `$MALOCA_ROWS` too. The
/// test is called `<name of the row>::row`, by which it is found again where it needs namespaces.
///
/// # Panics
/// Where the row does, or inflicts less than it says.
pub fn in_a_test(row: &Row) {
    let Some(tools) = row.lan else { return short(row) };
    if let Some(said) = crate::lan::inside(&format!("{}::row", row.name), tools, || short(row)) {
        let told = said.lines().filter(|line| line.starts_with("ROW ") || line.starts_with("SKIPPED"));
        let _ = std::io::stderr().write_all(told.map(|line| format!("{line}\n")).collect::<String>().as_bytes());
    }
}

fn short(row: &Row) {
    let mut run = Run::new(number("MALOCA_SEED").unwrap_or_else(rand::random), number("MALOCA_COUNT").unwrap_or(row.short));
    let _ = writeln!(std::io::stderr(), "row {}: MALOCA_SEED={}", row.name, run.seed);
    listen();
    let begun = Instant::now();
    (row.run)(&mut run);
    if let Some(why) = &run.skipped {
        return crate::skip(row.name, why);
    }
    assert!(run.done >= run.count, "row {} inflicted {} of {} faults", row.name, run.done, run.count);
    let line = run.line(row, begun.elapsed()) + "\n";
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(file) = std::env::var_os("MALOCA_ROWS") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file named by MALOCA_ROWS can be appended to");
    }
}

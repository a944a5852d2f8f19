//! Row `power`: the power goes at a random operation of the disk, and in a quarter of the cases again while the hub starts.
//!
//! Each cut is followed by a start on what the disk then holds and by a look at everything that was acknowledged. Controls:
//! media that are not synced, folders that are not synced, a database that is not synced, and a model that believes too soon.

use super::{Row, Run};
use crate::sim::disk::{Fault, Lies, SimDisk};
use crate::sim::hub::{SimHub, faults};
use crate::sim::life::Life;
use rand::{RngExt as _, SeedableRng as _};

/// The row.
pub static ROW: Row = Row {
    name: "power",
    what: "simulated power cuts, a quarter of them again during recovery",
    short: 20_000,
    mark: 10_000_000,
    chunk: 20_000,
    lan: None,
    run: |run| in_halves(run, |half| with_lies(half, Lies::default(), false)),
};

/// Cuts before a disk is left for a new one: a history that grows makes each look dearer.
const CUTS_A_DISK: u64 = 40;

/// The row with planted bugs, on one thread.
///
/// # Panics
/// When it notices them.
pub fn with_lies(run: &mut Run, lies: Lies, believes_too_soon: bool) {
    while run.done < run.count {
        let seed = run.random.random();
        alone(disk(run, seed, lies, believes_too_soon));
    }
}

/// Disks share nothing, so each of two cores has its own.
pub(super) fn in_halves(run: &mut Run, row: impl Fn(&mut Run) + Sync) {
    let counts = [run.count / 2, run.count - run.count / 2];
    let seeds: [u64; 2] = run.random.random();
    let halves = std::thread::scope(|scope| {
        let threads = [0, 1].map(|n| {
            let (row, seed, count) = (&row, seeds[n], counts[n]);
            scope.spawn(move || {
                let mut half = Run::new(seed, count);
                row(&mut half);
                half
            })
        });
        threads.map(std::thread::ScopedJoinHandle::join)
    });
    for half in halves {
        let half = half.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        run.done += half.done;
        for (what, count) in half.also {
            run.count(what, count);
        }
    }
}

/// Runs a simulation on this thread, so that a seed is one order of events as far as possible.
pub(super) fn alone<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread").block_on(future)
}

async fn disk(run: &mut Run, seed: u64, lies: Lies, believes_too_soon: bool) {
    let disk = SimDisk::new(seed, lies);
    let mut life = Life::new(rand::rngs::StdRng::seed_from_u64(seed), believes_too_soon);
    let until = (run.done + CUTS_A_DISK).min(run.count);
    let (mut during, mut usual) = (0, 40);
    while run.done < until {
        // A quarter goes already while the hub starts; the first start counts, too: it makes everything.
        let early = life.random.random_range(0..4) == 0;
        if early {
            disk.set(life.random.random_range(0..40), Fault::Cut);
        }
        let hub = match SimHub::start(&disk).await {
            Ok(hub) => hub,
            Err(error) => {
                assert!(disk.is_dead(), "the hub does not start after a power cut: {error:?}");
                disk.cut();
                run.done += 1;
                during += 1;
                continue;
            }
        };
        // First no more faults, then the question whether there was one: in between something may still be written.
        disk.mend();
        if !disk.is_dead() {
            let thorough = life.random.random_range(0..8) == 0;
            life.model.hold(&hub, thorough).await;
            let before = disk.operations();
            disk.set(life.random.random_range(0..usual * 2), Fault::Cut);
            life.live(&hub, 8).await;
            usual = (usual * 3 + (disk.operations() - before)) / 4 + 4;
        }
        drop(hub);
        disk.cut();
        run.done += 1;
    }
    let hub = SimHub::start(&disk).await.expect("the last start");
    life.model.hold(&hub, true).await;
    life.finish_uploads(&hub).await;
    life.probe(&hub).await.expect("what is new is taken after a power cut");
    drop(hub);
    disk.kill();
    assert_eq!(faults(&disk), Vec::<String>::new(), "verify");
    run.count("of them during a start", during);
    run.count("revisions", life.model.revisions.values().filter(|(_, word)| word.is_some()).count() as u64);
    run.count("photos", life.model.photos.values().filter(|photo| photo.acknowledged).count() as u64);
}

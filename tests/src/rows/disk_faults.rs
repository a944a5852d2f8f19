//! Rows `eio` and `space`: every operation of the disk fails in turn, once or from then on; or finds no room.
//!
//! A stretch of life is recorded up to some point and then gone through again and again from there, each time with the fault at
//! the next operation. While the disk is ill the hub answers (never hangs, never shows a wrong byte; on a full disk it serves all
//! that it has); once the disk is well it takes in again by itself, without a new start; and what it acknowledged meanwhile is there
//! after a power cut. A sync that failed has lost what it was to write, as the kernel's do, though memory still shows it.
//! Control: a disk whose memory is believed after such a sync.

use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};

use super::power::{alone, in_halves};
use super::{Row, Run};
use crate::lan::PATIENCE;
use crate::sim::disk::{Fault, Lies, SimDisk};
use crate::sim::hub::{SimHub, faults};
use crate::sim::life::Life;

/// EIO.
pub static EIO: Row = Row {
    name: "eio",
    what: "EIO at every operation of the disk, once and sticky",
    short: 5_000,
    mark: 1_000_000,
    chunk: 5_000,
    lan: None,
    run: |run| in_halves(run, |half| stretches(half, &[Fault::Once, Fault::Sticky], Lies::default())),
};

/// ENOSPC.
pub static SPACE: Row = Row {
    name: "space",
    what: "no room at every operation of the disk",
    short: 2_000,
    mark: 200_000,
    chunk: 2_000,
    lan: None,
    run: |run| in_halves(run, |half| stretches(half, &[Fault::Full], Lies::default())),
};

/// The rows with planted bugs.
///
/// # Panics
/// When it notices them.
pub fn stretches(run: &mut Run, kinds: &[Fault], lies: Lies) {
    while run.done < run.count {
        let seed = run.random.random();
        alone(stretch(run, seed, kinds, lies));
    }
}

/// One stretch of life, with each fault at each of its operations.
async fn stretch(run: &mut Run, seed: u64, kinds: &[Fault], lies: Lies) {
    let disk = SimDisk::new(seed, lies);
    let mut life = Life::new(rand::rngs::StdRng::seed_from_u64(seed), false);
    let hub = SimHub::start(&disk).await.expect("a first start");
    life.live(&hub, 16).await;
    drop(hub);
    disk.kill();
    // How long it is when nothing goes wrong.
    let (whole, mut unharmed) = (disk.copy(seed), life.fork(seed));
    let hub = SimHub::start(&whole).await.expect("a start");
    unharmed.live(&hub, 6).await;
    let operations = whole.operations();
    drop(hub);
    for at in 0..operations {
        for kind in kinds {
            if run.done == run.count {
                return;
            }
            let (disk, mut life) = (disk.copy(seed ^ at), life.fork(seed));
            ill(&disk, &mut life, at, *kind).await;
            run.done += 1;
        }
    }
    run.count("stretches gone through whole", 1);
}

async fn ill(disk: &SimDisk, life: &mut Life, at: u64, kind: Fault) {
    disk.set(at, kind);
    let hub = match SimHub::start(disk).await {
        Ok(hub) => hub,
        Err(error) => {
            assert_ne!(kind, Fault::Full, "a hub that has data does not start on a full disk: {error:?}, {:?}", disk.failed());
            disk.mend();
            SimHub::start(disk).await.expect("a start on a disk that is well again")
        }
    };
    life.live(&hub, 6).await;
    if kind == Fault::Full {
        until_it_serves(&hub).await;
        life.model.hold(&hub, false).await;
    }
    disk.mend();
    // A device repeats what was not answered, and is told that it is here already: nothing is committed for that, so nothing makes
    // durable what is not. Else something new comes.
    let mut repeated = if at.is_multiple_of(4) { life.repeat(&hub).await } else { None };
    let begun = Instant::now();
    while let Err(answer) = if let Some(answer) = repeated { answer } else { life.probe(&hub).await } {
        assert!(
            begun.elapsed() < PATIENCE,
            "the hub takes nothing in, though its disk is well again: {answer:?}, {:?}",
            disk.failed()
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
        repeated = life.repeat(&hub).await;
    }
    if !at.is_multiple_of(4) {
        life.model.hold(&hub, false).await;
    }
    drop(hub);
    if at.is_multiple_of(2) {
        disk.cut();
    } else {
        disk.kill();
    }
    let hub = SimHub::start(disk).await.expect("a start on a disk that is well again");
    life.model.hold(&hub, true).await;
    life.finish_uploads(&hub).await;
    drop(hub);
    if at.is_multiple_of(16) {
        disk.kill();
        assert_eq!(faults(disk), Vec::<String>::new(), "verify");
    }
}

/// A database that found no room is opened again, which takes a moment and no room.
async fn until_it_serves(hub: &SimHub) {
    let begun = Instant::now();
    loop {
        let answer = hub.manager("GET", "/admin/overview", axum::body::Body::empty()).await;
        if answer.is_yes() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "on a full disk the hub does not serve what it has: {answer:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

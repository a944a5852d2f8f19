//! What a hub does by itself from time to time: writes down what devices told, shows how quickly they send and when they fall
//! silent, sweeps uploads that nobody will finish and contacts of long ago, keeps the disk's reserve, looks at media that nobody asks for, and copies
//! what is new to drives that the manager has marked.
//!
//! `cli/serve` starts it. It promises that a failure of one chore is said in the log and tried again, and ends nothing else.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::devices::log;
use crate::disk::{Need, Tended};
use crate::export::by_itself;
use crate::hub::Hub;
use crate::media::scrub;
use crate::media::sweep::sweep;
use crate::store::StoreError;

/// How often silence is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// Looks between two savings of what devices told.
const SAVE_EVERY: u64 = 5;

/// Looks between two sweeps.
const SWEEP_EVERY: u64 = 3_600;

/// How long after the last device was here media are still looked at, in milliseconds. With nobody about there is nobody to ask,
/// and a disk that sleeps saves power.
const ABOUT: i64 = 3_600_000;

/// Runs until the hub's shutdown, then saves once more.
pub async fn run(hub: Hub) {
    tokio::join!(chores(&hub), scrub(&hub), by_itself::watch(&hub));
    // What came since the last look is a part of its contact, too.
    drop(hub.devices.look(hub.clock.now()));
    report("what devices told last was not written down", hub.devices.save(&hub.store).await);
}

/// Looks at one media file a second while devices are about.
async fn scrub(hub: &Hub) {
    let mut after = None;
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = hub.shutdown.cancelled() => return,
            _ = looks.tick() => {}
        }
        let now = hub.clock.now();
        if hub.devices.last_seen().is_none_or(|seen| now.saturating_sub(seen) > ABOUT) {
            continue;
        }
        match scrub::next(&hub.store, &hub.media, after).await {
            Ok(looked_at) => after = looked_at,
            Err(error) => report("media were not looked at", Err(error)),
        }
    }
}

async fn chores(hub: &Hub) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = (0, 0);
    for look in 1_u64.. {
        tokio::select! {
            () = hub.shutdown.cancelled() => break,
            _ = looks.tick() => {}
        }
        tend(hub).await;
        // On a disk that is full or rots nothing is committed that would tell the page; whoever frees space there watches it.
        let disk = (hub.disk.lacks(0, Need::New).div_ceil(1_000_000), hub.store.rotten_places());
        if disk != before {
            hub.nudge.overview();
            before = disk;
        }
        for device in hub.devices.look(hub.clock.now()) {
            hub.nudge.device(device);
        }
        if look.is_multiple_of(SAVE_EVERY) {
            report("what devices told was not written down yet", hub.devices.save(&hub.store).await);
        }
        if look.is_multiple_of(SWEEP_EVERY) {
            report("old contacts were not forgotten", log::forget_old(&hub.store, hub.clock.now()).await);
            report("uploads were not swept", sweep(&hub.store, &hub.media, hub.clock.now(), &hub.uploads).await);
        }
    }
}

/// Other programs may fill the disk at any moment; then the reserve is what the hub still works with.
async fn tend(hub: &Hub) {
    let disk = hub.disk.clone();
    match tokio::task::spawn_blocking(move || disk.tend()).await {
        Ok(Ok(Tended::GivenUp)) => tracing::warn!("the disk is full; the reserve is in use now"),
        Ok(Ok(Tended::Taken)) => tracing::info!("there is room again, and the reserve is back"),
        Ok(Ok(Tended::AsItWas)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the reserve could not be kept"),
        Err(error) => tracing::warn!(%error, "the reserve was not looked at"),
    }
}

fn report(what: &str, done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
    }
}

//! Devices that freeze in the middle of a sync (SIGSTOP of a real `maloca send`), while others sync.
//!
//! In each round two devices are frozen at a random moment after they have begun and before they have ended; two others, which
//! come meanwhile, must finish. The hub must give back all that it held for the frozen ones; then they go on, and must arrive as
//! if nothing had been. Planted bug: see [`Lie`].

use maloca_protocol::DeviceId;
use rand::RngExt as _;

use super::walkers::{Walker, check_all};
use super::{Row, Run};
use crate::hub::{TestHub, fast_folder, verify};
use crate::lan::until;
use crate::manager::Manager;

/// See the module.
pub static ROW: Row = Row {
    name: "frozen",
    what: "devices frozen in mid-sync while others sync",
    short: 6,
    mark: 600,
    chunk: 20,
    lan: None,
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// A hub that waits for ever for those who are frozen.
    WaitsForEver,
    /// One observation more is expected than was made.
    Lost,
}

/// What the frozen ones and the others have with them.
const FROZEN: (usize, usize, usize) = (2_500, 8, 3_000_000);
const OTHERS: (usize, usize, usize) = (300, 3, 200_000);

/// Runs the row, perhaps with a planted bug.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    Run::block_on(inflict(run, lie));
}

async fn inflict(run: &mut Run, lie: Lie) {
    let data = fast_folder();
    let patience = if lie == Lie::WaitsForEver { "3600" } else { "1" };
    while run.done < run.count {
        let folder = data.path().join(run.done.to_string());
        let hub = TestHub::start_with(&folder, &["--patience", patience]);
        round(run, &hub, lie).await;
        assert!(hub.stop().success());
        verify(&folder);
        std::fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}

async fn round(run: &mut Run, hub: &TestHub, lie: Lie) {
    let (idle, manager) = (hub.open_sockets(), Manager::of(hub));
    let at = ["--hub", hub.https()];
    let mut new = |name: &str, (records, photos, most)| Walker::new(name, records, photos, most, &mut run.random);
    let mut walkers =
        vec![new("frozen one", FROZEN), new("frozen two", FROZEN), new("other one", OTHERS), new("other two", OTHERS)];
    let mut frozen = Vec::new();
    for walker in &mut walkers[..2] {
        walker.start(None, &at);
        // At some moment after the first of its things has come and before the last.
        let moment = run.random.random_range(0..FROZEN.0 + FROZEN.1 * 500);
        while walker.is_running() && came(walker, &manager).await <= moment {}
        frozen.push(walker.freeze() && walker.is_running());
    }
    for walker in &mut walkers[2..] {
        walker.start(None, &at);
    }
    for walker in &mut walkers[2..] {
        walker.arrives().await;
    }
    for (walker, was) in walkers[..2].iter_mut().zip(&frozen) {
        assert_eq!(walker.is_running(), *was, "one that is frozen has not moved");
        run.done += u64::from(*was);
    }
    // The manager's own connections are dropped before they are counted.
    drop(manager);
    let given_back = || hub.open_sockets() <= idle;
    if lie == Lie::WaitsForEver {
        assert!(given_back(), "the hub still waits for the frozen ones");
    }
    until("the hub gives back what it held for the frozen ones", given_back);
    for walker in &mut walkers[..2] {
        walker.thaw();
    }
    for walker in &mut walkers[..2] {
        walker.arrives().await;
    }
    if lie == Lie::Lost {
        walkers.push(Walker::new("nobody", 1, 0, 2, &mut run.random));
    }
    check_all(&Manager::of(hub), &walkers).await;
    let id: DeviceId = hub.id().parse().expect("an id");
    assert!(walkers.iter().all(|walker| walker.said().contains("records of this device")), "each has its receipt of {id}");
}

/// How much of a walker's things is here, a photo counted as five hundred observations.
async fn came(walker: &Walker, manager: &Manager) -> usize {
    let Some(card) = walker.card(manager).await else { return 0 };
    let here = |what: &str| usize::try_from(card[what]["here"].as_u64().unwrap_or_default()).unwrap_or_default();
    here("observations") + here("media") * 500
}

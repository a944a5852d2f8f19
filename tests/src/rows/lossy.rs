//! Lossy networks, flapping links and black-holed routes, in namespaces; two rows.
//!
//! `lossy`: phones, each on a cable of its own that loses 5 to 30 % of all packets both ways and goes down now and then, bring
//! everything to one hub, which they look for or are given the address of. `blackhole`: the route of two phones swallows
//! everything in mid-sync; others, which come meanwhile, finish; when the route is back, so do those. Loss is made by `nft`
//! (random), since not every kernel has netem. The hub runs in the row's own namespace. Planted bug: see [`Lie`].

use std::time::Duration;

use rand::RngExt as _;

use super::walkers::{Walker, check_all};
use super::{Row, Run};
use crate::hub::{CODE, TestHub, fast_folder, verify};
use crate::lan::{Lan, refusal, sh};
use crate::manager::Manager;

/// See the module.
pub static ROW: Row = Row {
    name: "lossy",
    what: "devices on a network that loses 5 to 30 % and flaps",
    short: 5,
    mark: 500,
    chunk: 10,
    lan: Some(TOOLS),
    run: |run| lossy(run, Lie::None),
};

/// See the module.
pub static BLACKHOLE: Row = Row {
    name: "blackhole",
    what: "routes black-holed in mid-sync while others sync",
    short: 4,
    mark: 400,
    chunk: 20,
    lan: Some(TOOLS),
    run: |run| blackhole(run, Lie::None),
};

const TOOLS: &[&str] = &["nft"];

/// What is planted to see that the rows notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// One observation more is expected than was made.
    Lost,
}

/// Phones on the network at once.
const PHONES: usize = 5;

/// A village's network: phones, each on a cable of its own to this process's namespace, where the hub runs.
struct Village {
    hub: TestHub,
    /// The hub's data goes with it.
    data: tempfile::TempDir,
}

impl Village {
    fn new() -> Self {
        let lan = Lan::here();
        for n in 0..PHONES {
            lan.machine(&format!("phone{n}"));
            let (ours, theirs) = (format!("10.42.{n}.1/24"), format!("10.42.{n}.9/24"));
            lan.cable_from_here((&format!("wlan{n}"), &ours), (&format!("phone{n}"), "wlan0", &theirs));
        }
        sh("nft add table inet lossy && nft 'add chain inet lossy from { type filter hook input priority 0; }' && \
            nft 'add chain inet lossy to { type filter hook output priority 0; }'");
        let data = fast_folder();
        let hub = Self::start(&data);
        Self { hub, data }
    }

    fn start(data: &tempfile::TempDir) -> TestHub {
        let mut command = std::process::Command::new(crate::hub::binary());
        command.arg("serve").arg("--data").arg(data.path()).args(["--listen", "0.0.0.0:8733", "--ready-json", "--patience", "5"]);
        command.args(["--name", "Village", "--joining-code", CODE]);
        for n in 0..PHONES {
            command.arg("--interface").arg(format!("wlan{n}"));
        }
        TestHub::spawn(&mut command, data.path()).unwrap_or_else(|(status, log)| panic!("the hub ended with {status}:\n{log}"))
    }

    /// Loses so many of a hundred packets of a phone's, each way; a hundred is a route that swallows all.
    fn lose(&self, phone: usize, percent: u32) {
        for (chain, side) in [("from", "iifname"), ("to", "oifname")] {
            let some = if percent < 100 { format!("numgen random mod 100 '<' {percent}") } else { String::new() };
            sh(&format!("nft add rule inet lossy {chain} {side} wlan{phone} {some} drop"));
        }
    }

    fn lose_nothing(&self) {
        sh("nft flush table inet lossy");
    }

    /// How a phone says where the hub is: half of them look for it.
    fn place(phone: usize) -> Vec<String> {
        match phone % 2 {
            0 => vec!["--interface".into(), "wlan0".into()],
            _ => vec!["--hub".into(), format!("http://10.42.{phone}.1:8733")],
        }
    }

    fn end(self) {
        assert!(self.hub.stop().success());
        verify(self.data.path());
    }
}

fn send(walker: &mut Walker, phone: usize) {
    let place = Village::place(phone);
    walker.start(Some(&format!("phone{phone}")), &place.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Runs the row, perhaps with a planted bug. To be called in namespaces of its own.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn lossy(run: &mut Run, lie: Lie) {
    run.skipped = refusal(TOOLS);
    if run.skipped.is_none() {
        Run::block_on(all_lossy(run, lie));
    }
}

async fn all_lossy(run: &mut Run, lie: Lie) {
    let village = Village::new();
    let mut walkers = Vec::new();
    while run.done < run.count {
        village.lose_nothing();
        let begun = walkers.len();
        for phone in 0..PHONES.min(usize::try_from(run.count - run.done).unwrap_or(PHONES)) {
            // The first has little loss and the last much, so that each run has of everything.
            village.lose(phone, run.random.random_range(5 + phone as u32 * 5..=10 + phone as u32 * 5).min(30));
            let mut walker = Walker::new(&format!("walker {}", walkers.len()), 60, 3, 60_000, &mut run.random);
            send(&mut walker, phone);
            walkers.push(walker);
        }
        loop {
            // The command line looks for a hub for a few seconds only, then asks to be run again. A person would.
            for (phone, walker) in walkers[begun..].iter_mut().enumerate() {
                if !walker.is_running() && walker.said().contains("no hub answered") {
                    send(walker, phone);
                    run.count("searches begun again", 1);
                }
            }
            if !walkers[begun..].iter_mut().any(Walker::is_running) {
                break;
            }
            let phone = run.random.random_range(0..PHONES);
            sh(&format!("ip link set wlan{phone} down"));
            tokio::time::sleep(Duration::from_millis(run.random.random_range(10..300))).await;
            sh(&format!("ip link set wlan{phone} up"));
            run.count("flaps of a link", 1);
            tokio::time::sleep(Duration::from_millis(run.random.random_range(300..1_500))).await;
        }
        for walker in &mut walkers[begun..] {
            walker.arrives().await;
            run.done += 1;
        }
    }
    finish(run, village, walkers, lie).await;
}

async fn finish(run: &mut Run, village: Village, mut walkers: Vec<Walker>, lie: Lie) {
    if lie == Lie::Lost {
        walkers.push(Walker::new("nobody", 1, 0, 2, &mut run.random));
    }
    check_all(&Manager::of(&village.hub), &walkers).await;
    village.end();
}

/// Runs the row, perhaps with a planted bug. To be called in namespaces of its own.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn blackhole(run: &mut Run, lie: Lie) {
    run.skipped = refusal(TOOLS);
    if run.skipped.is_none() {
        Run::block_on(all_blackholed(run, lie));
    }
}

async fn all_blackholed(run: &mut Run, lie: Lie) {
    let village = Village::new();
    let manager = Manager::of(&village.hub);
    let mut walkers = Vec::new();
    while run.done < run.count {
        let begun = walkers.len();
        for phone in 0..4 {
            let (records, photos, most) = if phone < 2 { (2_500, 8, 3_000_000) } else { (200, 2, 100_000) };
            walkers.push(Walker::new(&format!("walker {}", begun + phone), records, photos, most, &mut run.random));
        }
        let mut cut = Vec::new();
        for phone in 0..2 {
            let walker = &mut walkers[begun + phone];
            send(walker, phone);
            let moment = run.random.random_range(0..2_500);
            let here = |card: &serde_json::Value| card["observations"]["here"].as_u64().unwrap_or_default();
            while walker.is_running() && walker.card(&manager).await.as_ref().map_or(0, here) <= moment {}
            village.lose(phone, 100);
            cut.push(walker.is_running());
        }
        for phone in 2..4 {
            send(&mut walkers[begun + phone], phone);
        }
        for phone in 2..4 {
            walkers[begun + phone].arrives().await;
        }
        for (phone, was) in cut.iter().enumerate() {
            assert_eq!(walkers[begun + phone].is_running(), *was, "nothing gets through");
            run.done += u64::from(*was);
        }
        village.lose_nothing();
        for phone in 0..2 {
            walkers[begun + phone].arrives().await;
        }
    }
    finish(run, village, walkers, lie).await;
}

//! Requests lost, doubled, reordered and interleaved by several devices: each operation is applied once.
//!
//! Six devices at once make observations, edits (also of what has not arrived yet), deletions, plain items, uploads and
//! questions. Each is sent plainly, or its connection is cut before or in the middle, or it is sent twice at once, or much
//! later and out of order, or again long after. At the end the feed tells each revision once, every document is the
//! merge that this row computes itself, no plain item is doubled, fingerprints are right and `maloca verify` finds nothing. The
//! data folder is in memory: whether bytes are durable is for other rows. Nobody edits plain items by hand here. Planted bugs:
//! see [`Lie`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{StreamExt as _, stream};
use maloca_protocol::fingerprint::{Fingerprint, FingerprintKey};
use maloca_protocol::{DeviceId, DocId, RevisionId, ValidRevision, document};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::StatusCode;
use serde_json::json;

use super::held::Model;
use super::{Row, Run};
use crate::device::RawDevice;
use crate::hub::{TestHub, fast_folder, verify};
use crate::manager::{Feed, Manager};

mod ops; // what is said, and how it is sent

use ops::{Item, Op};

/// See the module.
pub static ROW: Row = Row {
    name: "chaos",
    what: "operations lost, doubled, reordered, interleaved",
    short: 20_000,
    mark: 10_000_000,
    chunk: 40_000,
    lan: None,
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// The feed tells a revision twice.
    Twice,
    /// An edit is missing in the merge that is compared.
    LostEdit,
    /// A batch that was cut off counts as acknowledged, and is not sent again.
    AckOnSend,
    /// A plain item is sent under a second id.
    PlainTwice,
}

/// Devices that send at once.
const DEVICES: u8 = 6;

/// Requests on their way at once.
const AT_ONCE: u64 = 10;

/// Everything that the senders share.
struct World {
    hub: TestHub,
    devices: Vec<RawDevice>,
    lie: Lie,
    /// Operations that are still to be made.
    left: AtomicU64,
    /// Held for moments only, never across an await.
    state: Mutex<State>,
}

/// What was made and sent so far.
#[derive(Default)]
struct State {
    model: Model,
    /// Of which the hub has said that it stored them just now; it may say so once.
    stored: BTreeSet<RevisionId>,
    /// The newest documents, each with its revisions so far, delivered or not.
    docs: Vec<(DocId, Vec<RevisionId>)>,
    items: BTreeMap<(u8, u64), Item>,
    /// Put off, to be sent in another order.
    later: Vec<Op>,
    /// Sent and answered; some of these are sent again.
    past: Vec<Op>,
    counts: BTreeMap<&'static str, u64>,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under the lock")
    }
}

/// Runs the row, perhaps with a planted bug.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    Run::block_on(inflict(run, lie));
}

async fn inflict(run: &mut Run, lie: Lie) {
    let data = fast_folder();
    let hub = TestHub::start(data.path());
    let mut devices = Vec::new();
    for seed in 1..=DEVICES {
        devices.push(RawDevice::join(&hub, seed).await);
    }
    let left = AtomicU64::new(run.count);
    let world = Arc::new(World { hub, devices, lie, left, state: Mutex::default() });
    let mut senders = Vec::new();
    for _ in 0..AT_ONCE {
        let (world, random) = (Arc::clone(&world), StdRng::seed_from_u64(run.random.random()));
        senders.push(tokio::spawn(send(world, random)));
    }
    for sender in senders {
        sender.await.expect("a sender that went through");
    }
    run.done = run.count - world.left.load(Ordering::Relaxed);
    let world = Arc::into_inner(world).expect("all senders have ended");
    check(&world).await;
    let state = world.state.into_inner().expect("no panic under the lock");
    for (what, count) in state.counts {
        run.count(what, count);
    }
    run.count("revisions", state.model.sent.len() as u64);
    assert!(world.hub.stop().success());
    verify(data.path());
}

/// Makes operations and sends them in one way or another; at the end, what was put off.
async fn send(world: Arc<World>, mut random: StdRng) {
    let one_less = |left: u64| left.checked_sub(1);
    while world.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        let op = world.make(&mut random);
        world.send(op, &mut random).await;
        let late = {
            let mut state = world.state();
            (state.later.len() > 200).then(|| {
                let at = random.random_range(0..state.later.len());
                state.later.swap_remove(at)
            })
        };
        if let Some(op) = late {
            world.deliver(&op).await;
        }
    }
    loop {
        let late = {
            let mut state = world.state();
            if state.later.is_empty() {
                return;
            }
            let at = random.random_range(0..state.later.len());
            state.later.swap_remove(at)
        };
        world.deliver(&late).await;
    }
}

/// Holds the hub against what was sent.
async fn check(world: &World) {
    let manager = Manager::of(&world.hub);
    let hub: DeviceId = world.hub.id().parse().expect("an id");
    let mut feed = manager.feed().await;
    if world.lie == Lie::Twice {
        feed.revisions.extend(feed.revisions.last().cloned());
    }
    let held: Vec<_> = {
        let state = world.state();
        state.model.check(&feed, &hub);
        assert_eq!(feed.held.len(), state.model.held.len(), "files held");
        state.model.held.iter().copied().take(500).collect()
    };
    for hash in held {
        let photo = world.state().model.photos[&hash];
        assert!(manager.media(&hash).await == Some(photo.bytes()), "other bytes are served for {hash:?}");
    }
    fingerprints(world, &manager, &feed).await;
    let mut docs: BTreeMap<DocId, Vec<&ValidRevision>> = BTreeMap::new();
    for revision in &feed.revisions {
        docs.entry(revision.content().doc).or_default().push(revision);
    }
    plain(world, &docs, &hub);
    if world.lie == Lie::LostEdit {
        docs.values_mut().find(|history| history.len() > 2).expect("an edit").pop();
    }
    let compared = stream::iter(&docs).map(async |(doc, history)| {
        let merged = document::merge(*doc, history.iter().copied()).expect("a document of one revision at least");
        let served = manager.document(doc).await.unwrap_or_else(|| panic!("{doc:?} is not shown"));
        assert!(served == merged.canonical(), "what is shown of {doc:?} is not the merge of its {} revisions", history.len());
    });
    compared.buffer_unordered(8).collect::<Vec<()>>().await;
}

/// Each device's receipt counts exactly the revisions that the feed tells of it, and wants nothing.
async fn fingerprints(world: &World, manager: &Manager, feed: &Feed) {
    let key = FingerprintKey::of(&manager.project().await);
    for device in &world.devices {
        let mut oracle = Fingerprint::default();
        let own = feed.revisions.iter().filter(|revision| revision.content().author == device.key.id());
        own.for_each(|revision| oracle.add(&key, &revision.id()));
        let question = json!({ "unsent": { "revisions": 0, "media": 0, "media_bytes": 0 }, "author": oracle });
        let receipt = device.json(device.call(reqwest::Method::POST, "/state").json(&question), StatusCode::OK).await;
        assert_eq!(receipt["receipt"]["author"], json!(oracle), "the receipt's fingerprint");
        assert_eq!(receipt["receipt"]["wanted"], 0, "all files were sent");
        assert_eq!(manager.card(&device.key.id()).await["state"], "in_sync");
    }
}

/// A plain item is one document; without a version each body made one revision of it, with one the greatest stands.
fn plain(world: &World, docs: &BTreeMap<DocId, Vec<&ValidRevision>>, hub: &DeviceId) {
    let state = world.state();
    let mut expected = BTreeSet::new();
    for ((device, id), item) in &state.items {
        let doc = ops::plain_doc(&world.devices[usize::from(*device)], *device, *id);
        expected.insert(doc);
        let history = docs.get(&doc).unwrap_or_else(|| panic!("the plain item {id} of {device} is gone"));
        let made = history.len() as u64;
        if item.versioned {
            assert!((1..=item.bodies).contains(&made), "{made} revisions of {} versions", item.bodies);
        } else {
            assert_eq!(made, item.bodies, "revisions of a plain item, of which each body makes one");
        }
        let merged = document::merge(doc, history.iter().copied()).expect("a document");
        assert_eq!((merged.heads.len(), merged.conflicts.len()), (1, 0), "{merged:?}");
        if item.versioned {
            assert_eq!(merged.set["notes"], json!(ops::words(*id, item.bodies - 1)), "the greatest version stands");
        }
    }
    let by_hub = |history: &&Vec<&ValidRevision>| {
        history.iter().all(|revision| revision.content().author == *hub && revision.content().kind == "observation")
    };
    let made: BTreeSet<DocId> = docs.iter().filter(|(_, history)| by_hub(history)).map(|(doc, _)| *doc).collect();
    assert!(made == expected, "{} documents of {} plain items", made.len(), expected.len());
}

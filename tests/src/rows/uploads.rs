//! Corrupt and truncated uploads: nothing that is not what was declared is ever published.
//!
//! Each fault is one upload that is wrong in one way ([`wrong`]); after it, the hash is not held, `GET /media/{hash}` is
//! 404, and what did come is under no other name either. Good uploads go in between and must be held with exact bytes. At the end
//! nothing lies in `incoming/` that is not an upload which still can go on, and memory and descriptors have not grown with the
//! count. The data folder is in memory: whether bytes are durable is for other rows. Planted bugs: see [`Lie`].

use std::collections::BTreeSet;

use maloca_protocol::MediaHash;
use maloca_protocol::rest::BASE;
use rand::RngExt as _;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::held::Photo;
use super::{Row, Run};
use crate::device::RawDevice;
use crate::hub::{TestHub, fast_folder, verify};
use crate::lan::until;
use crate::manager::Manager;

mod wrong; // the ways in which an upload can be wrong

/// See the module.
pub static ROW: Row = Row {
    name: "uploads",
    what: "corrupt, truncated and cut uploads",
    short: 2_000,
    mark: 200_000,
    chunk: 4_000,
    lan: None,
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// A wrong upload is taken for one that was published.
    Believed,
    /// Wrong bytes are published under their own hash, as by a hub that computes where it should refuse.
    Published,
    /// A bit of a good file is flipped in what is compared.
    Flipped,
}

/// Files up to this size, most of them small; a few are larger than what goes in one request.
const LARGEST: usize = 60_000;
const LARGE: usize = 3_000_000;

/// Good uploads, for each of which so many are wrong.
const GOOD_EVERY: u64 = 5;

/// Faults between two looks at what is left over and what it costs.
const LOOK_EVERY: u64 = 500;

/// Descriptors that the hub may have open beside those of this row's connections.
const OPEN_FILES: usize = 120;

/// Memory that the hub may take, whatever the count.
const MEMORY: u64 = 300 << 20;

/// The row at work.
struct Row_ {
    hub: TestHub,
    device: RawDevice,
    manager: Manager,
    /// Uploads that may still go on, by their id.
    live: BTreeSet<String>,
    /// Files that were sent whole and well.
    good: Vec<(MediaHash, Photo)>,
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
    let device = RawDevice::join(&hub, 1).await;
    let manager = Manager::of(&hub);
    let mut row = Row_ { hub, device, manager, live: BTreeSet::new(), good: Vec::new() };
    while run.done < run.count {
        if run.done.is_multiple_of(GOOD_EVERY) {
            row.send_a_good_one(run, lie).await;
            run.count("good ones between", 1);
        }
        let most = if run.random.random_range(0..20) == 0 { LARGE } else { LARGEST };
        let photo = Photo { len: run.random.random_range(2..most), ..Photo::new(&mut run.random, 2) };
        let fault = wrong::KINDS[run.random.random_range(0..wrong::KINDS.len())];
        let not_held = row.send_a_wrong_one(run, fault, photo, lie).await;
        for hash in not_held {
            let is_held = row.is_held(&hash).await;
            assert!(!is_held || lie == Lie::Believed, "{fault:?}: {hash:?} was published");
            assert!(is_held || lie != Lie::Believed, "{fault:?}: {hash:?} was said to be published and is not");
        }
        run.done += 1;
        if run.done.is_multiple_of(LOOK_EVERY) || run.done == run.count {
            row.look_at_what_is_left().await;
        }
    }
    let feed = row.manager.feed().await;
    let held: BTreeSet<MediaHash> = feed.held.iter().map(|(hash, _)| *hash).collect();
    let good: BTreeSet<MediaHash> = row.good.iter().map(|(hash, _)| *hash).collect();
    assert_eq!(held.len(), feed.held.len(), "a file is told twice");
    assert!(held == good, "held are {} files, sent whole were {}", held.len(), good.len());
    let open: Vec<String> = row.live.iter().cloned().collect();
    for id in open {
        let end = row.device.call(Method::DELETE, &format!("/media/uploads/{id}")).header("tus-resumable", "1.0.0");
        assert_eq!(end.send().await.expect("an answer").status(), StatusCode::NO_CONTENT, "an upload that was to go on is gone");
        row.live.remove(&id);
    }
    row.look_at_what_is_left().await;
    assert!(row.hub.stop().success());
    verify(data.path());
}

impl Row_ {
    /// Whether the hub says so, in each of the ways in which it can be asked.
    async fn is_held(&self, hash: &MediaHash) -> bool {
        let asked = self.device.call(Method::POST, "/media/missing").json(&json!({ "hashes": [hash] }));
        let missing = self.device.json(asked, StatusCode::OK).await["missing"] == json!([hash]);
        let served = self.manager.media(hash).await.is_some();
        assert_eq!(missing, !served, "the hub says two things of {hash:?}");
        served
    }

    async fn send_a_good_one(&mut self, run: &mut Run, lie: Lie) {
        let most = if run.random.random_range(0..10) == 0 { LARGE } else { LARGEST };
        let photo = Photo::new(&mut run.random, most);
        let bytes = photo.bytes();
        let hash = MediaHash::of(&bytes);
        let declared = (run.random.random_range(0..4) != 0).then_some(hash);
        if run.random.random_range(0..2) == 0 {
            let answer = self.device.upload(bytes.len(), declared, Some(bytes)).await;
            assert_eq!(answer.status(), StatusCode::CREATED);
        } else {
            let location = self.begin(photo.len, declared).await;
            let mut at = 0;
            while at < bytes.len() {
                let end = run.random.random_range(at + 1..=bytes.len());
                let answer = self.device.piece(&location, at, bytes[at..end].to_vec()).await;
                assert_eq!(answer.status(), StatusCode::NO_CONTENT);
                at = end;
            }
            self.live.remove(id_of(&location));
        }
        self.is_exactly(hash, photo, lie).await;
    }

    /// A file that was sent whole is held, and served as it was sent.
    async fn is_exactly(&mut self, hash: MediaHash, photo: Photo, lie: Lie) {
        let mut bytes = photo.bytes();
        if lie == Lie::Flipped {
            bytes[0] ^= 1;
        }
        let served = self.manager.media(&hash).await.unwrap_or_else(|| panic!("{hash:?} was sent whole and is not held"));
        assert!(served == bytes, "other bytes than were sent are served for {hash:?}");
        self.good.push((hash, photo));
    }

    /// Begins an upload that can go on; its location.
    async fn begin(&mut self, size: usize, hash: Option<MediaHash>) -> String {
        let answer = self.device.upload(size, hash, None).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let location = answer.headers()["location"].to_str().expect("text").to_owned();
        self.live.insert(id_of(&location).to_owned());
        location
    }

    /// Where an upload stands; `None` where it is gone, and then it is not live any more.
    async fn stands_at(&mut self, location: &str) -> Option<usize> {
        let path = location.trim_start_matches(BASE);
        let answer = self.device.call(Method::HEAD, path).header("tus-resumable", "1.0.0").send().await.expect("an answer");
        if answer.status() == StatusCode::NOT_FOUND {
            self.live.remove(id_of(location));
            return None;
        }
        assert_eq!(answer.status(), StatusCode::OK);
        answer.headers()["upload-offset"].to_str().ok()?.parse().ok()
    }

    /// Only files of live uploads are left, and the hub has not grown.
    async fn look_at_what_is_left(&self) {
        let folder = self.hub.data().join("incoming");
        // What was cut off is noticed by the hub in its own time.
        until("only live uploads have a file in incoming/", || {
            let names = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
            names.into_iter().all(|name| self.live.contains(&*name.to_string_lossy()))
        });
        until("descriptors are given back", || self.hub.open_files() < OPEN_FILES);
        assert!(self.hub.memory() < MEMORY, "the hub takes {} MiB", self.hub.memory() >> 20);
    }
}

fn id_of(location: &str) -> &str {
    location.rsplit('/').next().unwrap_or_default()
}

//! A disk that fills while the real hub runs on it, and has room again.
//!
//! Each fault is a small tmpfs, mounted in namespaces of the row's own, with a ballast file. Photos and records come until every
//! kind is refused: 507, `disk_full`, to be tried again later. In every other round another program then takes the last byte of
//! the disk. What was acknowledged is all served, an export to another filesystem works, and when the ballast is taken away, the
//! hub takes in what it had refused, with nobody starting it again. Planted bug: see [`Lie`].

use std::io::Write as _;
use std::path::Path;

use maloca_protocol::rest::SignedReceipt;
use maloca_protocol::{DeviceId, Draft, MediaHash, ValidRevision};
use rand::RngExt as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::held::{Model, Photo, observation};
use super::{Row, Run};
use crate::device::{RawDevice, lines};
use crate::hub::{TestHub, folder, maloca, verify};
use crate::lan::{PATIENCE, refusal, sh};
use crate::manager::Manager;

/// See the module.
pub static ROW: Row = Row {
    name: "full_disk",
    what: "a small disk filled under the real hub, and emptied",
    short: 3,
    mark: 500,
    chunk: 10,
    lan: Some(&["mount"]),
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// A record that was refused counts as acknowledged.
    RefusedIsKept,
}

/// Bytes of the ballast.
const BALLAST: usize = 6_000_000;

/// Runs the row, perhaps with a planted bug. To be called in namespaces of its own.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    run.skipped = refusal(&["mount"]);
    if run.skipped.is_some() {
        return;
    }
    sh("ip link set lo up");
    while run.done < run.count {
        let disk = folder();
        let size = run.random.random_range(22..40);
        sh(&format!("mount -t tmpfs -o size={size}m none {}", disk.path().display()));
        Run::block_on(fill(run, disk.path(), lie));
        sh(&format!("umount {}", disk.path().display()));
        run.done += 1;
    }
}

async fn fill(run: &mut Run, disk: &Path, lie: Lie) {
    std::fs::write(disk.join("ballast"), vec![7; BALLAST]).expect("room for the ballast");
    let hub = TestHub::start(&disk.join("data"));
    let device = RawDevice::join(&hub, 1).await;
    let (manager, id): (_, DeviceId) = (Manager::of(&hub), hub.id().parse().expect("an id"));
    let mut full = Full { device, model: Model::default(), refused: Vec::new() };
    full.until_refused(run).await;
    let is_last_byte = run.done.is_multiple_of(2);
    if is_last_byte {
        take_the_last_byte(disk);
        full.all_is_refused(run).await;
        run.count("disks without a byte left", 1);
    }
    if lie == Lie::RefusedIsKept {
        full.model.acknowledged.extend(full.refused.first().map(ValidRevision::id));
    }
    // What is here is served, and what was acknowledged is here.
    full.model.check(&manager.feed().await, &id);
    full.model.check_bytes(&manager, full.model.held.iter().copied()).await;
    let state = json!({ "unsent": { "revisions": 1, "media": 0, "media_bytes": 0 } });
    let receipt = full.device.json(full.device.call(Method::POST, "/state").json(&state), StatusCode::OK).await;
    assert!(serde_json::from_value::<SignedReceipt>(receipt).is_ok_and(|signed| signed.is_valid()), "the receipt");
    full.deletion_is_taken().await;
    run.count("deletions taken on a full disk", 1);
    export(run, disk, is_last_byte);
    std::fs::remove_file(disk.join("ballast")).expect("the ballast is ours");
    if is_last_byte {
        std::fs::remove_file(disk.join("another program's")).expect("it is ours");
    }
    full.is_taken_in_again().await;
    full.until_refused(run).await;
    full.model.check(&manager.feed().await, &id);
    full.model.check_bytes(&manager, full.model.held.iter().copied()).await;
    run.count("revisions acknowledged", full.model.acknowledged.len() as u64);
    run.count("files acknowledged", full.model.held.len() as u64);
    assert!(hub.stop().success());
    verify(&disk.join("data"));
}

/// As another program does that fills the disk.
fn take_the_last_byte(disk: &Path) {
    let mut file = std::fs::File::create(disk.join("another program's")).expect("a name still fits");
    let block = [7; 4096];
    while file.write_all(&block).is_ok() {}
}

/// Copies to a folder on another filesystem, through the hub that runs, and reads the copy back.
fn export(run: &mut Run, disk: &Path, is_last_byte: bool) {
    let elsewhere = folder();
    let data = disk.join("data");
    let output = maloca(["export".as_ref(), "--data".as_ref(), data.as_os_str(), "--to".as_ref(), elsewhere.path().as_os_str()]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if is_last_byte && !output.status.success() {
        // The ledger has no room to note the copy. Nothing is promised of a disk whose reserve another program took.
        return run.count("exports refused without a byte left", 1);
    }
    assert!(output.status.success(), "an export from a full disk: {said}");
    let made = std::fs::read_dir(elsewhere.path().join("Maloca")).expect("a folder of copies");
    let bundles: Vec<_> =
        made.map(|entry| entry.expect("an entry").path()).filter(|path| path.join("bagit.txt").is_file()).collect();
    assert_eq!(bundles.len(), 1, "one copy");
    verify(&bundles[0]);
    run.count("exports from a full disk", 1);
}

/// The device that fills it.
struct Full {
    device: RawDevice,
    model: Model,
    /// What was refused, to be sent again.
    refused: Vec<ValidRevision>,
}

impl Full {
    /// Sends until every size is refused: large ones first, since small things go on as long as they can.
    async fn until_refused(&mut self, run: &mut Run) {
        for size in [500_000, 50_000, 5_000, 500] {
            while self.photo(run, size).await {
                self.records(run).await;
            }
        }
        while self.records(run).await {}
    }

    async fn all_is_refused(&mut self, run: &mut Run) {
        assert!(!self.photo(run, 2).await && !self.records(run).await, "taken in without a byte left");
    }

    async fn photo(&mut self, run: &mut Run, most: usize) -> bool {
        let photo = Photo { len: run.random.random_range(most / 2..most), ..Photo::new(&mut run.random, 2) };
        let bytes = photo.bytes();
        let hash = MediaHash::of(&bytes);
        self.model.photos.insert(hash, photo);
        let answer = self.device.upload(bytes.len(), Some(hash), Some(bytes)).await;
        if answer.status() == StatusCode::CREATED {
            assert!(self.model.held.insert(hash));
            assert!(self.model.held.len() < 20_000, "a small disk took everything");
            return true;
        }
        is_full(answer.status(), answer.json().await.expect("a problem"));
        false
    }

    async fn records(&mut self, run: &mut Run) -> bool {
        let batch: Vec<_> = (0..20).map(|_| observation(&self.device, &mut run.random, None)).collect();
        self.model.sends(&batch);
        let body = lines(&batch.iter().collect::<Vec<_>>());
        let answer = self.device.call(Method::POST, "/revisions").body(body).send().await.expect("an answer");
        if answer.status() == StatusCode::OK {
            self.model.acknowledged.extend(batch.iter().map(ValidRevision::id));
            return true;
        }
        is_full(answer.status(), answer.json().await.expect("a problem"));
        self.refused = batch;
        false
    }

    /// A revision that deletes is taken, by what the reserve keeps; where others have filled the disk to its last byte, as soon as
    /// the hub has noticed and given the reserve up.
    async fn deletion_is_taken(&mut self) {
        let known = self.model.acknowledged.first().map(|id| self.model.sent[id].clone()).expect("something was taken");
        let mut draft = Draft::new("observation", known.content().doc, 0);
        (draft.parents, draft.deleted) = (vec![known.id()], true);
        let deletion = draft.sign(&self.device.key).expect("sound");
        self.model.sends(std::slice::from_ref(&deletion));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let request = self.device.call(Method::POST, "/revisions").body(deletion.envelope());
            let answer = request.send().await.expect("an answer");
            if answer.status() == StatusCode::OK {
                self.model.acknowledged.insert(deletion.id());
                return;
            }
            let (status, problem) = (answer.status(), answer.json::<Value>().await.expect("a problem"));
            assert!(tokio::time::Instant::now() < deadline, "no deletion is taken on a full disk: {status} {problem}");
            if status != StatusCode::SERVICE_UNAVAILABLE {
                is_full(status, problem);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// What was refused is taken now, with nobody having started anything again.
    async fn is_taken_in_again(&mut self) {
        let body = lines(&self.refused.iter().collect::<Vec<_>>());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.device.call(Method::POST, "/revisions").body(body.clone()).send().await.expect("an answer");
            if answer.status() == StatusCode::OK {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "there is room again, and the hub takes nothing in");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        self.model.acknowledged.extend(self.refused.iter().map(ValidRevision::id));
    }
}

/// A refusal for want of room says so, and that it may be tried again.
fn is_full(status: StatusCode, problem: Value) {
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE, "{problem}");
    assert_eq!((&problem["code"], &problem["retry"]), (&json!("disk_full"), &json!(true)), "{problem}");
}

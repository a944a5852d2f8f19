//! `kill -9` of the real hub while three devices and a large upload load it.
//!
//! After every kill the hub that is started again must hold what was newly acknowledged and a sample of what was before; at the
//! end everything, byte for byte, each once, nothing that was never sent, and `maloca verify` must find nothing. An upload in
//! pieces goes on from where it was acknowledged. Planted bugs: see [`Lie`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use maloca_protocol::rest::Outcome;
use maloca_protocol::{MediaHash, RevisionId, ValidRevision};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::held::{Model, Photo, observation, sample};
use super::{Row, Run};
use crate::device::{RawDevice, lines};
use crate::hub::{TestHub, folder, verify};
use crate::manager::Manager;

/// See the module.
pub static ROW: Row = Row {
    name: "kill",
    what: "kill -9 of the hub under load",
    short: 50,
    mark: 20_000,
    chunk: 100,
    lan: None,
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// What was sent counts as acknowledged, as by a hub that answers before its commit.
    AckOnSend,
    /// A revision that the hub holds was never sent.
    Unsent,
    /// The feed tells a revision twice.
    Twice,
}

/// How many of those acknowledged before the last kill are looked up after it.
const SAMPLE: usize = 300;

type Shared = Arc<Mutex<Model>>;

/// Runs the row, perhaps with a planted bug.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    Run::block_on(inflict(run, lie));
}

async fn inflict(run: &mut Run, lie: Lie) {
    let data = folder();
    let model: Shared = Arc::default();
    let mut hub = TestHub::start(data.path());
    let mut devices = Vec::new();
    for seed in 1..=4 {
        devices.push(RawDevice::join(&hub, seed).await);
    }
    let mut walk = Walk::new(&mut run.random);
    let mut checked: BTreeSet<RevisionId> = BTreeSet::new();
    while run.done < run.count {
        let mut senders = Vec::new();
        for device in &devices[..3] {
            let random = StdRng::seed_from_u64(run.random.random());
            senders.push(tokio::spawn(load(device.at(&hub), random, Arc::clone(&model), lie)));
        }
        let upload = tokio::spawn(walk.go(devices[3].at(&hub)));
        tokio::time::sleep(Duration::from_micros(run.random.random_range(2_000..80_000))).await;
        hub.kill();
        for sender in senders {
            sender.await.expect("a sender's end");
        }
        walk = upload.await.expect("the upload's end");
        hub = TestHub::start(data.path());
        let device = devices[0].at(&hub);
        let looked_up = look_up(&device, &model, &mut checked, &mut run.random).await;
        run.count("acknowledged revisions looked up", looked_up);
        walk.check(&devices[3].at(&hub)).await;
        walk = walk.end_or_go_on(&devices[3].at(&hub), &model, &mut run.random).await;
        run.done += 1;
    }
    let manager = Manager::of(&hub);
    let id = hub.id().parse().expect("an id");
    let mut feed = manager.feed().await;
    let (revisions, photos) = {
        let mut model = model.lock().expect("no panic");
        match lie {
            Lie::Twice => feed.revisions.extend(feed.revisions.last().cloned()),
            // One that the hub holds: many were on their way when it was killed.
            Lie::Unsent => {
                let held = feed.revisions.iter().map(ValidRevision::id).find(|id| model.sent.contains_key(id));
                drop(held.and_then(|id| model.sent.remove(&id)));
            }
            Lie::None | Lie::AckOnSend => {}
        }
        model.check(&feed, &id);
        (model.acknowledged.len(), std::mem::take(&mut *model))
    };
    photos.check_bytes(&manager, photos.held.iter().copied()).await;
    assert!(revisions as u64 > run.count && !photos.held.is_empty(), "the load was none: {revisions} revisions");
    run.count("revisions acknowledged", revisions as u64);
    run.count("files acknowledged", photos.held.len() as u64);
    hub.kill();
    verify(data.path());
}

/// Sends batches, and photos with observations of them, until the hub is gone.
async fn load(device: RawDevice, mut random: StdRng, model: Shared, lie: Lie) {
    for round in 0.. {
        let photo = (round % 3 == 0).then(|| Photo::new(&mut random, 300_000));
        let photo = photo.map(|photo| (MediaHash::of(&photo.bytes()), photo));
        let some = random.random_range(1..20);
        let batch: Vec<_> = (0..some).map(|n| observation(&device, &mut random, photo.filter(|_| n == 0))).collect();
        {
            let mut model = model.lock().expect("no panic");
            model.sends(&batch);
            if lie == Lie::AckOnSend {
                model.acknowledged.extend(batch.iter().map(maloca_protocol::ValidRevision::id));
            }
        }
        let body = lines(&batch.iter().collect::<Vec<_>>());
        let Ok(answer) = device.call(Method::POST, "/revisions").body(body).send().await else { return };
        if answer.status() != StatusCode::OK || answer.bytes().await.is_err() {
            return;
        }
        model.lock().expect("no panic").acknowledged.extend(batch.iter().map(maloca_protocol::ValidRevision::id));
        let Some((hash, photo)) = photo else { continue };
        model.lock().expect("no panic").photos.insert(hash, photo);
        let request = device.call(Method::POST, "/media/uploads").header("tus-resumable", "1.0.0");
        let request = request.header("upload-length", photo.len).header("content-type", "application/offset+octet-stream");
        match request.body(photo.bytes()).send().await {
            Ok(answer) if answer.status() == StatusCode::CREATED => {
                model.lock().expect("no panic").held.insert(hash);
            }
            _ => return,
        }
    }
}

/// Offers again what was newly acknowledged, and some of the rest: every line must be known. Then asks for the photos.
async fn look_up(device: &RawDevice, model: &Shared, checked: &mut BTreeSet<RevisionId>, random: &mut StdRng) -> u64 {
    let (batches, photos) = {
        let model = model.lock().expect("no panic");
        let new: Vec<RevisionId> = model.acknowledged.difference(checked).copied().collect();
        let old: Vec<RevisionId> = checked.iter().copied().collect();
        let ids = [new.clone(), sample(random, &old, SAMPLE)].concat();
        checked.extend(new);
        let batches: Vec<Vec<u8>> =
            ids.chunks(1_000).map(|ids| lines(&ids.iter().map(|id| &model.sent[id]).collect::<Vec<_>>())).collect();
        (batches, model.held.iter().copied().collect::<Vec<_>>())
    };
    let mut looked_up = 0;
    for batch in batches {
        let answer = device.send(batch).await;
        for run in &answer.results {
            assert_eq!(run.status, Outcome::Duplicate, "acknowledged revisions are gone: {run:?}");
            looked_up += run.to - run.from + 1;
        }
    }
    for hashes in photos.chunks(1_000) {
        let asked = device.call(Method::POST, "/media/missing").json(&json!({ "hashes": hashes }));
        assert_eq!(device.json(asked, StatusCode::OK).await["missing"], json!([]), "an acknowledged photo is gone");
    }
    looked_up
}

/// One large file on its way in pieces, through as many kills as it takes.
struct Walk {
    photo: Photo,
    location: Option<String>,
    acknowledged: usize,
    sent: usize,
}

impl Walk {
    fn new(random: &mut StdRng) -> Self {
        let photo = Photo { seed: random.random(), len: random.random_range(3_000_000..30_000_000) };
        Self { photo, location: None, acknowledged: 0, sent: 0 }
    }

    /// Sends piece after piece until the hub is gone or the file is whole but for its last byte.
    async fn go(mut self, device: RawDevice) -> Self {
        let bytes = self.photo.bytes();
        if self.location.is_none() {
            let request = device.call(Method::POST, "/media/uploads").header("tus-resumable", "1.0.0");
            let Ok(answer) = request.header("upload-length", self.photo.len).send().await else { return self };
            self.location = answer.headers().get("location").and_then(|location| Some(location.to_str().ok()?.to_owned()));
        }
        let Some(location) = self.location.clone() else { return self };
        while self.acknowledged < self.photo.len - 1 {
            let end = (self.acknowledged + 1_500_000).min(self.photo.len - 1);
            self.sent = self.sent.max(end);
            let path = location.trim_start_matches(maloca_protocol::rest::BASE);
            let request = device.call(Method::PATCH, path).header("tus-resumable", "1.0.0");
            let request =
                request.header("upload-offset", self.acknowledged).header("content-type", "application/offset+octet-stream");
            let Ok(answer) = request.body(bytes[self.acknowledged..end].to_vec()).send().await else { return self };
            if answer.status() != StatusCode::NO_CONTENT {
                return self;
            }
            self.acknowledged = end;
        }
        self
    }

    /// After a kill, the hub must stand where it said, or further.
    async fn check(&mut self, device: &RawDevice) {
        let Some(location) = &self.location else { return };
        let path = location.trim_start_matches(maloca_protocol::rest::BASE);
        let answer = device.call(Method::HEAD, path).header("tus-resumable", "1.0.0").send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "an acknowledged upload is gone");
        let offset = answer.headers()["upload-offset"].to_str().ok().and_then(|text| text.parse().ok()).expect("an offset");
        assert!((self.acknowledged..=self.sent).contains(&offset), "{offset} is not {}..={}", self.acknowledged, self.sent);
        self.acknowledged = offset;
    }

    /// Sends the last byte of one that waits for nothing else, and begins another.
    async fn end_or_go_on(self, device: &RawDevice, model: &Shared, random: &mut StdRng) -> Self {
        let (Some(location), true) = (&self.location, self.acknowledged + 1 == self.photo.len) else { return self };
        let bytes = self.photo.bytes();
        let hash = MediaHash::of(&bytes);
        model.lock().expect("no panic").photos.insert(hash, self.photo);
        let answer = device.piece(location, self.acknowledged, bytes[self.acknowledged..].to_vec()).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "a file of many pieces is not what was sent");
        model.lock().expect("no panic").held.insert(hash);
        Self::new(random)
    }
}

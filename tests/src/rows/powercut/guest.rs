//! What runs inside the machine, as its first and only program: mount, look everything up, load until the power is gone.
//!
//! `bin/powercut_guest` calls this; the row hears it over the console. It promises that an acknowledgement is told only after
//! the hub's answer has come, and that it never ends, since a kernel does not outlive its first program.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use maloca_protocol::MediaHash;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::told::{PIECE, SENDERS, Told, WALKER, Walk, batch, large};
use crate::device::{RawDevice, lines};
use crate::hub::{TestHub, verify};
use crate::lan::sh;
use crate::manager::Manager;
use crate::rows::Run;
use crate::rows::held::{Model, sample};

/// The file beside the disk with what was told before.
pub(super) const TOLD: &str = "told";

/// The library beside the disk that is preloaded into the hub, if there is one.
pub(super) const PRELOAD: &str = "no_sync.so";

/// Said to a machine that shall look everything up, read every file, and not load.
pub(super) const LAST: &str = "last";

/// Said to a machine that shall tell before it sends.
pub(super) const ACK_ON_SEND: &str = "ack-on-send";

/// What a line begins with that is kept for the machines to come.
pub(super) const IS_KEPT: &[&str] = &["token", "batch", "photo", "begun", "piece", "whole"];

/// How many files of older boots are read.
const SAMPLE: usize = 30;

/// What the row has said.
#[derive(Clone)]
struct Orders {
    folder: PathBuf,
    seed: u64,
    boot: u64,
    is_last: bool,
    acks_on_send: bool,
}

/// See the module.
pub fn main(arguments: &[String]) {
    if catch_unwind(AssertUnwindSafe(|| run(arguments))).is_err() {
        say("failed");
    }
    loop {
        std::thread::park();
    }
}

/// A line for the row, at once and whole.
fn say(line: &str) {
    // Nobody is left to hear that nobody hears.
    let _ = std::io::stdout().lock().write_all(format!("@ {line} .\n").as_bytes());
}

fn run(arguments: &[String]) {
    let [folder, seed, boot, more @ ..] = arguments else { panic!("not for people: the row powercut boots it") };
    let orders = Orders {
        folder: folder.into(),
        seed: seed.parse().expect("a number"),
        boot: boot.parse().expect("a number"),
        is_last: more.iter().any(|word| word == LAST),
        acks_on_send: more.iter().any(|word| word == ACK_ON_SEND),
    };
    sh("mount -t proc proc /proc && ip link set lo up");
    say("disk");
    sh(&format!("mount -t ext4 /dev/ubda {folder}/mounted"));
    Run::block_on(live(orders));
}

async fn live(orders: Orders) {
    let text = std::fs::read_to_string(orders.folder.join(TOLD)).expect("what was told before");
    let (told, data) = (Told::read(&text), orders.folder.join("mounted/data"));
    let hub = TestHub::start(&data);
    let mut devices = Vec::new();
    for number in 1..=WALKER {
        devices.push(match told.tokens.get(&number) {
            Some(token) => RawDevice::known(&hub, number, token),
            None => join(&hub, number).await,
        });
    }
    let (model, new) = told.model(&devices, orders.seed, orders.boot);
    let walk = look_up(&orders, &hub, &devices, &model, &new, told.walk).await;
    hub.kill();
    verify(&data);
    say(&format!("holds {} {}", model.acknowledged.len(), model.held.len()));
    if orders.is_last {
        return;
    }
    let hub = perhaps_lying(&data, &orders.folder.join(PRELOAD));
    say("load");
    let mut senders = Vec::new();
    for number in 1..=SENDERS {
        let device = devices[usize::from(number) - 1].at(&hub);
        senders.push(tokio::spawn(load(orders.clone(), device, number)));
    }
    senders.push(tokio::spawn(go(orders, devices[usize::from(SENDERS)].at(&hub), walk)));
    for sender in senders {
        sender.await.expect("a sender without end");
    }
}

/// The hub that is loaded. What is planted in it is planted only now, on a data folder that is durable so far: else nothing at
/// all would be left to look anything up in.
fn perhaps_lying(data: &Path, preload: &Path) -> TestHub {
    let mut command = TestHub::command(data);
    if preload.exists() {
        command.env("LD_PRELOAD", preload);
    }
    TestHub::spawn(&mut command, data).unwrap_or_else(|(status, log)| panic!("the hub ended with {status}:\n{log}"))
}

async fn join(hub: &TestHub, number: u8) -> RawDevice {
    let device = RawDevice::join(hub, number).await;
    say(&format!("token {number} {}", device.token));
    device
}

/// Holds the hub against what was told; where the large file stands.
async fn look_up(
    orders: &Orders,
    hub: &TestHub,
    devices: &[RawDevice],
    model: &Model,
    new: &BTreeSet<MediaHash>,
    walk: Walk,
) -> Walk {
    let manager = Manager::of(hub);
    model.check(&manager.feed().await, &hub.id().parse().expect("an id"));
    let old: Vec<MediaHash> = model.held.difference(new).copied().collect();
    let most = if orders.is_last { old.len() } else { SAMPLE };
    let old = sample(&mut StdRng::seed_from_u64(orders.seed ^ orders.boot), &old, most);
    model.check_bytes(&manager, new.iter().copied().chain(old)).await;
    for device in devices {
        let asked = device.call(Method::POST, "/media/missing").json(&json!({ "hashes": [] }));
        device.json(asked, StatusCode::OK).await;
    }
    check(orders, &devices[usize::from(SENDERS)], &manager, walk).await
}

/// Sends batches, and the files that they speak of.
async fn load(orders: Orders, device: RawDevice, number: u8) {
    for round in 0.. {
        let (revisions, photo) = batch(&device, [orders.seed, orders.boot, number.into(), round]);
        let numbers = format!("{} {number} {round}", orders.boot);
        let body = lines(&revisions.iter().collect::<Vec<_>>());
        if orders.acks_on_send {
            say(&format!("batch {numbers}"));
        }
        let answer = device.send(body).await;
        assert!(answer.results.iter().all(|run| run.status == maloca_protocol::rest::Outcome::Stored), "{:?}", answer.results);
        if !orders.acks_on_send {
            say(&format!("batch {numbers}"));
        }
        let Some((_, photo)) = photo else { continue };
        let answer = device.upload(photo.len, None, Some(photo.bytes())).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "a file was refused");
        say(&format!("photo {numbers}"));
    }
}

/// Sends large files, piece by piece.
async fn go(orders: Orders, device: RawDevice, mut walk: Walk) {
    loop {
        let photo = large(orders.seed, walk.number);
        let bytes = photo.bytes();
        if walk.location.is_none() {
            let answer = device.upload(photo.len, None, None).await;
            assert_eq!(answer.status(), StatusCode::CREATED, "a large file was refused");
            let location = answer.headers()["location"].to_str().expect("a path").to_owned();
            say(&format!("begun {} {location}", walk.number));
            walk.location = Some(location);
        }
        let location = walk.location.clone().expect("it was begun");
        while walk.offset < bytes.len() {
            let end = (walk.offset + PIECE).min(bytes.len());
            let answer = device.piece(&location, walk.offset, bytes[walk.offset..end].to_vec()).await;
            assert_eq!(answer.status(), StatusCode::NO_CONTENT, "a piece was refused");
            walk.offset = end;
            if end < bytes.len() {
                say(&format!("piece {} {end}", walk.number));
            }
        }
        say(&format!("whole {}", walk.number));
        walk = Walk { number: walk.number + 1, ..Walk::default() };
    }
}

/// The large file must stand where it was acknowledged, or further; where its last piece may have come, it may be whole.
async fn check(orders: &Orders, device: &RawDevice, manager: &Manager, mut walk: Walk) -> Walk {
    let Some(location) = &walk.location else { return walk };
    let photo = large(orders.seed, walk.number);
    let path = location.trim_start_matches(maloca_protocol::rest::BASE);
    let answer = device.call(Method::HEAD, path).header("tus-resumable", "1.0.0").send().await.expect("an answer");
    let (least, most) = (walk.offset, (walk.offset + PIECE).min(photo.len));
    let is_whole = if answer.status() == StatusCode::OK {
        walk.offset = answer.headers()["upload-offset"].to_str().ok().and_then(|text| text.parse().ok()).expect("an offset");
        assert!((least..=most).contains(&walk.offset), "an acknowledged piece is gone: {} is not {least}..={most}", walk.offset);
        walk.offset == photo.len
    } else {
        assert!(most == photo.len, "an acknowledged upload is gone: {}", answer.status());
        true
    };
    if !is_whole {
        return walk;
    }
    let hash = MediaHash::of(&photo.bytes());
    assert!(manager.media(&hash).await.is_some(), "a large file is neither on its way nor here");
    say(&format!("whole {}", walk.number));
    Walk { number: walk.number + 1, ..Walk::default() }
}

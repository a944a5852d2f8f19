//! Stories of a device that sends, through the real binary: once and again, cut off, killed, refused, and in disagreement.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop there")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use maloca_protocol::client::{Device, Edit, Edited, Patience, SyncOptions, SyncReport};
use maloca_protocol::document::State;
use maloca_protocol::{DeviceId, DocId};
use maloca_tests::hub::{CODE, TestHub, binary, folder, maloca};
use maloca_tests::skip;
use serde_json::{Value, json};

/// A collection of so many observations, with one photo each for the first `photos`.
fn source(folder: &Path, observations: usize, photos: usize) -> PathBuf {
    let features: Vec<Value> = (0..observations)
        .map(|number| {
            let mut properties = json!({ "category": "logging", "n": number, "notes": "seen from the river" });
            if number < photos {
                let name = format!("{number}.jpg");
                std::fs::write(folder.join(&name), format!("photo {number}").repeat(2_000)).unwrap();
                properties["media"] = json!([name]);
            }
            json!({ "type": "Feature", "id": format!("n{number}"), "properties": properties,
                    "geometry": { "type": "Point", "coordinates": [-76.36, -6.48] } })
        })
        .collect();
    let path = folder.join("walk.geojson");
    std::fs::write(&path, json!({ "type": "FeatureCollection", "features": features }).to_string()).unwrap();
    path
}

fn command(device: &Path, source: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("send").arg("--device").arg(device).args(more).arg(source);
    command
}

fn send(device: &Path, hub: &str, source: &Path, code: Option<&str>) -> (i32, String) {
    let more: Vec<&str> =
        ["--patience", "5", "--hub", hub].into_iter().chain(code.iter().flat_map(|code| ["--code", code])).collect();
    said(command(device, source, &more).output().unwrap())
}

fn said(output: Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

fn options() -> SyncOptions {
    SyncOptions { patience: Patience::For(Duration::from_secs(5)), pull: true, ..SyncOptions::default() }
}

async fn sync(device: &Device, hub: &TestHub) -> SyncReport {
    let id: DeviceId = hub.id().parse().unwrap();
    device.sync(&id, &options()).await.unwrap()
}

async fn joined(folder: &Path, hub: &TestHub) -> Device {
    let device = Device::open(folder).await.unwrap();
    device.join(hub.http(), Some(CODE), "Test device", None, Patience::default()).await.unwrap();
    device
}

fn set(name: &str, value: Value) -> Edit {
    Edit { set: [(name.to_owned(), value)].into_iter().collect(), ..Edit::default() }
}

#[tokio::test]
async fn sent_twice_it_is_there_once() {
    let (data, device, files) = (folder(), folder(), folder());
    let hub = TestHub::start(data.path());
    let source = source(files.path(), 1_500, 5);
    let (code, text) = send(device.path(), hub.http(), &source, Some(CODE));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1500 new observations") && text.contains("5 photos"), "{text}");
    let (code, text) = send(device.path(), hub.https(), &source, None);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("0 new, 0 changed, 1500 as they were") && text.contains("Nothing new to send"), "{text}");
    // What has changed in the source becomes an edit, and nothing else does.
    let changed = std::fs::read_to_string(&source).unwrap().replacen("seen from the river", "heard", 1);
    std::fs::write(&source, changed).unwrap();
    let (code, text) = send(device.path(), hub.http(), &source, None);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("0 new, 1 changed, 1499 as they were") && text.contains("Sent: 1 change.") && text.contains("1501 records"),
        "{text}"
    );
    let device = Device::open(device.path()).await.unwrap();
    let nothing_new = sync(&device, &hub).await;
    assert!(nothing_new.in_sync && nothing_new.bytes_sent < 500, "{nothing_new:?}");
}

#[test]
fn it_says_why_it_was_not_let_in() {
    let (data, other, device, fresh, files) = (folder(), folder(), folder(), folder(), folder());
    let (hub, stranger) = (TestHub::start(data.path()), TestHub::start(other.path()));
    let source = source(files.path(), 3, 0);
    let (code, text) = send(device.path(), hub.http(), &source, Some("not-the-code"));
    assert!(code == 4 && text.contains("not the code"), "{code}: {text}");
    let (code, text) = send(device.path(), hub.http(), &source, None);
    assert!(code == 4 && text.contains("give the code"), "{code}: {text}");
    let (code, text) = send(device.path(), hub.http(), &source, Some(CODE));
    assert_eq!(code, 0, "what was read before is kept and sent now: {text}");
    let (code, text) = send(device.path(), stranger.http(), &source, Some(CODE));
    assert!(code == 5 && text.contains("stranger"), "{code}: {text}");
    let more = ["--hub", "http://127.0.0.1:9", "--patience", "0"];
    let (code, text) = said(command(fresh.path(), &source, &more).output().unwrap());
    assert!(code == 3 && text.contains("cannot be reached"), "{code}: {text}");
    let (code, text) = said(maloca(["send", "--device", fresh.path().to_str().unwrap(), "/nowhere.geojson"]));
    assert!(code == 1 && text.contains("name a GeoJSON file"), "{code}: {text}");
}

/// A photo whose sending is cut off by `kill -9` goes on from where it was.
#[tokio::test]
async fn a_photo_that_was_cut_off_goes_on() {
    const SIZE: usize = 160 * 1024 * 1024;
    let (data, device, files) = (folder(), folder(), folder());
    let hub = TestHub::start(data.path());
    let source = source(files.path(), 1, 1);
    std::fs::write(files.path().join("0.jpg"), vec![7_u8; SIZE]).unwrap();
    let mut sender =
        command(device.path(), &source, &["--hub", hub.http(), "--code", CODE]).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while bytes_in(&data.path().join("incoming")) < 12 * 1024 * 1024 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the upload does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    sender.kill().unwrap();
    sender.wait().unwrap();
    let there = bytes_in(&data.path().join("incoming"));
    let device = Device::open(device.path()).await.unwrap();
    let report = sync(&device, &hub).await;
    assert!(report.in_sync && report.media_sent == 1, "{report:?}");
    let piece = 5 * 1024 * 1024;
    assert!(report.bytes_sent < SIZE as u64 - there + piece, "{} sent again, {there} were there", report.bytes_sent);
}

/// The bytes of all files in a folder.
fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

/// A sender that is killed again and again brings everything, once.
#[test]
fn killed_at_any_moment_nothing_is_lost_or_doubled() {
    let (data, device, files) = (folder(), folder(), folder());
    let hub = TestHub::start(data.path());
    let source = source(files.path(), 3_000, 20);
    for round in 0..12_u64 {
        let mut sender = command(device.path(), &source, &["--hub", hub.http(), "--code", CODE])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + round * 37 % 250));
        sender.kill().unwrap();
        sender.wait().unwrap();
    }
    let (code, text) = send(device.path(), hub.http(), &source, Some(CODE));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("it holds 3000 records of this device and wants 0 photos more"), "{text}");
}

/// Two devices change one document while apart: both come to the same bytes, and nothing is dropped.
#[tokio::test]
async fn two_who_disagree_both_see_it() {
    let (data, one, two) = (folder(), folder(), folder());
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let (rosa, juan) = (joined(one.path(), &hub).await, joined(two.path(), &hub).await);
    let doc = DocId::now();
    rosa.edit(doc, "observation", set("notes", json!("first"))).await.unwrap();
    sync(&rosa, &hub).await;
    sync(&juan, &hub).await;
    assert_eq!(juan.document(doc).await.unwrap().unwrap().set["notes"], "first");
    rosa.edit(doc, "observation", set("notes", json!("rosa"))).await.unwrap();
    rosa.edit(doc, "observation", set("count", json!(3))).await.unwrap();
    juan.edit(doc, "observation", set("notes", json!("juan"))).await.unwrap();
    juan.edit(doc, "observation", set("category", json!("logging"))).await.unwrap();
    for device in [&rosa, &juan, &rosa] {
        assert!(sync(device, &hub).await.in_sync);
    }
    let (seen, too) = (rosa.document(doc).await.unwrap().unwrap(), juan.document(doc).await.unwrap().unwrap());
    assert_eq!(seen.canonical(), too.canonical());
    assert_eq!(seen.state, State::Conflict);
    assert_eq!(seen.conflicts["notes"].len(), 2);
    assert_eq!((&seen.set["count"], &seen.set["category"]), (&json!(3), &json!("logging")));
    // One of them settles it by writing what is shown; the other one's deletion beside it does not win.
    assert_eq!(juan.edit(doc, "observation", set("notes", seen.set["notes"].clone())).await.unwrap(), Edited::Changed);
    rosa.edit(doc, "observation", Edit { deleted: Some(true), ..Edit::default() }).await.unwrap();
    for device in [&rosa, &juan, &rosa] {
        assert!(sync(device, &hub).await.in_sync);
    }
    let (seen, too) = (rosa.document(doc).await.unwrap().unwrap(), juan.document(doc).await.unwrap().unwrap());
    assert_eq!(seen.canonical(), too.canonical());
    assert!(seen.state == State::Whole && !seen.deleted, "{seen:?}");
}

/// The hub's folder is put back to what it was before: the device notices, and brings everything again.
#[tokio::test]
async fn a_hub_that_was_restored_gets_everything_again() {
    let (data, backup, device) = (folder(), folder(), folder());
    let hub = TestHub::start(data.path());
    let rosa = joined(device.path(), &hub).await;
    assert!(sync(&rosa, &hub).await.in_sync);
    hub.stop();
    // Over the files that are there: a folder that had moved would be another hub, under another key.
    let copy = |from: &Path, to: &Path| {
        let done = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
        assert!(done.success());
    };
    copy(data.path(), backup.path());
    let hub = TestHub::start(data.path());
    rosa.join(hub.http(), None, "Rosa", None, Patience::default()).await.unwrap();
    let photo = device.path().join("photo.jpg");
    std::fs::write(&photo, b"a photo").unwrap();
    let attach = vec![rosa.attach(&photo).await.unwrap().attachment];
    let edit = Edit { attach, ..set("notes", json!("x")) };
    rosa.edit(DocId::now(), "observation", edit).await.unwrap();
    assert!(sync(&rosa, &hub).await.in_sync);
    hub.stop();
    copy(backup.path(), data.path());
    let hub = TestHub::start(data.path());
    rosa.join(hub.http(), None, "Rosa", None, Patience::default()).await.unwrap();
    let report = sync(&rosa, &hub).await;
    assert!(report.began_again && report.stored == 1 && report.media_sent == 1 && report.in_sync, "{report:?}");
}

/// Real camera traps, found by announcing on loopback.
#[test]
fn real_camera_traps_find_their_hub() {
    let shared = std::env::var_os("MALOCA_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let package = shared.join("data/camtrap-dp");
    if !package.join("observations.csv").is_file() {
        return skip("real_camera_traps_find_their_hub", "the camera-trap package is not here; MALOCA_SHARED names its folder");
    }
    let (data, device) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let port = hub.port().to_string();
    let more = ["--interface", "lo", "--port", &port, "--code", CODE];
    let (code, text) = said(command(device.path(), &package, &more).output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("549 new observations") && text.contains("10 photos"), "{text}");
    assert!(text.contains("it holds 549 records of this device and wants 0 photos more"), "{text}");
    let (code, text) = said(command(device.path(), &package, &more).output().unwrap());
    assert!(code == 0 && text.contains("Nothing new to send"), "{code}: {text}");
}

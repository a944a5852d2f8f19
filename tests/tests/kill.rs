//! `kill -9` at random moments, of the hub under load and of the sender: nothing acknowledged is lost, nothing is doubled,
//! and nobody has to mend anything by hand.
//!
//! The seed of each run is printed; `MALOCA_SEED` replays it, `MALOCA_KILLS` makes the loop longer.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use maloca_protocol::rest::Outcome;
use maloca_protocol::{DocId, Draft, MediaHash, RevisionId};
use maloca_tests::device::RawDevice;
use maloca_tests::hub::{CODE, TestHub, binary, folder, maloca};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::json;

fn seed() -> u64 {
    let seed = std::env::var("MALOCA_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("MALOCA_SEED={seed}");
    seed
}

/// How often each of the two is killed.
fn kills() -> usize {
    std::env::var("MALOCA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

/// What the hub has acknowledged so far, as its devices remember it.
#[derive(Default)]
struct Acknowledged {
    revisions: BTreeMap<RevisionId, Vec<u8>>,
    media: BTreeMap<MediaHash, Vec<u8>>,
}

/// Sends batches and photos until the hub is gone; remembers what was acknowledged.
async fn load(device: RawDevice, mut random: StdRng, known: Arc<Mutex<Acknowledged>>) -> RawDevice {
    for round in 0.. {
        let batch: Vec<_> = (0..random.random_range(1..20))
            .map(|n| {
                let own_id = format!("{} {round} {n} {}", device.key.id(), random.random::<u64>());
                let mut draft = Draft::new("observation", DocId::from_source("kill", &own_id), 0);
                draft.set.insert("notes".into(), json!(own_id));
                draft.sign(&device.key).expect("sound")
            })
            .collect();
        let lines: Vec<u8> = batch.iter().flat_map(|revision| [revision.envelope(), b"\n".to_vec()].concat()).collect();
        let answer = device.call(Method::POST, "/revisions").body(lines).send().await;
        let Ok(answer) = answer else { return device };
        if answer.status() != StatusCode::OK || answer.bytes().await.is_err() {
            return device;
        }
        known.lock().expect("no panic").revisions.extend(batch.iter().map(|revision| (revision.id(), revision.envelope())));
        if round % 3 == 0 {
            let mut photo = vec![0; random.random_range(1..400_000)];
            random.fill_bytes(&mut photo);
            let hash = MediaHash::of(&photo);
            let request = device.call(Method::POST, "/media/uploads").header("tus-resumable", "1.0.0");
            let request = request.header("upload-length", photo.len()).header("content-type", "application/offset+octet-stream");
            match request.body(photo.clone()).send().await {
                Ok(answer) if answer.status() == StatusCode::CREATED => {
                    known.lock().expect("no panic").media.insert(hash, photo);
                }
                _ => return device,
            }
        }
    }
    device
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_killed_under_load_keeps_what_it_acknowledged() {
    let mut random = StdRng::seed_from_u64(seed());
    let data = folder();
    let known = Arc::new(Mutex::new(Acknowledged::default()));
    let (mut lost, mut checked) = (0, 0);
    for kill in 0..kills() {
        let hub = TestHub::start(data.path());
        let mut senders = Vec::new();
        for seed in 1..=3 {
            let device = RawDevice::join(&hub, seed).await;
            let random = StdRng::seed_from_u64(random.random());
            senders.push(tokio::spawn(load(device, random, Arc::clone(&known))));
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(5..200))).await;
        hub.kill();
        for sender in senders {
            sender.await.expect("a sender's end");
        }
        let hub = TestHub::start(data.path());
        let device = RawDevice::join(&hub, 1).await;
        let (revisions, media) = {
            let known = known.lock().expect("no panic");
            let lines: Vec<Vec<u8>> = known.revisions.values().cloned().collect();
            (lines, known.media.clone())
        };
        for batch in revisions.chunks(1_000) {
            let answer = device.send(batch.join(&b'\n')).await;
            for run in answer.results.iter().filter(|run| run.status != Outcome::Duplicate) {
                lost += run.to - run.from + 1;
            }
            checked += batch.len();
        }
        for hashes in media.keys().collect::<Vec<_>>().chunks(1_000) {
            let missing =
                device.json(device.call(Method::POST, "/media/missing").json(&json!({ "hashes": hashes })), StatusCode::OK);
            assert_eq!(missing.await["missing"], json!([]), "kill {kill}: an acknowledged photo is gone");
        }
        assert_eq!(lost, 0, "kill {kill}: acknowledged revisions were gone");
        hub.kill();
    }
    let (revisions, media) = {
        let known = known.lock().expect("no panic");
        for (hash, bytes) in &known.media {
            let path = data.path().join("media").join(&hash.to_string()[..2]).join(hash.to_string());
            assert_eq!(&std::fs::read(path).expect("a photo"), bytes);
        }
        (known.revisions.len(), known.media.len())
    };
    assert!(revisions > kills() && media > 0, "the load was none: {revisions} revisions, {media} photos");
    verify(data.path());
    eprintln!("{} kills of the hub, {revisions} revisions and {media} photos acknowledged, {checked} looked up again", kills());
}

/// A walk that grows and is corrected: features with photos, each of which belongs to one. `words` holds what each says.
fn walk(folder: &std::path::Path, words: &[u32], random: &mut StdRng) -> std::path::PathBuf {
    let mut list = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let photo = folder.join(format!("{n}.jpg"));
        if n % 4 == 0 && !photo.exists() {
            let mut bytes = vec![0; random.random_range(1_000..3_000_000)];
            random.fill_bytes(&mut bytes);
            std::fs::write(&photo, bytes).expect("room for a photo");
        }
        let media = if n % 4 == 0 { json!([format!("{n}.jpg")]) } else { json!([]) };
        list.push(json!({
            "type": "Feature", "id": format!("f{n}"), "geometry": { "type": "Point", "coordinates": [-76.36, -6.48] },
            "properties": { "notes": format!("seen {n}, word {word}"), "media": media },
        }));
    }
    let path = folder.join("walk.geojson");
    std::fs::write(&path, json!({ "type": "FeatureCollection", "features": list }).to_string()).expect("room for a walk");
    path
}

fn send(device: &std::path::Path, hub: &TestHub, source: &std::path::Path) -> Command {
    let mut command = Command::new(binary());
    command.arg("send").arg("--device").arg(device).args(["--hub", hub.https(), "--code", CODE]).arg(source);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[tokio::test]
async fn a_sender_that_is_killed_goes_on_and_doubles_nothing() {
    let mut random = StdRng::seed_from_u64(seed());
    let (data, device, source) = (folder(), folder(), folder());
    let device = device.path().join("device");
    let mut words: Vec<u32> = Vec::new();
    for round in 1..=kills() as u32 {
        words.extend(std::iter::repeat_n(0, random.random_range(1..12)));
        // Some are corrected, whether or not the hub's answer to what they said before was ever heard.
        for _ in 0..4 {
            let n = random.random_range(0..words.len());
            words[n] = round;
        }
        let walk = walk(source.path(), &words, &mut random);
        let hub = TestHub::start(data.path());
        let mut sender = send(&device, &hub, &walk).spawn().expect("maloca starts");
        tokio::time::sleep(Duration::from_millis(random.random_range(1..150))).await;
        sender.kill().expect("our own process");
        sender.wait().expect("its end");
        hub.kill();
    }
    let hub = TestHub::start(data.path());
    let walk = source.path().join("walk.geojson");
    for time in ["first", "second"] {
        let output = send(&device, &hub, &walk).stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("maloca starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "the {time} send: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
    let manager = maloca_tests::device::client().get(format!("{}/api/v1/observations?limit=500", hub.http()));
    let listed = manager.bearer_auth(hub.control()).send().await.expect("an answer");
    let listed: serde_json::Value = listed.json().await.expect("JSON");
    let features = words.len();
    assert_eq!(listed["total"], features, "each feature once");
    let mut said: Vec<String> = words.iter().enumerate().map(|(n, word)| format!("seen {n}, word {word}")).collect();
    for observation in listed["observations"].as_array().expect("a list") {
        // One head and no conflict: each correction was made upon what was said before, answered or not.
        let heads = observation["heads"].as_array().expect("a list").len();
        assert_eq!((heads, &observation["state"]), (1, &json!("whole")), "{observation}");
        let notes = observation["set"]["notes"].as_str().expect("a text");
        said.retain(|expected| expected != notes);
        for media in observation["attachments"].as_array().expect("a list") {
            assert_eq!(media["held"], true, "{observation}");
        }
    }
    assert!(said.is_empty(), "the last word of these was lost: {said:?}");
    assert!(hub.stop().success());
    verify(data.path());
    eprintln!("{} kills of the sender, {features} observations", kills());
}

fn verify(data: &std::path::Path) {
    let output = maloca([std::ffi::OsStr::new("verify"), data.as_os_str()]);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "maloca verify: {}", String::from_utf8_lossy(&said));
}

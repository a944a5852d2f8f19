//! `kill -9` of the sender at random moments: nothing is lost, nothing is doubled, and nobody has to mend anything by hand. The
//! hub's own death is a row of the fault rig, `rows/kill.rs`.
//!
//! The seed of each run is printed; `MALOCA_SEED` replays it, `MALOCA_KILLS` makes the loop longer.

use std::process::{Command, Stdio};
use std::time::Duration;

use maloca_tests::hub::{CODE, TestHub, binary, folder, verify};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::json;

fn seed() -> u64 {
    let seed = std::env::var("MALOCA_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("MALOCA_SEED={seed}");
    seed
}

/// How often it is killed.
fn kills() -> usize {
    std::env::var("MALOCA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
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

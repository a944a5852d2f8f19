//! The disk fills while the hub runs: new records are refused with a reason, what is here is still served, nothing is damaged.

use std::process::Command;

use maloca_tests::device::RawDevice;
use maloca_tests::hub::{CODE, TestHub, binary, folder};
use maloca_tests::skip;
use reqwest::StatusCode;
use serde_json::Value;

/// Makes a small filesystem that only this process sees, then becomes the hub on it.
const SCRIPT: &str = "mount -t tmpfs -o size=24m none \"$1\" && exec \"$2\" serve --data \"$1/data\" --listen 127.0.0.1:0 \
                      --interface lo --ready-json --joining-code \"$3\"";

#[tokio::test]
async fn a_disk_that_fills_stops_what_is_new_and_nothing_else() {
    let mount = folder();
    let attempt = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none"]).arg(mount.path()).output();
    if !attempt.is_ok_and(|output| output.status.success()) {
        return skip("full_disk", "mounting a tmpfs in a namespace is refused here");
    }
    let mut command = Command::new("unshare");
    command.args(["-Urm", "--kill-child", "sh", "-c", SCRIPT, "sh"]).arg(mount.path()).arg(binary()).arg(CODE);
    let hub = TestHub::spawn(&mut command, &mount.path().join("data")).unwrap_or_else(|(_, log)| panic!("{log}"));
    let device = RawDevice::join(&hub, 1).await;
    device.send(device.observation("before", "x").envelope()).await;
    let mut held = Vec::new();
    // Large ones until one is refused, then smaller ones, until nothing fits: small things go on as long as they can.
    for size in [500_000, 50_000, 5_000, 500] {
        let refused = loop {
            assert!(held.len() < 1_000, "a disk of 24 MB took {} photos", held.len());
            let mut photo = vec![0; size];
            photo[..8].copy_from_slice(&held.len().to_be_bytes());
            let answer = device.upload(photo.len(), None, Some(photo.clone())).await;
            if answer.status() != StatusCode::CREATED {
                break answer;
            }
            held.push(maloca_protocol::MediaHash::of(&photo));
        };
        assert_eq!(refused.status(), StatusCode::INSUFFICIENT_STORAGE);
        let problem: Value = refused.json().await.expect("a problem");
        assert_eq!((&problem["code"], &problem["retry"]), (&"disk_full".into(), &true.into()), "{problem}");
        assert!(held.len() > 5, "{} photos", held.len());
    }
    // What is here is served, and so is what was acknowledged.
    assert_eq!(device.get("/observations").await["total"], 1);
    for held in held.chunks(1_000) {
        let question = serde_json::json!({ "hashes": held });
        let missing = device.json(device.call(reqwest::Method::POST, "/media/missing").json(&question), StatusCode::OK).await;
        assert_eq!(missing["missing"], serde_json::json!([]));
    }
    let more = device.call(reqwest::Method::POST, "/revisions").body(device.observation("after", "x").envelope());
    let refused = device.json(more, StatusCode::INSUFFICIENT_STORAGE).await;
    assert_eq!(refused["code"], "disk_full");
}

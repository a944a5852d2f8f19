//! What two drives hold may be freed: it is shown as such, phones are not asked for it again, and an import brings it back.

use std::fs;
use std::path::Path;
use std::process::Command;

use maloca_protocol::MediaHash;
use maloca_tests::device::{RawDevice, lines, record};
use maloca_tests::hub::{TestHub, maloca, verify};
use maloca_tests::lan::{in_a_lan, skip};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[test]
fn what_two_drives_hold_may_be_freed_and_comes_back() {
    in_a_lan("what_two_drives_hold_may_be_freed_and_comes_back", &["mount"], |_| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(freed_and_back());
    });
}

/// The hub's data lie in memory, so that this machine's disk is a drive; an overlay over a folder of it is another one.
async fn freed_and_back() {
    let name = "what_two_drives_hold_may_be_freed_and_comes_back";
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return skip(name, "there is no /dev/shm to stand for another disk");
    };
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let second = disk.path().join("second");
    for folder in ["lower", "upper", "work", "second"] {
        fs::create_dir(disk.path().join(folder)).expect("a folder");
    }
    let at = |folder: &str| disk.path().join(folder).display().to_string();
    let options = format!("lowerdir={},upperdir={},workdir={},userxattr", at("lower"), at("upper"), at("work"));
    let mounted = Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(&second).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return skip(name, "this machine lets nobody mount an overlay in a namespace");
    }

    let data = memory.path().join("data");
    let mut hub = TestHub::start(&data);
    let (rosa, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    let photos: Vec<Vec<u8>> = (0..3_u8).map(|n| vec![n; 200_000 + usize::from(n)]).collect();
    let bring = async |n: usize| {
        let photo = &photos[n];
        rosa.send(lines(&[&record(&rosa.key, &format!("nota {n}"), Some(photo))])).await;
        assert_eq!(rosa.upload(photo.len(), Some(MediaHash::of(photo)), Some(photo.clone())).await.status(), StatusCode::CREATED);
    };
    bring(0).await;
    bring(1).await;
    let first = manager.export(disk.path()).await;
    if first["on_drive"] != json!(true) {
        return skip(name, "this machine's disk is in memory too");
    }
    let none = json!({ "media": 0, "bytes": 0 });
    assert_eq!(manager.get("/admin/retention").await, none, "one drive is not enough");
    manager.export(disk.path()).await;
    assert_eq!(manager.get("/admin/retention").await, none, "two copies on one drive are one");
    assert_eq!(release(&manager).await, none);
    let bundle = manager.export(&second).await;
    assert_eq!(bundle["on_drive"], true);
    bring(2).await;

    // What came after the copies stays.
    let two = json!({ "media": 2, "bytes": 400_001 });
    assert_eq!(manager.get("/admin/retention").await, two);
    assert_eq!(release(&manager).await, two);
    assert_eq!(manager.get("/admin/retention").await, none);
    let hashes: Vec<MediaHash> = photos.iter().map(|photo| MediaHash::of(photo)).collect();
    assert_eq!(manager.media(&hashes[0]).await, None);
    assert_eq!(manager.media(&hashes[2]).await.as_ref(), Some(&photos[2]));
    let overview = manager.get("/admin/overview").await;
    assert_eq!((&overview["counts"]["media_held"], &overview["counts"]["media_wanted"]), (&json!(1), &json!(0)), "{overview}");
    let list = manager.get("/observations").await;
    let shown: Vec<&Value> =
        list["observations"].as_array().expect("a list").iter().map(|item| &item["attachments"][0]).collect();
    assert_eq!(shown.iter().filter(|one| one["released"] == true && one["held"] == false).count(), 2, "{list}");

    // Phones hear that it was freed and is on two drives, and nobody asks them for it.
    let question = json!({ "unsent": { "revisions": 0, "media": 0, "media_bytes": 0 }, "ask": hashes });
    let receipt = rosa.json(rosa.call(Method::POST, "/state").json(&question), StatusCode::OK).await;
    assert_eq!(receipt["receipt"]["media"][0], json!({ "hash": hashes[0], "state": "released", "copies": 2 }), "{receipt}");
    let missing = rosa.json(rosa.call(Method::POST, "/media/missing").json(&json!({ "hashes": hashes })), StatusCode::OK).await;
    assert_eq!(missing["missing"], json!([]), "{missing}");
    hub.end();
    verify(&data);
    assert!(!data.join("media").join(&hashes[0].to_string()[..2]).join(hashes[0].to_string()).exists());

    // An import brings it back, and then it is one more that has to be copied.
    let output = maloca([Path::new("import"), Path::new("--data"), &data, Path::new(bundle["path"].as_str().expect("a path"))]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("2 photos and sounds are new"), "{said}");
    verify(&data);
    let hub = TestHub::start(&data);
    let manager = Manager::of(&hub);
    assert_eq!(manager.media(&hashes[0]).await.as_ref(), Some(&photos[0]));
    assert_eq!(manager.get("/admin/retention").await, none);
}

async fn release(manager: &Manager) -> Value {
    let answer = manager.call(Method::POST, "/admin/retention").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.expect("JSON")
}

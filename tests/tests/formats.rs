//! Data folders of earlier formats open with today's program, and hold what they held.

use std::path::Path;
use std::process::Command;

use maloca_tests::device::client;
use maloca_tests::hub::{TestHub, folder, maloca};
use serde_json::Value;

async fn manager(hub: &TestHub, path: &str) -> Value {
    let request = client().get(format!("{}/api/v1{path}", hub.http())).bearer_auth(hub.control());
    request.send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test]
async fn a_data_folder_of_format_1_opens_and_holds_what_it_held() {
    let place = folder();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/format-1.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(place.path()).status().expect("tar");
    assert!(unpacked.success());
    let data = place.path().join("format-1");
    let verify = || {
        let output = maloca([std::ffi::OsStr::new("verify"), data.as_os_str()]);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    let said = verify();
    assert!(said.contains("20 revisions") && said.contains("16 documents") && said.contains("3 media files"), "{said}");
    assert_eq!(std::fs::read(data.join("hub.redb")).expect("the database")[..4], *b"redb");
    let hub = TestHub::start(&data);
    let overview = manager(&hub, "/admin/overview").await;
    let counts = &overview["counts"];
    assert_eq!((&counts["observations"], &counts["media_held"], &counts["conflicts"]), (&13.into(), &3.into(), &0.into()));
    let corrected = manager(&hub, "/observations?q=corrected").await;
    assert_eq!(corrected["total"], 4);
    assert_eq!(manager(&hub, "/observations/count?q=corrected").await["total"], 4);
    assert_eq!(corrected["observations"][0]["revisions"], 2);
    let gauge = manager(&hub, "/observations?q=2.5").await;
    assert_eq!(gauge["observations"][0]["set"]["level_m"], 2.5);
    let devices = manager(&hub, "/admin/devices").await;
    assert_eq!(devices["devices"].as_array().expect("a list").len(), 2);
    assert!(hub.stop().success());
    // It was of the time before each block had its sum.
    assert_eq!(std::fs::read(data.join("hub.redb")).expect("the database")[4..8], *b"mlcs");
    verify();
}

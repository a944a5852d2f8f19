//! A photo rots on the hub's disk: the hub notices by itself, asks for it again, and a phone that still has it brings it, with
//! nobody having done anything.

use std::process::Command;

use maloca_tests::device::client;
use maloca_tests::hub::{CODE, TestHub, binary, folder, verify};
use maloca_tests::lan::PATIENCE;
use serde_json::{Value, json};

fn send(device: &std::path::Path, hub: &TestHub, source: &std::path::Path) -> String {
    let mut command = Command::new(binary());
    command.arg("send").arg("--device").arg(device).args(["--hub", hub.https(), "--code", CODE, "--patience", "5"]).arg(source);
    let output = command.output().expect("maloca starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn a_photo_that_rots_is_brought_again() {
    let (data, device, source) = (folder(), folder(), folder());
    let device = device.path().join("device");
    let photo: Vec<u8> = (0..2_500_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(source.path().join("a.jpg"), &photo).expect("room");
    std::fs::write(source.path().join("b.jpg"), b"another photo").expect("room");
    let features = json!([{ "type": "Feature", "id": "1", "geometry": null, "properties": { "media": ["a.jpg", "b.jpg"] } }]);
    let walk = source.path().join("walk.geojson");
    std::fs::write(&walk, json!({ "type": "FeatureCollection", "features": features }).to_string()).expect("room");
    let hub = TestHub::start(data.path());
    send(&device, &hub, &walk);
    let hash = maloca_protocol::MediaHash::of(&photo).to_string();
    let kept = data.path().join("media").join(&hash[..2]).join(&hash);
    let mut rotten = photo.clone();
    rotten[2_000_000] ^= 4;
    std::fs::write(&kept, &rotten).expect("the hub's folder is ours");

    // Nobody asks for it, and yet it is noticed: then it counts as missing, and the page says so.
    hub.wait_for_log("is damaged; it is asked for again");
    let asked = client().get(format!("{}/api/v1/admin/overview", hub.http())).bearer_auth(hub.control());
    let overview: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&overview["counts"]["media_held"], &overview["counts"]["media_wanted"]), (&json!(1), &json!(1)), "{overview}");

    // The phone's next contact brings it, though nothing is new.
    send(&device, &hub, &walk);
    let begun = std::time::Instant::now();
    while std::fs::read(&kept).expect("a photo") != photo {
        assert!(begun.elapsed() < PATIENCE, "the photo did not come again:\n{}", hub.log());
    }
    let asked = client().get(format!("{}/api/v1/admin/overview", hub.http())).bearer_auth(hub.control());
    let overview: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&overview["counts"]["media_held"], &overview["counts"]["media_wanted"]), (&json!(2), &json!(0)), "{overview}");
    // Once is enough: the contact after that has nothing to bring.
    send(&device, &hub, &walk);
    assert!(hub.stop().success());
    verify(data.path());
}

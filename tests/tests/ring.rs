//! Three devices in a ring, and more than one hub's worth of disagreement: whatever goes round, hub and devices come to the same
//! bytes, and nothing that anyone said is dropped.

use std::path::Path;
use std::time::Duration;

use maloca_protocol::client::{Device, Edit, Patience, SyncOptions};
use maloca_protocol::{DeviceId, DocId};
use maloca_tests::device::client;
use maloca_tests::hub::{CODE, TestHub, folder};
use serde_json::{Value, json};

async fn joined(folder: &Path, hub: &TestHub, name: &str) -> Device {
    let device = Device::open(folder).await.expect("a device");
    device.join(hub.http(), Some(CODE), name, None, Patience::default()).await.expect("let in");
    device
}

async fn sync(device: &Device, hub: &TestHub) {
    let id: DeviceId = hub.id().parse().expect("an id");
    let options = SyncOptions { patience: Patience::For(Duration::from_secs(5)), pull: true, ..SyncOptions::default() };
    let report = device.sync(&id, &options).await.expect("a contact");
    assert!(report.in_sync, "{report:?}");
}

fn set(name: &str, value: Value) -> Edit {
    Edit { set: [(name.to_owned(), value)].into_iter().collect(), ..Edit::default() }
}

async fn of_hub(hub: &TestHub, doc: DocId) -> Vec<u8> {
    let url = format!("{}/api/v1/observations/{doc}?form=document", hub.http());
    let answer = client().get(url).bearer_auth(hub.control()).send().await.expect("an answer");
    assert!(answer.status().is_success());
    answer.bytes().await.expect("bytes").to_vec()
}

#[tokio::test]
async fn three_in_a_ring_agree_to_the_byte() {
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let folders = [folder(), folder(), folder()];
    let mut devices = Vec::new();
    for (n, folder) in folders.iter().enumerate() {
        devices.push(joined(folder.path(), &hub, &format!("Device {n}")).await);
    }
    let doc = DocId::now();
    devices[0].edit(doc, "observation", set("notes", json!("first"))).await.expect("an edit");
    for device in &devices {
        sync(device, &hub).await;
    }
    // Each writes the same property and one of its own, while apart; one deletes beside them.
    for (n, device) in devices.iter().enumerate() {
        device.edit(doc, "observation", set("notes", json!(format!("word of {n}")))).await.expect("an edit");
        device.edit(doc, "observation", set(&format!("own {n}"), json!(n))).await.expect("an edit");
    }
    devices[2].edit(doc, "observation", Edit { deleted: Some(true), ..Edit::default() }).await.expect("an edit");
    // Round the ring twice: what one brings, the next finds.
    for turn in 0..6 {
        sync(&devices[turn % 3], &hub).await;
    }
    let whole = of_hub(&hub, doc).await;
    for device in &devices {
        let own = device.document(doc).await.expect("a store").expect("a document").canonical();
        assert_eq!(String::from_utf8_lossy(&own), String::from_utf8_lossy(&whole));
    }
    let shown: Value = serde_json::from_slice(&whole).expect("JSON");
    assert_eq!((&shown["state"], &shown["deleted"]), (&json!("conflict"), &json!(false)), "an edit beside a deletion wins");
    assert_eq!(shown["conflicts"]["notes"].as_array().expect("candidates").len(), 3, "three words, all shown");
    for n in 0..3 {
        assert_eq!(shown["set"][format!("own {n}")], n);
    }
    // Each settles it at the same time, differently: a conflict again, of three who knew it all.
    for (n, device) in devices.iter().enumerate() {
        device.edit(doc, "observation", set("notes", json!(format!("settled by {n}")))).await.expect("an edit");
    }
    for turn in 0..6 {
        sync(&devices[turn % 3], &hub).await;
    }
    let shown: Value = serde_json::from_slice(&of_hub(&hub, doc).await).expect("JSON");
    assert_eq!(shown["conflicts"]["notes"].as_array().expect("candidates").len(), 3);
    devices[1].edit(doc, "observation", set("notes", json!("the last word"))).await.expect("an edit");
    for turn in [1, 0, 2] {
        sync(&devices[turn], &hub).await;
    }
    let whole = of_hub(&hub, doc).await;
    let shown: Value = serde_json::from_slice(&whole).expect("JSON");
    assert_eq!((&shown["state"], &shown["set"]["notes"]), (&json!("whole"), &json!("the last word")));
    for device in &devices {
        assert_eq!(device.document(doc).await.expect("a store").expect("a document").canonical(), whole);
    }
}

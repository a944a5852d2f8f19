//! The classes of refusals, as a device's engine meets them: what each does to what was being sent. Whatever the hub says, a
//! record stays on the device, is never taken for sent that is not, and goes when the hub takes it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use maloca_protocol::client::{CallError, Device, Edit, Patience, SyncError, SyncOptions, SyncReport};
use maloca_protocol::problem::Problem;
use maloca_protocol::{DeviceId, DocId};
use maloca_tests::hub::{CODE, TestHub, folder, verify};
use maloca_tests::manager::Manager;
use maloca_tests::proxy::Proxy;
use serde_json::json;

/// A device with so many observations that calls the hub through a proxy.
async fn met(folder: &Path, hub: &TestHub, proxy: &Proxy, notes: &[&str]) -> Device {
    let device = Device::open(folder).await.expect("a device");
    device.join(proxy.url(), Some(CODE), "Rosa", None, Patience::default()).await.expect("joined");
    for notes in notes {
        note(&device, DocId::now(), notes).await;
    }
    assert_eq!(device.hubs().await.expect("its hubs")[0].id.to_string(), hub.id());
    device
}

async fn note(device: &Device, doc: DocId, notes: &str) {
    let set = [("notes".to_owned(), json!(notes))].into_iter().collect();
    device.edit(doc, "observation", Edit { set, ..Edit::default() }).await.expect("room on the device");
}

async fn sync(device: &Device, hub: &TestHub) -> Result<SyncReport, SyncError> {
    let options = SyncOptions { patience: Patience::For(Duration::from_secs(10)), ..SyncOptions::default() };
    let id: DeviceId = hub.id().parse().expect("an id");
    device.sync(&id, &options).await
}

/// Everything goes when nothing is in the way, and the hub has each once.
async fn all_arrives(device: &Device, hub: &TestHub, proxy: &Proxy, observations: u64) {
    proxy.answers(|_, _, _| None);
    let report = sync(device, hub).await.expect("a contact");
    assert!(report.in_sync, "{report:?}");
    assert_eq!(Manager::of(hub).get("/observations?limit=1").await["total"], observations);
}

fn refusal(status: u16, code: &str, retry: bool) -> Problem {
    Problem::new(status, code, retry, "Said by a test.")
}

/// 413 on a whole batch: halves are tried, and only the one that is too much by itself is set aside.
#[tokio::test]
async fn a_batch_that_is_too_big_is_split_and_only_the_bad_one_is_set_aside() {
    let (data, folder) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let proxy = Proxy::before(&hub).await;
    let device = met(folder.path(), &hub, &proxy, &[]).await;
    let bad = DocId::now();
    for n in 0..40 {
        note(&device, DocId::now(), &format!("good {n}")).await;
    }
    note(&device, bad, "too much").await;
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    proxy.answers(move |_, path, body| {
        let is_batch = path.ends_with("/revisions");
        counted.fetch_add(u64::from(is_batch), Ordering::Relaxed);
        let (lines, bad) = (body.split(|byte| *byte == b'\n').count(), String::from_utf8_lossy(body).contains("too much"));
        (is_batch && (lines > 12 || bad)).then(|| refusal(413, "batch_too_big", false))
    });
    let report = sync(&device, &hub).await.expect("a contact");
    assert_eq!((report.stored, report.refused_count, report.unsent.parked), (40, 1, 1), "{report:?}");
    assert_eq!((report.refused[0].doc, report.refused[0].code.as_str()), (bad, "batch_too_big"));
    assert!(!report.in_sync && calls.load(Ordering::Relaxed) > 3, "{report:?}");
    // It is kept, and shown to its author as it was; edited, it goes.
    assert_eq!(device.document(bad).await.expect("the store").expect("a document").set["notes"], "too much");
    proxy.answers(|_, _, _| None);
    let again = sync(&device, &hub).await.expect("a contact");
    assert!(again.unsent.parked == 1 && !again.in_sync, "what is set aside holds up nothing, and is no secret: {again:?}");
    assert_eq!(Manager::of(&hub).get("/observations?limit=1").await["total"], 40);
    assert!(hub.stop().success());
    verify(data.path());
}

/// 422 on a whole batch is split in the same way.
#[tokio::test]
async fn a_batch_that_is_not_understood_loses_only_the_line_that_is_not() {
    let (data, folder) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let proxy = Proxy::before(&hub).await;
    let device = met(folder.path(), &hub, &proxy, &["one", "two", "odd", "four", "five"]).await;
    proxy.answers(|_, path, body| {
        (path.ends_with("/revisions") && String::from_utf8_lossy(body).contains("odd")).then(|| refusal(422, "bad_batch", false))
    });
    let report = sync(&device, &hub).await.expect("a contact");
    assert_eq!((report.stored, report.refused_count, report.unsent.parked), (4, 1, 1), "{report:?}");
    assert_eq!(report.refused[0].code, "bad_batch");
    assert!(!report.in_sync);
}

/// 408, 429 and 503: the same is sent again a little later, and nothing is set aside.
#[tokio::test]
async fn a_hub_that_asks_to_come_later_is_asked_again() {
    for status in [408, 429, 503] {
        let (data, folder) = (folder(), folder());
        let hub = TestHub::start(data.path());
        let proxy = Proxy::before(&hub).await;
        let device = met(folder.path(), &hub, &proxy, &["one", "two"]).await;
        let photo = folder.path().join("photo.jpg");
        std::fs::write(&photo, b"a photo").expect("room");
        let attach = vec![device.attach(&photo).await.expect("a file").attachment];
        device.edit(DocId::now(), "observation", Edit { attach, ..Edit::default() }).await.expect("room on the device");
        // Each call is put off once.
        let asked = Mutex::new(BTreeSet::new());
        proxy.answers(move |_, path, _| {
            let is_first = asked.lock().expect("no panic under the lock").insert(path.to_owned());
            is_first.then(|| refusal(status, "come_later", true))
        });
        let report = sync(&device, &hub).await.expect("a contact");
        assert!(report.in_sync && report.stored == 3 && report.media_sent == 1, "{status}: {report:?}");
        all_arrives(&device, &hub, &proxy, 3).await;
    }
}

/// 507: the contact ends and says so; all is kept, and goes when there is room.
#[tokio::test]
async fn a_hub_without_room_loses_nothing() {
    let (data, folder) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let proxy = Proxy::before(&hub).await;
    let device = met(folder.path(), &hub, &proxy, &["one", "two", "three"]).await;
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, b"a photo").expect("room");
    let attach = vec![device.attach(&photo).await.expect("a file").attachment];
    device.edit(DocId::now(), "observation", Edit { attach, ..Edit::default() }).await.expect("room on the device");
    for full in ["/revisions", "/uploads"] {
        proxy.answers(move |_, path, _| path.ends_with(full).then(|| refusal(507, "disk_full", true)));
        let failed = sync(&device, &hub).await.expect_err("the hub is full");
        assert!(matches!(&failed, SyncError::Call(CallError::Full(problem)) if problem.code == "disk_full"), "{failed}");
    }
    all_arrives(&device, &hub, &proxy, 4).await;
}

/// 422 on an upload: the photo is set aside and said, and holds up no record.
#[tokio::test]
async fn a_photo_that_is_refused_is_said_and_the_records_go() {
    let (data, folder) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let proxy = Proxy::before(&hub).await;
    let device = met(folder.path(), &hub, &proxy, &["one"]).await;
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, b"a photo").expect("room");
    let attach = vec![device.attach(&photo).await.expect("a file").attachment];
    device.edit(DocId::now(), "observation", Edit { attach, ..Edit::default() }).await.expect("room on the device");
    proxy.answers(|_, path, _| path.ends_with("/uploads").then(|| refusal(422, "wrong_hash", false)));
    let report = sync(&device, &hub).await.expect("a contact");
    assert!(report.stored == 2 && report.media_refused.len() == 1 && !report.in_sync, "{report:?}");
    assert_eq!(report.media_refused[0].code, "wrong_hash");
}

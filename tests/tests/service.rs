//! What the manager tells the service: to pause, to let one device wait, to search; and what it remembers of who was here.

use maloca_protocol::rest::{BASE, PairRequest};
use maloca_protocol::{DeviceId, DeviceKey};
use maloca_tests::device::{RawDevice, client, lines};
use maloca_tests::hub::{CODE, TestHub, folder, verify};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn ask(manager: &Manager, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = manager.call(method, path).json(&body).send().await.expect("an answer");
    (answer.status(), answer.json().await.unwrap_or_default())
}

/// What a device is told when it brings something.
async fn bring(device: &RawDevice, own_id: &str) -> (StatusCode, Value) {
    let body = lines(&[&device.observation(own_id, "a note")]);
    let answer = device.call(Method::POST, "/revisions").body(body).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_paused_hub_lets_devices_wait_and_loses_nothing() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    assert_eq!(bring(&device, "before").await.0, StatusCode::OK);

    assert_eq!(ask(&manager, Method::PATCH, "/admin/service", json!({ "paused": true })).await.0, StatusCode::NO_CONTENT);
    let (status, problem) = bring(&device, "meanwhile").await;
    assert_eq!(
        (status, &problem["code"], &problem["retry"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("hub_paused"), &json!(true))
    );
    let overview = manager.get("/admin/overview").await;
    assert_eq!((&overview["service"]["paused"], &overview["counts"]["observations"]), (&json!(true), &json!(1)));

    ask(&manager, Method::PATCH, "/admin/service", json!({ "paused": false })).await;
    assert_eq!(bring(&device, "meanwhile").await.0, StatusCode::OK);

    // Nobody has to remember a pause.
    ask(&manager, Method::PATCH, "/admin/service", json!({ "paused": true })).await;
    drop(hub);
    let hub = TestHub::start(data.path());
    assert_eq!(Manager::of(&hub).get("/admin/overview").await["service"]["paused"], false);
    assert_eq!(bring(&device.at(&hub), "after").await.0, StatusCode::OK);
}

#[tokio::test]
async fn one_device_waits_and_the_others_do_not() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (waiting, other, manager) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await, Manager::of(&hub));
    let path = format!("/admin/devices/{}", waiting.key.id());
    let (status, card) = ask(&manager, Method::PATCH, &path, json!({ "held_back": true })).await;
    assert_eq!((status, &card["held_back"], &card["name"]), (StatusCode::OK, &json!(true), &json!("Raw 1")));

    let (status, problem) = bring(&waiting, "one").await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("held_back")));
    assert_eq!(bring(&other, "two").await.0, StatusCode::OK);

    // It is the manager's word, and outlives the program.
    drop(hub);
    let hub = TestHub::start(data.path());
    let (waiting, manager) = (waiting.at(&hub), Manager::of(&hub));
    assert_eq!(bring(&waiting, "one").await.1["code"], "held_back");
    ask(&manager, Method::PATCH, &path, json!({ "held_back": false })).await;
    assert_eq!(bring(&waiting, "one").await.0, StatusCode::OK);
    assert_eq!(manager.card(&waiting.key.id()).await["held_back"], false);
}

#[tokio::test]
async fn contacts_are_remembered_and_counted() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    bring(&device, "one").await;
    bring(&device, "one").await;
    bring(&device, "two").await;
    hub.stop();
    let hub = TestHub::start(data.path());
    let manager_again = Manager::of(&hub);
    drop(manager);
    let log = manager_again.get("/admin/contacts").await;
    let contact = &log["contacts"][0];
    assert_eq!(
        (&contact["device"], &contact["new"], &contact["repeats"]),
        (&json!(device.key.id()), &json!(2), &json!(1)),
        "{log}"
    );
    assert_eq!((log["contacts"].as_array().map(Vec::len), &log["next"]), (Some(1), &Value::Null));
    assert!(contact["bytes"].as_u64().expect("a number") > 1_000, "{contact}");

    let answer = manager_again.call(Method::GET, "/admin/metrics").send().await.expect("an answer");
    assert!(answer.headers()["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    let metrics = answer.text().await.expect("text");
    let id = device.key.id();
    for line in [
        "maloca_observations 2".to_owned(),
        format!("maloca_contacts{{device=\"{id}\",name=\"Raw 1\"}} 1"),
        format!("maloca_contact_new{{device=\"{id}\",name=\"Raw 1\"}} 2"),
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} in {metrics}");
    }
    let bundle = manager_again.call(Method::GET, "/admin/log").send().await.expect("an answer").text().await.expect("text");
    assert!(bundle.contains("== Contacts") && bundle.contains("== Log"), "{bundle}");
    let stranger = device.at(&hub).call(Method::GET, "/admin/log").send().await.expect("an answer");
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let search = ask(&manager_again, Method::POST, "/admin/search", json!({})).await;
    assert_eq!((search.0, search.1["urls"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{}", search.1);
    drop(hub);
    verify(data.path());
}

#[tokio::test]
async fn a_device_that_could_not_join_is_named_until_it_has() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (manager, key) = (Manager::of(&hub), DeviceKey::generate());
    let id: DeviceId = hub.id().parse().expect("an id");
    let join = async |request: PairRequest| {
        let url = format!("{}{BASE}/pair", hub.https());
        client().post(url).json(&request).send().await.expect("an answer").status()
    };
    let turned_away = async || manager.get("/admin/overview").await["turned_away"].clone();

    assert_eq!(join(PairRequest::new(&key, &id, "Rosa", "wrong!", None)).await, StatusCode::FORBIDDEN);
    assert_eq!(join(PairRequest::new(&key, &id, "Rosa", "wrong!", None)).await, StatusCode::FORBIDDEN);
    let list = turned_away().await;
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!((&list[0]["name"], &list[0]["code"], &list[0]["times"]), (&json!("Rosa"), &json!("wrong_code"), &json!(2)));
    assert_eq!(list[0]["device"], key.id().to_string());

    // Nobody is named on somebody else's word.
    let mut forged = PairRequest::new(&key, &id, "Ana", "wrong!", None);
    forged.device = DeviceKey::generate().id();
    assert_eq!(join(forged).await, StatusCode::FORBIDDEN);
    assert_eq!(turned_away().await.as_array().map(Vec::len), Some(1));

    assert_eq!(join(PairRequest::new(&key, &id, "Rosa", CODE, None)).await, StatusCode::OK);
    assert_eq!(turned_away().await, json!([]));
}

//! Categories: what a manager adds is there for everybody inside; what anybody but a hub says of one counts for nothing.

use maloca_protocol::{DocId, Draft};
use maloca_tests::device::{RawDevice, lines};
use maloca_tests::hub::{TestHub, folder, verify};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn nest() -> Value {
    let question = json!({ "key": "eggs", "type": "number", "label": { "es": "¿Cuántos huevos?" }, "required": true });
    json!({ "key": "nest", "name": { "es": "Nido", "en": "Nest" }, "color": "#2f7d4f", "order": 2, "fields": [question] })
}

async fn post(manager: &Manager, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = manager.call(Method::POST, path).json(&body).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_category_is_added_changed_and_retired() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    let fire = json!({ "key": "fire", "name": { "es": "Fuego" }, "order": 1 });
    let (status, added) = post(&manager, "/admin/presets", json!({ "by": "Ana", "presets": [nest(), fire] })).await;
    assert_eq!((status, added["added"].as_array().map(Vec::len), &added["known"]), (StatusCode::CREATED, Some(2), &json!(0)));

    // Every device inside reads them, in their order.
    let seen = device.get("/presets").await;
    let keys = |seen: &Value| -> Vec<Value> {
        seen["presets"].as_array().expect("a list").iter().map(|preset| preset["set"]["key"].clone()).collect()
    };
    assert_eq!(keys(&seen), [json!("fire"), json!("nest")]);
    assert_eq!(seen["presets"][1]["set"], nest());

    // A key that is known is left as it is; what is no category is refused, and with it the whole set.
    let again =
        post(&manager, "/admin/presets", json!({ "by": "Ana", "presets": [{ "key": "nest", "name": { "es": "Otro" } }] })).await;
    assert_eq!((again.0, &again.1["known"]), (StatusCode::CREATED, &json!(1)));
    let bad = json!({ "by": "Ana", "presets": [{ "key": "river", "name": { "es": "Río" } }, { "key": "odd", "name": "no" }] });
    let bad = post(&manager, "/admin/presets", bad).await;
    assert_eq!((bad.0, &bad.1["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad_preset")));
    assert_eq!(keys(&device.get("/presets").await).len(), 2);

    // It is edited as any document is, and stays a category.
    let preset = device.get("/presets").await["presets"][1].clone();
    let path = format!("/observations/{}/edits", preset["doc"].as_str().expect("a document"));
    let spoilt = post(&manager, &path, json!({ "by": "Ana", "heads": preset["heads"], "unset": ["name"] })).await;
    assert_eq!((spoilt.0, &spoilt.1["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad_preset")));
    let retired =
        post(&manager, &path, json!({ "by": "Ana", "heads": preset["heads"], "set": { "retired": true, "order": 0 } })).await;
    assert_eq!(retired.0, StatusCode::CREATED, "{}", retired.1);
    let seen = device.get("/presets").await;
    assert_eq!((keys(&seen), &seen["presets"][0]["set"]["retired"]), (vec![json!("nest"), json!("fire")], &json!(true)));

    // It is no observation, and nothing that observations are counted by.
    assert_eq!(manager.get("/observations/count").await["total"], 0);
    hub.stop();
    verify(data.path());
    let hub = TestHub::start(data.path());
    assert_eq!(keys(&Manager::of(&hub).get("/presets").await).len(), 2);
}

#[tokio::test]
async fn only_hubs_say_what_a_category_is() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    post(&manager, "/admin/presets", json!({ "by": "Ana", "presets": [nest()] })).await;
    let preset = manager.get("/presets").await["presets"][0].clone();
    let doc: DocId = preset["doc"].as_str().and_then(|doc| doc.parse().ok()).expect("a document");

    // A device may send such revisions, and they are kept; but they count for nothing.
    let mut forged = Draft::new("preset", doc, 1_700_000_000_000);
    forged.parents = vec![preset["heads"][0].as_str().and_then(|id| id.parse().ok()).expect("a revision")];
    forged.set = json!({ "name": { "es": "Otra cosa" } }).as_object().expect("an object").clone();
    let mut own = Draft::new("preset", DocId::from_source("presets", "own"), 1_700_000_000_000);
    own.set = json!({ "key": "own", "name": { "es": "Mía" } }).as_object().expect("an object").clone();
    let (forged, own) = (forged.sign(&device.key).expect("sound"), own.sign(&device.key).expect("sound"));
    device.send(lines(&[&forged, &own])).await;
    assert_eq!(manager.get("/presets").await["presets"], json!([preset]));

    // Who cannot sign does not borrow the hub's word for it.
    let plain = post(&manager, "/admin/devices", json!({ "name": "bridge" })).await.1;
    let bridge = RawDevice::known(&hub, 9, plain["token"].as_str().expect("a token"));
    for kind in ["preset", "member", "revoke", "hub"] {
        let batch = json!({ "source": "s", "observations": [{ "id": "1", "kind": kind, "set": nest() }] });
        let kept = bridge.json(bridge.call(Method::POST, "/observations").json(&batch), StatusCode::OK).await;
        assert_eq!(
            (&kept["results"][0]["status"], &kept["results"][0]["code"]),
            (&json!("refused"), &json!("reserved_kind")),
            "{kind}"
        );
    }
    assert_eq!(manager.get("/presets").await["presets"].as_array().map(Vec::len), Some(1));
    hub.stop();
    verify(data.path());
}

//! Who is in: strangers' records are kept aside until their author joins; who was put out stays out; the plain door.

use maloca_protocol::rest::Outcome;
use maloca_protocol::{DeviceKey, DocId, Draft};
use maloca_tests::device::{RawDevice, client, lines};
use maloca_tests::hub::{TestHub, folder};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn manage(hub: &TestHub, method: Method, path: &str, body: Value) -> Value {
    let request = client().request(method, format!("{}/api/v1{path}", hub.http())).bearer_auth(hub.control()).json(&body);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn records_of_an_author_who_is_no_member_are_kept_aside_until_it_joins() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let carrier = RawDevice::join(&hub, 1).await;
    let author = DeviceKey::from_seed([2; 32]);
    let revisions: Vec<_> = (0..20)
        .map(|n| Draft::new("observation", DocId::from_source("q", &n.to_string()), 0).sign(&author).expect("sound"))
        .collect();
    let answer = carrier.send(lines(&revisions.iter().collect::<Vec<_>>())).await;
    assert!(answer.results.iter().all(|run| run.status == Outcome::Quarantined));
    let overview = manage(&hub, Method::GET, "/admin/overview", Value::Null).await;
    assert_eq!((overview["counts"]["observations"].as_u64(), overview["counts"]["quarantined"].as_u64()), (Some(0), Some(20)));
    hub.kill();
    let hub = TestHub::start(data.path());
    RawDevice::join(&hub, 2).await;
    let overview = manage(&hub, Method::GET, "/admin/overview", Value::Null).await;
    assert_eq!((overview["counts"]["observations"].as_u64(), overview["counts"]["quarantined"].as_u64()), (Some(20), Some(0)));
}

#[tokio::test]
async fn a_device_that_was_put_out_gets_nothing_and_may_join_again() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (one, other) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    one.send(one.observation("before", "x").envelope()).await;
    let card = manage(&hub, Method::POST, &format!("/admin/devices/{}/revoke", one.key.id()), Value::Null).await;
    assert_eq!(card["state"], "revoked");
    let status = one.call(Method::GET, "/observations").send().await.expect("an answer").status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let late = other.send(one.observation("after", "x").envelope()).await;
    assert_eq!(late.results[0].status, Outcome::Quarantined, "what arrives after is kept aside");
    let overview = manage(&hub, Method::GET, "/admin/overview", Value::Null).await;
    assert_eq!(overview["counts"]["observations"], 1, "what came before stays");
    let again = RawDevice::join(&hub, 1).await;
    assert_eq!(again.get("/observations").await["total"], 2);
}

#[tokio::test]
async fn a_member_cannot_let_anyone_in() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let insider = RawDevice::join(&hub, 1).await;
    let friend = DeviceKey::from_seed([3; 32]);
    let doc = DocId::from_source("maloca member", &friend.id().to_string());
    let mut draft = Draft::new("member", doc, 0);
    draft.set.insert("device".into(), json!(friend.id()));
    draft.set.insert("revoked".into(), json!(false));
    let forged = draft.sign(&insider.key).expect("sound");
    assert_eq!(insider.send(forged.envelope()).await.results[0].status, Outcome::Stored, "it is kept, and means nothing");
    let theirs = Draft::new("observation", DocId::from_source("q", "1"), 0).sign(&friend).expect("sound");
    assert_eq!(insider.send(theirs.envelope()).await.results[0].status, Outcome::Quarantined);
}

#[tokio::test]
async fn the_plain_door_takes_whole_observations_and_lets_peoples_edits_stand() {
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let added = manage(&hub, Method::POST, "/admin/devices", json!({ "name": "River gauge" })).await;
    let token = added["token"].as_str().expect("a token").to_owned();
    let person = RawDevice::join(&hub, 1).await;
    let send = async |items: Value| {
        let body = json!({ "source": "gauge-7", "observations": items });
        let request = client().post(format!("{}/api/v1/observations", hub.https())).bearer_auth(&token).json(&body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.expect("JSON")
    };
    let status = |answer: &Value, n: usize| answer["results"][n]["status"].as_str().expect("a status").to_owned();
    let first = json!([{ "id": "a", "set": { "level_m": 2.5, "colour": "brown" } }, { "set": {} }, { "id": "b", "set": { "level_m": 1e300 } }, { "id": "c", "set": { "level_m": 1 } }]);
    let answer = send(first.clone()).await;
    assert_eq!([status(&answer, 0), status(&answer, 1), status(&answer, 3)], ["stored", "refused", "stored"]);
    let again = send(json!([first[0]])).await;
    assert_eq!(status(&again, 0), "duplicate");
    let doc: DocId = answer["results"][0]["doc"].as_str().expect("a doc").parse().expect("an id");
    let first_revision: maloca_protocol::RevisionId =
        answer["results"][0]["revision"].as_str().expect("an id").parse().expect("an id");
    // A person corrects the colour and adds a note, upon the gauge's word.
    let mut edit = Draft::new("observation", doc, 1);
    edit.parents = vec![first_revision];
    edit.set.insert("colour".into(), json!("green"));
    edit.set.insert("notes".into(), json!("seen by me"));
    person.send(edit.sign(&person.key).expect("sound").envelope()).await;
    // The gauge changes the level only: no conflict, and the person's words stand.
    assert_eq!(status(&send(json!([{ "id": "a", "set": { "level_m": 3, "colour": "brown" } }])).await, 0), "stored");
    let shown = person.get(&format!("/observations/{doc}")).await;
    assert_eq!(shown["set"], json!({ "level_m": 3, "colour": "green", "notes": "seen by me" }));
    assert_eq!(shown["state"], "whole");
    // It leaves the colour out, which unsets it: against the person's word, a conflict that shows.
    send(json!([{ "id": "a", "set": { "level_m": 3 } }])).await;
    let shown = person.get(&format!("/observations/{doc}")).await;
    assert_eq!(shown["state"], "conflict");
    assert_eq!(shown["conflicts"]["colour"].as_array().expect("candidates").len(), 2);
    // An old body again is a late repeat, unless a version says that it is meant.
    assert_eq!(status(&send(json!([first[0]])).await, 0), "duplicate");
    assert_eq!(
        status(&send(json!([{ "id": "a", "version": 5, "set": { "level_m": 2.5, "colour": "brown" } }])).await, 0),
        "stored"
    );
    assert_eq!(status(&send(json!([{ "id": "a", "version": 4, "set": { "level_m": 9 } }])).await, 0), "duplicate");
    let wrong = client()
        .post(format!("{}/api/v1/observations", hub.https()))
        .bearer_auth(&token)
        .body("[]")
        .send()
        .await
        .expect("an answer");
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn edits_made_apart_come_together_whatever_order_they_come_in() {
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let (one, two) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    let root = one.observation("shared", "first");
    let doc = root.content().doc;
    let by_one = one.edit(doc, &[&root], json!({ "notes": "one says", "animal": "otter" }));
    let by_two = two.edit(doc, &[&root], json!({ "notes": "two says", "river": "high" }));
    // The edits come before what they were made upon.
    two.send(by_two.envelope()).await;
    assert_eq!(two.get(&format!("/observations/{doc}")).await["state"], "incomplete");
    one.send(lines(&[&by_one, &root])).await;
    let shown = one.get(&format!("/observations/{doc}")).await;
    assert_eq!(
        (&shown["state"], &shown["set"]["animal"], &shown["set"]["river"]),
        (&json!("conflict"), &json!("otter"), &json!("high"))
    );
    let merged = maloca_protocol::document::merge(doc, [&root, &by_one, &by_two]).expect("a document");
    assert_eq!(shown["set"], Value::Object(merged.set), "hub and library agree");
    let settled = one.edit(doc, &[&by_one, &by_two], json!({ "notes": "both agree" }));
    one.send(settled.envelope()).await;
    let shown = two.get(&format!("/observations/{doc}")).await;
    assert_eq!((&shown["state"], &shown["set"]["notes"]), (&json!("whole"), &json!("both agree")));
    // One deletes while the other edits: the edit wins and shows.
    let mut deletion = Draft::new("observation", doc, 5);
    deletion.parents = vec![settled.id()];
    deletion.deleted = true;
    one.send(deletion.sign(&one.key).expect("sound").envelope()).await;
    assert_eq!(one.get("/observations").await["total"], 0);
    two.send(two.edit(doc, &[&settled], json!({ "notes": "still here" })).envelope()).await;
    assert_eq!(one.get("/observations").await["total"], 1);
}

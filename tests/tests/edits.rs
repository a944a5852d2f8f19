//! What a manager writes on the page: edits, deletions and choices are revisions like all others, upon what the person saw.

use maloca_protocol::{DocId, Draft, MediaHash, ValidRevision};
use maloca_tests::device::{RawDevice, lines};
use maloca_tests::hub::{TestHub, folder, verify};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

struct Page {
    manager: Manager,
    doc: DocId,
}

impl Page {
    async fn seen(&self) -> Value {
        self.manager.get(&format!("/observations/{}", self.doc)).await
    }

    async fn history(&self) -> Vec<Value> {
        let history = self.manager.get(&format!("/observations/{}/history", self.doc)).await;
        let changes = history["changes"].as_array().expect("changes").clone();
        assert_eq!(history["total"], changes.len());
        changes
    }

    /// Sends an edit, as Ana, upon `heads`; what is said beyond that is in `edit`.
    async fn edit(&self, heads: &Value, edit: Value) -> (StatusCode, Value) {
        let mut body = json!({ "by": " Ana ", "heads": heads });
        let members = body.as_object_mut().expect("an object");
        members.extend(edit.as_object().expect("an object").clone());
        let path = format!("/observations/{}/edits", self.doc);
        let answer = self.manager.call(Method::POST, &path).json(&body).send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }
}

fn photo(n: u8) -> Value {
    json!({ "hash": MediaHash([n; 32]), "name": format!("{n}.jpg"), "type": "image/jpeg", "size": 7 })
}

fn recorded(device: &RawDevice) -> ValidRevision {
    let mut draft = Draft::new("observation", DocId::from_source("edits", "one"), 1_700_000_000_000);
    draft.set = json!({ "category": "logging", "notes": "two trucks" }).as_object().expect("an object").clone();
    draft.attach = serde_json::from_value(json!([photo(1), photo(2)])).expect("attachments");
    draft.sign(&device.key).expect("a sound revision")
}

#[tokio::test]
async fn an_edit_is_a_revision_by_the_hub_that_names_the_person() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let first = recorded(&device);
    device.send(lines(&[&first])).await;
    let page = Page { manager: Manager::of(&hub), doc: first.content().doc };

    let seen = page.seen().await;
    let change = json!({ "set": { "notes": "three trucks" }, "unset": ["category"], "detach": [MediaHash([2; 32])] });
    let (status, kept) = page.edit(&seen["heads"], change).await;
    assert_eq!(status, StatusCode::CREATED, "{kept}");
    let now = page.seen().await;
    assert_eq!((&now["set"], &now["heads"]), (&json!({ "notes": "three trucks" }), &json!([kept["revision"]])));
    assert_eq!(now["attachments"].as_array().expect("a list").len(), 1);

    let history = page.history().await;
    let [edit, begin] = history.as_slice() else { panic!("{history:?}") };
    assert_eq!((&edit["person"], &begin["person"]), (&json!("Ana"), &json!("Raw 1")));
    assert_eq!((&edit["head"], &begin["head"]), (&json!(true), &json!(false)));
    assert_eq!((&edit["root"], &begin["root"]), (&json!(false), &json!(true)));
    assert_eq!(edit["properties"]["notes"], json!({ "before": "two trucks", "after": "three trucks" }));
    assert_eq!(edit["properties"]["category"], json!({ "before": "logging" }));
    assert_eq!(begin["properties"]["category"], json!({ "after": "logging" }));
    assert_eq!(edit["detached"][0]["name"], "2.jpg");
    assert_eq!(edit.get("deleted"), None);

    // Deleted, and brought back; neither takes anything away.
    let (status, _) = page.edit(&now["heads"], json!({ "deleted": true })).await;
    assert_eq!(status, StatusCode::CREATED);
    let gone = page.seen().await;
    assert_eq!((&gone["deleted"], &gone["set"]), (&json!(true), &now["set"]));
    // An edit that does not say so brings nothing back.
    page.edit(&gone["heads"], json!({ "set": { "notes": "still" } })).await;
    let gone = page.seen().await;
    assert_eq!((&gone["deleted"], &gone["set"]["notes"]), (&json!(true), &json!("still")));
    page.edit(&gone["heads"], json!({ "deleted": false })).await;
    assert_eq!(page.seen().await["deleted"], false);
    let words: Vec<Value> = page.history().await.iter().map(|change| change["deleted"].clone()).collect();
    assert_eq!(words, [json!(false), json!(null), json!(true), json!(null), json!(null)]);

    // All of it travels as it was signed, and is there after a restart.
    let feed = page.manager.feed().await;
    let of_hub: Vec<&ValidRevision> = feed.revisions.iter().filter(|one| one.content().doc == page.doc).collect();
    assert_eq!(of_hub.len(), 5);
    let document = page.manager.document(&page.doc).await;
    drop(hub);
    let hub = TestHub::start(data.path());
    assert_eq!(Manager::of(&hub).document(&page.doc).await, document);
    drop(hub);
    verify(data.path());
}

#[tokio::test]
async fn what_came_meanwhile_conflicts_and_a_choice_ends_it() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let first = recorded(&device);
    device.send(lines(&[&first])).await;
    let page = Page { manager: Manager::of(&hub), doc: first.content().doc };
    let seen = page.seen().await;

    // The phone changed the same while the form was open.
    let phone = device.edit(page.doc, &[&first], json!({ "notes": "four trucks", "road": "new" }));
    device.send(lines(&[&phone])).await;
    page.edit(&seen["heads"], json!({ "set": { "notes": "three trucks" } })).await;
    let disputed = page.seen().await;
    assert_eq!(disputed["state"], "conflict");
    assert_eq!(disputed["set"]["road"], "new");
    let sides = disputed["conflicts"]["notes"].as_array().expect("two sides");
    let of = |person: &str| sides.iter().find(|side| side["person"] == person).unwrap_or_else(|| panic!("{person}: {sides:?}"));
    assert_eq!((&of("Ana")["value"], &of("Raw 1")["value"]), (&json!("three trucks"), &json!("four trucks")));

    let (status, _) = page.edit(&disputed["heads"], json!({ "set": { "notes": "four trucks" } })).await;
    assert_eq!(status, StatusCode::CREATED);
    let settled = page.seen().await;
    assert_eq!((&settled["state"], &settled["set"]["notes"]), (&json!("whole"), &json!("four trucks")));
    assert_eq!(page.manager.get("/admin/overview").await["counts"]["conflicts"], 0);
}

#[tokio::test]
async fn what_cannot_be_meant_changes_nothing() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let first = recorded(&device);
    device.send(lines(&[&first])).await;
    let page = Page { manager: Manager::of(&hub), doc: first.content().doc };
    let before = page.manager.document(&page.doc).await;
    let heads = page.seen().await["heads"].clone();

    let stranger = json!(["00".repeat(32)]);
    let set = json!({ "set": { "notes": "x" } });
    let refused = [
        (&heads, json!({ "by": "  ", "set": { "notes": "x" } }), StatusCode::UNPROCESSABLE_ENTITY, "name_missing"),
        (&heads, json!({}), StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_change"),
        (&heads, json!({ "deleted": false }), StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_change"),
        (&stranger, set.clone(), StatusCode::CONFLICT, "not_seen"),
        (&json!([]), set.clone(), StatusCode::CONFLICT, "not_seen"),
        (&heads, json!({ "set": { "n": 1 }, "unset": ["n"] }), StatusCode::UNPROCESSABLE_ENTITY, "set_and_unset"),
        (&heads, json!({ "set": { "n": "x".repeat(300_000) } }), StatusCode::UNPROCESSABLE_ENTITY, "too_big"),
        (&heads, json!({ "set": 7 }), StatusCode::BAD_REQUEST, "bad_json"),
    ];
    for (heads, edit, status, code) in refused {
        let shown = edit.to_string().chars().take(80).collect::<String>();
        let (answered, problem) = page.edit(heads, edit).await;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{shown}: {problem}");
    }
    assert_eq!(page.manager.document(&page.doc).await, before);

    // Who is in is not written here, and a device does not write here at all.
    let member = page.manager.feed().await.revisions.into_iter().find(|one| one.content().kind == "member").expect("a member");
    let doc = member.content().doc;
    let edit = json!({ "by": "Ana", "heads": [member.id()], "set": { "revoked": true } });
    let answer = page.manager.call(Method::POST, &format!("/observations/{doc}/edits")).json(&edit).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::NOT_FOUND);
    let edit = json!({ "by": "Ana", "heads": heads, "set": { "notes": "x" } });
    let answer = device.call(Method::POST, &format!("/observations/{}/edits", page.doc)).json(&edit).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(page.manager.document(&page.doc).await, before);
}

#[tokio::test]
async fn a_device_names_nobody_but_itself() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let mut draft = Draft::new("observation", DocId::from_source("edits", "forged"), 1_700_000_000_000);
    draft.set = json!({ "notes": "x" }).as_object().expect("an object").clone();
    draft.extra.insert("by".into(), "The manager".into());
    let forged = draft.sign(&device.key).expect("a sound revision");
    device.send(lines(&[&forged])).await;
    let page = Page { manager: Manager::of(&hub), doc: forged.content().doc };
    assert_eq!(page.history().await[0]["person"], "Raw 1");

    // Of those who cannot sign, the source is named.
    let plain = page.manager.call(Method::POST, "/admin/devices").json(&json!({ "name": "bridge" })).send().await;
    let plain: Value = plain.expect("an answer").json().await.expect("JSON");
    let bridge = RawDevice::known(&hub, 9, plain["token"].as_str().expect("a token"));
    let batch = json!({ "source": "river gauge", "observations": [{ "id": "1", "set": { "level_m": 3 } }] });
    let kept = bridge.json(bridge.call(Method::POST, "/observations").json(&batch), StatusCode::OK).await;
    let doc = kept["results"][0]["doc"].as_str().expect("a document").to_owned();
    let shown = page.manager.get(&format!("/observations/{doc}")).await;
    let told = page.manager.get(&format!("/observations/{doc}/history")).await["changes"][0].clone();
    assert_eq!((&shown["person"], &told["person"]), (&json!("river gauge"), &json!("river gauge")));
    assert_eq!(told["brought_by"], "bridge");
}

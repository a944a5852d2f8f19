//! What the API promises to anyone who asks: who gets in, what bad input meets, what is kept over a restart.

use std::collections::BTreeMap;

use maloca_hub::api::{Access, routes};
use maloca_protocol::rest::{BASE, Outcome};
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash};
use maloca_tests::device::{RawDevice, client, lines};
use maloca_tests::hub::{CODE, TestHub, folder};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A path with its parameters filled in.
fn concrete(path: &str) -> String {
    let doc = DocId::from_source("t", "t").to_string();
    let id = "ab".repeat(32);
    path.replace("{doc}", &doc).replace("{hash}", &id).replace("{id}", &id).replace("{file}", "qu.json")
}

#[tokio::test]
async fn no_route_answers_strangers() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (client, stranger) = (client(), "bm9ib2R5");
    let mut walked = BTreeMap::new();
    for route in routes() {
        let url = |host: &str| format!("{host}{BASE}{}", concrete(route.path));
        *walked.entry(format!("{:?}", route.access)).or_insert(0) += 1;
        for host in [hub.http(), hub.https()] {
            let ask = || client.request(route.method.clone(), url(host));
            let foreign = ask().header("host", "maloca.example.com").send().await.expect("an answer");
            assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "{} {}: a foreign host", route.method, route.path);
            if route.access == Access::Anyone {
                continue;
            }
            let bare = ask().send().await.expect("an answer");
            assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{} {}: nobody", route.method, route.path);
            let cookie = ask().header("cookie", format!("maloca_session={stranger}")).header("origin", host);
            assert_eq!(
                cookie.send().await.expect("an answer").status(),
                StatusCode::UNAUTHORIZED,
                "{}: a made-up cookie",
                route.path
            );
            let token = ask().bearer_auth(stranger).send().await.expect("an answer").status();
            let expected = if host == hub.http() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
            assert_eq!(token, expected, "{} {}: a made-up token", route.method, route.path);
        }
    }
    assert!(walked["Device"] >= 8 && walked["Manager"] >= 12 && walked["Member"] >= 5, "the walk was short: {walked:?}");
}

#[tokio::test]
async fn a_device_is_no_manager_and_its_token_stays_off_plain_http() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    for route in routes().into_iter().filter(|route| route.access == Access::Manager) {
        let answer = device.call(route.method.clone(), &concrete(route.path)).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
    }
    let plain = client().get(format!("{}{BASE}/changes", hub.http())).bearer_auth(&device.token).send().await.expect("an answer");
    assert_eq!(plain.status(), StatusCode::FORBIDDEN);
    let problem: Value = plain.json().await.expect("a problem");
    assert_eq!(problem["code"], "https_required");
}

#[tokio::test]
async fn the_managers_link_works_once_and_its_cookie_only_from_the_hubs_own_page() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let client = client();
    let made: Value = client
        .post(format!("{}{BASE}/admin/link", hub.http()))
        .bearer_auth(hub.control())
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let open = || client.post(format!("{}{BASE}/session", hub.http())).json(&json!({ "token": made["token"] }));
    let first = open().send().await.expect("an answer");
    assert_eq!(first.status(), StatusCode::NO_CONTENT);
    let cookie = first.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    assert_eq!(open().send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED, "the link worked twice");
    let write = |origin: Option<&str>| {
        let request = client.post(format!("{}{BASE}/admin/pairing", hub.http())).header("cookie", &cookie);
        match origin {
            None => request,
            Some(origin) => request.header("origin", origin),
        }
    };
    for foreign in ["http://evil.example", "null", "https://localhost:1", "http://127.0.0.1"] {
        let status = write(Some(foreign)).send().await.expect("an answer").status();
        assert_eq!(status, StatusCode::FORBIDDEN, "{foreign}");
    }
    assert_eq!(write(None).send().await.expect("an answer").status(), StatusCode::FORBIDDEN, "a cookie without an origin");
    assert_eq!(write(Some(hub.http())).send().await.expect("an answer").status(), StatusCode::OK);
    // The session is on disk, the link was not.
    assert!(hub.stop().success());
    let hub = TestHub::start(data.path());
    let again =
        client.get(format!("{}{BASE}/admin/overview", hub.http())).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::OK);
}

#[tokio::test]
async fn joining_needs_the_code_and_the_key() {
    use maloca_protocol::rest::PairRequest;
    let data = folder();
    let hub = TestHub::start(data.path());
    let key = DeviceKey::from_seed([9; 32]);
    let id = hub.id().parse().expect("an id");
    let try_to = async |host: &str, request: &PairRequest| {
        let answer = client().post(format!("{host}{BASE}/pair")).json(request).send().await.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let good = PairRequest::new(&key, &id, "Rosa", CODE, None);
    let wrong = PairRequest::new(&key, &id, "Rosa", "000000", None);
    assert_eq!(try_to(hub.https(), &wrong).await, (StatusCode::FORBIDDEN, "wrong_code".into()));
    let borrowed = PairRequest { device: DeviceKey::from_seed([8; 32]).id(), ..good.clone() };
    assert_eq!(try_to(hub.https(), &borrowed).await, (StatusCode::FORBIDDEN, "bad_proof".into()));
    let elsewhere = PairRequest::new(&key, &DeviceKey::from_seed([7; 32]).id(), "Rosa", CODE, None);
    assert_eq!(try_to(hub.https(), &elsewhere).await, (StatusCode::FORBIDDEN, "bad_proof".into()));
    assert_eq!(try_to(hub.https(), &good).await.0, StatusCode::OK);
    assert_eq!(try_to(hub.https(), &good).await.0, StatusCode::OK, "an answer that was lost may be asked for again");
    for _ in 0..4 {
        try_to(hub.https(), &wrong).await;
    }
    assert_eq!(try_to(hub.https(), &wrong).await.1, "wrong_code", "a good code gives the tries back");
    assert_eq!(try_to(hub.https(), &good).await, (StatusCode::TOO_MANY_REQUESTS, "joining_rests".into()));
}

#[tokio::test]
async fn bad_lines_get_their_reason_and_their_neighbours_are_kept() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let stranger = DeviceKey::from_seed([77; 32]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("an envelope is text");
    let good = |n: &str| text(device.observation(n, n).envelope());
    let broken = |from: &str, to: &str| good("broken").replacen(from, to, 1);
    let signed = |change: &dyn Fn(&mut Draft)| {
        let mut draft = Draft::new("observation", DocId::from_source("raw", "signed"), 0);
        change(&mut draft);
        draft.sign(&device.key).map(|revision| text(revision.envelope()))
    };
    let orphan = signed(&|draft| draft.parents = vec![maloca_protocol::RevisionId([3; 32])]).expect("sound");
    let unknown_kind = signed(&|draft| draft.kind = "canoe-trip".into()).expect("sound");
    let by_stranger =
        text(Draft::new("observation", DocId::from_source("raw", "s"), 0).sign(&stranger).expect("sound").envelope());
    let future = broken("\"v\":1", "\"v\":2");
    let cases: Vec<(String, Outcome, Option<&str>)> = vec![
        (good("1"), Outcome::Stored, None),
        ("this is no JSON".into(), Outcome::Refused, Some("not_json")),
        (broken("\"notes\":\"broken\"", "\"notes\":\"broken\",\"notes\":\"twice\""), Outcome::Refused, Some("duplicate_key")),
        (broken("\"lat\":-6.48", "\"lat\":NaN"), Outcome::Refused, Some("not_json")),
        (broken("\"lat\":-6.48", "\"lat\":1e20"), Outcome::Refused, Some("number_range")),
        (broken("\"lat\":-6.48", "\"lat\":1e400"), Outcome::Refused, Some("number_range")),
        (broken("\"broken\"", "\"\\ud800\""), Outcome::Refused, Some("lone_surrogate")),
        (broken("\"broken\"", &format!("{}{}", "[".repeat(40), "]".repeat(40))), Outcome::Refused, Some("too_deep")),
        (broken("\"broken\"", &format!("\"{}\"", "x".repeat(300_000))), Outcome::Refused, Some("too_big")),
        (broken("\"broken\"", "\"altered\""), Outcome::Refused, Some("wrong_id")),
        (future, Outcome::Refused, Some("too_new")),
        (good("2"), Outcome::Stored, None),
        (orphan, Outcome::Stored, None),
        (unknown_kind, Outcome::Stored, None),
        (by_stranger, Outcome::Quarantined, None),
        (good("1"), Outcome::Duplicate, None),
        (good("3"), Outcome::Stored, None),
    ];
    let batch: Vec<&str> = cases.iter().map(|(line, _, _)| line.as_str()).collect();
    let answer = device.send(batch.join("\n")).await;
    for (number, (line, outcome, code)) in (1..).zip(&cases) {
        let verdict = answer.line(number).unwrap_or_else(|| panic!("no verdict on line {number}"));
        assert_eq!((verdict.status, verdict.code.as_deref()), (*outcome, *code), "line {number}: {:.120}", line);
    }
    assert!(answer.line(11).expect("a verdict").retry, "too_new stays on the phone and may be tried again");
    let mut forged = device.observation("forged", "x").envelope();
    let at = forged.len() - 20;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(device.send(forged).await.results[0].code.as_deref(), Some("bad_signature"));
    let twice = device.send(batch.join("\n")).await;
    assert!(twice.results.iter().all(|run| matches!(run.status, Outcome::Duplicate | Outcome::Refused)), "{twice:?}");
    let listed = device.get("/observations").await;
    // 1, 2, 3 and the orphan, which is shown as incomplete.
    assert_eq!(listed["total"], 4, "{listed}");
    let incomplete = device.get("/observations?has=incomplete").await;
    assert_eq!(incomplete["observations"][0]["state"], "incomplete");
    // A page that is not all says no total under a filter; that is counted by itself.
    let some = device.get("/observations?kind=observation&limit=1").await;
    assert_eq!((some["observations"].as_array().map(Vec::len), &some["total"]), (Some(1), &Value::Null));
    assert_eq!(device.get("/observations/count?kind=observation").await["total"], 4);
    assert_eq!(device.get("/observations/count?has=incomplete").await["total"], 1);
}

#[tokio::test]
async fn a_batch_that_is_too_big_or_bombs_is_refused_whole() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let many: Vec<u8> = (0..1_001).flat_map(|n| lines(&[&device.observation(&n.to_string(), "x")])).collect();
    let refused = device.json(device.call(Method::POST, "/revisions").body(many), StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(refused["code"], "batch_too_big");
    let bomb = maloca_tests::zstd_of_zeros(200 * 1024 * 1024);
    assert!(bomb.len() < 100_000);
    let request = device.call(Method::POST, "/revisions").header("content-encoding", "zstd").body(bomb);
    let refused = device.json(request, StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(refused["code"], "body_too_big");
    assert_eq!(device.get("/observations").await["total"], 0);
    let packed = maloca_tests::zstd_of(&lines(&[&device.observation("packed", "x")]));
    let request = device.call(Method::POST, "/revisions").header("content-encoding", "zstd").body(packed);
    assert_eq!(device.json(request, StatusCode::OK).await["results"][0]["status"], "stored");
}

#[tokio::test]
async fn put_and_delete_change_nothing() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let seen = device.observation("1", "stays");
    device.send(seen.envelope()).await;
    let before = device.get("/observations").await;
    let doc = seen.content().doc;
    for path in [
        "/observations".to_owned(),
        format!("/observations/{doc}"),
        "/revisions".to_owned(),
        format!("/media/{}", "ab".repeat(32)),
    ] {
        for method in [Method::PUT, Method::DELETE] {
            let answer = device.json(device.call(method.clone(), &path), StatusCode::METHOD_NOT_ALLOWED).await;
            assert_eq!(answer["code"], "method_not_allowed", "{method} {path}");
        }
    }
    assert_eq!(device.get("/observations").await, before);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let revisions: Vec<_> = (0..50).map(|n| device.observation(&n.to_string(), "kept")).collect();
    device.send(lines(&revisions.iter().collect::<Vec<_>>())).await;
    let photo = vec![7; 300_000];
    let hash = MediaHash::of(&photo);
    assert_eq!(device.upload(photo.len(), Some(hash), Some(photo.clone())).await.status(), StatusCode::CREATED);
    let receipt = device
        .json(
            device
                .call(Method::POST, "/state")
                .json(&json!({ "unsent": { "revisions": 0, "media": 0, "media_bytes": 0 }, "ask": [hash] })),
            StatusCode::OK,
        )
        .await;
    hub.kill();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let again = device
        .json(
            device
                .call(Method::POST, "/state")
                .json(&json!({ "unsent": { "revisions": 0, "media": 0, "media_bytes": 0 }, "ask": [hash] })),
            StatusCode::OK,
        )
        .await;
    assert_eq!(again["receipt"]["author"], receipt["receipt"]["author"]);
    assert_eq!(again["receipt"]["author"]["count"], 50);
    assert_eq!(again["receipt"]["epoch"], receipt["receipt"]["epoch"], "a hub that was killed is still the same hub");
    assert_eq!(again["receipt"]["media"][0]["state"], "held");
    let repeated = device.send(lines(&revisions.iter().collect::<Vec<_>>())).await;
    assert!(repeated.results.iter().all(|run| run.status == Outcome::Duplicate));
}

#[tokio::test]
async fn the_feed_is_paged_waits_and_knows_its_own_cursors() {
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let (one, two) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    let revisions: Vec<_> = (0..25).map(|n| one.observation(&n.to_string(), "feed")).collect();
    one.send(lines(&revisions.iter().collect::<Vec<_>>())).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let since = if cursor.is_empty() { String::new() } else { format!("&since={cursor}") };
        let page = two.get(&format!("/changes?limit=7{since}")).await;
        let entries = page["entries"].as_array().expect("a list").clone();
        assert!(entries.len() <= 7);
        seen.extend(entries.iter().filter(|entry| entry["rev"]["kind"] == "observation").map(|entry| entry["id"].clone()));
        cursor = page["cursor"].as_str().expect("a cursor").to_owned();
        if page["more"] == false {
            break;
        }
    }
    let sent: Vec<Value> = revisions.iter().map(|revision| json!(revision.id())).collect();
    assert_eq!(seen, sent, "once each, in the order of acceptance");
    let waiting = two.call(Method::GET, &format!("/changes?since={cursor}&wait=20"));
    let waiting = tokio::spawn(waiting.send());
    let news = one.observation("news", "late");
    one.send(news.envelope()).await;
    let page: Value = waiting.await.expect("no panic").expect("an answer").json().await.expect("JSON");
    assert_eq!(page["entries"][0]["id"], json!(news.id()));
    let alien = two.json(two.call(Method::GET, &format!("/changes?since={}", "A".repeat(64))), StatusCode::CONFLICT).await;
    assert_eq!(alien["code"], "cursor_void");
}

#[tokio::test]
async fn a_device_reads_its_own_unless_the_hub_says_all() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (one, two) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    let photo = vec![1; 1_000];
    let hash = MediaHash::of(&photo);
    let mut draft = Draft::new("observation", DocId::from_source("raw", "1"), 0);
    draft.attach = vec![maloca_protocol::revision::Attachment {
        hash,
        name: "a.jpg".into(),
        media_type: "image/jpeg".into(),
        size: 1_000,
        taken_at: None,
    }];
    let mine = draft.sign(&one.key).expect("sound");
    assert_eq!(one.send(mine.envelope()).await.wanted, [hash]);
    one.upload(1_000, Some(hash), Some(photo)).await;
    let path = format!("/media/{hash}");
    assert_eq!(one.call(Method::GET, &path).send().await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(two.call(Method::GET, &path).send().await.expect("an answer").status(), StatusCode::NOT_FOUND);
    assert_eq!(two.get("/observations").await["total"], 0);
    let page = two.get("/changes").await;
    assert_eq!(page["filtered"], true, "a filtered pull never says that it is all");
    assert!(!page.to_string().contains(&mine.id().to_string()));
    assert_eq!(one.get("/observations").await["total"], 1);
}

//! Hubs that meet come to the same: both ways, in a ring, through kills and hangs, and never with a stranger.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use maloca_protocol::rest::{Outcome, PairRequest};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash, ValidRevision};
use maloca_tests::device::{RawDevice, client, lines};
use maloca_tests::hub::{CODE, TestHub, binary, folder, verify};
use maloca_tests::lan::PATIENCE;
use nix::sys::signal::{Signal, kill};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn manage(hub: &TestHub, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = client().request(method, format!("{}/api/v1{path}", hub.http())).bearer_auth(hub.control()).json(&body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    (status, answer.json().await.expect("JSON"))
}

async fn code(hub: &TestHub) -> String {
    let (_, shown) = manage(hub, Method::POST, "/admin/hubs/code", json!({})).await;
    shown["code"].as_str().expect("a code").to_owned()
}

/// `maloca sync` on a data folder, whether a hub runs there or not.
fn sync(data: &Path, more: &[&str]) -> Output {
    Command::new(binary()).arg("sync").args(more).arg("--data").arg(data).output().expect("maloca starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A second hub of a hub's project, begun by its first contact.
async fn second(first: &TestHub, data: &Path) -> TestHub {
    let done = sync(data, &[first.http(), "--code", &code(first).await]);
    assert!(done.status.success() && said(&done).contains("in sync"), "{}", said(&done));
    TestHub::start(data)
}

/// Pairs two hubs that run.
async fn pair(one: &TestHub, other: &TestHub) {
    let wish = json!({ "url": other.http(), "code": code(other).await });
    let (status, told) = manage(one, Method::POST, "/admin/hubs", wish).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

async fn counts(hub: &TestHub) -> Value {
    manage(hub, Method::GET, "/admin/overview", Value::Null).await.1["counts"].clone()
}

/// Every document, as the bytes that its revisions come to.
async fn documents(hub: &TestHub) -> BTreeSet<Vec<u8>> {
    let (mut documents, mut after) = (BTreeSet::new(), String::new());
    loop {
        let (_, page) = manage(hub, Method::GET, &format!("/observations?limit=200{after}"), Value::Null).await;
        for one in page["observations"].as_array().expect("a list") {
            let doc = one["doc"].as_str().expect("an id");
            let url = format!("{}/api/v1/observations/{doc}?form=document", hub.http());
            let answer = client().get(url).bearer_auth(hub.control()).send().await.expect("an answer");
            documents.insert(answer.bytes().await.expect("bytes").to_vec());
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return documents,
        }
    }
}

/// Waits until hubs hold the same, by themselves.
async fn until_same(hubs: &[&TestHub]) -> Value {
    let begun = Instant::now();
    loop {
        let mut all = Vec::new();
        for hub in hubs {
            let counts = counts(hub).await;
            let numbers =
                ["observations", "quarantined", "media_held", "media_wanted", "conflicts"].map(|name| counts[name].clone());
            all.push(Value::from(numbers.to_vec()));
        }
        if all.windows(2).all(|pair| pair[0] == pair[1]) && all[0][3] == 0 {
            // Hubs that lack as much of each other have the same counts, and other documents.
            let first = documents(hubs[0]).await;
            let mut is_same = true;
            for hub in &hubs[1..] {
                is_same &= documents(hub).await == first;
            }
            if is_same {
                return counts(hubs[0]).await;
            }
        }
        assert!(begun.elapsed() < PATIENCE, "they do not come to the same: {all:?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn photo(n: u32, size: u32) -> Vec<u8> {
    (0..size).map(|at| ((at / 7).wrapping_mul(31).wrapping_add(n * 97 + at) % 251) as u8).collect()
}

/// Observations of one author, every tenth with a photo; the photos are uploaded too.
async fn fill(device: &RawDevice, from: u32, count: u32, size: u32) -> Vec<ValidRevision> {
    let mut revisions = Vec::new();
    for n in from..from + count {
        let mut draft = Draft::new(
            "observation",
            DocId::from_source("hubs", &format!("{} {n}", device.key.id())),
            1_790_000_000_000 + i64::from(n) * 60_000,
        );
        draft.set.insert("notes".into(), json!(format!("walk {n}")));
        if n % 10 == 0 {
            let bytes = photo(n, size);
            let hash = MediaHash::of(&bytes);
            let (name, media_type) = (format!("{n}.jpg"), "image/jpeg".to_owned());
            draft.attach.push(Attachment { hash, name, media_type, size: u64::from(size), taken_at: None });
            if size <= 1 << 20 {
                assert_eq!(device.upload(bytes.len(), Some(hash), Some(bytes)).await.status(), StatusCode::CREATED);
            } else {
                let begun = device.upload(bytes.len(), Some(hash), None).await;
                let location = begun.headers()["location"].to_str().expect("a path").to_owned();
                assert!(device.piece(&location, 0, bytes).await.status().is_success());
            }
        }
        revisions.push(draft.sign(&device.key).expect("sound"));
    }
    for batch in revisions.chunks(500) {
        device.send(lines(&batch.iter().collect::<Vec<_>>())).await;
    }
    revisions
}

#[tokio::test]
async fn two_hubs_that_differ_in_both_directions_come_to_the_same() {
    let (data, other_data) = (folder(), folder());
    let one = TestHub::start(data.path());
    let rosa = RawDevice::join(&one, 1).await;
    let stranger = DeviceKey::from_seed([9; 32]);
    let first = fill(&rosa, 0, 120, 20_000).await;
    fill(&rosa, 200, 1, 5_500_000).await;
    let aside: Vec<ValidRevision> = (0..7)
        .map(|n| Draft::new("observation", DocId::from_source("s", &n.to_string()), n).sign(&stranger).expect("sound"))
        .collect();
    rosa.send(lines(&aside.iter().collect::<Vec<_>>())).await;

    let other = second(&one, other_data.path()).await;
    let here = until_same(&[&one, &other]).await;
    assert_eq!((&here["observations"], &here["quarantined"], &here["media_held"]), (&json!(121), &json!(7), &json!(13)));

    // Apart, both get new records, and somebody changes over there what was written here.
    let juan = RawDevice::join(&other, 2).await;
    fill(&juan, 0, 80, 30_000).await;
    fill(&juan, 300, 1, 3_200_001).await;
    fill(&rosa, 400, 40, 10_000).await;
    let parent = &first[3];
    let edit = |device: &RawDevice, note: &str| device.edit(parent.content().doc, &[parent], json!({ "notes": note }));
    juan.send(edit(&juan, "seen from the other side").envelope()).await;
    rosa.send(edit(&rosa, "seen from this side").envelope()).await;
    let here = until_same(&[&one, &other]).await;
    assert_eq!((&here["observations"], &here["conflicts"]), (&json!(242), &json!(1)));

    // Who was unknown joins at one hub: its records count at both.
    RawDevice::join_as(&one, stranger, "Not a stranger any more").await;
    let here = until_same(&[&one, &other]).await;
    assert_eq!((&here["observations"], &here["quarantined"]), (&json!(249), &json!(0)));

    // Who is put out at one is out at both, by whatever way its records come.
    let (status, _) = manage(&one, Method::POST, &format!("/admin/devices/{}/revoke", rosa.key.id()), Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let begun = Instant::now();
    loop {
        let (_, cards) = manage(&other, Method::GET, "/admin/devices", Value::Null).await;
        let of_rosa = cards["devices"].as_array().expect("a list").iter().find(|card| card["id"] == json!(rosa.key.id()));
        if of_rosa.expect("whoever joined over there has a card here")["state"] == "revoked" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the other hub never heard of it: {cards}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let late = juan.send(rosa.observation("late", "x").envelope()).await;
    assert_eq!(late.results[0].status, Outcome::Quarantined);
    let here = until_same(&[&one, &other]).await;
    assert_eq!((&here["observations"], &here["quarantined"]), (&json!(249), &json!(1)));

    let once_more = sync(other_data.path(), &[]);
    assert!(once_more.status.success(), "{}", said(&once_more));
    assert!(said(&once_more).contains("in sync; 0 records came and 0 went, 0 media came and 0 went"), "{}", said(&once_more));
    let (_, cards) = manage(&other, Method::GET, "/admin/hubs", Value::Null).await;
    assert_eq!((&cards["hubs"][0]["id"], &cards["hubs"][0]["brought"]["in_sync"]), (&json!(one.id()), &json!(true)), "{cards}");
    assert!(!cards.to_string().contains("token"), "{cards}");
    assert!(one.stop().success() && other.stop().success());
    verify(data.path());
    verify(other_data.path());
}

#[tokio::test]
async fn a_hub_of_another_project_is_a_stranger_and_a_code_is_for_whom_it_was_made() {
    let (data, other_data) = (folder(), folder());
    let (one, other) = (TestHub::start(data.path()), TestHub::start(other_data.path()));
    let rosa = RawDevice::join(&other, 1).await;
    rosa.send(rosa.observation("a", "of another people").envelope()).await;
    let shown = code(&one).await;
    let (status, told) = manage(&other, Method::POST, "/admin/hubs", json!({ "url": one.http(), "code": shown })).await;
    assert_eq!((status, &told["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("stranger")), "{told}");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("stranger")), "{told}");
    assert_eq!(counts(&one).await["observations"], 0);
    let (_, cards) = manage(&other, Method::GET, "/admin/hubs", Value::Null).await;
    assert_eq!(cards["hubs"], json!([]));

    // A code is for whom it was made: a phone becomes no hub by one, nor a hub a hub by a phone's.
    let (id, key) = (one.id().parse().expect("an id"), DeviceKey::from_seed([5; 32]));
    let ask = async |request: PairRequest| {
        let answer = client().post(format!("{}/api/v1/pair", one.https())).json(&request).send().await.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let as_phone = PairRequest::new(&key, &id, "Phone", &shown, None);
    assert_eq!(ask(as_phone).await, (StatusCode::FORBIDDEN, "wrong_code".into()));
    assert_eq!(ask(PairRequest::new_hub(&key, &id, "Hub", CODE, None)).await, (StatusCode::FORBIDDEN, "wrong_code".into()));
    // A phone's request that somebody on the way makes a hub's of proves nothing.
    let altered = PairRequest { hub: true, ..PairRequest::new(&key, &id, "Phone", &shown, None) };
    assert_eq!(ask(altered).await, (StatusCode::FORBIDDEN, "bad_proof".into()));
    let itself = json!({ "url": one.http(), "code": shown });
    let (_, told) = manage(&one, Method::POST, "/admin/hubs", itself).await;
    assert_eq!(told["code"], "hub_itself", "{told}");
}

#[tokio::test]
async fn three_in_a_ring_agree_though_one_of_them_hangs_for_a_while() {
    let folders = [folder(), folder(), folder()];
    let one = TestHub::start(folders[0].path());
    let two = second(&one, folders[1].path()).await;
    let three = second(&two, folders[2].path()).await;
    pair(&three, &one).await;
    let devices = [RawDevice::join(&one, 1).await, RawDevice::join(&two, 2).await, RawDevice::join(&three, 3).await];
    for device in &devices {
        fill(device, 0, 60, 5_000).await;
    }
    let here = until_same(&[&one, &two, &three]).await;
    assert_eq!(here["observations"], 180);

    // The second stands still, its sockets open: the first and the third go on without it.
    let frozen = nix::unistd::Pid::from_raw(two.process().try_into().expect("a process"));
    kill(frozen, Signal::SIGSTOP).expect("ours");
    fill(&devices[0], 1_000, 30, 5_000).await;
    fill(&devices[2], 1_000, 30, 5_000).await;
    until_same(&[&one, &three]).await;
    kill(frozen, Signal::SIGCONT).expect("ours");
    let here = until_same(&[&one, &two, &three]).await;
    assert_eq!(here["observations"], 240);
    for hub in [one, two, three] {
        assert!(hub.stop().success());
    }
    folders.iter().for_each(|data| verify(data.path()));
}

#[tokio::test]
async fn a_hub_that_carries_between_two_that_never_meet_and_is_killed_on_the_way_loses_nothing() {
    let folders = [folder(), folder(), folder()];
    let one = TestHub::start(folders[0].path());
    let mut carrier = Some(second(&one, folders[1].path()).await);
    let far = second(carrier.as_ref().expect("it runs"), folders[2].path()).await;
    // The far one calls the carrier; while it is at the first hub's, nobody does.
    let (rosa, juan) = (RawDevice::join(&one, 1).await, RawDevice::join(&far, 2).await);
    fill(&rosa, 0, 1_500, 40_000).await;
    fill(&juan, 0, 700, 41_000).await;
    fill(&rosa, 5_000, 1, 9_000_000).await;
    // Killed again and again, at whatever moment that is.
    for n in 0..6_u64 {
        tokio::time::sleep(Duration::from_millis(150 + 90 * n)).await;
        carrier.take().expect("it runs").kill();
        carrier = Some(TestHub::start(folders[1].path()));
    }
    let carrier = carrier.expect("it runs");
    let begun = Instant::now();
    // It has other ports since it was started again; its manager would give the new address, as here.
    while counts(&carrier).await["observations"] != 1_501 {
        assert!(begun.elapsed() < PATIENCE, "{}", counts(&carrier).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    pair(&carrier, &far).await;
    let here = until_same(&[&one, &carrier, &far]).await;
    assert_eq!((&here["observations"], &here["media_held"]), (&json!(2_201), &json!(221)));
    for hub in [one, carrier, far] {
        assert!(hub.stop().success());
    }
    folders.iter().for_each(|data| verify(data.path()));
}

#[tokio::test]
async fn a_drive_carries_what_hubs_do_not_send() {
    let (folders, drive) = ([folder(), folder()], folder());
    let one = TestHub::start(folders[0].path());
    let two = second(&one, folders[1].path()).await;
    assert!(two.stop().success());
    let rosa = RawDevice::join(&one, 1).await;
    fill(&rosa, 0, 90, 8_000).await;
    let run = |arguments: &[&std::ffi::OsStr]| {
        let output = Command::new(binary()).args(arguments).output().expect("maloca starts");
        assert!(output.status.success(), "{}", said(&output));
    };
    let to = drive.path();
    run(&["export".as_ref(), "--data".as_ref(), folders[0].path().as_ref(), "--to".as_ref(), to.as_ref()]);
    let bundle = std::fs::read_dir(to.join("Maloca")).expect("a folder").next().expect("a bundle").expect("an entry").path();
    run(&["import".as_ref(), "--data".as_ref(), folders[1].path().as_ref(), bundle.as_ref()]);
    // What came by the drive is not sent again.
    let met = sync(folders[1].path(), &[]);
    assert!(met.status.success() && said(&met).contains("0 media came and 0 went"), "{}", said(&met));
    let two = TestHub::start(folders[1].path());
    let here = until_same(&[&one, &two]).await;
    assert_eq!((&here["observations"], &here["media_held"]), (&json!(90), &json!(9)));
}

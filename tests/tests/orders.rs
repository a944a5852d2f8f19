//! Two hubs' histories, merged in every order that a generator can think of, give byte-identical documents.
//!
//! A history is what several people did on two hubs that had parted: edits of each other's observations, deletions, photos, by
//! members and by somebody who joins only later. It is brought to fresh hubs in different orders, in batches of different sizes, by
//! different carriers, with repeats, and with the latecomer's joining anywhere in between. The seed is printed; `MALOCA_SEED` replays.

use std::collections::BTreeMap;

use axum::body::Body;
use maloca_protocol::rest::PairRequest;
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash, ValidRevision};
use maloca_tests::sim::disk::{Lies, SimDisk};
use maloca_tests::sim::hub::{CODE, SimHub, faults, request};
use maloca_tests::sim::model::lines;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

const HISTORIES: usize = 12;
const ORDERS: usize = 10;

/// What people did while two hubs were apart: each wrote upon what its own hub had, and sometimes they met.
fn history(random: &mut StdRng, people: &[DeviceKey]) -> Vec<ValidRevision> {
    let mut all: Vec<ValidRevision> = Vec::new();
    // Which revisions each of the two has.
    let mut has: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    for n in 0..random.random_range(20..60) {
        if random.random_range(0..15) == 0 {
            let met: Vec<usize> = (0..all.len()).collect();
            has = [met.clone(), met];
        }
        let hub = random.random_range(0..2);
        let upon =
            (!has[hub].is_empty() && random.random_range(0..4) > 0).then(|| has[hub][random.random_range(0..has[hub].len())]);
        let doc = upon.map_or_else(|| DocId::from_source("orders", &n.to_string()), |at| all[at].content().doc);
        let mut draft = Draft::new("observation", doc, random.random_range(-1_000_000_000_000..4_000_000_000_000));
        if let Some(at) = upon {
            // Upon some of what this hub has of the document, heads or not.
            let mut known: Vec<usize> = has[hub].iter().copied().filter(|other| all[*other].content().doc == doc).collect();
            known.shuffle(random);
            known.truncate(random.random_range(1..4));
            draft.parents = known.iter().chain([&at]).map(|at| all[*at].id()).collect();
            draft.parents.sort_unstable();
            draft.parents.dedup();
        }
        for name in ["notes", "category", "observed_at", "location"] {
            match random.random_range(0..4) {
                0 => drop(draft.set.insert(name.into(), json!(format!("{name} {}", random.random_range(0..4))))),
                1 if upon.is_some() => draft.unset.push(name.into()),
                _ => {}
            }
        }
        let photo = MediaHash::of(&[random.random_range(0..5)]);
        match random.random_range(0..8) {
            0 => draft.attach.push(Attachment {
                hash: photo,
                name: format!("{n}.jpg"),
                media_type: "image/jpeg".into(),
                size: 1,
                taken_at: None,
            }),
            1 => draft.detach.push(photo),
            2 => draft.deleted = true,
            _ => {}
        }
        let author = &people[random.random_range(0..people.len())];
        if let Ok(revision) = draft.sign(author) {
            has[hub].push(all.len());
            all.push(revision);
        }
    }
    all
}

/// An order: forwards, backwards, one person after the other, one document after the other, or any.
fn ordered(mut all: Vec<ValidRevision>, order: usize, random: &mut StdRng) -> Vec<ValidRevision> {
    match order {
        0 => {}
        1 => all.reverse(),
        2 => all.sort_by_key(|revision| (revision.content().author, revision.id())),
        3 => all.sort_by_key(|revision| (revision.content().doc, std::cmp::Reverse(revision.id()))),
        4 => all.sort_by_key(ValidRevision::id),
        _ => all.shuffle(random),
    }
    // Some come again.
    for _ in 0..all.len() / 8 {
        let again = all[random.random_range(0..all.len())].clone();
        all.insert(random.random_range(0..=all.len()), again);
    }
    all
}

async fn join(hub: &SimHub, key: &DeviceKey) -> String {
    let pair = serde_json::to_vec(&PairRequest::new(key, &hub.hub.id(), "Device", CODE, None)).expect("JSON");
    let answer =
        hub.ask(axum::http::Request::builder().method("POST").uri("/api/v1/pair").body(pair.into()).expect("a request")).await;
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// Every document as a fresh hub shows it after all has come, but for what is this hub's own: when and by whom it came.
async fn brought(all: &[ValidRevision], people: &[DeviceKey], order: usize, random: &mut StdRng) -> BTreeMap<String, Value> {
    let disk = SimDisk::new(random.random(), Lies::default());
    let hub = SimHub::start(&disk).await.expect("a start");
    let (latecomer, members) = people.split_last().expect("people");
    let mut tokens = Vec::new();
    for member in members {
        tokens.push(join(&hub, member).await);
    }
    let all = ordered(all.to_vec(), order, random);
    let joins_at = random.random_range(0..=all.len());
    let (mut at, mut joined) = (0, false);
    while at < all.len() {
        if !joined && at >= joins_at {
            (joined, _) = (true, join(&hub, latecomer).await);
        }
        let end = (at + random.random_range(1..12)).min(all.len());
        let token = &tokens[random.random_range(0..tokens.len())];
        let answer = hub.ask(request("POST", "/revisions", token).body(lines(&all[at..end]).into()).expect("a request")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.windows(7).any(|window| window == b"refused"), "{answer:?}");
        at = end;
    }
    if !joined {
        join(&hub, latecomer).await;
    }
    let mut shown = BTreeMap::new();
    for revision in &all {
        let doc = revision.content().doc.to_string();
        let answer = hub.manager("GET", &format!("/observations/{doc}"), Body::empty()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut document = answer.json();
        for own in ["received_at", "clock_offset_ms"] {
            document.as_object_mut().expect("an object").remove(own);
        }
        shown.insert(doc, document);
    }
    drop(hub);
    disk.kill();
    assert_eq!(faults(&disk), Vec::<String>::new(), "verify");
    shown
}

#[tokio::test]
async fn two_histories_in_every_order_are_the_same_documents() {
    let seed: u64 = std::env::var("MALOCA_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("MALOCA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut documents, mut conflicts) = (0, 0);
    for _ in 0..HISTORIES {
        let people: Vec<DeviceKey> = (0..4).map(|_| DeviceKey::from_seed(random.random())).collect();
        let all = history(&mut random, &people);
        let first = brought(&all, &people, 0, &mut random).await;
        documents += first.len();
        conflicts += first.values().filter(|document| document["state"] == "conflict").count();
        for order in 1..ORDERS {
            let other = brought(&all, &people, order, &mut random).await;
            assert_eq!(first, other, "order {order}");
        }
    }
    assert!(conflicts > HISTORIES, "the histories were too tame: {conflicts} conflicts");
    eprintln!("{HISTORIES} histories in {ORDERS} orders each, {documents} documents, {conflicts} of them in conflict");
}

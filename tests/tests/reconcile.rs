//! What two sides do not share is found over the wire, by ranges of keys; who may ask about what.

use std::collections::BTreeMap;

use maloca_protocol::fingerprint::FingerprintKey;
use maloca_protocol::reconcile::{Asker, Key, Listed, Span, keys_to};
use maloca_protocol::rest::Outcome;
use maloca_protocol::{DeviceId, DeviceKey, DocId, Draft, ProjectId, RevisionId, ValidRevision, revision};
use maloca_tests::device::{RawDevice, client, lines};
use maloca_tests::hub::{TestHub, folder, verify};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// What one side has, by the keys of reconciliation.
#[derive(Default)]
struct Side(BTreeMap<Key, ValidRevision>);

impl Side {
    fn add(&mut self, revision: ValidRevision) {
        let content = revision.content();
        self.0.insert(Key::of(&content.author, content.created_at, &revision.id()), revision);
    }

    fn set(&self, project: &ProjectId) -> Listed {
        let parts = |revision: &ValidRevision| -> (DeviceId, i64, RevisionId) {
            (revision.content().author, revision.content().created_at, revision.id())
        };
        Listed::new(&FingerprintKey::of(project), self.0.values().map(parts))
    }
}

/// What a comparison over the wire came to.
#[derive(Debug, Default)]
struct Compared {
    they_lack: Vec<Key>,
    we_lack: Vec<Key>,
    rounds: usize,
    bytes: usize,
}

async fn binary(device: &RawDevice, path: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
    let answer = device.call(Method::POST, path).body(body).send().await.expect("an answer");
    (answer.status(), answer.bytes().await.expect("a body").to_vec())
}

async fn compare(device: &RawDevice, ours: &Listed, span: Span) -> Compared {
    let (mut asker, mut compared) = (Asker::new(span), Compared::default());
    while let Some(question) = asker.question(ours).expect("a set in memory") {
        compared.bytes += question.len();
        let (status, answer) = binary(device, "/reconcile", question).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
        compared.rounds += 1;
        compared.bytes += answer.len();
        let found = asker.hear(ours, &answer).expect("a sound answer");
        compared.they_lack.extend(found.they_lack);
        compared.we_lack.extend(found.we_lack);
    }
    compared
}

async fn project(hub: &TestHub) -> ProjectId {
    let about = client().get(format!("{}/api/v1/hub", hub.http())).send().await.expect("an answer");
    let about: Value = about.json().await.expect("JSON");
    about["project"].as_str().expect("a project").parse().expect("an id")
}

fn written(key: &DeviceKey, from: i64, count: i64) -> impl Iterator<Item = ValidRevision> {
    (from..from + count).map(move |n| {
        let doc = DocId::from_source("hubs", &format!("{} {n}", key.id()));
        Draft::new("observation", doc, 1_790_000_000_000 + n * 60_000).sign(key).expect("sound")
    })
}

#[tokio::test]
async fn what_two_sides_do_not_share_is_found_and_carried_over() {
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let project = project(&hub).await;
    let (one, carrier) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    let stranger = DeviceKey::from_seed([77; 32]);
    let (mut here, mut there) = (Side::default(), Side::default());
    for revision in written(&one.key, 0, 700).chain(written(&stranger, 0, 40)) {
        here.add(revision.clone());
        there.add(revision);
    }
    // The hub alone has these, of them 15 of somebody who is no member; and these are here alone.
    written(&one.key, 1_000, 120).chain(written(&stranger, 500, 15)).for_each(|revision| there.add(revision));
    written(&one.key, 2_000, 90).chain(written(&stranger, 800, 9)).for_each(|revision| here.add(revision));
    let all: Vec<&ValidRevision> = there.0.values().collect();
    for batch in all.chunks(500) {
        carrier.send(lines(batch)).await;
    }

    let found = compare(&carrier, &here.set(&project), Span::ALL).await;
    let lacking =
        |side: &Side, other: &Side| side.0.keys().filter(|key| !other.0.contains_key(*key)).copied().collect::<Vec<Key>>();
    let mut they_lack = found.they_lack;
    they_lack.sort_unstable();
    assert_eq!(they_lack, lacking(&here, &there));
    // The hub's own words about itself and its members are told too.
    let (theirs, of_hub): (Vec<Key>, Vec<Key>) = found.we_lack.iter().partition(|key| there.0.contains_key(*key));
    assert_eq!(theirs.len(), 135);
    assert!(of_hub.len() >= 3, "{of_hub:?}");

    let mut wanted = found.we_lack.clone();
    wanted.sort_unstable();
    let (status, got) = binary(&carrier, "/revisions/wanted", keys_to(&wanted)).await;
    assert_eq!(status, StatusCode::OK);
    for line in got.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        here.add(revision::check(line).expect("a sound revision"));
    }
    assert!(wanted.iter().all(|key| here.0.contains_key(key)), "all that was asked for came, quarantined revisions too");
    let more: Vec<&ValidRevision> = they_lack.iter().map(|key| &here.0[key]).collect();
    let answer = carrier.send(lines(&more)).await;
    assert!(answer.results.iter().all(|run| matches!(run.status, Outcome::Stored | Outcome::Quarantined)));

    let again = compare(&carrier, &here.set(&project), Span::ALL).await;
    assert_eq!((again.rounds, again.they_lack.len(), again.we_lack.len()), (1, 0, 0));
    assert!(again.bytes < 64, "{} bytes", again.bytes);
    // What is admitted later was kept before, and so nothing differs then.
    RawDevice::join_as(&hub, stranger, "No stranger any more").await;
    let later = compare(&carrier, &here.set(&project), Span::ALL).await;
    assert_eq!((later.they_lack.len(), later.we_lack.len()), (0, 1), "only the hub's word that lets it in");
    assert!(hub.stop().success());
    verify(data.path());
}

#[tokio::test]
async fn a_device_compares_its_own_and_nothing_else() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let project = project(&hub).await;
    let (one, other) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    written(&one.key, 0, 50).for_each(|revision| ours.add(revision));
    written(&other.key, 0, 50).for_each(|revision| theirs.add(revision));
    one.send(lines(&ours.0.values().skip(8).collect::<Vec<_>>())).await;
    other.send(lines(&theirs.0.values().collect::<Vec<_>>())).await;
    let found = compare(&one, &ours.set(&project), Span::of_author(&one.key.id())).await;
    assert_eq!((found.they_lack.len(), found.we_lack.len()), (8, 0));

    let far = Asker::new(Span::ALL).question(&ours.set(&project)).expect("a set").expect("a question");
    for (question, expected, code) in [
        (far, StatusCode::FORBIDDEN, "not_yours"),
        (Vec::new(), StatusCode::BAD_REQUEST, "bad_reconcile"),
        (vec![9, 9, 9], StatusCode::BAD_REQUEST, "reconcile_version"),
        (vec![1; 300_000], StatusCode::BAD_REQUEST, "bad_reconcile"),
    ] {
        let (status, answer) = binary(&one, "/reconcile", question).await;
        let problem: Value = serde_json::from_slice(&answer).expect("a problem");
        assert_eq!((status, problem["code"].as_str()), (expected, Some(code)), "{problem}");
    }
    let keys: Vec<Key> = theirs.0.keys().copied().collect();
    let (status, got) = binary(&one, "/revisions/wanted", keys_to(&keys)).await;
    assert_eq!((status, got.len()), (StatusCode::OK, 0), "others' revisions are not given out");
    let keys: Vec<Key> = ours.0.keys().copied().collect();
    let (_, got) = binary(&one, "/revisions/wanted", keys_to(&keys)).await;
    assert_eq!(got.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(), 42);
    let (status, _) = binary(&one, "/revisions/wanted", vec![7]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

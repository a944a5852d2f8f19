//! Stories of exporting a part: it holds just what its filter lets through, says that it is a part, and counts for what is in it and for
//! nothing else.
#![allow(clippy::large_futures, reason = "a story's future lives once")]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on shall stop there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use maloca_hub::export::part::{Asked, Part};
use maloca_hub::export::scope::What;
use maloca_hub::export::{self, Done, Wish, carried, check, ledger};
use maloca_hub::hub::{Hub, Options};
use maloca_hub::intake::{Door, take_in};
use maloca_hub::query::Filter;
use maloca_hub::query::outside::Lacking;
use maloca_hub::store::Spans;
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DocId, Draft, MediaHash, RevisionId};
use maloca_tests::device::{RawDevice, lines};
use maloca_tests::hub::{TestHub, folder};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const CATEGORIES: [&str; 3] = ["tala", "pesca", "nido"];

fn photo(n: usize) -> Vec<u8> {
    (0..5_000).map(|at| (at * 3 + n * 11) as u8).collect()
}

/// Takes in observation `n`, every fifth one with an edit, the first ten with a photo; gives the ids of its revisions.
async fn observe(hub: &Hub, n: usize) -> Vec<RevisionId> {
    let doc = DocId::from_source("part", &n.to_string());
    let mut draft = Draft::new("observation", doc, 1_790_000_000_000 + n as i64);
    let set = json!({ "category": CATEGORIES[n % 3], "notes": format!("nota {n}") });
    draft.set = set.as_object().cloned().unwrap();
    if n < 10 {
        let bytes = photo(n);
        draft.attach.push(Attachment {
            hash: MediaHash::of(&bytes),
            name: format!("{n}.jpg"),
            media_type: "image/jpeg".into(),
            size: bytes.len() as u64,
            taken_at: None,
        });
    }
    let first = draft.sign(&hub.key).unwrap();
    let mut ids = vec![first.id()];
    let mut body = first.envelope();
    body.push(b'\n');
    if n.is_multiple_of(5) {
        let mut edit = Draft::new("observation", doc, 1_790_000_100_000 + n as i64);
        edit.parents = vec![first.id()];
        edit.set = json!({ "seen": "twice" }).as_object().cloned().unwrap();
        let edit = edit.sign(&hub.key).unwrap();
        ids.push(edit.id());
        body.extend(edit.envelope());
        body.push(b'\n');
    }
    let arrival = hub.arrival(hub.id(), None);
    take_in(&hub.store, &hub.rules, arrival, Door::Trusted, body.into()).await.unwrap();
    if n < 10 {
        let bytes = photo(n);
        let upload = hub.uploads.begin(hub.id(), Some(MediaHash::of(&bytes)), bytes.len() as u64, 0);
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(bytes))]);
        hub.uploads.receive(&upload, false, 0, stream, arrival).await.unwrap();
    }
    ids
}

fn logging() -> Part {
    let asked = Asked::from([("category".into(), "tala".into())]);
    Part { filter: Filter { category: Some("tala".into()), ..Filter::default() }, asked, person: None }
}

async fn export(hub: &Hub, to: &Path, part: Option<Part>) -> Done {
    let wish = Wish { what: part.map_or(What::Everything, What::Part), ..to.to_owned().into() };
    export::export(hub, wish, CancellationToken::new(), |_| ()).await.unwrap()
}

fn rows(bundle: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(bundle.join("data/observations.json")).unwrap()).unwrap()
}

fn text(bundle: &Path, file: &str) -> String {
    fs::read_to_string(bundle.join(file)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_holds_just_what_its_filter_lets_through() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, writer) = Hub::open(Options::new(folder.path().join("data"))).await.unwrap();
    let mut revisions = BTreeSet::new();
    for n in 0..30 {
        let ids = observe(&hub, n).await;
        if n % 3 == 0 {
            revisions.extend(ids.iter().map(ToString::to_string));
        }
    }
    let drive = folder.path().join("drive");
    fs::create_dir(&drive).unwrap();
    let done = export(&hub, &drive, Some(logging())).await;
    assert_eq!((done.observations, done.revisions, done.media, done.missing), (10, revisions.len() as u64, 4, 0));
    assert!(done.path.to_string_lossy().ends_with("_part_1"), "{}", done.path.display());

    let read = rows(&done.path);
    assert!(read.len() == 10 && read.iter().all(|row| row["category"] == "tala"));
    let signed: BTreeSet<String> = text(&done.path, "data/revisions.ndjson")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(signed, revisions);
    let media: BTreeSet<String> = (0..10).step_by(3).map(|n| MediaHash::of(&photo(n)).to_string()).collect();
    let list = text(&done.path, "data/media.csv");
    let listed: BTreeSet<String> = csv::Reader::from_reader(list.trim_start_matches('\u{feff}').as_bytes())
        .records()
        .map(|row| row.unwrap()[1].to_owned())
        .collect();
    assert_eq!(listed, media);

    let info = text(&done.path, "bag-info.txt");
    for line in ["Maloca-Bundle: part 1", r#"Maloca-Filter: {"category":"tala"}"#, "Maloca-Filter-Words: category \"tala\""] {
        assert!(info.lines().any(|one| one == line), "{line} in {info}");
    }
    let readme = text(&done.path, "README.txt");
    for words in ["NO es una copia de todo", "NÃO é uma cópia", "NOT a copy of everything", "n'est PAS une copie", "\"tala\""]
    {
        assert!(readme.contains(words), "{words} in {readme}");
    }
    let mut faults = Vec::new();
    check::bundle(&done.path, true, &mut |fault| faults.push(fault.to_string()), &mut |_| Ok(())).unwrap();
    assert_eq!(faults, Vec::<String>::new());
    let sums = Command::new("sha256sum").args(["--quiet", "-c", "manifest-sha256.txt"]).current_dir(&done.path).status();
    assert!(sums.unwrap().success());

    // Everything still is everything, and says nothing of a filter.
    let whole = export(&hub, &drive, None).await;
    assert_eq!((whole.observations, whole.media), (30, 10));
    assert!(
        !text(&whole.path, "bag-info.txt").contains("Filter") && text(&whole.path, "README.txt").contains("copy of everything")
    );
    hub.store.close().await;
    drop(hub);
    writer.join();
}

/// A data folder in memory, so that a folder on this machine's disk is another filesystem, and one that outlives the power.
fn in_memory() -> Option<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_counts_for_what_is_in_it_and_for_nothing_else() {
    let Some(memory) = in_memory() else { return println!("SKIPPED: there is no /dev/shm to stand for another disk") };
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (hub, writer) = Hub::open(Options::new(memory.path().join("data"))).await.unwrap();
    for n in 0..12 {
        observe(&hub, n).await;
    }
    let part = export(&hub, disk.path(), Some(logging())).await;
    if !part.on_drive {
        return println!("SKIPPED: this machine's disk is in memory too");
    }
    let standing = |hub: &Hub| {
        let store = hub.store.clone();
        async move { store.read(|view| Ok((carried::on_drives(view)?, ledger::drives(view)?, ledger::exports(view)?))).await.unwrap() }
    };
    let (there, drives, exports) = standing(&hub).await;
    assert_eq!((&there, there.count()), (&part.holds, part.revisions + part.media));
    assert_eq!((drives.last_verified_at, drives.last_path), (None, None), "it is no copy of everything");
    assert_eq!((drives.not_on_drive.observations, drives.not_on_drive.media), (8, 6), "all but what the part has");
    assert_eq!(exports.len(), 1);
    assert_eq!(exports[0].part, Some(logging().asked));

    // A copy of everything counts, and a later part takes nothing from it.
    let whole = export(&hub, disk.path(), None).await;
    assert_eq!(whole.holds, Spans::through(whole.head));
    observe(&hub, 12).await;
    let later = export(&hub, disk.path(), Some(logging())).await;
    assert_eq!(later.observations, 5, "with the newest");
    let (there, drives, exports) = standing(&hub).await;
    assert_eq!(there, Spans::through(later.head), "the newest is in the part");
    assert_eq!(drives.not_on_drive, Lacking::default());
    assert_eq!(drives.last_path, Some(whole.path.to_string_lossy().into_owned()));
    assert_eq!(exports.len(), 3);
    hub.store.close().await;
    drop(hub);
    writer.join();
}

async fn ended(manager: &Manager, id: &str) -> Value {
    for _ in 0..600 {
        let exports = manager.get("/admin/exports").await;
        let job = exports["jobs"].as_array().unwrap().iter().find(|job| job["id"] == id).unwrap().clone();
        if job["ended_at"].is_string() {
            assert_eq!(job["state"], "done", "{job}");
            return exports;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the export did not end");
}

#[tokio::test]
async fn the_export_of_a_filter_is_what_the_list_under_it_shows() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    let sent: Vec<_> = (0..40_u32)
        .map(|n| {
            let mut draft = Draft::new("observation", DocId::from_source("list", &n.to_string()), 1_790_000_000_000);
            let place = json!({ "lat": -6.0 - f64::from(n) / 100.0, "lon": -76.0 });
            let set = json!({ "category": CATEGORIES[n as usize % 3], "notes": format!("nota {n}"), "location": place });
            draft.set = set.as_object().cloned().unwrap();
            draft.sign(&device.key).unwrap()
        })
        .collect();
    device.send(lines(&sent.iter().collect::<Vec<_>>())).await;
    let elsewhere = folder();
    let drive = elsewhere.path();

    let area = "-77 -6.3,-75 -6.3,-75 -6.105,-77 -6.105";
    for (filter, query) in [
        (json!({ "category": "pesca", "within": area }), format!("category=pesca&within={area}")),
        (json!({ "q": "nota 1" }), "q=nota 1".to_owned()),
        (json!({ "exported": "no", "bbox": "-77,-6.2,-75,-6" }), "exported=no&bbox=-77,-6.2,-75,-6".to_owned()),
    ] {
        let listed = manager.get(&format!("/observations?limit=500&{query}")).await;
        let wanted: BTreeSet<&str> =
            listed["observations"].as_array().unwrap().iter().map(|one| one["doc"].as_str().unwrap()).collect();
        assert!(!wanted.is_empty() && wanted.len() < 40, "{query}");
        let started =
            manager.call(Method::POST, "/admin/exports").json(&json!({ "to": drive, "filter": filter })).send().await.unwrap();
        assert_eq!(started.status(), StatusCode::ACCEPTED);
        let started: Value = started.json().await.unwrap();
        let exports = ended(&manager, started["id"].as_str().unwrap()).await;
        let entry = &exports["ledger"][0];
        let read = rows(Path::new(entry["path"].as_str().unwrap()));
        assert_eq!(read.iter().map(|row| row["doc"].as_str().unwrap()).collect::<BTreeSet<_>>(), wanted, "{query}");
        assert!(entry["part"].is_object() && entry["part"].get("within").is_none(), "{entry}");
        assert_eq!(exports["jobs"][0]["part"], entry["part"]);
    }

    // What is not understood is refused, and never exported as everything.
    for filter in
        [json!({ "categoria": "pesca" }), json!({ "limit": "5" }), json!({ "has": "luck" }), json!({ "category": 5 }), json!(7)]
    {
        let answer =
            manager.call(Method::POST, "/admin/exports").json(&json!({ "to": drive, "filter": filter })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{filter}");
    }
    let asked = |also: Value| manager.call(Method::POST, "/admin/exports").json(&json!({ "to": drive, "also": also })).send();
    assert_eq!(asked(json!(["gpx", "pdf"])).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(fs::read_dir(drive.join("Maloca")).unwrap().count(), 3);

    // And what was asked for besides is there.
    let started = asked(json!(["gpx"])).await.unwrap();
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    let started: Value = started.json().await.unwrap();
    let exports = ended(&manager, started["id"].as_str().unwrap()).await;
    assert_eq!(exports["jobs"][0]["also"], json!(["gpx"]));
    let data = Path::new(exports["ledger"][0]["path"].as_str().unwrap()).join("data");
    assert!(data.join("observations.gpx").is_file() && !data.join("observations.kmz").exists());
}

//! Stories of export: everything goes to a drive, is found there again by strangers' programs, and what goes wrong is said.
#![allow(clippy::large_futures, reason = "a story's future lives once")]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on shall stop there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use maloca_hub::export::{self, ExportError, check, ledger};
use maloca_hub::hub::{Hub, Options};
use maloca_hub::intake::{Door, take_in};
use maloca_hub::store::{Spans, WriterThread};
use maloca_hub::verify::{self, Finding};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash};
use maloca_tests::judges;
use maloca_tests::lan::skip;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// A hub with observations, on a folder of its own.
struct Story {
    folder: tempfile::TempDir,
    hub: Hub,
    writer: WriterThread,
    sets: BTreeMap<String, Value>,
    photos: BTreeMap<MediaHash, Vec<u8>>,
}

const SEEN: usize = 60;
const PHOTOS: usize = 12;

impl Story {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path().join("data"));
        options.name = Some("Río Mayo / Tarapoto".into());
        let (hub, writer) = Hub::open(options).await.unwrap();
        let mut story = Self { folder, hub, writer, sets: BTreeMap::new(), photos: BTreeMap::new() };
        story.observe().await;
        story
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder that stands for a drive.
    fn drive(&self) -> PathBuf {
        let drive = self.folder.path().join("drive");
        fs::create_dir_all(&drive).unwrap();
        drive
    }

    /// The hub's own key is a member, so what it signs is admitted; one stranger's revision lands in quarantine.
    async fn observe(&mut self) {
        let key = self.hub.key.clone();
        let mut lines = Vec::new();
        for n in 0..SEEN {
            let doc = DocId::from_source("story", &n.to_string());
            let mut draft = Draft::new("observation", doc, 1_790_000_000_000 + n as i64);
            let notes = ["=SUM(A1:A9)", "vi a la orilla, \"grande\"\nsegunda línea", "+1", "'ya", "plain"][n % 5];
            let mut set = json!({ "category": "tala", "notes": notes, "observed_at": format!("2026-{:02}-05T10:00:00Z", n % 3 + 9),
                "tree": { "height_m": n, "species": "ceiba" }, "doc": "mine", "tags": ["a", "b"] });
            if n % 4 != 0 {
                set["location"] = json!({ "lat": -6.48 + n as f64 / 1000.0, "lon": -76.36, "accuracy_m": 8, "source": "gps" });
            }
            draft.set = set.as_object().cloned().unwrap();
            if n < PHOTOS + 1 {
                let bytes: Vec<u8> = (0..40_000 + n * 100_000).map(|at| (at * 7 + n) as u8).collect();
                let hash = MediaHash::of(&bytes);
                draft.attach.push(Attachment {
                    hash,
                    name: if n % 2 == 0 { "IMG.JPG".into() } else { "../../CON".into() },
                    media_type: "image/jpeg".into(),
                    size: bytes.len() as u64,
                    taken_at: None,
                });
                // The last one never arrives.
                if n < PHOTOS {
                    self.photos.insert(hash, bytes);
                }
            }
            lines.extend(draft.sign(&key).unwrap().envelope());
            lines.push(b'\n');
            self.sets.insert(doc.to_string(), set);
        }
        let stranger = Draft::new("observation", DocId::from_source("stranger", "1"), 5).sign(&DeviceKey::from_seed([9; 32]));
        lines.extend(stranger.unwrap().envelope());
        let arrival = self.hub.arrival(self.hub.id(), None);
        let (answer, _) = take_in(&self.hub.store, &self.hub.rules, arrival, Door::Trusted, lines.into()).await.unwrap();
        assert_eq!(answer.results.iter().map(|run| run.to - run.from + 1).sum::<u64>(), SEEN as u64 + 1);
        for (hash, bytes) in &self.photos {
            let upload = self.hub.uploads.begin(self.hub.id(), Some(*hash), bytes.len() as u64, 0);
            let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(bytes.clone()))]);
            self.hub.uploads.receive(&upload, false, 0, stream, arrival).await.unwrap();
        }
    }

    async fn export(&self, to: &Path) -> Result<export::Done, ExportError> {
        export::export(&self.hub, to.to_owned(), CancellationToken::new(), |_| ()).await
    }

    /// Ends the hub and gives what `verify` finds wrong in its folder.
    async fn faults(self) -> Vec<String> {
        let Self { folder, hub, writer, .. } = self;
        hub.store.close().await;
        drop(hub);
        writer.join();
        faults_in(&folder.path().join("data"))
    }
}

fn faults_in(data: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    verify::folder(&maloca_hub::files::Files::real(), data, &mut |finding, _| {
        if let Some(Finding::Fault(what)) = finding {
            faults.push(what);
        }
    })
    .unwrap();
    faults
}

fn faults_of_bundle(path: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    check::bundle(path, true, &mut |fault| faults.push(fault.to_string()), &mut |_| Ok(())).unwrap();
    faults
}

fn every_file(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(every_file(&entry));
        } else {
            files.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_programs_find_everything_again() {
    let story = Story::begin().await;
    let done = story.export(&story.drive()).await.unwrap();
    assert_eq!((done.observations, done.media, done.missing, done.damaged), (SEEN as u64, PHOTOS as u64, 1, 0));
    assert!(!done.on_drive, "the same filesystem is no drive");
    let name = done.path.file_name().unwrap().to_str().unwrap();
    assert!(name.ends_with("_rio-mayo-tarapoto_full_1"), "{name}");

    let read: Vec<Value> = serde_json::from_slice(&fs::read(done.path.join("data/observations.json")).unwrap()).unwrap();
    assert_eq!(read.len(), SEEN);
    let (mut found, mut missing) = (BTreeSet::new(), 0);
    for row in &read {
        let set = &story.sets[row["doc"].as_str().unwrap()];
        assert_eq!(row["notes"], set["notes"]);
        assert_eq!(row["set.tree.height_m"], set["tree"]["height_m"]);
        assert_eq!(row["set.doc"], "mine");
        assert_eq!(row["lat"], set.get("location").map_or(Value::Null, |place| place["lat"].clone()));
        missing += row["missing_media"].as_u64().unwrap();
        for path in row["media"].as_array().unwrap() {
            let bytes = fs::read(done.path.join(path.as_str().unwrap())).unwrap();
            assert_eq!(story.photos[&MediaHash::of(&bytes)], bytes);
            found.insert(MediaHash::of(&bytes));
        }
    }
    assert_eq!((found.len(), missing), (PHOTOS, 1));
    assert_eq!(fs::read_to_string(done.path.join("data/missing.csv")).unwrap().lines().count(), 2);

    let map: Value = serde_json::from_slice(&fs::read(done.path.join("data/observations.geojson")).unwrap()).unwrap();
    let features = map["features"].as_array().unwrap();
    assert_eq!(features.len(), SEEN);
    for feature in features {
        let set = &story.sets[feature["id"].as_str().unwrap()];
        let point = set.get("location").map(|place| json!({ "type": "Point", "coordinates": [place["lon"], place["lat"]] }));
        assert_eq!(feature["geometry"], point.unwrap_or(Value::Null));
    }

    let table = fs::read(done.path.join("data/observations.csv")).unwrap();
    let table = table.strip_prefix(b"\xef\xbb\xbf").unwrap();
    assert!(table.ends_with(b"\r\n"));
    let mut rows = csv::Reader::from_reader(table);
    let columns = rows.headers().unwrap().clone();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let mut count = 0;
    for row in rows.records().map(Result::unwrap) {
        let set = &story.sets[&row[at("doc")]];
        let notes = &row[at("notes")];
        assert_eq!(notes.strip_prefix('\'').unwrap_or(notes), set["notes"]);
        assert!(!notes.starts_with(['=', '+']));
        assert_eq!(row[at("set.tags")], *r#"["a","b"]"#);
        count += 1;
    }
    assert_eq!(count, SEEN);

    let lines = fs::read_to_string(done.path.join("data/revisions.ndjson")).unwrap();
    assert_eq!(lines.lines().count() as u64, done.revisions);
    let keys: Vec<_> = lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            [&line["rev"]["author"], &line["rev"]["created_at"], &line["id"]].map(|text| text.as_str().unwrap().to_owned())
        })
        .collect();
    assert!(keys.is_sorted());
    assert!(lines.contains(&DeviceKey::from_seed([9; 32]).id().to_string()), "what is in quarantine travels too");

    // How each came: as many lines as there are files and revisions, those in their order.
    let custody = fs::read_to_string(done.path.join("data/custody.ndjson")).unwrap();
    let came: Vec<Value> = custody.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(came.len() as u64, done.media + done.revisions);
    assert!(came.iter().all(|one| one["at"].is_string() && one["by"] == story.hub.id().to_string()));
    let ids: Vec<&str> = came.iter().filter_map(|one| one["rev"].as_str()).collect();
    assert!(ids.iter().zip(&keys).all(|(id, key)| *id == key[2]));

    assert_eq!(faults_of_bundle(&done.path), Vec::<String>::new());
    let sums = Command::new("sha256sum").args(["--quiet", "-c", "manifest-sha256.txt"]).current_dir(&done.path).status();
    assert!(sums.unwrap().success());
    judges::by_bagit_py(&done.path);
    judges::by_gdal(&done.path, SEEN);
    judges::by_frictionless(&done.path, SEEN, 4);
    let exports = story.hub.store.read(ledger::exports).await.unwrap();
    assert_eq!(exports.len(), 1);
    assert_eq!(exports[0].head, done.head);
    assert_eq!(done.holds, Spans::through(done.head));
    assert_eq!(story.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_export_leaves_the_first_alone_and_says_the_same() {
    let story = Story::begin().await;
    let drive = story.drive();
    let first = story.export(&drive).await.unwrap();
    let before = every_file(&first.path);
    // What an export of ours left that was cut off, and what looks like it but is another hub's.
    let ours = drive.join("Maloca").join(format!("{}00c0ffee", export::bundle::partial_prefix(&story.hub.id())));
    let theirs = drive.join("Maloca/.maloca-partial-0000000000000000-00c0ffee");
    for left in [&ours, &theirs] {
        fs::create_dir_all(left.join("data")).unwrap();
    }
    let second = story.export(&drive).await.unwrap();
    assert_ne!(first.path, second.path);
    assert_eq!(every_file(&first.path), before);
    assert!(!ours.exists() && theirs.exists());
    for file in ["observations.json", "observations.geojson", "observations.csv", "revisions.ndjson", "media.csv"] {
        let read = |bundle: &Path| fs::read(bundle.join("data").join(file)).unwrap();
        assert_eq!(read(&first.path), read(&second.path), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_export_leaves_nothing() {
    let story = Story::begin().await;
    let drive = story.drive();
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let outcome = export::export(&story.hub, drive.clone(), cancel, move |_| stop.cancel()).await;
    assert!(matches!(outcome, Err(ExportError::Cancelled)), "{outcome:?}");
    assert_eq!(every_file(&drive), BTreeMap::new());
    assert!(!drive.join("Maloca").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_target_is_said_in_a_sentence() {
    let story = Story::begin().await;
    let missing = story.export(&story.folder.path().join("nowhere")).await.unwrap_err();
    assert_eq!(missing.code(), "export_target_missing");
    let inside = story.export(&story.data().join("media")).await.unwrap_err();
    assert_eq!(inside.code(), "export_inside_data");
    let file = story.folder.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(story.export(&file).await.unwrap_err().code(), "export_not_a_folder");
    assert!(!story.folder.path().join("nowhere").exists());
}

/// A media file of the hub that is not this one.
fn other_media(media: &maloca_hub::media::MediaRoot, hash: &MediaHash) -> MediaHash {
    let shards = fs::read_dir(media.folder()).unwrap().map(|shard| shard.unwrap().path());
    let names = shards.flat_map(|shard| fs::read_dir(shard).unwrap()).map(|file| file.unwrap().file_name());
    names.map(|name| name.to_str().unwrap().parse().unwrap()).find(|other| other != hash).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_wherever_it_is() {
    let story = Story::begin().await;
    let drive = story.drive();
    let hash = *story.photos.keys().next().unwrap();
    let flip = |path: &Path, at: usize| {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    };

    // In a bundle: every kind of file.
    let done = story.export(&drive).await.unwrap();
    for file in ["data/observations.csv", "data/revisions.ndjson", "bag-info.txt", "manifest-sha256.txt"] {
        let path = done.path.join(file);
        flip(&path, 20);
        assert!(!faults_of_bundle(&done.path).is_empty(), "{file}");
        flip(&path, 20);
    }
    // Whoever writes the manifests anew cannot sign them.
    let manifests = ["bag-info.txt", "tagmanifest-sha256.txt"].map(|name| (name, fs::read(done.path.join(name)).unwrap()));
    let info = String::from_utf8(manifests[0].1.clone()).unwrap().replace("Tarapoto", "Nowhere");
    let sums = String::from_utf8(manifests[1].1.clone()).unwrap();
    let hex = |text: &[u8]| data_encoding::HEXLOWER.encode(&Sha256::digest(text));
    fs::write(done.path.join("tagmanifest-sha256.txt"), sums.replace(&hex(&manifests[0].1), &hex(info.as_bytes()))).unwrap();
    fs::write(done.path.join("bag-info.txt"), info).unwrap();
    let faults = faults_of_bundle(&done.path);
    assert!(faults.len() == 1 && faults[0].starts_with("signature/"), "{faults:?}");
    for (name, bytes) in manifests {
        fs::write(done.path.join(name), bytes).unwrap();
    }
    fs::rename(done.path.join("signature"), done.path.join("no signature")).unwrap();
    assert!(!faults_of_bundle(&done.path).is_empty());
    fs::rename(done.path.join("no signature"), done.path.join("signature")).unwrap();
    assert_eq!(faults_of_bundle(&done.path), Vec::<String>::new());

    let photo = every_file(&done.path.join("data/media")).into_keys().next().unwrap();
    flip(&photo, 777);
    let faults = faults_of_bundle(&done.path);
    assert!(
        faults.iter().any(|fault| fault.contains("SHA-256")) && faults.iter().any(|fault| fault.contains("BLAKE3")),
        "{faults:?}"
    );
    fs::remove_file(&photo).unwrap();
    fs::write(done.path.join("data/.DS_Store"), "junk").unwrap();
    fs::write(done.path.join("data/stranger.txt"), "x").unwrap();
    let faults = faults_of_bundle(&done.path);
    assert!(faults.iter().any(|fault| fault.contains("is missing")), "{faults:?}");
    assert!(
        faults.iter().any(|fault| fault.contains("stranger")) && !faults.iter().any(|fault| fault.contains("DS_Store")),
        "{faults:?}"
    );

    // On the hub's disk: the export goes on without it, says so, and does not vouch for it.
    flip(&story.hub.media.path(&hash), 5);
    let done = story.export(&drive).await.unwrap();
    assert_eq!((done.damaged, done.missing, done.media), (1, 2, PHOTOS as u64 - 1));
    assert_eq!(done.holds.count(), done.head - 1);
    assert!(fs::read_to_string(done.path.join("data/missing.csv")).unwrap().contains("damaged on the hub's disk"));
    assert_eq!(faults_of_bundle(&done.path), Vec::<String>::new());

    // In the database: rows all over the file.
    let (data, media) = (story.data(), story.hub.media.clone());
    let Story { folder: _keep, hub, writer, .. } = story;
    hub.store.close().await;
    drop(hub);
    writer.join();
    // The export has noted it: it is wanted again, and no longer a fault. Another one is, until it is whole again.
    assert_eq!(faults_in(&data), Vec::<String>::new());
    let other = other_media(&media, &hash);
    flip(&media.path(&other), 5);
    let faults = faults_in(&data);
    assert!(faults.len() == 1 && faults[0].contains(&other.to_string()), "{faults:?}");
    flip(&media.path(&other), 5);
    let database = data.join("hub.redb");
    let whole = fs::read(&database).unwrap();
    let needle = b"segunda l";
    let at = whole.windows(needle.len()).position(|window| window == needle).unwrap();
    flip(&database, at);
    assert!(faults_in(&data).iter().any(|fault| fault.contains("log-1")), "a flipped bit of a revision");
}

/// The drive is a small filesystem in memory, mounted in a namespace of the test's own: this test runs itself again in there.
#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_gets_full_is_said_and_left_clean() {
    const INSIDE: &str = "MALOCA_TEST_INSIDE";
    const NAME: &str = "a_drive_that_gets_full_is_said_and_left_clean";
    if std::env::var_os(INSIDE).is_none() {
        let this = std::env::current_exe().unwrap();
        let probe = Command::new("unshare").args(["-Urm", "true"]).output();
        if !probe.is_ok_and(|out| out.status.success()) {
            return skip("export", "this machine gives no namespaces, so no drive could be made to get full");
        }
        let inside =
            Command::new("unshare").arg("-Urm").arg(this).args(["--exact", NAME, "--nocapture"]).env(INSIDE, "1").output();
        let out = inside.unwrap();
        assert!(out.status.success(), "{}\n{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        return;
    }
    let story = Story::begin().await;
    let drive = story.drive();
    let mount = |options: &str| {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none", drive.to_str().unwrap()]).status();
        assert!(done.unwrap().success());
    };
    // It is seen before anything is written.
    mount("size=4m");
    let error = story.export(&drive).await.unwrap_err();
    assert!(matches!(&error, ExportError::Full { needed: Some(_), .. }), "{error:?}");
    assert!(error.to_string().contains("MiB are needed"), "{error}");
    // Or it happens on the way: somebody else fills the drive.
    mount("size=64m");
    let (filler, thief) = (drive.join("filler"), std::sync::Once::new());
    let outcome = export::export(&story.hub, drive.clone(), CancellationToken::new(), move |_| {
        thief.call_once(|| fs::write(&filler, vec![1; 60 << 20]).unwrap());
    });
    let error = outcome.await.unwrap_err();
    assert!(matches!(&error, ExportError::Full { .. }), "{error:?}");
    fs::remove_file(drive.join("filler")).unwrap();
    assert_eq!(every_file(&drive), BTreeMap::new());
    // With room it works, but what is gone with the power is no copy.
    let done = story.export(&drive).await.unwrap();
    assert!(!done.on_drive);
    assert!(Command::new("mount").args(["-o", "remount,ro", drive.to_str().unwrap()]).status().unwrap().success());
    assert_eq!(story.export(&drive).await.unwrap_err().code(), "export_read_only");
    assert_eq!(faults_of_bundle(&done.path), Vec::<String>::new());
}

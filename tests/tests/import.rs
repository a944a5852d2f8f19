//! Bundles come in again: on a new laptop after the old one was lost, on the hub that has half of it already, and damaged or made
//! to harm.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use maloca_protocol::{DeviceKey, DocId, MediaHash, ValidRevision};
use maloca_tests::device::{RawDevice, lines, record};
use maloca_tests::hub::{TestHub, folder, maloca, verify};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// What two phones and a stranger brought to a hub, and the bundle that it made of that.
struct Village {
    folder: tempfile::TempDir,
    bundle: PathBuf,
    photos: Vec<Vec<u8>>,
    disputed: DocId,
    stranger: ValidRevision,
}

impl Village {
    async fn of() -> Self {
        let folder = folder();
        let data = folder.path().join("data");
        let mut hub = TestHub::start(&data);
        let (rosa, juan) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
        // One is larger than what is read at once.
        let photos: Vec<Vec<u8>> = vec![vec![1; 3_000_000], vec![2; 700], vec![3; 50_000]];
        let mut records: Vec<ValidRevision> =
            photos.iter().enumerate().map(|(n, photo)| record(&rosa.key, &format!("with photo {n}"), Some(photo))).collect();
        records.extend((0..30).map(|n| record(&rosa.key, &format!("plain {n}"), None)));
        let first = record(&rosa.key, "disputed", None);
        let disputed = first.content().doc;
        let other = juan.edit(disputed, &[&first], json!({ "notes": "juan's" }));
        let mine = rosa.edit(disputed, &[&first], json!({ "notes": "rosa's" }));
        let stranger = record(&DeviceKey::from_seed([9; 32]), "stranger", None);
        records.extend([first, mine, stranger.clone()]);
        rosa.send(lines(&records.iter().collect::<Vec<_>>())).await;
        juan.send(lines(&[&other])).await;
        for photo in &photos {
            let answer = rosa.upload(photo.len(), Some(MediaHash::of(photo)), Some(photo.clone())).await;
            assert_eq!(answer.status(), StatusCode::CREATED);
        }
        // What people call it is said nowhere but in the list of devices.
        let renamed =
            Manager::of(&hub).call(Method::PATCH, &format!("/admin/devices/{}", rosa.key.id())).json(&json!({ "name": "Rosa" }));
        assert!(renamed.send().await.expect("an answer").status().is_success());
        hub.end();
        let bundle = export(&data, &folder.path().join("drive"));
        Self { folder, bundle, photos, disputed, stranger }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn copy(&self, name: &str) -> PathBuf {
        let to = self.path(name);
        copy(&self.bundle, &to);
        to
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Exports a data folder that no hub runs on; gives the bundle.
fn export(data: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).expect("a folder");
    let output = maloca([Path::new("export"), Path::new("--data"), data, Path::new("--to"), to]);
    assert!(output.status.success(), "{}", said(&output));
    let mut bundles: Vec<PathBuf> = fs::read_dir(to.join("Maloca")).expect("it").map(|entry| entry.expect("it").path()).collect();
    bundles.sort();
    bundles.pop().expect("a bundle")
}

fn restore(bundle: &Path, data: &Path) -> Output {
    maloca([Path::new("restore"), Path::new("--data"), data, bundle])
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn revisions(bundle: &Path) -> Vec<String> {
    let text = fs::read_to_string(bundle.join("data/revisions.ndjson")).expect("revisions");
    text.lines().map(str::to_owned).collect()
}

/// What each document comes to. When it came to which hub is that hub's own.
fn observations(bundle: &Path) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(bundle.join("data/observations.json")).expect("observations");
    let all: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let kept = all.into_iter().map(|mut one| {
        one.as_object_mut().expect("an object").retain(|name, _| !matches!(name.as_str(), "received_at" | "clock_offset_ms"));
        (one["doc"].as_str().expect("an id").to_owned(), one)
    });
    kept.collect()
}

#[tokio::test]
async fn a_lost_laptop_comes_back_from_its_last_drive() {
    let village = Village::of().await;
    let data = village.path("new laptop");
    let output = restore(&village.bundle, &data);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("3 photos and sounds are new") && said(&output).contains("2 devices"), "{}", said(&output));
    verify(&data);

    // The same again: what is exported from it is what was on the drive, byte for byte, beside what the new hub says of itself.
    let again = export(&data, &village.path("second drive"));
    let before = revisions(&village.bundle);
    let old: std::collections::BTreeSet<&String> = before.iter().collect();
    let after: Vec<String> = revisions(&again);
    let (kept, own): (Vec<&String>, Vec<&String>) = after.iter().partition(|line| old.contains(line));
    assert_eq!(kept, before.iter().collect::<Vec<_>>());
    assert_eq!(own.len(), 2, "that it is a hub, and that the old one was");
    assert!(observations(&again) == observations(&village.bundle));
    let media = |bundle: &Path| fs::read_to_string(bundle.join("data/media.csv")).expect("a list");
    assert_eq!(media(&again), media(&village.bundle));

    // Nobody types anything twice: the phones are known, and what they bring again is here.
    let mut hub = TestHub::start(&data);
    let manager = Manager::of(&hub);
    let overview = manager.get("/admin/overview").await;
    assert_eq!((&overview["counts"]["observations"], &overview["counts"]["conflicts"]), (&json!(34), &json!(1)));
    let cards = manager.get("/admin/devices").await;
    let names: Vec<&str> = cards["devices"].as_array().expect("cards").iter().filter_map(|card| card["name"].as_str()).collect();
    assert!(names.len() == 2 && names.contains(&"Rosa"), "{cards}");
    let rosa = RawDevice::join(&hub, 1).await;
    let answer = rosa.send(lines(&[&record(&rosa.key, "plain 3", None), &record(&rosa.key, "after the loss", None)])).await;
    assert_eq!(serde_json::to_value(&answer.results).expect("JSON")[0]["status"], "duplicate");
    assert_eq!(serde_json::to_value(&answer.results).expect("JSON")[1]["status"], "stored");
    // The stranger waits as before, and is let in as before.
    assert_eq!(overview["counts"]["quarantined"], 1, "{overview}");
    RawDevice::join(&hub, 9).await;
    assert!(manager.document(&village.stranger.content().doc).await.is_some());
    let disputed = manager.get(&format!("/observations/{}", village.disputed)).await;
    assert!(disputed["conflicts"]["notes"].is_array() || disputed["conflicts"]["notes"].is_object(), "{disputed}");
    for photo in &village.photos {
        assert_eq!(manager.media(&MediaHash::of(photo)).await.as_ref(), Some(photo));
    }
    hub.end();
    verify(&data);

    // Who joined the old laptop after that copy comes with a later one, and has a card as well.
    let old = village.path("data");
    let mut hub = TestHub::start(&old);
    RawDevice::join_as(&hub, DeviceKey::from_seed([3; 32]), "Lucía").await;
    hub.end();
    let later = export(&old, &village.path("third drive"));
    let output = maloca([Path::new("import"), Path::new("--data"), &data, &later]);
    assert!(output.status.success(), "{}", said(&output));
    let mut hub = TestHub::start(&data);
    let cards = Manager::of(&hub).get("/admin/devices").await;
    assert!(cards["devices"].as_array().expect("cards").iter().any(|card| card["name"] == "Lucía"), "{cards}");
    hub.end();

    let occupied = restore(&village.bundle, &data);
    assert!(!occupied.status.success() && said(&occupied).contains("there is a hub in"), "{}", said(&occupied));
}

#[tokio::test]
async fn a_bundle_comes_in_on_the_page_and_again_costs_nothing() {
    let village = Village::of().await;
    let data = village.path("data");
    let hub = TestHub::start(&data);
    let manager = Manager::of(&hub);
    for _ in 0..2 {
        let (status, job) = post(&manager, &village.bundle).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{job}");
        let job = manager.import_ended().await;
        let imported = &job["taken"]["imported"];
        assert_eq!((&job["state"], &imported["stored"], &imported["media"]), (&json!("done"), &json!(0), &json!(0)), "{job}");
        assert_eq!((&imported["media_known"], &imported["whole"]), (&json!(3), &json!(true)));
    }
    // By the command line, through the hub that runs.
    let output = maloca([Path::new("import"), Path::new("--data"), &data, &village.bundle]);
    assert!(output.status.success() && said(&output).contains("0 records are new"), "{}", said(&output));
    let (status, problem) = post(&manager, Path::new("relative")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")));
    let _ = post(&manager, &village.path("nothing")).await;
    assert_eq!(manager.import_ended().await["trouble"]["code"], "not_a_bundle");
}

async fn post(manager: &Manager, from: &Path) -> (StatusCode, Value) {
    manager.post("/admin/imports/bundles", &json!({ "from": from })).await
}

#[tokio::test]
async fn a_damaged_bundle_gives_everything_that_is_whole_and_says_what_is_not() {
    let village = Village::of().await;
    let bundle = village.copy("damaged");
    let path = bundle.join("data/revisions.ndjson");
    let mut text = revisions(&bundle);
    let at = text.iter().position(|line| line.contains("plain 7")).expect("it");
    text[at] = text[at].replace("plain 7", "plain 8");
    fs::write(&path, text.join("\n")).expect("written");
    let media: Vec<String> = fs::read_to_string(bundle.join("data/media.csv"))
        .expect("a list")
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next().map(str::to_owned))
        .collect();
    let mut bytes = fs::read(bundle.join(&media[0])).expect("a photo");
    bytes[100] ^= 1;
    fs::write(bundle.join(&media[0]), bytes).expect("written");
    fs::remove_file(bundle.join(&media[1])).expect("removed");

    let data = village.path("restored");
    let output = restore(&bundle, &data);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("data/revisions.ndjson: line {}", at + 1)), "{said}");
    assert!(said.contains(&format!("{}: is not the media file", media[0])), "{said}");
    assert!(said.contains(&format!("{}: is missing", media[1])) && said.contains("1 photos and sounds are new"), "{said}");
    verify(&data);

    // From the whole one comes what was damaged.
    let output = maloca([Path::new("import"), Path::new("--data"), &data, &village.bundle]);
    let said = self::said(&output);
    assert!(
        output.status.success() && said.contains("1 records are new") && said.contains("2 photos and sounds are new"),
        "{said}"
    );
    assert!(observations(&export(&data, &village.path("d2"))) == observations(&village.bundle));
}

#[tokio::test]
async fn without_its_list_media_are_known_by_their_bytes() {
    let village = Village::of().await;
    for (name, list) in [("no list", None), ("half a list", Some("file,blake3\n\"data/media/x,never closed"))] {
        let bundle = village.copy(name);
        let path = bundle.join("data/media.csv");
        match list {
            None => fs::remove_file(&path).expect("removed"),
            Some(text) => fs::write(&path, text).expect("written"),
        }
        fs::write(bundle.join("data/media/somebody's own.jpg"), "not of any record").expect("written");
        let data = village.path(&format!("{name} restored"));
        let output = restore(&bundle, &data);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("3 photos and sounds are new"), "{}", said(&output));
        verify(&data);
    }
}

#[tokio::test]
async fn what_would_harm_does_nothing_but_be_refused() {
    let village = Village::of().await;
    let (data, bundle) = (village.path("data"), village.copy("hostile"));
    let secret = village.path("secret.jpg");
    fs::write(&secret, "of the laptop").expect("written");
    let hash = |bytes: &[u8]| MediaHash::of(bytes).to_string();
    let media = bundle.join("data/media");
    symlink(&secret, media.join("link.jpg")).expect("a link");
    symlink(village.folder.path(), media.join("folder")).expect("a link");
    nix_fifo(&media.join("pipe.jpg"));
    let huge = fs::File::create(media.join("huge.jpg")).expect("a file");
    huge.set_len(1 << 40).expect("a sparse file");
    let of_secret = hash(b"of the laptop");
    let list = ["link.jpg", "folder/secret.jpg", "pipe.jpg", "huge.jpg", "../../../secret.jpg", "none.jpg"];
    let rows: String = list.iter().map(|name| format!("data/media/{name},{of_secret},13,image/jpeg,x,\n")).collect();
    fs::write(bundle.join("data/media.csv"), format!("file,blake3,size,type,name,doc\n{rows}/etc/passwd,{of_secret},1,,,\n"))
        .expect("written");
    // Forged: another's name under one's own signature, and a line that is no record at all.
    let forged = revisions(&bundle)[0].replacen("\"sig\":\"", "\"sig\":\"A", 1);
    let endless = "x".repeat(3_000_000);
    fs::write(bundle.join("data/revisions.ndjson"), format!("{forged}\n{endless}\n{{}}\n")).expect("written");

    let hub = TestHub::start(&data);
    let manager = Manager::of(&hub);
    let before = manager.get("/admin/overview").await["counts"].clone();
    let (status, _) = post(&manager, &bundle).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let job = manager.import_ended().await;
    let imported = &job["taken"]["imported"];
    assert_eq!((&imported["stored"], &imported["media"], &imported["whole"]), (&json!(0), &json!(0), &json!(false)), "{job}");
    assert!(imported["media_refused"].as_u64() >= Some(4), "{job}");
    assert_eq!(manager.get("/admin/overview").await["counts"], before);
    assert_eq!(manager.media(&MediaHash::of(b"of the laptop")).await, None);

    // What it says of itself is shown on the page: no time that is none, and no name without end.
    let info = fs::read_to_string(bundle.join("bag-info.txt")).expect("it");
    let info = info.lines().map(|line| match line.split_once(": ") {
        Some(("Maloca-Made-At", _)) => "Maloca-Made-At: soon\n".to_owned(),
        Some(("Source-Organization", _)) => format!("Source-Organization: {}\n", "x".repeat(5000)),
        _ => format!("{line}\n"),
    });
    fs::write(bundle.join("bag-info.txt"), info.collect::<String>()).expect("written");
    let about = maloca_hub::import::about::of(&bundle).expect("still a bundle");
    assert!(about.made_at.is_none() && about.hub_name.len() == 64, "{about:?}");

    // Another project's is not looked at.
    let other = folder();
    let mut elsewhere = TestHub::start(other.path());
    elsewhere.end();
    let theirs = export(other.path(), &village.path("their drive"));
    let _ = post(&manager, &theirs).await;
    assert_eq!(manager.import_ended().await["trouble"]["code"], "bundle_of_another_project");
    drop(hub);
    verify(&data);
}

fn nix_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success());
}

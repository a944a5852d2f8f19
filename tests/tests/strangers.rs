//! What other programs have written comes in: CoMapeo's ZIP with photos, a spreadsheet's table; looked at before, twice without
//! duplicates, changed without loss, and made to harm without harm.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Output;

use maloca_protocol::MediaHash;
use maloca_tests::hub::{TestHub, folder, maloca, verify};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Ids as CoMapeo draws them.
const MINE: &str = "9c1f00000000000000000000000000000000000000000000000000000000aa01";
const CAT: &str = "77aa00000000000000000000000000000000000000000000000000000000aa02";
const GONE: &str = "77ab00000000000000000000000000000000000000000000000000000000aa03";

const PHOTO: &[u8] = b"the bytes of a photo, as a peer has them";

fn pack(path: &Path, files: &[(&str, &[u8])]) {
    let mut archive = ZipWriter::new(File::create(path).expect("a file"));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).expect("begun");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("ended");
}

fn comapeo(species: &str) -> String {
    let feature = |id: &str, kind: &str, more: Value| {
        let mut properties = json!({ "$id": id, "$createdAt": "2026-11-20T10:00:00.123Z", "category": kind });
        properties.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "type": "Feature", "properties": properties, "$comapeo": { "docId": id },
                "geometry": { "type": "Point", "coordinates": [-76.36, -6.48] } })
    };
    let features = [
        feature(MINE, "mining", json!({ "attachment_1": "af31_original.jpg", "attachment_2": null })),
        feature(CAT, "animal", json!({ "species": species })),
        feature(GONE, "animal", json!({ "attachment_1": "gone_original.jpg" })),
    ];
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

fn import(data: &Path, from: &Path, more: &[&str]) -> Output {
    let words = [Path::new("import"), Path::new("--data"), data, from];
    maloca(words.into_iter().chain(more.iter().map(Path::new)))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn has(output: &Output, words: &[&str]) {
    let said = said(output);
    for words in words {
        assert!(said.contains(words), "{words:?} in {said}");
    }
}

#[tokio::test]
async fn what_comapeo_has_exported_comes_in_once_and_changes_upon_it() {
    let folder = folder();
    let data = folder.path().join("data");
    TestHub::start(&data).end();
    let zip = folder.path().join("CoMapeo_Village_Obsvns_2026_11_21.zip");
    let media = "CoMapeo_Village_Media_2026_11_21/af31_original.jpg";
    let table = "CoMapeo_Village_Obsvns_2026_11_21.geojson";
    pack(&zip, &[(table, comapeo("jaguar").as_bytes()), (media, PHOTO)]);

    has(
        &import(&data, &zip, &["--look"]),
        &["3 observations, 0 of them", "3 with a place", "1 photo", "2  animal", "gone_original.jpg"],
    );
    has(&import(&data, &zip, &["--look"]), &["0 of them are here already"]);
    has(&import(&data, &zip, &[]), &["3 records are new", "1 photos and sounds are new"]);
    has(&import(&data, &zip, &["--look"]), &["3 of them are here already"]);
    has(&import(&data, &zip, &[]), &["0 records are new"]);
    // The next day's export has another name, and the same in it.
    let next = folder.path().join("CoMapeo_Village_Obsvns_2026_11_22.zip");
    pack(&next, &[("CoMapeo_Village_Obsvns_2026_11_22.geojson", comapeo("jaguar").as_bytes()), (media, PHOTO)]);
    has(&import(&data, &next, &[]), &["0 records are new"]);
    verify(&data);

    // A person's edit and the peer's later one touch different things, and both stay.
    let mut hub = TestHub::start(&data);
    let manager = Manager::of(&hub);
    let list = manager.get("/observations").await;
    let all = list["observations"].as_array().expect("a list");
    let of = |id: &str| all.iter().find(|one| one["set"]["$id"] == id).expect("it").clone();
    let (first, second) = (of(MINE), of(CAT));
    assert_eq!(
        (&first["set"]["observed_at"], &first["attachments"][0]["held"]),
        (&json!("2026-11-20T10:00:00.123Z"), &json!(true))
    );
    assert_eq!(manager.media(&MediaHash::of(PHOTO)).await.as_deref(), Some(PHOTO));
    let doc = second["doc"].as_str().expect("an id");
    let one = manager.get(&format!("/observations/{doc}")).await;
    let edit = json!({ "by": "Ana", "heads": one["heads"], "set": { "notes": "at the salt lick" } });
    let answer = manager.call(Method::POST, &format!("/observations/{doc}/edits")).json(&edit).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    pack(&zip, &[(table, comapeo("puma").as_bytes()), (media, PHOTO)]);
    // Through the hub that runs.
    has(&import(&data, &zip, &[]), &["1 records are new"]);
    let after = manager.get(&format!("/observations/{doc}")).await;
    assert_eq!((&after["set"]["species"], &after["set"]["notes"]), (&json!("puma"), &json!("at the salt lick")), "{after}");
    assert_eq!(manager.get("/admin/overview").await["counts"]["observations"], 3);
    hub.end();
    verify(&data);
    let left: Vec<String> = fs::read_dir(&data)
        .expect("a folder")
        .map(|entry| entry.expect("it").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(left.iter().all(|name| !name.starts_with("unpacked-")), "{left:?}");
}

#[tokio::test]
async fn a_table_is_looked_at_and_taken_in_from_the_page() {
    let folder = folder();
    let hub = TestHub::start(&folder.path().join("data"));
    let manager = Manager::of(&hub);
    let table = folder.path().join("walk.csv");
    fs::write(&table, "id,lat,lon,category,photo\n1,-6.48,-76.36,tala,a.jpg\n2,-6.49,-76.37,pesca,\n3,up,there,nido,\n")
        .expect("written");
    fs::write(folder.path().join("a.jpg"), PHOTO).expect("written");
    let (status, look) = manager.post("/admin/imports/look", &json!({ "from": table })).await;
    assert_eq!(status, StatusCode::OK, "{look}");
    assert_eq!(
        (&look["observations"], &look["with_place"], &look["media"], &look["fault_count"]),
        (&json!(3), &json!(2), &json!(1), &json!(1))
    );
    assert_eq!(look["first"][0]["category"], "tala", "{look}");
    let job = manager.take_in(&table).await;
    let imported = &job["taken"]["imported"];
    assert_eq!((&imported["stored"], &imported["media"], &imported["whole"]), (&json!(3), &json!(1), &json!(false)), "{job}");
    assert!(job["taken"]["faults"][0]["what"].as_str().is_some_and(|what| what.contains("row 4")), "{job}");
    let again = manager.take_in(&table).await;
    assert_eq!(
        (&again["taken"]["imported"]["stored"], &again["taken"]["imported"]["duplicates"]),
        (&json!(0), &json!(3)),
        "{again}"
    );
}

#[tokio::test]
async fn what_would_harm_is_refused_and_leaves_nothing() {
    let folder = folder();
    let data = folder.path().join("data");
    let hub = TestHub::start(&data);
    let manager = Manager::of(&hub);
    let zip = folder.path().join("evil.zip");
    let collection = json!({ "type": "FeatureCollection", "features": [
        { "type": "Feature", "id": "a", "properties": { "media": ["../../secret", "/etc/passwd", "link.jpg"] }, "geometry": null },
    ]});
    // Names that lead out are not written; what they name is not read.
    fs::write(folder.path().join("secret"), "nobody's business").expect("written");
    let mut archive = ZipWriter::new(File::create(&zip).expect("a file"));
    let plain = SimpleFileOptions::default();
    for (name, bytes) in [("../out.txt", "out"), ("/tmp/maloca-out.txt", "out"), ("list.geojson", &*collection.to_string())] {
        archive.start_file(name, plain).expect("begun");
        archive.write_all(bytes.as_bytes()).expect("written");
    }
    archive.add_symlink("link.jpg", "/etc/passwd", plain).expect("a link");
    archive.finish().expect("ended");
    let job = manager.take_in(&zip).await;
    let imported = &job["taken"]["imported"];
    assert_eq!(
        (&imported["stored"], &imported["media"], &job["taken"]["fault_count"]),
        (&json!(1), &json!(0), &json!(3)),
        "{job}"
    );
    assert!(
        !folder.path().join("out.txt").exists() && !data.join("out.txt").exists() && !Path::new("/tmp/maloca-out.txt").exists()
    );

    // What is none of these is said, and what is cut off gives what came before it.
    fs::write(&zip, b"PK no archive").expect("written");
    let none = manager.take_in(&zip).await;
    assert_eq!((&none["state"], &none["trouble"]["code"]), (&json!("failed"), &json!("source_unreadable")), "{none}");
    let geojson = folder.path().join("cut.geojson");
    fs::write(&geojson, r#"{"type":"FeatureCollection","features":[{"type":"Feature","id":"b","properties":{}},{"type":"#)
        .expect("written");
    let cut = manager.take_in(&geojson).await;
    assert_eq!((&cut["taken"]["imported"]["stored"], &cut["taken"]["imported"]["whole"]), (&json!(1), &json!(false)), "{cut}");
    let relative =
        manager.call(Method::POST, "/admin/imports/look").json(&json!({ "from": "list.csv" })).send().await.expect("it");
    assert_eq!(relative.status(), StatusCode::BAD_REQUEST);
    drop(hub);
    verify(&data);
}

//! Files that phones saved: taken in whole, twice without harm, cut off without loss of what is whole, and spoilt ones judged piece by piece.

use std::io::Write as _;
use std::process::Command;

use maloca_protocol::{DeviceKey, MediaHash};
use maloca_tests::device::{RawDevice, lines, record};
use maloca_tests::hub::{TestHub, binary, folder, verify};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A tar archive, as the phone writes it.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let plain: Vec<(u8, &str, &[u8])> = entries.iter().map(|(name, bytes)| (b'0', *name, *bytes)).collect();
    archive_of_kinds(&plain)
}

fn archive_of_kinds(entries: &[(u8, &str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (kind, name, bytes) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[156] = *kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

async fn import(manager: &Manager, file: Vec<u8>) -> (StatusCode, Value) {
    let answer = manager.call(Method::POST, "/admin/imports").body(file).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn what_a_phone_saved_comes_in_as_if_it_had_handed_it_over() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    // One is larger than what is read at once.
    let photos = [vec![1; 3_000_000], vec![2; 700]];
    let (one, two) = (record(&device.key, "one", Some(&photos[0])), record(&device.key, "two", Some(&photos[1])));
    let names = photos.each_ref().map(|photo| format!("media/{}", MediaHash::of(photo)));
    let about = br#"{"format":"maloca-phone-backup-1"}"#;
    let records = lines(&[&one, &two]);
    let file = archive(&[
        ("about.json", about),
        ("key.json", br#"{"seed":"not for the hub"}"#),
        ("revisions.ndjson", &records),
        ("something-new.json", b"{}"),
        (&names[0], &photos[0]),
        (&names[1], &photos[1]),
    ]);
    let (status, done) = import(&manager, file.clone()).await;
    let expected = json!({ "stored": 2, "duplicates": 0, "quarantined": 0, "refused": 0, "media": 2, "media_known": 0, "media_refused": 0, "whole": true });
    assert_eq!((status, done), (StatusCode::OK, expected));
    let bytes = manager.call(Method::GET, &format!("/media/{}", MediaHash::of(&photos[0]))).send().await.expect("an answer");
    assert_eq!(bytes.bytes().await.expect("a photo"), photos[0]);

    // Again, and by the command line: nothing is doubled.
    let (_, again) = import(&manager, file.clone()).await;
    assert_eq!(
        (&again["stored"], &again["duplicates"], &again["media"], &again["media_known"]),
        (&json!(0), &json!(2), &json!(0), &json!(2))
    );
    let path = data.path().with_extension("tar");
    std::fs::File::create(&path).and_then(|mut to| to.write_all(&file)).expect("a file");
    let output = Command::new(binary()).args(["import", "--data"]).arg(data.path()).arg(&path).output().expect("maloca starts");
    std::fs::remove_file(&path).expect("it is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("0 records are new, 2 were here"), "{said}");
    assert_eq!(manager.get("/admin/overview").await["counts"]["observations"], 2);
    drop(hub);
    verify(data.path());
}

#[tokio::test]
async fn spoilt_files_give_what_is_whole_and_nothing_else() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    let stranger = DeviceKey::from_seed([9; 32]);
    let photo = vec![7; 5000];
    let mut records = lines(&[&record(&device.key, "mine", Some(&photo)), &record(&stranger, "theirs", Some(&photo))]);
    records.extend_from_slice(b"{\"no\":\"revision\"}\n");
    let (named, lied) = (format!("media/{}", MediaHash::of(&photo)), format!("media/{}", MediaHash::of(b"something else")));
    let about: &[u8] = b"{}";
    let file = archive(&[("about.json", about), ("revisions.ndjson", &records), (&lied, &photo), (&named, &photo)]);

    let (status, cut) = import(&manager, file[..file.len() - 1024 - 512].to_vec()).await;
    assert_eq!((status, &cut["whole"], &cut["media"]), (StatusCode::OK, &json!(false), &json!(0)));
    assert_eq!((&cut["stored"], &cut["quarantined"], &cut["refused"]), (&json!(1), &json!(1), &json!(1)));
    let (_, whole) = import(&manager, file.clone()).await;
    assert_eq!((&whole["media"], &whole["media_refused"], &whole["whole"]), (&json!(1), &json!(1), &json!(true)));

    // What is here is passed over: not even bytes that would be refused are looked at again.
    let mut spoilt = file;
    let last = spoilt.len() - 1024 - 1024;
    spoilt[last] ^= 1;
    let (_, known) = import(&manager, spoilt).await;
    assert_eq!((&known["media_known"], &known["media_refused"]), (&json!(1), &json!(1)));

    for other in [b"no archive at all".to_vec(), Vec::new(), archive(&[("letter.txt", b"hello")])] {
        let (status, problem) = import(&manager, other).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("not_a_phone_file")));
    }
    // A name that another entry lends is not believed, whatever it says, and its length is not taken into memory.
    let lent = archive_of_kinds(&[(b'L', "long", b"about.json\0"), (b'0', "letter.txt", b"hello")]);
    let (status, problem) = import(&manager, lent).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("not_a_phone_file")));
    drop(hub);
    verify(data.path());
}

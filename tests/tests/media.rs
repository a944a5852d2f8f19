//! Media: cut off and resumed, wrong bytes refused, sent twice and stored once, served whole and in part.

use maloca_protocol::MediaHash;
use maloca_tests::device::RawDevice;
use maloca_tests::hub::{TestHub, folder};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn photo(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|n| (n.wrapping_mul(31) % 251) as u8 ^ seed).collect()
}

fn text<'a>(answer: &'a reqwest::Response, header: &str) -> &'a str {
    answer.headers()[header].to_str().expect("text")
}

async fn offset(device: &RawDevice, location: &str) -> reqwest::Response {
    let path = location.strip_prefix("/api/v1").expect("a path under the API");
    device.call(Method::HEAD, path).header("tus-resumable", "1.0.0").send().await.expect("an answer")
}

#[tokio::test]
async fn a_photo_that_is_cut_off_goes_on_where_it_was_even_after_a_kill() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let bytes = photo(5_000_000, 0);
    let hash = MediaHash::of(&bytes);
    let created = device.upload(bytes.len(), Some(hash), None).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let location = text(&created, "location").to_owned();
    let piece = device.piece(&location, 0, bytes[..2_000_000].to_vec()).await;
    assert_eq!((piece.status(), text(&piece, "upload-offset")), (StatusCode::NO_CONTENT, "2000000"));
    let wrong = device.piece(&location, 1_000_000, bytes[1_000_000..].to_vec()).await;
    assert_eq!(wrong.status(), StatusCode::CONFLICT);
    let missing =
        device.json(device.call(Method::POST, "/media/missing").json(&json!({ "hashes": [hash] })), StatusCode::OK).await;
    assert_eq!(missing["missing"], json!([hash]), "half a photo is not here");
    hub.kill();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let asked = offset(&device, &location).await;
    assert_eq!((text(&asked, "upload-offset"), text(&asked, "upload-length")), ("2000000", "5000000"));
    let rest = device.piece(&location, 2_000_000, bytes[2_000_000..].to_vec()).await;
    assert_eq!((rest.status(), text(&rest, "upload-offset")), (StatusCode::NO_CONTENT, "5000000"));
    assert_eq!(offset(&device, &location).await.status(), StatusCode::NOT_FOUND, "an upload that ended is forgotten");
    let missing =
        device.json(device.call(Method::POST, "/media/missing").json(&json!({ "hashes": [hash] })), StatusCode::OK).await;
    assert_eq!(missing["missing"], json!([]));
    assert_eq!(std::fs::read_dir(data.path().join("incoming")).expect("a folder").count(), 0, "nothing is left over");
}

#[tokio::test]
async fn bytes_that_are_not_what_was_declared_are_refused_and_never_published() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let bytes = photo(400_000, 0);
    let hash = MediaHash::of(&bytes);
    let mut altered = bytes.clone();
    altered[77] ^= 1;
    let small = device.upload(altered.len(), Some(hash), Some(altered.clone())).await;
    assert_eq!(small.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = small.json().await.expect("a problem");
    assert_eq!(problem["code"], "wrong_hash");
    let created = device.upload(altered.len(), Some(hash), None).await;
    let location = text(&created, "location").to_owned();
    assert_eq!(device.piece(&location, 0, altered.clone()).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(offset(&device, &location).await.status(), StatusCode::NOT_FOUND, "it begins again from nothing");
    let too_long = device.upload(100, None, None).await;
    let location = text(&too_long, "location").to_owned();
    assert_eq!(device.piece(&location, 0, bytes.clone()).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let shards = std::fs::read_dir(data.path().join("media")).expect("a folder");
    let held: usize = shards.map(|shard| std::fs::read_dir(shard.expect("a shard").path()).expect("a folder").count()).sum();
    assert_eq!(held, 0, "nothing was published");
    assert_eq!(device.upload(bytes.len(), Some(hash), Some(bytes)).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn the_same_photo_twenty_times_is_stored_once() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let bytes = photo(200_000, 0);
    for _ in 0..10 {
        let declared = device.upload(bytes.len(), Some(MediaHash::of(&bytes)), Some(bytes.clone())).await;
        assert_eq!(declared.status(), StatusCode::CREATED);
        let computed = device.upload(bytes.len(), None, Some(bytes.clone())).await;
        assert_eq!(computed.status(), StatusCode::CREATED);
    }
    let name = MediaHash::of(&bytes).to_string();
    let shard = data.path().join("media").join(&name[..2]);
    let names: Vec<_> = std::fs::read_dir(shard).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, [name.as_str()]);
    let page = device.get("/changes").await;
    let held = page["entries"].as_array().expect("a list").iter().filter(|entry| entry["type"] == "held").count();
    assert_eq!(held, 1, "and told once");
}

#[tokio::test]
async fn a_device_ends_its_own_upload_and_nobody_elses() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (one, two) = (RawDevice::join(&hub, 1).await, RawDevice::join(&hub, 2).await);
    let created = one.upload(1_000, None, None).await;
    let location = text(&created, "location").to_owned();
    let path = location.strip_prefix("/api/v1").expect("a path").to_owned();
    let end = |device: &RawDevice| device.call(Method::DELETE, &path).header("tus-resumable", "1.0.0").send();
    assert_eq!(end(&two).await.expect("an answer").status(), StatusCode::NOT_FOUND);
    assert_eq!(two.piece(&location, 0, vec![0; 1_000]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(end(&one).await.expect("an answer").status(), StatusCode::NO_CONTENT);
    assert_eq!(end(&one).await.expect("an answer").status(), StatusCode::NOT_FOUND);
    assert_eq!(std::fs::read_dir(data.path().join("incoming")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn damaged_bytes_are_not_served() {
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--devices-read", "all"]);
    let device = RawDevice::join(&hub, 1).await;
    let bytes = photo(3_000_000, 0);
    let hash = MediaHash::of(&bytes);
    let created = device.upload(bytes.len(), Some(hash), None).await;
    let location = text(&created, "location").to_owned();
    assert_eq!(device.piece(&location, 0, bytes.clone()).await.status(), StatusCode::NO_CONTENT);
    let get = |range: &'static str| device.call(Method::GET, &format!("/media/{hash}")).header("range", range).send();
    let part = get("bytes=1048570-1048590").await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(text(&part, "content-range"), "bytes 1048570-1048590/3000000");
    assert_eq!(part.bytes().await.expect("bytes"), bytes[1_048_570..=1_048_590]);
    let whole = device.call(Method::GET, &format!("/media/{hash}")).send().await.expect("an answer");
    assert_eq!(whole.bytes().await.expect("bytes"), bytes);
    let path = data.path().join("media").join(&hash.to_string()[..2]).join(hash.to_string());
    let mut rotten = bytes.clone();
    rotten[1_500_000] ^= 1;
    std::fs::write(&path, &rotten).expect("the file is ours");
    let sound = get("bytes=0-99").await.expect("an answer").bytes().await.expect("bytes");
    assert_eq!(sound, bytes[..100], "what is sound is served");
    let damaged = get("bytes=1400000-1600000").await.expect("an answer");
    assert_eq!(damaged.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(damaged.json::<Value>().await.expect("a problem")["code"], "damaged");
    hub.wait_for_log("is damaged on disk");
    // From now on it is not held, but wanted again; and sent again it takes the place of what had rotted.
    let gone = get("bytes=0-99").await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let question = serde_json::json!({ "hashes": [hash] });
    let missing = device.json(device.call(Method::POST, "/media/missing").json(&question), StatusCode::OK).await;
    assert_eq!(missing["missing"], serde_json::json!([hash]));
    let created = device.upload(bytes.len(), Some(hash), None).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let location = text(&created, "location").to_owned();
    assert_eq!(device.piece(&location, 0, bytes.clone()).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        get("bytes=1400000-1600000").await.expect("an answer").bytes().await.expect("bytes"),
        bytes[1_400_000..=1_600_000]
    );
    // A block that rots behind the first one ends the answer that has begun.
    std::fs::write(&path, &rotten).expect("the file is ours");
    let half = get("bytes=0-2999999").await.expect("headers").bytes().await;
    assert!(half.is_err(), "a damaged block ends the stream");
}

#[tokio::test]
async fn a_new_connection_takes_over_from_one_that_hangs() {
    use tokio::io::AsyncWriteExt as _;
    let data = folder();
    let hub = TestHub::start(data.path());
    let device = RawDevice::join(&hub, 1).await;
    let bytes = photo(2_500_000, 0);
    let created = device.upload(bytes.len(), Some(MediaHash::of(&bytes)), None).await;
    let location = text(&created, "location").to_owned();
    // A body that gives one MiB and then nothing, as a phone that has frozen.
    let (mut writer, reader) = tokio::io::duplex(2_000_000);
    writer.write_all(&bytes[..1_048_576]).await.expect("room in the pipe");
    let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(reader));
    let path = location.strip_prefix("/api/v1").expect("a path").to_owned();
    let request = device.call(Method::PATCH, &path).header("tus-resumable", "1.0.0").header("upload-offset", 0);
    let hanging = request.header("content-type", "application/offset+octet-stream").body(body);
    let hanging = tokio::spawn(hanging.send());
    let deadline = tokio::time::Instant::now() + maloca_tests::lan::PATIENCE;
    // Wait until the hanging one has written its MiB.
    let incoming = data.path().join("incoming").join(location.rsplit('/').next().expect("an id"));
    while std::fs::metadata(&incoming).map_or(0, |file| file.len()) < 1_048_576 {
        assert!(tokio::time::Instant::now() < deadline, "the hanging upload never wrote");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let second = device.piece(&location, 0, bytes.clone()).await;
    // The taken-over one had a MiB on disk, which counts: the new one is told to go on from there.
    assert_eq!(second.status(), StatusCode::CONFLICT);
    let taken = hanging.await.expect("no panic").expect("an answer");
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    let asked = offset(&device, &location).await;
    let at: usize = text(&asked, "upload-offset").parse().expect("a number");
    assert_eq!(at, 1_048_576);
    assert_eq!(device.piece(&location, at, bytes[at..].to_vec()).await.status(), StatusCode::NO_CONTENT);
    drop(writer);
}

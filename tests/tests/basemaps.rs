//! Maps that lie under observations: brought by copy or upload, read back tile by tile, gone without a trace; and what becomes of a
//! file that is broken or was made to harm.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use maloca_hub::basemaps::{MapError, Opened, TilePlace};
use maloca_hub::files::Files;
use maloca_tests::device::RawDevice;
use maloca_tests::hub::{TestHub, folder};
use maloca_tests::lan::PATIENCE;
use maloca_tests::manager::Manager;
use maloca_tests::maps::{self, Tiles};
use reqwest::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

/// Waits for the copy that is under way, and tells how it ended.
async fn ended(manager: &Manager) -> Value {
    let begun = Instant::now();
    loop {
        let copy = manager.get("/admin/basemaps/copy").await["copy"].clone();
        if !["copying", "checking"].contains(&copy["state"].as_str().expect("a state")) {
            return copy;
        }
        assert!(begun.elapsed() < PATIENCE, "{copy}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn copy(manager: &Manager, path: &Path) -> Response {
    manager.call(Method::POST, "/admin/basemaps").json(&json!({ "path": path })).send().await.expect("an answer")
}

/// Copies a map that must come whole; its id.
async fn add(manager: &Manager, path: &Path) -> String {
    let answer = copy(manager, path).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text().await.unwrap_or_default());
    let copy = ended(manager).await;
    assert_eq!(copy["state"], "done", "{copy}");
    assert_eq!(copy["bytes"], copy["bytes_total"]);
    copy["map"].as_str().expect("an id").to_owned()
}

async fn listed(manager: &Manager) -> Vec<Value> {
    manager.get("/basemaps").await["basemaps"].as_array().expect("a list").clone()
}

async fn ask(manager: &Manager, path: &str) -> Response {
    manager.call(Method::GET, path).send().await.expect("an answer")
}

fn header<'a>(answer: &'a Response, name: &reqwest::header::HeaderName) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().expect("a text")).unwrap_or_default()
}

/// Every tile comes back as it was put in, and no other.
async fn serves(manager: &Manager, id: &str, tiles: &Tiles, media_type: &str, encoding: &str) {
    for ((z, x, y), tile) in tiles {
        let answer = ask(manager, &format!("/tiles/basemaps/{id}/{z}/{x}/{y}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{z}/{x}/{y}");
        assert_eq!((header(&answer, &CONTENT_TYPE), header(&answer, &CONTENT_ENCODING)), (media_type, encoding));
        assert_eq!(header(&answer, &CACHE_CONTROL), "private, max-age=31536000, immutable");
        assert_eq!(answer.bytes().await.expect("a tile"), tile, "{z}/{x}/{y}");
    }
    let answer = ask(manager, &format!("/tiles/basemaps/{id}/8/0/0")).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    for nowhere in ["8/256/0", "40/0/0", "x/0/0", "0/0/0.png"] {
        assert_eq!(ask(manager, &format!("/tiles/basemaps/{id}/{nowhere}")).await.status(), StatusCode::NOT_FOUND, "{nowhere}");
    }
}

#[tokio::test]
async fn maps_come_from_a_drive_and_are_served_tile_by_tile() {
    let (data, drive) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    assert!(listed(&manager).await.is_empty());
    assert_eq!(manager.get("/admin/basemaps/copy").await, json!({ "copy": null }));
    let (pictures, land) = (maps::pictures(0..=7), maps::land(maps::OPENMAPTILES, 2..=7));
    let at = |name: &str| drive.path().join(name);
    maps::pmtiles(&at("Satélite 2026.PMTILES"), &pictures, None);
    maps::mbtiles(&at("land.mbtiles"), &land, Some(maps::OPENMAPTILES));

    let satellite = add(&manager, &at("Satélite 2026.PMTILES")).await;
    let vector = add(&manager, &at("land.mbtiles")).await;
    let maps = listed(&manager).await;
    let size = |name: &str| std::fs::metadata(at(name)).expect("a file").len();
    let expected = json!([
        { "id": vector, "name": "land", "bytes": size("land.mbtiles"), "format": "mbtiles", "kind": "vector", "schema": "openmaptiles",
          "layers": ["landcover", "place", "transportation", "water", "waterway"], "bounds": maps::BOUNDS, "minzoom": 2, "maxzoom": 7,
          "attribution": "© Example & alert(1)contributors", "trouble": null },
        { "id": satellite, "name": "satelite-2026", "bytes": size("Satélite 2026.PMTILES"), "format": "pmtiles", "kind": "raster",
          "schema": "other", "layers": [], "bounds": maps::BOUNDS, "minzoom": 0, "maxzoom": 7,
          "attribution": "© Example & alert(1)contributors", "trouble": null },
    ]);
    assert_eq!(json!(maps), expected);
    serves(&manager, &satellite, &pictures, "image/png", "").await;
    serves(&manager, &vector, &land, "application/vnd.mapbox-vector-tile", "gzip").await;

    // The same bytes under another name are the same map; others under the same name are another.
    std::fs::copy(at("land.mbtiles"), at("again.mbtiles")).expect("a copy");
    assert_eq!(add(&manager, &at("again.mbtiles")).await, vector);
    std::fs::create_dir(at("other")).expect("a folder");
    maps::mbtiles(&at("other/LAND.mbtiles"), &maps::land(maps::PROTOMAPS, 0..=3), Some(maps::PROTOMAPS));
    let other = add(&manager, &at("other/LAND.mbtiles")).await;
    let names: Vec<Value> = listed(&manager).await.into_iter().map(|map| map["name"].clone()).collect();
    assert_eq!(json!(names), json!(["land", "land-2", "satelite-2026"]));

    // A member reads and cannot write; a stranger does neither.
    let device = RawDevice::join(&hub, 1).await;
    let as_device = async |method, path: &str| device.call(method, path).send().await.expect("an answer").status();
    assert_eq!(as_device(Method::GET, "/basemaps").await, StatusCode::OK);
    assert_eq!(as_device(Method::GET, &format!("/tiles/basemaps/{satellite}/0/0/0")).await, StatusCode::OK);
    for (method, path) in [
        (Method::DELETE, format!("/admin/basemaps/{satellite}")),
        (Method::POST, "/admin/basemaps".into()),
        (Method::POST, "/admin/basemaps/upload?name=x".into()),
        (Method::GET, "/admin/basemaps/found".into()),
    ] {
        assert_eq!(as_device(method, &path).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    let stranger = reqwest::get(format!("{}/api/v1/basemaps", hub.http())).await.expect("an answer");
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);

    // All of it is there after a power cut, and what is removed is not.
    hub.kill();
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    assert_eq!(listed(&manager).await.len(), 3);
    serves(&manager, &satellite, &pictures, "image/png", "").await;
    let remove =
        async |id: &str| manager.call(Method::DELETE, &format!("/admin/basemaps/{id}")).send().await.expect("an answer").status();
    for id in [&satellite, &vector, &other] {
        assert_eq!(remove(id).await, StatusCode::NO_CONTENT);
        assert_eq!(remove(id).await, StatusCode::NOT_FOUND);
        assert_eq!(ask(&manager, &format!("/tiles/basemaps/{id}/0/0/0")).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(files_of(data.path()), Vec::<PathBuf>::new());
}

fn files_of(data: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(data.join("basemaps")).expect("the folder of maps");
    folder.map(|entry| entry.expect("an entry").path()).collect()
}

#[tokio::test]
async fn a_package_brings_its_own_style_and_names_nothing_elsewhere() {
    let (data, drive) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let tiles = maps::land(maps::PROTOMAPS, 0..=6);
    maps::smp(&drive.path().join("comapeo.smp"), &tiles);
    let id = add(&manager, &drive.path().join("comapeo.smp")).await;
    let map = listed(&manager).await.remove(0);
    assert_eq!([&map["schema"], &map["kind"], &map["format"]], ["own", "vector", "smp"]);
    assert_eq!((&map["bounds"], &map["maxzoom"]), (&json!(maps::BOUNDS), &json!(6)));

    let style = manager.get(&format!("/basemaps/{id}/style")).await;
    let base = format!("/api/v1/basemaps/{id}/parts");
    assert_eq!(style["glyphs"], format!("{base}/fonts/{{fontstack}}/{{range}}.pbf.gz"));
    assert_eq!(style["sprite"], format!("{base}/sprites/default/sprite"));
    assert_eq!(style["sources"]["land"]["tiles"], json!([format!("{base}/s/0/{{z}}/{{x}}/{{y}}.mvt.gz")]));
    assert_eq!(style["sources"].as_object().expect("sources").len(), 1);
    assert_eq!(style["layers"].as_array().expect("layers").len(), 2);
    assert!(!style.to_string().contains("http") && !style.to_string().contains("<script>"), "{style}");

    for ((z, x, y), tile) in &tiles {
        let answer = ask(&manager, &format!("/basemaps/{id}/parts/s/0/{z}/{x}/{y}.mvt.gz")).await;
        let said = [header(&answer, &CONTENT_TYPE), header(&answer, &CONTENT_ENCODING)];
        assert_eq!(said, ["application/vnd.mapbox-vector-tile", "gzip"]);
        assert_eq!(answer.bytes().await.expect("a tile"), tile);
    }
    let font = ask(&manager, &format!("/basemaps/{id}/parts/fonts/Open%20Sans%20Regular/0-255.pbf.gz")).await;
    assert_eq!(font.bytes().await.expect("letters"), maps::gzip(b"letters"));
    let sprite = ask(&manager, &format!("/basemaps/{id}/parts/sprites/default/sprite@2x.png")).await;
    assert_eq!((sprite.status(), header(&sprite, &CONTENT_TYPE)), (StatusCode::OK, "image/png"));
    let tag = header(&sprite, &ETAG).to_owned();
    let again = manager.call(Method::GET, &format!("/basemaps/{id}/parts/sprites/default/sprite@2x.png"));
    let again = again.header(IF_NONE_MATCH, tag).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    // Not there, or not of a kind that goes out.
    for path in ["s/0/22/0/0.mvt.gz", "VERSION", "..%2f..%2fhub.key", "s/../VERSION.json"] {
        let answer = ask(&manager, &format!("/basemaps/{id}/parts/{path}")).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
    }
}

fn upload(manager: &Manager, name: &str) -> reqwest::RequestBuilder {
    let name: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    manager.call(Method::POST, &format!("/admin/basemaps/upload?name={name}"))
}

#[tokio::test]
async fn an_upload_is_a_map_or_nothing() {
    let (data, drive) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let path = drive.path().join("map.pmtiles");
    let pictures = maps::pictures(0..=6);
    maps::pmtiles(&path, &pictures, None);
    let bytes = std::fs::read(&path).expect("the map");

    let answer = upload(&manager, "../../<b>Río</b>.pmtiles").body(bytes.clone()).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let map: Value = answer.json().await.expect("a map");
    assert_eq!(map["name"], "b-rio-b");
    serves(&manager, map["id"].as_str().expect("an id"), &pictures, "image/png", "").await;
    assert_eq!(manager.get("/admin/basemaps/copy").await["copy"]["state"], "done");

    // Cut off inside, something else altogether, and nothing.
    let cases: [(&[u8], &str); 4] = [
        (&bytes[..bytes.len() - 1], "map_cut_off"),
        (&bytes[..100], "map_cut_off"),
        (b"<html>", "map_unknown"),
        (b"", "map_unknown"),
    ];
    for (body, code) in cases {
        let answer =
            upload(&manager, "x.pmtiles").header(CONTENT_LENGTH, body.len()).body(body.to_vec()).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        let problem: Value = answer.json().await.expect("a problem");
        assert_eq!(problem["code"], code);
        assert!(problem["detail"].as_str().expect("a sentence").ends_with('.'));
        assert_eq!(manager.get("/admin/basemaps/copy").await["copy"]["trouble"]["code"], code);
    }
    // Longer than the disk: refused before a byte of it is taken.
    let huge = upload(&manager, "x.pmtiles").header(CONTENT_LENGTH, u64::MAX / 4).body(reqwest::Body::wrap_stream(never()));
    let answer = huge.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(answer.json::<Value>().await.expect("a problem")["code"], "disk_full");
    assert_eq!(files_of(data.path()).len(), 1);
}

/// A body that never comes.
fn never() -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> + Send + 'static {
    futures_util::stream::pending()
}

#[tokio::test]
async fn a_copy_can_be_stopped_and_a_second_one_waits_its_turn() {
    let (data, drive) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    // Sent in part, then nothing more.
    let body = futures_util::StreamExt::chain(futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"PMTiles"))]), never());
    let sending = upload(&manager, "slow.pmtiles").header(CONTENT_LENGTH, 5_000_000).body(reqwest::Body::wrap_stream(body));
    let sending = tokio::spawn(sending.send());
    let begun = Instant::now();
    while manager.get("/admin/basemaps/copy").await["copy"]["state"] != "copying" {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let path = drive.path().join("map.mbtiles");
    maps::mbtiles(&path, &maps::pictures(0..=3), None);
    let refused = copy(&manager, &path).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert_eq!(refused.json::<Value>().await.expect("a problem")["code"], "map_busy");
    let stop = async || manager.call(Method::DELETE, "/admin/basemaps/copy").send().await.expect("an answer").status();
    assert_eq!(stop().await, StatusCode::NO_CONTENT);
    assert_eq!(ended(&manager).await["state"], "cancelled");
    sending.abort();
    assert_eq!(stop().await, StatusCode::NOT_FOUND);
    add(&manager, &path).await;
    assert_eq!(files_of(data.path()).len(), 1);

    // What cannot be copied at all.
    let pipe = drive.path().join("pipe.smp");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    for (path, status) in [
        (pipe.as_path(), StatusCode::NOT_FOUND),
        (drive.path(), StatusCode::NOT_FOUND),
        (Path::new("/nowhere/map.smp"), StatusCode::NOT_FOUND),
        (Path::new("map.smp"), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(copy(&manager, path).await.status(), status, "{}", path.display());
    }
    // A hub that was killed in the middle of a copy clears it away.
    std::fs::write(data.path().join("basemaps/0123456789abcdef.part"), b"half").expect("a file");
    hub.kill();
    let _hub = TestHub::start(data.path());
    assert_eq!(files_of(data.path()).len(), 1);
}

fn open(path: &Path) -> Result<Opened, MapError> {
    Opened::open(&Files::real(), path)
}

fn place(z: u8, x: u32, y: u32) -> TilePlace {
    TilePlace::new(z, x, y).expect("a place")
}

/// A map of so many tiles that its directory has leaves, each tile another; every one of them is found.
#[test]
fn leaves_of_a_large_map_are_found() {
    let folder = folder();
    let path = folder.path().join("large.pmtiles");
    let mut tiles = Tiles::new();
    for z in 0..=7_u8 {
        for x in 0..1_u32 << z {
            for y in 0..1_u32 << z {
                if (x + 3 * y) % 5 > 0 {
                    tiles.insert((z, x, y), format!("{z} {x} {y}{}", "-".repeat((x * y % 97) as usize)).into_bytes());
                }
            }
        }
    }
    maps::pmtiles(&path, &tiles, Some(maps::PROTOMAPS));
    let map = open(&path).expect("a map");
    for z in 0..=7 {
        for x in 0..1 << z {
            for y in 0..1 << z {
                let found = map.tile(place(z, x, y)).expect("a sound map").map(|tile| tile.bytes);
                assert_eq!(found.as_ref(), tiles.get(&(z, x, y)), "{z}/{x}/{y}");
            }
        }
    }
    assert!(map.tile(place(9, 0, 0)).expect("a sound map").is_none());
}

/// Each map, with each of its bytes spoilt in turn or cut off anywhere, is an error or a map, and never a panic; and what is asked of
/// it then is answered in a moment.
#[test]
fn no_damage_harms() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    maps::pmtiles(&at("a.pmtiles"), &maps::land(maps::PROTOMAPS, 0..=4), Some(maps::PROTOMAPS));
    maps::mbtiles(&at("b.mbtiles"), &maps::land(maps::OPENMAPTILES, 0..=2), Some(maps::OPENMAPTILES));
    maps::smp(&at("c.smp"), &maps::land(maps::PROTOMAPS, 0..=2));
    let look = |path: &Path| {
        let begun = Instant::now();
        if let Ok(map) = open(path) {
            let _ = (map.tile(place(0, 0, 0)), map.tile(place(2, 1, 2)), map.style("/"), map.part("s/0/2/1/2.mvt.gz"));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", path.display());
    };
    for name in ["a.pmtiles", "b.mbtiles", "c.smp"] {
        let whole = std::fs::read(at(name)).expect("the map");
        let step = (whole.len() / 600).max(1);
        let spoilt = at(&format!("spoilt-{name}"));
        // The head and the tail hold what the rest is found by: they are spoilt byte by byte.
        let places = (0..whole.len()).filter(|n| *n < 200 || whole.len() - n < 200 || n % step == 0);
        for n in places {
            for value in [0, 0xff, whole[n] ^ 0x10] {
                let mut bytes = whole.clone();
                bytes[n] = value;
                std::fs::write(&spoilt, bytes).expect("room");
                look(&spoilt);
            }
            std::fs::write(&spoilt, &whole[..n]).expect("room");
            look(&spoilt);
        }
    }
}

/// Files that ask for more than there is.
#[test]
fn absurd_claims_are_refused() {
    let folder = folder();
    let path = folder.path().join("bad.pmtiles");
    maps::pmtiles(&path, &maps::pictures(0..=2), None);
    let sound = std::fs::read(&path).expect("the map");
    let damaged = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("room");
        open(&path).err().map(|error| error.to_string()).unwrap_or_default()
    };
    // Each section, far away or endless.
    for field in (8..72).step_by(8) {
        for claim in [u64::MAX, u64::MAX / 2, sound.len() as u64 + 1] {
            let mut bytes = sound.clone();
            bytes[field..field + 8].copy_from_slice(&claim.to_le_bytes());
            assert!(!damaged(&bytes).is_empty(), "{claim} at {field}");
        }
    }
    // Metadata of a hundred megabytes in a hundred kilobytes.
    let bomb = maps::gzip(&vec![b' '; 100_000_000]);
    let mut bytes = sound.clone();
    bytes[24..32].copy_from_slice(&(sound.len() as u64).to_le_bytes());
    bytes[32..40].copy_from_slice(&(bomb.len() as u64).to_le_bytes());
    bytes.extend(bomb);
    assert!(damaged(&bytes).contains("absurd size"));
    // Older versions, and what is no map.
    let mut old = sound.clone();
    old[7] = 2;
    assert!(damaged(&old).contains("version 3"));
    assert!(damaged(b"PNG").contains("no map"));
    // A map of pictures that holds a page.
    let page = Tiles::from([((0, 0, 0), b"<html><script>alert(1)</script>".to_vec())]);
    maps::pmtiles(&path, &page, None);
    assert!(open(&path).expect("a map").tile(place(0, 0, 0)).is_err());
}

#[test]
fn packages_that_would_harm_are_refused() {
    let folder = folder();
    let path = folder.path().join("bad.smp");
    let style = json!({ "version": 8, "sources": {}, "layers": [] }).to_string().into_bytes();
    let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let refused = |files: &[(String, Vec<u8>)]| {
        maps::archive(&path, files);
        open(&path).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(&[file("style.json", &style)]), "");
    assert!(refused(&[file("other.json", &style)]).contains("style.json"));
    assert!(refused(&[file("style.json", b"{")]).contains("no JSON"));
    assert!(refused(&[file("style.json", &style), file("VERSION", b"2.0")]).contains("newer"));
    assert!(refused(&[file("style.json", &vec![b' '; 50_000_000])]).contains("absurd size"));
    for name in ["../../hub.key", "a/../../b", "/etc/passwd"] {
        assert!(refused(&[file("style.json", &style), file(name, b"x")]).contains("leads out"), "{name}");
    }
    // A picture that unpacks to a hundred megabytes is refused when it is asked for, the rest is served.
    let zeros = vec![0; 100_000_000];
    assert_eq!(refused(&[file("style.json", &style), file("s/bomb.json", &zeros), file("s/page.png", b"<script>")]), "");
    let map = open(&path).expect("a map");
    assert!(map.part("s/bomb.json").is_err());
    assert!(map.part("s/page.png").is_err());
    assert!(map.part("style.json").expect("a sound file").is_some());
}

/// A view is a program: one that has no end is stopped, and one that piles up gets no memory.
#[test]
fn databases_that_would_harm_are_stopped() {
    let folder = folder();
    let path = folder.path().join("bad.mbtiles");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    let views = [
        format!(
            "CREATE VIEW tiles AS {endless} SELECT max(i) AS zoom_level, 0 AS tile_column, 0 AS tile_row, x'00' AS tile_data FROM n"
        ),
        format!("CREATE VIEW tiles AS {endless} SELECT count(DISTINCT randomblob(100000)) AS zoom_level, 0 AS tile_data FROM n"),
        "CREATE VIEW tiles AS SELECT 0 AS zoom_level, 0 AS tile_column, 0 AS tile_row, zeroblob(900000000) AS tile_data"
            .to_owned(),
        "CREATE TABLE tiles (a)".to_owned(),
    ];
    for view in views {
        let _ = std::fs::remove_file(&path);
        let database = rusqlite::Connection::open(&path).expect("a file");
        database.execute_batch(&format!("CREATE TABLE metadata (name, value); {view};")).expect("room");
        drop(database);
        let begun = Instant::now();
        assert!(open(&path).is_err(), "{view}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{view}");
    }
}

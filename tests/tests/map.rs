//! What the map and its filters show: tiles, counts and lists of one filter agree, and all of it is there once.

use std::collections::BTreeMap;

use maloca_protocol::{DocId, Draft, ValidRevision};
use maloca_tests::device::{RawDevice, lines};
use maloca_tests::hub::{TestHub, folder};
use maloca_tests::manager::Manager;
use mvt_reader::Reader;
use mvt_reader::feature::Value as Tag;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const CATEGORIES: [&str; 3] = ["fishing", "logging", "mining"];

fn observation(device: &RawDevice, n: u32, set: Value) -> ValidRevision {
    let Value::Object(set) = set else { panic!("no object") };
    let mut draft = Draft::new("observation", DocId::from_source("map", &n.to_string()), 1_700_000_000_000);
    draft.set = set;
    draft.sign(&device.key).expect("a sound revision")
}

/// A mark of a tile: its properties.
type Mark = BTreeMap<String, String>;

async fn tile(manager: &Manager, z: u8, x: u32, y: u32, filter: &str) -> Vec<Mark> {
    let answer =
        manager.call(Method::GET, &format!("/tiles/observations/{z}/{x}/{y}.mvt?{filter}")).send().await.expect("an answer");
    if answer.status() == StatusCode::NO_CONTENT {
        return Vec::new();
    }
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"application/vnd.mapbox-vector-tile".parse().expect("a value"))
    );
    let reader = Reader::new(answer.bytes().await.expect("a tile").to_vec()).expect("a vector tile");
    assert_eq!(reader.get_layer_names().expect("names"), ["observations"]);
    let text = |tag: Tag| match tag {
        Tag::String(text) => text,
        Tag::UInt(number) => number.to_string(),
        Tag::Bool(is) => is.to_string(),
        other => panic!("an unexpected {other:?}"),
    };
    let features = reader.get_features(0).expect("features");
    features
        .into_iter()
        .map(|feature| feature.properties.expect("properties").into_iter().map(|(key, tag)| (key, text(tag))).collect())
        .collect()
}

fn total(marks: &[Mark]) -> u64 {
    marks.iter().map(|mark| mark["count"].parse::<u64>().expect("a number")).sum()
}

async fn world(manager: &Manager, z: u8, filter: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    for x in 0..1 << z {
        for y in 0..1 << z {
            marks.extend(tile(manager, z, x, y, filter).await);
        }
    }
    marks
}

async fn count(manager: &Manager, filter: &str) -> u64 {
    manager.get(&format!("/observations/count?{filter}")).await["total"].as_u64().expect("a number")
}

#[tokio::test]
async fn tiles_counts_and_lists_of_one_filter_agree() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    let mut random = StdRng::seed_from_u64(4);
    let mut sent = Vec::new();
    for n in 0..400_u32 {
        let mut set = json!({ "category": CATEGORIES[n as usize % 3], "notes": format!("note {}", n % 7) });
        if n % 5 > 0 {
            set["location"] = json!({ "lat": random.random_range(-84.0..84.0), "lon": random.random_range(-180.0..180.0) });
        }
        sent.push(observation(&device, n, set));
    }
    device.send(lines(&sent.iter().collect::<Vec<_>>())).await;

    let filters = [
        "",
        "category=mining",
        "category=logging&exported=no",
        "exported=yes",
        "q=note%203",
        "bbox=-80,-20,60,40",
        "within=-80%20-20,60%20-20,60%2040,-80%2040",
        "within=-80%20-20,60%20-20,0%2070",
        "category=nothing",
        "from=2030-01-01",
    ];
    let mut shown = Vec::new();
    for filter in filters {
        let expected = count(&manager, &format!("{filter}&has=location")).await;
        for z in 0..=3 {
            let marks = world(&manager, z, filter).await;
            assert_eq!(total(&marks), expected, "zoom {z}, {filter}");
        }
        shown.push(expected);
    }
    assert_eq!(shown[0], 320);
    assert!(shown[1] > 0 && shown[1] < 320 && shown[3] == 0 && shown[4] > 0 && shown[8] == 0 && shown[9] == 0, "{shown:?}");
    // A box is an area with four corners.
    assert_eq!(shown[5], shown[6]);

    let categories = manager.get("/observations/categories").await;
    let counts: Vec<(&str, u64)> = categories["categories"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["category"].as_str().expect("a text"), one["count"].as_u64().expect("a number")))
        .collect();
    assert_eq!(counts, [("fishing", 134), ("logging", 133), ("mining", 133)]);
    for (category, counted) in counts {
        assert_eq!(count(&manager, &format!("category={category}")).await, counted);
    }
}

#[tokio::test]
async fn what_is_alone_on_the_map_says_what_it_is_and_news_show_at_once() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (device, manager) = (RawDevice::join(&hub, 1).await, Manager::of(&hub));
    // Tarapoto, and a step from it.
    let here = json!({ "category": "<b>fishing</b>", "location": { "lat": -6.48, "lon": -76.36 } });
    let first = observation(&device, 1, here.clone());
    device.send(lines(&[&first])).await;
    let marks = tile(&manager, 4, 4, 8, "").await;
    assert_eq!(marks.len(), 1);
    let doc = first.content().doc.to_string();
    let expected = [("category", "<b>fishing</b>"), ("count", "1"), ("doc", &doc), ("media", "false"), ("state", "whole")];
    assert_eq!(marks[0], expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());

    device.send(lines(&[&observation(&device, 2, here)])).await;
    let marks = tile(&manager, 4, 4, 8, "").await;
    assert_eq!(marks.len(), 1);
    assert_eq!(marks[0], [("count".to_owned(), "2".to_owned())].into());
    // A device sees its own, another one nothing.
    let stranger = RawDevice::join(&hub, 2).await;
    assert_eq!(
        stranger.call(Method::GET, "/tiles/observations/4/4/8.mvt").send().await.expect("an answer").status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        device.call(Method::GET, "/tiles/observations/4/4/8.mvt").send().await.expect("an answer").status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn what_is_no_tile_and_no_filter_is_said() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    for path in ["4/16/0.mvt", "23/0/0.mvt", "x/0/0.mvt", "0/0/0", "0/0/-1.mvt", "0/0/0.png", "300/0/0.mvt"] {
        let answer = manager.call(Method::GET, &format!("/tiles/observations/{path}")).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json::<Value>().await.expect("a problem")["code"], "not_found");
    }
    for filter in ["exported=maybe", "within=1%202", "within=0%200,1%201,x", "has=wings", "bbox=1,2,3", "bbox=1,2,x,3,4"] {
        for path in ["/observations", "/observations/count", "/observations/categories", "/tiles/observations/0/0/0.mvt"] {
            let answer = manager.call(Method::GET, &format!("{path}?{filter}")).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}?{filter}");
        }
    }
}

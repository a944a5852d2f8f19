//! What an analysis counts: by week and category, and where; under the filter of a list, and never more than was asked.

use maloca_protocol::{DocId, Draft, ValidRevision};
use maloca_tests::device::{RawDevice, lines};
use maloca_tests::hub::{TestHub, folder};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn observation(device: &RawDevice, n: u32, set: Value) -> ValidRevision {
    let Value::Object(set) = set else { panic!("no object") };
    let mut draft = Draft::new("observation", DocId::from_source("analysis", &n.to_string()), 1_700_000_000_000);
    draft.set = set;
    draft.sign(&device.key).expect("a sound revision")
}

/// 200 observations over four weeks, three categories, every fifth one without a place.
async fn filled(hub: &TestHub) -> Manager {
    let device = RawDevice::join(hub, 1).await;
    let sent: Vec<_> = (0..200_u32)
        .map(|n| {
            let day = n % 28 + 1;
            let category = ["fishing", "logging", "mining"][n as usize % 3];
            let mut set = json!({ "category": category, "notes": format!("note {}", n % 7),
                "observed_at": format!("2026-11-{day:02}T02:00:00Z") });
            if n % 5 > 0 {
                set["location"] = json!({ "lat": -6.0 - f64::from(n) / 100.0, "lon": -76.0 });
            }
            observation(&device, n, set)
        })
        .collect();
    device.send(lines(&sent.iter().collect::<Vec<_>>())).await;
    Manager::of(hub)
}

async fn total(manager: &Manager, filter: &str) -> u64 {
    manager.get(&format!("/observations/count?{filter}")).await["total"].as_u64().expect("a number")
}

async fn groups(manager: &Manager, query: &str) -> Vec<Value> {
    let answer = manager.get(&format!("/observations/counts?{query}")).await;
    assert_eq!(answer["left"], 0, "{query}");
    answer["groups"].as_array().expect("a list").clone()
}

fn sum(groups: &[Value]) -> u64 {
    groups.iter().map(|group| group["count"].as_u64().expect("a number")).sum()
}

#[tokio::test]
async fn counts_by_week_and_category_add_up_to_the_count() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = filled(&hub).await;
    for filter in
        ["", "category=mining", "q=note%203", "within=-77%20-7,-75%20-7,-75%20-6,-77%20-6", "from=2026-11-10", "category=no"]
    {
        let expected = total(&manager, filter).await;
        for by in ["week", "category", "week,category"] {
            assert_eq!(sum(&groups(&manager, &format!("by={by}&zone=-300&{filter}")).await), expected, "{by}, {filter}");
        }
    }
    let weeks = |groups: Vec<Value>| -> Vec<String> {
        groups.iter().map(|group| group["week"].as_str().expect("a day").to_owned()).collect()
    };
    // The first of November 2026 is a Sunday; two in the morning there is still Saturday in Peru.
    let utc = weeks(groups(&manager, "by=week").await);
    assert_eq!(utc, ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23"]);
    let first = groups(&manager, "by=week").await[0]["count"].as_u64();
    let peru = groups(&manager, "by=week&zone=-300").await;
    assert!(peru[0]["count"].as_u64() > first, "Monday the second belongs to the week before, five hours to the west");
    let both = groups(&manager, "by=week,category&category=mining").await;
    assert!(both.iter().all(|group| group["category"] == "mining" && group["week"].is_string()));
}

#[tokio::test]
async fn places_are_the_newest_and_say_whether_there_are_more() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = filled(&hub).await;
    for filter in ["", "category=logging", "q=note%203"] {
        let answer = manager.get(&format!("/observations/points?{filter}")).await;
        let points = answer["points"].as_array().expect("a list");
        assert_eq!(points.len() as u64, total(&manager, &format!("{filter}&has=location")).await, "{filter}");
        assert_eq!(answer["more"], false);
    }
    let some = manager.get("/observations/points?limit=10").await;
    assert_eq!((some["points"].as_array().map(Vec::len), &some["more"]), (Some(10), &json!(true)));
    let newest = &some["points"][0];
    assert_eq!(newest["doc"], DocId::from_source("analysis", "199").to_string());
    assert_eq!((&newest["lat"], &newest["lon"], &newest["category"]), (&json!(-7.99), &json!(-76.0), &json!("logging")));
    // A device counts and sees its own alone.
    let stranger = RawDevice::join(&hub, 2).await;
    assert_eq!(stranger.get("/observations/points").await["points"], json!([]));
    assert_eq!(stranger.get("/observations/counts?by=week").await["groups"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_meant_is_said() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let wrong = [
        "counts",
        "counts?by=day",
        "counts?by=week&zone=900",
        "counts?by=week&zone=x",
        "counts?by=week&has=wings",
        "points?bbox=1",
    ];
    for path in wrong {
        let answer = manager.call(Method::GET, &format!("/observations/{path}")).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
}

//! Lists of observations: read from either end, from any place, by cursors both ways, they are the same list.

use maloca_tests::device::{RawDevice, lines};
use maloca_tests::hub::{TestHub, folder};
use maloca_tests::manager::Manager;
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// Ids on a page, and its two points.
struct Page {
    docs: Vec<String>,
    next: Option<String>,
    previous: Option<String>,
}

async fn page(manager: &Manager, asked: &str) -> Page {
    let answer = manager.get(&format!("/observations?{asked}")).await;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Page {
        docs: answer["observations"].as_array().expect("a list").iter().filter_map(|one| text(&one["doc"])).collect(),
        next: text(&answer["next"]),
        previous: text(&answer["previous"]),
    }
}

/// A hub with observations of two categories, some of them edited, so that the orders differ.
async fn filled(hub: &TestHub) -> Manager {
    let device = RawDevice::join(hub, 1).await;
    let mut sent = Vec::new();
    for n in 0..60_i64 {
        let mut draft = maloca_protocol::Draft::new(
            "observation",
            maloca_protocol::DocId::from_source("lists", &n.to_string()),
            1_700_000_000_000 + (n * 37 % 60) * 1000,
        );
        let category = if n % 3 == 0 { "mining" } else { "fishing" };
        draft.set.insert("category".into(), category.into());
        draft.set.insert("notes".into(), format!("note {}", n % 4).into());
        sent.push(draft.sign(&device.key).expect("a sound revision"));
    }
    let body = lines(&sent.iter().collect::<Vec<_>>());
    assert_eq!(device.call(Method::POST, "/revisions").body(body).send().await.expect("an answer").status(), StatusCode::OK);
    Manager::of(hub)
}

#[tokio::test]
async fn a_list_is_the_same_from_either_end_and_from_any_place() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = filled(&hub).await;
    for filter in ["sort=received", "sort=observed", "category=mining", "sort=observed&category=fishing", "q=note%202"] {
        let whole = page(&manager, &format!("{filter}&limit=500")).await;
        assert!(whole.docs.len() >= 15 && whole.next.is_none(), "{filter}");
        let mut turned = page(&manager, &format!("{filter}&limit=500&order=oldest")).await.docs;
        turned.reverse();
        assert_eq!(turned, whole.docs, "{filter}");

        for skip in [0, 1, 7, whole.docs.len() - 3, whole.docs.len(), whole.docs.len() + 5] {
            let from = skip.min(whole.docs.len());
            let middle = page(&manager, &format!("{filter}&limit=5&skip={skip}")).await;
            assert_eq!(middle.docs, whole.docs[from..(from + 5).min(whole.docs.len())], "{filter}, from {skip}");
            // From a place in the middle it goes on both ways without passing over anything again.
            if let Some(next) = &middle.next {
                let below = page(&manager, &format!("{filter}&limit=4&after={next}")).await;
                assert_eq!(below.docs, whole.docs[from + 5..(from + 9).min(whole.docs.len())], "{filter}, below {skip}");
            }
            assert_eq!(middle.previous.is_none(), middle.docs.is_empty());
            if let Some(previous) = &middle.previous {
                let mut above = page(&manager, &format!("{filter}&limit=4&order=oldest&after={previous}")).await.docs;
                above.reverse();
                assert_eq!(above, whole.docs[from.saturating_sub(4)..from], "{filter}, above {skip}");
            }
        }
    }
}

#[tokio::test]
async fn an_order_that_is_not_known_is_refused() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let answer = Manager::of(&hub).call(Method::GET, "/observations?order=best").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

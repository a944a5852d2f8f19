//! Devices without a token: they sign each request, over plain http too, and what they signed is carried out once.

use maloca_protocol::rest::{BASE, PairRequest};
use maloca_protocol::signed::{NONCE_HEADER, Signed};
use maloca_protocol::{DeviceId, DeviceKey, DocId, Draft};
use maloca_tests::device::{client, lines};
use maloca_tests::hub::{CODE, TestHub, folder};
use maloca_tests::manager::Manager;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

/// A browser's device, on plain http.
struct Signer {
    key: DeviceKey,
    hub: DeviceId,
    url: String,
    nonce: String,
    count: u64,
}

impl Signer {
    /// Without joining.
    async fn at(hub: &TestHub) -> Self {
        let answer: Value = get(&format!("{}{BASE}/nonce", hub.http())).await.json().await.expect("JSON");
        Self {
            key: DeviceKey::generate(),
            hub: answer["hub"].as_str().and_then(|id| id.parse().ok()).expect("an id"),
            url: hub.http().to_owned(),
            nonce: answer["nonce"].as_str().expect("a nonce").to_owned(),
            count: 0,
        }
    }

    async fn joined(hub: &TestHub) -> Self {
        let device = Self::at(hub).await;
        let answer = device.join(CODE).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(
            (&answer["token"], &answer["hub"]),
            (&Value::Null, &json!(device.hub.to_string())),
            "no token over plain http"
        );
        device
    }

    async fn join(&self, code: &str) -> Response {
        let request = PairRequest::new(&self.key, &self.hub, "Rosa", code, None);
        client().post(format!("{}{BASE}/pair", self.url)).json(&request).send().await.expect("an answer")
    }

    fn sign(&mut self, method: &Method, path: &str, body: &[u8]) -> String {
        self.count += 1;
        Signed::new(&self.key, &self.hub, method.as_str(), &format!("{BASE}{path}"), body, &self.nonce, self.count).to_string()
    }

    async fn send(&self, method: Method, path: &str, body: &[u8], authorization: &str) -> Response {
        let request = client().request(method, format!("{}{BASE}{path}", self.url)).header("authorization", authorization);
        request.body(body.to_vec()).send().await.expect("an answer")
    }

    async fn ask(&mut self, method: Method, path: &str, body: &[u8]) -> Response {
        let authorization = self.sign(&method, path, body);
        self.send(method, path, body, &authorization).await
    }

    fn record(&self, own_id: &str) -> Vec<u8> {
        let mut draft = Draft::new("observation", DocId::from_source("signed", own_id), 1_795_000_000_000);
        draft.set.insert("notes".into(), own_id.into());
        lines(&[&draft.sign(&self.key).expect("a sound revision")])
    }
}

async fn get(url: &str) -> Response {
    client().get(url).send().await.expect("an answer")
}

async fn code_of(answer: Response) -> (StatusCode, String) {
    let status = answer.status();
    let problem: Value = answer.json().await.expect("JSON");
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_browser_hands_over_by_its_signature_and_nothing_is_carried_out_twice() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let (mut device, manager) = (Signer::joined(&hub).await, Manager::of(&hub));
    let body = device.record("one");
    let authorization = device.sign(&Method::POST, "/revisions", &body);
    let answer = device.send(Method::POST, "/revisions", &body, &authorization).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(manager.get("/admin/overview").await["counts"]["observations"], 1);

    // Whoever overheard it sends it again, or something else under the same signature.
    let answer = device.send(Method::POST, "/revisions", &body, &authorization).await;
    let fresh = answer.headers()[NONCE_HEADER].to_str().expect("a text").to_owned();
    assert_eq!(code_of(answer).await, (StatusCode::UNAUTHORIZED, "nonce_stale".into()));
    let other = device.record("two");
    let authorization = device.sign(&Method::POST, "/revisions", &body);
    let refused = code_of(device.send(Method::POST, "/revisions", &other, &authorization).await).await;
    assert_eq!(refused, (StatusCode::FORBIDDEN, "bad_signature".into()));
    let refused = code_of(device.send(Method::GET, "/presets?x=1", b"", &device.sign_for_test("/presets")).await).await;
    assert_eq!(refused, (StatusCode::FORBIDDEN, "bad_signature".into()));
    assert_eq!(manager.get("/admin/overview").await["counts"]["observations"], 1);

    // It goes on with the nonce that the refusal brought, from the count that it likes.
    device.nonce = fresh;
    device.count = 900;
    assert_eq!(device.ask(Method::POST, "/revisions", &other).await.status(), StatusCode::OK);
    assert_eq!(device.ask(Method::GET, "/presets", b"").await.status(), StatusCode::OK);
    let card = manager.card(&device.key.id()).await;
    assert_eq!((&card["name"], &card["observations"]["here"]), (&json!("Rosa"), &json!(2)));

    // The manager's calls are not a device's.
    assert_eq!(device.ask(Method::GET, "/admin/overview", b"").await.status(), StatusCode::UNAUTHORIZED);
    // A hub that was started again knows none of its nonces.
    drop(hub);
    let hub = TestHub::start(data.path());
    device.url = hub.http().to_owned();
    let answer = device.ask(Method::GET, "/presets", b"").await;
    device.nonce = answer.headers()[NONCE_HEADER].to_str().expect("a text").to_owned();
    assert_eq!(code_of(answer).await.1, "nonce_stale");
    assert_eq!(device.ask(Method::GET, "/presets", b"").await.status(), StatusCode::OK);
}

impl Signer {
    /// A count that nothing else uses.
    fn sign_for_test(&self, path: &str) -> String {
        Signed::new(&self.key, &self.hub, "GET", &format!("{BASE}{path}"), b"", &self.nonce, 1_000_000).to_string()
    }
}

#[tokio::test]
async fn who_is_not_in_is_refused_and_named() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let mut stranger = Signer::at(&hub).await;
    let refused = code_of(stranger.ask(Method::GET, "/presets", b"").await).await;
    assert_eq!(refused, (StatusCode::UNAUTHORIZED, "session_missing".into()));
    let away = manager.get("/admin/overview").await["turned_away"].clone();
    assert_eq!((&away[0]["device"], &away[0]["code"]), (&json!(stranger.key.id().to_string()), &json!("session_missing")));

    let mut device = Signer::joined(&hub).await;
    assert_eq!(device.ask(Method::GET, "/presets", b"").await.status(), StatusCode::OK);
    let revoke = format!("/admin/devices/{}/revoke", device.key.id());
    assert!(manager.call(Method::POST, &revoke).send().await.expect("an answer").status().is_success());
    let refused = code_of(device.ask(Method::GET, "/presets", b"").await).await;
    assert_eq!(refused, (StatusCode::UNAUTHORIZED, "session_missing".into()));
}

#[tokio::test]
async fn a_code_that_was_heard_is_another_one_afterwards() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let opened: Value = manager.call(Method::POST, "/admin/pairing").send().await.expect("an answer").json().await.expect("JSON");
    let code = opened["code"].as_str().expect("a code");
    assert_eq!(Signer::at(&hub).await.join(code).await.status(), StatusCode::OK);
    let now = manager.get("/admin/pairing").await;
    assert_ne!(now["code"], opened["code"]);
    assert_eq!(now["expires_at"], opened["expires_at"]);
    let refused = code_of(Signer::at(&hub).await.join(code).await).await;
    assert_eq!(refused, (StatusCode::FORBIDDEN, "wrong_code".into()));
}

#[tokio::test]
async fn only_pages_of_named_origins_may_ask() {
    const ORIGIN: &str = "https://maloca.example.org";
    let data = folder();
    let hub = TestHub::start_with(data.path(), &["--allow-origin", "https://Maloca.example.org/"]);
    let url = format!("{}{BASE}/revisions", hub.http());
    let beforehand = async |origin: &str| {
        let request = client().request(Method::OPTIONS, &url).header("origin", origin);
        let request =
            request.header("access-control-request-method", "POST").header("access-control-request-private-network", "true");
        request.send().await.expect("an answer")
    };
    let answer = beforehand(ORIGIN).await;
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("a text").to_owned());
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(header("access-control-allow-origin").as_deref(), Some(ORIGIN));
    assert_eq!(header("access-control-allow-private-network").as_deref(), Some("true"));
    assert_eq!(header("access-control-allow-credentials"), None);
    assert!(header("access-control-allow-headers").is_some_and(|names| names.contains("authorization")));
    assert!(!beforehand("https://evil.example").await.headers().contains_key("access-control-allow-origin"));

    let nonce = client().get(format!("{}{BASE}/nonce", hub.http())).header("origin", ORIGIN).send().await.expect("an answer");
    assert_eq!(nonce.headers()["access-control-allow-origin"], ORIGIN);
    let device = Signer::at(&hub).await;
    let join = async |origin: &str| {
        let request = PairRequest::new(&device.key, &device.hub, "Rosa", CODE, None);
        let call = client().post(format!("{}{BASE}/pair", hub.http())).header("origin", origin).json(&request);
        call.send().await.expect("an answer").status()
    };
    assert_eq!(join("https://evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(join(ORIGIN).await, StatusCode::OK);
}
